/**
 * Server: makes all parts and joins them. No globals: two servers can live in one process, as they
 * do in tests.
 *
 * It is made from a configuration and a command table and does nothing until `start`. Clients come
 * from listeners (net/listeners.ts) or from a test that calls `clientLife.add` itself. To the parts
 * it is the `Host` (session/host.ts), of which each takes what it names.
 */
import type { Log } from "../base/log.ts";
import { forgetScratch } from "../base/scratch.ts";
import { Timers } from "../base/timers.ts";
import { Acl } from "../access/acl.ts";
import { loadUsersAtStart } from "../access/acl_file.ts";
import type { Config } from "../config/config.ts";
import { Persistence } from "../durability/persistence.ts";
import { ReplyBarrier } from "../durability/reply_barrier.ts";
import { ClientLife } from "../execution/client_life.ts";
import { Dispatcher } from "../execution/dispatch.ts";
import { KeyspaceAnnouncements } from "../execution/keyspace_announcements.ts";
import { Propagation } from "../execution/propagation.ts";
import { Replay } from "../execution/replay.ts";
import { resetStatistics } from "../execution/reset_statistics.ts";
import { Turn } from "../execution/turn.ts";
import { Yielding } from "../execution/yielding.ts";
import { Evictor } from "../keyspace/evict.ts";
import { ExpireCycle } from "../keyspace/expire.ts";
import { Keyspace } from "../keyspace/keyspace.ts";
import { Arena } from "../memory/arena.ts";
import { SEGMENT_COUNT_MAX } from "../memory/memory.ts";
import { SoftwareFork } from "../memory/software_fork.ts";
import { NativeFiles } from "../net/appended_file.ts";
import { KernelSyncs } from "../net/kernel_syncs.ts";
import type { EventLoop } from "../net/event_loop.ts";
import { Listeners } from "../net/listeners.ts";
import { WorkerIo } from "../net/synchronous_io.ts";
import { Blocking } from "../observers/blocking.ts";
import { KeyspaceEvents } from "../observers/keyspace_events.ts";
import { Monitors } from "../observers/monitors.ts";
import { PubSub } from "../observers/pubsub.ts";
import { Tracking } from "../observers/tracking.ts";
import { WatchTable } from "../observers/watch.ts";
import type { ChildPort } from "../persistence/background_child.ts";
import type { EffectSink } from "../persistence/effect_encoder.ts";
import { DiskFileSystem, type FileSystem } from "../persistence/file_system.ts";
import { connectByTls, connectPlainly } from "../net/outgoing.ts";
import { MasterLink } from "../replication/master_link.ts";
import { Replication } from "../replication/replication.ts";
import { MigrationSockets, type SynchronousIo } from "../replication/migration_sockets.ts";
import { CallStack } from "../session/call_stack.ts";
import { Scripting } from "../scripting/scripting.ts";
import type { Client } from "../session/client.ts";
import { Clients } from "../session/clients.ts";
import type { RedisCommand } from "../session/command.ts";
import { CommandTable } from "../session/command_table.ts";
import { Gates } from "../session/gates.ts";
import type { Host, SocketPolling } from "../session/host.ts";
import { CommandDurations } from "../statistics/duration_histogram.ts";
import { LatencyMonitor } from "../statistics/latency.ts";
import { CommandLogs } from "../statistics/slowlog.ts";
import { Statistics } from "../statistics/statistics.ts";
import { ActiveDefrag } from "../upkeep/active_defrag.ts";
import { ClientMemory } from "../upkeep/client_memory.ts";
import { ClientPause } from "../upkeep/client_pause.ts";
import { MemoryLimit } from "../upkeep/memory_limit.ts";
import { MemoryReturn, processMemory } from "../upkeep/memory_return.ts";
import { OutputLimits } from "../upkeep/output_limits.ts";
import { StreamPacker } from "../upkeep/stream_packer.ts";
import { applyConfig } from "./config_effects.ts";
import { Cron } from "./cron.ts";
import { ServerProcess } from "./host_process.ts";
import { announceOpen } from "./start_banner.ts";
import { Supervision } from "./supervision.ts";
import type { SystemMemory } from "./system_memory.ts";

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
  /** A smaller address space than refs can reach, in segments of 256 KiB; for tests. */
  segmentCountMax?: number;
  /** Gives memory back to the system at once; without it the garbage collector does. */
  systemMemory?: SystemMemory | null;
  /** Carries the clients by epoll; without it the runtime does. */
  eventLoop?: EventLoop | null;
  /** Timers of another clock; for tests. */
  timers?: Timers;
  /** Ends the process; Deno.exit if not given. */
  exit?: (code: number) => never;
  /** How MIGRATE reaches other servers; a Worker if not given. */
  synchronousIo?: SynchronousIo;
}

