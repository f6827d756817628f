/**
 * Every command family through the high-level methods of redis-py, ioredis and node-redis, in RESP2
 * and RESP3. A script prints what its calls return; it is run against redis-server and against our
 * server, and both must have printed the same. So the expected values are Redis's own.
 *
 * redis-py speaks RESP3 from version 5 on and ioredis does not speak it at all.
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { startRedis } from "../support/redis_process.ts";
import { startServer } from "../support/server_process.ts";
import {
  NPM_RUN_ARGUMENTS,
  pythonWithRedis,
  runTool,
  testWith,
  type Tool,
} from "../support/tool_availability.ts";

/** Fewer lines than this mean that a script ended early at both servers. */
const CALLS_MIN = 200;
const NPM_PERMISSIONS = ["--allow-net", "--allow-env", "--allow-sys", "--allow-read"];

function scriptPath(script: string): string {
  return fromFileUrl(new URL(script, import.meta.url));
}

async function linesOf(program: string, args: readonly string[]): Promise<string[]> {
  const { stdout } = await runTool(program, args);
  return stdout.trimEnd().split("\n");
}

function sameLines(
  tool: Tool,
  name: string,
  program: () => string,
  argumentsFor: (port: number) => string[],
): void {
  testWith(["redis-server", tool], name, async () => {
    await using redis = await startRedis();
    await using ours = await startServer();
    const expected = await linesOf(program(), argumentsFor(redis.port));
    const actual = await linesOf(program(), argumentsFor(ours.port));
    assert(expected.length >= CALLS_MIN, `only ${expected.length} calls`);
    const differences = expected.flatMap((line, index) => {
      return line === actual[index] ? [] : [`${line}  |  ${actual[index]}`];
    });
    assertEquals(differences, [], "redis-server | ours");
    assertEquals(actual.length, expected.length);
  });
}

function npmArguments(script: string, ...more: string[]): (port: number) => string[] {
  return (port) => {
    const leading = ["run", "--quiet", ...NPM_RUN_ARGUMENTS, ...NPM_PERMISSIONS];
    return [...leading, scriptPath(`npm/${script}`), String(port), ...more];
  };
}

function pythonArguments(...more: string[]): (port: number) => string[] {
  return (port) => [scriptPath("python/every_family.py"), String(port), ...more];
}

const python = () => pythonWithRedis()!;
sameLines("redis-py", "redis-py: every family", python, pythonArguments());
sameLines("redis-py 5", "redis-py: every family in RESP3", python, pythonArguments("3"));
const ioredis = npmArguments("ioredis_families.mjs");
sameLines("npm:ioredis@5", "ioredis: every family", Deno.execPath, ioredis);
for (const protocol of ["2", "3"]) {
  const nodeRedis = npmArguments("node_redis_families.mjs", protocol);
  const name = `node-redis: every family in RESP${protocol}`;
  sameLines("npm:redis@5", name, Deno.execPath, nodeRedis);
}
