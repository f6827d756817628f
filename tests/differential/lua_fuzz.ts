/**
 * Random Lua programs to redis-server and to the engine until the replies differ.
 *
 *   deno run -A tests/differential/lua_fuzz.ts [--count N] [--seed S] [--port P]
 *
 *   --count   programs to run (default 10,000)
 *   --seed    where to start; each program counts it up by one
 *   --port    of a redis-server 7.0.15 that is running; without it one is started
 *
 * Ends with exit code 1 at the first difference, with its seed, the program and both replies.
 */

import { parseArgs } from "@std/cli";
import { LuaHost } from "../support/lua_host.ts";
import { freshSeed, SeededRandom } from "../support/seeded_random.ts";
import { printLine } from "../support/text.ts";
import { compareLua, LuaOriginal } from "./lua_comparison.ts";
import { LuaGrammar } from "./lua_grammar.ts";

const PROGRAMS_PER_ROUND = 100;
const ROUNDS_PER_FLUSH = 50;

export interface LuaFuzzOptions {
  seed: number;
  count: number;
}

/** Returns a report of the first difference, or null. */
export async function fuzzLua(
  original: LuaOriginal,
  options: LuaFuzzOptions,
  log: (line: string) => void = () => {},
): Promise<string | null> {
  const host = new LuaHost();
  for (let done = 0, round = 0; done < options.count; round++) {
    const count = Math.min(PROGRAMS_PER_ROUND, options.count - done);
    const programs = Array.from(
      { length: count },
      (_, i) => new LuaGrammar(new SeededRandom(options.seed + done + i)).program(),
    );
    const differences = await compareLua(original, host, programs);
    if (differences.length > 0) {
      const { program, original: expected, ours } = differences[0]!;
      const seed = options.seed + done + programs.indexOf(program);
      return `seed ${seed}\n${program}\nredis-server: ${JSON.stringify(expected)}\n` +
        `ours:         ${JSON.stringify(ours)}\n${differences.length} of ${count} differ`;
    }
    done += count;
    if (round % ROUNDS_PER_FLUSH !== ROUNDS_PER_FLUSH - 1) continue;
    await original.flush();
    log(`${done} programs`);
  }
  return null;
}

async function main(): Promise<number> {
  const options = parseArgs(Deno.args, { string: ["count", "seed", "port"] });
  const port = options.port === undefined ? undefined : Number(options.port);
  await using original = await LuaOriginal.start(port);
  const seed = options.seed === undefined ? freshSeed() : Number(options.seed);
  printLine(`seed ${seed}`);
  const report = await fuzzLua(
    original,
    { seed, count: Number(options.count ?? 10_000) },
    printLine,
  );
  printLine(report ?? "no difference");
  return report === null ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
