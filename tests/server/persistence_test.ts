/** Persistence: when writers are refused, and when they are let in again. */
import { assert, assertEquals } from "@std/assert";
import { GATE_MISCONF } from "../../src/server/dispatch.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { type Errno, SimulatedFiles } from "../support/simulated_files.ts";

Deno.test("after a failed save writers and PING are refused, readers are not, until it is healed", () => {
  const files = new SimulatedFiles();
  using server = new EmbeddedServer([["save", "900 1"]], { files });
  const { server: inner } = server;
  inner.log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  inner.config.dir = "/data";
  assertEquals(server.raw("SET", "a", "1"), "+OK\r\n");
  files.failure = (name): Errno | null => name === "write" ? "ENOSPC" : null;
  inner.persistence.rdb.lastStatusOk = false;
  // It tries to save, cannot, and looks again whether writers must be refused.
  inner.persistence.afterFlushAll();
  assert((inner.gate & GATE_MISCONF) !== 0);
  for (const command of [["SET", "a", "2"], ["DEL", "a"], ["PING"]]) {
    const reply = server.raw(...command);
    assert(reply.startsWith("-MISCONF Redis is configured to save RDB snapshots"), reply);
  }
  assertEquals(server.raw("GET", "a"), "$1\r\n1\r\n");
  server.run("MULTI");
  assert(server.raw("SET", "a", "3").startsWith("-MISCONF"));
  assert(server.raw("EXEC").startsWith("-EXECABORT"));
  files.failure = null;
  assertEquals(server.raw("SAVE"), "+OK\r\n");
  assertEquals(server.raw("SET", "a", "2"), "+OK\r\n");
});

Deno.test("nothing to record lets replies go at once", () => {
  using server = new EmbeddedServer();
  assertEquals([server.server.commandLog, server.server.persistence.beforeReplies()], [null, true]);
});