export class Server implements Host {
  readonly config: Config;
  readonly log: Log;
  readonly files: FileSystem;
  readonly arena: Arena;
  readonly fork: SoftwareFork;
  readonly keyspace: Keyspace;
  readonly expireCycle: ExpireCycle;
  readonly evictor: Evictor;
  readonly statistics = new Statistics();
  readonly durations = new CommandDurations();
  readonly commandLogs: CommandLogs;
  readonly latency: LatencyMonitor;
  readonly gates = new Gates();
  readonly timers: Timers;
  readonly commands: CommandTable;
  readonly clients = new Clients();
  readonly calls = new CallStack();
  readonly acl: Acl;
  readonly watch = new WatchTable();
  readonly blocking: Blocking;
  readonly pubsub: PubSub;
  readonly events: KeyspaceEvents;
  readonly tracking: Tracking;
  readonly monitors: Monitors;
  readonly pause: ClientPause;
  readonly clientMemory: ClientMemory;
  readonly outputLimits: OutputLimits;
  readonly memoryLimit: MemoryLimit;
  readonly memoryReturn: MemoryReturn;
  readonly activeDefrag: ActiveDefrag;
  readonly streamPacker: StreamPacker;
  readonly persistence: Persistence;
  readonly propagation: Propagation;
  readonly turn: Turn;
  readonly barrier: ReplyBarrier;
  readonly dispatcher: Dispatcher;
  readonly clientLife: ClientLife;
  readonly yielding: Yielding;
  readonly scripting: Scripting;
  readonly replication: Replication;
  readonly masterLink: MasterLink;
  readonly migrationSockets: MigrationSockets;
  readonly listeners: Listeners;
  readonly supervision: Supervision;
  readonly process: ServerProcess;
  readonly #cron: Cron;
  readonly #nativeFiles: NativeFiles | null;
  #effectSink: EffectSink | null = null;

