/** WATCH: every way in which a watched key changes voids the transaction, and nothing else does. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

const START_MS = 1_700_000_000_000;

interface Case {
  name: string;
  /** Commands before WATCH key, by the watching client. */
  before?: string[][];
  /** Commands of another client between WATCH and EXEC; a number moves the clock by so many ms. */
  between: (string[] | number)[];
  isVoid: boolean;
}

// deno-fmt-ignore
const CASES: readonly Case[] = [
  { name: "nothing", between: [], isVoid: false },
  { name: "a change of another key", between: [["SET", "other", "1"]], isVoid: false },
  { name: "a read of the key", before: [["SET", "key", "1"]], between: [["GET", "key"]], isVoid: false },
  { name: "a write", between: [["SET", "key", "1"]], isVoid: true },
  { name: "a write of the same value", before: [["SET", "key", "1"]], between: [["SET", "key", "1"]], isVoid: true },
  { name: "a write that changes nothing", before: [["SADD", "key", "a"]], between: [["SADD", "key", "a"]], isVoid: false },
  { name: "a failed write", before: [["SET", "key", "1"]], between: [["LPUSH", "key", "1"]], isVoid: false },
  { name: "a deletion", before: [["SET", "key", "1"]], between: [["DEL", "key"]], isVoid: true },
  { name: "the deletion of a missing key", between: [["DEL", "key"]], isVoid: false },
  { name: "a new expiry", before: [["SET", "key", "1"]], between: [["EXPIRE", "key", "100"]], isVoid: true },
  { name: "a rename to the key", before: [["SET", "from", "1"]], between: [["RENAME", "from", "key"]], isVoid: true },
  { name: "a rename of the key", before: [["SET", "key", "1"]], between: [["RENAME", "key", "to"]], isVoid: true },
  { name: "a copy to the key", before: [["SET", "from", "1"]], between: [["COPY", "from", "key"]], isVoid: true },
  { name: "a move of the key", before: [["SET", "key", "1"]], between: [["MOVE", "key", "1"]], isVoid: true },
  { name: "a result stored in the key", before: [["RPUSH", "l", "1"]], between: [["SORT", "l", "STORE", "key"]], isVoid: true },
  { name: "FLUSHALL of the key", before: [["SET", "key", "1"]], between: [["FLUSHALL"]], isVoid: true },
  { name: "FLUSHDB of the key", before: [["SET", "key", "1"]], between: [["FLUSHDB"]], isVoid: true },
  { name: "FLUSHALL without the key", between: [["FLUSHALL"]], isVoid: false },
  { name: "FLUSHDB elsewhere", before: [["SET", "key", "1"]], between: [["SELECT", "1"], ["FLUSHDB"]], isVoid: false },
  { name: "SWAPDB that takes the key away", before: [["SET", "key", "1"]], between: [["SWAPDB", "0", "1"]], isVoid: true },
  { name: "SWAPDB that brings the key", between: [["SELECT", "1"], ["SET", "key", "1"], ["SWAPDB", "0", "1"]], isVoid: true },
  { name: "SWAPDB without the key", between: [["SWAPDB", "0", "1"]], isVoid: false },
  { name: "a key of that name in another database", between: [["SELECT", "1"], ["SET", "key", "1"]], isVoid: false },
  { name: "the end of its time", before: [["SET", "key", "1", "PX", "50"]], between: [51], isVoid: true },
  { name: "the end of its time, met by another", before: [["SET", "key", "1", "PX", "50"]], between: [51, ["GET", "key"]], isVoid: true },
  { name: "time before its end", before: [["SET", "key", "1", "PX", "50"]], between: [49], isVoid: false },
  { name: "a transaction of another", between: [["MULTI"], ["SET", "key", "1"], ["EXEC"]], isVoid: true },
];

for (const { name, before = [], between, isVoid } of CASES) {
  Deno.test(`${name} ${isVoid ? "voids" : "does not void"} a transaction`, () => {
    using server = new EmbeddedServer();
    clock.setTimeForTests(START_MS);
    try {
      const other = server.connect();
      for (const command of before) server.run(...command);
      server.run("WATCH", "key");
      for (const action of between) {
        if (typeof action === "number") clock.advanceForTests(action);
        else other.run(...action);
      }
      server.run("MULTI");
      server.run("PING");
      assertEquals(server.run("EXEC"), isVoid ? null : ["PONG"]);
      assertEquals([server.server.watch.watchCount, server.client.client.watchedKeys], [0, []]);
    } finally {
      clock.useRealTime();
    }
  });
}

Deno.test("a key that had expired when it was watched does not void by vanishing, but by coming back", () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(START_MS);
  try {
    const other = server.connect();
    for (const comesBack of [false, true]) {
      server.run("SET", "key", "1", "PX", "50");
      server.run("DEBUG", "SET-ACTIVE-EXPIRE", "0");
      clock.advanceForTests(51);
      server.run("WATCH", "key");
      assertEquals(other.run("GET", "key"), null);
      if (comesBack) other.run("SET", "key", "2");
      server.run("MULTI");
      assertEquals(server.run("EXEC"), comesBack ? null : []);
    }
  } finally {
    clock.useRealTime();
  }
});

Deno.test("one's own change voids the transaction too, a change inside of it does not", () => {
  using server = new EmbeddedServer();
  server.run("WATCH", "key");
  server.run("SET", "key", "1");
  server.run("MULTI");
  assertEquals(server.run("EXEC"), null);
  server.run("WATCH", "key");
  server.run("MULTI");
  server.run("SET", "key", "2");
  server.run("GET", "key");
  assertEquals(server.run("EXEC"), ["OK", "2"]);
});

for (const words of [["UNWATCH"], ["MULTI", "DISCARD"], ["MULTI", "EXEC"], ["RESET"]]) {
  Deno.test(`${words.join(" and ")} forgets the watched keys`, () => {
    using server = new EmbeddedServer();
    server.run("WATCH", "a", "b", "a");
    assertEquals(server.server.watch.watchCount, 2);
    for (const word of words) server.run(word);
    assertEquals(server.server.watch.watchCount, 0);
    server.connect().run("SET", "a", "1");
    server.run("MULTI");
    assertEquals(server.run("EXEC"), []);
  });
}

Deno.test("keys watched by several clients void the transactions of all, and of none that left", () => {
  using server = new EmbeddedServer();
  const clients = [server.connect(), server.connect(), server.connect()];
  for (const client of clients) client.run("WATCH", "key");
  clients[2].close();
  assertEquals(server.server.watch.watchCount, 2);
  server.run("SET", "key", "1");
  for (const client of clients.slice(0, 2)) {
    client.run("MULTI");
    assertEquals(client.run("EXEC"), null);
  }
});

Deno.test("an evicted key voids the transaction", () => {
  using server = new EmbeddedServer();
  const { keyspace } = server.server;
  server.run("SET", "key", "1");
  server.run("WATCH", "key");
  const [db] = keyspace.databases;
  db.removeEvicted(db.findRaw(new TextEncoder().encode("key"), 0, 3));
  server.run("MULTI");
  assertEquals(server.run("EXEC"), null);
});
