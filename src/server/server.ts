/**
 * Server: owns everything that runs, and joins it together. No globals: two servers can live in one
 * process, as they do in tests.
 *
 * It is made from a configuration and a command table and does nothing until `start`. Clients come
 * from listeners (listener.ts) or from a test that calls `addClient` itself.
 */
import * as clock from "../base/clock.ts";
import { latin1Text } from "../base/bytes.ts";
import type { Log } from "../base/log.ts";
import { hexId } from "../base/random.ts";
import type { Database } from "../keyspace/database.ts";
import { Evictor } from "../keyspace/evict.ts";
import { ExpireCycle } from "../keyspace/expire.ts";
import { Keyspace } from "../keyspace/keyspace.ts";
import type { KeyspaceListener } from "../keyspace/keyspace_listener.ts";
import { Arena } from "../memory/arena.ts";
import { SoftwareFork } from "../memory/software_fork.ts";
import type { ChildPort } from "../persistence/background_child.ts";
import type { CommandLog } from "../persistence/command_log.ts";
import type { FileSystem } from "../persistence/file_system.ts";
import { Argv } from "../protocol/argv.ts";
import { Acl } from "../access/acl.ts";
import { ActiveDefrag } from "../upkeep/active_defrag.ts";
import { loadUsersAtStart, userLines } from "../access/acl_file.ts";
import { Blocking } from "../observers/blocking.ts";
import {
  Client,
  type ClientTransport,
  REDIS_DIRTY_CAS,
  REDIS_DIRTY_EXEC,
  REDIS_LIMITED_USER,
  REDIS_MULTI,
  REDIS_NO_EVICT,
  REDIS_NO_TOUCH,
  REDIS_REPLY_OFF,
  REDIS_REPLY_SKIP_NEXT,
  REDIS_UNIX_SOCKET,
} from "../session/client.ts";
import {
  COMMAND_FAST,
  COMMAND_MAY_REPLICATE,
  COMMAND_WRITE,
  type CompiledCommand,
  type RedisCommand,
} from "../session/command.ts";
import { ClientMemory } from "../upkeep/client_memory.ts";
import { ClientPause } from "../upkeep/client_pause.ts";
import { CommandTable } from "../session/command_table.ts";
import { type Config, systemErrorText } from "../config/config.ts";
import { applyConfig } from "./config_effects.ts";
import { Cron } from "./cron.ts";
import { Dispatcher, GATE_MONITOR } from "../execution/dispatch.ts";
import { type CommandError, commandError } from "../session/errors.ts";
import { CommandDurations } from "../statistics/duration_histogram.ts";
import { KeyspaceEvents } from "../observers/keyspace_events.ts";
import { LatencyMonitor } from "../statistics/latency.ts";
import { Listeners } from "../net/listeners.ts";
import { Monitors } from "../observers/monitors.ts";
import { OutputLimits } from "../upkeep/output_limits.ts";
import { MemoryReturn } from "../upkeep/memory_return.ts";
import { Persistence } from "../durability/persistence.ts";
import { prepareForShutdown, type ShutdownOptions } from "./shutdown.ts";
import { PubSub } from "../observers/pubsub.ts";
import { Slowlog } from "../statistics/slowlog.ts";
import { Statistics } from "../statistics/statistics.ts";
import { Supervision } from "./supervision.ts";
import { Tracking } from "../observers/tracking.ts";
import { Turn } from "../execution/turn.ts";
import { WatchTable } from "../observers/watch.ts";

/** Refuse to grow the data when this much of the 16 GiB of addresses is left. */
const ADDRESS_RESERVE_BYTES = 1.25 * 2 ** 30;
const ADDRESS_BYTES = 16 * 2 ** 30;

export const REDIS_VERSION = "7.0.15";
export const REDENO_VERSION = "0.1.0";

