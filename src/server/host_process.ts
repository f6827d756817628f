/**
 * Host process: what concerns the process as a whole: its identity, its pid file, how it ends.
 */
import * as clock from "../base/clock.ts";
import { hexId } from "../base/random.ts";
import { systemErrorText } from "../config/config.ts";
import { prepareForShutdown } from "../durability/shutdown.ts";
import type { HostProcess, ShutdownOptions, ShutdownOutcome } from "../session/host.ts";
import { type InfoHost, infoText, sectionsFor } from "./info.ts";
import { ShutdownWait } from "./shutdown_wait.ts";

export class ServerProcess implements HostProcess {
  readonly runId = hexId(40);
  readonly startedMs = clock.refresh();
  isCronPaused = false;
  readonly #host: InfoHost;
  readonly #exit: (code: number) => never;
  readonly #wait: ShutdownWait;
  /** Path of the file with the process id; "" if there is none. */
  #pidFile = "";

  /** `exit` ends the process. */
  constructor(host: InfoHost, exit: (code: number) => never) {
    this.#host = host;
    this.#exit = exit;
    this.#wait = new ShutdownWait(host);
  }

  infoText(words: readonly string[]): string {
    return infoText(this.#host, sectionsFor(words));
  }

  status(text: string): void {
    this.#host.supervision.status(text);
  }

  stillServing(): void {
    this.#host.supervision.feedIfDue();
  }

  whileBusy<Result>(work: () => Result): Result {
    return this.#host.supervision.whileBusy(work);
  }

  shutdown(options: ShutdownOptions, onGivenUp: () => void = () => {}): ShutdownOutcome {
    const { log, supervision } = this.#host;
    const wait = this.#wait;
    if (!wait.isUnderWay) {
      log.warning("User requested shutdown...");
      supervision.stopping();
      if (!wait.begin(options)) return this.#end(options) ? "ends" : "refused";
    }
    wait.onGivenUp(onGivenUp);
    return "waits";
  }

  get shutdownLeftMs(): number | null {
    return this.#wait.leftMs(clock.nowMs());
  }

  abortShutdown(): boolean {
    if (!this.#wait.isUnderWay) return false;
    this.#host.log.notice("The shutdown is given up, as asked for");
    this.#wait.giveUp();
    return true;
  }

  /** Ends the process if it has waited for that long enough; called by cron. */
  tick(nowMs: number): void {
    const options = this.#wait.due(nowMs);
    if (options !== null && !this.#end(options)) this.#wait.giveUp();
  }

  #end(options: ShutdownOptions): boolean {
    if (!this.prepareForShutdown(options)) return false;
    this.#exit(0);
    return true;
  }

  /** Makes the data safe, closes the door, and says so; false if the server must go on. */
  prepareForShutdown(options: ShutdownOptions): boolean {
    const { log, listeners } = this.#host;
    if (!prepareForShutdown(this.#host, options)) return false;
    // Who waited for the disk has nothing to wait for any more.
    this.#host.turn.flushWithin(() => true);
    listeners.close();
    this.removePidFile();
    log.warning("Redis is now ready to exit, bye bye...");
    return true;
  }

  /** Writes the process id where `pidfile` says; a failure is only logged, as in Redis. */
  writePidFile(): void {
    const { config, log } = this.#host;
    if (config.pidfile === "") return;
    const path = config.resolvePath(config.pidfile);
    try {
      Deno.writeTextFileSync(path, `${Deno.pid}\n`);
      this.#pidFile = path;
    } catch (error) {
      log.warning(`The pidfile cannot be written: ${systemErrorText(error)}`);
    }
  }

  /** Removes the file that `writePidFile` wrote (Redis: not if `dir` has changed meanwhile). */
  removePidFile(): void {
    if (this.#pidFile === "") return;
    const path = this.#pidFile;
    this.#pidFile = "";
    try {
      Deno.removeSync(path);
    } catch {
      // Somebody else removed it.
    }
  }
}
