/**
 * Complexity bench: time per command at 10^3, 10^4, 10^5 and 10^6 elements, for each structure and
 * class of operation, beside the complexity that Redis documents. The last columns tell how much
 * slower it became from the smallest size to the largest, and whether that is no more than stated.
 *
 *   deno run -A scripts/bench/micro/complexity_bench.ts [largest size, default 1000000] [group …]
 *
 *   groups: list hash set zset string keys del
 *
 * Inside the server, without sockets: parser, dispatch, data, reply. Growth of O(1) is not exactly
 * 1, for a larger structure misses the processor's caches more often; the limits allow for that.
 * DEL is stated as O(N) and takes a short first step here, for memory comes back later.
 */

import { Random } from "../../../src/base/random.ts";
import { printLine } from "../../../tests/support/text.ts";
import { BenchServer } from "../bench_server.ts";
import { markdownTable } from "../spread.ts";

type Complexity = "O(1)" | "O(log N)" | "O(N)";

interface Operation {
  request: (n: number) => string[];
  stated: Complexity;
  /** Requests per measurement, fewer for slow ones. */
  count?: number;
  /** What must be done before each measurement; with it, one request is measured at a time. */
  prepare?: (n: number) => string[];
}

interface Group {
  fill: (index: number) => string[];
  operations: Record<string, Operation>;
}

const random = new Random(1);
const FILL_BATCH = 500;
const ROUNDS = 5;
/** Rounds before all others, for the compiler; not counted. */
const WARM_UP_ROUNDS = 40;
const COUNT = 100;
/** Growth over a thousandfold size that is called in accord with what is stated. */
const GROWTH_MAX: Record<Complexity, number> = { "O(1)": 12, "O(log N)": 16, "O(N)": 3000 };
let fresh = 0;

const member = (index: number) => `member:${index}`;
const any = (n: number) => member(random.below(n));
const unused = () => `new:${fresh++}`;
const middle = (n: number) => String(n >> 1);
const one = (...request: string[]): Operation => ({ request: () => request, stated: "O(1)" });
const linear = (...request: string[]): Operation => {
  return { request: () => request, stated: "O(N)", count: 5 };
};

