/**
 * RDB control: when dump.rdb is written and read: SAVE and BGSAVE, the save points, loading, and
 * what INFO and LASTSAVE tell of them.
 *
 * A file is written under a temporary name, synced, renamed, and the directory synced: so whatever
 * happens, the old file or the new one stands there whole.
 *
 * The server is reached through `RdbControlOptions` alone. It calls `tick` from cron.
 */
import { dirname, join } from "@std/path";
import * as clock from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import * as dict from "../structures/dict.ts";
import type { BackgroundChild } from "../persistence/background_child.ts";
import type { JobResult } from "../persistence/child_job.ts";
import { CommandWriter } from "../persistence/command_writer.ts";
import {
  errorText,
  type FileHandle,
  type FileSystem,
  isSystemError,
  removeIfExists,
} from "../persistence/file_system.ts";
import type { RdbVersion } from "../persistence/rdb_format.ts";
import { type RdbLoadOptions, RdbReader } from "../persistence/rdb_reader.ts";
import type { EncodingLimits } from "../persistence/rdb_value_reader.ts";
import { type DatabaseRoots, type RdbOptions, RdbWriter } from "../persistence/rdb_writer.ts";
import type { ConfigValues } from "./config_values.ts";

/** Redis: CONFIG_BGSAVE_RETRY_DELAY. */
const RETRY_DELAY_MS = 5000;
const PROGRESS_LOG_MS = 5000;
const MIB = 1024 * 1024;

/** What the control needs of the server. */
export interface RdbControlOptions {
  readonly config: ConfigValues;
  readonly keyspace: Keyspace;
  readonly files: FileSystem;
  readonly log: Log;
  readonly child: BackgroundChild;
  /** Loading begins and ends (INFO loading_…, -LOADING); between, `onLoadProgress`. */
  loadingStarted(totalBytes: number): void;
  onLoadProgress(loadedBytes: number): void;
  loadingEnded(): void;
  /** A SAVE or BGSAVE has ended, well or not: `refusesWrites` may have changed. */
  saveEnded?(): void;
}

/** What BGSAVE has to say. */
export type BackgroundSaveRequest = "started" | "scheduled" | "saving" | "busy" | "failed";

export class RdbControl {
  readonly #options: RdbControlOptions;
  /** Function libraries of the loaded file; we cannot run them, but keep them. */
  #functionLibraries: Uint8Array[] = [];
  #isSaving = false;
  #dirtyAtStart = 0;
  #startedMs = 0;
  #lastTryMs = 0;
  #nextLogMs = 0;
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

  constructor(options: RdbControlOptions) {
    this.#options = options;
    this.lastSaveMs = clock.nowMs();
  }

