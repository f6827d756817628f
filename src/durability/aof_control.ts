/**
 * AOF control: when the append-only file is loaded, written, rewritten, switched on and off.
 *
 *   off ──CONFIG SET appendonly yes──▶ waiting ──first rewrite succeeds──▶ on
 *    ▲                                    │                                │
 *    └────────────CONFIG SET appendonly no┴────────────────────────────────┘
 *
 * A REWRITE makes the log short again: (1) a new increment is begun and named in the manifest;
 * (2) in the same moment the data are frozen, and a child writes them as the next base; (3) the
 * base takes its place, and everything before the new increment is removed. Commands that come
 * meanwhile are in the new increment, so nothing is lost whichever step fails: then all files stay,
 * and the next rewrite begins another increment. While "waiting" the increment has a temporary
 * name, for there is no base yet to which it could belong.
 *
 * The parts: AofWriter (bytes and syncs), AofDirectory (files and manifest), AofLoader (replay).
 * The server is reached through `AofControlOptions` alone.
 */
import * as clock from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { AofDirectory } from "../persistence/aof_directory.ts";
import { AofLoader, AofLoadError, type AofReplay } from "../persistence/aof_loader.ts";
import { AofManifestError } from "../persistence/aof_manifest.ts";
import { AofWriter } from "../persistence/aof_writer.ts";
import type { CommandLog } from "../persistence/command_log.ts";
import {
  errorText,
  type FileHandle,
  type FileSystem,
  removeIfExists,
} from "../persistence/file_system.ts";
import type { ConfigValues } from "../config/config_values.ts";

/** From this many failures in a row on, automatic rewrites pause: 1 minute, 2, 4 … 60. */
const FAILURES_BEFORE_PAUSE = 3;
const PAUSE_MINUTES_MAX = 60;
const SUSPECT_PAUSE_MINUTES_MAX = 1;

/** How a child's work on a base file ended. */
export type RewriteOutcome =
  /** The file is complete and synced; `copiedBytes` of memory were cloned meanwhile. */
  | { kind: "written"; copiedBytes: number }
  | { kind: "failed"; reason: string }
  /** Stopped by `abortRewrite`. */
  | { kind: "aborted" };

/** What the control needs of the background child. */
export interface RewriteChild {
  /** Whether a child is at work, for whatever purpose, so that no other can be started. */
  readonly isActive: boolean;
  /**
   * Freezes the data and begins to write them to `path`, as RDB or as commands. Calls `done` once,
   * in a later turn. Throws if it cannot begin.
   */
  startRewrite(path: string, isRdb: boolean, done: (outcome: RewriteOutcome) => void): void;
  /** Stops the rewrite; its `done` is called with "aborted", at once or later. */
  abortRewrite(): void;
}

/** What the control needs of the server. */
export interface AofControlOptions {
  readonly config: ConfigValues;
  readonly files: FileSystem;
  readonly log: Log;
  readonly child: RewriteChild;
  readonly replay: AofReplay;
  /** Writes the present data to `path` now, as RDB or as commands, and syncs the file. */
  writeBase(path: string, isRdb: boolean): void;
  /** Loads the RDB at the beginning of the file; resolves with the offset behind it. */
  loadRdb(path: string): Promise<number>;
  /** Loads dump.rdb if there is one, as without AOF; resolves with whether there was one. */
  loadDump(): Promise<boolean>;
  /** Loading begins and ends (INFO loading_…, -LOADING); between, `onLoadProgress`. */
  loadingStarted(totalBytes: number): void;
  onLoadProgress(loadedBytes: number): void;
  loadingEnded(): void;
  /** Where commands are recorded from now on; null: nowhere. */
  setCommandLog(log: CommandLog | null): void;
  /** Whether EXEC is running: then a rewrite would split the transaction. */
  isInTransaction(): boolean;
  /** Ends the process. */
  exit(code: number): never;
  /** `diskError` may be another one now, or none. */
  onErrorChange?(): void;
  /** Hears how long the disk has held everybody up (latency monitor). */
  onLatency?(event: string, durationUs: number): void;
}

/** Where commands go that come during a rewrite: nowhere, to a temporary file, to the last one. */
type IncrementKind = "none" | "temporary" | "last";

/** What BGREWRITEAOF has to say. */
export type RewriteRequest = "started" | "scheduled" | "in progress" | "failed";

