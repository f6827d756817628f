/**
 * What `growth.ts` measures: for each family of commands how its data are made longer, and what is
 * asked of them at each length. What an operation adds a later one takes away, so that a length
 * stays what it is said to be.
 */

import type { Argument, RespClient } from "../../tests/support/resp_client.ts";
import { SeededRandom } from "../../tests/support/seeded_random.ts";
import type { Contestant } from "./contestants.ts";
import { benchKey, fill } from "./loads.ts";
import type { Results } from "./results.ts";

/** How growth is measured, of all families. */
export interface GrowthOptions {
  /** The largest number of elements. */
  max: number;
  rounds: number;
  /** Requests of each command before any is measured. */
  warmUpRequests: number;
  results: Results;
  contestants: readonly Contestant[];
}

/** Powers of ten from one number to another. */
export function decades(from: number, to: number): number[] {
  const sizes: number[] = [];
  for (let size = from; size <= to; size *= 10) sizes.push(size);
  return sizes;
}

/** What a request may depend on. */
export interface Moment {
  /** Elements that there are. */
  length: number;
  random: SeededRandom;
  /** The number of the request: from 0 on over all rounds at this length. */
  index: number;
}

export interface Operation {
  name: string;
  request: (moment: Moment) => readonly Argument[];
  /** What comes before each request, and is not measured: it adds what the request takes away. */
  before?: (moment: Moment) => readonly Argument[];
  /** What its numbers are, if not CPU µs per command. */
  measured?: string;
  /** Why it takes longer the more there is; nothing if it should not. */
  reason?: string;
}

export interface Family {
  name: string;
  title: string;
  /** What is counted across. */
  unit: string;
  smallest: number;
  /** The largest length is the `--max` of the run times this. */
  factor?: number;
  /** Makes a length out of a shorter one; `from` is 0 at first, and there are no keys then. */
  lengthen: (client: RespClient, from: number, to: number) => Promise<void>;
  operations: readonly Operation[];
}

const NODES = "walks over up to 32 nodes from a place of the list's index, and then through one; " +
  "none of it is in the caches";
/** Measured at 10⁶ entries, 300 nodes in each batch, and then another entry of the same nodes. */
const UNPACKED =
  "the first deletion in an old node inflates it (5.3 µs), a later one finds it so " +
  "(2.7 µs): the more nodes, the more are met for the first time";
const SCATTERED = "elements of a bucket lie anywhere in memory: as at the original";
const member = (index: number) => `member:${index}`;
const anyOf = ({ length, random }: Moment) => member(random.below(length));
const fresh = ({ index }: Moment) => `new:${index}`;
/** Elements that one filling command adds. */
const PIECE = 100;

/** Adds elements `from` to `to` - 1, many in each command. */
function lengthen(
  prefix: readonly string[],
  words: (index: number) => readonly Argument[],
): Family["lengthen"] {
  return (client, from, to) =>
    fill(client, Math.ceil((to - from) / PIECE), (piece) => {
      const start = from + piece * PIECE;
      const count = Math.min(PIECE, to - start);
      return [...prefix, ...Array.from({ length: count }, (_, n) => words(start + n)).flat()];
    });
}

const LIST: Family = {
  name: "list",
  title: "A list",
  unit: "elements",
  smallest: 1000,
  lengthen: lengthen(["RPUSH", "k"], (index) => [member(index)]),
  operations: [
    {
      name: "LINDEX anywhere",
      request: (at) => ["LINDEX", "k", at.random.below(at.length)],
      reason: NODES,
    },
    {
      name: "LRANGE of 100 in the middle",
      request: ({ length }) => ["LRANGE", "k", length >> 1, (length >> 1) + 99],
      reason: NODES,
    },
    { name: "LPUSH", request: () => ["LPUSH", "k", "member:x"] },
    { name: "LPOP", request: () => ["LPOP", "k"] },
    { name: "RPUSH", request: () => ["RPUSH", "k", "member:x"] },
    { name: "RPOP", request: () => ["RPOP", "k"] },
    {
      name: "LSET anywhere",
      // As it was: what is looked for below must still be there.
      request: ({ length, random }) => {
        const index = random.below(length);
        return ["LSET", "k", index, member(index)];
      },
      reason: NODES,
    },
    { name: "LPOS near the start", request: () => ["LPOS", "k", "member:50"] },
    {
      name: "LINSERT near the start",
      request: ({ index }) => ["LINSERT", "k", "BEFORE", "member:100", `new:${index}`],
    },
    { name: "LREM of it", request: ({ index }) => ["LREM", "k", "1", `new:${index}`] },
  ],
};

