/**
 * Divergence: what may part the data of a replica, in memory or on its disk, from those of its
 * master. It never happens without a word in the log, and ends the server if the configuration
 * wants that.
 */
import * as clock from "../base/clock.ts";
import type { Host } from "../session/host.ts";

const UNSAFE_LOG_PERIOD_MS = 10_000;

/** What it uses of the host. */
type DivergenceHost = Pick<Host, "config" | "log" | "persistence" | "statistics">;

export class Divergence {
  readonly #host: DivergenceHost;
  readonly #panic: (reason: string) => never;
  /** When it was last logged that changes cannot be saved. */
  #unsafeLoggedMs = 0;

  /** `panic` ends the process. */
  constructor(host: DivergenceHost, panic: (reason: string) => never) {
    this.#host = host;
    this.#panic = panic;
  }

  /** A command of the master failed here, and did not there. */
  noteRefusal(error: string, commandName: string): void {
    const { config, log, statistics } = this.#host;
    statistics.unexpectedErrorReplies++;
    const name = commandName === "" ? "an unknown command" : `'${commandName}'`;
    const text = `This replica answers ${name} of its master with an error, so its data may ` +
      `differ from the master's: ${error}`;
    log.warning(`== CRITICAL == ${text}`);
    if (config.propagationErrorBehavior === "ignore" || !config.replicaReadOnly) return;
    this.#panic(`${text} (propagation-error-behavior)`);
  }

  /** A change of the master was applied that cannot be saved here. */
  noteUnsafe(): void {
    const { config, log, persistence } = this.#host;
    const error = persistence.writeError();
    if (error === null) return;
    const text = "This replica applies what its master does, but cannot save it";
    if (!config.replicaIgnoreDiskWriteErrors) {
      this.#panic(`${text} (replica-ignore-disk-write-errors no): ${error.text}`);
    }
    const nowMs = clock.nowMs();
    if (nowMs - this.#unsafeLoggedMs < UNSAFE_LOG_PERIOD_MS) return;
    this.#unsafeLoggedMs = nowMs;
    log.warning(`${text}: ${error.text}`);
  }
}
