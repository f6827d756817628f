/**
 * AOF writer: effects of commands → bytes of the current increment → disk, as safe as `appendfsync`
 * promises.
 *
 *   takeUnit, takeUnit   into one buffer, as they come from the encoder (effect_encoder.ts)
 *   flush                at the end of the turn, before any reply leaves: one write for all
 *
 *   always      flush also syncs, at once or beside the event loop, one sync after the other; then
 *               the writer says which replies may leave (SyncRounds), and what comes meanwhile
 *               waits in the buffer. If either fails the process ends: the replies that wait
 *               already say what is not true.
 *   everysec    a sync beside the event loop once a second; writes go on meanwhile, so that a
 *               process that is killed loses nothing that was answered.
 *   no          the system decides.
 *
 * A BUSY DISK may hold up writes while it syncs, and with them everybody. Once a write has been
 * held up so, later ones wait in the buffer while a sync runs, for two seconds at most, until a
 * sync is quick again. (Redis: all writes wait for every sync, as if each disk was like that.)
 *
 * A NEW FILE is begun by a rewrite. The old one is synced before anything is written to the new
 * one, or a power loss could leave a log with a gap.
 *
 * ERRORS. A write that fails is cut off the file again before anything else is written, so no unit
 * ever stands there in part; the buffer is kept and the write repeated. A failed sync is another
 * matter: the system forgets the pages that it could not write, and a later sync that succeeds says
 * nothing of them. So the file stays suspect until a rewrite has made it unnecessary.
 */
import * as clock from "../base/clock.ts";
import { copyBytes, latin1Bytes, readyForCopies } from "../base/bytes.ts";
import type { Log } from "../base/log.ts";
import { pause } from "../base/pause.ts";
import type { EffectSink } from "./effect_encoder.ts";
import { errorText, type FileHandle } from "./file_system.ts";

/** A buffer beyond this is not kept for the next turn. */
const BUFFER_KEPT_BYTES_MAX = 1024 * 1024;
const BUFFER_BYTES_MIN = 16 * 1024;

const SYNC_INTERVAL_MS = 1000;
const POSTPONE_MS_MAX = 2000;
/**
 * A write that takes longer while a sync runs was held up by it. (A busy machine may well stop any
 * thread for a tenth of a second.)
 */
const HELD_UP_MS_MIN = 250;
const ERROR_LOG_INTERVAL_MS = 30_000;

/** When a sync is best made: within the turn, beside the event loop, when a later turn ends. */
export type SyncChoice = "now" | "aside" | "later";

/** Whose replies wait for syncs with `appendfsync always` (durability/reply_barrier.ts). */
export interface SyncRounds {
  /** Something was promised that is not safe yet. */
  readonly isOpen: boolean;
  choose(): SyncChoice;
  /** A sync begins beside the event loop, of all that came so far. Returns its number. */
  begin(): number;
  /** That sync has ended well. */
  end(round: number): void;
  /** `sync` is carried out, and all that came so far is safe then; its exception is thrown on. */
  syncNow(sync: () => void): void;
  /** All that came so far is safe, or promised no more. */
  endAll(): void;
  /** Has `flush` called soon. */
  wake(): void;
}

/** What the writer needs of the server; `config` is read anew every time. */
export interface AofWriterOptions {
  readonly config: {
    readonly appendfsync: "everysec" | "always" | "no";
    readonly noAppendfsyncOnRewrite: boolean;
    readonly aofTimestampEnabled: boolean;
  };
  readonly log: Log;
  /** Without it nobody waits: with `always` each sync is made at once. */
  readonly rounds?: SyncRounds | undefined;
  /** Whether a child is saving or rewriting (for no-appendfsync-on-rewrite). */
  hasActiveChild(): boolean;
  /** Ends the process: `appendfsync always` cannot be kept. */
  exit(code: number): never;
  /** `error` may be another one now, or none. */
  onErrorChange?(): void;
  /** Hears how long the disk has held everybody up: "aof-write", "aof-fsync-always" … */
  onLatency?(event: string, durationUs: number): void;
  /** A new file begins: its first effect must name its database. */
  selectAgain(): void;
}

export class AofWriter implements EffectSink {
  readonly #options: AofWriterOptions;
  #buffer = readyForCopies(new Uint8Array(BUFFER_BYTES_MIN));
  #length = 0;
  #annotatedSeconds = 0;
  /** Bytes of all units that came, that were written, and that are surely on the disk (WAITAOF). */
  #takenBytes = 0;
  #writtenBytes = 0;
  #safeBytes = 0;

