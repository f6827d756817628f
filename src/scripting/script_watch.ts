/**
 * Script watch: what happens when a script runs long.
 *
 * A script is one command: while it runs, nobody else is served. Past `busy-reply-threshold` others
 * are served from inside of it (execution/yielding.ts): they are answered -BUSY, and may end it by
 * SCRIPT KILL or FUNCTION KILL unless it has written, since half of its effects would stay.
 *
 * Where sockets cannot be served from inside of a command (the runtime's own), nobody can ask for
 * that: there one that has written nothing is ended at once, and one that has written may go on
 * until `script-time-limit`.
 */
import * as clock from "../base/clock.ts";
import { BUSY_FUNCTION, BUSY_SCRIPT } from "../execution/yielding.ts";
import { REDIS_INTERNAL } from "../session/client.ts";
import { type CommandError, commandError } from "../session/errors.ts";
import type { Host } from "../session/host.ts";
import { requireHeadroom } from "./lua_calls.ts";
import { ScriptKill } from "./lua_error.ts";
import { currentPlace } from "./lua_levels.ts";
import type { ScriptCalls, ScriptRun } from "./script_calls.ts";
import { failWithTable } from "./script_errors.ts";

/** Redis: LOAD_TIMEOUT_MS, for the code of a library. */
const LOAD_TIMEOUT_MS = 500;
/** The shortest time between two rounds in which others are served. */
const YIELD_PERIOD_US = 1000;

const NOT_BUSY = commandError("NOTBUSY No scripts in execution right now.");
const UNKILLABLE = commandError(
  "UNKILLABLE Sorry the script already executed write commands against the dataset. You can " +
    "either wait the script termination or kill the server in a hard way using the SHUTDOWN " +
    "NOSAVE command.",
);
const UNKILLABLE_RECORD = commandError(
  "UNKILLABLE The busy script was sent by a master instance in the context of replication and " +
    "cannot be killed.",
);
/** Redis: the points are those of the sentence and of its ellipsis. */
const KILLED = "ERR Script killed by user with SCRIPT KILL...";

/** What it uses of the host. */
type WatchHost = Pick<Host, "config" | "log" | "yielding">;

export class ScriptWatch {
  readonly #host: WatchHost;
  readonly #calls: ScriptCalls;
  /** When a library began to load; 0 while none does. */
  #loadStartedUs = 0;
  /** When others were last served. */
  #yieldedUs = 0;

  constructor(host: WatchHost, calls: ScriptCalls) {
    this.#host = host;
    this.#calls = calls;
  }

  /** Runs the code of a library, which may not take long. */
  whileLoading<Result>(load: () => Result): Result {
    this.#loadStartedUs = clock.monotonicUs();
    try {
      return load();
    } finally {
      this.#loadStartedUs = 0;
    }
  }

  /** SCRIPT KILL, or FUNCTION KILL: ends what runs. Throws a CommandError if it may not. */
  kill(isFunction: boolean): void {
    const { run } = this.#calls;
    if (run === null) throw NOT_BUSY;
    if ((run.caller.flags & REDIS_INTERNAL) !== 0) throw UNKILLABLE_RECORD;
    if (run.hasWritten) throw UNKILLABLE;
    if (run.isFunction !== isFunction) throw busyErrorOf(run);
    run.isKilled = true;
  }

  /** Called every some thousand steps of Lua code; throws a ScriptKill to end it. */
  onSteps(): void {
    const nowUs = clock.monotonicUs();
    if (this.#loadStartedUs > 0) {
      if (nowUs - this.#loadStartedUs < LOAD_TIMEOUT_MS * 1000) return;
      failWithTable("FUNCTION LOAD timeout");
    }
    const { run } = this.#calls;
    if (run === null) return;
    const thresholdMs = this.#host.config.busyReplyThreshold;
    const elapsedMs = Math.floor((nowUs - run.startedUs) / 1000);
    if (thresholdMs <= 0 || elapsedMs < thresholdMs) return this.#limit(run, elapsedMs);
    if (run.isOverdue && nowUs - this.#yieldedUs < YIELD_PERIOD_US) return;
    this.#yieldedUs = nowUs;
    // What others ask for must not be torn by an exhausted stack.
    requireHeadroom();
    if (!this.#host.yielding.serveOthers(busyErrorOf(run))) {
      this.#endUnlessWritten(run, elapsedMs);
      return this.#limit(run, elapsedMs);
    }
    this.#noteOverdue(run, elapsedMs, run.isFunction ? "FUNCTION KILL" : "SCRIPT KILL");
    if (run.isKilled) this.#endKilled(run);
  }

  /** Why others are not served now. */
  #endUnlessWritten(run: ScriptRun, elapsedMs: number): void {
    // What was recorded must be repeated whole.
    if ((run.caller.flags & REDIS_INTERNAL) !== 0) return;
    const { busyReplyThreshold } = this.#host.config;
    if (!run.hasWritten) this.#end(run, "busy-reply-threshold", busyReplyThreshold);
    this.#noteOverdue(run, elapsedMs, "script-time-limit");
  }

  #limit(run: ScriptRun, elapsedMs: number): void {
    const { scriptTimeLimit } = this.#host.config;
    if (scriptTimeLimit === 0 || elapsedMs < scriptTimeLimit) return;
    if ((run.caller.flags & REDIS_INTERNAL) !== 0) return;
    this.#end(run, "script-time-limit", scriptTimeLimit);
  }

  /** Once for each script; `remedy` ends it, but not one that has written if that is a KILL. */
  #noteOverdue(run: ScriptRun, elapsedMs: number, remedy: string): void {
    if (run.isOverdue) return;
    run.isOverdue = true;
    const state = run.hasWritten ? "has written" : "has not written yet";
    this.#host.log.warning(
      `Script ${run.name} takes long: ${elapsedMs} milliseconds so far. ` +
        `It ${state}; see ${remedy}.`,
    );
  }

  #endKilled(run: ScriptRun): never {
    this.#host.log.notice(`Script ${run.name} was killed by a client.`);
    throw new ScriptKill(KILLED, currentPlace());
  }

  #end(run: ScriptRun, parameter: string, limitMs: number): never {
    const effects = run.hasWritten ? "what it has written stays" : "it had written nothing";
    this.#host.log.warning(
      `Script ${run.name} ended after ${limitMs} milliseconds (${parameter}), ${effects}.`,
    );
    throw new ScriptKill(
      `ERR Error running script: ended after ${limitMs} milliseconds (${parameter}), ${effects}.`,
    );
  }
}

/** What others are told while a script runs past its time. */
export function busyErrorOf({ isFunction }: ScriptRun): CommandError {
  return isFunction ? BUSY_FUNCTION : BUSY_SCRIPT;
}
