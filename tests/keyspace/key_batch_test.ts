/** Key batches: MGET and MSET do with many keys what GET and SET do with one. */
import { assertEquals } from "@std/assert";
import { hashBytes } from "../../src/base/hash.ts";
import { KeyBatch } from "../../src/keyspace/key_batch.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const KEY_COUNT = 20_000;

Deno.test("the hash of each key is there when the key is reached, in groups of any size", () => {
  using server = new EmbeddedServer();
  const { db } = server.client.client;
  server.run("SET", "key:3", "x");
  const batch = new KeyBatch();
  for (const step of [1, 2]) {
    for (const count of [1, 15, 16, 17, 33]) {
      const parts = Array.from({ length: count * step }, (_, index) => `key:${index}`);
      const argv = Argv.of("COMMAND", ...parts);
      batch.begin(step);
      for (let index = 1; index < argv.count; index += step) {
        batch.reach(db, argv, index);
        assertEquals(argv.hashedIndex, index);
        assertEquals(argv.hash, hashBytes(argv.bytes, argv.starts[index], argv.lengths[index]));
      }
    }
  }
});

Deno.test("MGET, MSET, MSETNX, DEL and EXISTS of many keys do what one command for each key does", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  using server = new EmbeddedServer();
  const model = new Map<string, string>();
  for (let index = 0; index < KEY_COUNT; index++) {
    model.set(`key:${index}`, `${index}`);
    server.run("SET", `key:${index}`, `${index}`);
  }
  const randomKeys = () =>
    Array.from({ length: random.between(1, 40) }, () => `key:${random.below(2 * KEY_COUNT)}`);
  for (let round = 0; round < 150; round++) {
    const note = `seed ${seed}, round ${round}`;
    const written = randomKeys();
    const isNew = round % 3 === 0;
    const mayWrite = !isNew || !written.some((key) => model.has(key));
    const pairs = written.flatMap((key, index) => [key, "v".repeat(random.below(300)) + index]);
    const expected = isNew ? (mayWrite ? 1 : 0) : "OK";
    assertEquals(server.run(isNew ? "MSETNX" : "MSET", ...pairs), expected, note);
    for (let at = 0; mayWrite && at < pairs.length; at += 2) model.set(pairs[at], pairs[at + 1]);
    const read = [...randomKeys(), ...written];
    assertEquals(server.run("MGET", ...read), read.map((key) => model.get(key) ?? null), note);
  }
  // DEL, UNLINK, EXISTS and TOUCH count a key that is named twice as one after the other would.
  for (let round = 0; round < 60; round++) {
    const note = `seed ${seed}, deleting, round ${round}`;
    const keys = [...randomKeys(), ...randomKeys()].flatMap((key) => [key, key]);
    const there = keys.filter((key) => model.has(key)).length;
    assertEquals(server.run(round % 2 === 0 ? "EXISTS" : "TOUCH", ...keys), there, note);
    const gone = keys.filter((key) => model.delete(key)).length;
    assertEquals(server.run(round % 2 === 0 ? "DEL" : "UNLINK", ...keys), gone, note);
  }
  assertEquals(server.run("DBSIZE"), model.size);
  for (const [key, text] of model) assertEquals(server.run("GET", key), text);
});
