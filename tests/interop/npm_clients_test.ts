/**
 * The market and the main families through the two npm clients, each in a process of its own.
 *
 * The packages come from npm into Deno's cache; the tests are skipped where npm cannot be reached
 * and the cache is empty.
 */

import { testNpmSession } from "../support/npm_session.ts";

const NOT_AN_INTEGER = "ERR value is not an integer or out of range";
const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";

testNpmSession(
  ["npm:ioredis@5"],
  "ioredis: the market and the main families",
  "ioredis_session.mjs",
  [
    ["ping", "PONG"],
    ["hset", 2],
    ["hset", 2],
    ["sadd", 2],
    ["list", [[null, 1], [null, 1]]],
    ["too dear", null],
    ["bought", [[null, "140"], [null, "3"], [null, 1], [null, 1]]],
    ["funds", ["140", "3"]],
    ["market", []],
    ["overtaken", null],
    ["pipeline", [[null, "OK"], [null, 2], [null, null], [null, ["2", null]]]],
    ["no rollback", ["OK", NOT_AN_INTEGER]],
    ["buffer", [97, 98, 99]],
    ["set", "OK"],
    ["blocked", ["queue", "job"]],
    ["subscribe", 1],
    ["publish", 1],
    ["message", ["news", "hello"]],
    ["scan", ["users:1", "users:2"]],
    ["errors", WRONG_TYPE],
  ],
);

testNpmSession(
  ["npm:redis@4"],
  "node-redis: the market and the main families",
  "node_redis_session.mjs",
  [
    ["ping", "PONG"],
    ["hset", 2],
    ["hset", 2],
    ["sadd", 2],
    ["list", [1, 1]],
    ["too dear", null],
    ["bought", ["140", "3", 1, 1]],
    ["funds", ["140", "3"]],
    ["buyer", { name: "Bill", funds: "3" }],
    ["market", []],
    ["overtaken", true],
    ["pipelined", ["OK", 2, null]],
    ["buffer", [50]],
    ["set", "OK"],
    ["blocked", { key: "queue", element: "job" }],
    ["publish", 1],
    ["message", ["news", "hello"]],
    ["scan", ["users:1", "users:2"]],
    ["errors", WRONG_TYPE],
    ["sorted set", []],
  ],
);
