/**
 * Set outcome: what a set that was put together becomes is what SADD of its members would have made
 * of it, in every encoding of sources and result, and nothing is left behind.
 */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodingOf } from "../support/recorded_effects.ts";

const integers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => String(from + index));
const texts = (from: number, to: number) => integers(from, to).map((number) => `m${number}`);

function fill(server: EmbeddedServer, key: string, members: string[]): void {
  for (let at = 0; at < members.length; at += 500) {
    server.run("SADD", key, ...members.slice(at, at + 500));
  }
}

/** [members of a, members of b] by name: both are in dicts, or not, as the members ask for it. */
const SCENES: Record<string, [string[], string[]]> = {
  "many texts": [texts(0, 1000), texts(500, 1500)],
  "few texts in common": [texts(0, 1000), texts(900, 2000)],
  "as many texts as a listpack takes": [texts(0, 1000), texts(872, 2000)],
  "one text more than a listpack takes": [texts(0, 1000), texts(871, 2000)],
  "integers in dicts, few in common": [integers(0, 1000), integers(990, 2000)],
  "integers in dicts, 512 in common": [integers(0, 1000), integers(488, 2000)],
  "integers in dicts, 513 in common": [integers(0, 1000), integers(487, 2000)],
  "integers and one text": [[...integers(0, 1000), "m"], [...integers(0, 1000), "m"]],
  "integers and many texts": [
    [...integers(0, 700), ...texts(0, 300)],
    [...integers(300, 900), ...texts(100, 600)],
  ],
  "a long member among few": [
    [...texts(0, 1000), "x".repeat(65), "y".repeat(40_000)],
    [...texts(980, 1100), "x".repeat(65), "y".repeat(40_000)],
  ],
  "an intset and a dict": [integers(0, 300), [...integers(100, 600), ...texts(0, 100)]],
  "a listpack and a dict": [texts(0, 100), texts(50, 600)],
  "integers behind a few of a dict": [
    [...integers(10, 40), "m", "x".repeat(65)],
    [...integers(345_678, 345_720), "z"],
  ],
  "an intset behind a few of a dict": [
    [...integers(10, 40), "x".repeat(65)],
    integers(-987_654, -987_600),
  ],
  "nothing in common": [texts(0, 300), texts(300, 600)],
  "an empty member": [["", ...texts(0, 500)], ["", ...texts(400, 900)]],
};

const CONFIGS: [string, string][][] = [
  [],
  [["set-max-listpack-entries", "0"]],
  [["set-max-intset-entries", "10"]],
  [["set-max-listpack-entries", "5000"], ["set-max-intset-entries", "100"]],
];

/** Sets are listpacks since 7.2. */
const CASES = ["7.0", "7.4"].flatMap((release) => CONFIGS.map((config) => ({ release, config })));

for (const { release, config } of CASES) {
  const limits = config.map(([parameter, value]) => `${parameter} ${value}`).join(", ");
  const name = `${release}, ${limits || "defaults"}`;
  Deno.test(`stored unions, intersections and differences hold what they should: ${name}`, () => {
    using server = new EmbeddedServer([["redis-version", release], ...config]);
    for (const [scene, [a, b]] of Object.entries(SCENES)) {
      server.run("FLUSHALL");
      fill(server, "a", a);
      fill(server, "b", b);
      const inB = new Set(b);
      const outcomes: [string, string, string[]][] = [
        ["SINTERSTORE", "SINTER", a.filter((member) => inB.has(member))],
        ["SUNIONSTORE", "SUNION", [...new Set([...a, ...b])]],
        ["SDIFFSTORE", "SDIFF", a.filter((member) => !inB.has(member))],
      ];
      for (const [store, show, members] of outcomes) {
        const note = `${scene}: ${store}`;
        const expected = members.toSorted();
        assertEquals(server.run(store, "result", "a", "b"), members.length, note);
        const stored = server.run("SMEMBERS", "result") as string[];
        assertEquals(stored.toSorted(), expected, note);
        assertEquals((server.run(show, "a", "b") as string[]).toSorted(), expected, note);
        if (members.length === 0) continue;
        // In the order in which they came: an encoding may depend on it.
        server.run("DEL", "like");
        for (const member of members) server.run("SADD", "like", member);
        const isOrderFree = config.length < 2 && !scene.startsWith("integers and");
        if (isOrderFree) {
          assertEquals(encodingOf(server, "result"), encodingOf(server, "like"), note);
        }
        // The destination may be a source.
        server.run("COPY", "a", "c", "REPLACE");
        assertEquals(server.run(store, "c", "c", "b"), members.length, note);
        const own = server.run("SMEMBERS", "c") as string[];
        assertEquals(own.toSorted(), expected, note);
      }
    }
  });
}
