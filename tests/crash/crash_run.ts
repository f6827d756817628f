/**
 * A crash run: an embedded server works off a workload on simulated files, and at every file call a
 * crash point is noted: the disk as it is in this moment, and what a restart from it has to find.
 *
 *   states[k]       digest of the data after unit k; a unit is a command, a transaction, or the end
 *                   of a key that expired by itself
 *   floor           the restart must find a state not before this one
 *   ceiling         and not behind this one: the unit that is just being carried out
 *
 * The floor follows from what was acknowledged and what the settings promise:
 *
 *   always          all that was acknowledged
 *   everysec        after a kill all that was acknowledged, after a power loss what was so two
 *                   seconds ago
 *   no              after a kill all that was acknowledged, after a power loss nothing
 *   AOF off         the state of the last SAVE or BGSAVE that has succeeded
 */
import * as clock from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import { datasetDigest } from "../../src/keyspace/dataset_digest.ts";
import type { ChildPort } from "../../src/persistence/background_child.ts";
import {
  type ChildAnswer,
  type ChildMessage,
  type FileJob,
  JobControl,
  runJob,
} from "../../src/persistence/child_job.ts";
import type { Client } from "../../src/session/client.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { type CallName, SimulatedFiles } from "../support/simulated_files.ts";
import type { Step, Unit } from "./crash_workload.ts";

export type Policy = "always" | "everysec" | "no" | "off";

export interface Setting {
  policy: Policy;
  /** Base files as RDB. */
  preamble: boolean;
  timestamps: boolean;
  savePoints: boolean;
}

/** When the clock stands at the begin of every run, and at every restart. */
export const BEGIN_MS = 1_700_000_000_000;
/** What everysec may lose. */
const WINDOW_MS = 2000;
/** A sync that takes longer is not waited for by the writer. */
const SYNC_MS_MAX = 800;
/** The longest that the server's cron is late, whatever a step does. */
const CRON_MS_MAX = 250;

export interface CrashPoint {
  disk: SimulatedFiles;
  /** The call that was about to be made, or "torn write …". */
  call: string;
  step: number;
  isAofConfigured: boolean;
  /** Floor after a kill, and after a power loss. */
  floorAfterKill: number;
  floorAfterLoss: number;
  ceiling: number;
}

/** The process has ended by itself (`appendfsync always` cannot be kept). */
export class ProcessEnded extends Error {}

/** The end of a process may be met at the end of a turn that nobody called. */
addEventListener("error", (event) => {
  if (event.error instanceof ProcessEnded) event.preventDefault();
});

/** Keeps the lines, to be shown when a check fails. */
export class KeptLog extends Log {
  readonly lines: string[] = [];
  /** BGSAVEs that have succeeded. */
  saveCount = 0;
  override debug(): void {}
  override verbose(): void {}
  override notice(message: string): void {
    this.lines.push(message);
    if (message === "Background saving terminated with success") this.saveCount++;
  }
  override warning(message: string): void {
    this.lines.push(`# ${message}`);
  }
}

/** A background child that works when it is told to, on the same files. */
export class ChildInPlace implements ChildPort {
  onmessage: ((event: MessageEvent<ChildAnswer>) => void) | null = null;
  onerror = null;
  onmessageerror = null;
  #job: FileJob | null = null;

  constructor(readonly files: SimulatedFiles) {}

  postMessage(message: ChildMessage): void {
    if (message.kind !== "release" && message.kind !== "rdb-stream") this.#job = message;
  }

  terminate(): void {
    this.#job = null;
  }

  /** Says that so many keys are done, as a child that is still at work. */
  reportProgress(keyCount: number): void {
    new JobControl(this.#job!.control).keyCount = keyCount;
  }

  work(): void {
    const job = this.#job;
    if (job === null) return;
    this.#job = null;
    const data = runJob(job, this.files);
    this.onmessage?.(new MessageEvent("message", { data }));
  }
}

/** A server on simulated files, not started yet. */
export function serverOn(
  files: SimulatedFiles,
  setting: Setting,
  isAofOn: boolean,
  onExit: () => void = () => {},
): { server: EmbeddedServer; child: ChildInPlace; log: KeptLog } {
  const child = new ChildInPlace(files);
  const log = new KeptLog();
  const directives: [string, string][] = [
    ["appendonly", isAofOn ? "yes" : "no"],
    ["appendfsync", setting.policy === "off" ? "everysec" : setting.policy],
    ["aof-use-rdb-preamble", setting.preamble ? "yes" : "no"],
    ["aof-timestamp-enabled", setting.timestamps ? "yes" : "no"],
    ["save", setting.savePoints ? "3 20" : ""],
    ["enable-debug-command", "yes"],
  ];
  const exit = (code: number): never => {
    onExit();
    // What is still scheduled must not go on writing.
    server.server.propagation.detach(server.server.persistence.aof.writer);
    throw new ProcessEnded(`exit ${code}`);
  };
  const options = { files, createChild: () => child, log, exit, debug: false };
  const server: EmbeddedServer = new EmbeddedServer(directives, options);
  server.server.config.dir = "/data";
  return { server, child, log };
}

export function digestOf(server: EmbeddedServer): string {
  return datasetDigest(server.server.keyspace).toHex();
}

/** Lets promises that are settled have their say. */
export async function microtasks(): Promise<void> {
  for (let round = 0; round < 8; round++) await Promise.resolve();
}

export class CrashRun {
  readonly files: SimulatedFiles;
  readonly states: string[] = [];
  readonly points: CrashPoint[] = [];
  readonly log: KeptLog;
  readonly server: EmbeddedServer;
  /** Units that were refused or failed, for whatever reason. */
  refusedCount = 0;
  hasEnded = false;
  readonly #child: ChildInPlace;
  readonly #setting: Setting;
  #step = 0;
  #acknowledged = 0;
  /** Turns that have ended, and the round of syncs that their replies wait for. */
  #waiting: { state: number; round: number }[] = [];
  /** Waits for what happens without a command. */
  readonly #witness = { heldRound: 0 } as Client;
  /** When each acknowledgement came, in order. */
  readonly #times: { state: number; atMs: number }[] = [];
  #rdbState = 0;
  #savingState = -1;
  #savesSeen = 0;
  #isSending = false;
  #syncAgeMs = 0;
  /** While the AOF cannot be written or synced, what was promised before; else null. */
  #troubleFloor: number | null = null;

