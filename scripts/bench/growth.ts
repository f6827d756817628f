/**
 * Growth: what commands cost the longer their data are, the more clients there are, the larger the
 * values and the more keys; Redeno beside redis-server and its newest rivals. Writes a table and a
 * plot for each family into docs/benchmarks: no line should bend upward without a reason.
 *
 *   deno run -A scripts/bench/growth.ts [options]
 *
 *   --max N           the largest number of elements, a power of ten (default 10000000); clients
 *                     up to a hundredth of it (10,000 at most), bytes up to its tenfold
 *   --only a,b        some of string list set hash zset stream expiring keys clients values
 *   --servers a,b     some of redis redis8 valkey9 redeno (default: all that are here)
 *   --rounds N        batches of each command, alternating between the servers (default 15; of
 *                     clients ten at most)
 *   --output DIR      where table and plots go (default docs/benchmarks)
 *   --draw            measures nothing, draws what the results hold
 *   --results FILE    where results are kept (default scripts/bench/results/growth.json)
 *   --smoke           tiny numbers: shows that everything runs; writes only to --output
 *
 * What counts is the CPU time of the server (all its threads) per command, which does not depend on
 * what else the machine does as clocks do; the median of the rounds. One connection asks, 200
 * requests at once, so that the way there and back is shared. Families are kept as soon as they are
 * measured.
 */

import { parseArgs } from "@std/cli";
import { fromFileUrl, join } from "@std/path";
import { SeededRandom } from "../../tests/support/seeded_random.ts";
import { cpuMicroseconds } from "../../tests/support/process_stat.ts";
import type { Argument, RespClient } from "../../tests/support/resp_client.ts";
import type { ServerProcess } from "../../tests/support/server_process.ts";
import { RespError } from "../../tests/support/resp_reply.ts";
import { printLine, printNote } from "../../tests/support/text.ts";
import { alternate, Field, findContestants, type Runner } from "./contestants.ts";
import { CLIENTS, measureClients } from "./growth_clients.ts";
import {
  decades,
  FAMILIES,
  type Family,
  type GrowthOptions,
  type Operation,
} from "./growth_families.ts";
import { type GrowthFamily, growthPage, growthPlots, measurementName } from "./growth_page.ts";
import { runBatch } from "./loads.ts";
import { writeMarkdown } from "./markdown_file.ts";
import { Results, runBench, shownSeconds } from "./results.ts";

const BATCH = 200;
/** Requests of each command that come before, in passes over all commands: for the compiler. */
const WARM_UP = 100_000;
const WARM_UP_SMOKE = 2000;
const WARM_UP_PASSES = 4;
/** A batch of large values is no larger than this. */
const BATCH_BYTES_MAX = 20_000_000;

/** Who knows the commands of a family: the first request that makes data tells. */
async function knows(runner: Runner, family: Family): Promise<boolean> {
  using client = await runner.server.connect();
  try {
    await family.lengthen(client, 0, 1);
  } catch {
    return false;
  }
  const moment = { length: 1000, random: new SeededRandom(1), index: 0 };
  for (const { request } of family.operations) {
    const reply = await client.call(...request(moment));
    if (reply instanceof RespError && /unknown command/.test(reply.message)) return false;
  }
  return true;
}

/** Microseconds of CPU that a server takes for requests of one connection, sent in one piece. */
async function cpuOfBatch(
  server: ServerProcess,
  client: RespClient,
  requests: readonly (readonly Argument[])[],
): Promise<number> {
  const before = cpuMicroseconds(server.pid);
  await runBatch(client, requests);
  return cpuMicroseconds(server.pid) - before;
}

async function measureOperation(
  family: Family,
  operation: Operation,
  length: number,
  runners: readonly Runner[],
  { rounds, results }: GrowthOptions,
): Promise<void> {
  const what = measurementName(family.name, operation.name, length);
  const { before, request } = operation;
  await alternate(runners, rounds, async ({ contestant, server }, round) => {
    using client = await server.connect();
    // The same requests for all.
    const random = new SeededRandom(round + 1);
    const batches = [0, 1].map((half) =>
      Array.from({ length: BATCH }, (_, number) => {
        return { length, random, index: (2 * round + half) * BATCH + number };
      })
    );
    if (before !== undefined) await runBatch(client, batches.flat().map(before));
    // The other servers have had the processor's caches: only the second batch counts.
    await runBatch(client, batches[0]!.map(request));
    const cpuUs = await cpuOfBatch(server, client, batches[1]!.map(request));
    results.add(what, contestant.name, "µs", cpuUs / BATCH, `batches of ${BATCH}`);
  });
}

