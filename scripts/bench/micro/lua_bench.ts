/**
 * The Lua engine beside redis-server's: the same scripts by EVALSHA there, in this process here.
 *
 *   deno run -A scripts/bench/micro/lua_bench.ts [--rounds N] [--port P] [--only name]
 *
 *   --rounds   times each script is run; the best time counts (default 7)
 *   --port     of a redis-server 7.0.15 that is running; without it one is started
 *   --only     scripts whose name contains this
 *
 * Ours is measured warm and cold (the first run of a fresh engine). The numbers of redis-server are
 * round trips over loopback: the time of an empty script is taken off. "100 host calls" calls
 * `redis.sha1hex` there and a function of the host here. The last lines tell what compiling costs.
 */
import { parseArgs } from "@std/cli";
import { latin1Bytes } from "../../../src/base/bytes.ts";
import { LuaHost } from "../../../tests/support/lua_host.ts";
import { startRedis } from "../../../tests/support/redis_process.ts";
import { RespClient } from "../../../tests/support/resp_client.ts";
import { printLine } from "../../../tests/support/text.ts";
import { BENCH_SCRIPTS, scriptOfBytes } from "./lua_bench_scripts.ts";

interface Measured {
  name: string;
  originalUs: number;
  warmUs: number;
  coldUs: number;
}

async function bestOf(rounds: number, run: () => void | Promise<void>): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await run();
    best = Math.min(best, performance.now() - start);
  }
  return best * 1000;
}

/** Microseconds of a script on redis-server, without the round trip. */
async function measureOriginal(
  client: RespClient,
  script: string,
  rounds: number,
  roundTripUs: number,
): Promise<number> {
  const sha = await client.expect("SCRIPT", "LOAD", latin1Bytes(script)) as string;
  const us = await bestOf(rounds, async () => void await client.expect("EVALSHA", sha, 0));
  return Math.max(us - roundTripUs, 0.1);
}

async function measure(
  client: RespClient,
  name: string,
  script: string,
  rounds: number,
  roundTripUs: number,
): Promise<Measured> {
  const originalUs = await measureOriginal(client, script, rounds, roundTripUs);
  const host = new LuaHost();
  const fn = host.engine.compile(script, "@user_script");
  const coldUs = await bestOf(1, () => void host.engine.call(fn, []));
  const warmUs = await bestOf(rounds, () => void host.engine.call(fn, []));
  return { name, originalUs, warmUs, coldUs };
}

/** Microseconds to compile one of many distinct scripts of a size, and to run it once. */
function measureCompiling(bytes: number): { compileUs: number; firstRunUs: number } {
  const host = new LuaHost();
  const count = 300;
  let compileMs = 0;
  let runMs = 0;
  for (let i = 0; i < count * 2; i++) {
    if (i === count) compileMs = runMs = 0;
    const script = scriptOfBytes(bytes, i);
    const start = performance.now();
    const fn = host.engine.compile(script, "@user_script");
    const middle = performance.now();
    host.engine.call(fn, []);
    compileMs += middle - start;
    runMs += performance.now() - middle;
  }
  return { compileUs: compileMs * 1000 / count, firstRunUs: runMs * 1000 / count };
}

async function main(): Promise<void> {
  const options = parseArgs(Deno.args, { string: ["rounds", "port", "only"] });
  const rounds = Number(options.rounds ?? 7);
  await using server = options.port === undefined ? await startRedis() : null;
  const client = await RespClient.connect(server?.port ?? Number(options.port));
  const roundTripUs = await measureOriginal(client, "return 1", rounds * 30, 0);
  printLine("script                    original µs    ours µs   ratio   ours cold µs");
  for (const [name, script] of Object.entries(BENCH_SCRIPTS)) {
    if (!name.includes(options.only ?? "")) continue;
    const each = await measure(client, name, script, rounds, roundTripUs);
    const numbers = [each.originalUs, each.warmUs].map((us) => us.toFixed(0).padStart(10)).join(
      " ",
    );
    const ratio = (each.warmUs / each.originalUs).toFixed(2);
    printLine(
      `${name.padEnd(26)} ${numbers} ${ratio.padStart(7)} ${each.coldUs.toFixed(0).padStart(14)}`,
    );
  }
  for (const bytes of [200, 2000, 10_000]) {
    const { compileUs, firstRunUs } = measureCompiling(bytes);
    printLine(
      `compile ${bytes} bytes: ${compileUs.toFixed(0)} µs, first run ${firstRunUs.toFixed(0)} µs`,
    );
  }
  client.connection.close();
}

if (import.meta.main) await main();
