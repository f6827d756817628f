/**
 * A dataset from a seed that meets every corner of the core types and of streams: all encodings
 * of Redis 7.0, expiries, several databases, binary and empty keys and values, extreme scores and
 * integers.
 *
 * It is a list of requests, so it can be fed to any server. Nothing in it is random at the server's
 * side, and expiries are absolute: two servers fed with it must hold the same dataset.
 */

import type { Argument, RespClient } from "./resp_client.ts";
import { SeededRandom } from "./seeded_random.ts";
import { latin1 } from "./text.ts";

export interface DatasetOptions {
  seed?: number;
  /** Simple keys besides the corners. */
  plainKeyCount?: number;
  /** Bytes of the one large string. */
  largeBytes?: number;
}

type Request = readonly Argument[];

/** Milliseconds of a day in the year 2100: expiries that no test outlives. */
const FAR_FUTURE_MS = 4_102_444_800_000;
const DATABASE_COUNT = 16;

/** The requests that build the dataset, SELECTs included; starts and ends in database 0. */
export function datasetRequests(options: DatasetOptions = {}): Request[] {
  const random = new SeededRandom(options.seed ?? 1);
  const requests: Request[] = [["SELECT", 0]];
  requests.push(...stringRequests(random, options.largeBytes ?? 1_000_000));
  requests.push(...listRequests(random), ...setRequests(random));
  requests.push(...hashRequests(random), ...sortedSetRequests(random));
  requests.push(...streamRequests(random));
  for (let i = 0; i < (options.plainKeyCount ?? 2000); i++) {
    requests.push(["SET", `plain:${i}`, random.word(random.between(1, 40))]);
    if (i % 10 === 0) requests.push(["PEXPIREAT", `plain:${i}`, FAR_FUTURE_MS + i]);
  }
  for (let db = 1; db < DATABASE_COUNT; db++) {
    requests.push(["SELECT", db], ["SET", "db", db], ["RPUSH", `list:${db}`, db, "x"]);
    requests.push(["SADD", "members", ...range(db)], ["HSET", "hash", "db", db]);
    requests.push(["ZADD", "scores", db, "db"], ["PEXPIREAT", "hash", FAR_FUTURE_MS + db]);
  }
  requests.push(["SELECT", 0]);
  return requests;
}

