/**
 * The Lua engine beside redis-server's: the same scripts by EVALSHA there, in this process here.
 *
 *   deno run -A scripts/bench/micro/lua_bench.ts [--rounds N] [--port P] [--only name]
 *
 *   --rounds   times each script is run here; the best time counts (default 30)
 *   --port     of a redis-server 7.0.15 that is running; without it one is started
 *   --only     scripts whose name contains this
 *
 * The numbers of redis-server are CPU time of its main thread, less that of an empty script, so
 * that neither the round trip nor a busy machine counts. Ours are the best of many runs, and the
 * first run in a fresh engine. "100 host calls" calls `redis.log` below its level there and a
 * function that does nothing here. The last lines tell what compiling costs: the best and the
 * middle of 300.
 */
import { parseArgs } from "@std/cli";
import { latin1Bytes } from "../../../src/base/bytes.ts";
import { LuaHost } from "../../../tests/support/lua_host.ts";
import { startRedis } from "../../../tests/support/redis_process.ts";
import { RespClient } from "../../../tests/support/resp_client.ts";
import { printLine } from "../../../tests/support/text.ts";
import { BENCH_SCRIPTS, scriptOfBytes } from "./lua_bench_scripts.ts";

const COMPILED_COUNT = 300;

interface Measured {
  name: string;
  originalUs: number;
  warmUs: number;
  coldUs: number;
}

function bestOf(rounds: number, run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best * 1000;
}

/** Microseconds that redis-server's main thread has run. */
async function cpuUs(client: RespClient): Promise<number> {
  const info = String(await client.expect("INFO", "cpu"));
  const seconds = [...info.matchAll(/used_cpu_(?:user|sys)_main_thread:([\d.]+)/g)];
  return seconds.reduce((sum, match) => sum + Number(match[1]) * 1e6, 0);
}

/** Microseconds of CPU that a script takes on redis-server. */
async function measureOriginal(client: RespClient, script: string, emptyUs: number) {
  const sha = await client.expect("SCRIPT", "LOAD", latin1Bytes(script)) as string;
  const start = performance.now();
  await client.expect("EVALSHA", sha, 0);
  const count = Math.max(5, Math.min(1000, 300 / (performance.now() - start)));
  const before = await cpuUs(client);
  for (let i = 0; i < count; i++) await client.expect("EVALSHA", sha, 0);
  return Math.max((await cpuUs(client) - before) / Math.ceil(count) - emptyUs, 0.1);
}

async function measure(
  client: RespClient,
  name: string,
  script: string,
  rounds: number,
  emptyUs: number,
): Promise<Measured> {
  const originalUs = await measureOriginal(client, script, emptyUs);
  const host = new LuaHost();
  const fn = host.engine.compile(script, "@user_script");
  const coldUs = bestOf(1, () => host.engine.call(fn, []));
  const warmUs = bestOf(rounds, () => host.engine.call(fn, []));
  return { name, originalUs, warmUs, coldUs };
}

/** Milliseconds to compile each of many distinct scripts of a size, and to run it once. */
function measureCompiling(bytes: number): { compileMs: number[]; runMs: number[] } {
  const host = new LuaHost();
  const compileMs: number[] = [];
  const runMs: number[] = [];
  for (let i = 0; i < COMPILED_COUNT * 2; i++) {
    const script = scriptOfBytes(bytes, i);
    const start = performance.now();
    const fn = host.engine.compile(script, "@user_script");
    const middle = performance.now();
    host.engine.call(fn, []);
    const end = performance.now();
    if (i < COMPILED_COUNT) continue;
    compileMs.push(middle - start);
    runMs.push(end - middle);
  }
  return { compileMs, runMs };
}

/** The best and the middle time, in microseconds. */
function bestAndMiddle(timesMs: number[]): string {
  timesMs.sort((a, b) => a - b);
  return [timesMs[0]!, timesMs[timesMs.length >> 1]!].map((ms) => (ms * 1000).toFixed(0))
    .join(" / ");
}

async function main(): Promise<void> {
  const options = parseArgs(Deno.args, { string: ["rounds", "port", "only"] });
  const rounds = Number(options.rounds ?? 30);
  await using server = options.port === undefined ? await startRedis() : null;
  const client = await RespClient.connect(server?.port ?? Number(options.port));
  const emptyUs = await measureOriginal(client, "return 1", 0);
  printLine("script                    original µs    ours µs   ratio   ours cold µs");
  for (const [name, script] of Object.entries(BENCH_SCRIPTS)) {
    if (!name.includes(options.only ?? "")) continue;
    const each = await measure(client, name, script, rounds, emptyUs);
    const numbers = [each.originalUs, each.warmUs].map((us) => us.toFixed(0).padStart(10)).join(
      " ",
    );
    const ratio = (each.warmUs / each.originalUs).toFixed(2);
    printLine(
      `${name.padEnd(26)} ${numbers} ${ratio.padStart(7)} ${each.coldUs.toFixed(0).padStart(14)}`,
    );
  }
  for (const bytes of [200, 2000, 10_000]) {
    const { compileMs, runMs } = measureCompiling(bytes);
    printLine(
      `compile ${bytes} bytes: ${bestAndMiddle(compileMs)} µs, first run ${
        bestAndMiddle(runMs)
      } µs`,
    );
  }
  client.connection.close();
}

if (import.meta.main) await main();
