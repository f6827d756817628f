/**
 * Memory: how many bytes each shape of data takes per key, element or entry, and whether what is
 * resident stays close to what is used: after large loads, and after nine keys in ten were deleted.
 *
 *   deno run -A scripts/bench/wire/memory_per_key.ts [--scale N] [--only X] [--servers a,b]
 *
 *   --scale     part of the numbers below (default 1)
 *   --only      shapes whose names begin like that
 *   --servers   some of redis redis8 valkey9 redeno (default: all that are here)
 *
 * Each shape has a server of its own, and the servers run one after the other. "Resident" is the
 * growth of resident memory (VmRSS) from after the first 5,000 requests, deleted again (50,000, and
 * a pause, before the large loads), "used" that of used_memory, which is what the server says of
 * itself. How busy the machine is does not matter.
 *
 * Nodes of streams may be packed by and by: what streams take is looked at when it is the same for
 * five seconds. Of their resident bytes that is off which an idle server gives back besides; for
 * streams of some megabytes "used" says more.
 */

import { parseArgs } from "@std/cli";
import { residentBytes } from "../../../tests/support/process_stat.ts";
import type { RespClient } from "../../../tests/support/resp_client.ts";
import { RespError } from "../../../tests/support/resp_reply.ts";
import type { ServerProcess } from "../../../tests/support/server_process.ts";
import { delay, printNote } from "../../../tests/support/text.ts";
import { type Contestant, findContestants, startContestant } from "../contestants.ts";
import { benchKey, fill, fillKeys, infoNumber } from "../loads.ts";
import { type Results, runBench } from "../results.ts";
import { shownNumber } from "../spread.ts";
import { standingsTable } from "../standings.ts";

export interface MemoryOptions {
  contestants: readonly Contestant[];
  results: Results;
  /** Part of the full numbers. */
  scale: number;
  only?: string | undefined;
}

interface Shape {
  name: string;
  /** How many of them in full. */
  count: number;
  request: (index: number) => string[];
  /** What it takes changes by itself for a while. */
  settles?: boolean;
}

/** Requests before anything counts; too few to matter if their memory does not come back. */
const WARM_UP = 5000;

const digits = (index: number) => String(index).padStart(9, "0");
const range = (count: number, make: (index: number) => string[]) =>
  Array.from({ length: count }, (_, index) => make(index)).flat();

/** Fields of an entry of a stream, by the name of the shape. */
const STREAM_FIELDS: Readonly<Record<string, (index: number) => string[]>> = {
  "one short field": (index) => ["v", String(index % 1000)],
  "five fields of 20 bytes": (index) =>
    ["id", "name", "city", "mail", "note"].flatMap((name) => [
      name,
      `${name}${index}`.padEnd(20, "."),
    ]),
  "a document of 300 bytes": (index) => ["document", `{"number":${index}}`.padEnd(300, "x")],
};

const ONE_BY_ONE: readonly Shape[] = [
  { name: "value of 3", count: 5_000_000, request: (i) => ["SET", benchKey(i), "xxx"] },
  {
    name: "value of 100",
    count: 1_500_000,
    request: (i) => ["SET", benchKey(i), `${digits(i)}`.padEnd(100, "x")],
  },
  {
    name: "value of 3 with a time to live",
    count: 1_500_000,
    request: (i) => ["SET", benchKey(i), "xxx", "EX", "100000"],
  },
];

/** Keys of 16 bytes; members of 12. */
const SMALL_COLLECTIONS: readonly Shape[] = [
  {
    name: "small hash of 10",
    count: 500_000,
    request: (i) => ["HSET", benchKey(i), ...range(10, (n) => [`field:${n}`, `value:${n}`])],
  },
  {
    name: "small list of 20",
    count: 500_000,
    request: (i) => ["RPUSH", benchKey(i), ...range(20, (n) => [`member:${10000 + n}`])],
  },
  {
    name: "small set of 20",
    count: 500_000,
    request: (i) => ["SADD", benchKey(i), ...range(20, (n) => [`member:${10000 + n}`])],
  },
  {
    name: "small zset of 20",
    count: 500_000,
    request: (i) => ["ZADD", benchKey(i), ...range(20, (n) => [String(n), `member:${10000 + n}`])],
  },
];