/** Feeds the dataset to a server in pipelines; throws if any request is refused. */
export async function fillDataset(client: RespClient, options: DatasetOptions = {}): Promise<void> {
  const requests = datasetRequests(options);
  const PIPELINE_LENGTH = 200;
  for (let i = 0; i < requests.length; i += PIPELINE_LENGTH) {
    await client.expectMany(requests.slice(i, i + PIPELINE_LENGTH));
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function stringRequests(random: SeededRandom, largeBytes: number): Request[] {
  const integers = [0, 1, -1, 127, 128, -128, 32767, -32768, 65536, 2147483647, -2147483648];
  const texts = ["", " 1", "01", "1.5", "-0", "9223372036854775807", "-9223372036854775808"];
  texts.push("9223372036854775808", "\r\n", "*1\r\n$4\r\nPING\r\n", "embstr".padEnd(44, "."));
  texts.push("raw".padEnd(45, "."));
  const everyByte = Uint8Array.from(range(256));
  return [
    ...integers.map((value): Request => ["SET", `string:int:${value}`, value]),
    ...texts.map((value, index): Request => ["SET", `string:text:${index}`, value]),
    ["SET", "", "the empty key"],
    ["SET", latin1("\x00\xff\r\n\x80 binary key"), everyByte],
    ["SET", everyByte, latin1("\x00")],
    ["SET", "k".repeat(5000), "a long key"],
    ["SET", "string:repetitive", "abc".repeat(10_000)],
    ["SET", "string:incompressible", random.bytes(5000)],
    ["SET", "string:large", random.bytes(1024)],
    ["SETRANGE", "string:large", largeBytes - 1, "!"],
    ["SET", "string:appended", "12"],
    // Long enough to be "raw" before and after a reload.
    ["APPEND", "string:appended", "3".repeat(50)],
    ["SET", "string:expiring", "soon gone", "PXAT", FAR_FUTURE_MS],
  ];
}

function listRequests(random: SeededRandom): Request[] {
  const mixed: Argument[] = ["", "a", -1, 0, 12, 4095, -4096, 8_388_607, "2147483648"];
  mixed.push("9223372036854775807", "x".repeat(63), "y".repeat(64), "z".repeat(4096));
  mixed.push(random.bytes(300));
  return [
    ["RPUSH", "list:one", "single"],
    ["RPUSH", "list:mixed", ...mixed],
    ["RPUSH", "list:many", ...range(3000).map((index) => `element ${index}`)],
    ["RPUSH", "list:large", "before", random.bytes(20_000), "after", "q".repeat(100_000)],
    ["RPUSH", latin1("list:\xff\x00"), "under a binary key"],
    ["PEXPIREAT", "list:mixed", FAR_FUTURE_MS + 1],
  ];
}

function setRequests(random: SeededRandom): Request[] {
  const members = range(700).map((index) => `member:${index}`);
  return [
    ["SADD", "set:intset:16", 1, 2, 3, -32768, 32767],
    ["SADD", "set:intset:32", 1, 2147483647, -2147483648],
    ["SADD", "set:intset:64", 1, "9223372036854775807", "-9223372036854775808"],
    ["SADD", "set:intset:full", ...range(512)],
    ["SADD", "set:integers:many", ...range(513)],
    ["SADD", "set:words", "a", "b", "", latin1("\x00\xff")],
    ["SADD", "set:many", ...members],
    ["SADD", "set:binary", ...range(50).map(() => random.bytes(20))],
    ["PEXPIREAT", "set:words", FAR_FUTURE_MS + 2],
  ];
}

function hashRequests(random: SeededRandom): Request[] {
  const many = range(600).flatMap((index) => [`field:${index}`, `value ${index}`]);
  return [
    ["HSET", "hash:small", "name", "guohu", "age", 28, "", "", "n", -1],
    ["HSET", "hash:edge", ...range(128).flatMap((index) => [index, index])],
    ["HSET", "hash:many", ...many],
    ["HSET", "hash:longvalue", "field", "v".repeat(65)],
    ["HSET", "hash:binary", random.bytes(10), random.bytes(30), latin1("\x00"), "zero"],
    ["PEXPIREAT", "hash:many", FAR_FUTURE_MS + 3],
  ];
}

function sortedSetRequests(random: SeededRandom): Request[] {
  const extremes: Argument[] = ["-inf", "low", "+inf", "high", "-0", "zero", 0.1, "tenth"];
  extremes.push("1e308", "huge", "5e-324", "tiny", 9007199254740993, "2^53+1", 3, "three");
  extremes.push("1.7976931348623157e308", "max");
  const many = range(500).flatMap((index) => [random.between(-9, 9) / 4, `member:${index}`]);
  return [
    ["ZADD", "zset:small", 35, "ItemA.4", 48, "ItemC.7", 60, "ItemE.2", 73, "ItemG.3"],
    ["ZADD", "zset:extremes", ...extremes],
    ["ZADD", "zset:edge", ...range(128).flatMap((index) => [index, index])],
    ["ZADD", "zset:many", ...many],
    ["ZADD", "zset:samescore", ...range(200).flatMap((index) => [1, `m${index}`])],
    ["ZADD", "zset:longmember", 1, "m".repeat(65)],
    ["ZADD", "zset:binary", 1.5, random.bytes(16), 1.5, latin1("\x00")],
    ["PEXPIREAT", "zset:many", FAR_FUTURE_MS + 4],
  ];
}

function streamRequests(random: SeededRandom): Request[] {
  const readings = range(300).map((index): Request => {
    const fields = index % 7 === 0 ? ["odd", random.word(5)] : ["n", index, "word", random.word(9)];
    return ["XADD", "stream:many", `${1000 + index * index}-${index}`, ...fields];
  });
  return [
    ["XADD", "stream:one", "1-1", "field", "value"],
    ["XADD", "stream:extremes", "0-1", "", ""],
    ["XADD", "stream:extremes", "9223372036854775808-5", latin1("\x00\xff"), random.bytes(300)],
    ["XADD", "stream:extremes", "18446744073709551615-0", "n", -12, "n", "9223372036854775807"],
    ["XADD", "stream:large", "5-5", "field", "x".repeat(50_000), "other", random.bytes(20_000)],
    ["XGROUP", "CREATE", "stream:empty", "group", 0, "MKSTREAM"],
    ...readings,
    ["XDEL", "stream:many", "1000-0", "2600-40", "90401-299"],
    ["XGROUP", "CREATE", "stream:many", "half", "23500-150"],
    ["XGROUP", "CREATE", "stream:many", latin1("g\x00\xff"), 0, "ENTRIESREAD", 0],
    ["XGROUP", "CREATECONSUMER", "stream:many", "half", "idle"],
    ...range(20).map((index): Request => {
      const id = `${1000 + index * index * 25}-${index * 5}`;
      const options = ["TIME", 1_700_000_000_000 + index, "RETRYCOUNT", index % 4, "FORCE"];
      return ["XCLAIM", "stream:many", "half", `consumer:${index % 3}`, 0, id, ...options];
    }),
    ["PEXPIREAT", "stream:one", FAR_FUTURE_MS + 5],
  ];
}
