/**
 * RDB control: when dump.rdb is written and read: SAVE and BGSAVE, the save points, loading, and
 * what INFO and LASTSAVE tell of them.
 *
 * A file is written under a temporary name, synced, renamed, and the directory synced: so whatever
 * happens, the old file or the new one stands there whole. BGSAVE counts as done when the directory
 * is synced, which is not waited for; so is the return of the old file's blocks (child_job.ts).
 *
 * The server is reached through `RdbControlOptions` alone. It calls `tick` from cron.
 */
import { dirname, join } from "@std/path";
import * as clock from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Timers } from "../base/timers.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import * as dict from "../structures/dict.ts";
import type { BackgroundChild } from "../persistence/background_child.ts";
import type { JobResult } from "../persistence/child_job.ts";
import { CommandWriter } from "../persistence/command_writer.ts";
import {
  errorText,
  type FileSystem,
  isSystemError,
  removeIfExists,
} from "../persistence/file_system.ts";
import { ProgressLog } from "../persistence/progress_log.ts";
import { knowsFieldExpiries, type RdbVersion, versionFor } from "../persistence/rdb_format.ts";
import type { ByteSource } from "../persistence/rdb_input.ts";
import { encodingLimits } from "./value_limits.ts";
import { type RdbLoadOptions, RdbReader } from "../persistence/rdb_reader.ts";
import {
  type DatabaseRoots,
  type KeyProgress,
  type RdbHistory,
  type RdbOptions,
  RdbWriter,
} from "../persistence/rdb_writer.ts";
import { describeContents, historyOf } from "./rdb_contents.ts";
import type { ConfigValues } from "../config/config_values.ts";
import { announcedVersion } from "../config/version.ts";
import { CommandError } from "../session/errors.ts";

/** Redis: CONFIG_BGSAVE_RETRY_DELAY. */
const RETRY_DELAY_MS = 5000;
const MIB = 1024 * 1024;
/** A piece of a load beside others, who must not wait: 3 ms or so; steps of freeing after each. */
const BESIDE_YIELD_BYTES = 64 * 1024;
const RECLAIM_STEPS = 64;

/** What becomes of libraries that are there when others are loaded. */
type LibraryPolicy = "append" | "replace" | "flush";

/** The function libraries, which a file holds beside the data. */
export interface LibraryStore {
  /** Their sources. */
  sources(): Uint8Array[];
  /** Loads libraries from their sources. Throws a CommandError, having changed nothing. */
  restore(sources: readonly Uint8Array[], policy: LibraryPolicy): void;
}

/** What the control needs of the server. */
export interface RdbControlOptions {
  readonly config: ConfigValues;
  readonly keyspace: Keyspace;
  readonly files: FileSystem;
  readonly log: Log;
  readonly child: BackgroundChild;
  readonly timers: Timers;
  readonly libraries: LibraryStore;
  /** Where the data stand in their history; null if nobody could go on with them. */
  history?(): RdbHistory | null;
  /** Loading begins and ends (INFO loading_…, -LOADING); between, `onLoadProgress`. */
  loadingStarted(totalBytes: number): void;
  onLoadProgress(loadedBytes: number): void;
  loadingEnded(): void;
  /** A SAVE or BGSAVE has ended, well or not: `refusesWrites` may have changed. */
  saveEnded?(): void;
  /** Hears how long the disk has held everybody up (latency monitor). */
  onLatency?(event: string, durationUs: number): void;
}

/** An RDB that is posted instead of written to a file. */
export interface StreamRequest {
  /** Whether keys, and function libraries, are in it. */
  hasData: boolean;
  hasLibraries: boolean;
  /** Takes the bytes; `child.takeChunks` says that others may follow. */
  onChunk(bytes: Uint8Array<ArrayBuffer>): void;
}

/** What BGSAVE has to say. */
export type BackgroundSaveRequest = "started" | "scheduled" | "saving" | "busy" | "failed";

/** An RDB to load that is not the RDB file. */
export interface RdbToLoad {
  /** What it is called in the log. */
  readonly name: string;
  readonly byteCount: number;
  open(): ByteSource;
}

