/**
 * How good the choice of what to evict is: one trace of reads, as of a cache, against both servers
 * in lockstep, for all eight policies. What is missing is written; the share of hits is the result.
 *
 *   deno run -A scripts/bench/wire/eviction_hit_ratio.ts [--keys N] [--share N] [--requests N]
 *                [--policies a,b] [--traces zipf,shift] [--seed N]
 *
 *   --keys      different keys in the trace (default 50000)
 *   --share     percent of them that fit into memory (default 10)
 *   --requests  reads per trace (default 300000)
 *   --policies  some of the eight (default: all)
 *   --traces    zipf: key number n is read with probability ~ 1/n; shift: the same, but which keys
 *               are the popular ones changes ten times (default: both)
 *
 * The servers need different memory per key, so maxmemory is set for each so that it holds the
 * given share of the keys: both hold about as many, which the table shows. Who needs less
 * memory per key holds more keys at an equal maxmemory, and that is not counted here.
 */

import { parseArgs } from "@std/cli";
import { encodeRequests, type RespClient } from "../../../tests/support/resp_client.ts";
import { SeededRandom } from "../../../tests/support/seeded_random.ts";
import type { ServerProcess } from "../../../tests/support/server_process.ts";
import { printLine } from "../../../tests/support/text.ts";
import { BOTH, type Contestant, startContestant } from "../contestants.ts";
import { benchKey, infoNumber } from "../loads.ts";
import { describeMachine } from "../results.ts";
import { markdownTable } from "../spread.ts";

export interface HitRatioOptions {
  keys: number;
  sharePercent: number;
  requests: number;
  policies: readonly string[];
  traces: readonly string[];
  seed: number;
}

export const POLICIES = [
  "allkeys-lru",
  "allkeys-lfu",
  "allkeys-random",
  "volatile-lru",
  "volatile-lfu",
  "volatile-random",
  "volatile-ttl",
  "noeviction",
];

const VALUE = "v".repeat(100);
/** Requests in one piece, small enough that clients' buffers do not matter beside the keys. */
const BATCH = 50;
const SHIFTS = 10;
const CALIBRATIONS = 4;
const DOLLAR_MINUS_ONE = "$-1\r\n";

/** One server under one policy, and what it has answered. */
interface Cache {
  server: ServerProcess;
  client: RespClient;
  hits: number;
  refused: number;
  keysHeld: number;
}

/** Draws key numbers with probability ~ 1/(rank + 1), by bisection in the summed probabilities. */
class ZipfTrace {
  readonly #sums: Float64Array;
  readonly #random: SeededRandom;
  readonly #shiftEvery: number;
  #drawn = 0;

  constructor(keys: number, seed: number, shiftEvery: number) {
    this.#random = new SeededRandom(seed);
    this.#shiftEvery = shiftEvery;
    this.#sums = new Float64Array(keys);
    let sum = 0;
    for (let rank = 0; rank < keys; rank++) this.#sums[rank] = sum += 1 / (rank + 1);
  }

  next(): number {
    const sums = this.#sums;
    const wanted = this.#random.next() / 2 ** 32 * sums[sums.length - 1];
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] > wanted) high = middle;
      else low = middle + 1;
    }
    const shifts = Math.floor(this.#drawn++ / this.#shiftEvery);
    return (low + shifts * Math.floor(sums.length / SHIFTS)) % sums.length;
  }
}

function setRequest(index: number, policy: string): (string | number)[] {
  const request = ["SET", benchKey(index), VALUE];
  if (!policy.startsWith("volatile")) return request;
  // Times long enough that nothing expires, and different for volatile-ttl.
  return [...request, "EX", 100_000 + (index * 7919) % 100_000];
}

const usedBytes = (client: RespClient) => infoNumber(client, "memory", "used_memory");