  constructor(options: ServerOptions) {
    const { config, rows, log, debug = false, exit = Deno.exit, createChild } = options;
    const { segmentCountMax = SEGMENT_COUNT_MAX, systemMemory = null, eventLoop = null } = options;
    this.config = config;
    this.log = log;
    this.timers = options.timers ?? new Timers();
    this.#nativeFiles = eventLoop && new NativeFiles(eventLoop, KernelSyncs.open(eventLoop));
    this.files = options.files ?? new DiskFileSystem(this.#nativeFiles);
    this.commandLogs = new CommandLogs(config);
    this.latency = new LatencyMonitor(config);
    this.arena = new Arena({ debug, segmentCountMax, pages: systemMemory });
    this.fork = new SoftwareFork(this.arena);
    this.keyspace = new Keyspace(this.arena, config.databases, new KeyspaceAnnouncements(this));
    this.commands = new CommandTable(rows, config.redisVersion, config);
    this.acl = new Acl(this, (client) => {
      this.outputLimits.apply(client);
      this.clientMemory.update(client);
    });
    this.turn = new Turn(this.statistics, this.timers, () => this.#endTurn());
    this.barrier = new ReplyBarrier({
      calls: this.calls,
      turn: this.turn,
      mustSyncInTurn: () => this.replication.replicas.size > 0,
    });
    this.propagation = new Propagation(this);
    this.dispatcher = new Dispatcher(this);
    this.clientLife = new ClientLife(this);
    this.monitors = new Monitors(this.gates);
    this.pause = new ClientPause(this, {
      execute: (client) => this.dispatcher.executePostponed(client),
      afterwards: (task) => this.turn.afterwards(task),
    });
    this.clientMemory = new ClientMemory(this, () => this.turn.schedule());
    this.tracking = new Tracking(config, this.clients, () => this.calls.depth > 0);
    this.outputLimits = new OutputLimits(this);
    this.yielding = new Yielding(this);
    this.scripting = new Scripting(this);
    this.persistence = this.#createPersistence(createChild, exit);
    this.replication = new Replication(this);
    this.clientLife.onReplicaGone = (client) => this.replication.forget(client);
    this.masterLink = this.#createMasterLink(exit);
    this.blocking = new Blocking(
      config,
      (client, attempt) => this.dispatcher.callServed(client, attempt),
      (client) => this.dispatcher.refuseServed(client),
      (client, endWait) => this.pause.postponeWoken(client, endWait),
      (client) => this.#resumeClient(client),
      this.timers,
    );
    this.pubsub = new PubSub((client) => this.outputLimits.apply(client));
    this.events = new KeyspaceEvents(config, this.pubsub);
    const pages = processMemory(systemMemory);
    this.memoryReturn = new MemoryReturn(this.arena, this.clientMemory, pages);
    this.activeDefrag = new ActiveDefrag(this);
    this.streamPacker = new StreamPacker(this);
    this.expireCycle = new ExpireCycle(this.keyspace);
    this.evictor = new Evictor(this.keyspace);
    this.memoryLimit = new MemoryLimit(this, {
      aof: () => this.persistence.aof.writer.bufferedBytes,
      backlog: () => this.replication.backlog?.heldBytes ?? 0,
    });
    this.migrationSockets = new MigrationSockets(options.synchronousIo ?? new WorkerIo(this));
    this.listeners = new Listeners(this, eventLoop);
    this.supervision = new Supervision(log, this.timers);
    this.process = new ServerProcess(this, exit);
    this.#cron = new Cron(this);
    this.clientLife.onFirst = () => this.#cron.wake();
    this.arena.onGrowth = () => this.memoryLimit.watchIfNeeded();
    applyConfig(this);
  }

  get sockets(): SocketPolling {
    return this.listeners;
  }

  /** Loads the data and begins to accept clients. Throws if either is impossible. */
  async start(): Promise<void> {
    const { config } = this;
    loadUsersAtStart(this);
    this.listeners.open();
    this.process.writePidFile();
    // Whoever connects while the data is loading hears so.
    this.listeners.accept();
    announceOpen(this);
    this.memoryReturn.measureRuntime();
    if (config.replicaof !== null) this.masterLink.prepare(config.replicaof);
    await this.persistence.loadAtStart(() => this.replication.expectHistory());
    // Redis: commands that were repeated from a file are in no statistics.
    resetStatistics(this);
    this.memoryReturn.begin();
    this.#cron.start();
    this.masterLink.begin(this.persistence.rdb.loadedHistory);
  }

  /** Stops accepting, ends all clients, stops all timers; saving is the business of `process`. */
  async close(): Promise<void> {
    this.#cron.stop();
    this.masterLink.close();
    this.pause.stop();
    this.blocking.stop();
    this.listeners.close();
    this.supervision.close();
    this.migrationSockets.close();
    for (const client of [...this.clients.values()]) client.transport.close();
    await this.persistence.close();
    this.#nativeFiles?.close();
    this.listeners.stop();
    forgetScratch();
  }

  /** Runs one step of housekeeping now; cron calls it ten times a second, tests when they like. */
  runCron(): void {
    this.#cron.tick();
  }

  /**
   * Goes on with the requests of a client that was blocked: not at once, since others that wait for
   * the same key come first, and another's command may be running.
   */
  #resumeClient({ transport }: Client): void {
    this.turn.afterwards(() => transport.resume());
  }

  #createPersistence(
    createChild: ServerOptions["createChild"],
    exit: (code: number) => never,
  ): Persistence {
    return new Persistence({
      host: this,
      createChild,
      replay: new Replay(this),
      libraries: this.scripting.functions,
      history: () => this.replication.history,
      setEffectSink: (sink) => this.#setEffectSink(sink),
      selectAgain: () => this.propagation.selectAgain(),
      attachSink: (sink) => this.propagation.attach(sink),
      detachSink: (sink) => this.propagation.detach(sink),
      silence: (isSilent) => {
        this.propagation.isSilent = isSilent;
      },
      isUnitOpen: () => this.propagation.isUnitOpen,
      exit,
    });
  }

  #createMasterLink(exit: (code: number) => never): MasterLink {
    const { config, log } = this;
    return new MasterLink({
      host: this,
      connect: (hostname, port) =>
        config.tlsReplication
          ? connectByTls(config, hostname, port)
          : connectPlainly(hostname, port),
      listeningPort: () =>
        config.tlsReplication ? config.tlsPort : this.listeners.port || config.port,
      panic: (reason) => {
        log.warning(`The server ends: ${reason}`);
        exit(1);
      },
    });
  }

  /** What comes before the replies of a turn; false if they must wait. */
  #endTurn(): boolean {
    if (this.expireCycle.isBehind) this.expireCycle.run("fast");
    this.memoryLimit.evictIfDue();
    // Keys that went away without a command concern some who wait.
    if (this.blocking.hasReady) this.blocking.serveReady();
    this.tracking.broadcast();
    this.replication.endTurn();
    if (this.clientMemory.isOverLimit) this.clientMemory.evict();
    const mayFlush = this.persistence.beforeReplies();
    // What they wait for may just have been brought to the disk.
    this.replication.waits.serve();
    return mayFlush;
  }

  /** The AOF records effects from now on, or no more. */
  #setEffectSink(sink: EffectSink | null): void {
    if (this.#effectSink !== null) this.propagation.detach(this.#effectSink);
    this.#effectSink = sink;
    if (sink !== null) this.propagation.attach(sink);
  }
}
