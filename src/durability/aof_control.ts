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
 * After CONFIG SET dir a rewrite goes to the new directory, and with it the log: see aof_move.ts.
 *
 * The parts: AofWriter (bytes and syncs), AofDirectory (files and manifest), AofLoader (replay).
 * The server is reached through `AofControlOptions` alone.
 */
import * as clock from "../base/clock.ts";
import type { AofDirectory } from "../persistence/aof_directory.ts";
import { AofWriter, type AofWriterOptions, type SyncRounds } from "../persistence/aof_writer.ts";
import type { EffectSink } from "../persistence/effect_encoder.ts";
import { errorText, type FileHandle, removeIfExists } from "../persistence/file_system.ts";
import { AofMove } from "./aof_move.ts";
import {
  type AofOpeningOptions,
  aofPath,
  loadAofFiles,
  openAofDirectory,
  orRefuse,
} from "./aof_opening.ts";
import { RewritePause } from "./rewrite_pause.ts";

/** More than this is synced beside the event loop before a rewrite begins, and not within it. */
const SYNC_AT_ONCE_BYTES_MAX = 4 * 1024 * 1024;

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
export interface AofControlOptions extends AofOpeningOptions {
  readonly child: RewriteChild;
  /** Writes the present data to `path` now, as RDB or as commands, and syncs the file. */
  writeBase(path: string, isRdb: boolean): void;
  /** Loads dump.rdb if there is one, as without AOF; resolves with whether there was one. */
  loadDump(): Promise<boolean>;
  /** Where commands are recorded from now on; null: nowhere. */
  setEffectSink(sink: EffectSink | null): void;
  /** The next effect must name its database: a file begins. */
  selectAgain(): void;
  /** Whether a unit of effects is under way, which a rewrite would split. */
  isInTransaction(): boolean;
  readonly rounds?: SyncRounds;
  /** Ends the process. */
  exit(code: number): never;
  /** `diskError` may be another one now, or none. */
  onErrorChange?(): void;
}

/** Where commands go that come during a rewrite: nowhere, to a temporary file, to the last one. */
type IncrementKind = "none" | "temporary" | "last";

/** What BGREWRITEAOF has to say. */
export type RewriteRequest = "started" | "scheduled" | "in progress" | "failed";

export class AofControl {
  readonly #options: AofControlOptions;
  readonly #writerOptions: AofWriterOptions;
  #writer: AofWriter;
  #state: "off" | "waiting" | "on" = "off";
  /** The rewrite under way takes the AOF to another directory. */
  #move: AofMove | null = null;
  #directory: AofDirectory | null = null;
  /** Bytes of all files but the present one, and of all at the end of the last rewrite. */
  #earlierBytes = 0;
  #baseBytes = 0;

  #isRewriting = false;
  /** The rewrite has not begun to work, for what was recorded is being synced. */
  #isSyncingFirst = false;
  #isScheduled = false;
  #rewriteStartMs = 0;
  #lastRewriteSeconds = -1;
  #lastRewriteOk = true;
  #lastCopiedBytes = 0;
  /** How often rewrites began and failed. */
  readonly pause: RewritePause;
  /** The removal of old files that is under way. */
  #removal: Promise<unknown> = Promise.resolve();
  /** What DEBUG LOADAOF is reading. */
  #reload: Promise<void> | null = null;