  #file: FileHandle | null = null;
  /** Bytes of the file up to the last complete write. */
  #fileBytes = 0;
  /** A write failed, and what it left has not been cut off yet. */
  #hasPartialWrite = false;
  #writeError: string | null = null;
  #lastErrorLogMs = -ERROR_LOG_INTERVAL_MS;

  /** The sync under way; also that of the file before this one. */
  #syncRunning: Promise<void> | null = null;
  #lastSyncMs = 0;
  /** Bytes written since the last sync began. */
  #unsyncedBytes = 0;
  #postponedSinceMs = 0;
  /** The disk holds up writes while it syncs. */
  #isDiskBusy = false;
  /** The file before this one is not synced yet. */
  #isBehindOldFile = false;
  /** Why `always` could not be kept: the process ends before any further reply leaves. */
  #brokenPromise: string | null = null;
  /** Why the present file, and one before it, may lack what was written. */
  #syncError: string | null = null;
  #earlierSyncError: string | null = null;
  /** Writes that had waited for a sync for two seconds (INFO aof_delayed_fsync). */
  delayedSyncCount = 0;
  /** How often writes began to wait for a sync (INFO aof_postponed_writes). */
  postponedCount = 0;
  /** Pause before each write in microseconds; for tests (DEBUG AOF-FLUSH-SLEEP). */
  flushSleepUs = 0;

  constructor(options: AofWriterOptions) {
    this.#options = options;
  }

