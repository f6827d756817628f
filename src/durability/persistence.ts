/**
 * Persistence: what the server asks of RDB and AOF together: what to load at start, what must be on
 * disk before a reply may leave, why writers are refused.
 */
import * as clock from "../base/clock.ts";
import type { Argv } from "../protocol/argv.ts";
import { BackgroundChild, type ChildPort } from "../persistence/background_child.ts";
import { DiskFileSystem, errorText, type FileSystem } from "../persistence/file_system.ts";
import type { AofReplay } from "../persistence/aof_loader.ts";
import { AofControl } from "./aof_control.ts";
import {
  type Client,
  type ClientTransport,
  REDIS_BLOCKED,
  REDIS_DENY_BLOCKING,
  REDIS_INTERNAL,
} from "../session/client.ts";
import { GATE_LOADING, GATE_MISCONF } from "../execution/dispatch.ts";
import { type CommandError, commandError } from "../session/errors.ts";
import { RdbControl } from "./rdb_control.ts";
import { RewriteChild } from "./rewrite_child.ts";
import type { Server } from "../server/server.ts";

/** Steps of freeing what waited for the end of a freeze, per tick. */
const SETTLE_STEPS = 8;

/** The child is started this long after the first change, idle or not. */
const WARM_MS_MAX = 30_000;

const MISCONF_RDB = commandError(
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk." +
    " Commands that may modify the data set are disabled, because this instance is configured to" +
    " report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option)." +
    " Please check the Redis logs for details about the RDB error.",
);

export class Persistence {
  readonly files: FileSystem;
  readonly child: BackgroundChild;
  readonly rdb: RdbControl;
  readonly aof: AofControl;
  /** Loading in progress: bytes in all and done, Unix time of its begin in ms; INFO loading_…. */
  loadingTotalBytes = 0;
  loadedBytes = 0;
  loadingStartedMs = 0;
  readonly #server: Server;
  /** When a change of the data was first seen; 0: none yet. */
  #firstChangeMs = 0;
  /** Commands processed up to the last tick. */
  #commandsSeen = 0;