const HASH: Family = {
  name: "hash",
  title: "A hash",
  unit: "fields",
  smallest: 1000,
  lengthen: lengthen(["HSET", "k"], (index) => [member(index), index]),
  operations: [
    { name: "HGET", request: (at) => ["HGET", "k", anyOf(at)] },
    { name: "HMGET of 10", request: (at) => ["HMGET", "k", ...ten(() => anyOf(at))] },
    { name: "HSET, field exists", request: (at) => ["HSET", "k", anyOf(at), "x"] },
    { name: "HSET, new field", request: (at) => ["HSET", "k", fresh(at), "1"] },
    { name: "HINCRBY", request: (at) => ["HINCRBY", "k", fresh(at), "1"] },
    { name: "HDEL of it", request: (at) => ["HDEL", "k", fresh(at)] },
    {
      name: "HSCAN COUNT 10",
      request: (at) => ["HSCAN", "k", at.random.below(1000)],
      reason: SCATTERED,
    },
    { name: "HRANDFIELD", request: () => ["HRANDFIELD", "k"] },
  ],
};

const SET: Family = {
  name: "set",
  title: "A set",
  unit: "members",
  smallest: 1000,
  lengthen: lengthen(["SADD", "k"], (index) => [member(index)]),
  operations: [
    { name: "SISMEMBER", request: (at) => ["SISMEMBER", "k", anyOf(at)] },
    { name: "SMISMEMBER of 10", request: (at) => ["SMISMEMBER", "k", ...ten(() => anyOf(at))] },
    { name: "SADD, member exists", request: (at) => ["SADD", "k", anyOf(at)] },
    { name: "SADD, new member", request: (at) => ["SADD", "k", fresh(at)] },
    { name: "SREM of it", request: (at) => ["SREM", "k", fresh(at)] },
    { name: "SRANDMEMBER", request: () => ["SRANDMEMBER", "k"] },
    {
      name: "SSCAN COUNT 10",
      request: (at) => ["SSCAN", "k", at.random.below(1000)],
      reason: SCATTERED,
    },
    { name: "SPOP", request: () => ["SPOP", "k"], before: (at) => ["SADD", "k", fresh(at)] },
  ],
};

const SCORES = 1_000_003;
const score = (index: number) => (index * 7919) % SCORES;

const ZSET: Family = {
  name: "zset",
  title: "A sorted set",
  unit: "members",
  smallest: 1000,
  lengthen: lengthen(["ZADD", "k"], (index) => [score(index), member(index)]),
  operations: [
    { name: "ZSCORE", request: (at) => ["ZSCORE", "k", anyOf(at)] },
    { name: "ZRANK", request: (at) => ["ZRANK", "k", anyOf(at)] },
    {
      name: "ZRANGE of 100, anywhere",
      request: ({ length, random }) => {
        const first = random.below(length - 100);
        return ["ZRANGE", "k", first, first + 99];
      },
    },
    {
      name: "ZRANGE BYSCORE of 10",
      request: (
        { random },
      ) => ["ZRANGE", "k", random.below(SCORES), "+inf", "BYSCORE", "LIMIT", "0", "10"],
    },
    {
      name: "ZCOUNT",
      request: ({ random }) => ["ZCOUNT", "k", random.below(SCORES / 2), SCORES],
    },
    {
      name: "ZADD, another score",
      request: (at) => ["ZADD", "k", at.random.below(SCORES), anyOf(at)],
    },
    {
      name: "ZADD, new member",
      request: (at) => ["ZADD", "k", at.random.below(SCORES), fresh(at)],
    },
    { name: "ZREM of it", request: (at) => ["ZREM", "k", fresh(at)] },
    {
      name: "ZPOPMIN",
      request: () => ["ZPOPMIN", "k"],
      before: (at) => ["ZADD", "k", "-1", fresh(at)],
    },
  ],
};

const entryId = (index: number) => `1-${index + 1}`;
const ADD_ENTRY = ["XADD", "k", "*", "field", "value"];

const STREAM: Family = {
  name: "stream",
  title: "A stream",
  unit: "entries",
  smallest: 1000,
  lengthen: async (client, from, to) => {
    // Anew each time: entries of now stand behind those that are to be added.
    if (from > 0) await client.expect("UNLINK", "k");
    await fill(client, to, (index) => ["XADD", "k", entryId(index), "field", "value"]);
    await client.expect("XGROUP", "CREATE", "k", "g", "0");
  },
  operations: [
    { name: "XLEN", request: () => ["XLEN", "k"] },
    {
      name: "XRANGE of 10, anywhere",
      request: (
        { length, random },
      ) => ["XRANGE", "k", entryId(random.below(length)), "+", "COUNT", "10"],
    },
    { name: "XREVRANGE of 10", request: () => ["XREVRANGE", "k", "+", "-", "COUNT", "10"] },
    {
      name: "XREADGROUP of 1",
      request: () => ["XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", "k", ">"],
      before: () => ADD_ENTRY,
    },
    { name: "XPENDING of 10", request: () => ["XPENDING", "k", "g", "-", "+", "10"] },
    {
      name: "XADD MAXLEN ~",
      request: ({ length }) => ["XADD", "k", "MAXLEN", "~", length, "*", "field", "value"],
    },
    {
      name: "XDEL, anywhere",
      request: ({ length, random }) => ["XDEL", "k", entryId(random.below(length))],
      reason: UNPACKED,
      before: () => ADD_ENTRY,
    },
  ],
};

