/** Waiting list commands: order of service, timeouts, what wakes them, and the AOF. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

Deno.test("waiting clients are served in the order of their arrival", () => {
  using server = new EmbeddedServer();
  const [first, second, third] = [server.connect(), server.connect(), server.connect()];
  first.send("BLPOP", "k", "0");
  second.send("BRPOP", "other", "k", "0");
  third.send("BLMPOP", "0", "1", "k", "LEFT", "COUNT", "5");
  assertEquals(server.run("RPUSH", "k", "a", "b"), 2);
  assertEquals(first.take(), [["k", "a"]]);
  assertEquals(second.take(), [["k", "b"]]);
  assertEquals(third.take(), []);
  assertEquals(server.run("EXISTS", "k"), 0);
  server.run("RPUSH", "k", "c", "d");
  assertEquals(third.take(), [["k", ["c", "d"]]]);
});

Deno.test("a waiting client is served by RENAME, COPY, LMOVE, SORT STORE and SWAPDB", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  const make = (...command: string[]) => {
    client.send("BLPOP", "k", "0");
    assertEquals(client.take(), []);
    server.run("RPUSH", "source", "x");
    server.run(...command);
    assertEquals(client.take(), [["k", "x"]], command[0]);
    server.run("DEL", "source");
  };
  make("RENAME", "source", "k");
  make("COPY", "source", "k");
  make("LMOVE", "source", "k", "LEFT", "LEFT");
  make("SORT", "source", "ALPHA", "STORE", "k");
  client.send("BLPOP", "k", "0");
  const other = server.connect();
  other.run("SELECT", "1");
  other.run("RPUSH", "k", "x");
  assertEquals(client.take(), []);
  server.run("SWAPDB", "0", "1");
  assertEquals(client.take(), [["k", "x"]]);
});

Deno.test("a key of another type wakes nobody", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.send("BLPOP", "k", "0");
  server.run("SADD", "k", "member");
  assertEquals(client.take(), []);
  server.run("DEL", "k");
  server.run("LPUSH", "k", "x");
  assertEquals(client.take(), [["k", "x"]]);
});

Deno.test("a transaction serves waiting clients at its end", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.send("BLPOP", "k", "0");
  server.run("MULTI");
  server.run("RPUSH", "k", "a");
  server.run("DEL", "k");
  server.run("RPUSH", "k", "b");
  assertEquals(server.run("EXEC"), [1, 1, 1]);
  assertEquals(client.take(), [["k", "b"]]);
});

Deno.test("BLMOVE serves a chain, and fails where the target is no list", () => {
  using server = new EmbeddedServer();
  const mover = server.connect();
  const taker = server.connect();
  taker.send("BRPOP", "b", "0");
  mover.send("BLMOVE", "a", "b", "LEFT", "RIGHT", "0");
  server.run("LPUSH", "a", "x");
  assertEquals(mover.take(), ["x"]);
  assertEquals(taker.take(), [["b", "x"]]);
  server.run("SET", "b", "string");
  mover.send("BRPOPLPUSH", "a", "b", "0");
  server.run("LPUSH", "a", "y");
  assertEquals(mover.takeRaw(), WRONG_TYPE);
  assertEquals(server.run("LRANGE", "a", "0", "-1"), ["y"]);
});

Deno.test("where blocking is not allowed, nothing is answered at once", () => {
  using server = new EmbeddedServer();
  server.run("MULTI");
  server.run("BLPOP", "k", "0");
  server.run("BRPOPLPUSH", "k", "l", "0");
  server.run("BLMPOP", "0", "1", "k", "LEFT");
  assertEquals(server.raw("EXEC"), "*3\r\n*-1\r\n$-1\r\n*-1\r\n");
});

Deno.test("a wait ends with its timeout", () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    using server = new EmbeddedServer();
    const client = server.connect();
    client.send("BLPOP", "k", "0.25");
    clock.advanceForTests(249);
    server.server.blocking.expireWaiting();
    assertEquals(client.takeRaw(), "");
    clock.advanceForTests(1);
    server.server.blocking.expireWaiting();
    assertEquals(client.takeRaw(), "*-1\r\n");
    client.send("BLMOVE", "k", "l", "LEFT", "LEFT", "1");
    clock.advanceForTests(1000);
    server.server.blocking.expireWaiting();
    assertEquals(client.takeRaw(), "*-1\r\n");
    server.run("LPUSH", "k", "x");
    assertEquals(client.run("LLEN", "k"), 1);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("serving a waiting client is recorded as what it does", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  const effects = new RecordedEffects(server);
  client.send("BLPOP", "k", "0");
  server.run("RPUSH", "k", "a");
  assertEquals(effects.takeLog(), ["RPUSH k a", "LPOP k"]);
  client.send("BLMOVE", "k", "to", "RIGHT", "LEFT", "0");
  server.run("RPUSH", "k", "a");
  assertEquals(effects.takeLog(), ["RPUSH k a", "LMOVE k to right left"]);
  client.send("BLMPOP", "0", "1", "k", "RIGHT", "COUNT", "3");
  server.run("RPUSH", "k", "a", "b");
  assertEquals(effects.takeLog(), ["RPUSH k a b", "RPOP k 2"]);
});
