/**
 * Dispatch: from requests in a client's query buffer to replies in its output (Redis:
 * processCommand and call).
 *
 *   parse → look up the row → checks, in Redis's order → queue (MULTI) or call
 *   call  → procedure → statistics → AOF
 *
 * The checks are a list of small functions (command_checks.ts). For a client and a server in their
 * normal state none of them can object, which two words of bits tell: `client.flags` and
 * `host.gates`; then the list is skipped.
 *
 * Here is the only place that catches a CommandError, or AddressSpaceFull. Any other exception is
 * our own mistake and ends the process (main.ts).
 *
 * TIME. Reading a clock costs as much as a GET here. So the monotonic clock is read at the end of
 * each run of equal cheap commands (a pipeline of SETs) and of each command that may be slow, and
 * one reading is also the start of the next run in the same turn; the wall clock is read when it is
 * half a millisecond old. The sums in INFO commandstats are exact.
 */
import { asciiUpper } from "../base/ascii.ts";
import * as clock from "../base/clock.ts";
import { AddressSpaceFull } from "../memory/arena.ts";
import { REQUEST_COMPLETE, REQUEST_PARTIAL, RequestParser } from "../protocol/request_parser.ts";
import type { ReplayOutcome } from "../persistence/aof_loader.ts";
import { Argv } from "../protocol/argv.ts";
import type { Reply } from "../protocol/reply.ts";
import {
  type Client,
  type MultiCmd,
  REDIS_BLOCKED,
  REDIS_CLOSE_AFTER_REPLY,
  REDIS_CLOSE_NOW,
  REDIS_DIRTY_EXEC,
  REDIS_LIMITED_USER,
  REDIS_MONITOR,
  REDIS_MULTI,
  REDIS_PUBSUB,
  REDIS_REPLICA,
  REDIS_TRACKING,
  SPECIAL_REPLY,
} from "../session/client.ts";
import {
  COMMAND_CHEAP,
  COMMAND_NEVER_QUEUED,
  COMMAND_RUNS_QUEUE,
  type CompiledCommand,
} from "../session/command.ts";
import {
  CommandError,
  OUT_OF_MEMORY,
  SHOWN_ARGUMENT_BYTES_MAX,
  unknownCommand,
  unknownSubcommand,
  wrongArity,
} from "../session/errors.ts";
import { lacksRoom } from "../upkeep/address_space.ts";
import { noteLarge, noteSlow, roughRequestBytes } from "./command_logging.ts";
import { findRefusal } from "./command_checks.ts";
import { ReadAhead } from "./read_ahead.ts";
import { GATE_MONITOR, GATE_PAUSED } from "../session/gates.ts";
import type { Host } from "../session/host.ts";
import { beginSpecial, endSpecial } from "./special_clients.ts";
import { abortTransaction, queueCommand } from "./transaction.ts";

/** The wall clock that commands see is read anew when it is older than this. */
const CLOCK_AGE_US_MAX = 500;
/** Client flags under which the list of checks must be asked. */
const SPECIAL_CLIENT = REDIS_MULTI | REDIS_PUBSUB | REDIS_LIMITED_USER | REDIS_MONITOR |
  REDIS_REPLICA;
const STOP_READING = REDIS_BLOCKED | REDIS_CLOSE_AFTER_REPLY | REDIS_CLOSE_NOW;

/** HTTP on a port of ours is logged once in this time. */
const HTTP_LOG_PERIOD_MS = 60_000;

/** Clocks are read after so many commands of a master (a power of two). */
const OBEYED_PER_CLOCK_READING = 16;

declare module "../session/host.ts" {
  interface Host {
    readonly dispatcher: Dispatcher;
  }
}

/** Who has the commands of a master carried out (`obey`). */
export interface ObeyedStream {
  /** A command was carried out, or queued. */
  onApplied(): void;
  /** A command has replied an error: the data may differ from the master's now. */
  onRefused(reply: Reply): void;
}

/**
 * How `obey` ends: all that was complete has been carried out; the time is up; what follows is no
 * request.
 */
export type ObeyOutcome = "idle" | "paused" | "invalid";

/** What it uses of the host. */
type DispatchHost = Pick<
  Host,
  | "acl"
  | "arena"
  | "barrier"
  | "blocking"
  | "calls"
  | "commandLogs"
  | "commands"
  | "config"
  | "durations"
  | "gates"
  | "keyspace"
  | "latency"
  | "log"
  | "monitors"
  | "pause"
  | "propagation"
  | "statistics"
  | "tracking"
  | "turn"
>;