/** Bytes per element. */
const LARGE_TABLES: readonly Shape[] = [
  {
    name: "one hash",
    count: 1_500_000,
    request: (i) => ["HSET", "k", `member:${digits(i)}`, `v${digits(i)}`],
  },
  { name: "one set", count: 1_500_000, request: (i) => ["SADD", "k", `member:${digits(i)}`] },
  {
    name: "one zset",
    count: 1_500_000,
    request: (i) => ["ZADD", "k", String((i * 7919) % 1_500_007), `member:${digits(i)}`],
  },
  { name: "one list", count: 1_500_000, request: (i) => ["RPUSH", "k", `member:${digits(i)}`] },
];

/** Bytes per entry. */
const STREAMS: readonly Shape[] = [
  ...Object.entries(STREAM_FIELDS).map(([name, fields]) => ({
    name: `stream, ${name}`,
    count: 1_000_000,
    request: (index: number) => ["XADD", "s", `${1e12 + index}-0`, ...fields(index)],
    settles: true,
  })),
  {
    name: "stream, ten entries each",
    count: 1_000_000,
    request: (index) => {
      const key = `s:${Math.floor(index / 10)}`;
      return ["XADD", key, `${1e12 + index}-0`, "v", String(index % 1000)];
    },
    settles: true,
  },
];

const WITH_TIMES = ["HSETEX", "k", "EX", "100000", "FIELDS"];

/** Hashes whose fields have times to live; the original has none. */
const EXPIRING_FIELDS: readonly Shape[] = [
  {
    name: "expiring fields, one hash",
    count: 1_500_000,
    request: (i) => [...WITH_TIMES, "1", `member:${digits(i)}`, `v${digits(i)}`],
  },
  {
    name: "expiring fields, hash of 10",
    count: 300_000,
    request: (i) => {
      const pairs = range(10, (n) => [`field:${n}`, `value:${n}`]);
      return ["HSETEX", benchKey(i), ...WITH_TIMES.slice(2), "10", ...pairs];
    },
  },
];

const SHAPES: readonly Shape[] = [
  ...ONE_BY_ONE,
  ...SMALL_COLLECTIONS,
  ...LARGE_TABLES,
  ...STREAMS,
  ...EXPIRING_FIELDS,
];

/** Keys set and deleted before those loads, so that code has been compiled and a child started. */
const RESIDENT_WARM_UP = 50_000;
/** Loads after which resident memory is compared with what is used. */
const LOADS = [1_000_000, 7_000_000];
/** Of so many keys one is left. */
const KEPT_OF = 10;

interface Usage {
  resident: number;
  used: number;
}

async function usageOf(server: ServerProcess, client: RespClient): Promise<Usage> {
  return {
    used: await infoNumber(client, "memory", "used_memory"),
    resident: residentBytes(server.pid),
  };
}

/** What a server takes once, for buffers and for code that compiles itself, is no part of a key. */
async function warmUp(
  client: RespClient,
  request: Shape["request"],
  scale: number,
): Promise<void> {
  await client.expect("FLUSHALL");
  await fill(client, Math.ceil(WARM_UP * Math.min(1, scale)), request);
  await client.expect("FLUSHALL");
}

/**
 * Memory comes back with time: waits until it is the same for five seconds while no data are moved
 * together, two minutes at most. (Blocks that are moved empty their slabs only towards the end.)
 */
async function settledUsage(
  server: ServerProcess,
  client: RespClient,
  scale: number,
): Promise<Usage> {
  const [STEPS_MAX, STEPS_STILL, MOVEMENT] = [240, 10, 0.005];
  const STEP_MS = Math.min(500, 10_000 * scale);
  let last = await usageOf(server, client);
  for (let step = 0, still = 0; step < STEPS_MAX && still < STEPS_STILL; step++) {
    await delay(STEP_MS);
    const now = await usageOf(server, client);
    const isMoving = await infoNumber(client, "memory", "active_defrag_running") > 0;
    const isStill = Math.abs(now.resident - last.resident) <= last.resident * MOVEMENT &&
      Math.abs(now.used - last.used) <= last.used * MOVEMENT;
    still = isStill && !isMoving ? still + 1 : 0;
    if (still === 0) last = now;
  }
  return await usageOf(server, client);
}

