/**
 * What it costs when fields of hashes expire by the million: hashes whose fields all have a time of
 * their own within a minute; a client asks meanwhile, and feels every pause. Redeno beside
 * redis-server 8.2 (REDIS_8 names the program; without it, Redeno alone).
 *
 *   deno run -A scripts/bench/wire/field_expiry_pauses.ts [options]
 *
 *   --hashes N   how many (default 1000000)
 *   --fields N   fields of each (default 10)
 *   --seconds N  within which they expire (default 60)
 *   --together   all fields of a hash have one time
 *
 * The minute begins when all have been set: its times are set for a moment that the first requests
 * let one expect. If the load takes longer than that, it is done again with more room.
 *
 * A pause is told twice: how long a reply took since its request was due, which on a busy machine
 * is also what others took; and how much processor time the server's main thread used between
 * request and reply, which is what the server itself did before it answered. (The kernel counts
 * that in ticks of up to 4 ms while a thread runs, so it may be a tick too much.)
 */

import { parseArgs } from "@std/cli";
import * as clock from "../../../src/base/clock.ts";
import { cpuSeconds, mainThreadMs, residentBytes } from "../../../tests/support/process_stat.ts";
import { missingPeer, type PeerKind, startPeer } from "../../../tests/support/replication_pair.ts";
import { encodeRequests, type RespClient } from "../../../tests/support/resp_client.ts";
import { SeededRandom } from "../../../tests/support/seeded_random.ts";
import type { ServerProcess } from "../../../tests/support/server_process.ts";
import { delay, printLine, printNote } from "../../../tests/support/text.ts";
import { fill, infoNumber } from "../loads.ts";
import { describeMachine } from "../results.ts";
import { markdownTable, percentile } from "../spread.ts";

export interface FieldExpiryOptions {
  hashes: number;
  fields: number;
  seconds: number;
  /** All fields of a hash have one time. */
  together: boolean;
  /** Memory is looked at once more so long after the last field has gone. */
  restMs: number;
}

/** The first fields tell how long all of them take. */
const PACE_SHARE = 0.02;
/** How many times as long as that they may take; twice as much at each further attempt. */
const PACE_MARGIN = 1.6;
const ATTEMPTS_MAX = 4;
const PROBE = encodeRequests([["HGET", "probe", "field"]]);
/** A request is due so long after the one before was. */
const PROBE_PERIOD_MS = 2;
/** How often the server is asked how many have expired, and, when all should, if all are gone. */
const SAMPLE_PERIOD_MS = 1000;
const END_PERIOD_MS = 50;

/** Times at which fields expire, in ms from the first. */
class Times {
  /** The time of each field, hash after hash. */
  readonly ofFields: Uint32Array;
  /** Fields whose time is no later than this ms. */
  readonly #dueBy: Uint32Array;

  constructor({ hashes, fields, seconds, together }: FieldExpiryOptions) {
    const random = new SeededRandom(1);
    const periodMs = seconds * 1000;
    this.ofFields = new Uint32Array(hashes * fields);
    this.#dueBy = new Uint32Array(periodMs);
    for (let index = 0; index < this.ofFields.length; index++) {
      const isSame = together && index % fields > 0;
      const time = isSame ? this.ofFields[index - 1]! : random.below(periodMs);
      this.ofFields[index] = time;
      this.#dueBy[time]!++;
    }
    for (let ms = 1; ms < periodMs; ms++) this.#dueBy[ms]! += this.#dueBy[ms - 1]!;
  }

  /** How long ago, at `ms`, the first field was due that is not among the `expired` first ones. */
  lagMs(expired: number, ms: number): number {
    let low = 0;
    let high = Math.min(this.#dueBy.length, Math.max(0, Math.floor(ms)));
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#dueBy[middle]! > expired) high = middle;
      else low = middle + 1;
    }
    return low < this.#dueBy.length ? Math.max(0, ms - low) : 0;
  }
}

/** Sets fields number 0 to `count` - 1, each to expire at its time after `beginMs`. */
function setFields(
  client: RespClient,
  times: Times,
  { fields }: FieldExpiryOptions,
  count: number,
  beginMs: number,
): Promise<void> {
  return fill(client, count, (index) => {
    const key = `hash:${Math.floor(index / fields)}`;
    const atMs = beginMs + times.ofFields[index]!;
    return ["HSETEX", key, "PXAT", atMs, "FIELDS", "1", `field:${index % fields}`, "value"];
  });
}

/** Sets all fields; returns the moment from which on they expire, which is still to come. */
async function load(
  client: RespClient,
  times: Times,
  options: FieldExpiryOptions,
): Promise<number> {
  const count = times.ofFields.length;
  const part = Math.ceil(count * PACE_SHARE);
  const farMs = clock.systemMs() + 86_400_000;
  // The first time tells how slow a server is that has just begun.
  await setFields(client, times, options, part, farMs);
  const startMs = clock.systemMs();
  await setFields(client, times, options, part, farMs);
  const paceMs = (clock.systemMs() - startMs) / part;
  let margin = PACE_MARGIN;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++, margin *= 2) {
    const beginMs = clock.systemMs() + Math.ceil(paceMs * count * margin) + 1000;
    await setFields(client, times, options, count, beginMs);
    if (clock.systemMs() < beginMs) return beginMs;
    printNote("fields expired before all were set: once more");
  }
  throw new Error("Fields expire before all are set, however long they have");
}

