/**
 * What a crash run does: steps from a seed. Requests of every kind that the AOF records in a way of
 * its own (random choices, relative times, floats, several databases), transactions, pipelines, and
 * what moves files: SAVE, BGSAVE, BGREWRITEAOF, FLUSHALL, CONFIG SET appendonly.
 */
import type { Argument } from "../support/resp_client.ts";
import type { SeededRandom } from "../support/seeded_random.ts";

export type Request = readonly Argument[];

/** Requests that are answered together; each is a unit, a transaction is one. */
export type Unit = readonly Request[];

export interface Step {
  units: Unit[];
  /** How far the clock moves before. */
  advanceMs: number;
  runsCron: boolean;
  /** The background child works off its job. */
  runsChild: boolean;
  /** Syncs that are under way come to their end. */
  completesSyncs: boolean;
}

export interface WorkloadOptions {
  stepCount: number;
  /** Switch the AOF on and off. */
  togglesAof: boolean;
  /** Ask for rewrites. */
  rewrites: boolean;
}

/** Milliseconds of a day in the year 2100. */
const FAR_FUTURE_MS = 4_102_444_800_000;

type Maker = (random: SeededRandom) => Request;

const key = (random: SeededRandom, kind: string) => `${kind}:${random.below(6)}`;
const text = (random: SeededRandom) => random.word(random.between(0, random.oneIn(12) ? 3000 : 30));

const WRITERS: readonly Maker[] = [
  (random) => ["SET", key(random, "s"), text(random)],
  (random) => ["SET", key(random, "s"), text(random), "PX", random.between(1, 5000)],
  (random) => ["SET", key(random, "s"), text(random), "GET"],
  (random) => ["SETEX", key(random, "s"), random.between(1, 100), text(random)],
  (random) => ["GETEX", key(random, "s"), "PX", random.between(1, 5000)],
  (random) => ["GETDEL", key(random, "s")],
  (random) => ["APPEND", key(random, "s"), text(random)],
  (random) => ["SETRANGE", key(random, "s"), random.below(40), text(random)],
  (random) => ["SETBIT", key(random, "s"), random.below(400), 1],
  (random) => ["INCR", key(random, "n")],
  (random) => ["INCRBYFLOAT", key(random, "n"), random.between(-99, 99) / 10],
  (random) => ["MSET", key(random, "s"), text(random), key(random, "s"), text(random)],
  (random) => ["PFADD", key(random, "p"), text(random), text(random)],
  (random) => ["RPUSH", key(random, "l"), text(random), random.below(100)],
  (random) => ["LPUSH", key(random, "l"), text(random)],
  (random) => ["LPOP", key(random, "l"), random.between(1, 3)],
  (random) => ["LMOVE", key(random, "l"), key(random, "l"), "LEFT", "RIGHT"],
  (random) => ["BLPOP", key(random, "l"), key(random, "l"), 0.01],
  (random) => ["LMPOP", 2, key(random, "l"), key(random, "l"), "RIGHT", "COUNT", 2],
  (random) => ["LTRIM", key(random, "l"), 0, 20],
  (random) => ["SADD", key(random, "u"), random.below(50), random.below(50), text(random)],
  (random) => ["SPOP", key(random, "u")],
  (random) => ["SPOP", key(random, "u"), random.between(1, 4)],
  (random) => ["SMOVE", key(random, "u"), key(random, "u"), random.below(50)],
  (random) => ["SUNIONSTORE", key(random, "u"), key(random, "u"), key(random, "u")],
  (random) => ["HSET", key(random, "h"), random.word(2), text(random), "f", random.below(9)],
  (random) => ["HINCRBYFLOAT", key(random, "h"), "g", random.between(-99, 99) / 8],
  (random) => ["HDEL", key(random, "h"), "f"],
  (random) => ["ZADD", key(random, "z"), random.below(100) / 4, random.word(1)],
  (random) => ["ZADD", key(random, "z"), "NX", "INCR", 1.5, random.word(2)],
  (random) => ["ZPOPMIN", key(random, "z"), 2],
  (random) => ["ZMPOP", 1, key(random, "z"), "MAX"],
  (random) => ["ZUNIONSTORE", key(random, "z"), 2, key(random, "z"), key(random, "z")],
  (random) => ["GEOADD", key(random, "z"), random.between(-170, 170), 10.5, random.word(1)],
  (random) => ["XADD", key(random, "x"), "*", "f", text(random), "g", random.below(9)],
  (random) => ["XADD", key(random, "x"), "MAXLEN", "~", 20, "*", random.word(1), text(random)],
  (random) => ["XTRIM", key(random, "x"), "MAXLEN", random.below(30)],
  (random) => ["XGROUP", "CREATE", key(random, "x"), "g", 0, "MKSTREAM"],
  (random) => ["XREADGROUP", "GROUP", "g", "c", "COUNT", 3, "STREAMS", key(random, "x"), ">"],
  (random) => ["XAUTOCLAIM", key(random, "x"), "g", random.word(1), 0, 0, "COUNT", 2],
  (random) => ["EXPIRE", key(random, random.pick(["s", "l", "h"])), random.between(1, 3)],
  (random) => ["PEXPIREAT", key(random, "z"), FAR_FUTURE_MS + random.below(1000)],
  (random) => ["PEXPIREAT", key(random, "u"), 1000],
  (random) => ["PERSIST", key(random, "s")],
  (random) => ["DEL", key(random, "s"), key(random, "l"), key(random, "z")],
  (random) => ["UNLINK", key(random, "h"), key(random, "u")],
  (random) => ["RENAME", key(random, "s"), key(random, "s")],
  (random) => ["COPY", key(random, "z"), key(random, "z"), "REPLACE"],
  (random) => ["MOVE", key(random, "h"), random.below(4)],
  (random) => ["SORT", key(random, "l"), "ALPHA", "STORE", key(random, "l")],
  (random) => ["SWAPDB", 0, random.between(1, 3)],
  (random) => ["SELECT", random.below(4)],
  // Readers find out that keys have expired.
  (random) => ["GET", key(random, "s")],
  (random) => ["HGETALL", key(random, "h")],
  () => ["PUBLISH", "channel", "nobody hears it"],
];

