/**
 * MULTI, EXEC, DISCARD, WATCH, UNWATCH over several connections of one server.
 */

import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { GATE_LOADING, GATE_MISCONF } from "../../src/session/gates.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

const ABORTED = "-EXECABORT Transaction discarded because of previous errors.\r\n";

Deno.test("EXEC runs the queue in order and answers all results", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("MULTI"), "OK");
  for (const command of [["SET", "name", "guohu"], ["SET", "age", "28"], ["GET", "name"]]) {
    assertEquals(server.run(...command), "QUEUED");
  }
  assertEquals(server.run("EXEC"), ["OK", "OK", "guohu"]);
  assertEquals(server.raw("EXEC"), "-ERR EXEC without MULTI\r\n");
});

Deno.test("queues of several clients do not mix, one after the other and at the same time", () => {
  using server = new EmbeddedServer();
  const other = server.connect();
  for (const length of [1, 2000, 3, 40, 40]) {
    server.run("MULTI");
    other.run("MULTI");
    for (let index = 0; index < 20; index++) {
      server.run("RPUSH", "list", "a".repeat(length) + index);
      other.run("RPUSH", "others", "b".repeat(length) + index, "second");
    }
    assertEquals((server.run("EXEC") as unknown[]).at(-1), 20);
    assertEquals((other.run("EXEC") as unknown[]).at(-1), 40);
    const own = Array.from({ length: 20 }, (_, index) => "a".repeat(length) + index);
    const theirs = own.flatMap((text) => [text.replaceAll("a", "b"), "second"]);
    assertEquals(server.run("LRANGE", "list", "0", "-1"), own);
    assertEquals(server.run("LRANGE", "others", "0", "-1"), theirs);
    server.run("DEL", "list", "others");
  }
});

Deno.test("a failing command does not roll back the others", () => {
  using server = new EmbeddedServer();
  server.run("MULTI");
  server.run("SET", "name", "guohu");
  server.run("INCR", "name");
  server.run("GET", "name");
  const [first, second, third] = server.run("EXEC") as unknown[];
  assertEquals([first, third], ["OK", "guohu"]);
  assert(second instanceof RespError);
  assertEquals(second.message, "ERR value is not an integer or out of range");
});

Deno.test("a command refused while queuing aborts EXEC and runs nothing", () => {
  using server = new EmbeddedServer();
  for (const refused of [["SET", "key"], ["NOSUCH"], ["CONFIG", "NOSUCH"]]) {
    server.run("MULTI");
    server.run("SET", "key", "1");
    assert(server.run(...refused) instanceof RespError);
    assertEquals(server.raw("EXEC"), ABORTED);
    assertEquals(server.run("GET", "key"), null);
  }
});

Deno.test("MULTI and WATCH inside MULTI are errors that do not abort", () => {
  using server = new EmbeddedServer();
  server.run("MULTI");
  assertEquals(server.raw("MULTI"), "-ERR MULTI calls can not be nested\r\n");
  assertEquals(server.raw("WATCH", "key"), "-ERR WATCH inside MULTI is not allowed\r\n");
  server.run("PING");
  assertEquals(server.run("EXEC"), ["PONG"]);
});

/** What EXEC answers if another client sends `commands` after this one's WATCH of "key". */
function execAfter(prepare: string[][], commands: string[][], protocol = 2): string {
  using server = new EmbeddedServer();
  const other = server.connect();
  for (const command of prepare) server.run(...command);
  if (protocol === 3) server.run("HELLO", "3");
  server.run("WATCH", "key");
  for (const command of commands) other.run(...command);
  server.run("MULTI");
  server.run("PING");
  return server.raw("EXEC");
}

Deno.test("EXEC answers nil after any change of a watched key by another client", () => {
  const exists = [["SET", "key", "1"]];
  const nil = "*-1\r\n";
  assertEquals(execAfter([], [["SET", "key", "1"]]), nil);
  assertEquals(execAfter(exists, [["SET", "key", "1"]]), nil);
  assertEquals(execAfter(exists, [["DEL", "key"]]), nil);
  assertEquals(execAfter(exists, [["EXPIRE", "key", "100"]]), nil);
  assertEquals(execAfter(exists, [["FLUSHALL"]]), nil);
  assertEquals(execAfter(exists, [["FLUSHDB"]]), nil);
  assertEquals(execAfter(exists, [["SWAPDB", "0", "1"]]), nil);
  assertEquals(execAfter([["SET", "a", "1"]], [["RENAME", "a", "key"]]), nil);
  assertEquals(execAfter(exists, [["RENAME", "key", "a"]]), nil);
  assertEquals(execAfter([], [["MULTI"], ["SET", "key", "1"], ["EXEC"]]), nil);
  assertEquals(execAfter([], [["SET", "key", "1"], ["DEL", "key"]], 3), "_\r\n");
});

