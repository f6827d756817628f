/**
 * What must hold after a crash: the server starts, finds a state between floor and ceiling, finds
 * the same at the start after that, and goes on from there.
 */
import * as clock from "../../src/base/clock.ts";
import { Config } from "../../src/config/config.ts";
import { checkAofMain } from "../../src/persistence/check_aof.ts";
import type { EmbeddedServer } from "../support/embedded_server.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import type { SimulatedFiles, TailFate } from "../support/simulated_files.ts";
import {
  BEGIN_MS,
  type CrashPoint,
  digestOf,
  type KeptLog,
  microtasks,
  ProcessEnded,
  serverOn,
  type Setting,
} from "./crash_run.ts";

/** Starts a server on a disk; its clock stands where that of the run began. */
async function start(
  disk: SimulatedFiles,
  setting: Setting,
  isAofOn: boolean,
): Promise<{ server: EmbeddedServer; log: KeptLog }> {
  clock.setTimeForTests(BEGIN_MS);
  const { server, log } = serverOn(disk, setting, isAofOn);
  disk.syncsAtOnce = true;
  try {
    await server.server.persistence.loadAtStart();
  } catch (error) {
    server[Symbol.dispose]();
    if (!(error instanceof Error)) throw error;
    throw new StartRefused(`${error.message}\n${log.lines.join("\n")}`);
  }
  // What is history is removed beside the event loop.
  await microtasks();
  return { server, log };
}

/** The server did not start. */
export class StartRefused extends Error {}

/**
 * Whether a start was refused as it should: the AOF ends in garbage, of more bytes than are cut
 * without being asked.
 */
function isTooMuchGarbage(disk: SimulatedFiles, { message }: StartRefused): boolean {
  const found = /\((\/[^,]+), offset (\d+): [^)]*\)/.exec(message);
  if (found === null || message.includes("Whole commands follow")) return false;
  const size = disk.stat(found[1])!.bytes;
  return size - Number(found[2]) > new Config().aofLoadCorruptTailMaxSize;
}

/** What the log of a refused start advises: `redeno check-aof --fix`. */
function repair(disk: SimulatedFiles): void {
  const path = "/data/appendonlydir/appendonly.aof.manifest";
  checkAofMain(["--fix", path], { files: disk, print: () => {}, confirm: () => true });
}

/** Leaves a server as if it was killed: its files stay as they are. */
function leave(server: EmbeddedServer): void {
  server.server.propagation.detach(server.server.persistence.aof.writer);
  server[Symbol.dispose]();
}

export type Fate = TailFate | "killed";

/** The disk that is found after a crash. */
export function diskAfter(disk: SimulatedFiles, fate: Fate, random: SeededRandom): SimulatedFiles {
  return fate === "killed" ? disk.afterKill() : disk.afterPowerLoss(fate, random);
}

export interface CheckOutcome {
  /** Restarts that were made. */
  restarts: number;
  /** Crash points of restarts that were checked too. */
  pointsInRestart: number;
  /** Refused starts after which the AOF was cut by the tool. */
  repairs: number;
}

/** What is wrong with a crash point. */
export class CrashPointError extends Error {}

export class Checker {
  readonly outcome: CheckOutcome = { restarts: 0, pointsInRestart: 0, repairs: 0 };
  readonly #setting: Setting;
  readonly #states: readonly string[];
  readonly #lastIndexOf = new Map<string, number>();

  constructor(setting: Setting, states: readonly string[]) {
    this.#setting = setting;
    this.#states = states;
    states.forEach((digest, index) => this.#lastIndexOf.set(digest, index));
  }

  /** Checks one crash point; throws CrashPointError. `depth` 1 also crashes within the restart. */
  async check(point: CrashPoint, fate: Fate, seed: number, depth: number): Promise<void> {
    const random = new SeededRandom(seed);
    const disk = diskAfter(point.disk, fate, random);
    if (fate === "garbled") await this.#repairIfRefused(disk, point);
    const found = disk.snapshot();
    const floor = fate === "killed" ? point.floorAfterKill : point.floorAfterLoss;
    const inRestart: SimulatedFiles[] = [];
    if (depth > 0) {
      disk.onCall = (name) => {
        if (name !== "read" && name !== "stat") inRestart.push(disk.snapshot());
      };
    }
    const first = await this.#restart(disk, point, `after ${point.call}, ${fate}`);
    disk.onCall = null;
    this.#expectBetween(first, floor, point, fate);
    await this.#goOn(disk, point, first, random);
    for (const each of inRestart) {
      this.outcome.pointsInRestart++;
      const again = diskAfter(each, fate, random);
      const digest = await this.#restart(again, point, `within the restart after ${point.call}`);
      if (digest !== first) {
        throw new CrashPointError(
          `a crash within the restart after ${point.call} changed the data`,
        );
      }
    }
    if (depth > 0) {
      const again = await this.#restart(found, point, "a second time");
      if (again !== first) throw new CrashPointError("the same disk was loaded in two ways");
    }
  }

  /** Much garbage at the end of the AOF is cut by the tool alone; what is left must do. */
  async #repairIfRefused(disk: SimulatedFiles, { isAofConfigured }: CrashPoint): Promise<void> {
    const tried = disk.snapshot();
    try {
      leave((await start(tried, this.#setting, isAofConfigured)).server);
    } catch (error) {
      if (!(error instanceof StartRefused) || !isTooMuchGarbage(tried, error)) return;
      repair(disk);
      this.outcome.repairs++;
    }
  }

  async #restart(disk: SimulatedFiles, point: CrashPoint, what: string): Promise<string> {
    this.outcome.restarts++;
    try {
      const { server } = await start(disk, this.#setting, point.isAofConfigured);
      const digest = digestOf(server);
      leave(server);
      return digest;
    } catch (error) {
      if (!(error instanceof StartRefused)) throw error;
      throw new CrashPointError(`start refused ${what} (step ${point.step}): ${error.message}`);
    }
  }

  #expectBetween(digest: string, floor: number, point: CrashPoint, fate: Fate): void {
    const end = Math.min(point.ceiling, this.#states.length - 1);
    for (let index = end; index >= floor; index--) if (this.#states[index] === digest) return;
    const place = this.#lastIndexOf.get(digest);
    const found = place === undefined ? "no state of the run" : `state ${place}`;
    throw new CrashPointError(
      `after ${point.call} (step ${point.step}, ${fate}): found ${found}, ` +
        `expected one of ${floor} to ${end}`,
    );
  }

  /** The start after the start finds the same, and what has been added since. */
  async #goOn(
    disk: SimulatedFiles,
    point: CrashPoint,
    digest: string,
    random: SeededRandom,
  ): Promise<void> {
    const { server } = await start(disk, this.#setting, point.isAofConfigured);
    this.outcome.restarts++;
    if (digestOf(server) !== digest) {
      throw new CrashPointError(`the restart after the restart is another (${point.call})`);
    }
    server.run("MULTI");
    server.run("SET", "after", random.word(5));
    server.run("RPUSH", "after:list", "a", "b");
    const reply = server.run("EXEC");
    if (!point.isAofConfigured) server.run("SAVE");
    try {
      server.server.turn.end();
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error;
      throw new CrashPointError(`the restarted server ended itself (${point.call})`);
    }
    await microtasks();
    const expected = digestOf(server);
    leave(server);
    const next = await this.#restart(disk.afterKill(), point, "after going on");
    if (next !== expected) {
      throw new CrashPointError(
        `what was added after the restart is lost (${point.call}): ${JSON.stringify(reply)}`,
      );
    }
  }
}