export interface ServerOptions {
  config: Config;
  rows: readonly RedisCommand[];
  log: Log;
  /** Poison freed blocks and verify freezes; for tests. */
  debug?: boolean;
  /** Where files are; the disk if not given. */
  files?: FileSystem;
  /** Makes the child that saves in the background; a Worker if not given. */
  createChild?: () => ChildPort;
  /** Ends the process; Deno.exit if not given. */
  exit?: (code: number) => never;
}

export class Server implements KeyspaceListener {
  readonly config: Config;
  readonly log: Log;
  readonly arena: Arena;
  readonly fork: SoftwareFork;
  readonly keyspace: Keyspace;
  readonly commands: CommandTable;
  readonly dispatcher: Dispatcher;
  readonly turn: Turn;
  readonly watch = new WatchTable();
  readonly blocking: Blocking;
  readonly pubsub: PubSub;
  readonly events: KeyspaceEvents;
  readonly statistics = new Statistics();
  readonly memoryReturn: MemoryReturn;
  readonly activeDefrag: ActiveDefrag;
  readonly expireCycle: ExpireCycle;
  readonly evictor: Evictor;
  /** All connected clients by id, in order of arrival. */
  readonly clients = new Map<number, Client>();
  readonly runId = hexId(40);
  /** How replicas would know the data set; DEBUG CHANGE-REPL-ID gives it another. */
  replicationId = hexId(40);
  readonly startedMs: number;
  /** Bytes of the arena in use before the first key. */
  readonly startupBytes: number;
  readonly durations = new CommandDurations();
  readonly slowlog: Slowlog;
  readonly latency: LatencyMonitor;
  /** DEBUG PAUSE-CRON. */
  isCronPaused = false;
  /** Reasons why a command may be refused: GATE_… bits (dispatch.ts). */
  gate = 0;
  readonly acl: Acl;
  readonly monitors = new Monitors();
  readonly pause: ClientPause;
  readonly clientMemory: ClientMemory;
  readonly tracking: Tracking;
  readonly outputLimits: OutputLimits;
  readonly isReplica = false;
  /** Commands that are running: 1, or more inside EXEC. */
  callDepth = 0;
  /** The client whose command runs, or ran last. */
  lastClient: Client | null = null;
  /** Where effects are recorded; null while there is no such place, and while loading. */
  commandLog: CommandLog | null = null;
  readonly persistence: Persistence;
  readonly listeners: Listeners;
  readonly supervision: Supervision;
  readonly #cron: Cron;
  readonly #countBytes = () => this.countedBytes();
  /** Ends the process; a test may put something else here. */
  readonly exit: (code: number) => never;
  #nextClientId = 1;
  #hasPidFile = false;

