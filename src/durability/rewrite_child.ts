/**
 * Rewrite child: what the AOF's control asks of the background child, put into the terms of
 * BackgroundChild: who writes, and when it is done.
 */
import type { BackgroundChild } from "../persistence/background_child.ts";
import type { JobResult } from "../persistence/child_job.ts";
import type { RewriteChild as RewriteChildContract, RewriteOutcome } from "./aof_control.ts";
import type { RdbControl } from "./rdb_control.ts";

export class RewriteChild implements RewriteChildContract {
  readonly #child: BackgroundChild;
  readonly #rdb: RdbControl;
  #isRewriting = false;

  constructor(child: BackgroundChild, rdb: RdbControl) {
    this.#child = child;
    this.#rdb = rdb;
  }

  get isActive(): boolean {
    return this.#child.isRunning;
  }

  startRewrite(path: string, isRdb: boolean, done: (outcome: RewriteOutcome) => void): void {
    const job = this.#rdb.runRewrite(path, isRdb);
    this.#isRewriting = true;
    job.then((result) => {
      this.#isRewriting = false;
      done(this.#outcome(result));
    });
  }

  abortRewrite(): void {
    if (this.#isRewriting) this.#child.abort();
  }

  #outcome(result: JobResult): RewriteOutcome {
    switch (result.outcome) {
      case "ok":
        return { kind: "written", copiedBytes: this.#child.lastClonedBytes };
      case "aborted":
        return { kind: "aborted" };
      case "failed":
        return { kind: "failed", reason: result.error };
    }
  }
}
