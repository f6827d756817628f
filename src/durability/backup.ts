/**
 * Backup: a complete set of files of the data while clients are served (BACKUP of Redis 8.10).
 *
 *   idle ──START──▶ pending ─▶ snapshotting ─▶ incrementing ──SEAL──▶ sealed ──CLEANUP──▶ idle
 *                      └────────────┴───── ABORT, or an error ─────▶ failed ──CLEANUP──▶ idle
 *
 * The set is an AOF of its own: the data as of the begin of the snapshot, what was changed from
 * then on to SEAL, and a manifest of the two. `preload-file aof:<manifest>` loads it, and so does a
 * server whose AOF directory it is put into.
 *
 * The files are written for the backup alone. (Redis: they are hard links to those of the AOF,
 * which is switched on for the time if it is off, and rewritten.) So the AOF and the RDB file of
 * the server stay as they are, whatever becomes of the backup: a disk that is full ends the backup
 * and nothing else.
 *
 * Only what this process has written is ever removed: START wants an empty directory.
 */
import { join, resolve } from "@std/path";
import * as clock from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ConfigValues } from "../config/config_values.ts";
import { AofManifest, manifestPath, writeManifest } from "../persistence/aof_manifest.ts";
import { AofWriter } from "../persistence/aof_writer.ts";
import type { BackgroundChild } from "../persistence/background_child.ts";
import type { JobResult } from "../persistence/child_job.ts";
import type { EffectSink } from "../persistence/effect_encoder.ts";
import { errorText, type FileSystem, removeIfExists } from "../persistence/file_system.ts";
import { commandError } from "../session/errors.ts";

export type BackupState =
  | "idle"
  | "pending"
  | "snapshotting"
  | "incrementing"
  | "sealed"
  | "failed";

export interface BackupOptions {
  readonly config: ConfigValues;
  readonly files: FileSystem;
  readonly log: Log;
  readonly child: Pick<BackgroundChild, "isRunning" | "abort">;
  /** Begins to write the data to a file in the child, as RDB or as commands. */
  writeSnapshot(path: string, isRdb: boolean): Promise<JobResult>;
  /** From now on effects are recorded there as well; no more. Not within a unit of effects. */
  attach(sink: EffectSink): void;
  detach(sink: EffectSink): void;
  isInTransaction(): boolean;
  selectAgain(): void;
}

const IN_PROGRESS = commandError("ERR A backup is in progress already");
const SEALED = commandError("ERR The last backup is still there, BACKUP CLEANUP removes it");
const NOT_INCREMENTING = commandError("ERR No backup is there that could be sealed");
const NOTHING_TO_ABORT = commandError("ERR No backup is in progress");
const ABORT_FIRST = commandError("ERR The backup is in progress, BACKUP ABORT ends it");

export class Backup {
  readonly #options: BackupOptions;
  #state: BackupState = "idle";
  /** Why the last backup failed; "" if it did not. */
  error = "";
  /** Unix time in seconds of START and SEAL; 0: not yet. */
  startSeconds = 0;
  endSeconds = 0;
  #sealedMs = 0;
  #directory = "";
  #manifest = new AofManifest();
  #fileName = "";
  #writer: AofWriter | null = null;
  /** What hears of effects; taken off as soon as no unit is open. */
  #attached: AofWriter | null = null;
  /** Counts snapshots, so that the end of one that was given up is told from that of the next. */
  #number = 0;

  constructor(options: BackupOptions) {
    this.#options = options;
  }

  get state(): BackupState {
    return this.#state;
  }

  /** Whether one is under way that is not sealed yet. */
  get isInProgress(): boolean {
    return this.#state === "pending" || this.isRecording;
  }

  /** Whether effects are recorded. */
  get isRecording(): boolean {
    return this.#writer !== null;
  }