export class AofControl {
  readonly writer: AofWriter;
  readonly #options: AofControlOptions;
  #state: "off" | "waiting" | "on" = "off";
  #directory: AofDirectory | null = null;
  /** Bytes of all files but the present one, and of all at the end of the last rewrite. */
  #earlierBytes = 0;
  #baseBytes = 0;

  #isRewriting = false;
  #isScheduled = false;
  #rewriteStartMs = 0;
  #lastRewriteSeconds = -1;
  #lastRewriteOk = true;
  #lastCopiedBytes = 0;
  #rewriteCount = 0;
  #failuresInRow = 0;
  #pauseMinutes = 0;
  #pausedUntilMs = 0;
  /** The removal of old files that is under way. */
  #removal: Promise<unknown> = Promise.resolve();

  constructor(options: AofControlOptions) {
    this.#options = options;
    const { config, log, child, exit } = options;
    this.writer = new AofWriter({
      config,
      log,
      hasActiveChild: () => child.isActive,
      exit,
      onErrorChange: () => options.onErrorChange?.(),
      onLatency: (event, durationUs) => options.onLatency?.(event, durationUs),
    });
  }

  /** Whether `appendonly` is on, or being switched on. */
  get isEnabled(): boolean {
    return this.#state !== "off";
  }

  /** Whether the AOF was switched on and its first rewrite is not done yet. */
  get isWaiting(): boolean {
    return this.#state === "waiting";
  }

  get isRewriting(): boolean {
    return this.#isRewriting;
  }

  /** Bytes of all files together, as far as written. */
  get currentBytes(): number {
    return this.#earlierBytes + this.writer.fileBytes;
  }

  /** Why writers are refused: the text behind "MISCONF Errors writing to the AOF file: ". */
  get diskError(): string | null {
    return this.#state === "off" ? null : this.writer.error;
  }

  // ------------------------------------------------------------------------------------- start

  /**
   * With `appendonly yes`: loads the AOF – or, if there is none yet, dump.rdb, which becomes its
   * base – and begins to record. Without: does nothing. Resolves with whether the data were loaded
   * here. Throws AofLoadError if the server cannot start; the log says why.
   */
  async loadAtStart(): Promise<boolean> {
    const { config, log, loadDump } = this.#options;
    if (!config.appendonly) return false;
    const directory = this.#openDirectory();
    this.#orRefuse("Cannot take in the old AOF file", () => directory.upgradeIfNeeded());
    const list = directory.manifest.filesToLoad;
    if (list.length > 0) {
      await this.#loadFiles(directory);
    } else if (await loadDump()) {
      log.notice(
        `There is no AOF yet: the data of ${config.dbfilename} become the base of a new one`,
      );
    }
    this.#openAtStart(directory);
    return true;
  }

  /** DEBUG LOADAOF: repeats what was recorded so far; nothing is recorded meanwhile. */
  async reload(): Promise<void> {
    const { setCommandLog } = this.#options;
    this.writer.flush(true);
    setCommandLog(null);
    try {
      await this.#loadFiles(this.#directory!);
    } finally {
      setCommandLog(this.writer);
    }
  }

