/** MEMORY: options, and the figures of MEMORY STATS. Sizes: value_kinds_memory_test.ts. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Plain, RespError } from "../support/resp_reply.ts";

Deno.test("MEMORY USAGE of a missing key is nil, and its options are checked", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("MEMORY", "USAGE", "nosuch"), null);
  const errors = [
    ["k SAMPLES", "ERR syntax error"],
    ["k SAMPLES -1", "ERR syntax error"],
    ["k SAMPLES x", "ERR value is not an integer or out of range"],
    ["k COUNT 1", "ERR syntax error"],
  ];
  for (const [words, message] of errors) {
    const reply = server.run("MEMORY", "USAGE", ...words.split(" "));
    assertEquals((reply as RespError).message, message);
  }
});

Deno.test("MEMORY USAGE of the least key counts its entry and its place in the table", () => {
  using server = new EmbeddedServer([["enable-debug-command", "yes"]]);
  server.run("SET", "foo", "bar");
  const alone = server.run("MEMORY", "USAGE", "foo") as number;
  assert(alone > 16 && alone <= 16 + 64, `${alone}`);
  server.run("DEBUG", "POPULATE", "10000");
  server.run("PEXPIRE", "foo", "100000");
  const expiring = server.run("MEMORY", "USAGE", "foo") as number;
  server.run("PERSIST", "foo");
  assert(expiring > (server.run("MEMORY", "USAGE", "foo") as number));
});

Deno.test("the sum of MEMORY USAGE over all keys is what the data and the tables take", () => {
  using server = new EmbeddedServer();
  const { arena } = server.server;
  const emptyBytes = arena.usedBytes;
  const words = Array.from({ length: 400 }, (_, index) => `member number ${index}`);
  for (let index = 0; index < 3000; index++) {
    server.run("SET", `s${index}`, "x".repeat(index % 100));
    if (index % 3 === 0) server.run("PEXPIRE", `s${index}`, "1000000");
    server.run("HSET", `h${index}`, "field", index);
    if (index % 50 !== 0) continue;
    server.run("RPUSH", `list${index}`, ...words);
    server.run("SADD", `set${index}`, ...words.slice(0, index));
    server.run("SADD", `intset${index}`, 1, 2, 3, index);
    server.run("ZADD", `zset${index}`, ...words.flatMap((word) => ["1", word]));
    server.run("HSET", `hash${index}`, ...words);
    server.run("SETRANGE", `long${index}`, 100_000, "x");
  }
  for (const [samples, tolerance] of [["0", 0.002], ["5", 0.05]] as const) {
    let sum = 0;
    for (const key of server.run("KEYS", "*") as string[]) {
      sum += server.run("MEMORY", "USAGE", key, "SAMPLES", samples) as number;
    }
    const used = arena.usedBytes - emptyBytes;
    assert(Math.abs(sum - used) < used * tolerance, `SAMPLES ${samples}: ${sum} of ${used}`);
  }
});

Deno.test("MEMORY STATS has the fields of Redis, one group per database", () => {
  using server = new EmbeddedServer();
  server.run("SET", "a", "1");
  server.run("SELECT", "3");
  server.run("SET", "a", "1");
  const reply = server.run("MEMORY", "STATS") as Plain[];
  const fields = new Map<Plain, Plain>();
  for (let index = 0; index < reply.length; index += 2) fields.set(reply[index], reply[index + 1]);
  assertEquals([...fields.keys()].slice(8, 13), [
    ...["lua.caches", "functions.caches", "db.0", "db.3", "overhead.total"],
  ]);
  assertEquals(fields.get("keys.count"), 2);
  const outsideBytes = Number(fields.get("total.allocated")) - server.server.arena.usedBytes;
  assertEquals(outsideBytes, fields.get("clients.normal"));
  assertEquals((fields.get("db.3") as Plain[]).length, 6);
});

Deno.test("MEMORY PURGE, DOCTOR and MALLOC-STATS answer", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("MEMORY", "PURGE"), "OK");
  assert(String(server.run("MEMORY", "DOCTOR")).includes("empty"));
  for (let index = 0; index < 12; index++) server.run("SETRANGE", index, 999_999, "x");
  // The process of the tests may be large beside the data, which DOCTOR then says.
  assert(!String(server.run("MEMORY", "DOCTOR")).includes("Peak memory"));
  for (let index = 0; index < 6; index++) server.run("DEL", index);
  server.reclaim();
  assert(String(server.run("MEMORY", "DOCTOR")).includes("Peak memory"));
  assert(String(server.run("MEMORY", "MALLOC-STATS")).includes("block bytes"));
});
