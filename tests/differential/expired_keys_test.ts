/**
 * Keys whose time is past but which nobody has removed yet: every command must take them for
 * missing, and remove exactly those that redis-server removes when it meets them (DBSIZE and DEBUG
 * DIGEST count what is there).
 */

import { assertEquals } from "@std/assert";
import type { Argument } from "../support/resp_client.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { testWith } from "../support/tool_availability.ts";
import { Both } from "./both.ts";
import { COMMAND_SHAPES, type CommandShape } from "./command_shapes.ts";
import { runSteps, showSteps, type Step } from "./command_stream.ts";
import { requestsOfShape } from "./shape_grammar.ts";

const SEED = Number(Deno.env.get("REDENO_FUZZ_SEED") ?? 7015);
const REQUESTS_PER_SHAPE = 1;
/** Keys of each type as request_values.ts names them. */
const KEYS_PER_TYPE = 5;
const CREATE: Readonly<Record<string, string>> = {
  s: "SET s# value",
  n: "SET n# 10",
  l: "RPUSH l# a b 3",
  h: "HSET h# a1 1 b2 two",
  x: "SADD x# a b 3",
  z: "ZADD z# 1 a 2 b",
  y: "ZADD y# 0 a 0 b",
  g: "GEOADD g# 13.4 52.5 place1 2.35 48.85 place2",
  p: "PFADD p# a b",
};

/** Requests that leave nothing but expired keys, every second one living on if `someLive`. */
function expiredKeys(someLive: boolean): string[][] {
  const requests: string[][] = [];
  for (const [letter, create] of Object.entries(CREATE)) {
    for (let index = 0; index < KEYS_PER_TYPE; index++) {
      requests.push(create.replace("#", String(index)).split(" "));
      if (!someLive || index % 2 === 0) requests.push(["PEXPIRE", `${letter}${index}`, "5"]);
    }
  }
  return [...requests, ["DEBUG", "SLEEP", "0.007"]];
}

function stepsFor(shape: CommandShape, random: SeededRandom, someLive: boolean): Step[] {
  const text = shape.shape.replace("<request>", "SUNION x0 x1");
  const requests: Argument[][] = requestsOfShape(text, random);
  return [
    ...expiredKeys(someLive).map((args): Step => ({ client: 0, law: "same", args })),
    ...requests.map((args): Step => ({ client: 0, law: shape.law, args })),
    { client: 0, law: "same", args: ["DBSIZE"] },
    { client: 0, law: "same", args: ["DEBUG", "DIGEST"] },
  ];
}

for (const someLive of [false, true]) {
  const which = someLive ? "some keys have" : "every key has";
  testWith(["redis-server"], `every command when ${which} expired`, async () => {
    await using both = await Both.start(["--hz", "100"]);
    const random = new SeededRandom(SEED);
    for (const shape of COMMAND_SHAPES) {
      for (let i = 0; i < REQUESTS_PER_SHAPE; i++) {
        const steps = stepsFor(shape, random, someLive);
        const failure = await runSteps(both, steps);
        const shown = failure && `${failure.message}\n${showSteps(steps.slice(-4))}`;
        assertEquals(shown, null, `seed ${SEED}`);
      }
    }
  });
}