  constructor(
    server: Server,
    files: FileSystem = new DiskFileSystem(),
    createChild?: () => ChildPort,
  ) {
    this.#server = server;
    this.files = files;
    const { arena, fork, log, config, keyspace, latency } = server;
    const onLatency = (event: string, durationUs: number) => latency.addIfNeeded(event, durationUs);
    this.child = new BackgroundChild({ arena, fork, log, files, createChild, onLatency });
    const loading = {
      loadingStarted: (totalBytes: number) => this.#loadingStarted(totalBytes),
      onLoadProgress: (loadedBytes: number) => {
        this.loadedBytes = loadedBytes;
      },
      loadingEnded: () => this.#loadingEnded(),
    };
    const { child } = this;
    const rdb = new RdbControl({
      config,
      keyspace,
      files,
      log,
      child,
      saveEnded: () => this.#refuseWritesIfNeeded(),
      onLatency,
      ...loading,
    });
    this.rdb = rdb;
    this.aof = new AofControl({
      config,
      files,
      log,
      child: new RewriteChild(child, rdb),
      replay: new Replay(server),
      writeBase: (path, isRdb) => rdb.writeBase(path, isRdb),
      loadRdb: (path) => rdb.loadFile(path, true),
      loadDump: () => rdb.loadDump(),
      ...loading,
      setCommandLog: (commandLog) => {
        server.commandLog = commandLog;
      },
      isInTransaction: () => server.callDepth > 1,
      exit: (code) => server.exit(code),
      onErrorChange: () => this.#refuseWritesIfNeeded(),
      onLatency,
    });
    config.onChange("appendonly", () => this.#applyAppendOnly());
  }

  /** Loads what the files hold. Rejects if there are files that cannot be loaded. */
  async loadAtStart(): Promise<void> {
    const isLoaded = await this.aof.loadAtStart();
    if (!isLoaded) await this.rdb.loadDump();
    // Redis: commands that were repeated from a file are in no statistics.
    this.#server.resetStatistics();
  }

  /** End of a turn: makes its commands as safe as `appendfsync` promises. */
  beforeReplies(): boolean {
    return this.#server.commandLog === null || this.aof.flush();
  }

  /** Housekeeping, called by cron. */
  tick(nowMs: number): void {
    this.#warmChild(nowMs);
    this.child.tick(nowMs);
    for (let step = 0; step < SETTLE_STEPS && this.child.step(); step++);
    this.rdb.tick(nowMs);
    this.aof.tick();
    this.#refuseWritesIfNeeded();
  }

  /**
   * Starts the child before it is needed. A server without data does without a second thread, and
   * as the start keeps this one waiting for some milliseconds, it comes when nobody is served, or
   * at last when that has not happened for a while.
   */
  #warmChild(nowMs: number): void {
    const { keyspace, statistics } = this.#server;
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

  /** FLUSHALL has emptied everything. */
  afterFlushAll(): void {
    this.rdb.afterFlushAll();
    this.#refuseWritesIfNeeded();
  }

  /**
   * DEBUG RELOAD: saves, empties and loads the data set, each step as wanted, and replies. Keys
   * that exist already are replaced if `merges`, else they are an error.
   */
  reload(
    client: Client,
    { saves, flushes, merges }: { saves: boolean; flushes: boolean; merges: boolean },
  ): void {
    const { keyspace, log } = this.#server;
    if (saves && this.rdb.saveNow() !== null) throw commandError("ERR");
    if (flushes) {
      for (const db of keyspace.databases) {
        keyspace.listener.databaseFlushed(db);
        db.clear();
      }
    }
    try {
      this.rdb.reloadNow(merges);
    } catch (error) {
      log.warning(`Cannot reload the data: ${errorText(error)}`);
      throw commandError("ERR Error trying to load the RDB dump, check server logs.");
    }
    log.warning("DB reloaded by DEBUG RELOAD");
    client.reply.ok();
  }

  /** DEBUG LOADAOF: empties the data set and repeats the AOF; the client waits for the reply. */
  reloadAof(client: Client): void {
    const server = this.#server;
    if (!this.aof.isEnabled) throw commandError("ERR");
    for (const db of server.keyspace.databases) db.clear();
    client.flags |= REDIS_BLOCKED;
    const finish = (reply: () => void) => {
      client.flags &= ~REDIS_BLOCKED;
      reply();
      client.transport.requestFlush();
      client.transport.resume();
    };
    this.aof.reload().then(
      () => finish(() => client.reply.ok()),
      (error) => {
        server.log.warning(`Cannot reload the AOF: ${errorText(error)}`);
        finish(() =>
          client.reply.error("ERR Error trying to load the AOF files, check server logs.")
        );
      },
    );
  }

  /** Ends the child and closes the AOF; resolves when no sync is under way. */
  async close(): Promise<void> {
    this.child.close();
    await this.aof.close();
  }

  #refuseWritesIfNeeded(): void {
    this.#server.setGate(GATE_MISCONF, this.rdb.refusesWrites || this.aof.diskError !== null);
  }

  #applyAppendOnly(): string | null {
    const { config } = this.#server;
    return this.aof.setAppendOnly(config.appendonly)
      ? null
      : "Unable to turn on AOF. Check server logs.";
  }

  #loadingStarted(totalBytes: number): void {
    const server = this.#server;
    this.loadingTotalBytes = totalBytes;
    this.loadedBytes = 0;
    this.loadingStartedMs = clock.refresh();
    server.keyspace.isLoading = true;
    server.setGate(GATE_LOADING, true);
  }

  #loadingEnded(): void {
    this.#server.keyspace.isLoading = false;
    this.#server.setGate(GATE_LOADING, false);
  }
}

/** A client without a connection, which runs the commands of an AOF. */
class Replay implements AofReplay, ClientTransport {
  readonly peerAddress = "";
  readonly localAddress = "";
  readonly #server: Server;
  #client: Client | null = null;

  constructor(server: Server) {
    this.#server = server;
  }

  execute(argv: Argv): boolean {
    const client = this.#client ??= this.#createClient();
    client.argv = argv;
    // Without this a file could not be refused before its data are everywhere.
    this.#server.arena.requireRoom(0);
    const isKnown = this.#server.dispatcher.replay(client);
    client.reply.rewind(0);
    return isKnown;
  }

  discard(): void {
    if (this.#client === null) return;
    this.#server.discardTransaction(this.#client);
    this.#server.removeClient(this.#client);
    this.#client = null;
  }

  close(): void {}
  requestFlush(): void {}
  resume(): void {}

  #createClient(): Client {
    const client = this.#server.createClient(this, 0);
    client.flags |= REDIS_INTERNAL | REDIS_DENY_BLOCKING;
    client.isAuthenticated = true;
    return client;
  }
}
