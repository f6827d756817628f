/**
 * A short run of the fuzzer, and a canary: a planted difference must be found and shrunk, or the
 * alarm itself is broken.
 */

import { assertEquals } from "@std/assert";
import { missingPeer } from "../support/replication_pair.ts";
import { testUnless, testWith } from "../support/tool_availability.ts";
import { printLine } from "../support/text.ts";
import { Both } from "./both.ts";
import { runSteps, shrinkSteps, type Step, stepsOfSeed } from "./command_stream.ts";
import { COMMAND_SHAPES, commandsOfShape, UNSHAPED_COMMANDS } from "./command_shapes.ts";
import { fuzz } from "./fuzz.ts";

const SEED = Number(Deno.env.get("REDENO_FUZZ_SEED") ?? 7015);

testWith(["redis-server"], "random command streams leave both servers alike", async () => {
  await using both = await Both.start([], true);
  const report = await fuzz(both, { seed: SEED, roundCount: 3 }, printLine);
  assertEquals(report, null, report ?? "");
});

for (const only of ["sets", "hashes", "bitmaps"]) {
  testUnless(missingPeer("redis 8.2"), {
    name: `random streams of ${only} leave redis-server 8.2 and ours as 7.4 alike`,
    async fn() {
      await using both = await Both.startNewer([], true);
      const report = await fuzz(both, { seed: SEED, roundCount: 10, only }, printLine);
      assertEquals(report, null, report ?? "");
    },
  });
}

testWith(["redis-server"], "canary: a planted difference is found and shrunk", async () => {
  await using both = await Both.start();
  const strings = COMMAND_SHAPES.filter((shape) => shape.family === "hashes");
  const steps: Step[] = stepsOfSeed(SEED, strings, 300);
  // No two servers give the same answer to this.
  steps.splice(150, 0, { client: 0, law: "same", args: ["CONFIG", "GET", "port"] });
  const failure = await runSteps(both, steps);
  assertEquals(failure?.index, 150);
  const shrunk = await shrinkSteps(both, steps.slice(0, 151));
  assertEquals(shrunk.map((step) => step.args), [["CONFIG", "GET", "port"]]);
});

testWith(["redis-server"], "every command has a shape, or a reason to have none", async () => {
  await using both = await Both.start();
  const shaped = new Set(COMMAND_SHAPES.flatMap(commandsOfShape));
  const excused = new Set(Object.values(UNSHAPED_COMMANDS).flatMap((names) => names.split(" ")));
  const commands = await both.ours.expect("COMMAND", "LIST") as string[];
  const containers = new Set(
    commands.map((command) => command.split("|", 2)).filter((names) => {
      return names.length > 1;
    }).map(([name]) => name),
  );
  const missing = commands.filter((command) => {
    return !shaped.has(command) && !excused.has(command) && !containers.has(command);
  });
  assertEquals(missing.sort(), []);
});

Deno.test("the same seed gives the same steps", () => {
  assertEquals(stepsOfSeed(1, COMMAND_SHAPES, 50), stepsOfSeed(1, COMMAND_SHAPES, 50));
});