  constructor(options: AofControlOptions) {
    this.#options = options;
    const { config, log, child, exit } = options;
    this.#writerOptions = {
      config,
      log,
      rounds: options.rounds,
      hasActiveChild: () => child.isActive,
      exit,
      selectAgain: () => options.selectAgain(),
      onErrorChange: () => options.onErrorChange?.(),
      onLatency: (event, durationUs) => options.onLatency?.(event, durationUs),
    };
    this.#writer = new AofWriter(this.#writerOptions);
    this.pause = new RewritePause(log);
  }

  /** Writes the log; another one after a move to another directory. */
  get writer(): AofWriter {
    return this.#writer;
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

  /**
   * With `appendonly yes`: loads the AOF – or, if there is none yet, dump.rdb, which becomes its
   * base – and begins to record. Without: does nothing. With `preload` its data become the base of
   * a new AOF, and that which is there is left. Resolves with whether the data were loaded here.
   * Throws AofLoadError if the server cannot start; the log says why.
   */
  async loadAtStart(preload: (() => Promise<void>) | null = null): Promise<boolean> {
    if (!this.#options.config.appendonly) return false;
    const directory = this.#directory = openAofDirectory(this.#options, preload !== null);
    if (preload !== null) await preload();
    else await this.#loadWhatIsThere(directory);
    this.#openAtStart(directory);
    return true;
  }

  async #loadWhatIsThere(directory: AofDirectory): Promise<void> {
    const { config, log, loadDump } = this.#options;
    orRefuse(log, "Cannot take in the old AOF file", () => directory.upgradeIfNeeded());
    if (directory.manifest.filesToLoad.length > 0) await loadAofFiles(this.#options, directory);
    else if (await loadDump()) {
      log.notice(`There is no AOF yet: ${config.dbfilename} becomes the base of a new one`);
    }
  }

  /**
   * DEBUG LOADAOF: repeats what was recorded so far, also if the AOF is off by now; nothing is
   * recorded meanwhile. No file is removed before it was read.
   */
  async reload(): Promise<void> {
    const { setEffectSink, log } = this.#options;
    this.flush(true);
    setEffectSink(null);
    try {
      const directory = this.#state === "on" ? this.#directory! : openAofDirectory(this.#options);
      await (this.#reload = loadAofFiles(this.#options, directory));
      log.warning("DEBUG LOADAOF has read the AOF");
    } finally {
      this.#reload = null;
      setEffectSink(this.writer.isOpen ? this.#move ?? this.writer : null);
    }
  }

  #openAtStart(directory: AofDirectory): void {
    const { config, log, writeBase } = this.#options;
    const isRdb = config.aofUseRdbPreamble;
    orRefuse(log, `Can't open or create the append-only file in ${directory.path}`, () => {
      const file = directory.openForStart(isRdb, (path) => writeBase(path, isRdb));
      const fileBytes = file.size();
      this.writer.open(file, fileBytes);
      this.#earlierBytes = directory.totalBytes() - fileBytes;
    });
    const { base } = directory.manifest;
    // Redis: the size at the end of the last rewrite is kept nowhere; the base alone is near it.
    this.#baseBytes = base === null ? 0 : directory.sizeOf(base);
    this.#state = "on";
    this.#options.setEffectSink(this.writer);
    this.#removeHistory(directory);
  }

  /** Whether the configuration names another directory than the one in use. */
  get #isElsewhere(): boolean {
    return this.#directory !== null && this.#directory.path !== aofPath(this.#options.config);
  }

  // ------------------------------------------------------------------------------ turn, cron, end

  /**
   * End of a turn: what was recorded goes to the disk as `appendfsync` asks. True: replies may go.
   */
  flush(isForced = false): boolean {
    this.#move?.writer.flush(isForced);
    return this.writer.flush(isForced);
  }

  /** Housekeeping, called by cron: begins rewrites that are scheduled, due, or needed. */
  tick(): void {
    const { child, config, log } = this.#options;
    if (child.isActive || this.#isRewriting) return;
    if (this.#isScheduled) {
      if (!this.pause.isPaused(this.writer.isSuspect)) this.#startRewrite();
      return;
    }
    if (this.#state !== "on") return;
    if (this.writer.isSuspect) {
      if (this.pause.isPaused(this.writer.isSuspect)) return;
      log.warning("The AOF may lack what a failed fsync did not write. Starting a rewrite of it.");
      this.#startRewrite();
      return;
    }
    const percentage = config.autoAofRewritePercentage;
    if (percentage <= 0 || this.currentBytes <= config.autoAofRewriteMinSize) return;
    const growth = Math.floor((this.currentBytes * 100) / (this.#baseBytes || 1)) - 100;
    if (growth < percentage || this.pause.isPaused(this.writer.isSuspect)) return;
    log.notice(`The AOF has grown by ${growth}% since its base was written: it is rewritten`);
    this.#startRewrite();
  }

  /**
   * SHUTDOWN: stops a rewrite, writes and syncs what there is. False: not now, for the first
   * AOF is just being written, and without it the data would be lost; `isForced` overrules that.
   */
  shutdown(isForced: boolean): boolean {
    const { log } = this.#options;
    if (this.#state === "off") return true;
    if (this.#isRewriting) {
      if (this.#state === "waiting") {
        const end = isForced ? "and will not be" : "so the server goes on";
        log.warning(`The first AOF is not complete, ${end}.`);
        if (!isForced) return false;
      }
      log.warning("The rewrite of the AOF is given up.");
      this.#abortRewrite();
    }
    log.notice("The AOF is synced for the last time.");
    const error = this.writer.syncNow();
    if (error !== null) log.warning(`Syncing the AOF failed: ${error}`);
    return true;
  }

  /** Stops recording and closes the file; resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#options.setEffectSink(null);
    this.#dropMove();
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
        ? "the background child has other work"
        : "a transaction is under way";
      log.warning(`The AOF is on; its base is written later, for ${reason}.`);
      this.#isScheduled = true;
      return true;
    }
    if (this.#isRewriting) {
      log.warning(
        "The AOF is on; the rewrite that was under way is given up for one that fits what is " +
          "recorded from now on.",
      );
      // What it writes would be a base without an increment, for nothing was recorded so far.
      this.#abortRewrite();
      if (child.isActive) {
        this.#isScheduled = true;
        return true;
      }
    }
    if (this.#startRewrite()) return true;
    this.#state = "off";
    this.#isScheduled = false;
    log.warning("The AOF stays off, for its base cannot be written; the line above says why.");
    return false;
  }

  #switchOff(): void {
    const { log, setEffectSink } = this.#options;
    const wasWaiting = this.#state === "waiting";
    this.#state = "off";
    this.#isScheduled = false;
    setEffectSink(null);
    if (this.#isRewriting) {
      log.notice(`The AOF is off, so its rewrite is given up`);
      this.#abortRewrite();
    }
    this.#dropMove();
    const error = this.writer.close();
    if (error !== null) log.warning(`Syncing the AOF failed: ${error}`);
    this.#earlierBytes = 0;
    if (wasWaiting) this.#directory?.removeTemporaryIncrement();
  }

  // ------------------------------------------------------------------------------ CONFIG SET dir

  /** `dir` has changed: says where the AOF is, for only a rewrite takes it along. */
  directoryChanged(): void {
    if (this.#state === "off") return;
    if (!this.#isElsewhere) {
      if (this.#move !== null) this.#abortRewrite();
      return;
    }
    this.#options.log.warning(
      `The AOF stays in ${this.#directory!.path} until the next rewrite, which goes to the new ` +
        "directory. BGREWRITEAOF or CONFIG REWRITE starts it.",
    );
  }

  /** CONFIG REWRITE: the next start looks for the AOF in this `dir`, so it is taken there. */
  followConfig(): void {
    if (this.#state === "off" || !this.#isElsewhere) return;
    this.#options.log.notice("A rewrite takes the AOF to the directory that the file now names.");
    this.#isScheduled = true;
  }

  // ----------------------------------------------------------------------------------- rewrite

  /** BGREWRITEAOF. */
  requestRewrite(): RewriteRequest {
    if (this.#isRewriting) return "in progress";
    if (this.#options.child.isActive || this.#options.isInTransaction()) {
      this.#isScheduled = true;
      // Redis: a rewrite asked for by hand does not wait for the end of a pause.
      this.pause.failuresInRow = 0;
      return "scheduled";
    }
    return this.#startRewrite() ? "started" : "failed";
  }

  /** Begins a rewrite, if need be when what was recorded is synced. False: it cannot begin. */
  #startRewrite(): boolean {
    const isLong = this.#state === "on" && this.writer.unsyncedBytes > SYNC_AT_ONCE_BYTES_MAX;
    if (!isLong) return this.#startRewriteNow();
    this.#isRewriting = true;
    this.#isSyncingFirst = true;
    this.#isScheduled = false;
    this.#rewriteStartMs = clock.nowMs();
    this.writer.syncAside().then(() => {
      if (!this.#isSyncingFirst) return;
      this.#abortRewrite();
      if (this.#options.child.isActive || this.#reload !== null) this.#isScheduled = true;
      else this.#startRewriteNow();
    });
    return true;
  }

  #abortRewrite(): void {
    if (!this.#isSyncingFirst) return this.#options.child.abortRewrite();
    this.#isSyncingFirst = false;
    this.#isRewriting = false;
  }

  #startRewriteNow(): boolean {
    const { config, child, log } = this.#options;
    const isRdb = config.aofUseRdbPreamble;
    try {
      const directory = this.#directoryForRewrite();
      directory.make();
      this.#beginIncrement(directory);
      this.pause.rewriteCount++;
      const path = directory.temporaryBasePath();
      this.#isRewriting = true;
      const kind = this.#incrementKind;
      child.startRewrite(path, isRdb, (outcome) => {
        // The AOF was switched on or off meanwhile: the base does not belong to what is recorded.
        const isOutdated = this.#incrementKind !== kind;
        this.#rewriteDone(directory, isRdb, isOutdated ? { kind: "aborted" } : outcome);
      });
    } catch (error) {
      log.warning(`The rewrite of the AOF cannot start: ${errorText(error)}`);
      this.#lastRewriteOk = false;
      // Redis: counted only when the child fails; then a full disk is asked ten times a second.
      this.pause.failuresInRow++;
      this.#dropMove();
      if (this.#isRewriting) this.#dropWaitingIncrement();
      this.#isRewriting = false;
      return false;
    }
    log.notice(`Background append only file rewriting started by pid ${Deno.pid}`);
    this.#isScheduled = false;
    this.#rewriteStartMs = clock.nowMs();
    return true;
  }

  /** Where the configuration says; the first directory of all may hold an older AOF. */
  #directoryForRewrite(): AofDirectory {
    const isFirst = this.#directory === null;
    if (!isFirst && !this.#isElsewhere) return this.#directory!;
    const directory = openAofDirectory(this.#options, !isFirst);
    if (this.#state !== "on") this.#directory = directory;
    return directory;
  }

  get #incrementKind(): IncrementKind {
    if (this.#state === "off") return "none";
    return this.#state === "waiting" || this.#move !== null ? "temporary" : "last";
  }

  /** Goes on recording in a new file, the first of those that the base will not contain. */
  #beginIncrement(directory: AofDirectory): void {
    const { setEffectSink } = this.#options;
    if (this.#state === "off") return;
    if (this.#state === "waiting") {
      this.writer.abandon();
      this.writer.open(directory.createTemporaryIncrement(), 0);
      setEffectSink(this.writer);
      return;
    }
    if (directory !== this.#directory) {
      this.flush(true);
      this.#move = new AofMove(this.writer, directory, this.#writerOptions);
      setEffectSink(this.#move);
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
      this.pause.failuresInRow = 0;
      return;
    }
    const { log, files } = this.#options;
    removeIfExists(files, directory.temporaryBasePath());
    if (outcome.kind === "failed") {
      log.warning(`Background AOF rewrite terminated with error: ${outcome.reason}`);
    }
    if (outcome.kind !== "aborted") {
      this.#lastRewriteOk = false;
      this.pause.failuresInRow++;
    }
    this.#dropMove();
    this.#dropWaitingIncrement();
  }

  /** The child has written the base: puts it in its place. False if that fails. */
  #install(directory: AofDirectory, isRdb: boolean): boolean {
    const { log } = this.#options;
    log.notice("Background AOF rewrite terminated with success");
    const wasSuspect = this.writer.isSuspect;
    const moveError = this.#move?.syncNow() ?? null;
    if (moveError !== null) {
      log.warning(`The AOF cannot be written in ${directory.path}: ${moveError}`);
      return false;
    }
    try {
      directory.installBase(isRdb, this.#incrementKind);
    } catch {
      return false;
    }
    this.#finishMove();
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

  #finishMove(): void {
    if (this.#move === null) return;
    const { directory, writer } = this.#move;
    const from = this.#directory!.path;
    this.#move.finish();
    this.#move = null;
    this.#writer = writer;
    this.#directory = directory;
    this.#options.setEffectSink(writer);
    this.#options.log.notice(
      `The AOF is in ${directory.path} now. Its files in ${from} are of no use any more.`,
    );
  }

  #dropMove(): void {
    if (this.#move === null) return;
    this.#move.abandon();
    this.#move = null;
    if (this.writer.isOpen && this.#state === "on") this.#options.setEffectSink(this.writer);
  }

  /** While the AOF is being switched on: what was recorded has no base; another rewrite follows. */
  #dropWaitingIncrement(): void {
    if (this.#state !== "waiting") return;
    this.#options.setEffectSink(null);
    this.writer.abandon();
    this.#directory?.removeTemporaryIncrement();
    this.#isScheduled = true;
  }

  #removeHistory(directory: AofDirectory): void {
    if (this.#options.config.aofDisableAutoGc) return;
    this.#removal = Promise.all([this.#removal, directory.removeHistory(this.#reload)]);
  }

  // -------------------------------------------------------------------------------------- INFO

  /** Fields of INFO persistence, in Redis's order; those of `sizeFields` follow further down. */
  stateFields(): readonly (readonly [name: string, value: string | number])[] {
    const isRunning = this.#isRewriting;
    const seconds = Math.floor((clock.nowMs() - this.#rewriteStartMs) / 1000);
    return [
      ["aof_enabled", this.isEnabled ? 1 : 0],
      ["aof_rewrite_in_progress", isRunning || this.#directory?.isRemovingHistory ? 1 : 0],
      ["aof_rewrite_scheduled", this.#isScheduled ? 1 : 0],
      ["aof_last_rewrite_time_sec", this.#lastRewriteSeconds],
      ["aof_current_rewrite_time_sec", isRunning ? seconds : -1],
      ["aof_last_bgrewrite_status", this.#lastRewriteOk ? "ok" : "err"],
      ["aof_rewrites", this.pause.rewriteCount],
      ["aof_rewrites_consecutive_failures", this.pause.failuresInRow],
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
      ["aof_postponed_writes", this.writer.postponedCount],
    ];
  }
}