  /** Whether a BGSAVE is running. */
  get isSaving(): boolean {
    return this.#isSaving;
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
    const { files, log, keyspace } = this.#options;
    this.saveCount++;
    const temporary = join(dirname(this.path), `temp-${Deno.pid}.rdb`);
    try {
      this.writeBase(temporary, true, false);
      this.#install(temporary);
    } catch (error) {
      removeIfExists(files, temporary);
      const text = `cannot save ${this.path}: ${errorText(error)}`;
      log.warning(`Write error saving DB on disk: ${text}`);
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
    if (this.#isSaving) return "saving";
    if (this.#options.child.isRunning || isInTransaction) {
      if (!mayWait && !isInTransaction) return "busy";
      this.isScheduled = true;
      return "scheduled";
    }
    return this.startBackgroundSave() === null ? "started" : "failed";
  }

  /** Begins to save in the child. Returns null, or why it cannot begin. */
  startBackgroundSave(): string | null {
    const { child, config, log, keyspace } = this.#options;
    if (child.isRunning) return "a background job is running";
    this.#isSaving = true;
    this.isScheduled = false;
    this.saveCount++;
    this.#dirtyAtStart = keyspace.dirty;
    this.#startedMs = clock.nowMs();
    this.#lastTryMs = this.#startedMs;
    this.#nextLogMs = this.#startedMs + PROGRESS_LOG_MS;
    const path = join(dirname(this.path), `temp-${Deno.pid}-${++this.#tempNumber}.rdb`);
    const target = this.path;
    child.run({
      kind: "rdb",
      databases: this.#roots(),
      path,
      syncsIncrementally: config.rdbSaveIncrementalFsync,
      options: this.#rdbOptions(false),
    }, this.#keyTotal()).then((result) => this.#backgroundSaveDone(path, target, result));
    log.notice("Background saving started");
    return null;
  }

  /** Gives up a running BGSAVE, and one that is scheduled. */
  abort(): void {
    this.isScheduled = false;
    if (!this.#isSaving) return;
    this.#options.log.notice("Killing the running RDB child");
    this.#options.child.abort();
  }

  /** FLUSHALL: a running BGSAVE is void; with save points an empty file is written at once. */
  afterFlushAll(): void {
    this.abort();
    if (this.#options.config.savePoints.length > 0) this.saveNow();
  }

  /** Starts what is due: a save point that holds, a scheduled BGSAVE; logs progress. */
  tick(nowMs: number): void {
    const { child, config, keyspace, log } = this.#options;
    if (this.#isSaving) {
      this.#logProgress(nowMs);
      return;
    }
    if (child.isRunning || keyspace.isLoading) return;
    if (!this.lastStatusOk && nowMs - this.#lastTryMs <= RETRY_DELAY_MS) return;
    for (const { seconds, changes } of config.savePoints) {
      const isDue = keyspace.dirty >= changes && nowMs - this.lastSaveMs > seconds * 1000;
      if (!isDue) continue;
      log.notice(`${changes} changes in ${seconds} seconds. Saving...`);
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
    const { files, keyspace } = this.#options;
    const file = files.openForWrite(path);
    try {
      if (isRdb) {
        const options = this.#rdbOptions(isAofBase);
        new RdbWriter(keyspace.arena, file, options).writeFile(this.#roots());
      } else {
        new CommandWriter(keyspace.arena, file).writeDatabases(this.#roots());
      }
      file.sync();
    } finally {
      file.close();
    }
  }

  /** Begins to write an AOF base in the child; resolves when it is written, or there is none. */
  runRewrite(path: string, isRdb: boolean): Promise<JobResult> {
    const { child, config } = this.#options;
    const databases = this.#roots();
    const syncsIncrementally = config.aofRewriteIncrementalFsync;
    if (isRdb) {
      const options = this.#rdbOptions(true);
      const request = { kind: "rdb" as const, databases, path, syncsIncrementally, options };
      return child.run(request, this.#keyTotal());
    }
    const kind = "aof-commands" as const;
    const timestampSeconds = config.aofTimestampEnabled ? Math.floor(clock.nowMs() / 1000) : null;
    const request = { kind, databases, path, syncsIncrementally, timestampSeconds };
    return child.run(request, this.#keyTotal());
  }

  #backgroundSaveDone(temporary: string, target: string, result: JobResult): void {
    const { child, files, log, keyspace } = this.#options;
    this.#isSaving = false;
    this.lastDurationMs = clock.refresh() - this.#startedMs;
    this.lastClonedBytes = child.lastClonedBytes;
    if (result.outcome === "aborted") {
      log.warning("Background saving was given up");
      return;
    }
    let error = result.outcome === "failed" ? result.error : null;
    if (error === null) {
      try {
        this.#install(temporary, target);
      } catch (reason) {
        removeIfExists(files, temporary);
        error = errorText(reason);
      }
    }
    if (error !== null) {
      this.lastStatusOk = false;
      this.#options.saveEnded?.();
      log.warning(`Background saving error: cannot save ${target}: ${error}`);
      return;
    }
    log.notice(
      `RDB: ${Math.round(child.lastClonedBytes / MIB)} MB of memory used by copy-on-write`,
    );
    log.notice("Background saving terminated with success");
    keyspace.dirty -= this.#dirtyAtStart;
    this.lastSaveMs = clock.nowMs();
    this.lastStatusOk = true;
    this.#options.saveEnded?.();
  }

  /** Puts a complete file in the place of the RDB file. */
  #install(temporary: string, target = this.path): void {
    const { files } = this.#options;
    files.rename(temporary, target);
    files.syncDirectory(dirname(target));
  }

  #logProgress(nowMs: number): void {
    if (nowMs < this.#nextLogMs) return;
    this.#nextLogMs = nowMs + PROGRESS_LOG_MS;
    const { keyCount, keyTotal, byteCount } = this.#options.child.progress;
    const percent = keyTotal === 0 ? 100 : Math.floor((keyCount * 100) / keyTotal);
    const rate = byteCount / MIB / ((nowMs - this.#startedMs) / 1000);
    this.#options.log.notice(
      `Background saving: ${percent} % of the keys, ${rate.toFixed(1)} MB/s`,
    );
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
      version: config.rdbVersion as RdbVersion,
      compresses: config.rdbcompression,
      hasChecksum: config.rdbchecksum,
      access: policy.endsWith("lru") ? "idle" : policy.endsWith("lfu") ? "frequency" : "none",
      lfuDecayTime: config.lfuDecayTime,
      isAofBase,
      nowMs: clock.nowMs(),
      usedMemoryBytes: keyspace.arena.usedBytes,
      functionLibraries: this.#functionLibraries,
      keyDelayUs: Math.max(0, config.rdbKeySaveDelay),
    };
  }

  // --------------------------------------------------------------------------------------- loading

  /** Loads the RDB file if there is one. Resolves with whether there was; rejects as `loadFile`. */
  async loadDump(): Promise<boolean> {
    const { files, keyspace, log } = this.#options;
    const { path } = this;
    if (files.stat(path) === null) return false;
    const beginUs = clock.monotonicUs();
    await this.loadFile(path, false);
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
      await this.#drive(reader, file, isAofBase);
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
      this.#noteLoaded(reader);
    } finally {
      keyspace.isLoading = false;
      file.close();
    }
  }

  #loadOptions(isAofBase: boolean): Omit<RdbLoadOptions, "yieldBytes"> {
    const { config } = this.#options;
    return {
      limits: encodingLimits(config),
      verifiesChecksum: config.rdbchecksum,
      findsDuplicates: config.sanitizeDumpPayload === "yes",
      keepsExpired: isAofBase,
    };
  }

  async #drive(reader: RdbReader, file: FileHandle, isAofBase: boolean): Promise<void> {
    const { log, keyspace } = this.#options;
    const beginMs = clock.refresh();
    let nextLogMs = beginMs + PROGRESS_LOG_MS;
    if (!isAofBase) this.#options.loadingStarted(reader.totalBytes);
    try {
      const steps = reader.load();
      while (steps.next().done !== true) {
        const nowMs = clock.refresh();
        this.#options.onLoadProgress(reader.byteCount);
        if (nowMs >= nextLogMs) {
          nextLogMs = nowMs + PROGRESS_LOG_MS;
          const percent = Math.floor((reader.byteCount * 100) / reader.totalBytes);
          const rate = reader.byteCount / MIB / ((nowMs - beginMs) / 1000);
          log.notice(`Loading ${file.path}: ${percent} %, ${rate.toFixed(1)} MB/s`);
        }
        while (keyspace.reclaimer.step(4096));
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    } finally {
      if (!isAofBase) this.#options.loadingEnded();
    }
  }

  #noteLoaded(reader: RdbReader): void {
    const { log } = this.#options;
    const { aux } = reader;
    this.lastLoadedKeyCount = reader.keyCount;
    this.lastLoadExpiredCount = reader.expiredCount;
    this.#functionLibraries = reader.functionLibraries;
    if (aux.has("redis-ver")) log.notice(`Loading RDB produced by version ${aux.get("redis-ver")}`);
    if (aux.has("ctime")) {
      const ageSeconds = Math.floor(clock.nowMs() / 1000) - Number(aux.get("ctime"));
      log.notice(`RDB age ${Math.max(0, ageSeconds)} seconds`);
    }
    if (aux.has("used-mem")) {
      const megabytes = (Number(aux.get("used-mem")) / MIB).toFixed(2);
      log.notice(`RDB memory usage when created ${megabytes} Mb`);
    }
    if (reader.functionLibraries.length > 0) {
      log.warning(
        `The RDB file holds ${reader.functionLibraries.length} function libraries, which cannot ` +
          "be run here; they are kept and written again by the next save.",
      );
    }
    if (reader.emptyCount > 0) log.warning(`Done loading RDB, empty keys: ${reader.emptyCount}`);
    log.notice(
      `Done loading RDB, keys loaded: ${reader.keyCount}, keys expired: ${reader.expiredCount}.`,
    );
  }
}

/** The limits of the small encodings, as the configuration has them. */
export function encodingLimits(config: ConfigValues): EncodingLimits {
  return {
    hash: {
      listpackEntriesMax: config.hashMaxListpackEntries,
      listpackValueBytesMax: config.hashMaxListpackValue,
    },
    set: { intsetEntriesMax: config.setMaxIntsetEntries },
    sortedSet: {
      listpackEntriesMax: config.zsetMaxListpackEntries,
      listpackValueBytesMax: config.zsetMaxListpackValue,
    },
    listFill: config.listMaxListpackSize,
  };
}
