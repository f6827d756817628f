/**
 * Command bench: nanoseconds and bytes of garbage per command inside the server: parser, dispatch,
 * data, reply, without sockets. What a change to the hot path costs is seen here before
 * redis-benchmark can show it.
 *
 *   deno run -A scripts/bench/micro/command_bench.ts [requests, default 400000] [command …]
 */
import { Random } from "../../../src/base/random.ts";
import { BenchServer } from "../bench_server.ts";
import { median } from "../spread.ts";

const KEY_COUNT = 100_000;
/** Entries of the stream that is read. */
const ENTRY_COUNT = 100_000;
/** Requests per batch, as one read of a pipeline might bring. */
const BATCH = 500;

const requests = Number(Deno.args[0] ?? 400_000);
const random = new Random(1);
const randomKey = () => `key:${String(random.below(KEY_COUNT)).padStart(12, "0")}`;
/** Entries that are pending all the time, beside the one in progress. */
const PENDING_COUNT = 10_000;

/** For commands of many keys. */
const tenKeys = () => Array.from({ length: 10 }, randomKey);

const LONG_VALUE = "x".repeat(1000);

/** For commands that come in pairs. */
let calls = 0;
let lastKey = "";
const again = () => lastKey = randomKey();

const COMMANDS: Record<string, () => string[]> = {
  ping: () => ["PING"],
  set: () => ["SET", randomKey(), "xxx"],
  get: () => ["GET", randomKey()],
  incr: () => ["INCR", `counter:${randomKey()}`],
  mset: () => ["MSET", ...tenKeys().flatMap((key) => [key, "xxx"])],
  mget: () => ["MGET", ...tenKeys()],
  exists: () => ["EXISTS", ...tenKeys()],
  del: () => ["DEL", ...tenKeys()],
  lpush: () => ["LPUSH", "list", "xxx"],
  rpush: () => ["RPUSH", "list", "xxx"],
  lpop: () => ["LPOP", "list"],
  sadd: () => ["SADD", "set", randomKey()],
  hset: () => ["HSET", "hash", randomKey(), "xxx"],
  hget: () => ["HGET", "hash", randomKey()],
  hsets: () => ["HSET", `small:${random.below(1000)}`, `f${random.below(10)}`, "xxx"],
  hgets: () => ["HGET", `small:${random.below(1000)}`, `f${random.below(10)}`],
  zadd: () => ["ZADD", "zset", String(random.below(1000)), randomKey()],
  zpopmin: () => ["ZPOPMIN", "zset"],
  spop: () => ["SPOP", "set"],
  sort: () => ["SORT", "numbers"],
  sinterstore: () => ["SINTERSTORE", "result", "set:a", "set:b"],
  zinterstore: () => ["ZINTERSTORE", "result", "2", "zset:a", "zset:b"],
  zunionstore: () => ["ZUNIONSTORE", "result", "2", "zset:a", "zset:b"],
  setdel: () => ++calls % 2 === 1 ? ["SET", again(), "xxx"] : ["DEL", lastKey],
  setexdel: () => ++calls % 2 === 1 ? ["SET", again(), "xxx", "EX", "1000"] : ["DEL", lastKey],
  expire: () => ++calls % 2 === 1 ? ["EXPIRE", again(), "1000"] : ["PERSIST", lastKey],
  xadd: () => ["XADD", "new", "*", "field", randomKey()],
  xadd_cut: () => ["XADD", "cut", "MAXLEN", "~", "1000", "*", "field", randomKey()],
  xread: () => ["XREAD", "STREAMS", "stream", `1-${ENTRY_COUNT - 5}`],
  xrange: () => ["XRANGE", "stream", `1-${random.below(ENTRY_COUNT - 100)}`, "+", "COUNT", "100"],
  xreadgroup: readOrAcknowledge,
  xack_old: readOrAcknowledge,
  // Leaves `maxmemory` set: it must stand last.
  evict: () => ["SET", `new:${random.below(1_000_000)}`, LONG_VALUE],
};

/** Gives an entry to a consumer, or acknowledges the oldest one that is pending. */
function readOrAcknowledge(): string[] {
  return ++calls % 2 === 0
    ? ["XACK", "stream", "group", `1-${calls >> 1}`]
    : "XREADGROUP GROUP group consumer COUNT 1 STREAMS stream >".split(" ");
}

/** What is there before a command is measured. */
const PREPARED: Record<string, () => string[][]> = {
  xread: streamToRead,
  xrange: streamToRead,
  xreadgroup: groupToRead,
  sort: () => [
    ["DEL", "numbers"],
    ["RPUSH", "numbers", ...Array.from({ length: 100 }, () => String(random.below(1000)))],
  ],
  sinterstore: () => twoHalvesInCommon((key, member) => ["SADD", `set:${key}`, member]),
  zinterstore: () =>
    twoHalvesInCommon((key, member) => ["ZADD", `zset:${key}`, member.slice(7), member]),
  zunionstore: () =>
    twoHalvesInCommon((key, member) => ["ZADD", `zset:${key}`, member.slice(7), member]),
  xack_old: () => {
    const read = `XREADGROUP GROUP group consumer COUNT ${PENDING_COUNT} STREAMS stream >`;
    return [...groupToRead(), read.split(" ")];
  },
  evict: () => [
    ["CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"],
    ...Array.from({ length: KEY_COUNT }, (_, index) => ["SET", `old:${index}`, LONG_VALUE]),
  ],
};

/** Two sets of a thousand members, half of which both have. */
function twoHalvesInCommon(add: (key: string, member: string) => string[]): string[][] {
  return Array.from({ length: 1000 }, (_, index) => [
    add("a", `member:${index}`),
    add("b", `member:${index + 500}`),
  ]).flat();
}

function groupToRead(): string[][] {
  calls = 0;
  return [["XGROUP", "CREATE", "stream", "group", "0", "MKSTREAM"], ...streamToRead()];
}

function streamToRead(): string[][] {
  return Array.from(
    { length: ENTRY_COUNT },
    (_, index) => ["XADD", "stream", `1-${index + 1}`, "field", `value:${index}`],
  );
}

async function measure(server: BenchServer, name: string): Promise<void> {
  const batchCount = Math.ceil(requests / BATCH);
  server.run([["DEL", "stream"]]);
  const prepared = PREPARED[name]?.() ?? [];
  for (let start = 0; start < prepared.length; start += BATCH) {
    server.run(prepared.slice(start, start + BATCH));
  }
  const elapsedUs: number[] = [];
  const garbage: number[] = [];
  for (let batch = 0; batch < batchCount; batch++) {
    elapsedUs.push(server.run(Array.from({ length: BATCH }, COMMANDS[name])));
    garbage.push(server.garbageBytes);
    await Promise.resolve();
  }
  // Medians: what the collector takes away is in few batches, and what the neighbours take, too.
  const nanoseconds = median(elapsedUs) * 1000 / BATCH;
  const bytes = median(garbage) / BATCH;
  const cells = `${nanoseconds.toFixed(0).padStart(6)} ns ${bytes.toFixed(0).padStart(6)} bytes`;
  Deno.stdout.writeSync(new TextEncoder().encode(`${name.padEnd(10)} ${cells}\n`));
}

const server = new BenchServer();
const names = Deno.args.length > 1 ? Deno.args.slice(1) : Object.keys(COMMANDS);
for (const name of names) await measure(server, name);
