/**
 * Persistence: what the server asks of RDB and AOF together: what to load at start, what must be on
 * disk before a reply may leave, why writers are refused.
 */
import * as clock from "../base/clock.ts";
import { BackgroundChild, type ChildPort } from "../persistence/background_child.ts";
import { errorText } from "../persistence/file_system.ts";
import type { AofReplay } from "../persistence/aof_loader.ts";
import { AofControl } from "./aof_control.ts";
import type { RdbHistory } from "../persistence/rdb_writer.ts";
import type { EffectSink } from "../persistence/effect_encoder.ts";
import { type Client, REDIS_BLOCKED } from "../session/client.ts";
import { GATE_LOADING, GATE_MISCONF } from "../session/gates.ts";
import { type CommandError, commandError, LOADING } from "../session/errors.ts";
import { type LibraryStore, RdbControl } from "./rdb_control.ts";
import { Backup } from "./backup.ts";
import { preloadStep } from "./preload.ts";
import { RewriteChild } from "./rewrite_child.ts";
import type { Host } from "../session/host.ts";

/** The child is started this long after the first change, idle or not. */
const WARM_MS_MAX = 30_000;

const MISCONF_RDB = commandError(
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk." +
    " Commands that may modify the data set are disabled, because this instance is configured to" +
    " report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option)." +
    " Please check the Redis logs for details about the RDB error.",
);

/** What DEBUG RELOAD does: save first, empty the data set, replace keys that are there. */
export interface ReloadSteps {
  readonly saves: boolean;
  readonly flushes: boolean;
  readonly merges: boolean;
}

declare module "../session/host.ts" {
  interface Host {
    readonly persistence: Persistence;
  }
}

/** What it uses of the host. */
type PersistenceHost = Pick<
  Host,
  | "arena"
  | "barrier"
  | "blocking"
  | "calls"
  | "config"
  | "files"
  | "fork"
  | "gates"
  | "keyspace"
  | "latency"
  | "log"
  | "process"
  | "statistics"
  | "timers"
>;

export interface PersistenceOptions {
  readonly host: PersistenceHost;
  /** Makes the child that saves in the background; a Worker if not given. */
  readonly createChild?: (() => ChildPort) | undefined;
  /** Runs the commands of an AOF. */
  readonly replay: AofReplay;
  /** The function libraries, which are saved with the data. */
  readonly libraries: LibraryStore;
  /** Where the data stand in their history, for RDB files. */
  history(): RdbHistory | null;
  /** From now on effects are recorded there; null: nowhere. */
  setEffectSink(sink: EffectSink | null): void;
  /** The next effect must name its database. */
  selectAgain(): void;
  /** A backup hears of effects, too; no more. */
  attachSink(sink: EffectSink): void;
  detachSink(sink: EffectSink): void;
  /** Nobody hears of what commands change, or all do again. */
  silence(isSilent: boolean): void;
  /** Whether effects have been recorded that belong to a unit which has not ended. */
  isUnitOpen(): boolean;
  exit(code: number): never;
}

export class Persistence {
  readonly child: BackgroundChild;
  readonly rdb: RdbControl;
  readonly aof: AofControl;
  readonly backup: Backup;
  /** Loads what `preload-file` names; null if it names nothing. */
  readonly #preload: (() => Promise<void>) | null;
  /** Loading in progress: bytes in all and done, Unix time of its begin in ms; INFO loading_…. */
  loadingTotalBytes = 0;
  loadedBytes = 0;
  loadingStartedMs = 0;
  readonly #host: PersistenceHost;
  readonly #libraries: LibraryStore;
  readonly #silence: PersistenceOptions["silence"];
  #isRecording = false;
  /** Loads under way, one within the other. */
  #loadCount = 0;
  /** When a change of the data was first seen; 0: none yet. */
  #firstChangeMs = 0;
  /** Commands processed up to the last tick. */
  #commandsSeen = 0;

