/**
 * The promise of SCAN, HSCAN, SSCAN and ZSCAN: an element that is there from the first call to the
 * last is returned, whatever comes and goes in between; and one that was never there is not.
 *
 * Between the calls the table grows to many times its size, shrinks to a fraction, or does both by
 * turns, so that scans run through tables in the middle of a rehash.
 */

import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const SEED = Number(Deno.env.get("REDENO_FUZZ_SEED") ?? 7015);
const LASTING_COUNT = 700;
const PASSING_COUNT = 6000;

/** How each type takes an element, loses it, and is scanned. `step` is 2 if values come along. */
interface Scanned {
  add: (name: string) => string[];
  remove: (name: string) => string[];
  scan: (cursor: string) => string[];
  step: number;
}

const SCANNED: Readonly<Record<string, Scanned>> = {
  SCAN: {
    add: (name) => ["SET", name, "v"],
    remove: (name) => ["DEL", name],
    scan: (cursor) => ["SCAN", cursor, "COUNT", "13"],
    step: 1,
  },
  HSCAN: {
    add: (name) => ["HSET", "h", name, "v"],
    remove: (name) => ["HDEL", "h", name],
    scan: (cursor) => ["HSCAN", "h", cursor, "COUNT", "13"],
    step: 2,
  },
  SSCAN: {
    add: (name) => ["SADD", "s", name],
    remove: (name) => ["SREM", "s", name],
    scan: (cursor) => ["SSCAN", "s", cursor, "COUNT", "13"],
    step: 1,
  },
  ZSCAN: {
    add: (name) => ["ZADD", "z", "1", name],
    remove: (name) => ["ZREM", "z", name],
    scan: (cursor) => ["ZSCAN", "z", cursor, "COUNT", "13"],
    step: 2,
  },
};

/** What happens between two calls; `present` counts the passing elements that are there. */
const WEATHER: Readonly<Record<string, (random: SeededRandom, present: number) => number>> = {
  "while the table grows": () => 120,
  "while the table shrinks": () => -120,
  "while the table grows and shrinks": (random) => random.between(-400, 400),
};

function scanThrough(scanned: Scanned, change: (present: number) => number, isFull: boolean) {
  using server = new EmbeddedServer();
  const lasting = Array.from({ length: LASTING_COUNT }, (_, index) => `lasting:${index}`);
  for (const name of lasting) server.run(...scanned.add(name));
  let present = isFull ? PASSING_COUNT : 0;
  for (let index = 0; index < present; index++) server.run(...scanned.add(`passing:${index}`));
  const found = new Set<string>();
  let cursor = "0";
  do {
    const [next, elements] = server.run(...scanned.scan(cursor)) as [string, string[]];
    for (let at = 0; at < elements.length; at += scanned.step) found.add(elements[at]);
    cursor = next;
    const wanted = Math.min(PASSING_COUNT, Math.max(0, present + change(present)));
    while (present < wanted) server.run(...scanned.add(`passing:${present++}`));
    while (present > wanted) server.run(...scanned.remove(`passing:${--present}`));
  } while (cursor !== "0");
  return { lasting, found };
}

for (const [command, scanned] of Object.entries(SCANNED)) {
  for (const [weather, change] of Object.entries(WEATHER)) {
    Deno.test(`${command} misses no lasting element ${weather}`, () => {
      const random = new SeededRandom(SEED);
      const isFull = weather === "while the table shrinks";
      const { lasting, found } = scanThrough(scanned, (present) => change(random, present), isFull);
      const missed = lasting.filter((name) => !found.has(name));
      assertEquals(missed, [], `seed ${SEED}`);
      for (const name of found) assert(/^(lasting|passing):\d+$/.test(name), name);
    });
  }
}