interface Measured {
  waitedMs: number[];
  usedMs: number[];
  /** The most that fields outlived their time, as seen once a second. */
  lagMs: number;
  /** How long after the last time the last field was gone. */
  lateMs: number;
}

/** Asks until all fields are gone. */
async function probe(
  server: ServerProcess,
  clients: { probing: RespClient; counting: RespClient },
  times: Times,
  beginMs: number,
  endMs: number,
): Promise<Measured> {
  const { probing, counting } = clients;
  const before = await infoNumber(counting, "stats", "expired_subkeys");
  const measured: Measured = { waitedMs: [], usedMs: [], lagMs: 0, lateMs: 0 };
  let sampleMs = 0;
  for (let dueMs = performance.now();; dueMs += PROBE_PERIOD_MS) {
    const earlyMs = dueMs - performance.now();
    if (earlyMs > 0) {
      await delay(earlyMs);
      // That the timer is late is not the server's fault; that the last reply was, is.
      dueMs = performance.now();
    }
    const usedBefore = mainThreadMs(server.pid);
    await probing.exchangeBytes(PROBE, 1);
    measured.waitedMs.push(performance.now() - dueMs);
    measured.usedMs.push(mainThreadMs(server.pid) - usedBefore);
    if (performance.now() < sampleMs) continue;
    const nowMs = clock.systemMs();
    sampleMs = performance.now() + (nowMs < endMs ? SAMPLE_PERIOD_MS : END_PERIOD_MS);
    const expired = await infoNumber(counting, "stats", "expired_subkeys") - before;
    measured.lagMs = Math.max(measured.lagMs, times.lagMs(expired, nowMs - beginMs));
    if (nowMs <= endMs || await counting.expect("DBSIZE") !== 1) continue;
    return { ...measured, lateMs: nowMs - endMs };
  }
}

async function memoryOf(server: ServerProcess, client: RespClient): Promise<string> {
  const used = await infoNumber(client, "memory", "used_memory");
  const mebibytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(0);
  return `${mebibytes(used)} / ${mebibytes(residentBytes(server.pid))}`;
}

async function measure(kind: PeerKind, options: FieldExpiryOptions): Promise<string[]> {
  await using server = await startPeer(kind, { release: "default" });
  using probing = await server.connect();
  using counting = await server.connect();
  await probing.expect("HSET", "probe", "field", "value");
  const memory = [await memoryOf(server, counting)];
  const times = new Times(options);
  const beginMs = await load(counting, times, options);
  memory.push(await memoryOf(server, counting));
  await delay(beginMs - clock.systemMs());
  const cpuBefore = cpuSeconds(server.pid);
  const endMs = beginMs + options.seconds * 1000;
  const measured = await probe(server, { probing, counting }, times, beginMs, endMs);
  const cpu = cpuSeconds(server.pid) - cpuBefore;
  memory.push(await memoryOf(server, counting));
  await delay(options.restMs);
  memory.push(await memoryOf(server, counting));
  const { waitedMs, usedMs } = measured;
  const cells = [50, 99, 99.9, 100].map((percent) =>
    `${percentile(waitedMs, percent).toFixed(2)} / ${percentile(usedMs, percent).toFixed(2)}`
  );
  return [
    kind === "redeno" ? "Redeno" : "redis-server 8.2",
    waitedMs.length.toLocaleString("en-US"),
    ...cells,
    cpu.toFixed(1),
    (measured.lagMs / 1000).toFixed(2),
    (measured.lateMs / 1000).toFixed(1),
    ...memory,
  ];
}

/** Measures all who are here; one table. */
export async function fieldExpiryTable(options: FieldExpiryOptions): Promise<string> {
  const rows = [await measure("redeno", options)];
  const missing = missingPeer("redis 8.2");
  if (missing === null) rows.push(await measure("redis 8.2", options));
  else printNote(`redis-server 8.2 is left out: ${missing}`);
  const header = ["ms waited / used by the server", "requests", "p50", "p99", "p99.9", "max"];
  header.push("CPU s", "fields late, s at most", "all gone, s late");
  header.push("MiB used / resident: before", "full", "all gone", "after a rest");
  return markdownTable(header, rows);
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, {
    string: ["hashes", "fields", "seconds"],
    boolean: ["together"],
  });
  const options: FieldExpiryOptions = {
    hashes: Number(args.hashes ?? 1_000_000),
    fields: Number(args.fields ?? 10),
    seconds: Number(args.seconds ?? 60),
    together: args.together,
    restMs: 10_000,
  };
  const { hashes, fields, seconds, together } = options;
  const when = together ? "each hash at once, all" : "each at a time of its own, all";
  printLine(
    `${describeMachine()}; ${hashes} hashes of ${fields} fields, which expire ${when} ` +
      `within ${seconds} s\n`,
  );
  printLine(await fieldExpiryTable(options));
}
