/**
 * Sets as listpacks (from release 7.2 on) against JavaScript's own sets: members, encodings at the
 * limits, copies, payloads of version 11. The rules of encodings are those of redis-server 8.2.3.
 */
import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { Random, randomSeed } from "../../src/base/random.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodingOf } from "../support/recorded_effects.ts";
import type { Plain } from "../support/resp_reply.ts";

function serverWith(entries: number, ...more: [string, string][]): EmbeddedServer {
  const limits: [string, string][] = [
    ["redis-version", "7.4"],
    ["set-max-listpack-entries", String(entries)],
    ["set-max-listpack-value", "10"],
  ];
  return new EmbeddedServer([...limits, ...more]);
}

Deno.test("a set is a listpack up to the limits, and never again beyond", () => {
  using server = serverWith(4, ["set-max-intset-entries", "6"]);
  const add = (...members: string[]) => {
    server.run("SADD", "s", ...members);
    return encodingOf(server, "s");
  };
  assertEquals(add("a"), "listpack");
  assertEquals(add("1", "2", "a"), "listpack");
  assertEquals(add("x".repeat(10)), "listpack");
  assertEquals(add("b"), "hashtable");
  server.run("SREM", "s", "b", "a", "1");
  assertEquals(encodingOf(server, "s"), "hashtable");
  server.run("DEL", "s");
  assertEquals(add("x".repeat(11)), "hashtable");
  server.run("DEL", "s");
  assertEquals(add("1", "2", "3"), "intset");
  assertEquals(add("a"), "listpack");
  server.run("DEL", "s");
  assertEquals(add("1", "2", "3", "4"), "intset");
  assertEquals(add("a"), "hashtable");
  server.run("DEL", "s");
  assertEquals(add("a", "b", "c", "d", "a"), "hashtable");
  server.run("DEL", "s");
  assertEquals(add(..."1234567"), "hashtable");
});

Deno.test("random changes of sets as listpacks leave what plain sets have", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  using server = serverWith(12);
  const models = new Map<string, Set<string>>();
  const modelOf = (key: string) => models.get(key) ?? new Set<string>();
  const member = () => {
    const number = random.below(14);
    return random.below(3) === 0
      ? String(number)
      : random.below(30) === 0
      ? "x".repeat(11)
      : `m${number}`;
  };
  const check = (key: string, what: string) => {
    const members = (server.run("SMEMBERS", key) as string[]).sort();
    assertEquals(members, [...modelOf(key)].sort(), `seed ${seed}: ${what}`);
  };
  for (let step = 0; step < 3000; step++) {
    const key = `s${random.below(3)}`;
    const model = modelOf(key);
    const action = random.below(10);
    if (action < 4) {
      const members = Array.from({ length: 1 + random.below(3) }, member);
      const added = new Set(members.filter((one) => !model.has(one)));
      assertEquals(server.run("SADD", key, ...members), added.size, `seed ${seed}, ${step}`);
      models.set(key, new Set([...model, ...added]));
    } else if (action < 6) {
      const one = member();
      assertEquals(
        server.run("SREM", key, one),
        model.delete(one) ? 1 : 0,
        `seed ${seed}, ${step}`,
      );
    } else if (action === 6) {
      const popped = server.run("SPOP", key);
      assertEquals(popped === null ? model.size === 0 : model.delete(String(popped)), true);
    } else if (action === 7) {
      const other = modelOf("s0");
      const both = [...model].filter((one) => other.has(one));
      assertEquals(server.run("SINTERSTORE", key, key, "s0"), both.length, `seed ${seed}, ${step}`);
      models.set(key, new Set(both));
    } else if (action === 8) {
      const sample = server.run("SRANDMEMBER", key, "5") as string[];
      assertEquals(new Set(sample).size, Math.min(5, model.size), `seed ${seed}, ${step}`);
      assertEquals(sample.every((one) => model.has(one)), true, `seed ${seed}, ${step}`);
    } else {
      const [cursor, shown] = server.run("SSCAN", key, "0", "COUNT", "100") as Plain[];
      assertEquals(cursor, "0");
      assertEquals((shown as string[]).sort(), [...model].sort(), `seed ${seed}, ${step}`);
    }
    check(key, `step ${step}`);
    if (modelOf(key).size === 0) models.delete(key);
  }
});

Deno.test("a listpack of a set goes into payloads of version 11, and into older ones as members", () => {
  for (const [version, type] of [["11", 20], ["10", 2], ["9", 2]] as const) {
    using server = serverWith(12, ["rdb-version", version]);
    server.run("SADD", "s", "a", "1", "b");
    const raw = server.raw("DUMP", "s");
    const bytes = latin1Bytes(raw.slice(raw.indexOf("\r\n") + 2, -2));
    assertEquals(bytes[0], type);
    server.run("COPY", "s", "copy");
    // As in 7.0, RESTORE refuses payloads of later versions.
    if (version !== "11") server.run("RESTORE", "copy", "0", bytes, "REPLACE");
    for (const key of ["s", "copy"]) {
      assertEquals((server.run("SMEMBERS", key) as string[]).sort(), ["1", "a", "b"]);
      assertEquals(encodingOf(server, key), "listpack");
    }
  }
});