/** All once before anything counts, for code that compiles itself. */
async function warmUp(
  family: Family,
  size: number,
  runners: readonly Runner[],
  options: GrowthOptions,
): Promise<void> {
  const rounds = options.warmUpRequests / WARM_UP_PASSES / (2 * BATCH);
  const nowhere = { ...options, rounds, results: new Results() };
  for (let pass = 0; pass < WARM_UP_PASSES; pass++) {
    for (const operation of family.operations) {
      await measureOperation(family, operation, size, runners, nowhere);
    }
  }
}

async function measureFamily(family: Family, options: GrowthOptions): Promise<void> {
  await using field = await Field.start(options.contestants);
  const runners: Runner[] = [];
  for (const runner of field.runners) {
    if (await knows(runner, family)) runners.push(runner);
    else printNote(`${family.name}: ${runner.contestant.title} has no such commands`);
  }
  await field.flush();
  const sizes = decades(family.smallest, options.max * (family.factor ?? 1));
  let length = 0;
  for (const size of sizes) {
    const beginMs = performance.now();
    for (const { server } of runners) {
      using client = await server.connect();
      await family.lengthen(client, length, size);
    }
    length = size;
    if (size === sizes[0]) await warmUp(family, size, runners, options);
    for (const operation of family.operations) {
      await measureOperation(family, operation, size, runners, options);
    }
    printNote(`${family.name} at ${size}: ${shownSeconds(performance.now() - beginMs)}`);
  }
}

/** Values that are written and read whole, one connection. */
async function measureValues(family: GrowthFamily, options: GrowthOptions): Promise<void> {
  await using field = await Field.start(options.contestants);
  for (const bytes of decades(1, options.max * 10)) {
    const value = "x".repeat(bytes);
    const batch = Math.max(1, Math.min(BATCH, Math.floor(BATCH_BYTES_MAX / bytes)));
    const requests = [["SET", "k", value], ["GET", "k"]];
    for (const [index, operation] of family.operations.entries()) {
      const what = measurementName(family.name, operation.name, bytes);
      await alternate(field.runners, options.rounds, async ({ contestant, server }) => {
        using client = await server.connect();
        const cpuUs = await cpuOfBatch(server, client, Array(batch).fill(requests[index]!));
        const load = `batches of ${batch}`;
        options.results.add(what, contestant.name, "µs", cpuUs / batch, load);
      });
    }
    printNote(`values of ${bytes} bytes`);
  }
}

const WHOLE = "every byte is sent and copied";
const VALUES: GrowthFamily = {
  name: "values",
  title: "Values written and read whole",
  unit: "bytes",
  operations: [{ name: "SET", reason: WHOLE }, { name: "GET", reason: WHOLE }],
};

const ALL: readonly GrowthFamily[] = [...FAMILIES, CLIENTS, VALUES];

function measure(family: GrowthFamily, options: GrowthOptions): Promise<void> {
  if (family === CLIENTS) return measureClients(options);
  if (family === VALUES) return measureValues(family, options);
  return measureFamily(FAMILIES.find(({ name }) => name === family.name)!, options);
}

const DOCS = fromFileUrl(new URL("../../docs/benchmarks/", import.meta.url));

async function write(results: Results, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const { name, svg } of growthPlots(ALL, results)) {
    await Deno.writeTextFile(join(folder, `growth_${name}.svg`), svg);
  }
  await writeMarkdown(join(folder, "growth.md"), growthPage(ALL, results));
}

async function growth(results: Results): Promise<string> {
  const args = parseArgs(Deno.args, {
    boolean: ["smoke", "draw"],
    string: ["max", "only", "servers", "rounds", "output"],
  });
  const options: GrowthOptions = {
    max: Number(args.max ?? (args.smoke ? 10_000 : 10_000_000)),
    rounds: Number(args.rounds ?? (args.smoke ? 2 : 15)),
    warmUpRequests: args.smoke ? WARM_UP_SMOKE : WARM_UP,
    results,
    contestants: findContestants({ only: args.servers?.split(",") }),
  };
  const only: readonly string[] = args.only?.split(",") ?? ALL.map(({ name }) => name);
  const unknown = only.find((one) => !ALL.some(({ name }) => name === one));
  if (unknown !== undefined) throw new RangeError(`Cannot find the family "${unknown}"`);
  for (const family of args.draw ? [] : ALL.filter(({ name }) => only.includes(name))) {
    const beginMs = performance.now();
    await measure(family, options);
    await results.save();
    printLine(`${family.name}: ${shownSeconds(performance.now() - beginMs)}`);
  }
  const folder = args.output ?? (args.smoke ? undefined : DOCS);
  if (folder === undefined) return growthPage(ALL, results);
  await write(results, folder);
  return `\nwritten to ${folder}`;
}

if (import.meta.main) await runBench(growth, "growth.json");