Deno.test("EXEC is not hindered by what does not change the watched key", () => {
  const pong = "*1\r\n+PONG\r\n";
  assertEquals(execAfter([], [["SET", "other", "1"]]), pong);
  assertEquals(execAfter([], [["SELECT", "1"], ["SET", "key", "1"]]), pong);
  assertEquals(execAfter([], [["FLUSHALL"]]), pong);
  assertEquals(execAfter([["SET", "key", "1"]], [["GET", "key"]]), pong);
  assertEquals(execAfter([["SET", "key", "1"]], [["SETNX", "key", "1"]]), pong);
});

Deno.test("a watched key that expires makes EXEC answer nil", () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(1_700_000_000_000);
  try {
    for (const meets of [true, false]) {
      server.run("SET", "key", "1", "PX", "10");
      server.run("WATCH", "key");
      server.run("MULTI");
      server.run("PING");
      clock.advanceForTests(20);
      if (meets) assertEquals(server.connect().run("EXISTS", "key"), 0);
      assertEquals(server.run("EXEC"), null);
    }
  } finally {
    clock.useRealTime();
  }
});

Deno.test("UNWATCH, DISCARD and EXEC forget the watches", () => {
  using server = new EmbeddedServer();
  const other = server.connect();
  const forget = [[["UNWATCH"]], [["MULTI"], ["DISCARD"]], [["MULTI"], ["EXEC"]]];
  for (const commands of forget) {
    server.run("WATCH", "key", "key", "other");
    for (const command of commands) server.run(...command);
    other.run("SET", "key", "1");
    server.run("MULTI");
    server.run("PING");
    assertEquals(server.run("EXEC"), ["PONG"]);
  }
  assertEquals(server.server.watch.watchCount, 0);
});

Deno.test("a client that leaves takes its watches and its queue along", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.run("WATCH", "key");
  client.run("MULTI");
  client.run("SET", "key", "1");
  client.close();
  assertEquals(server.server.watch.watchCount, 0);
  assertEquals(server.run("GET", "key"), null);
});

Deno.test("blocking commands do not block inside a transaction", () => {
  using server = new EmbeddedServer();
  server.run("MULTI");
  server.run("BLPOP", "none", "0");
  server.run("PING");
  assertEquals(server.run("EXEC"), [null, "PONG"]);
});

const OOM_ABORT = "-EXECABORT Transaction discarded because of: OOM command not allowed when " +
  "used memory > 'maxmemory'.\r\n";

Deno.test("EXEC is refused for want of memory if any of its commands would be", () => {
  for (
    const [queued, expected] of [
      [[["GET", "key"], ["SET", "key", "1"]], OOM_ABORT],
      [[["SET", "key", "1"], ["NOSUCH"]], OOM_ABORT],
      [[["GET", "key"], ["DEL", "key"]], "*2\r\n$-1\r\n:0\r\n"],
    ] as const
  ) {
    using server = new EmbeddedServer();
    const other = server.connect();
    server.run("MULTI");
    for (const command of queued) server.run(...command);
    other.run("CONFIG", "SET", "maxmemory", "1");
    assertEquals(server.raw("EXEC"), expected);
    other.run("CONFIG", "SET", "maxmemory", "0");
    assertEquals(server.raw("GET", "key"), "$-1\r\n");
    assertEquals(server.raw("DISCARD"), "-ERR DISCARD without MULTI\r\n");
  }
});

Deno.test("EXEC with a write is refused while the disk cannot be written; of reads it runs", () => {
  for (const [queued, isRefused] of [["SET", true], ["GET", false], ["PING", false]] as const) {
    using server = new EmbeddedServer([["save", "3600 1"]]);
    server.run("MULTI");
    server.run(...{ SET: ["SET", "key", "1"], GET: ["GET", "key"], PING: ["PING"] }[queued]);
    server.server.persistence.rdb.lastStatusOk = false;
    server.server.gates.set(GATE_MISCONF, true);
    const reply = server.raw("EXEC");
    const start =
      "-EXECABORT Transaction discarded because of: MISCONF Redis is configured to save";
    assertEquals(reply.startsWith(start), isRefused, reply);
  }
});

Deno.test("EXEC is refused while loading if any of its commands would be", () => {
  using server = new EmbeddedServer();
  server.run("MULTI");
  server.run("PING");
  server.run("GET", "key");
  server.server.gates.set(GATE_LOADING, true);
  assertEquals(
    server.raw("EXEC"),
    "-EXECABORT Transaction discarded because of: LOADING Redis is loading the dataset in memory\r\n",
  );
  server.server.gates.set(GATE_LOADING, false);
  server.run("MULTI");
  server.run("INFO", "server");
  server.server.gates.set(GATE_LOADING, true);
  assert(server.raw("EXEC").startsWith("*1\r\n$"));
});
