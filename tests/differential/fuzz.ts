/**
 * Random command streams against redis-server and the server under test until time is up.
 *
 *   deno run -A tests/differential/fuzz.ts [--minutes N] [--seed S] [--only family] [--newer]
 *     [--strict]
 *
 *   --minutes   how long (default 1)
 *   --seed      where to start; each round of 1,500 requests counts it up by one
 *   --only      one family: a key of FAMILIES in command_shapes.ts: strings, bitmaps, keys …
 *   --newer     beside redis-server 8.2, which REDIS_8 names, answering as 7.4, where sets have
 *               another encoding; only some families have no differences there that are meant
 *   --strict    ours scribbles over texts of integers when their time is up
 *               (tests/support/strict_slices.ts)
 *
 * Commands that the server under test does not list in COMMAND LIST are left out, and named first.
 * Ends with exit code 1 at the first difference, its seed and the shortest script found.
 */

import { parseArgs } from "@std/cli";
import { freshSeed } from "../support/seeded_random.ts";
import { printLine } from "../support/text.ts";
import { Both } from "./both.ts";
import { COMMAND_SHAPES, type CommandShape, commandsOfShape } from "./command_shapes.ts";
import { runSteps, showSteps, shrinkSteps, stepsOfSeed } from "./command_stream.ts";

export const STEPS_PER_ROUND = 1500;

export interface FuzzOptions {
  seed: number;
  /** Rounds to run, or until when (performance.now) to start new ones. */
  roundCount?: number;
  deadlineMs?: number;
  only?: string | undefined;
}

/** Shapes that both servers know, and the commands that had to be left out. */
export async function knownShapes(
  both: Both,
  only?: string,
): Promise<{ shapes: CommandShape[]; skipped: string[] }> {
  const ours = new Set(await both.ours.expect("COMMAND", "LIST") as string[]);
  const family = COMMAND_SHAPES.filter((shape) => only === undefined || shape.family === only);
  if (family.length === 0) throw new RangeError(`Cannot find the family "${only}"`);
  const isUnknown = (command: string) => !ours.has(command) && command !== "nosuchcommand";
  const isKnown = (shape: CommandShape) => !commandsOfShape(shape).some(isUnknown);
  const skipped = family.flatMap(commandsOfShape).filter(isUnknown);
  return { shapes: family.filter(isKnown), skipped: [...new Set(skipped)] };
}

/** Runs rounds. Returns a report of the first difference, or null; `log` gets notes on the way. */
export async function fuzz(
  both: Both,
  options: FuzzOptions,
  log: (line: string) => void,
): Promise<string | null> {
  const { shapes, skipped } = await knownShapes(both, options.only);
  const total = shapes.length;
  log(
    `${total} command shapes; left out, unknown to the server under test: ${
      skipped.join(" ") || "none"
    }`,
  );
  const start = performance.now();
  const deadline = options.deadlineMs ?? Infinity;
  let round = 0;
  for (; round < (options.roundCount ?? Infinity) && performance.now() < deadline; round++) {
    const seed = options.seed + round;
    const steps = stepsOfSeed(seed, shapes, STEPS_PER_ROUND);
    const failure = await runSteps(both, steps);
    if (failure === null) continue;
    if (failure.message.startsWith("connection lost")) {
      return `round of seed ${seed}, step ${failure.index}: ${failure.message}\n` + lastWords(both);
    }
    const shrunk = await shrinkSteps(both, steps.slice(0, failure.index + 1));
    const last = await runSteps(both, shrunk);
    const only = options.only === undefined ? "" : ` --only ${options.only}`;
    return [
      `difference in round of seed ${seed}, step ${failure.index}: ${failure.message}`,
      `repeat: deno run -A tests/differential/fuzz.ts --seed ${seed}${only}`,
      `shrunk to ${shrunk.length} requests:`,
      showSteps(shrunk),
      `  => ${last?.message ?? "(no difference when run again: it depends on time)"}`,
    ].join("\n");
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  log(`${round * STEPS_PER_ROUND} requests in ${seconds} s, no difference (seed ${options.seed})`);
  return null;
}

/** What a server has logged when it died: it cannot be asked again. */
function lastWords(both: Both): string {
  return [both.redisServer, both.ourServer].map(({ target, log }) => {
    const report = log.indexOf("BUG REPORT");
    const text = report < 0 ? log.slice(-1500) : log.slice(report, report + 1500);
    return `--- log of ${target}:\n${text}`;
  }).join("\n");
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, {
    string: ["minutes", "seed", "only"],
    boolean: ["newer", "strict"],
  });
  const seed = args.seed === undefined ? freshSeed() : Number(args.seed);
  const deadlineMs = performance.now() + Number(args.minutes ?? 1) * 60_000;
  printLine(`seed ${seed}`);
  // The faster the cron, the sooner a blocked client's time is up.
  const directives = ["--hz", "100"];
  await using both = await (args.newer
    ? Both.startNewer(directives, args.strict)
    : Both.start(directives, args.strict));
  const report = await fuzz(both, { seed, deadlineMs, only: args.only }, printLine);
  if (report !== null) {
    printLine(report);
    Deno.exitCode = 1;
  }
}
