/**
 * Who is measured: the original (redis-server 7.0.15), the newest rivals, and Redeno from its
 * source or as an executable. Each is started as it is measured, without persistence unless asked
 * for.
 *
 * The rivals are programs that REDIS_8 and VALKEY_9 name; a missing one is left out, and a line
 * says so. REDENO_TEST_TARGET=redis puts the original in Redeno's place: ratios then show the noise
 * of the machine. REDENO_BINARY names an executable to measure in the place of the source.
 */

import {
  type ServerOptions,
  type ServerProcess,
  type ServerTarget,
  startServer,
} from "../../tests/support/server_process.ts";
import { fromUtf8, printNote } from "../../tests/support/text.ts";

export type ContestantName = "redis" | "redis8" | "valkey9" | "redeno" | "executable";

export interface Contestant {
  name: ContestantName;
  /** What tables call it. */
  title: string;
  /** The kind of process that is really started. */
  target: ServerTarget;
  /** The executable, if it is not the usual one of the target. */
  program?: string;
}

export const ORIGINAL: ContestantName = "redis";
export const OURS: ContestantName = "redeno";
/** What pages that are made from results alone call them: those that were measured with. */
export const SHOWN_NAMES: Readonly<Record<ContestantName, string>> = {
  redis: "redis 7.0.15",
  redis8: "redis 8.2.3",
  valkey9: "valkey 9.1.2",
  redeno: "Redeno",
  executable: "Redeno, executable",
};

/** All but ours: "best" is the best of them. */
export const RIVALS: readonly ContestantName[] = ["redis", "redis8", "valkey9"];

const IS_SELF_CHECK = Deno.env.get("REDENO_TEST_TARGET") === "redis";
const RIVAL_VARIABLES = [["redis8", "REDIS_8"], ["valkey9", "VALKEY_9"]] as const;

/** The two that are always there. */
export const BOTH: readonly [original: Contestant, ours: Contestant] = [
  { name: ORIGINAL, title: "redis-server", target: "redis" },
  {
    name: OURS,
    title: IS_SELF_CHECK ? "redis-server again" : "Redeno",
    target: IS_SELF_CHECK ? "redis" : "redeno",
  },
];

function titleOf(program: string): string {
  const { stdout } = new Deno.Command(program, { args: ["--version"] }).outputSync();
  const words = /^(Redis|Valkey) server v=([\d.]+)/.exec(fromUtf8(stdout));
  if (words === null) throw new Error(`Cannot read the version of ${program}`);
  return `${words[1]!.toLowerCase()} ${words[2]}`;
}

/**
 * Everybody who can be started here, ours last.
 *
 * @param options.executable a compiled Redeno to measure beside the source
 * @param options.only names of those wanted; all unless given
 */
export function findContestants(
  options: { executable?: string | undefined; only?: readonly string[] | undefined } = {},
): Contestant[] {
  const found: Contestant[] = [{ ...BOTH[0], title: titleOf("redis-server") }];
  for (const [name, variable] of RIVAL_VARIABLES) {
    const program = Deno.env.get(variable);
    if (program === undefined) printNote(`left out: ${variable} names no program`);
    else found.push({ name, title: titleOf(program), target: "redis", program });
  }
  found.push(BOTH[1]);
  if (options.executable !== undefined) {
    const program = options.executable;
    found.push({ name: "executable", title: "Redeno, executable", target: "redeno", program });
  }
  const { only } = options;
  const unknown = only?.find((name) => !found.some((one) => one.name === name));
  if (unknown !== undefined) throw new RangeError(`Cannot find the server "${unknown}"`);
  return only === undefined ? found : found.filter(({ name }) => only.includes(name));
}

/** A contestant that runs. */
export interface Runner {
  contestant: Contestant;
  server: ServerProcess;
}

/** Starts one as it is measured: no persistence unless `args` ask for it. */
export function startContestant(
  { target, program }: Contestant,
  args: readonly string[] = [],
  place: Pick<ServerOptions, "directory" | "port"> = {},
): Promise<ServerProcess> {
  const LOADING_MS_MAX = 300_000;
  return startServer({
    ...place,
    target,
    args,
    // As users get it.
    release: "default",
    readyTimeoutMs: LOADING_MS_MAX,
    ...(program === undefined ? {} : { program }),
  });
}

/** Contestants that run beside each other, until disposed of. */
export class Field implements AsyncDisposable {
  private constructor(readonly runners: readonly Runner[]) {}

  static async start(
    contestants: readonly Contestant[],
    argsOf: (contestant: Contestant) => readonly string[] = () => [],
  ): Promise<Field> {
    const runners: Runner[] = [];
    const field = new Field(runners);
    try {
      for (const contestant of contestants) {
        runners.push({
          contestant,
          server: await startContestant(contestant, argsOf(contestant)),
        });
      }
    } catch (error) {
      await field[Symbol.asyncDispose]();
      throw error;
    }
    return field;
  }

  /** Makes all of them forget their data. */
  async flush(): Promise<void> {
    for (const { server } of this.runners) {
      using client = await server.connect();
      await client.expect("FLUSHALL");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { server } of this.runners) await server[Symbol.asyncDispose]();
  }
}

/**
 * All in the order of a round: another goes first in each, so that warm caches and a busy neighbour
 * favour nobody.
 */
export function inTurn<T>(all: readonly T[], round: number): T[] {
  const first = round % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

/** Rounds of something for each of many, one at a time. */
export async function alternate<T>(
  all: readonly T[],
  rounds: number,
  action: (one: T, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const one of inTurn(all, round)) await action(one, round);
  }
}
