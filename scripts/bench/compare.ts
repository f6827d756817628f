/**
 * Measures Redeno beside redis-server 7.0.15 and its newest rivals, part by part, and ends with the
 * budgets' table.
 *
 *   deno run -A scripts/bench/compare.ts [options]
 *
 *   --only a,b        some parts only: plain pipelined clients values cold connections latency
 *                     clientfigures scripts start (default: all)
 *   --rounds N        runs of each test at each server, alternating (default 5)
 *   --scale N         times as many requests as usual: 0.1 for a look, 5 for a long run (default 1)
 *   --tests a,b       some tests of redis-benchmark only: set get lpush … lrange_100 … mset
 *   --servers a,b     some of redis redis8 valkey9 redeno executable (default: all that are here)
 *   --executable F    a compiled Redeno to measure beside the source
 *   --results FILE    where results are kept (default scripts/bench/results/latest.json)
 *   --against FILE    earlier results: prints what has become slower since
 *   --unjudged        leaves out the budgets' table
 *   --smoke           tiny numbers: shows that everything runs, measures nothing, keeps nothing
 *
 * Cells are "median (smallest–largest)" of the rounds. The results of each part are kept as soon as
 * it is done, so that a run that was interrupted goes on with `--only`; the budgets are judged by
 * all that is in the file.
 *
 * The rivals are named by REDIS_8 and VALKEY_9. REDENO_BINARY names an executable to measure in
 * the place of the source; REDENO_TEST_TARGET=redis puts redis-server there.
 */

import { parseArgs } from "@std/cli";
import { printLine, printNote } from "../../tests/support/text.ts";
import { budgetsTable } from "./budgets.ts";
import { findContestants } from "./contestants.ts";
import { clientFiguresPart, latencyPart, scriptsPart, startPart } from "./latency_parts.ts";
import {
  clientsPart,
  coldPart,
  connectionsPart,
  DEFAULT_TESTS,
  type PartContext,
  pipelinedPart,
  plainPart,
  valuesPart,
} from "./request_parts.ts";
import { describeMachine, type Results, runBench, shownSeconds } from "./results.ts";

export interface Part {
  name: string;
  title: string;
  run: (context: PartContext) => Promise<string>;
}

export const PARTS: readonly Part[] = [
  { name: "plain", title: "`redis-benchmark -c 50 -P 1`", run: plainPart },
  {
    name: "pipelined",
    title: "`redis-benchmark -c 50 -P 16 -r 1000000`, warm",
    run: pipelinedPart,
  },
  { name: "clients", title: "numbers of clients, depths of pipelines", run: clientsPart },
  { name: "values", title: "sizes of values, `-c 50`", run: valuesPart },
  { name: "cold", title: "the first 200,000 requests after a start, `-P 16`", run: coldPart },
  { name: "connections", title: "30,000 connections of one request", run: connectionsPart },
  { name: "latency", title: "delays at a fixed rate", run: latencyPart },
  { name: "clientfigures", title: "what a client library reaches", run: clientFiguresPart },
  { name: "scripts", title: "scripts", run: scriptsPart },
  { name: "start", title: "a server that has begun", run: startPart },
];

function partsOf(only: readonly string[] | undefined): readonly Part[] {
  if (only === undefined) return PARTS;
  const unknown = only.find((name) => !PARTS.some((part) => part.name === name));
  if (unknown !== undefined) throw new RangeError(`Cannot find the part "${unknown}"`);
  return PARTS.filter(({ name }) => only.includes(name));
}

async function compare(results: Results): Promise<string> {
  const args = parseArgs(Deno.args, {
    boolean: ["smoke", "unjudged"],
    string: ["only", "rounds", "scale", "tests", "servers", "executable"],
  });
  const context: PartContext = {
    contestants: findContestants({
      executable: args.executable,
      only: args.servers?.split(","),
    }),
    results,
    rounds: Number(args.rounds ?? (args.smoke ? 1 : 5)),
    scale: Number(args.scale ?? 1),
    tests: args.tests?.split(",") ?? DEFAULT_TESTS,
    isSmoke: args.smoke === true,
  };
  const parts = partsOf(args.only?.split(","));
  printLine(`${context.rounds} rounds; cells are "median (smallest–largest)"\n`);
  for (const { name, title, run } of parts) {
    const beginMs = performance.now();
    const table = await run(context);
    await results.save();
    const took = shownSeconds(performance.now() - beginMs);
    printLine(`## ${name}: ${title}\n\n${table}\n\n${describeMachine()}; took ${took}\n`);
    printNote(`${name} took ${took}`);
  }
  if (args.unjudged) return "";
  return `## budgets\n\n${budgetsTable(results)}`;
}

if (import.meta.main) await runBench(compare);