/** A list of steps that is the same for the same seed. */
export function workload(random: SeededRandom, options: WorkloadOptions): Step[] {
  const steps: Step[] = [];
  let isAofOn = true;
  for (let index = 0; index < options.stepCount; index++) {
    const units: Unit[] = [];
    const count = random.oneIn(5) ? random.between(2, 6) : 1;
    for (let each = 0; each < count; each++) units.push(randomUnit(random, options));
    if (options.togglesAof && random.oneIn(12)) {
      isAofOn = !isAofOn;
      units.push([["CONFIG", "SET", "appendonly", isAofOn ? "yes" : "no"]]);
    }
    steps.push({
      units,
      advanceMs: random.oneIn(8) ? random.between(500, 900) : random.between(1, 200),
      runsCron: random.oneIn(3),
      runsChild: random.oneIn(3),
      completesSyncs: !random.oneIn(3),
    });
  }
  return steps;
}

function randomUnit(random: SeededRandom, options: WorkloadOptions): Unit {
  if (random.oneIn(25)) return [["BGSAVE"]];
  if (options.rewrites && random.oneIn(15)) return [["BGREWRITEAOF"]];
  if (random.oneIn(60)) return [["SAVE"]];
  if (random.oneIn(40)) return [[random.pick(["FLUSHALL", "FLUSHDB"])]];
  if (!random.oneIn(5)) return [random.pick(WRITERS)(random)];
  const queued = Array.from({ length: random.between(1, 6) }, () => random.pick(WRITERS)(random));
  if (random.oneIn(15)) queued.push(["FLUSHALL"]);
  const end = random.oneIn(10) ? "DISCARD" : "EXEC";
  return [["MULTI"], ...queued, [end]];
}
