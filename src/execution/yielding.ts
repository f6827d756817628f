/**
 * Yielding: a command that takes long lets others be served from inside of itself (Redis:
 * processEventsWhileBlocked). Only commands flagged allow_busy are carried out for them, which
 * touch no data; all else is answered -BUSY, with the text of the command that runs.
 *
 * What a command finds around it is put back behind each such round: it does not see that time has
 * passed, nor what dispatch notes down of other clients.
 *
 * The sockets may be carried in a way that allows none of this (net/); then nothing happens.
 */
import * as clock from "../base/clock.ts";
import { type CommandError, commandError } from "../session/errors.ts";
import { GATE_BUSY } from "../session/gates.ts";
import type { Host } from "../session/host.ts";

export const BUSY_SCRIPT = commandError(
  "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
);
export const BUSY_FUNCTION = commandError(
  "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
);
export const BUSY_MODULE = commandError("BUSY Redis is busy running a module command.");

declare module "../session/host.ts" {
  interface Host {
    readonly yielding: Yielding;
  }
}

/** What it uses of the host. */
type YieldingHost = Pick<Host, "gates" | "keyspace" | "process" | "sockets" | "tracking">;

export class Yielding {
  readonly #host: YieldingHost;
  #busyError: CommandError | null = null;

  constructor(host: YieldingHost) {
    this.#host = host;
  }

  /** What a command is answered now that is not allowed beside the one that runs; else null. */
  get busyError(): CommandError | null {
    return this.#busyError;
  }

  /**
   * Serves others once and without waiting; those who may not be served now are told `busyError`.
   * Returns false, having done nothing, if the sockets cannot be served from inside of a command.
   */
  serveOthers(busyError: CommandError): boolean {
    const { gates, keyspace, process, sockets, tracking } = this.#host;
    const { writer } = tracking;
    const { isTouchPaused } = keyspace;
    this.#busyError = busyError;
    gates.set(GATE_BUSY, true);
    try {
      const isServed = clock.meanwhile(() => sockets.pollOnce());
      if (isServed) process.stillServing();
      return isServed;
    } finally {
      gates.set(GATE_BUSY, false);
      this.#busyError = null;
      tracking.writer = writer;
      keyspace.isTouchPaused = isTouchPaused;
    }
  }
}