  constructor(options: ServerOptions) {
    const { config, rows, log, debug = false, exit = Deno.exit, files, createChild } = options;
    this.exit = exit;
    this.config = config;
    this.log = log;
    this.slowlog = new Slowlog(config);
    this.latency = new LatencyMonitor(config);
    this.arena = new Arena({ debug });
    this.fork = new SoftwareFork(this.arena);
    this.keyspace = new Keyspace(this.arena, config.databases, this);
    this.commands = new CommandTable(rows);
    this.acl = new Acl(this);
    this.dispatcher = new Dispatcher(this);
    this.pause = new ClientPause(this);
    this.clientMemory = new ClientMemory(this);
    this.tracking = new Tracking(config, this.clients);
    this.outputLimits = new OutputLimits(this);
    this.persistence = new Persistence(this, files, createChild);
    this.turn = new Turn(() => this.#endTurn());
    this.blocking = new Blocking(
      (client, attempt) => this.dispatcher.callServed(client, attempt),
      (client) => this.#resumeClient(client),
      (deadlineMs) => this.#cron.scheduleDeadline(deadlineMs),
    );
    this.pubsub = new PubSub((client) => this.outputLimits.apply(client));
    this.events = new KeyspaceEvents(config, this.pubsub);
    this.memoryReturn = new MemoryReturn(this.arena, this.clientMemory);
    this.activeDefrag = new ActiveDefrag(this);
    this.expireCycle = new ExpireCycle(this.keyspace);
    this.evictor = new Evictor(this.keyspace);
    this.listeners = new Listeners(this);
    this.supervision = new Supervision(log);
    this.startedMs = clock.refresh();
    this.startupBytes = this.arena.usedBytes;
    this.#cron = new Cron(this);
    applyConfig(this);
  }

  /** Whether new clients must authenticate before anything else. */
  get requiresPassword(): boolean {
    return this.acl.requiresPassword;
  }

  /** The client whose command runs now; null between commands. */
  get runningClient(): Client | null {
    return this.callDepth > 0 ? this.lastClient : null;
  }

  /** Loads the data and begins to accept clients. Throws if either is impossible. */
  async start(): Promise<void> {
    loadUsersAtStart(this);
    this.listeners.open();
    this.writePidFile();
    // Whoever connects while the data is loading hears so.
    this.listeners.accept();
    await this.persistence.loadAtStart();
    this.memoryReturn.begin();
    this.#cron.start();
  }

  /** Stops accepting, ends all clients, stops all timers. Data is saved by `shutdown`, not here. */
  async close(): Promise<void> {
    this.#cron.stop();
    this.pause.stop();
    this.listeners.close();
    this.supervision.close();
    for (const client of [...this.clients.values()]) client.transport.close();
    await this.persistence.close();
  }

  /** A client of a connection that has just come. */
  addClient(transport: ClientTransport): Client {
    const client = this.createClient(transport, this.#nextClientId++);
    this.outputLimits.apply(client);
    this.clients.set(client.id, client);
    this.clientMemory.update(client);
    this.statistics.connectionsReceived++;
    return client;
  }

  /** A client that is in no list; id 0 is for those that are no connection. */
  createClient(transport: ClientTransport, id: number): Client {
    return new Client(this, id, transport, clock.nowMs());
  }

  /**
   * SHUTDOWN and signals: makes the data safe and ends the process. Returns false, and goes on, if
   * that is impossible; the log says why.
   */
  shutdown(options: ShutdownOptions): boolean {
    if (!prepareForShutdown(this, options)) return false;
    this.exit(0);
    return true;
  }

  /** Writes the process id where `pidfile` says; a failure is only logged, as in Redis. */
  writePidFile(): void {
    const { pidfile } = this.config;
    if (pidfile === "") return;
    try {
      Deno.writeTextFileSync(this.config.resolvePath(pidfile), `${Deno.pid}\n`);
      this.#hasPidFile = true;
    } catch (error) {
      this.log.warning(`Failed to write PID file: ${systemErrorText(error)}`);
    }
  }

  removePidFile(): void {
    if (!this.#hasPidFile) return;
    this.#hasPidFile = false;
    try {
      Deno.removeSync(this.config.resolvePath(this.config.pidfile));
    } catch {
      // Somebody else removed it.
    }
  }

  /** Forgets a client whose connection has ended. */
  removeClient(client: Client): void {
    if (this.lastClient === client && this.callDepth === 0) this.lastClient = null;
    this.dispatcher.parser.forgetBytes();
    this.watch.unwatchAll(client);
    this.blocking.unblock(client);
    this.pubsub.unsubscribeAll(client);
    this.removeMonitor(client);
    this.tracking.disable(client);
    this.pause.forget(client);
    this.clientMemory.forget(client);
    this.clients.delete(client.id);
  }

  /**
   * Goes on with the requests of a client that was blocked: not at once, since others that wait for
   * the same key come first, and another's command may be running.
   */
  #resumeClient({ transport }: Client): void {
    queueMicrotask(() => transport.resume());
  }

  /** Runs one step of housekeeping now; cron calls it ten times a second, tests when they like. */
  runCron(): void {
    this.#cron.tick();
  }

  /** What comes before the replies of a turn; false if they must wait. */
  #endTurn(): boolean {
    if (this.expireCycle.isBehind) this.expireCycle.run("fast");
    // Keys that went away without a command concern some who wait.
    if (this.blocking.hasReady) this.blocking.serveReady();
    this.tracking.broadcast();
    if (this.clientMemory.isOverLimit) this.clientMemory.evict();
    return this.persistence.beforeReplies();
  }

  // ------------------------------------------------------------------- what dispatch asks for

  /** Records what the current command of a client changed. */
  propagate(client: Client, command: CompiledCommand): void {
    const commandLog = this.commandLog!;
    if (client.propagation !== null) {
      for (const argv of client.propagation) commandLog.append(client.db.index, argv);
    } else if ((command.bits & (COMMAND_WRITE | COMMAND_MAY_REPLICATE)) !== 0) {
      commandLog.append(client.db.index, client.argv);
    }
  }

  /** Whether a client's user may run a command on its keys; ACL is checked here. */
  checkPermission(client: Client, command: CompiledCommand): CommandError | null {
    return client.has(REDIS_LIMITED_USER) ? this.acl.refusal(client, command) : null;
  }

  /** Lets a client see all commands (MONITOR). */
  addMonitor(client: Client): void {
    this.monitors.add(client);
    this.setGate(GATE_MONITOR, true);
  }

  removeMonitor(client: Client): void {
    this.monitors.remove(client);
    this.setGate(GATE_MONITOR, this.monitors.count > 0);
  }

  /** Lets a client wait if CLIENT PAUSE says so; returns whether it does. */
  pauseIfNeeded(client: Client, command: CompiledCommand): boolean {
    return this.pause.postpone(client, command);
  }

  /** Takes note of how long a command took, in µs: slow log, latency events. */
  observeDuration(client: Client, command: CompiledCommand, microseconds: number): void {
    const { slowlogLogSlowerThan, latencyMonitorThreshold } = this.config;
    if (slowlogLogSlowerThan >= 0 && microseconds >= slowlogLogSlowerThan) {
      this.slowlog.add(client, command, microseconds);
    }
    if (latencyMonitorThreshold > 0 && microseconds >= latencyMonitorThreshold * 1000) {
      const isFast = (command.bits & COMMAND_FAST) !== 0;
      this.latency.add(isFast ? "fast-command" : "command", microseconds / 1000);
    }
  }

  /** Checks a password and, if it is right, makes the client that user. */
  authenticate(client: Client, userName: string, password: Uint8Array): boolean {
    const text = latin1Text(password, 0, password.length);
    return this.acl.authenticate(client, userName, text);
  }

  /** Puts a client back into the state it began with (RESET). */
  resetClient(client: Client): void {
    this.watch.unwatchAll(client);
    this.pubsub.unsubscribeAll(client);
    this.removeMonitor(client);
    this.tracking.disable(client);
    client.flags &= ~(REDIS_REPLY_OFF | REDIS_REPLY_SKIP_NEXT | REDIS_NO_EVICT | REDIS_NO_TOUCH);
    client.db = this.keyspace.databases[0];
    client.name = "";
    client.reply.resp = 2;
    this.acl.resetClient(client);
  }

  /** Whether a client is on this machine, which some settings make a condition. */
  isLocal(client: Client): boolean {
    const address = client.transport.peerAddress;
    return (client.flags & REDIS_UNIX_SOCKET) !== 0 || address.startsWith("127.") ||
      address.startsWith("[::1]");
  }

  /** The ACL users as `name rule…`, for CONFIG REWRITE. */
  userLines(): string[] {
    return userLines(this.acl);
  }

  /** Sets the counters of INFO to zero (CONFIG RESETSTAT). */
  resetStatistics(): void {
    const { keyspace } = this;
    this.statistics.reset();
    this.commands.resetStatistics();
    this.durations.reset();
    this.expireCycle.resetStatistics();
    this.activeDefrag.resetStatistics();
    keyspace.hitCount = 0;
    keyspace.missCount = 0;
    keyspace.expiredCount = 0;
    keyspace.evictedCount = 0;
  }

  /** Makes room if `maxmemory` asks for it. False if memory for more data cannot be had. */
  freeMemoryIfNeeded(): boolean {
    if (this.isAddressSpaceLow) return false;
    // While clients are paused, the data set stands still.
    if (this.keyspace.isExpiryPaused) return true;
    const { maxmemory } = this.config;
    return maxmemory === 0 || this.evictor.freeMemoryIfNeeded(maxmemory, this.#countBytes);
  }

  /** Whether so much of the 16 GiB that refs can address is used that no more data is taken. */
  get isAddressSpaceLow(): boolean {
    return this.arena.usedBytes > ADDRESS_BYTES - ADDRESS_RESERVE_BYTES;
  }

  /** Bytes in use: the data, the buffers of the clients and of the AOF, the tracking table. */
  get usedBytes(): number {
    return this.arena.usedBytes + this.clientMemory.totalBytes + this.tracking.tableBytes +
      this.persistence.aof.writer.bufferedBytes;
  }

  /**
   * Bytes that count against `maxmemory`: without the buffer of the AOF, which evictions fill, and
   * without what a frozen image still holds.
   */
  countedBytes(): number {
    return this.arena.usedBytes - this.arena.deferredBytes + this.clientMemory.totalBytes +
      this.tracking.tableBytes;
  }

  /** Why writers are refused although the data is in order; null if they are not. */
  diskError(): CommandError | null {
    return this.persistence.writeError();
  }

  /** EXEC was refused: the transaction is dropped, and the error becomes its outcome. */
  abortTransaction(client: Client, error: CommandError): void {
    this.discardTransaction(client);
    const text = error.text.replace(/^ERR /, "");
    const reply = commandError(`EXECABORT Transaction discarded because of: ${text}`);
    this.dispatcher.replyError(client, reply);
  }

  /** Leaves the transaction: drops its queue and the watches. */
  discardTransaction(client: Client): void {
    client.mstate = { commands: [], count: 0, argvBytes: 0 };
    client.flags &= ~(REDIS_MULTI | REDIS_DIRTY_CAS | REDIS_DIRTY_EXEC);
    this.watch.unwatchAll(client);
  }

  // --------------------------------------------------------------------------- KeyspaceListener

  keyChanged(db: Database, bytes: Uint8Array, start: number, length: number): void {
    if (this.watch.watchCount !== 0) this.watch.touch(db, bytes, start, length);
    if (this.tracking.clientCount !== 0) this.tracking.keyChanged(bytes, start, length, true);
  }

  keyEvent(
    db: Database,
    eventClass: number,
    event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    if ((this.config.notifyKeyspaceEvents & eventClass) !== 0) {
      this.events.notify(db, eventClass, event, bytes, start, length);
    }
  }

  keyVanishes(db: Database, bytes: Uint8Array, start: number, length: number): void {
    this.tracking.keyChanged(bytes, start, length, false);
    const { commandLog } = this;
    if (commandLog === null) return;
    commandLog.append(db.index, Argv.of("DEL", bytes.subarray(start, start + length)));
    if (this.callDepth > 0) return;
    commandLog.endUnit();
    this.turn.schedule();
  }

  keyReady(db: Database, bytes: Uint8Array, start: number, length: number): void {
    if (this.blocking.blockedCount !== 0) this.blocking.keyReady(db, bytes, start, length);
  }

  databaseFlushed(db: Database): void {
    this.watch.touchDatabase(db, null);
    this.tracking.databaseFlushed();
    this.blocking.databaseReady(db);
  }

  /** FLUSHALL has emptied everything: an empty RDB is written if save points exist. */
  afterFlushAll(): void {
    this.persistence.afterFlushAll();
  }

  /** Switches a reason to refuse commands (GATE_…) on or off. */
  setGate(bit: number, isOn: boolean): void {
    this.gate = isOn ? this.gate | bit : this.gate & ~bit;
  }
}
