/** MEMORY: options, and the figures of MEMORY STATS. Sizes: tests/values/value_memory_test.ts. */
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