  /** Begins a backup, at once or as soon as the child is free. Throws a CommandError. */
  start(): void {
    if (this.isInProgress) throw IN_PROGRESS;
    if (this.#state === "sealed") throw SEALED;
    const { config, files } = this.#options;
    this.#directory = resolve(config.dir, config.backupdirname);
    try {
      files.makeDirectory(this.#directory);
      if (files.list(this.#directory).length > 0) throw new Error("it is not empty");
    } catch (error) {
      throw commandError(
        `ERR The backup cannot be written to ${this.#directory}: ${errorText(error)}`,
      );
    }
    this.error = "";
    this.startSeconds = Math.floor(clock.nowMs() / 1000);
    this.endSeconds = 0;
    this.#state = "pending";
    this.#beginIfPossible();
  }

  /** Ends the recording and makes the files a whole. Throws a CommandError. */
  seal(): void {
    if (this.#state !== "incrementing") throw NOT_INCREMENTING;
    const error = this.#writer!.syncNow() ?? this.#writeManifest();
    if (error !== null) {
      this.#fail(error);
      throw commandError(`ERR The backup has failed: ${error}`);
    }
    this.#writer!.close();
    this.#writer = null;
    this.#detachIfPossible();
    this.#state = "sealed";
    this.#sealedMs = clock.nowMs();
    this.endSeconds = Math.floor(this.#sealedMs / 1000);
    this.#options.log.notice(`The backup in ${this.#directory} is sealed`);
  }

  /** Gives up a backup that is not sealed. Throws a CommandError if there is none. */
  abort(): void {
    if (!this.isInProgress) throw NOTHING_TO_ABORT;
    this.#fail("aborted");
  }

  /** Removes the files of a sealed backup, and forgets a failed one. Throws a CommandError. */
  cleanUp(): void {
    if (this.isInProgress) throw ABORT_FIRST;
    this.#removeFiles();
    this.#state = "idle";
    this.error = "";
    this.startSeconds = 0;
    this.endSeconds = 0;
  }

  /** Paths of the files that will not change any more. */
  list(): string[] {
    const { base, lastIncrement } = this.#manifest;
    if (this.#state === "incrementing") return [this.#pathOf(base!.name)];
    if (this.#state !== "sealed") return [];
    return [this.#pathOf(base!.name), this.#pathOf(lastIncrement!.name), this.#manifestPath];
  }

  /** The data are others from now on, and nobody records how: a backup in progress is void. */
  dataReplaced(): void {
    if (this.isInProgress) this.#fail("the data were replaced by those of a master");
  }

  /** The process ends: what is not sealed is of no use. */
  end(): void {
    if (this.isInProgress) this.#fail("the server has ended");
  }

  /** End of a turn: what was recorded goes to the file. */
  flush(): void {
    const writer = this.#writer;
    if (writer === null) return;
    writer.flush(true);
    if (writer.error !== null) this.#fail(writer.error);
  }

  /** Housekeeping, called by cron: begins what waits, removes what has been there long enough. */
  tick(nowMs: number): void {
    const { config, log } = this.#options;
    this.#detachIfPossible();
    if (this.#state === "pending") this.#beginIfPossible();
    const ttlMs = config.backupSealedTtl * 1000;
    if (this.#state !== "sealed" || ttlMs === 0 || nowMs - this.#sealedMs < ttlMs) return;
    log.notice("The sealed backup is removed, as backup-sealed-ttl says");
    this.cleanUp();
  }

  #beginIfPossible(): void {
    const { child, config, log, isInTransaction } = this.#options;
    if (child.isRunning || isInTransaction()) return;
    this.#detachIfPossible();
    this.#fileName = config.appendfilename;
    const isRdb = config.aofUseRdbPreamble;
    const manifest = new AofManifest();
    this.#manifest = manifest;
    manifest.addBase(this.#fileName, isRdb);
    manifest.addIncrement(this.#fileName);
    const number = ++this.#number;
    try {
      this.#record();
      this.#options.writeSnapshot(this.#temporaryPath, isRdb).then((result) => {
        if (number === this.#number) this.#snapshotDone(result);
      });
    } catch (error) {
      return this.#fail(errorText(error));
    }
    this.#state = "snapshotting";
    log.notice(`A backup is being written to ${this.#directory}`);
  }

  /** From now on effects are recorded in the increment. */
  #record(): void {
    const { config, files, log, child, selectAgain, attach } = this.#options;
    const writer = new AofWriter({
      config: {
        // Nobody relies on it before it is sealed; the disk may write meanwhile.
        appendfsync: "everysec",
        noAppendfsyncOnRewrite: false,
        get aofTimestampEnabled() {
          return config.aofTimestampEnabled;
        },
      },
      log,
      hasActiveChild: () => child.isRunning,
      exit: () => {
        throw new Error("only appendfsync always ends the process");
      },
      selectAgain,
    });
    writer.open(files.openForWrite(this.#pathOf(this.#manifest.lastIncrement!.name)), 0);
    this.#writer = writer;
    this.#attached = writer;
    attach(writer);
  }

  #snapshotDone(result: JobResult): void {
    const { files, log } = this.#options;
    if (result.outcome === "failed") return this.#fail(result.error);
    if (result.outcome === "aborted") return this.#fail("the snapshot was given up");
    try {
      files.rename(this.#temporaryPath, this.#pathOf(this.#manifest.base!.name));
      files.syncDirectory(this.#directory);
    } catch (error) {
      return this.#fail(errorText(error));
    }
    this.#state = "incrementing";
    log.notice("The snapshot of the backup is written; changes are recorded until BACKUP SEAL");
  }

  /** Returns why that is impossible, or null. */
  #writeManifest(): string | null {
    try {
      writeManifest(this.#options.files, this.#manifestPath, this.#manifest);
      return null;
    } catch (error) {
      return errorText(error);
    }
  }

  #fail(reason: string): void {
    const { child, log } = this.#options;
    const wasSnapshotting = this.#state === "snapshotting";
    this.#number++;
    this.#state = "failed";
    this.error = reason;
    log.warning(`The backup has failed: ${reason}. Nothing else is concerned.`);
    if (wasSnapshotting) child.abort();
    this.#writer?.abandon();
    this.#writer = null;
    this.#detachIfPossible();
    this.#removeFiles();
  }

  #detachIfPossible(): void {
    const attached = this.#attached;
    if (attached === null || attached === this.#writer) return;
    if (this.#options.isInTransaction()) return;
    this.#options.detach(attached);
    this.#attached = null;
  }

  /** Removes what this process has written. */
  #removeFiles(): void {
    const { base, lastIncrement } = this.#manifest;
    if (base === null || lastIncrement === null) return;
    const names = [this.#temporaryPath, this.#pathOf(base.name), this.#pathOf(lastIncrement.name)];
    for (const path of [this.#manifestPath, ...names]) removeIfExists(this.#options.files, path);
    this.#manifest = new AofManifest();
  }

  #pathOf(name: string): string {
    return join(this.#directory, name);
  }

  get #manifestPath(): string {
    return manifestPath(this.#directory, this.#fileName);
  }

  get #temporaryPath(): string {
    return this.#pathOf(`temp-backup-${Deno.pid}`);
  }
}
