/**
 * Script watch: what happens when a script runs long.
 *
 * A script is one command: while it runs, nobody else is served. Past `busy-reply-threshold` one
 * that has written nothing is ended; one that has written may go on, since half of its effects are
 * there, until `script-time-limit`. (Redis answers others -BUSY meanwhile, and waits for a KILL;
 * for that, sockets would have to be served from here.)
 */
import * as clock from "../base/clock.ts";
import { REDIS_INTERNAL } from "../session/client.ts";
import type { Host } from "../session/host.ts";
import { ScriptKill } from "./lua_error.ts";
import type { ScriptCalls, ScriptRun } from "./script_calls.ts";
import { failWithTable } from "./script_errors.ts";

/** Redis: LOAD_TIMEOUT_MS, for the code of a library. */
const LOAD_TIMEOUT_MS = 500;

export class ScriptWatch {
  readonly #host: Pick<Host, "config" | "log">;
  readonly #calls: ScriptCalls;
  /** When a library began to load; 0 while none does. */
  #loadStartedUs = 0;

  constructor(host: Pick<Host, "config" | "log">, calls: ScriptCalls) {
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

  /** Called every some thousand steps of Lua code; throws a ScriptKill to end it. */
  onSteps(): void {
    const nowUs = clock.monotonicUs();
    if (this.#loadStartedUs > 0) {
      if (nowUs - this.#loadStartedUs < LOAD_TIMEOUT_MS * 1000) return;
      failWithTable("FUNCTION LOAD timeout");
    }
    const { run } = this.#calls;
    // What was recorded must be repeated whole.
    if (run === null || (run.caller.flags & REDIS_INTERNAL) !== 0) return;
    this.#look(run, Math.floor((nowUs - run.startedUs) / 1000));
  }

  #look(run: ScriptRun, elapsedMs: number): void {
    const { busyReplyThreshold, scriptTimeLimit } = this.#host.config;
    if (busyReplyThreshold > 0 && elapsedMs >= busyReplyThreshold) {
      if (!run.hasWritten) this.#end(run, "busy-reply-threshold", busyReplyThreshold);
      this.#noteOverdue(run, elapsedMs);
    }
    if (scriptTimeLimit > 0 && elapsedMs >= scriptTimeLimit) {
      this.#end(run, "script-time-limit", scriptTimeLimit);
    }
  }

  #noteOverdue(run: ScriptRun, elapsedMs: number): void {
    if (run.isOverdue) return;
    run.isOverdue = true;
    this.#host.log.warning(
      `Script ${run.name} takes long: ${elapsedMs} milliseconds so far. It has written, so it ` +
        "goes on until script-time-limit.",
    );
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