  async #loadFiles(directory: AofDirectory): Promise<void> {
    const { config, files, log, replay } = this.#options;
    const { loadRdb, loadingStarted, onLoadProgress, loadingEnded } = this.#options;
    const totalBytes = directory.totalBytes();
    const startUs = clock.monotonicUs();
    const loader = new AofLoader({
      files,
      log,
      replay,
      config,
      loadRdb,
      onProgress: onLoadProgress,
    });
    loadingStarted(totalBytes);
    try {
      await loader.load(directory.path, directory.manifest.filesToLoad, config.appendfilename);
    } finally {
      loadingEnded();
    }
    const seconds = ((clock.monotonicUs() - startUs) / 1e6).toFixed(3);
    log.notice(`DB loaded from append only file: ${seconds} seconds`);
  }

  #openAtStart(directory: AofDirectory): void {
    const { config, writeBase } = this.#options;
    const isRdb = config.aofUseRdbPreamble;
    this.#orRefuse(`Can't open or create the append-only file in ${directory.path}`, () => {
      const file = directory.openForStart(isRdb, (path) => writeBase(path, isRdb));
      const fileBytes = file.size();
      this.writer.open(file, fileBytes);
      this.#earlierBytes = directory.totalBytes() - fileBytes;
    });
    const { base } = directory.manifest;
    // Redis: the size at the end of the last rewrite is kept nowhere; the base alone is near
    // enough.
    this.#baseBytes = base === null ? 0 : directory.sizeOf(base);
    this.#state = "on";
    this.#options.setCommandLog(this.writer);
    this.#removeHistory(directory);
  }

  #openDirectory(): AofDirectory {
    const { config, files, log } = this.#options;
    const directory = new AofDirectory({
      files,
      log,
      parent: config.dir === "" ? "." : config.dir,
      name: config.appenddirname,
      fileName: config.appendfilename,
      onLatency: (event, durationUs) => this.#options.onLatency?.(event, durationUs),
    });
    try {
      directory.readManifest();
    } catch (error) {
      if (!(error instanceof AofManifestError)) {
        this.#refuse(`Fatal error: can't open the AOF manifest file: ${errorText(error)}`);
      }
      log.warning("*** FATAL AOF MANIFEST FILE ERROR ***");
      if (error.line > 0) {
        log.warning(`Reading the manifest file ${error.path}, at line ${error.line}`);
        log.warning(`>>> '${error.text}'`);
      }
      this.#refuse(error.reason);
    }
    this.#directory = directory;
    return directory;
  }

  #orRefuse(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#refuse(`${what}: ${errorText(error)}`);
    }
  }

  #refuse(message: string): never {
    this.#options.log.warning(message);
    throw new AofLoadError(message);
  }

  // ------------------------------------------------------------------------------ turn, cron, end

  /**
   * End of a turn: what was recorded goes to the disk as `appendfsync` asks. True: replies may go.
   */
  flush(): boolean {
    return this.writer.flush();
  }

  /** Housekeeping, called by cron: begins rewrites that are scheduled, due, or needed. */
  tick(): void {
    const { child, config, log } = this.#options;
    if (child.isActive || this.#isRewriting) return;
    if (this.#isScheduled) {
      if (!this.#isPaused()) this.#startRewrite();
      return;
    }
    if (this.#state !== "on") return;
    if (this.writer.isSuspect) {
      if (this.#isPaused()) return;
      log.warning("The AOF may lack what a failed fsync did not write. Starting a rewrite of it.");
      this.#startRewrite();
      return;
    }
    const percentage = config.autoAofRewritePercentage;
    if (percentage <= 0 || this.currentBytes <= config.autoAofRewriteMinSize) return;
    const growth = Math.floor((this.currentBytes * 100) / (this.#baseBytes || 1)) - 100;
    if (growth < percentage || this.#isPaused()) return;
    log.notice(`Starting automatic rewriting of AOF on ${growth}% growth`);
    this.#startRewrite();
  }

  /**
   * SHUTDOWN: stops a rewrite, writes and syncs what there is. False: not now, for the first
   * AOF is just being written, and without it the data would be lost; `isForced` overrules that.
   */
  shutdown(isForced: boolean): boolean {
    const { log, child } = this.#options;
    if (this.#state === "off") return true;
    if (this.#isRewriting) {
      if (this.#state === "waiting") {
        log.warning(
          isForced ? "Writing initial AOF. Exit anyway." : "Writing initial AOF, can't exit.",
        );
        if (!isForced) return false;
      }
      log.warning("There is a child rewriting the AOF. Killing it!");
      child.abortRewrite();
    }
    log.notice("Calling fsync() on the AOF file.");
    const error = this.writer.syncNow();
    if (error !== null) log.warning(`Fail to fsync the AOF file: ${error}.`);
    return true;
  }

  /** Stops recording and closes the file; resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#options.setCommandLog(null);
    this.writer.close();
    this.#state = "off";
    await this.settled();
  }

  /** Resolves when no sync and no removal of old files is under way. */
  async settled(): Promise<void> {
    await this.writer.settled();
    await this.#removal;
  }

  // ----------------------------------------------------------------------- CONFIG SET appendonly

  /** Switches the AOF on or off. False: it cannot be switched on, the log says why. */
  setAppendOnly(isOn: boolean): boolean {
    if (isOn === this.isEnabled) return true;
    if (isOn) return this.#switchOn();
    this.#switchOff();
    return true;
  }

  #switchOn(): boolean {
    const { child, log, isInTransaction } = this.#options;
    this.#state = "waiting";
    const isOtherChild = child.isActive && !this.#isRewriting;
    if (isOtherChild || isInTransaction()) {
      const reason = isOtherChild
        ? "but there is already another background operation"
        : "during a transaction";
      log.warning(
        `AOF was enabled ${reason}. An AOF background was scheduled to start when possible.`,
      );
      this.#isScheduled = true;
      return true;
    }
    if (this.#isRewriting) {
      log.warning(
        "AOF was enabled but there is already an AOF rewriting in background. Stopping background " +
          "AOF and starting a rewrite now.",
      );
      // What it writes would be a base without an increment, for nothing was recorded so far.
      child.abortRewrite();
      if (child.isActive) {
        this.#isScheduled = true;
        return true;
      }
    }
    if (this.#startRewrite()) return true;
    this.#state = "off";
    this.#isScheduled = false;
    log.warning(
      "Redis needs to enable the AOF but can't trigger a background AOF rewrite operation. Check " +
        "the above logs for more info about the error.",
    );
    return false;
  }

  #switchOff(): void {
    const { child, log, setCommandLog } = this.#options;
    const wasWaiting = this.#state === "waiting";
    this.#state = "off";
    this.#isScheduled = false;
    setCommandLog(null);
    const error = this.writer.close();
    if (error !== null) log.warning(`Fail to fsync the AOF file: ${error}`);
    this.#earlierBytes = 0;
    if (this.#isRewriting) child.abortRewrite();
    if (wasWaiting) this.#directory?.removeTemporaryIncrement();
  }

  // ----------------------------------------------------------------------------------- rewrite

  /** BGREWRITEAOF. */
  requestRewrite(): RewriteRequest {
    if (this.#isRewriting) return "in progress";
    if (this.#options.child.isActive || this.#options.isInTransaction()) {
      this.#isScheduled = true;
      // Redis: a rewrite asked for by hand does not wait for the end of a pause.
      this.#failuresInRow = 0;
      return "scheduled";
    }
    return this.#startRewrite() ? "started" : "failed";
  }

  #startRewrite(): boolean {
    const { config, child, log } = this.#options;
    const isRdb = config.aofUseRdbPreamble;
    try {
      const directory = this.#directory ?? this.#openDirectory();
      directory.make();
      this.#beginIncrement(directory);
      this.#rewriteCount++;
      const path = directory.temporaryBasePath();
      this.#isRewriting = true;
      const kind = this.#incrementKind;
      child.startRewrite(path, isRdb, (outcome) => {
        // The AOF was switched on or off meanwhile: the base does not belong to what is recorded.
        const isOutdated = this.#incrementKind !== kind;
        this.#rewriteDone(directory, isRdb, isOutdated ? { kind: "aborted" } : outcome);
      });
    } catch (error) {
      log.warning(`Can't rewrite append only file in background: ${errorText(error)}`);
      this.#lastRewriteOk = false;
      // Redis: counted only when the child fails; then a full disk is asked ten times a second.
      this.#failuresInRow++;
      if (this.#isRewriting) this.#dropWaitingIncrement();
      this.#isRewriting = false;
      return false;
    }
    log.notice(`Background append only file rewriting started by pid ${Deno.pid}`);
    this.#isScheduled = false;
    this.#rewriteStartMs = clock.nowMs();
    return true;
  }

  get #incrementKind(): IncrementKind {
    if (this.#state === "off") return "none";
    return this.#state === "waiting" ? "temporary" : "last";
  }

  /** Goes on recording in a new file, the first of those that the base will not contain. */
  #beginIncrement(directory: AofDirectory): void {
    const { setCommandLog } = this.#options;
    if (this.#state === "off") return;
    if (this.#state === "waiting") {
      this.writer.abandon();
      this.writer.open(directory.createTemporaryIncrement(), 0);
      setCommandLog(this.writer);
      return;
    }
    const oldBytes = this.currentBytes;
    const file: FileHandle = directory.createIncrement();
    if (!this.writer.switchTo(file)) {
      file.close();
      throw new Error(this.writer.error ?? "the present file cannot be written");
    }
    this.#earlierBytes = oldBytes;
  }

  #rewriteDone(directory: AofDirectory, isRdb: boolean, outcome: RewriteOutcome): void {
    this.#isRewriting = false;
    this.#lastRewriteSeconds = Math.floor((clock.nowMs() - this.#rewriteStartMs) / 1000);
    if (outcome.kind === "written" && this.#install(directory, isRdb)) {
      this.#lastCopiedBytes = outcome.copiedBytes;
      this.#lastRewriteOk = true;
      this.#failuresInRow = 0;
      return;
    }
    const { log, files } = this.#options;
    removeIfExists(files, directory.temporaryBasePath());
    if (outcome.kind === "failed") {
      log.warning(`Background AOF rewrite terminated with error: ${outcome.reason}`);
    }
    if (outcome.kind !== "aborted") {
      this.#lastRewriteOk = false;
      this.#failuresInRow++;
    }
    this.#dropWaitingIncrement();
  }

  /** The child has written the base: puts it in its place. False if that fails. */
  #install(directory: AofDirectory, isRdb: boolean): boolean {
    const { log } = this.#options;
    log.notice("Background AOF rewrite terminated with success");
    const wasSuspect = this.writer.isSuspect;
    try {
      directory.installBase(isRdb, this.#incrementKind);
    } catch {
      return false;
    }
    if (this.writer.isOpen) {
      this.#earlierBytes = directory.sizeOf(directory.manifest.base!);
      this.#baseBytes = this.currentBytes;
      this.writer.forgetEarlierFiles();
    }
    this.#removeHistory(directory);
    if (this.#state === "waiting") this.#state = "on";
    if (wasSuspect && !this.writer.isSuspect) {
      log.warning("The AOF has a new base that was synced: what the failed fsync lost is in it.");
    }
    log.notice("Background AOF rewrite finished successfully");
    return true;
  }

  /** While the AOF is being switched on: what was recorded has no base; another rewrite follows. */
  #dropWaitingIncrement(): void {
    if (this.#state !== "waiting") return;
    this.#options.setCommandLog(null);
    this.writer.abandon();
    this.#directory?.removeTemporaryIncrement();
    this.#isScheduled = true;
  }

  #removeHistory(directory: AofDirectory): void {
    if (this.#options.config.aofDisableAutoGc) return;
    this.#removal = Promise.all([this.#removal, directory.removeHistory()]);
  }

  /**
   * Whether rewrites have failed so often that the next one must wait (Redis: aofRewriteLimited).
   */
  #isPaused(): boolean {
    if (this.#failuresInRow < FAILURES_BEFORE_PAUSE) {
      this.#pauseMinutes = 0;
      this.#pausedUntilMs = 0;
      return false;
    }
    const nowMs = clock.nowMs();
    if (this.#pausedUntilMs !== 0) {
      if (nowMs < this.#pausedUntilMs) return true;
      this.#pausedUntilMs = 0;
      return false;
    }
    // While writers are refused because only a rewrite can help, nobody should wait for an hour.
    const minutesMax = this.writer.isSuspect ? SUSPECT_PAUSE_MINUTES_MAX : PAUSE_MINUTES_MAX;
    this.#pauseMinutes = Math.min(Math.max(1, this.#pauseMinutes * 2), minutesMax);
    this.#pausedUntilMs = nowMs + this.#pauseMinutes * 60_000;
    this.#options.log.warning(
      "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in " +
        `${this.#pauseMinutes} minutes`,
    );
    return true;
  }

  // -------------------------------------------------------------------------------------- INFO

  /** Fields of INFO persistence, in Redis's order; those of `sizeFields` follow further down. */
  stateFields(): readonly (readonly [name: string, value: string | number])[] {
    const isRunning = this.#isRewriting;
    const seconds = Math.floor((clock.nowMs() - this.#rewriteStartMs) / 1000);
    return [
      ["aof_enabled", this.isEnabled ? 1 : 0],
      ["aof_rewrite_in_progress", isRunning ? 1 : 0],
      ["aof_rewrite_scheduled", this.#isScheduled ? 1 : 0],
      ["aof_last_rewrite_time_sec", this.#lastRewriteSeconds],
      ["aof_current_rewrite_time_sec", isRunning ? seconds : -1],
      ["aof_last_bgrewrite_status", this.#lastRewriteOk ? "ok" : "err"],
      ["aof_rewrites", this.#rewriteCount],
      ["aof_rewrites_consecutive_failures", this.#failuresInRow],
      ["aof_last_write_status", this.writer.error === null ? "ok" : "err"],
      ["aof_last_cow_size", this.#lastCopiedBytes],
    ];
  }

  /** Further fields of INFO persistence; none while the AOF is off. */
  sizeFields(): readonly (readonly [name: string, value: number])[] {
    if (this.#state === "off") return [];
    return [
      ["aof_current_size", this.currentBytes],
      ["aof_base_size", this.#baseBytes],
      ["aof_pending_rewrite", 0],
      ["aof_buffer_length", this.writer.bufferedBytes],
      ["aof_pending_bio_fsync", this.writer.isSyncRunning ? 1 : 0],
      ["aof_delayed_fsync", this.writer.delayedSyncCount],
    ];
  }
}