export class Dispatcher {
  readonly parser = new RequestParser();
  /** Cheap commands are timed one by one: somebody wants to know of all that take a while. */
  timesEachCall = false;
  /** Replies and requests from so many bytes on are noted (COMMANDLOG). */
  largeReplyBytes = Infinity;
  largeRequestBytes = Infinity;
  readonly #host: DispatchHost;
  readonly #readAhead = new ReadAhead();
  /** Command of the run whose time has not been charged yet, and its number of calls. */
  #runCommand: CompiledCommand | null = null;
  #runCalls = 0;
  #runStartUs = 0;
  /** The last reading of the monotonic clock, and the one at which the wall clock was read. */
  #nowUs = 0;
  #refreshedUs = 0;
  /** When HTTP was last logged. */
  #httpLoggedMs = 0;

  constructor(host: DispatchHost) {
    this.#host = host;
  }

  /** When the command that may be slow and runs began (monotonic clock, µs). */
  get startUs(): number {
    return this.#nowUs;
  }

  /** Carries out all complete requests of a client, as far as it may go on. */
  processQuery(client: Client): void {
    const { query } = client;
    const { parser } = this;
    const beganUs = this.#host.turn.open();
    if (beganUs !== 0) {
      this.#nowUs = beganUs;
      this.#refreshClock();
    }
    client.lastInteractionMs = clock.nowMs();
    let touched = 0;
    while ((client.flags & STOP_READING) === 0) {
      if (--touched < 0) touched = this.#readAhead.run(client);
      const outcome = parser.parse(query, client.isAuthenticated);
      if (outcome === REQUEST_PARTIAL) break;
      if (outcome !== REQUEST_COMPLETE) {
        this.#protocolError(client);
        break;
      }
      if (parser.argv.count === 0) continue;
      if (touched > 0) this.#readAhead.recall(query, parser.argv);
      client.argv = parser.argv;
      this.execute(client);
      // What is behind a reply that is beyond all limits is not carried out any more.
      if (client.reply.isOverflown) client.flags |= REDIS_CLOSE_NOW;
      if (client.reply.length >= client.reply.earlyBytes) client.transport.flushEarly();
    }
    if (this.#runCommand !== null) this.#endRun();
  }

  /** Carries out (or queues, or refuses) the command in `client.argv`. */
  execute(client: Client): void {
    const host = this.#host;
    const mark = client.reply.length;
    const flagsBefore = client.flags;
    if ((flagsBefore & SPECIAL_REPLY) !== 0) beginSpecial(client);
    const command = this.#admit(client);
    if (command !== null) {
      if (
        (client.flags & REDIS_MULTI) !== 0 && (command.bits & COMMAND_NEVER_QUEUED) === 0
      ) {
        queueCommand(client, command);
        client.reply.simple("QUEUED");
      } else {
        this.call(client, command);
        // Not from inside of another client's command.
        if (host.blocking.hasReady && host.calls.depth === 0) host.blocking.serveReady();
      }
    }
    // The command may have set or cleared them.
    if (((flagsBefore | client.flags) & SPECIAL_REPLY) !== 0) endSpecial(client, mark);
  }

  /**
   * From within a running command: `serve` carries out requests of other clients (processQuery).
   * The arguments of the command that runs are left alone, and its time stays its own.
   */
  interleave(serve: () => void): void {
    const { parser } = this;
    const { argv } = parser;
    parser.argv = new Argv();
    this.#readClock();
    serve();
    parser.argv = argv;
    // That command keeps its moment (yielding.ts); what comes after it must not.
    this.#refreshedUs = 0;
  }

  /** Carries out a request that had to wait (CLIENT PAUSE); its arguments are in `client.argv`. */
  executePostponed(client: Client): void {
    this.#nowUs = clock.monotonicUs();
    this.#refreshClock();
    this.execute(client);
    if (this.#runCommand !== null) this.#endRun();
  }

  /**
   * Runs the procedure of `command` on `client.argv`, charges it, and records its effect. Used for
   * requests, and by EXEC for queued commands.
   */
  call(client: Client, command: CompiledCommand): void {
    const host = this.#host;
    const { barrier, keyspace, calls, propagation } = host;
    const dirtyBefore = keyspace.dirty;
    const call = calls.enter(client, command);
    const isTimedAlone = (command.bits & COMMAND_CHEAP) === 0 || this.timesEachCall;
    const startUs = isTimedAlone ? this.#beginTimed() : this.#beginRun(command);
    try {
      command.proc(client);
    } catch (error) {
      const refusal = this.#refusalOf(error);
      client.reply.rewind(Math.max(call.mark, client.runningMark));
      this.replyError(client, refusal);
      command.failedCalls++;
    }
    if (barrier.isKept) barrier.commandRan(call, keyspace.dirty !== dirtyBefore);
    if ((host.gates.bits & GATE_MONITOR) !== 0) host.monitors.feed(client, command);
    if ((client.flags & REDIS_TRACKING) !== 0) host.tracking.remember(client, command);
    command.calls++;
    host.statistics.commandsProcessed++;
    if (isTimedAlone) this.#endTimed(client, command, startUs);
    const replyBytes = client.reply.length - call.mark;
    if (
      replyBytes >= this.largeReplyBytes || roughRequestBytes(client.argv) >= this.largeRequestBytes
    ) {
      // One that waits is looked at when it is over.
      if (client.blocked === null) noteLarge(host, this, client, command, replyBytes);
    }
    calls.leave(call);
    if (!propagation.isWanted) return;
    if (keyspace.dirty !== dirtyBefore || call.effects !== null) propagation.record(call);
    if (calls.depth > 0) return;
    if (propagation.endUnit()) client.aofOffset = propagation.aofBytes;
    client.writeOffset = propagation.streamOffset;
    if (barrier.isOpen) barrier.unitEnded(client);
  }

  /**
   * Carries out (or queues) the command in `client.argv`, which was recorded, so it was allowed. Of
   * the checks only those are made that a damaged record may fail.
   */
  replay(client: Client): ReplayOutcome {
    const outcome = this.#carryOut(client);
    // Nobody asked for it, so its time is nobody's.
    this.#runCommand = null;
    return outcome;
  }

  /**
   * Carries out the requests of a master in the query buffer of `client`: nothing is refused, and
   * nobody is answered. Stops after `budgetUs` microseconds, for others wait.
   */
  obey(client: Client, budgetUs: number, stream: ObeyedStream): ObeyOutcome {
    const { query } = client;
    const beganUs = this.#host.turn.open();
    if (beganUs !== 0) {
      this.#nowUs = beganUs;
      this.#refreshClock();
    }
    client.lastInteractionMs = clock.nowMs();
    const endUs = clock.monotonicUs() + budgetUs;
    let outcome: ObeyOutcome = "idle";
    for (let count = 1;; count++) {
      const parsed = this.parser.parse(query, true);
      if (parsed !== REQUEST_COMPLETE) {
        if (parsed !== REQUEST_PARTIAL) outcome = "invalid";
        break;
      }
      client.argv = this.parser.argv;
      if (client.argv.count > 0) this.#obeyOne(client, stream);
      stream.onApplied();
      if (count % OBEYED_PER_CLOCK_READING === 0 && clock.monotonicUs() > endUs) {
        outcome = "paused";
        break;
      }
    }
    if (this.#runCommand !== null) this.#endRun();
    return outcome;
  }

  #obeyOne(client: Client, stream: ObeyedStream): void {
    const { blocking, statistics } = this.#host;
    const { errorReplies } = statistics;
    const { argv, reply } = client;
    const problem = this.#carryOut(client);
    if (problem !== "done") {
      client.command = null;
      if ((client.flags & REDIS_MULTI) !== 0) client.flags |= REDIS_DIRTY_EXEC;
      const isUnknown = problem === "unknown command";
      this.replyError(client, isUnknown ? unknownCommand(argv) : wrongArity(argv.text(0)));
    }
    if (blocking.hasReady) blocking.serveReady();
    if (statistics.errorReplies !== errorReplies) stream.onRefused(reply);
    reply.rewind(0);
  }

  /** Carries out (or queues) the command in `client.argv` without asking whether it may. */
  #carryOut(client: Client): ReplayOutcome {
    const { argv } = client;
    const { commands } = this.#host;
    // What we write by ourselves, as DEL for a key that expired, has the command's own name.
    let command = commands.find(argv, 0) ?? commands.findByOwnName(argv.text(0));
    if (command !== null && command.subcommandTable !== null && argv.count >= 2) {
      command = command.subcommandTable.find(argv, 1);
    }
    if (command === null) return "unknown command";
    const { arity } = command;
    const isWrongArity = arity > 0 ? argv.count !== arity : argv.count < -arity;
    if (isWrongArity) return "wrong number of arguments";
    if ((client.flags & REDIS_MULTI) !== 0 && (command.bits & COMMAND_NEVER_QUEUED) === 0) {
      queueCommand(client, command);
    } else {
      this.call(client, command);
    }
    return "done";
  }

  /**
   * Runs a command that was queued, as part of EXEC. Redis asks some questions again: the memory
   * limit and the permissions may have changed since it was queued.
   */
  callQueued(client: Client, { argv, cmd }: MultiCmd): void {
    client.argv = argv;
    const error = this.#refusalInExec(client, cmd);
    if (error === null) this.call(client, cmd);
    else this.replyError(client, error);
    client.argv = client.call!.argv;
  }

  /**
   * Runs an attempt to serve a blocked client as the command it waits with. Returns what the
   * attempt returned: whether it replied and changed anything.
   */
  callServed(client: Client, attempt: () => boolean): boolean {
    const { barrier, keyspace, calls, latency, propagation } = this.#host;
    const dirtyBefore = keyspace.dirty;
    const call = calls.enter(client, client.command!);
    const startUs = this.#beginTimed();
    let isServed: boolean;
    try {
      isServed = attempt();
    } catch (error) {
      client.reply.rewind(call.mark);
      this.replyError(client, this.#refusalOf(error));
      client.command!.failedCalls++;
      isServed = true;
    }
    this.#readClock();
    if (barrier.isKept) barrier.commandRan(call, keyspace.dirty !== dirtyBefore);
    calls.leave(call);
    if (isServed) {
      const us = this.#nowUs - startUs;
      this.endBlocked(client, us);
      latency.addIfNeeded("command-unblocking", us);
      noteLarge(this.#host, this, client, call.command, client.reply.length - call.mark);
    }
    if (propagation.isWanted && keyspace.dirty !== dirtyBefore) {
      propagation.record(call);
      if (calls.depth === 0) propagation.endUnit();
      client.aofOffset = propagation.aofBytes;
      client.writeOffset = propagation.streamOffset;
    }
    if (barrier.isOpen && calls.depth === 0) barrier.unitEnded(client);
    if (isServed) client.transport.requestFlush();
    return isServed;
  }

  /** Whether the command that a client waits with is not allowed any more; then it is told why. */
  refuseServed(client: Client): boolean {
    const error = findRefusal(client, client.command!);
    if (error === null) return false;
    // It counts as refused, not as called any more.
    client.command!.calls = Math.max(0, client.command!.calls - 1);
    this.#refuse(client, client.command, error);
    client.transport.requestFlush();
    return true;
  }

  /**
   * The command that a client waited with is over: its time is looked at as a whole, with the
   * `servedUs` that it took to serve it.
   */
  endBlocked(client: Client, servedUs: number): void {
    const command = client.command!;
    command.microseconds += servedUs;
    this.#observe(client, command, client.blocked!.durationUs + servedUs);
  }

  /** The client's error that an exception stands for; any other is thrown on. */
  #refusalOf(error: unknown): CommandError {
    if (error instanceof CommandError) return error;
    // While a file is loaded there is no client to tell: the load fails.
    if (error instanceof AddressSpaceFull && !this.#host.keyspace.isLoading) return OUT_OF_MEMORY;
    throw error;
  }

  #refusalInExec(client: Client, command: CompiledCommand): CommandError | null {
    const { acl, arena, keyspace } = this.#host;
    if ((client.flags & REDIS_LIMITED_USER) !== 0) {
      const error = acl.refusalInExec(client, command);
      if (error !== null) return error;
    }
    // Those before it may have used up what was left. While a file is loaded, nothing is left out.
    if (keyspace.isLoading) arena.requireRoom(0);
    else if (lacksRoom(arena, command, client.argv)) return OUT_OF_MEMORY;
    return null;
  }

  replyError(client: Client, error: CommandError): void {
    client.reply.error(error.text);
    this.#host.statistics.countError(error.text);
  }

  /** The row of the command if it may be carried out now; else answers why not. */
  #admit(client: Client): CompiledCommand | null {
    const host = this.#host;
    const { argv } = client;
    let command = host.commands.find(argv, 0);
    if (command === null) {
      if (isHttp(argv)) return this.#endHttp(client);
      return this.#refuse(client, null, unknownCommand(argv));
    }
    if (command.subcommandTable !== null && argv.count >= 2) {
      const subcommand = command.subcommandTable.find(argv, 1);
      if (subcommand === null) {
        const error = unknownSubcommand(
          argv.quoted(1, SHOWN_ARGUMENT_BYTES_MAX),
          asciiUpper(argv.text(0)),
        );
        return this.#refuse(client, null, error);
      }
      command = subcommand;
    }
    const { arity } = command;
    if (arity > 0 ? argv.count !== arity : argv.count < -arity) {
      return this.#refuse(client, command, wrongArity(command.name));
    }
    if (
      host.gates.bits !== 0 || !client.isAuthenticated || (client.flags & SPECIAL_CLIENT) !== 0
    ) {
      const error = findRefusal(client, command);
      if (error !== null) return this.#refuse(client, command, error);
      if ((host.gates.bits & GATE_PAUSED) !== 0 && host.pause.postpone(client, command)) {
        return null;
      }
    }
    return command;
  }

  #refuse(client: Client, command: CompiledCommand | null, error: CommandError): null {
    if ((client.flags & REDIS_MULTI) !== 0) client.flags |= REDIS_DIRTY_EXEC;
    client.command = command;
    if (command !== null) command.rejectedCalls++;
    if (command !== null && (command.bits & COMMAND_RUNS_QUEUE) !== 0) {
      this.replyError(client, abortTransaction(client, error));
    } else {
      this.replyError(client, error);
    }
    return null;
  }

