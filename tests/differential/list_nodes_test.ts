/**
 * The nodes of lists are those of Redis: after any mixture of changes the DUMP payloads of both
 * servers are the same, byte for byte, although our first node may stand in pieces.
 *
 * Elements stay below 64 KiB: longer ones are never packed together with others here.
 */

import { assert, assertEquals } from "@std/assert";
import type { Argument } from "../support/resp_client.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { equalBytes } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";
import { Both } from "./both.ts";

const ROUNDS = 6;
const CHANGES_PER_ROUND = 100;
const FILLS = ["-2", "-1", "-5", "3", "128", "0"];

function element(random: SeededRandom): string {
  const kind = random.below(10);
  if (kind < 3) return String(random.below(100_000));
  if (kind < 8) return random.word(random.between(1, 80));
  return random.word(random.between(100, random.oneIn(10) ? 20_000 : 1000));
}

function elements(random: SeededRandom): string[] {
  return Array.from({ length: random.between(1, 40) }, () => element(random));
}

function change(random: SeededRandom, known: string[]): Argument[] {
  const pushed = elements(random);
  const index = random.below(400) - 200;
  switch (random.below(16)) {
    case 0:
      return ["LPOP", "l", random.below(60)];
    case 1:
      return ["RPOP", "l", random.below(60)];
    case 2:
      return ["LSET", "l", index, element(random)];
    case 3:
      return ["LREM", "l", random.below(5) - 2, random.pick(known)];
    case 4:
    case 5:
      return ["LINSERT", "l", random.pick(["BEFORE", "AFTER"]), random.pick(known), pushed[0]];
    case 6:
      return random.oneIn(4)
        ? ["LTRIM", "l", random.below(50), -1 - random.below(50)]
        : ["COPY", "l", "m", "REPLACE"];
    case 7:
      return ["LMOVE", "l", "l", random.pick(["LEFT", "RIGHT"]), random.pick(["LEFT", "RIGHT"])];
    case 8:
    case 9:
    case 10:
      known.push(...pushed.slice(0, 3));
      return ["RPUSH", "l", ...pushed];
    default:
      known.push(...pushed.slice(0, 3));
      return ["LPUSH", "l", ...pushed];
  }
}

testWith(["redis-server"], "lists have the same nodes at both servers", async () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  await using both = await Both.start(["--rdbcompression", "no"]);
  for (let round = 0; round < ROUNDS; round++) {
    await both.same("FLUSHALL");
    await both.same("CONFIG", "SET", "list-max-listpack-size", FILLS[round % FILLS.length]);
    const known = ["none"];
    for (let step = 0; step < CHANGES_PER_ROUND; step++) {
      const request = change(random, known);
      const replies = await both.exchangeMany([request, ["DUMP", "l"], ["DUMP", "m"]]);
      const isSame = replies.every(([expected, actual]) => equalBytes(expected, actual));
      const text = request.slice(0, 4).join(" ").slice(0, 100);
      assert(isSame, `seed ${seed}, round ${round}, step ${step}: ${text}`);
    }
  }
});

testWith(["redis-server"], "long lists made by LPUSH or by RPUSH dump the same bytes", async () => {
  await using both = await Both.start();
  const values = Array.from({ length: 20_000 }, (_, index) => `element ${index * 7919}`);
  for (let start = 0; start < values.length; start += 1000) {
    const slice = values.slice(start, start + 1000);
    await both.same("LPUSH", "left", ...slice);
    await both.same("RPUSH", "right", ...slice);
    await both.same(start % 2000 === 0 ? "LPUSH" : "RPUSH", "both", ...slice);
  }
  for (const key of ["left", "right", "both"]) {
    const reply = await both.same("DUMP", key);
    assertEquals(reply.kind, "bulk");
    const nodes = /ql_nodes:\d+ .* ql_uncompressed_size:\d+/;
    const [theirs, ours] = await Promise.all([both.redis, both.ours].map((client) => {
      return client.expect("DEBUG", "OBJECT", key);
    }));
    assertEquals(nodes.exec(String(ours))?.[0], nodes.exec(String(theirs))?.[0]);
  }
});