  constructor(setting: Setting, files = new SimulatedFiles()) {
    this.files = files;
    clock.setTimeForTests(BEGIN_MS);
    this.#setting = setting;
    const { server, child, log } = serverOn(
      this.files,
      setting,
      setting.policy !== "off",
      () => {
        if (!this.hasEnded) this.note("exit");
        this.hasEnded = true;
      },
    );
    this.server = server;
    this.#child = child;
    this.log = log;
    this.states.push(digestOf(server));
    this.#watchExpiry(server);
  }

  /** Cron lets several keys expire at once, each of which is a unit. */
  #watchExpiry(embedded: EmbeddedServer): void {
    const { listener } = embedded.server.keyspace;
    const keyChanged = listener.keyChanged.bind(listener);
    listener.keyChanged = (...change) => {
      keyChanged(...change);
      if (this.#isSending) return;
      this.states.push(digestOf(embedded));
      embedded.server.barrier.hold(this.#witness);
    };
  }

  /** `always`: syncs are left to a later turn, or run beside the event loop, as chance has it. */
  #chooseSyncs(steps: readonly Step[]): void {
    const { barrier } = this.server.server;
    const random = new SeededRandom(steps.reduce((sum, { advanceMs }) => sum + advanceMs, 0));
    const choose = barrier.choose.bind(barrier);
    barrier.choose = () => {
      const choice = choose();
      if (choice !== "now" || random.oneIn(3)) return choice;
      return random.oneIn(3) ? "later" : "aside";
    };
  }

  /** Notes a crash point at every call from now on. */
  record(): void {
    this.files.onCall = (name, path) => this.#note(`${name} ${path}`, name);
    this.files.onTornWrite = (path) => this.#note(`torn write ${path}`, "write");
  }

  /**
   * Starts the server and carries out the steps, then, on a disk without faults, those of healing;
   * stops early if the process ends itself.
   */
  async run(steps: readonly Step[], healing: readonly Step[] = []): Promise<void> {
    this.#chooseSyncs(steps);
    try {
      await this.#start();
      for (const step of steps) await this.#runStep(step);
      this.#mendDisk();
      for (const step of healing) await this.#runStep(step);
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error;
      if (!this.hasEnded) this.note("refused start");
      this.hasEnded = true;
    }
    if (!this.hasEnded) this.note("the end");
    this.files.onCall = null;
    this.files.onTornWrite = null;
  }

  /** A server whose disk fails at the start says so and ends. */
  async #start(): Promise<void> {
    try {
      await this.server.server.persistence.loadAtStart();
    } catch (error) {
      if (!(error instanceof Error) || error instanceof ProcessEnded) throw error;
      throw new ProcessEnded(error.message);
    }
  }

  /** The crash point of this moment. */
  note(call: string): void {
    this.#note(call, "stat");
  }

  async close(): Promise<void> {
    const { files, server } = this;
    this.#mendDisk();
    files.syncsAtOnce = true;
    files.completeSyncs();
    try {
      await server.server.close();
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error;
    }
    server[Symbol.dispose]();
  }