/** What a loaded RDB holds beside its keys. */
export interface LoadedRdb {
  readonly aux: ReadonlyMap<string, string>;
  /** Puts its function libraries in the place of all others; throws if that is impossible. */
  takeLibraries(): void;
}

export class RdbControl {
  readonly #options: RdbControlOptions;
  #isSaving = false;
  /** The child is at work on it (while the directory is synced it may be at something else). */
  #childState: "other" | "saving" | "given up" = "other";
  #isStreaming = false;
  /** Hears of the end of the running BGSAVE. */
  #onEnded: (path: string | null) => void = () => {};
  /** Counts BGSAVEs, so that the end of one that was given up is told from that of the next. */
  #saveNumber = 0;
  #dirtyAtStart = 0;
  #startedMs = 0;
  #lastTryMs = 0;
  #tempNumber = 0;

  /** Whether a BGSAVE waits for another child to end. */
  isScheduled = false;
  /** When the data were last saved, or the server started; Unix time in ms. */
  lastSaveMs: number;
  /** Duration of the last BGSAVE; -1 if there was none. */
  lastDurationMs = -1;
  lastStatusOk = true;
  /** SAVEs and BGSAVEs since the start. */
  saveCount = 0;
  /** Bytes of memory that were cloned during the last BGSAVE. */
  lastClonedBytes = 0;
  /** Keys that were loaded, and that had expired, when the server started. */
  lastLoadedKeyCount = 0;
  lastLoadExpiredCount = 0;
  /** Checksums of files and payloads are not compared (DEBUG SET-SKIP-CHECKSUM-VALIDATION). */
  skipsChecksums = false;
  /** The place in a history that the RDB file named which was loaded at the start; null: none. */
  loadedHistory: RdbHistory | null = null;
  #loadedAux: ReadonlyMap<string, string> = new Map();
  /** Memory in use when the file was written that is being loaded, as it says; in bytes. */
  loadingUsedBytes = 0;

  constructor(options: RdbControlOptions) {
    this.#options = options;
    this.lastSaveMs = clock.nowMs();
  }

  /** Whether a BGSAVE is running. */
  get isSaving(): boolean {
    return this.#isSaving;
  }

  /** Whether an RDB is being posted to replicas. */
  get isStreaming(): boolean {
    return this.#isStreaming;
  }

  /** When the running BGSAVE began, Unix time in ms; 0 if none is running. */
  get saveStartedMs(): number {
    return this.#isSaving ? this.#startedMs : 0;
  }

  /** Changes since the last successful save. */
  get changesSinceLastSave(): number {
    return this.#options.keyspace.dirty;
  }

  /** Path of the RDB file, by the present configuration. */
  get path(): string {
    const { dir, dbfilename } = this.#options.config;
    return join(dir === "" ? "." : dir, dbfilename);
  }

  /** Whether writers are refused because the last BGSAVE failed (MISCONF). */
  get refusesWrites(): boolean {
    const { config } = this.#options;
    return config.stopWritesOnBgsaveError && config.savePoints.length > 0 && !this.lastStatusOk;
  }

  // ---------------------------------------------------------------------------------------- saving

  /** Saves now (SAVE, SHUTDOWN, FLUSHALL). Returns null, or what went wrong. */
  saveNow(): string | null {
    const { log, keyspace } = this.#options;
    this.saveCount++;
    const temporary = join(dirname(this.path), `temp-${Deno.pid}.rdb`);
    try {
      this.writeBase(temporary, true, false);
      this.#install(temporary);
    } catch (error) {
      this.#removeTemporary(temporary);
      const text = `cannot save ${this.path}: ${errorText(error)}`;
      log.warning(`Saving failed: ${text}`);
      return text;
    }
    log.notice("DB saved on disk");
    keyspace.dirty = 0;
    this.lastSaveMs = clock.refresh();
    this.lastStatusOk = true;
    this.#options.saveEnded?.();
    return null;
  }