  /** Redis: the connection ends at once, before the rest of the request is taken for commands. */
  #endHttp(client: Client): null {
    client.flags |= REDIS_CLOSE_NOW;
    if (clock.nowMs() - this.#httpLoggedMs > HTTP_LOG_PERIOD_MS) {
      this.#httpLoggedMs = clock.nowMs();
      this.#host.log.warning(
        `Possible attack: ${client.transport.peerAddress} has sent POST or Host:, as a browser ` +
          "does that was made to connect to this server. Connection aborted.",
      );
    }
    return null;
  }

  #protocolError(client: Client): void {
    // In the middle of a replica's stream there is no room for an answer.
    if ((client.flags & REDIS_REPLICA) !== 0) {
      client.flags |= REDIS_CLOSE_NOW;
      return;
    }
    const text = `ERR Protocol error: ${this.parser.error}`;
    client.reply.error(text);
    this.#host.statistics.countError(text);
    client.query.position = client.query.end;
    client.query.argumentsMissing = -1;
    client.query.argumentBytes = -1;
    client.flags |= REDIS_CLOSE_AFTER_REPLY;
  }

  /** A cheap command begins: it joins the run of its kind, or ends the run of another kind. */
  #beginRun(command: CompiledCommand): number {
    if (this.#runCommand === command) {
      this.#runCalls++;
      return 0;
    }
    if (this.#runCommand !== null) this.#endRun();
    this.#runCommand = command;
    this.#runCalls = 1;
    this.#runStartUs = this.#nowUs;
    return 0;
  }

  /** A command that may be slow begins; returns when. Others may run inside of it (EXEC). */
  #beginTimed(): number {
    if (this.#runCommand !== null) this.#endRun();
    return this.#nowUs;
  }

  /** A command that may have been slow is over: its time is read, and looked at. */
  #endTimed(client: Client, command: CompiledCommand, startUs: number): void {
    const { calls, statistics } = this.#host;
    const commandsUs = statistics.commandsUs;
    if (this.#runCommand !== null) this.#endRun();
    else this.#readClock();
    const us = this.#nowUs - startUs;
    command.microseconds += us;
    // Whatever has run inside of it is a part of its time.
    if (!calls.isNested) statistics.commandsUs = commandsUs + us;
    // One that waits is looked at when it is over.
    if (client.blocked !== null) client.blocked.durationUs = us;
    else this.#observe(client, command, us);
  }

  /** Takes note of how long a command took, in µs: histogram, slow log, latency events. */
  #observe(client: Client, command: CompiledCommand, microseconds: number): void {
    this.#record(command, microseconds, 1);
    noteSlow(this.#host, client, command, microseconds);
  }

  #record(command: CompiledCommand, us: number, calls: number): void {
    const { config, durations } = this.#host;
    if (config.latencyTracking) durations.record(command, us, calls);
  }

  #endRun(): void {
    this.#readClock();
    const command = this.#runCommand!;
    const us = this.#nowUs - this.#runStartUs;
    command.microseconds += us;
    if (!this.#host.calls.isNested) this.#host.statistics.commandsUs += us;
    this.#record(command, us, this.#runCalls);
    this.#runCommand = null;
  }

  #readClock(): void {
    this.#nowUs = clock.monotonicUs();
    // To the commands within a transaction it is the moment at which EXEC began.
    if (this.#host.calls.isNested) return;
    if (this.#nowUs - this.#refreshedUs > CLOCK_AGE_US_MAX) this.#refreshClock();
  }

  #refreshClock(): void {
    clock.refresh();
    this.#refreshedUs = this.#nowUs;
  }
}

/** Whether a "command" is a line of an HTTP request. */
function isHttp(argv: Argv): boolean {
  return argv.is(0, "post") || argv.is(0, "host:");
}