const GROUPS: Record<string, Group> = {
  list: {
    fill: (index) => ["RPUSH", "k", member(index)],
    operations: {
      "LPUSH": one("LPUSH", "k", "x"),
      "RPUSH": one("RPUSH", "k", "x"),
      "LPOP": one("LPOP", "k"),
      "RPOP": one("RPOP", "k"),
      "LLEN": one("LLEN", "k"),
      "LINDEX, near an end": one("LINDEX", "k", "-3"),
      "LINDEX, middle": { request: (n) => ["LINDEX", "k", middle(n)], stated: "O(N)" },
      "LSET, middle": { request: (n) => ["LSET", "k", middle(n), "x"], stated: "O(N)" },
      "LRANGE of 10, head": one("LRANGE", "k", "0", "9"),
      "LRANGE of 10, middle": {
        request: (n) => ["LRANGE", "k", middle(n), String((n >> 1) + 9)],
        stated: "O(N)",
      },
      "LMOVE": one("LMOVE", "k", "k", "LEFT", "RIGHT"),
      "LINSERT, missing": linear("LINSERT", "k", "BEFORE", "none", "x"),
      "LPOS, missing": linear("LPOS", "k", "none"),
      "LREM, missing": linear("LREM", "k", "0", "none"),
    },
  },
  hash: {
    fill: (index) => ["HSET", "k", member(index), "value"],
    operations: {
      "HGET": { request: (n) => ["HGET", "k", any(n)], stated: "O(1)" },
      "HSET, replace": { request: (n) => ["HSET", "k", any(n), "other"], stated: "O(1)" },
      "HSET, new": { request: () => ["HSET", "k", unused(), "value"], stated: "O(1)" },
      "HINCRBY": one("HINCRBY", "k", "counter", "1"),
      "HDEL": { request: (n) => ["HDEL", "k", any(n)], stated: "O(1)" },
      "HSCAN step": { request: (n) => ["HSCAN", "k", String(random.below(n))], stated: "O(1)" },
      "HRANDFIELD": one("HRANDFIELD", "k"),
    },
  },
  set: {
    fill: (index) => ["SADD", "k", member(index)],
    operations: {
      "SADD": { request: () => ["SADD", "k", unused()], stated: "O(1)" },
      "SISMEMBER": { request: (n) => ["SISMEMBER", "k", any(n)], stated: "O(1)" },
      "SREM": { request: (n) => ["SREM", "k", any(n)], stated: "O(1)" },
      "SPOP": one("SPOP", "k"),
      "SRANDMEMBER": one("SRANDMEMBER", "k"),
      "SSCAN step": { request: (n) => ["SSCAN", "k", String(random.below(n))], stated: "O(1)" },
      "SINTER with a set of 1": {
        prepare: () => ["SADD", "small", "x"],
        request: () => ["SINTER", "k", "small"],
        stated: "O(1)",
      },
    },
  },
  zset: {
    fill: (index) => ["ZADD", "k", String(index), member(index)],
    operations: {
      "ZSCORE": { request: (n) => ["ZSCORE", "k", any(n)], stated: "O(1)" },
      "ZADD, new": {
        request: (n) => ["ZADD", "k", String(random.below(n)), unused()],
        stated: "O(log N)",
      },
      "ZADD, move": {
        request: (n) => ["ZADD", "k", String(random.below(n)), any(n)],
        stated: "O(log N)",
      },
      "ZRANK": { request: (n) => ["ZRANK", "k", any(n)], stated: "O(log N)" },
      "ZRANGE of 10, middle": {
        request: (n) => ["ZRANGE", "k", middle(n), String((n >> 1) + 9)],
        stated: "O(log N)",
      },
      "ZRANGEBYSCORE of 10": {
        request: (n) => ["ZRANGEBYSCORE", "k", middle(n), "+inf", "LIMIT", "0", "10"],
        stated: "O(log N)",
      },
      "ZCOUNT": { request: (n) => ["ZCOUNT", "k", "10", middle(n)], stated: "O(log N)" },
      "ZREM": { request: (n) => ["ZREM", "k", any(n)], stated: "O(log N)" },
      "ZPOPMIN": { request: () => ["ZPOPMIN", "k"], stated: "O(log N)" },
      "ZREMRANGEBYRANK of 2": {
        request: (n) => ["ZREMRANGEBYRANK", "k", String(n >> 2), String((n >> 2) + 1)],
        stated: "O(log N)",
        count: 50,
      },
      "ZRANDMEMBER": { request: () => ["ZRANDMEMBER", "k"], stated: "O(log N)" },
      "ZSCAN step": { request: (n) => ["ZSCAN", "k", String(random.below(n))], stated: "O(1)" },
    },
  },
  string: {
    fill: (_index) => ["APPEND", "k", "x"],
    operations: {
      "GETRANGE of 10": {
        request: (n) => ["GETRANGE", "k", middle(n), String((n >> 1) + 9)],
        stated: "O(1)",
      },
      "SETRANGE of 10": {
        request: (n) => ["SETRANGE", "k", String(random.below(n - 10)), "0123456789"],
        stated: "O(1)",
      },
      "APPEND of 10": one("APPEND", "k", "0123456789"),
      "SETBIT": {
        request: (n) => ["SETBIT", "k", String(random.below(n * 8)), "1"],
        stated: "O(1)",
      },
      "GETBIT": { request: (n) => ["GETBIT", "k", String(random.below(n * 8))], stated: "O(1)" },
      "BITFIELD": {
        request: (n) => ["BITFIELD", "k", "INCRBY", "u16", String(random.below(n * 8 - 16)), "1"],
        stated: "O(1)",
      },
      "STRLEN": one("STRLEN", "k"),
      "GET": linear("GET", "k"),
      "BITCOUNT": linear("BITCOUNT", "k"),
    },
  },
  keys: {
    fill: (index) => ["SET", member(index), "value"],
    operations: {
      "GET": { request: (n) => ["GET", any(n)], stated: "O(1)" },
      "SET": { request: (n) => ["SET", any(n), "other"], stated: "O(1)" },
      "SET, new": { request: () => ["SET", unused(), "value"], stated: "O(1)" },
      "EXPIRE": { request: (n) => ["EXPIRE", any(n), "1000"], stated: "O(1)" },
      "RENAME": { request: (n) => ["RENAME", member(random.below(9)), any(n)], stated: "O(1)" },
      "DEL": { request: (n) => ["DEL", any(n)], stated: "O(1)" },
      "SCAN step": { request: (n) => ["SCAN", String(random.below(n))], stated: "O(1)" },
      "RANDOMKEY": one("RANDOMKEY"),
      "DBSIZE": one("DBSIZE"),
    },
  },
};
GROUPS.keys.operations.RENAME.prepare = () =>
  ["MSET", ...Array(9).keys()].flatMap((item) => {
    return typeof item === "number" ? [member(item), "value"] : item;
  });