  get #rounds(): SyncRounds | undefined {
    return this.#options.rounds;
  }

  get isOpen(): boolean {
    return this.#file !== null;
  }

  /** Bytes that wait to be written. */
  get bufferedBytes(): number {
    return this.#length;
  }

  /** Bytes in the present file. */
  get fileBytes(): number {
    return this.#fileBytes;
  }

  get isSyncRunning(): boolean {
    return this.#syncRunning !== null;
  }

  /** Bytes in the present file that no sync has taken yet. */
  get unsyncedBytes(): number {
    return this.#unsyncedBytes;
  }

  /** Why writing fails at present, in the words of strerror(3); null if it does not. */
  get error(): string | null {
    return this.#writeError ?? this.#syncError ?? this.#earlierSyncError;
  }

  /** Bytes of all units so far, and how many of them are surely on the disk. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  get safeBytes(): number {
    return this.#safeBytes;
  }

  /** Whether a file may lack what was written to it: only a rewrite can help. */
  get isSuspect(): boolean {
    return this.#syncError !== null || this.#earlierSyncError !== null;
  }

  // ------------------------------------------------------------------------------------- files

  /**
   * Goes on with `file`, positioned at its end, after `fileBytes` bytes. What waits in the buffer
   * is dropped; call `flush` first, or `switchTo`.
   */
  open(file: FileHandle, fileBytes: number): void {
    this.#file = file;
    this.#fileBytes = fileBytes;
    this.#hasPartialWrite = false;
    this.#writeError = null;
    this.#syncError = null;
    this.#length = 0;
    this.#annotatedSeconds = 0;
    this.#postponedSinceMs = 0;
    this.#isBehindOldFile = false;
    this.#unsyncedBytes = 0;
    this.#lastSyncMs = clock.nowMs();
    this.#options.selectAgain();
    this.#options.onErrorChange?.();
  }

  /** Goes on counting where the writer did that this one replaces. */
  takeCounters(before: AofWriter): void {
    this.delayedSyncCount += before.delayedSyncCount;
    this.postponedCount += before.postponedCount;
    this.flushSleepUs = before.flushSleepUs;
    // What the other one has taken is here, too, and on the disk.
    this.#takenBytes = this.#writtenBytes = this.#safeBytes = before.#takenBytes;
  }

  /**
   * Goes on with a new, empty file. What waits goes to the old one first; false = that failed, and
   * nothing has changed. The old file is synced now (`syncAside` before leaves little to do), or on
   * a busy disk beside the event loop; then writes to the new one wait for that.
   */
  switchTo(file: FileHandle): boolean {
    this.flush(true);
    if (this.#length > 0) return false;
    const old = this.#file;
    const needsSync = this.#unsyncedBytes > 0 || this.#syncRunning !== null;
    if (old !== null && needsSync && !this.#isDiskBusy) this.#syncOld(old);
    this.#earlierSyncError ??= this.#syncError;
    this.open(file, 0);
    if (old === null) return true;
    if (needsSync && this.#isDiskBusy) this.#syncAndClose(old);
    else this.#closeAfterSync(old);
    return true;
  }

  /**
   * Writes, syncs and closes the file (`appendonly no`, SHUTDOWN). Returns the error, or null; the
   * file is closed in any case.
   */
  close(): string | null {
    const file = this.#file;
    if (file === null) return null;
    this.flush(true);
    let error = this.#writeError;
    try {
      file.sync();
    } catch (cause) {
      error ??= errorText(cause);
    }
    this.#closeFile(file);
    return error;
  }

  /** Drops what waits and closes the file without a sync: its content is no longer needed. */
  abandon(): void {
    if (this.#file !== null) this.#closeFile(this.#file);
  }

  /** Writes all that waits and syncs it now. Returns the error, or null. */
  syncNow(): string | null {
    if (this.#file === null) return null;
    this.flush(true);
    if (this.#writeError !== null) return this.#writeError;
    try {
      this.#file.sync();
      this.#unsyncedBytes = 0;
      this.#safeBytes = this.#writtenBytes;
      this.#rounds?.endAll();
      return null;
    } catch (cause) {
      this.#syncError ??= errorText(cause);
      this.#options.onErrorChange?.();
      return this.#syncError;
    }
  }

  /** A rewrite has succeeded: what files before the present one lack does not matter any more. */
  forgetEarlierFiles(): void {
    this.#earlierSyncError = null;
    this.#options.onErrorChange?.();
  }

  /**
   * Syncs beside the event loop all that has been written; resolves when that is done or has failed
   * (`error`), or the file has been closed.
   */
  async syncAside(): Promise<void> {
    // With `always` another one may have begun by then, which is as good.
    await this.#syncRunning;
    if (this.#file === null || this.#unsyncedBytes === 0) return;
    if (this.#syncRunning === null) this.#startSync(this.#file);
    await this.#syncRunning;
  }

  /** Resolves when no sync is under way. */
  async settled(): Promise<void> {
    while (this.#syncRunning !== null) await this.#syncRunning;
  }

  // -------------------------------------------------------------------------------- EffectSink

  takeUnit(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    if (this.#options.config.aofTimestampEnabled) this.#annotateTime();
    this.#reserve(length);
    copyBytes(bytes, 0, this.#buffer, this.#length, length);
    this.#length += length;
    this.#takenBytes += length;
  }

  #annotateTime(): void {
    const seconds = Math.floor(clock.nowMs() / 1000);
    if (seconds <= this.#annotatedSeconds) return;
    this.#annotatedSeconds = seconds;
    this.#put(latin1Bytes(`#TS:${seconds}\r\n`));
  }

  #put(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(byteCount: number): void {
    const needed = this.#length + byteCount;
    if (needed <= this.#buffer.length) return;
    const larger = readyForCopies(new Uint8Array(Math.max(needed, this.#buffer.length * 2)));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }

  // -------------------------------------------------------------------------------------- disk

  /**
   * Brings the units that are complete to the file, and to the disk as `appendfsync` asks. Called
   * at the end of every turn. `isForced`: also while a sync is running, and with `always` nothing
   * is left for a sync beside the event loop.
   *
   * True: those replies may leave that wait for no round of syncs (`SyncRounds`).
   */
  flush(isForced = false): boolean {
    const file = this.#file;
    if (file === null) return true;
    if (this.#brokenPromise !== null) this.#endProcess(this.#brokenPromise);
    const hasBytes = this.#length > 0;
    if (!hasBytes && this.#unsyncedBytes === 0 && this.#syncRunning === null) {
      this.#rounds?.endAll();
      return true;
    }
    const isAlways = this.#options.config.appendfsync === "always";
    const choice = isAlways && !isForced ? this.#rounds?.choose() : "now";
    if (choice === "later" || (choice === "aside" && this.#syncRunning !== null)) return true;
    if (hasBytes && ((!isForced && this.#mustPostpone()) || !this.#write(file))) return true;
    this.#syncIfNeeded(file, choice === "aside");
    return true;
  }

  #mustPostpone(): boolean {
    if (this.#syncRunning === null || this.#options.config.appendfsync === "always") return false;
    if (!this.#isDiskBusy && !this.#isBehindOldFile) return false;
    const nowMs = clock.nowMs();
    if (this.#postponedSinceMs === 0) {
      this.#postponedSinceMs = nowMs;
      this.postponedCount++;
    }
    if (nowMs - this.#postponedSinceMs < POSTPONE_MS_MAX) return true;
    this.delayedSyncCount++;
    this.#options.log.notice(
      "Asynchronous AOF fsync is taking too long (disk is busy?). The next write to the file does " +
        "not wait for its end, and may hold up all clients.",
    );
    return false;
  }

  /** Writes the buffer; false = failed, the buffer is as it was and will be tried again. */
  #write(file: FileHandle): boolean {
    this.#postponedSinceMs = 0;
    if (this.flushSleepUs > 0) pause(this.flushSleepUs);
    const beginUs = clock.monotonicUs();
    try {
      if (this.#hasPartialWrite) this.#cutPartialWrite(file);
      file.write(this.#buffer, 0, this.#length);
      const durationUs = clock.monotonicUs() - beginUs;
      this.#noteWriteLatency(durationUs);
      if (this.#syncRunning !== null) this.#noteWriteInSync(durationUs / 1000);
    } catch (cause) {
      this.#onWriteError(file, errorText(cause));
      return false;
    }
    this.#fileBytes += this.#length;
    this.#unsyncedBytes += this.#length;
    this.#writtenBytes = this.#takenBytes;
    this.#dropWritten();
    if (this.#writeError !== null) {
      this.#writeError = null;
      this.#options.onErrorChange?.();
      this.#options.log.warning("The AOF can be written again.");
    }
    return true;
  }

  #dropWritten(): void {
    if (this.#buffer.length > BUFFER_KEPT_BYTES_MAX) {
      this.#buffer = readyForCopies(new Uint8Array(BUFFER_BYTES_MIN));
    }
    this.#length = 0;
  }

  #cutPartialWrite(file: FileHandle): void {
    file.truncate(this.#fileBytes);
    this.#hasPartialWrite = false;
  }

  #onWriteError(file: FileHandle, text: string): void {
    const { config, log, exit } = this.#options;
    const nowMs = clock.nowMs();
    const mayLog = nowMs - this.#lastErrorLogMs > ERROR_LOG_INTERVAL_MS;
    if (mayLog) {
      this.#lastErrorLogMs = nowMs;
      log.warning(`Error writing to the AOF file: ${text} (${file.path})`);
    }
    this.#writeError = text;
    this.#options.onErrorChange?.();
    this.#hasPartialWrite = true;
    try {
      this.#cutPartialWrite(file);
    } catch (cause) {
      // Nothing is written behind it until this has succeeded.
      if (mayLog) {
        log.warning(
          `The part of a record that was written cannot be cut off the AOF: ${errorText(cause)}`,
        );
      }
    }
    if (config.appendfsync !== "always") return;
    log.warning(
      "With appendfsync always no write may be lost that a client knows of: the server ends.",
    );
    exit(1);
  }

  #syncIfNeeded(file: FileHandle, isAside: boolean): void {
    const { config } = this.#options;
    const isAlways = config.appendfsync === "always";
    // What was promised before CONFIG SET is kept.
    if (!isAlways && this.#rounds?.isOpen === true) return this.#syncAtOnce(file);
    if (config.appendfsync === "no") return;
    if (config.noAppendfsyncOnRewrite && this.#options.hasActiveChild()) {
      if (isAlways && this.#syncRunning === null) this.#rounds?.endAll();
      return;
    }
    if (isAlways) {
      if (isAside) this.#startSync(file, this.#rounds!.begin());
      else this.#syncAtOnce(file);
      return;
    }
    const nowMs = clock.nowMs();
    // A clock that was set back must not stop the syncs.
    if (nowMs - this.#lastSyncMs < SYNC_INTERVAL_MS && nowMs >= this.#lastSyncMs) return;
    if (this.#syncRunning !== null) return;
    this.#startSync(file);
  }

  #startSync(file: FileHandle, round = 0): void {
    this.#lastSyncMs = clock.nowMs();
    this.#unsyncedBytes = 0;
    const written = this.#writtenBytes;
    const sync = file.syncData().then(() => {
      this.#safeBytes = Math.max(this.#safeBytes, written);
    });
    this.#watchSync(sync, file, round);
  }

  /** That the disk holds up writes shows in them alone; that it does so no more, in the syncs. */
  #noteWriteInSync(durationMs: number): void {
    if (this.#isDiskBusy || durationMs < HELD_UP_MS_MIN) return;
    this.#isDiskBusy = true;
    this.#options.log.warning(
      `The disk is busy: while it synced the AOF, a write to it was held up for ` +
        `${Math.round(durationMs)} milliseconds. While a sync is under way, acknowledged writes ` +
        "now wait in memory, for two seconds at most, until a sync is quick again.",
    );
  }

  #noteSyncDuration(durationMs: number): void {
    if (!this.#isDiskBusy || durationMs >= HELD_UP_MS_MIN) return;
    this.#isDiskBusy = false;
    this.#options.log.notice(
      "The disk syncs the AOF quickly again: no write waits for it any more.",
    );
  }

  /** Redis: the same duration, once by what else was going on, and once for all writes. */
  #noteWriteLatency(durationUs: number): void {
    const { onLatency, hasActiveChild } = this.#options;
    if (onLatency === undefined) return;
    if (this.#syncRunning !== null) onLatency("aof-write-pending-fsync", durationUs);
    else if (hasActiveChild()) onLatency("aof-write-active-child", durationUs);
    else onLatency("aof-write-alone", durationUs);
    onLatency("aof-write", durationUs);
  }

  #syncAtOnce(file: FileHandle): void {
    const beginUs = clock.monotonicUs();
    try {
      if (this.#rounds === undefined) file.sync();
      else this.#rounds.syncNow(() => file.sync());
      this.#options.onLatency?.("aof-fsync-always", clock.monotonicUs() - beginUs);
    } catch (cause) {
      this.#endProcess(errorText(cause));
    }
    this.#unsyncedBytes = 0;
    this.#safeBytes = this.#writtenBytes;
    this.#lastSyncMs = clock.nowMs();
  }

  /** `always` cannot be kept, for a sync has failed. */
  #endProcess(reason: string): never {
    this.#options.log.warning(
      `The AOF cannot be synced: ${reason}. With appendfsync always no write may be lost that a ` +
        "client knows of: the server ends.",
    );
    this.#options.exit(1);
  }

  /** Syncs the file that another will follow; what fails makes the AOF suspect. */
  #syncOld(old: FileHandle): void {
    const beginUs = clock.monotonicUs();
    try {
      old.sync();
      this.#safeBytes = this.#writtenBytes;
      this.#options.onLatency?.("aof-fsync-before-rewrite", clock.monotonicUs() - beginUs);
    } catch (cause) {
      this.#onSyncError(old, errorText(cause));
    }
  }

  /** Syncs a file that is not written to any more, after the sync under way, and closes it. */
  #syncAndClose(old: FileHandle): void {
    const before = this.#syncRunning ?? Promise.resolve();
    const written = this.#writtenBytes;
    const sync = before.then(() => old.syncData()).then(() => {
      this.#safeBytes = Math.max(this.#safeBytes, written);
    });
    this.#watchSync(sync.finally(() => old.close()), old);
    this.#isBehindOldFile = true;
  }

  /** The sync that is running has the file's number; it must not be given to another file yet. */
  #closeAfterSync(file: FileHandle): void {
    if (this.#syncRunning === null) file.close();
    else this.#syncRunning.finally(() => file.close());
  }

  /** Notes that `sync` is under way; at its end goes on with what was postponed. */
  #watchSync(sync: Promise<void>, file: FileHandle, round = 0): void {
    const beginUs = clock.monotonicUs();
    const running: Promise<void> = sync.catch((cause) => this.#onSyncError(file, errorText(cause)))
      .then(() => {
        if (this.#syncRunning !== running) return;
        this.#syncRunning = null;
        this.#isBehindOldFile = false;
        const durationUs = clock.monotonicUs() - beginUs;
        this.#noteSyncDuration(durationUs / 1000);
        if (round === 0) this.flush();
        else if (this.#brokenPromise === null) {
          this.#options.onLatency?.("aof-fsync-always", durationUs);
          // The turn that ends because of it brings the next sync.
          this.#rounds?.end(round);
        }
      });
    this.#syncRunning = running;
  }

  #onSyncError(file: FileHandle, text: string): void {
    // When the AOF has been switched off meanwhile, nobody relies on the file any more.
    if (this.#file === null) return;
    if (file !== this.#file) this.#earlierSyncError ??= text;
    else {
      this.#syncError ??= text;
      // The end of the turn, before which no reply leaves, is the place to say so.
      if (this.#options.config.appendfsync === "always" || this.#rounds?.isOpen === true) {
        this.#brokenPromise = text;
        this.#rounds?.wake();
      }
    }
    this.#options.onErrorChange?.();
    this.#options.log.warning(`Syncing the AOF failed: ${text} (${file.path})`);
  }

  #closeFile(file: FileHandle): void {
    this.#file = null;
    this.#fileBytes = 0;
    this.#length = 0;
    this.#writeError = null;
    this.#unsyncedBytes = 0;
    this.#syncError = null;
    this.#earlierSyncError = null;
    this.#options.onErrorChange?.();
    this.#postponedSinceMs = 0;
    this.#rounds?.endAll();
    this.#closeAfterSync(file);
  }
}
