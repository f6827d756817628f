/**
 * The market and the main families through the two npm clients, each in a process of its own.
 *
 * The packages come from npm into Deno's cache; the tests are skipped where npm cannot be reached
 * and the cache is empty.
 */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { startServer } from "../support/server_process.ts";
import { NPM_RUN_ARGUMENTS, runTool, testWith, type Tool } from "../support/tool_availability.ts";

async function runSession(script: string, port: number): Promise<unknown[]> {
  const path = fromFileUrl(new URL(`npm/${script}`, import.meta.url));
  const permissions = ["--allow-net", "--allow-env", "--allow-sys", "--allow-read"];
  const args = ["run", "--quiet", ...NPM_RUN_ARGUMENTS, ...permissions, path, String(port)];
  const { stdout } = await runTool(Deno.execPath(), args);
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

function session(tool: Tool, name: string, script: string, expected: unknown[]): void {
  testWith([tool], name, async () => {
    await using server = await startServer();
    assertEquals(await runSession(script, server.port), expected);
  });
}

const NOT_AN_INTEGER = "ERR value is not an integer or out of range";
const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";

session("npm:ioredis@5", "ioredis: the market and the main families", "ioredis_session.mjs", [
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
]);

session("npm:redis@4", "node-redis: the market and the main families", "node_redis_session.mjs", [
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
]);