  constructor(options: PersistenceOptions) {
    const { host, createChild, replay, libraries } = options;
    this.#host = host;
    this.#libraries = libraries;
    this.#silence = (isSilent) => options.silence(isSilent);
    const { arena, files, fork, log, config, keyspace, latency, timers } = host;
    const onLatency = (event: string, durationUs: number) => latency.addIfNeeded(event, durationUs);
    this.child = new BackgroundChild({ arena, fork, log, files, createChild, onLatency });
    const loading = {
      loadingStarted: (totalBytes: number) => this.#loadingStarted(totalBytes),
      onLoadProgress: (loadedBytes: number) => {
        this.loadedBytes = loadedBytes;
      },
      loadingEnded: () => this.#letIn(),
    };
    const { child } = this;
    const rdb = new RdbControl({
      config,
      keyspace,
      files,
      log,
      child,
      timers,
      libraries,
      history: () => options.history(),
      saveEnded: () => this.#refuseWritesIfNeeded(),
      onLatency,
      ...loading,
    });
    this.rdb = rdb;
    const opening = {
      ...{ config, files, log, replay, timers, onLatency, ...loading },
      loadRdb: (path: string) => rdb.loadFile(path, true),
    };
    const isInTransaction = () => host.calls.isNested || options.isUnitOpen();
    const selectAgain = () => options.selectAgain();
    this.#preload = preloadStep({
      ...opening,
      loadRdbFile: (path) => rdb.loadFile(path, false),
    });
    this.backup = new Backup({
      ...{ config, files, log, child, isInTransaction, selectAgain },
      writeSnapshot: (path, isRdb) => rdb.runRewrite(path, isRdb),
      attach: (sink) => options.attachSink(sink),
      detach: (sink) => options.detachSink(sink),
    });
    this.aof = new AofControl({
      ...{ ...opening, isInTransaction, selectAgain },
      child: new RewriteChild(child, rdb),
      writeBase: (path, isRdb) => rdb.writeBase(path, isRdb),
      loadDump: () => rdb.loadDump(),
      rounds: host.barrier,
      setEffectSink: (sink) => {
        this.#isRecording = sink !== null;
        options.setEffectSink(sink);
        this.#applyPolicy();
      },
      exit: (code) => options.exit(code),
      onErrorChange: () => this.#refuseWritesIfNeeded(),
    });
    config.onChange("appendonly", () => this.#applyAppendOnly());
    config.onChange("appendfsync", () => this.#applyPolicy());
    config.onChange("dir", () => {
      this.aof.directoryChanged();
      return null;
    });
  }

  /**
   * Loads what the files hold, and sees to it that what follows is recorded, before anybody is
   * served. `dumpFollows` is called before an RDB file is read. Rejects if there are files that
   * cannot be loaded.
   */
  async loadAtStart(dumpFollows = () => {}): Promise<void> {
    this.#keepOut();
    try {
      const isLoaded = await this.aof.loadAtStart(this.#preload);
      if (isLoaded) return;
      if (this.#preload !== null) await this.#preload();
      else {
        dumpFollows();
        await this.rdb.loadDump();
      }
    } finally {
      this.#letIn();
    }
  }

  /**
   * End of a turn: makes its commands as safe as `appendfsync` promises, or begins to; then the
   * barrier knows whose replies must wait for that.
   */
  beforeReplies(): boolean {
    if (this.backup.isRecording) this.backup.flush();
    if (this.#isRecording) return this.aof.flush();
    this.#host.barrier.endAll();
    return true;
  }

  /** Whether `beforeReplies` has nothing to write before those replies leave that need not wait. */
  get isWritten(): boolean {
    if (this.backup.isRecording) return false;
    return !this.#isRecording || this.aof.writer.bufferedBytes === 0;
  }

  /** Housekeeping, called by cron. */
  tick(nowMs: number): void {
    this.#warmChild(nowMs);
    this.child.tick(nowMs);
    // Of data that are being loaded (DEBUG LOADAOF) there is only a part, which must not be saved.
    if (!this.#host.keyspace.isLoading) {
      this.rdb.tick(nowMs);
      this.aof.tick();
      this.backup.tick(nowMs);
    }
    this.#refuseWritesIfNeeded();
  }

  /**
   * Starts the child before it is needed. A server without data does without a second thread, and
   * as the start keeps this one waiting for some milliseconds, it comes when nobody is served, or
   * at last when that has not happened for a while.
   */
  #warmChild(nowMs: number): void {
    const { keyspace, statistics } = this.#host;
    if (this.child.isStarted || keyspace.dirty === 0) return;
    if (this.#firstChangeMs === 0) this.#firstChangeMs = nowMs;
    const isIdle = statistics.commandsProcessed === this.#commandsSeen;
    this.#commandsSeen = statistics.commandsProcessed;
    if (isIdle || nowMs - this.#firstChangeMs >= WARM_MS_MAX) this.child.start();
  }

  /** Why writers are refused, or null. */
  writeError(): CommandError | null {
    if (this.rdb.refusesWrites) return MISCONF_RDB;
    const { diskError } = this.aof;
    if (diskError === null) return null;
    return commandError(`MISCONF Errors writing to the AOF file: ${diskError}`);
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.rdb.saveCount = 0;
    this.aof.pause.resetStatistics();
    this.aof.writer.delayedSyncCount = 0;
    this.child.freezeCount = 0;
    this.child.lastFreezeUs = 0;
  }

  /** FLUSHALL has emptied everything. */
  afterFlushAll(): void {
    this.rdb.afterFlushAll();
    this.#refuseWritesIfNeeded();
  }

  /**
   * DEBUG RELOAD: saves, empties and loads the data set, each step as wanted, and replies. Keys
   * that exist already are replaced if `merges`, else they are an error.
   */
  reload(client: Client, steps: ReloadSteps): void {
    if (this.#host.keyspace.isLoading) throw LOADING;
    this.#host.process.whileBusy(() => this.#reload(client, steps));
  }

  #reload(client: Client, { saves, flushes, merges }: ReloadSteps): void {
    const { log } = this.#host;
    if (saves && this.rdb.saveNow() !== null) throw commandError("ERR");
    if (flushes) this.#empty();
    try {
      this.rdb.reloadNow(merges);
    } catch (error) {
      log.warning(`Cannot reload the data: ${errorText(error)}`);
      throw commandError("ERR Error trying to load the RDB dump, check server logs.");
    }
    log.warning("DEBUG RELOAD has read the RDB file");
    client.reply.ok();
  }

  #empty(): void {
    const { keyspace } = this.#host;
    for (const db of keyspace.databases) {
      keyspace.listener.databaseFlushed(db);
      db.clear();
    }
    this.#libraries.restore([], "flush");
  }

  /** DEBUG LOADAOF: empties the data set and repeats the AOF; the client waits for the reply. */
  reloadAof(client: Client): void {
    const { calls, keyspace, log } = this.#host;
    if (keyspace.isLoading) throw LOADING;
    if (calls.isNested) throw commandError("ERR Command not allowed inside a transaction");
    this.#empty();
    client.flags |= REDIS_BLOCKED;
    this.#keepOut();
    // Replicas and backups have heard of it before.
    this.#silence(true);
    const finish = (reply: () => void) => {
      this.#silence(false);
      this.#letIn();
      client.flags &= ~REDIS_BLOCKED;
      reply();
      client.transport.requestFlush();
      client.transport.resume();
    };
    this.aof.reload().then(
      () => finish(() => client.reply.ok()),
      (error) => {
        log.warning(`Cannot reload the AOF: ${errorText(error)}`);
        finish(() =>
          client.reply.error("ERR Error trying to load the AOF files, check server logs.")
        );
      },
    );
  }

  /** Ends the child and closes the AOF; resolves when no sync is under way. */
  async close(): Promise<void> {
    this.backup.end();
    this.child.close();
    await this.aof.close();
  }

  #refuseWritesIfNeeded(): void {
    this.#host.gates.set(GATE_MISCONF, this.rdb.refusesWrites || this.aof.diskError !== null);
  }

  /** Replies wait for the disk from now on, or no more. */
  #applyPolicy(): null {
    const { barrier, config } = this.#host;
    barrier.isKept = this.#isRecording && config.appendfsync === "always";
    return null;
  }

  #applyAppendOnly(): string | null {
    const { config } = this.#host;
    return this.aof.setAppendOnly(config.appendonly)
      ? null
      : "Unable to turn on AOF. Check server logs.";
  }

  #loadingStarted(totalBytes: number): void {
    this.loadingTotalBytes = totalBytes;
    this.loadedBytes = 0;
    this.loadingStartedMs = clock.refresh();
    this.#keepOut();
  }

  /**
   * From now on clients are told LOADING. What loads a file does this for as long as it reads; who
   * has more to do before others may come does it around that, for they come in between otherwise:
   * turns run between the steps of asynchronous functions.
   */
  #keepOut(): void {
    this.#loadCount++;
    this.#applyLoading();
  }

  #letIn(): void {
    this.#loadCount--;
    this.#applyLoading();
  }

  #applyLoading(): void {
    const { blocking, keyspace, gates } = this.#host;
    const isLoading = this.#loadCount > 0;
    keyspace.isLoading = isLoading;
    blocking.isHeld = isLoading;
    gates.set(GATE_LOADING, isLoading);
  }
}