/** Starts a server and limits its memory so that it holds `capacity` keys, found by trying. */
async function enter(
  contestant: Contestant,
  policy: string,
  capacity: number,
  options: HitRatioOptions,
): Promise<Cache> {
  const server = await startContestant(contestant, ["--maxmemory-policy", policy]);
  const client = await server.connect();
  const cache = { server, client, hits: 0, refused: 0, keysHeld: 0 };
  const emptyBytes = await usedBytes(client);
  const all = Array.from({ length: capacity }, (_, index) => index);
  await play(cache, all, policy);
  let limitBytes = await usedBytes(client);
  const bytesPerKey = (limitBytes - emptyBytes) / capacity;
  const trace = new ZipfTrace(options.keys, options.seed + 1, Infinity);
  for (let attempt = 0; attempt < CALIBRATIONS; attempt++) {
    await client.expect("CONFIG", "SET", "maxmemory", Math.round(limitBytes));
    await client.expect("FLUSHALL");
    for (let done = 0; done < capacity * 4; done += BATCH) {
      await play(cache, Array.from({ length: BATCH }, () => trace.next()), policy);
    }
    limitBytes += (capacity - Number(await client.expect("DBSIZE"))) * bytesPerKey;
  }
  await client.expect("CONFIG", "SET", "maxmemory", Math.round(limitBytes));
  await client.expect("FLUSHALL");
  cache.hits = cache.refused = 0;
  return cache;
}

/** Reads a batch of keys and writes those that are missing. */
async function play(
  cache: Cache,
  indexes: readonly number[],
  policy: string,
): Promise<void> {
  const { client } = cache;
  const reads = encodeRequests(indexes.map((index) => ["GET", benchKey(index)]));
  const replies = await client.exchangeBytes(reads, indexes.length);
  const missing = indexes.filter((_, at) => replies[at].length === DOLLAR_MINUS_ONE.length);
  cache.hits += indexes.length - missing.length;
  if (missing.length === 0) return;
  const writes = encodeRequests(missing.map((index) => setRequest(index, policy)));
  const MINUS = 0x2d;
  for (const reply of await client.exchangeBytes(writes, missing.length)) {
    if (reply[0] === MINUS) cache.refused++;
  }
}

async function race(policy: string, name: string, options: HitRatioOptions): Promise<string[]> {
  const capacity = Math.floor(options.keys * options.sharePercent / 100);
  const caches: Cache[] = [];
  for (const contestant of BOTH) {
    caches.push(await enter(contestant, policy, capacity, options));
  }
  try {
    const shiftEvery = name === "shift" ? Math.ceil(options.requests / SHIFTS) : Infinity;
    const trace = new ZipfTrace(options.keys, options.seed, shiftEvery);
    for (let done = 0; done < options.requests; done += BATCH) {
      const indexes = Array.from({ length: BATCH }, () => trace.next());
      await Promise.all(caches.map((cache) => play(cache, indexes, policy)));
    }
    for (const cache of caches) {
      cache.keysHeld = Number(await cache.client.expect("DBSIZE"));
    }
  } finally {
    for (const { client, server } of caches) {
      client.close();
      await server[Symbol.asyncDispose]();
    }
  }
  const ratios = caches.map(({ hits }) => hits / options.requests * 100);
  return [
    `${policy}, ${name}`,
    ...ratios.map((ratio) => `${ratio.toFixed(2)} %`),
    (ratios[1] - ratios[0]).toFixed(2),
    ...caches.map(({ keysHeld }) => String(keysHeld)),
  ];
}

/** Hit ratios of both servers, policy by policy and trace by trace. */
export async function hitRatioTable(options: HitRatioOptions): Promise<string> {
  const rows: string[][] = [];
  for (const policy of options.policies) {
    for (const name of options.traces) rows.push(await race(policy, name, options));
  }
  const header = ["hits", "redis-server", "Redeno", "difference in points"];
  return markdownTable([...header, "keys held: redis-server", "Redeno"], rows);
}

async function main(): Promise<void> {
  const names = ["keys", "share", "requests", "policies", "traces", "seed"] as const;
  const args = parseArgs(Deno.args, { string: [...names] });
  printLine(describeMachine());
  printLine(
    await hitRatioTable({
      keys: Number(args.keys ?? 50_000),
      sharePercent: Number(args.share ?? 10),
      requests: Number(args.requests ?? 300_000),
      policies: args.policies?.split(",") ?? POLICIES,
      traces: args.traces?.split(",") ?? ["zipf", "shift"],
      seed: Number(args.seed ?? 1),
    }),
  );
}

if (import.meta.main) await main();
