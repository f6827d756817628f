/**
 * Encodings as 7.4 beside redis-server 8.2: commands that make, fill, combine, copy and empty
 * collections at and around each limit, with elements that differ, that are alike, that are long or
 * integers. From 7.2 on the number of arguments decides beside what is stored.
 *
 * Of lists only growth is compared: a list that shrinks becomes a listpack there when it is half as
 * large as it may be, and here at once.
 */

import type { Argument } from "../support/resp_client.ts";
import { missingPeer } from "../support/replication_pair.ts";
import { testUnless } from "../support/tool_availability.ts";
import { Both } from "./both.ts";

type Request = readonly Argument[];
/** The key whose encoding is looked at, and requests; it is looked at after each. */
type Course = readonly [key: string, ...requests: readonly Request[]];

const VALUE_BYTES_MAX = 8;
const ENTRY_LIMITS = [0, 1, 4];

function repeat(count: number, element: (index: number) => Request): Argument[] {
  return Array.from({ length: count }, (_, index) => element(index)).flat();
}

/** Courses with so many elements whose texts begin with `text`. */
function zsetCourses(count: number, text: string): Course[] {
  const pairs = repeat(count, (index) => [index, text + index]);
  const alike = repeat(count, () => [1, `${text}x`]);
  const places = repeat(count, (index) => [index / 100, index / 100, text + index]);
  const onePlace = repeat(count, (index) => [index, index, text]);
  const store = ["ZRANGESTORE", "d", "k"];
  const search = ["GEOSEARCHSTORE", "d", "k", "FROMLONLAT", 0, 0, "BYRADIUS", 9999, "km"];
  return [
    ["k", ["ZADD", "k", ...pairs], ["ZREM", "k", `${text}0`], ["ZADD", "k", 1, "q"]],
    ["k", ["ZADD", "k", ...alike], ["ZADD", "k", "XX", ...alike]],
    ["k", ["ZADD", "k", 1, "a"], ["ZADD", "k", "XX", ...pairs], ["ZADD", "k", ...alike]],
    ["k", ["ZADD", "k", "XX", ...pairs], ["ZADD", "k", 1, "short", ...pairs]],
    ["k", ["ZADD", "k", 1, `${text}x`], ["ZADD", "k", "NX", ...alike], ["ZINCRBY", "k", 1, text]],
    ["k", ["ZADD", "k", "INCR", 1, text], ["ZREMRANGEBYRANK", "k", 1, -1], ["ZPOPMIN", "k"]],
    ["k", ["GEOADD", "k", ...places], ["GEOADD", "k", ...onePlace]],
    ["k", ["GEOADD", "k", ...onePlace]],
    ["d", ["GEOADD", "k", ...places], search, [...search, "COUNT", 1]],
    ["d", ["ZADD", "k", ...pairs], [...store, 0, -1], [...store, 0, 0], [...store, 0, -1, "REV"]],
    ["d", ["ZADD", "k", ...pairs], [...store, "-inf", "+inf", "BYSCORE"]],
    ["d", ["ZADD", "k", ...pairs], [...store, "-", "+", "BYLEX", "LIMIT", 0, 1]],
    ["d", ["ZADD", "k", ...pairs], ["ZUNIONSTORE", "d", 2, "k", "k"], ["ZADD", "d", 1, "w"]],
    ["d", ["ZADD", "k", ...pairs], ["ZINTERSTORE", "d", 2, "k", "k"], ["ZDIFFSTORE", "d", 1, "k"]],
    ["d", ["ZADD", "k", ...pairs], ["COPY", "k", "d"], ["ZREM", "d", `${text}0`]],
  ];
}

/** The outcome of SPOP is random: only its number is to be the same. */
function popped(key: string, count: number): Request {
  return ["EVAL", "return #redis.call('SPOP', KEYS[1], ARGV[1])", 1, key, count];
}

function setCourses(count: number, text: string): Course[] {
  const words = repeat(count, (index) => [text + index]);
  const numbers = repeat(count, (index) => [index]);
  const courses: Course[] = [
    ["k", ["SADD", "k", ...words], ["SREM", "k", `${text}0`], ["SADD", "k", 5]],
    ["k", ["SADD", "k", ...numbers], ["SADD", "k", "x"], ["SREM", "k", "x"]],
    ["k", ["SADD", "k", 1, ...words], ["SADD", "k", ...words, 2]],
    ["k", ["SADD", "k", 1], ["SADD", "k", ...numbers], ["SADD", "k", ...words]],
    ["d", ["SADD", "k", ...words, 1], ["SMOVE", "k", "d", 1], ["SMOVE", "k", "d", `${text}0`]],
  ];
  for (const element of [text, 7]) {
    const alike = repeat(count, () => [element]);
    courses.push(["k", ["SADD", "k", ...alike], ["SADD", "k", ...alike], ["SADD", "k", "z", 1]]);
    courses.push(["k", ["SADD", "k", "z"], ["SREM", "k", "z"], ["SADD", "k", 1, ...alike]]);
  }
  for (const members of [words, numbers]) {
    const fill = ["SADD", "k", ...members];
    const other = ["SADD", "e", ...members, "other"];
    const both = [...words, ...numbers];
    courses.push(
      // From a table, from what it is, and from one that was left with a few.
      ["k", fill, popped("k", Math.max(1, count - 1))],
      ["k", fill, popped("k", Math.max(1, Math.floor(count * 5 / 6)))],
      ["k", ["SADD", "k", "word", ...members], ["SREM", "k", "word"], popped("k", count - 1)],
      ["d", fill, ["SORT", "k", "ALPHA", "STORE", "d"], ["ZUNIONSTORE", "d", 1, "k"]],
      ["d", fill, ["COPY", "k", "d"], ["SREM", "d", members[0]]],
      ["d", ["SADD", "k", ...both], ["SADD", "e", 0, `${text}0`], ["SINTERSTORE", "d", "k", "e"]],
      ["d", ["SADD", "k", ...both], ["SADD", "e", ...words], ["SDIFFSTORE", "d", "k", "e"]],
    );
    for (const command of ["SUNIONSTORE", "SINTERSTORE", "SDIFFSTORE"]) {
      courses.push(["d", fill, [command, "d", "k"], other, [command, "d", "e", "k"]]);
    }
  }
  return courses;
}