  #mendDisk(): void {
    this.files.failure = null;
    this.files.capacityBytes = Infinity;
  }

  async #runStep(step: Step): Promise<void> {
    this.#step++;
    let leftMs = step.advanceMs;
    for (; leftMs > CRON_MS_MAX; leftMs -= CRON_MS_MAX) {
      await this.#advance(CRON_MS_MAX, false);
      await this.#runCron();
    }
    await this.#advance(leftMs, step.completesSyncs);
    for (const unit of step.units) this.#send(unit);
    this.#endTurn();
    await microtasks();
    if (step.runsChild) await this.#runChild();
    if (step.runsCron) await this.#runCron();
    this.#watchTrouble();
  }

  async #advance(ms: number, completesSyncs: boolean): Promise<void> {
    clock.advanceForTests(ms);
    this.#syncAgeMs += ms;
    if (!completesSyncs && this.#syncAgeMs <= SYNC_MS_MAX) return;
    this.#syncAgeMs = 0;
    this.files.completeSyncs();
    await microtasks();
    this.#noteSaving();
  }

  async #runCron(): Promise<void> {
    this.server.server.runCron();
    this.server.server.turn.end();
    if (this.hasEnded) throw new ProcessEnded("exit");
    this.#noteSaving();
    await microtasks();
  }

  #send(unit: Unit): void {
    const { server } = this;
    let raw = "";
    this.#isSending = true;
    for (const request of unit) {
      const wait = String(request[0]) === "BLPOP" ? 1 : 0;
      raw = server.raw(...request);
      // A client that waits hears by the clock, which stands; so it is disconnected.
      if (wait === 1 && raw === "") server.server.blocking.unblock(server.client.client);
    }
    this.#isSending = false;
    if (raw.startsWith("-")) this.refusedCount++;
    this.states.push(digestOf(server));
    const name = String(unit[0][0]);
    if (name === "SAVE" && raw.startsWith("+")) this.#rdbState = this.states.length - 1;
    if (name === "FLUSHALL" && this.#setting.savePoints && raw.startsWith("+")) {
      const { changesSinceLastSave } = server.server.persistence.rdb;
      if (changesSinceLastSave === 0) this.#rdbState = this.states.length - 1;
    }
    this.#noteSaving();
  }

  /** Follows BGSAVEs: of which state they are, and whether they have succeeded. */
  #noteSaving(): void {
    if (this.log.saveCount > this.#savesSeen) {
      this.#savesSeen = this.log.saveCount;
      this.#rdbState = this.#savingState;
      this.#savingState = -1;
    }
    if (!this.server.server.persistence.rdb.isSaving) this.#savingState = -1;
    else if (this.#savingState < 0) this.#savingState = this.states.length - 1;
  }

  async #runChild(): Promise<void> {
    this.#child.work();
    await microtasks();
    this.#noteSaving();
  }

  #endTurn(): void {
    this.server.server.turn.end();
    // The exit may have been met where errors are caught.
    if (this.hasEnded) throw new ProcessEnded("exit");
    this.#watchTrouble();
    const { heldRound } = this.server.client.client;
    const round = Math.max(heldRound, this.#witness.heldRound);
    this.#waiting.push({ state: this.states.length - 1, round });
    this.#acknowledge();
  }

  /** Replies leave that wait for nothing any more. */
  #acknowledge(): void {
    const { safeRound } = this.server.server.barrier;
    while (this.#waiting.length > 0 && this.#waiting[0]!.round <= safeRound) {
      this.#acknowledged = this.#waiting.shift()!.state;
      this.#times.push({ state: this.#acknowledged, atMs: clock.nowMs() });
    }
  }

  /** Once the disk fails writers are refused, and what waits for it is promised to nobody. */
  #watchTrouble(): void {
    if (this.server.server.persistence.aof.diskError === null) this.#troubleFloor = null;
    else this.#troubleFloor ??= this.#windowFloor();
  }

  #windowFloor(): number {
    const limitMs = clock.nowMs() - WINDOW_MS;
    return this.#times.findLast(({ atMs }) => atMs <= limitMs)?.state ?? 0;
  }

  #note(call: string, name: CallName): void {
    // Reading changes nothing: a crash there is the same as one at the next call.
    if (name === "read" || name === "list" || (name === "stat" && call.includes("/"))) return;
    if (this.hasEnded) return;
    this.#acknowledge();
    const { aof } = this.server.server.persistence;
    const isAofConfigured = this.server.server.config.appendonly;
    const isAofComplete = isAofConfigured && aof.isEnabled && !aof.isWaiting;
    let floorAfterKill = 0;
    let floorAfterLoss = 0;
    if (!isAofConfigured) {
      floorAfterKill = floorAfterLoss = this.#rdbState;
    } else if (isAofComplete) {
      const { policy } = this.#setting;
      floorAfterKill = this.#acknowledged;
      if (policy === "always") floorAfterLoss = this.#acknowledged;
      else if (policy === "everysec") floorAfterLoss = this.#windowFloor();
      if (this.#troubleFloor !== null && policy !== "always") {
        floorAfterKill = Math.min(floorAfterKill, this.#troubleFloor);
        floorAfterLoss = Math.min(floorAfterLoss, this.#troubleFloor);
      }
    }
    const ceiling = this.states.length;
    const disk = this.files.snapshot();
    const step = this.#step;
    this.points.push({
      disk,
      call,
      step,
      isAofConfigured,
      floorAfterKill,
      floorAfterLoss,
      ceiling,
    });
  }
}