const EXPIRING: Family = {
  name: "expiring",
  title: "A hash whose fields have times to live",
  unit: "fields",
  smallest: 1000,
  lengthen: (client, from, to) =>
    fill(client, Math.ceil((to - from) / PIECE), (piece) => {
      const start = from + piece * PIECE;
      const count = Math.min(PIECE, to - start);
      const pairs = Array.from({ length: count }, (_, n) => [member(start + n), "x"]).flat();
      // Different times, as they are where each field is set at a moment of its own.
      const seconds = 100_000 + (piece * 7919) % 100_003;
      return ["HSETEX", "k", "EX", seconds, "FIELDS", count, ...pairs];
    }),
  operations: [
    { name: "HGET", request: (at) => ["HGET", "k", anyOf(at)] },
    { name: "HTTL", request: (at) => ["HTTL", "k", "FIELDS", "1", anyOf(at)] },
    {
      name: "HEXPIRE, another time",
      request: (
        at,
      ) => ["HEXPIRE", "k", 100_000 + at.random.below(100_000), "FIELDS", "1", anyOf(at)],
    },
    {
      name: "HSETEX, new field",
      request: (
        at,
      ) => ["HSETEX", "k", "EX", 100_000 + at.random.below(100_000), "FIELDS", "1", fresh(at), "x"],
    },
    { name: "HPERSIST of it", request: (at) => ["HPERSIST", "k", "FIELDS", "1", fresh(at)] },
    { name: "HDEL of it", request: (at) => ["HDEL", "k", fresh(at)] },
  ],
};

const STRING: Family = {
  name: "string",
  title: "A string",
  unit: "bytes",
  smallest: 1000,
  factor: 10,
  lengthen: async (client, from, to) => {
    const STEP = 1_000_000;
    for (let start = from; start < to; start += STEP) {
      await client.expect("SETRANGE", "k", start, "x".repeat(Math.min(STEP, to - start)));
    }
  },
  operations: [
    { name: "STRLEN", request: () => ["STRLEN", "k"] },
    {
      name: "GETRANGE of 100, anywhere",
      request: ({ length, random }) => {
        const first = random.below(length - 100);
        return ["GETRANGE", "k", first, first + 99];
      },
    },
    {
      name: "SETRANGE of 100, anywhere",
      request: (
        { length, random },
      ) => ["SETRANGE", "k", random.below(length - 100), "y".repeat(100)],
    },
    { name: "APPEND of 1", request: () => ["APPEND", "k", "z"] },
    {
      name: "GETBIT, anywhere",
      request: ({ length, random }) => ["GETBIT", "k", random.below(length * 8)],
    },
    {
      name: "SETBIT, anywhere",
      request: ({ length, random }) => ["SETBIT", "k", random.below(length * 8), "1"],
    },
  ],
};

const anyKey = ({ length, random }: Moment) => benchKey(random.below(length));

const KEYS: Family = {
  name: "keys",
  title: "Keys of a database",
  unit: "keys",
  smallest: 10_000,
  lengthen: (client, from, to) =>
    fill(client, Math.ceil((to - from) / PIECE), (piece) => {
      const start = from + piece * PIECE;
      const count = Math.min(PIECE, to - start);
      return [
        "MSET",
        ...Array.from({ length: count }, (_, n) => [benchKey(start + n), "1"]).flat(),
      ];
    }),
  operations: [
    { name: "GET", request: (at) => ["GET", anyKey(at)] },
    { name: "MGET of 10", request: (at) => ["MGET", ...ten(() => anyKey(at))] },
    { name: "SET, key exists", request: (at) => ["SET", anyKey(at), "1"] },
    { name: "INCR", request: (at) => ["INCR", anyKey(at)] },
    { name: "EXPIRE", request: (at) => ["EXPIRE", anyKey(at), 100_000 + at.random.below(100_000)] },
    { name: "TTL", request: (at) => ["TTL", anyKey(at)] },
    { name: "SET, new key", request: (at) => ["SET", fresh(at), "1"] },
    { name: "DEL of it", request: (at) => ["DEL", fresh(at)] },
    {
      name: "SCAN COUNT 10",
      request: ({ random }) => ["SCAN", random.below(1000)],
      reason: SCATTERED,
    },
    { name: "RANDOMKEY", request: () => ["RANDOMKEY"] },
  ],
};

function ten<T>(make: () => T): T[] {
  return Array.from({ length: 10 }, make);
}

/** Structures and the keys: one connection asks, in batches. */
export const FAMILIES: readonly Family[] = [
  STRING,
  LIST,
  SET,
  HASH,
  ZSET,
  STREAM,
  EXPIRING,
  KEYS,
];
