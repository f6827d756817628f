/** Persistence: when writers are refused, and when they are let in again. */
import { assert, assertEquals } from "@std/assert";
import { GATE_MISCONF } from "../../src/server/dispatch.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

function refuseWrites(server: EmbeddedServer): void {
  const { rdb } = server.server.persistence;
  Object.defineProperty(rdb, "refusesWrites", { value: true, configurable: true });
}

Deno.test("after a failed save writers and PING are refused, readers are not, until it is healed", () => {
  using server = new EmbeddedServer();
  const { server: inner } = server;
  refuseWrites(server);
  assertEquals(server.raw("SET", "a", "1"), "+OK\r\n");
  inner.persistence.tick(0);
  assert((inner.gate & GATE_MISCONF) !== 0);
  for (const command of [["SET", "a", "2"], ["DEL", "a"], ["PING"]]) {
    const reply = server.raw(...command);
    assert(reply.startsWith("-MISCONF Redis is configured to save RDB snapshots"), reply);
  }
  assertEquals(server.raw("GET", "a"), "$1\r\n1\r\n");
  server.run("MULTI");
  assert(server.raw("SET", "a", "3").startsWith("-MISCONF"));
  assert(server.raw("EXEC").startsWith("-EXECABORT"));
  Object.defineProperty(inner.persistence.rdb, "refusesWrites", { value: false });
  inner.persistence.tick(0);
  assertEquals(server.raw("SET", "a", "2"), "+OK\r\n");
});

Deno.test("nothing to record lets replies go at once", () => {
  using server = new EmbeddedServer();
  assertEquals([server.server.commandLog, server.server.persistence.beforeReplies()], [null, true]);
});
