/**
 * Client pause: lets clients wait before their next command (CLIENT PAUSE), all of them or those
 * that write. Meanwhile no key expires or is evicted, so that the data set stands still.
 *
 * A client that waits counts as blocked; its request is kept and carried out when the pause ends,
 * in the order of arrival. Pauses that overlap last as long as the longest and stop as much as the
 * strictest. Whoever hands the data over to somebody else holds writers without a limit of time
 * (`hold`), which CLIENT UNPAUSE does not end.
 */
import * as clock from "../base/clock.ts";
import type { Timer } from "../base/timers.ts";
import { type Client, REDIS_BLOCKED, REDIS_REPLICA } from "../session/client.ts";
import { COMMAND_MAY_REPLICATE, COMMAND_WRITE, type CompiledCommand } from "../session/command.ts";
import { GATE_PAUSED } from "../session/gates.ts";
import type { Host } from "../session/host.ts";

const CHANGES_DATA = COMMAND_WRITE | COMMAND_MAY_REPLICATE;

declare module "../session/host.ts" {
  interface Host {
    readonly pause: ClientPause;
  }
}

/** Who holds writers back: SHUTDOWN, FAILOVER. */
export const HOLD_SHUTDOWN = 1 << 0;
export const HOLD_FAILOVER = 1 << 1;

/** What it uses of the host. */
type PauseHost = Pick<Host, "gates" | "keyspace" | "timers">;

export interface PauseOptions {
  /** Carries out the request in the `argv` of a client that has waited. */
  execute(client: Client): void;
  /** Runs a task when the events that have come meanwhile are served. */
  afterwards(task: () => void): void;
}

export class ClientPause {
  readonly #host: PauseHost;
  readonly #execute: (client: Client) => void;
  readonly #afterwards: (task: () => void) => void;
  readonly #waiting = new Set<Client>();
  #tasks: (() => void)[] = [];
  /** CLIENT PAUSE is under way. */
  #isTimed = false;
  /** Who else holds writers back (HOLD_…). */
  #holds = 0;
  #pausesAll = false;
  #endMs = 0;
  readonly #timer: Timer;

  constructor(host: PauseHost, { execute, afterwards }: PauseOptions) {
    this.#host = host;
    this.#timer = host.timers.create(() => {
      clock.refresh();
      this.endIfDue();
      if (this.#isTimed) this.#schedule();
    });
    this.#execute = execute;
    this.#afterwards = afterwards;
  }

  /** Begins a pause, or makes the present one longer or stricter. */
  start(durationMs: number, pausesAll: boolean): void {
    const endMs = clock.nowMs() + durationMs;
    this.#endMs = this.#isTimed ? Math.max(this.#endMs, endMs) : endMs;
    this.#pausesAll = pausesAll || (this.#isTimed && this.#pausesAll);
    this.#isTimed = true;
    this.#update();
    this.#schedule();
  }

  /** Ends the pause of CLIENT PAUSE: clients that waited go on, unless somebody else holds them. */
  end(): void {
    this.#timer.stop();
    if (!this.#isTimed) return;
    this.#isTimed = false;
    this.#update();
    this.#resumeSoon();
  }

  /** Writers wait until `release` (HOLD_…). */
  hold(holder: number): void {
    this.#holds |= holder;
    this.#update();
  }

  release(holder: number): void {
    if ((this.#holds & holder) === 0) return;
    this.#holds &= ~holder;
    this.#update();
    this.#resumeSoon();
  }

  #resumeSoon(): void {
    // Not within the command that ended the pause: requests do not nest.
    this.#afterwards(() => this.#resume());
  }

  /** Has `task` called once, when the pause that is under way is over. Another may have begun. */
  whenOver(task: () => void): void {
    this.#tasks.push(task);
  }

  #resume(): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
    for (const client of [...this.#waiting]) {
      // It may be gone by now. If there is a new pause, it will wait again.
      if (!this.#waiting.delete(client)) continue;
      client.flags &= ~REDIS_BLOCKED;
      this.#execute(client);
      client.transport.requestFlush();
      if (!client.has(REDIS_BLOCKED)) client.transport.resume();
    }
  }

  /** Ends the pause if its time is over. */
  endIfDue(): void {
    if (this.#isTimed && clock.nowMs() >= this.#endMs) this.end();
  }

  /** Lets a client wait with the request in its `argv` if it must; returns whether it does. */
  postpone(client: Client, command: CompiledCommand): boolean {
    if (!this.#mustWait(client, command)) return false;
    client.argv = client.argv.clone();
    client.command = command;
    client.flags |= REDIS_BLOCKED;
    this.#waiting.add(client);
    return true;
  }

  /**
   * As `postpone`, for a client that waits for a key which has come: `endWait` ends that wait, and
   * when the pause is over its command begins anew.
   */
  postponeWoken(client: Client, endWait: () => void): boolean {
    const command = client.command!;
    if (!this.#mustWait(client, command)) return false;
    // It is counted when it is carried out.
    command.calls = Math.max(0, command.calls - 1);
    endWait();
    return this.postpone(client, command);
  }

  #mustWait(client: Client, command: CompiledCommand): boolean {
    // Redis: replicas go on reporting how far they have come.
    if (!this.isActive || (client.flags & REDIS_REPLICA) !== 0) return false;
    const holdsAll = this.#isTimed && this.#pausesAll;
    return holdsAll || (client.bitsOf(command) & CHANGES_DATA) !== 0;
  }

  /** Whether a pause is under way. */
  get isActive(): boolean {
    this.endIfDue();
    return this.#isTimed || this.#holds !== 0;
  }

  /** Clients that wait (part of INFO blocked_clients). */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Forgets a client that goes away. */
  forget(client: Client): void {
    this.#waiting.delete(client);
  }

  /** Stops the timer, for the end of the server. */
  stop(): void {
    this.#timer.stop();
  }

  #update(): void {
    const isActive = this.#isTimed || this.#holds !== 0;
    this.#host.keyspace.isPaused = isActive;
    this.#host.gates.set(GATE_PAUSED, isActive);
  }

  #schedule(): void {
    this.#timer.start(this.#endMs - clock.systemMs());
  }
}
