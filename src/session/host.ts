/**
 * Host: the world as a client sees it, part by part. A command's procedure says
 * `client.host.pubsub.publish(…)`; the assembled server is what stands behind it.
 *
 * Here are the parts that stand below this room. A part of a room above adds itself beside its
 * class:
 *
 *   declare module "../session/host.ts" {
 *     interface Host { readonly pubsub: PubSub }
 *   }
 *
 * so that this file knows nothing of those above it. Who is constructed with `Pick<Host, "log" |
 * "config">` says what it uses; `scripts/check_layers.ts` holds that nobody picks or reaches for a
 * part of a room above its own.
 */
import type { Log } from "../base/log.ts";
import type { Timers } from "../base/timers.ts";
import type { Config } from "../config/config.ts";
import type { Evictor } from "../keyspace/evict.ts";
import type { ExpireCycle } from "../keyspace/expire.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Arena } from "../memory/arena.ts";
import type { SoftwareFork } from "../memory/software_fork.ts";
import type { FileSystem } from "../persistence/file_system.ts";
import type { CommandDurations } from "../statistics/duration_histogram.ts";
import type { LatencyMonitor } from "../statistics/latency.ts";
import type { CommandLogs } from "../statistics/slowlog.ts";
import type { Statistics } from "../statistics/statistics.ts";
import type { Gates } from "./gates.ts";

export interface Host {
  readonly config: Config;
  readonly log: Log;
  /** Where files are: the disk, or what a test has instead. */
  readonly files: FileSystem;
  readonly arena: Arena;
  readonly fork: SoftwareFork;
  readonly keyspace: Keyspace;
  readonly expireCycle: ExpireCycle;
  readonly evictor: Evictor;
  readonly statistics: Statistics;
  readonly durations: CommandDurations;
  readonly commandLogs: CommandLogs;
  readonly latency: LatencyMonitor;
  readonly gates: Gates;
  readonly timers: Timers;
  readonly process: HostProcess;
  readonly sockets: SocketPolling;
}

/** The clients' sockets, as a command sees them that takes long. */
export interface SocketPolling {
  /**
   * Serves other clients from inside of a running command, once and without waiting: reads what
   * has come, carries out what the gates let through, and sends the replies. Clients whose command
   * is in progress are left alone. Returns false, having done nothing, if the sockets are carried
   * in a way that cannot do this (the runtime's own).
   */
  pollOnce(): boolean;
}

/** How SHUTDOWN and signals end the process. */
export interface ShutdownOptions {
  /** "default": save if there are save points. */
  save: "default" | "always" | "never";
  /** End even if the data cannot be saved. */
  isForced: boolean;
  /** Do not wait for replicas. */
  isNow: boolean;
}

/** The process ends; it cannot, as the log says; it will when replicas have what they lack. */
export type ShutdownOutcome = "ends" | "refused" | "waits";

/** What concerns the process as a whole. */
export interface HostProcess {
  /** Identifies this run of the server: 40 hexadecimal digits. */
  readonly runId: string;
  /** When it was started, in ms since 1970. */
  readonly startedMs: number;
  /** DEBUG PAUSE-CRON. */
  isCronPaused: boolean;
  /** INFO: the sections that are asked for, in lower case; none is the default selection. */
  infoText(words: readonly string[]): string;
  /** Tells the service manager what is going on. */
  status(text: string): void;
  /** Clients are served although one command goes on: the service manager need not worry. */
  stillServing(): void;
  /** Does what keeps the event loop for long, without being taken for hanging. */
  whileBusy<Result>(work: () => Result): Result;
  /**
   * Makes the data safe and ends the process. If it `waits` for replicas, `onGivenUp` hears if it
   * goes on after all.
   */
  shutdown(options: ShutdownOptions, onGivenUp?: () => void): ShutdownOutcome;
  /** How long `shutdown` will wait for replicas yet, in ms; null if it does not wait. */
  readonly shutdownLeftMs: number | null;
  /** Ends the process if it has waited for replicas long enough; called by cron. */
  tick(nowMs: number): void;
  /** Ends a wait of `shutdown`: the server goes on. False: there is none. */
  abortShutdown(): boolean;
}