for (const type of ["list", "hash", "set", "zset", "string"]) {
  const operation = (name: string): Operation => ({
    prepare: () => ["COPY", "k", "copy", "REPLACE"],
    request: () => [name, "copy"],
    stated: name === "UNLINK" ? "O(1)" : "O(N)",
  });
  GROUPS[type].operations[`DEL of it`] = operation("DEL");
  GROUPS[type].operations[`UNLINK of it`] = operation("UNLINK");
}

function fill(bench: BenchServer, group: Group, n: number): void {
  for (let start = 0; start < n; start += FILL_BATCH) {
    const size = Math.min(FILL_BATCH, n - start);
    bench.run(Array.from({ length: size }, (_, offset) => group.fill(start + offset)));
  }
}

/** Nanoseconds per request: the best of some rounds, so that a busy neighbour counts less. */
function measure(
  bench: BenchServer,
  operation: Operation,
  n: number,
  rounds: number,
): number {
  const { prepare, request, count = COUNT } = operation;
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    if (prepare !== undefined) bench.run([prepare(n)]);
    const isSingle = prepare?.(n)[0] === "COPY";
    const requests = Array.from({ length: isSingle ? 1 : count }, () => request(n));
    best = Math.min(best, bench.run(requests) * 1000 / requests.length);
    const { reclaimer } = bench.server.keyspace;
    while (reclaimer.pendingCount > 0) reclaimer.step(1 << 20);
  }
  return best;
}

function nanoseconds(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} ms`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(0)} µs` : `${value.toFixed(0)} ns`;
}

/** Measures groups of operations at all sizes; one table. */
export function complexityTable(sizes: readonly number[], groupNames: readonly string[]): string {
  const rows: string[][] = [];
  for (const groupName of groupNames) {
    const group = GROUPS[groupName];
    const times = new Map<string, number[]>();
    for (const [pass, n] of [sizes[0], ...sizes].entries()) {
      const bench = new BenchServer();
      fill(bench, group, n);
      for (const [name, operation] of Object.entries(group.operations)) {
        const taken = times.get(name) ?? [];
        taken.push(measure(bench, operation, n, pass === 0 ? WARM_UP_ROUNDS : ROUNDS));
        times.set(name, taken);
      }
    }
    for (const [name, all] of times) {
      const taken = all.slice(1);
      const { stated } = group.operations[name];
      const growth = taken[taken.length - 1] / taken[0];
      const verdict = growth <= GROWTH_MAX[stated] ? "as stated" : "MORE THAN STATED";
      const cells = taken.map(nanoseconds);
      rows.push([`${groupName}: ${name}`, ...cells, `× ${growth.toFixed(1)}`, stated, verdict]);
    }
  }
  const columns = sizes.map((n) => n.toLocaleString("en-US"));
  return markdownTable(["time per command", ...columns, "growth", "stated", ""], rows);
}

if (import.meta.main) {
  const largest = Number(Deno.args[0] ?? 1_000_000);
  const sizes = [1000, 10_000, 100_000, 1_000_000].filter((n) => n <= largest);
  const names = Deno.args.length > 1 ? Deno.args.slice(1) : Object.keys(GROUPS);
  printLine(complexityTable(sizes, names));
}