  /** BGSAVE: starts, or schedules if another child is at work and `mayWait`. */
  requestBackgroundSave(mayWait: boolean, isInTransaction: boolean): BackgroundSaveRequest {
    if (this.#isSaving || this.#isStreaming) return "saving";
    if (this.#options.child.isRunning || isInTransaction) {
      if (!mayWait && !isInTransaction) return "busy";
      this.isScheduled = true;
      return "scheduled";
    }
    return this.startBackgroundSave() === null ? "started" : "failed";
  }

  /**
   * Begins to save in the child. Returns null, or why it cannot begin. `onEnded` hears of the end:
   * the path of the file, or null if there is none.
   */
  startBackgroundSave(onEnded: (path: string | null) => void = () => {}): string | null {
    const { child, config, log, keyspace } = this.#options;
    if (child.isRunning) return "a background job is running";
    this.#isSaving = true;
    this.#childState = "saving";
    this.#onEnded = onEnded;
    this.isScheduled = false;
    this.saveCount++;
    this.#dirtyAtStart = keyspace.dirty;
    this.#startedMs = clock.nowMs();
    this.#lastTryMs = this.#startedMs;
    const path = join(dirname(this.path), `temp-${Deno.pid}-${++this.#tempNumber}.rdb`);
    const target = this.path;
    child.run({
      kind: "rdb",
      databases: this.#roots(),
      path,
      syncsIncrementally: config.rdbSaveIncrementalFsync,
      options: this.#rdbOptions(false),
      replaces: target,
    }, this.#keyTotal()).then((result) => this.#backgroundSaveDone(path, target, result));
    log.notice("Background saving started");
    return null;
  }

  /** Begins to post an RDB; no child may be at work. Resolves with what became of it. */
  async runStream({ hasData, hasLibraries, onChunk }: StreamRequest): Promise<JobResult> {
    const { child } = this.#options;
    this.#isStreaming = true;
    const databases = hasData ? this.#roots() : [];
    const all = this.#rdbOptions(false);
    const options = hasLibraries ? all : { ...all, functionLibraries: [] };
    const keyTotal = hasData ? this.#keyTotal() : 0;
    const result = await child.run({ kind: "rdb-stream", databases, options }, keyTotal, onChunk);
    this.#isStreaming = false;
    this.lastClonedBytes = child.lastClonedBytes;
    return result;
  }

  /** Gives up a running BGSAVE, one that is scheduled, and an RDB that is being posted. */
  abort(): void {
    this.isScheduled = false;
    const { child, log } = this.#options;
    if (this.#isStreaming) child.abort();
    if (!this.#isSaving) return;
    log.notice("The background save is given up");
    if (this.#childState === "other") {
      // The file is renamed already, only its directory is still being synced.
      this.#saveNumber++;
      return this.#endBackgroundSave(null);
    }
    // It may be done, and only we have not heard of it yet.
    this.#childState = "given up";
    child.abort();
  }

  /** FLUSHALL: a running BGSAVE is void; with save points an empty file is written at once. */
  afterFlushAll(): void {
    this.abort();
    if (this.#options.config.savePoints.length > 0) this.saveNow();
  }

  /** Starts what is due: a save point that holds, a scheduled BGSAVE. */
  tick(nowMs: number): void {
    const { child, config, keyspace, log } = this.#options;
    if (this.#isSaving || child.isRunning || keyspace.isLoading) return;
    if (!this.lastStatusOk && nowMs - this.#lastTryMs <= RETRY_DELAY_MS) return;
    for (const { seconds, changes } of config.savePoints) {
      // If the clock was set back, nobody knows how long ago the last save was.
      const isTime = nowMs - this.lastSaveMs > seconds * 1000 || nowMs < this.lastSaveMs;
      if (!isTime || keyspace.dirty < changes) continue;
      log.notice(`Save point reached: ${changes} changes in ${seconds} seconds`);
      this.startBackgroundSave();
      return;
    }
    if (this.isScheduled) {
      this.startBackgroundSave();
    } else if (this.refusesWrites) {
      // Redis waits for a save point; but with writes refused, none may ever be reached.
      log.notice("Writes are refused because the last save failed. Trying it again...");
      this.startBackgroundSave();
    }
  }

  /**
   * Writes the present data to a file now, as RDB or as commands, and syncs it. Throws what the
   * disk says. (For AOF bases; the file is not renamed.)
   */
  writeBase(path: string, isRdb: boolean, isAofBase = true): void {
    const { files, keyspace, log } = this.#options;
    const file = files.openForWrite(path);
    const progressLog = new ProgressLog(log, `Saving ${path}`);
    const keyTotal = this.#keyTotal();
    const progress: KeyProgress = (keyCount) =>
      progressLog.update(clock.systemMs(), keyCount, keyTotal, writer.byteCount);
    const writer = isRdb
      ? new RdbWriter(keyspace.arena, file, this.#rdbOptions(isAofBase), progress)
      : new CommandWriter(keyspace.arena, file, progress);
    try {
      if (writer instanceof RdbWriter) writer.writeFile(this.#roots());
      else this.#writeCommands(writer);
      file.sync();
    } finally {
      file.close();
    }
  }

  #writeCommands(writer: CommandWriter): void {
    writer.writeLibraries(this.#options.libraries.sources());
    writer.writeDatabases(this.#roots());
  }

  /** Begins to write an AOF base in the child; resolves when it is written, or there is none. */
  runRewrite(path: string, isRdb: boolean): Promise<JobResult> {
    const { child, config } = this.#options;
    const databases = this.#roots();
    const syncsIncrementally = config.aofRewriteIncrementalFsync;
    if (isRdb) {
      const options = this.#rdbOptions(true);
      const request = { databases, path, syncsIncrementally, options };
      return child.run({ kind: "rdb", ...request }, this.#keyTotal());
    }
    const kind = "aof-commands" as const;
    const timestampSeconds = config.aofTimestampEnabled ? Math.floor(clock.nowMs() / 1000) : null;
    const functionLibraries = this.#options.libraries.sources();
    const common = { kind, databases, path, syncsIncrementally };
    return child.run({ ...common, timestampSeconds, functionLibraries }, this.#keyTotal());
  }

  /** The child is done: puts its file in its place. */
  #backgroundSaveDone(temporary: string, target: string, result: JobResult): void {
    const { child, files, log } = this.#options;
    const isGivenUp = this.#childState === "given up" || result.outcome === "aborted";
    this.#childState = "other";
    this.lastClonedBytes = child.lastClonedBytes;
    if (isGivenUp) {
      this.#removeTemporary(temporary);
      this.#endBackgroundSave(null);
      return log.warning("Background saving was given up");
    }
    if (result.outcome === "failed") return this.#backgroundSaveFailed(target, result.error);
    const number = ++this.#saveNumber;
    try {
      files.rename(temporary, target);
    } catch (reason) {
      this.#removeTemporary(temporary);
      this.#backgroundSaveFailed(target, errorText(reason));
      return;
    } finally {
      child.releaseReplaced();
    }
    files.syncDirectoryAside(dirname(target)).then(
      () => number === this.#saveNumber && this.#backgroundSaveSucceeded(target),
      (reason) =>
        number === this.#saveNumber && this.#backgroundSaveFailed(target, errorText(reason)),
    );
  }

  /** It is over; `path` is that of the file, null if there is none. */
  #endBackgroundSave(path: string | null): void {
    this.#isSaving = false;
    this.lastDurationMs = clock.refresh() - this.#startedMs;
    const onEnded = this.#onEnded;
    this.#onEnded = () => {};
    onEnded(path);
  }

  #backgroundSaveFailed(target: string, error: string): void {
    this.lastStatusOk = false;
    this.#options.log.warning(`Background saving error: cannot save ${target}: ${error}`);
    this.#endBackgroundSave(null);
    this.#options.saveEnded?.();
  }

  #backgroundSaveSucceeded(target: string): void {
    const { log, keyspace } = this.#options;
    const megabytes = Math.round(this.lastClonedBytes / MIB);
    log.notice(`The save took ${megabytes} MB for copies of what changed meanwhile`);
    log.notice("Background saving terminated with success");
    keyspace.dirty -= this.#dirtyAtStart;
    this.lastSaveMs = clock.nowMs();
    this.lastStatusOk = true;
    this.#endBackgroundSave(target);
    this.#options.saveEnded?.();
  }

  #removeTemporary(path: string): void {
    const { files, onLatency } = this.#options;
    const beginUs = clock.monotonicUs();
    removeIfExists(files, path);
    onLatency?.("rdb-unlink-temp-file", clock.monotonicUs() - beginUs);
  }

  /** Puts a complete file in the place of the RDB file. */
  #install(temporary: string): void {
    const { files } = this.#options;
    files.rename(temporary, this.path);
    files.syncDirectory(dirname(this.path));
  }

  #roots(): DatabaseRoots[] {
    return this.#options.keyspace.databases.map(({ keys, expires }) => ({ keys, expires }));
  }

  #keyTotal(): number {
    const { arena, databases } = this.#options.keyspace;
    return databases.reduce((sum, { keys }) => sum + dict.count(arena, keys), 0);
  }

  #rdbOptions(isAofBase: boolean): RdbOptions {
    const { config, keyspace } = this.#options;
    const policy = config.maxmemoryPolicy;
    return {
      version: this.#versionToWrite(),
      redisVersion: announcedVersion(config),
      compresses: config.rdbcompression,
      hasChecksum: config.rdbchecksum,
      access: /-lr[um]$/.test(policy) ? "idle" : policy.endsWith("lfu") ? "frequency" : "none",
      lfuDecayTime: config.lfuDecayTime,
      isAofBase,
      nowMs: clock.nowMs(),
      usedMemoryBytes: keyspace.arena.usedBytes,
      history: isAofBase ? null : this.#options.history?.() ?? null,
      functionLibraries: this.#options.libraries.sources(),
      keyDelayUs: Math.max(0, config.rdbKeySaveDelay),
    };
  }

  /** The version that files get now; what it cannot hold is told in the log. */
  #versionToWrite(): RdbVersion {
    const { config, keyspace, log } = this.#options;
    const hasExpiries = keyspace.databases.some(({ expiryOrder }) => expiryOrder.count > 0);
    const version = versionFor(config.rdbVersion, hasExpiries);
    if (hasExpiries && !knowsFieldExpiries(version)) {
      log.warning(
        "Fields of hashes are saved without the time at which they expire: " +
          `rdb-version ${version} knows none`,
      );
    }
    return version;
  }

  // --------------------------------------------------------------------------------------- loading

  /** Loads the RDB file if there is one. Resolves with whether there was; rejects as `loadFile`. */
  async loadDump(): Promise<boolean> {
    const { files, keyspace, log } = this.#options;
    const { path } = this;
    if (files.stat(path) === null) return false;
    const beginUs = clock.monotonicUs();
    await this.loadFile(path, false);
    this.loadedHistory = historyOf(this.#loadedAux);
    keyspace.dirty = 0;
    this.lastSaveMs = clock.nowMs();
    const seconds = (clock.monotonicUs() - beginUs) / 1e6;
    log.notice(`DB loaded from disk: ${seconds.toFixed(3)} seconds`);
    return true;
  }

  /**
   * Loads an RDB file into the keyspace, giving the event loop a turn every few megabytes.
   * `isAofBase` keeps expired keys, which the commands behind it may still refer to. Resolves with
   * the offset behind the RDB; rejects with RdbFormatError or the error of the disk.
   */
  async loadFile(path: string, isAofBase: boolean): Promise<number> {
    const { config, files, keyspace } = this.#options;
    const file = files.openForRead(path);
    const wasLoading = keyspace.isLoading;
    keyspace.isLoading = true;
    try {
      const reader = new RdbReader(path, file, file.size(), keyspace, {
        ...this.#loadOptions(isAofBase),
        yieldBytes: config.loadingProcessEventsIntervalBytes || Infinity,
      });
      await this.#drive(reader, path, !isAofBase);
      this.#takeLibraries(reader, "append");
      this.#noteLoaded(reader);
      return reader.byteCount;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      throw new Error(`Cannot load RDB file "${path}": ${errorText(error)}`, { cause: error });
    } finally {
      keyspace.isLoading = wasLoading;
      file.close();
    }
  }

  /**
   * Loads an RDB that was received, and whose checksum is known to be right, into databases that
   * are empty: those that clients see (`isAnnounced`: they are told LOADING), or others. Rejects as
   * `loadFile`; the keys read by then are in the databases.
   */
  async loadReceived(rdb: RdbToLoad, target: Keyspace, isAnnounced: boolean): Promise<LoadedRdb> {
    const yieldBytes = this.#options.config.loadingProcessEventsIntervalBytes || Infinity;
    const reader = new RdbReader(rdb.name, rdb.open(), rdb.byteCount, target, {
      ...this.#loadOptions(false),
      verifiesChecksum: false,
      yieldBytes: isAnnounced ? yieldBytes : Math.min(yieldBytes, BESIDE_YIELD_BYTES),
    });
    await this.#drive(reader, rdb.name, isAnnounced);
    this.#noteLoaded(reader);
    return { aux: reader.aux, takeLibraries: () => this.#takeLibraries(reader, "flush") };
  }

  /**
   * DEBUG RELOAD: loads the RDB file in one go, without a turn for anybody else. Throws as
   * `loadFile` rejects.
   */
  reloadNow(replacesKeys: boolean): void {
    const { files, keyspace } = this.#options;
    const file = files.openForRead(this.path);
    keyspace.isLoading = true;
    try {
      const reader = new RdbReader(this.path, file, file.size(), keyspace, {
        ...this.#loadOptions(false),
        replacesKeys,
        yieldBytes: Infinity,
      });
      const steps = reader.load();
      while (steps.next().done !== true);
      this.#takeLibraries(reader, replacesKeys ? "replace" : "append");
      this.#noteLoaded(reader);
    } finally {
      keyspace.isLoading = false;
      file.close();
    }
  }

  #loadOptions(isAofBase: boolean): Omit<RdbLoadOptions, "yieldBytes"> {
    const { config, keyspace } = this.#options;
    return {
      limits: encodingLimits(config),
      verifiesChecksum: config.rdbchecksum && !this.skipsChecksums,
      // To a replica a key is there until its master says otherwise.
      keepsExpired: isAofBase || keyspace.isReplica,
      keyDelayUs: config.keyLoadDelay,
    };
  }

  async #drive(reader: RdbReader, path: string, isAnnounced: boolean): Promise<void> {
    const { log, keyspace, timers } = this.#options;
    const progress = new ProgressLog(log, `Loading ${path}`);
    this.loadingUsedBytes = 0;
    if (isAnnounced) this.#options.loadingStarted(reader.totalBytes);
    try {
      const steps = reader.load();
      while (steps.next().done !== true) {
        const { byteCount, totalBytes, aux } = reader;
        this.loadingUsedBytes = Number(aux.get("used-mem") ?? 0);
        this.#options.onLoadProgress(byteCount);
        progress.update(clock.refresh(), byteCount, totalBytes, byteCount);
        // What was deleted before is given back faster than new data come.
        for (let step = 0; step < RECLAIM_STEPS && keyspace.reclaimer.step(4096); step++);
        await timers.sleep(0);
      }
    } finally {
      if (isAnnounced) this.#options.loadingEnded();
    }
  }

  /** Loads the function libraries of a file; throws if that is impossible. */
  #takeLibraries({ functionLibraries }: RdbReader, policy: LibraryPolicy): void {
    try {
      this.#options.libraries.restore(functionLibraries, policy);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new Error(`Cannot load the function libraries of the file: ${error.text}`);
    }
  }

  #noteLoaded(reader: RdbReader): void {
    const { log } = this.#options;
    const { aux } = reader;
    this.#loadedAux = aux;
    this.lastLoadedKeyCount = reader.keyCount;
    this.lastLoadExpiredCount = reader.expiredCount;
    describeContents(reader, log);
  }
}