async function measureShape(
  shape: Shape,
  contestant: Contestant,
  { results, scale }: MemoryOptions,
): Promise<void> {
  await using server = await startContestant(contestant);
  using client = await server.connect();
  // A command that a server does not have is no shape of it.
  if (await client.call(...shape.request(0)) instanceof RespError) return;
  await warmUp(client, shape.request, scale);
  // A server that is left alone for a while gives back what its start took, too.
  const settled = shape.settles === true;
  const usage = () => settled ? settledUsage(server, client, scale) : usageOf(server, client);
  const before = await usage();
  const count = Math.max(100, Math.round(shape.count * scale));
  await fill(client, count, shape.request);
  const after = await usage();
  const load = shownNumber(count);
  const resident = (after.resident - before.resident) / count;
  results.add(`memory ${shape.name}: bytes`, contestant.name, "bytes", resident, load);
  const used = (after.used - before.used) / count;
  results.add(`memory ${shape.name}: used bytes`, contestant.name, "bytes", used, load);
  printNote(`memory ${shape.name}: ${contestant.title} ${shownNumber(resident)} resident`);
}

async function measureResident(
  contestant: Contestant,
  { results, scale }: MemoryOptions,
): Promise<void> {
  for (const load of loadsOf(scale)) {
    await using server = await startContestant(contestant);
    using client = await server.connect();
    const warmUp = Math.ceil(RESIDENT_WARM_UP * Math.min(1, scale));
    await fillKeys(client, warmUp, "xxx");
    await fill(client, warmUp, (index) => ["DEL", benchKey(index)]);
    const before = await settledUsage(server, client, scale);
    const keep = (moment: string, after: Usage) => {
      const ratio = (after.resident - before.resident) / (after.used - before.used);
      results.add(`memory ${moment}: resident to used`, contestant.name, "×", ratio);
      printNote(`memory ${moment}: ${contestant.title} resident ${ratio.toFixed(3)} × used`);
    };
    await fillKeys(client, load, "xxx");
    keep(loadName(load), await settledUsage(server, client, scale));
    const goners = load / KEPT_OF * (KEPT_OF - 1);
    await fill(client, goners, (index) => {
      const group = Math.floor(index / (KEPT_OF - 1));
      return ["DEL", benchKey(group * KEPT_OF + 1 + index % (KEPT_OF - 1))];
    });
    if (await client.call("DBSIZE") !== load - goners) throw new Error("Cannot delete the keys");
    keep(deletionName(load), await settledUsage(server, client, scale));
  }
}

const loadsOf = (scale: number) => LOADS.map((load) => Math.round(load * scale / 10) * 10);
const loadName = (load: number) => `after ${shownNumber(load)} keys`;
const deletionName = (load: number) => `after ${shownNumber(load)} keys, nine in ten deleted`;

/** Measures all servers, one after the other. */
export async function memoryTable(options: MemoryOptions): Promise<string> {
  const { contestants, results, scale, only = "" } = options;
  const shapes = SHAPES.filter(({ name }) => name.startsWith(only));
  for (const shape of shapes) {
    for (const contestant of contestants) await measureShape(shape, contestant, options);
  }
  const rows = (metric: string) =>
    shapes.map(({ name }) => ({ label: name, what: `memory ${name}: ${metric}` }));
  const tables = [
    standingsTable(results, contestants, "resident bytes", rows("bytes")),
    standingsTable(results, contestants, "used bytes", rows("used bytes")),
  ];
  if ("resident".startsWith(only)) {
    for (const contestant of contestants) await measureResident(contestant, options);
    const moments = loadsOf(scale).flatMap((load) => [loadName(load), deletionName(load)]);
    const residentRows = moments.map((moment) => ({
      label: moment,
      what: `memory ${moment}: resident to used`,
    }));
    tables.push(standingsTable(results, contestants, "resident ÷ used", residentRows));
  }
  return tables.join("\n\n");
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["scale", "only", "servers"], boolean: ["smoke"] });
  await runBench((results) =>
    memoryTable({
      contestants: findContestants({ only: args.servers?.split(",") }),
      results,
      scale: Number(args.scale ?? (args.smoke ? 0.001 : 1)),
      only: args.only,
    })
  );
}