function hashCourses(count: number, text: string): Course[] {
  const pairs = repeat(count, (index) => [text + index, index]);
  const alike = repeat(count, (index) => ["f", index]);
  const values = repeat(count, (index) => [index, text + index]);
  const fields = ["FIELDS", count, ...alike];
  return [
    ["k", ["HSET", "k", ...pairs], ["HDEL", "k", `${text}0`], ["HSET", "k", "q", 1]],
    ["k", ["HSET", "k", ...alike], ["HSET", "k", ...alike], ["HGETALL", "k"]],
    ["k", ["HSET", "k", ...values], ["HMSET", "k", ...alike]],
    ["k", ["HSETNX", "k", "f", text], ["HINCRBY", "k", text, 1], ["HMSET", "k", ...alike]],
    ["k", ["HSET", "k", "f", 1], ["HEXPIRE", "k", 100, "FIELDS", 1, "f"], ["HSET", "k", ...alike]],
    ["k", ["HSETEX", "k", ...fields], ["HSETEX", "k", "EX", 100, ...fields]],
    ["k", ["HSETEX", "k", "EX", 100, ...fields], ["HSET", "k", ...alike], ["HGETALL", "k"]],
    ["k", ["HSET", "k", "f", 1], ["HSETEX", "k", "KEEPTTL", ...fields]],
    ["k", ["HSET", "k", "a", 1], ["HSETEX", "k", "FXX", ...fields], ["HSETEX", "k", ...fields]],
    ["d", ["HSET", "k", ...pairs], ["COPY", "k", "d"], ["HSETEX", "d", "FIELDS", 1, "f", text]],
  ];
}

function listCourses(count: number, text: string): Course[] {
  const words = repeat(count, (index) => [text + index]);
  return [
    ["k", ["RPUSH", "k", ...words], ["LPUSH", "k", ...words]],
    ["d", ["RPUSH", "k", ...words], ["COPY", "k", "d"], ["SORT", "k", "ALPHA", "STORE", "d"]],
  ];
}

async function setLimits(both: Both, entries: number) {
  for (const type of ["zset", "hash", "set"]) {
    await both.same("CONFIG", "SET", `${type}-max-listpack-entries`, entries);
    await both.same("CONFIG", "SET", `${type}-max-listpack-value`, VALUE_BYTES_MAX);
  }
  // Below the limit of listpacks, or above it.
  const integers = entries === 4 ? 2 : entries + 2;
  await both.same("CONFIG", "SET", "set-max-intset-entries", integers);
  await both.same("CONFIG", "SET", "list-max-listpack-size", entries + 1);
}

async function sameEncodings(both: Both, [key, ...requests]: Course) {
  await both.same("FLUSHALL");
  for (const request of requests) {
    // The order of what a table holds is nobody's business.
    await both.compare(request[0] === "HGETALL" ? "sortedPairs" : "same", ...request);
    await both.same("OBJECT", "ENCODING", key);
  }
}

const FAMILIES = { zsetCourses, setCourses, hashCourses, listCourses };

for (const [name, courses] of Object.entries(FAMILIES)) {
  testUnless(missingPeer("redis 8.2"), {
    name: `encodings of redis-server 8.2 and ours as 7.4 are the same: ${name}`,
    async fn() {
      await using both = await Both.startNewer();
      for (const limit of ENTRY_LIMITS) {
        await setLimits(both, limit);
        const counts = [1, limit, limit + 1, limit + 2, limit + 3, 2 * limit + 3];
        for (const count of counts.filter((count) => count > 0)) {
          for (const text of ["m", "beyond the limit"]) {
            for (const course of courses(count, text)) await sameEncodings(both, course);
          }
        }
      }
    },
  });
}

testUnless(missingPeer("redis 8.2"), {
  name: "what redis-server 8.2 and ours as 7.4 dump is restored alike, within limits and beyond",
  async fn() {
    await using both = await Both.startNewer();
    const makers: Request[] = [
      ["ZADD", "k", 1, "a", 2, "b", 3, "c"],
      ["SADD", "k", "a", "b", "c"],
      ["SADD", "k", "1", "2", "3"],
      ["HSET", "k", "a", "1", "b", "2", "c", "3"],
      ["RPUSH", "k", "a", "b", "c"],
      // A listpack of integers.
      ["EVAL", "redis.call('SADD','k','a','1','2','3') return redis.call('SREM','k','a')", 0],
    ];
    for (const maker of makers) {
      await setLimits(both, 3);
      await both.same("FLUSHALL");
      await both.same(...maker);
      const dumps = [await both.redis.call("DUMP", "k"), await both.ours.call("DUMP", "k")];
      for (const limit of ENTRY_LIMITS) {
        await setLimits(both, limit);
        for (const dump of dumps) {
          await both.same("RESTORE", "r", 0, dump as Argument, "REPLACE");
          await both.same("OBJECT", "ENCODING", "r");
        }
      }
    }
  },
});
