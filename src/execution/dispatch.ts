/**
 * Dispatch: from requests in a client's query buffer to replies in its output (Redis:
 * processCommand and call).
 *
 *   parse → look up the row → checks, in Redis's order → queue (MULTI) or call
 *   call  → procedure → statistics → AOF
 *
 * The checks are the list `CHECKS`, one small function each. For a client and a server in their
 * normal state none of them can object, which two words of bits tell: `client.flags` and
 * `server.gate`; then the list is skipped.
 *
 * Here is the only place that catches a CommandError, or AddressSpaceFull. Any other exception is
 * our own mistake and ends the process (main.ts).
 *
 * TIME. Reading a clock costs as much as a GET here. So the monotonic clock is read at the end of
 * each run of equal cheap commands (a pipeline of SETs) and of each command that may be slow, and
 * one reading is also the start of the next run in the same turn; the wall clock is read when it is
 * half a millisecond old. The sums in INFO commandstats are exact.
 */
import * as clock from "../base/clock.ts";
import { AddressSpaceFull } from "../memory/arena.ts";
import { REQUEST_COMPLETE, REQUEST_PARTIAL, RequestParser } from "../protocol/request_parser.ts";
import type { Argv } from "../protocol/argv.ts";
import {
  type Client,
  REDIS_BLOCKED,
  REDIS_CLOSE_AFTER_REPLY,
  REDIS_CLOSE_NOW,
  REDIS_DIRTY_EXEC,
  REDIS_LIMITED_USER,
  REDIS_MONITOR,
  REDIS_MULTI,
  REDIS_NO_TOUCH,
  REDIS_PUBSUB,
  REDIS_PUSHED_TO,
  REDIS_REPLY_OFF,
  REDIS_REPLY_SKIP,
  REDIS_REPLY_SKIP_NEXT,
  REDIS_TRACKING,
} from "../session/client.ts";
import {
  COMMAND_CHEAP,
  COMMAND_DENYOOM,
  COMMAND_LOADING,
  COMMAND_NEVER_QUEUED,
  COMMAND_NO_AUTH,
  COMMAND_NO_MULTI,
  COMMAND_PROTECTED,
  COMMAND_READONLY,
  COMMAND_WRITE,
  type CompiledCommand,
} from "../session/command.ts";
import {
  CommandError,
  commandError,
  LOADING,
  NO_AUTH,
  OUT_OF_MEMORY,
  unknownSubcommand,
  wrongArity,
} from "../session/errors.ts";
import { lacksRoom } from "../upkeep/address_space.ts";
import { debugRefusal } from "./protected_commands.ts";
import { ReadAhead } from "./read_ahead.ts";
import type { Server } from "../server/server.ts";

/** Reasons why the checks may object to a command of any client; bits of `server.gate`. */
export const GATE_LOADING = 1 << 0;
/** The last save or AOF write failed: MISCONF to writers. */
export const GATE_MISCONF = 1 << 1;
/** `maxmemory` is set, or the address space is nearly used up. */
export const GATE_MEMORY = 1 << 2;
export const GATE_MONITOR = 1 << 4;
export const GATE_PAUSED = 1 << 5;

/** The wall clock that commands see is read anew when it is older than this. */
const CLOCK_AGE_US_MAX = 500;
/** Client flags under which the list of checks must be asked. */
const SPECIAL_CLIENT = REDIS_MULTI | REDIS_PUBSUB | REDIS_LIMITED_USER | REDIS_MONITOR;
const REPLY_FLAGS = REDIS_REPLY_OFF | REDIS_REPLY_SKIP | REDIS_REPLY_SKIP_NEXT;
/** Client flags under which a command needs care before and after. */
const SPECIAL_REPLY = REPLY_FLAGS | REDIS_PUSHED_TO | REDIS_NO_TOUCH;
const STOP_READING = REDIS_BLOCKED | REDIS_CLOSE_AFTER_REPLY | REDIS_CLOSE_NOW;

const SHOWN_ARGUMENT_BYTES_MAX = 128;
/** HTTP on a port of ours is logged once in this time. */
const HTTP_LOG_PERIOD_MS = 60_000;
const PUBSUB_COMMANDS = new Set([
  "ping",
  "quit",
  "reset",
  "subscribe",
  "unsubscribe",
  "psubscribe",
  "punsubscribe",
  "ssubscribe",
  "sunsubscribe",
]);

type Check = (client: Client, command: CompiledCommand) => CommandError | null;

/** In Redis's order; the first that objects refuses the command. */
const CHECKS: readonly Check[] = [
  checkProtected,
  checkAuthentication,
  checkMultiAllowed,
  checkPermission,
  checkMemory,
  checkDisk,
  checkPubSub,
  checkLoading,
  checkMonitor,
];

/** In a transaction, DEBUG is refused before it is queued; else it does this by itself. */
function checkProtected(client: Client, command: CompiledCommand): CommandError | null {
  return (command.bits & COMMAND_PROTECTED) === 0 ? null : debugRefusal(client);
}

function checkAuthentication(client: Client, command: CompiledCommand): CommandError | null {
  return client.isAuthenticated || (command.bits & COMMAND_NO_AUTH) !== 0 ? null : NO_AUTH;
}

function checkMultiAllowed({ flags }: Client, command: CompiledCommand): CommandError | null {
  if ((flags & REDIS_MULTI) === 0 || (command.bits & COMMAND_NO_MULTI) === 0) return null;
  return commandError("ERR Command not allowed inside a transaction");
}

function checkPermission(client: Client, command: CompiledCommand): CommandError | null {
  return client.server.checkPermission(client, command);
}

function checkMemory(client: Client, command: CompiledCommand): CommandError | null {
  const { server, flags, argv } = client;
  if ((server.gate & GATE_MEMORY) === 0) return null;
  if (lacksRoom(server.arena, command, argv)) return OUT_OF_MEMORY;
  if (server.freeMemoryIfNeeded()) return null;
  // Redis: a transaction takes memory while it is queued, whatever its commands do.
  const isQueued = (flags & REDIS_MULTI) !== 0 && (command.bits & COMMAND_NEVER_QUEUED) === 0;
  return isQueued || (command.bits & COMMAND_DENYOOM) !== 0 ? OUT_OF_MEMORY : null;
}

function checkDisk({ server }: Client, command: CompiledCommand): CommandError | null {
  if ((server.gate & GATE_MISCONF) === 0) return null;
  const isWriting = (command.bits & COMMAND_WRITE) !== 0 || command.name === "ping";
  return isWriting ? server.diskError() : null;
}

function checkPubSub(client: Client, command: CompiledCommand): CommandError | null {
  const isLimited = (client.flags & REDIS_PUBSUB) !== 0 && client.reply.resp === 2;
  if (!isLimited || PUBSUB_COMMANDS.has(command.name)) return null;
  return commandError(
    `ERR Can't execute '${command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / ` +
      "RESET are allowed in this context",
  );
}

function checkLoading({ server }: Client, command: CompiledCommand): CommandError | null {
  const isRefused = (server.gate & GATE_LOADING) !== 0 && (command.bits & COMMAND_LOADING) === 0;
  return isRefused ? LOADING : null;
}

function checkMonitor({ flags, mstate }: Client, command: CompiledCommand): CommandError | null {
  if ((flags & REDIS_MONITOR) === 0) return null;
  const touchesKeys = COMMAND_READONLY | COMMAND_WRITE;
  const isTouching = (command.bits & touchesKeys) !== 0 ||
    (command.name === "exec" && mstate.commands.some(({ cmd }) => (cmd.bits & touchesKeys) !== 0));
  return isTouching ? commandError("ERR Replica can't interact with the keyspace") : null;
}

export class Dispatcher {
  readonly parser = new RequestParser();
  /** Cheap commands are timed one by one: somebody wants to know of all that take a while. */
  timesEachCall = false;
  readonly #server: Server;
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

  constructor(server: Server) {
    this.#server = server;
  }

  /** Carries out all complete requests of a client, as far as it may go on. */
  processQuery(client: Client): void {
    const { query } = client;
    const { parser } = this;
    if (this.#server.turn.open()) {
      this.#nowUs = clock.monotonicUs();
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
      client.argv = parser.argv;
      this.execute(client);
    }
    if (this.#runCommand !== null) this.#endRun();
  }

  /** Carries out (or queues, or refuses) the command in `client.argv`. */
  execute(client: Client): void {
    const server = this.#server;
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
        if (server.blocking.hasReady) server.blocking.serveReady();
      }
    }
    // The command may have set or cleared them.
    if (((flagsBefore | client.flags) & SPECIAL_REPLY) !== 0) endSpecial(client, mark);
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
    const server = this.#server;
    const { keyspace } = server;
    const dirtyBefore = keyspace.dirty;
    const mark = client.reply.length;
    const isOutermost = server.callDepth++ === 0;
    client.command = command;
    client.propagation = null;
    server.lastClient = client;
    const isTimedAlone = (command.bits & COMMAND_CHEAP) === 0 || this.timesEachCall;
    const startUs = isTimedAlone ? this.#beginTimed() : this.#beginRun(command);
    try {
      command.proc(client);
    } catch (error) {
      const refusal = this.#refusalOf(error);
      client.reply.rewind(Math.max(mark, client.runningMark));
      this.replyError(client, refusal);
      command.failedCalls++;
    }
    if ((server.gate & GATE_MONITOR) !== 0) server.monitors.feed(client, command);
    if ((client.flags & REDIS_TRACKING) !== 0) server.tracking.remember(client, command);
    command.calls++;
    server.statistics.commandsProcessed++;
    if (isTimedAlone) this.#endTimed(client, command, startUs);
    server.callDepth--;
    const isRecorded = keyspace.dirty !== dirtyBefore || client.propagation !== null;
    if (server.commandLog !== null && isRecorded) server.propagate(client, command);
    if (isOutermost && server.commandLog !== null) server.commandLog.endUnit();
  }

  /**
   * Carries out (or queues) the command in `client.argv` without any of the checks: it was
   * recorded, so it was allowed. False if there is no such command.
   */
  replay(client: Client): boolean {
    const { argv } = client;
    let command = this.#server.commands.find(argv, 0);
    if (command !== null && command.subcommandTable !== null && argv.count >= 2) {
      command = command.subcommandTable.get(argv.text(1).toLowerCase()) ?? null;
    }
    if (command === null) return false;
    if ((client.flags & REDIS_MULTI) !== 0 && (command.bits & COMMAND_NEVER_QUEUED) === 0) {
      queueCommand(client, command);
    } else {
      this.call(client, command);
      // Nobody asked for it, so its time is nobody's.
      this.#runCommand = null;
    }
    return true;
  }

  /**
   * Runs a command that was queued, as part of EXEC. Redis asks some questions again: the memory
   * limit and the permissions may have changed since it was queued.
   */
  callQueued(client: Client, command: CompiledCommand): void {
    if ((client.flags & REDIS_LIMITED_USER) !== 0) {
      const error = this.#server.acl.refusalInExec(client, command);
      if (error !== null) return this.replyError(client, error);
    }
    // Those before it may have used up what was left. While a file is loaded, nothing is left out.
    const { arena, keyspace } = this.#server;
    if (keyspace.isLoading) arena.requireRoom(0);
    else if (lacksRoom(arena, command, client.argv)) return this.replyError(client, OUT_OF_MEMORY);
    this.call(client, command);
  }

  /**
   * Runs an attempt to serve a blocked client as the command it waits with. Returns what the
   * attempt returned: whether it replied and changed anything.
   */
  callServed(client: Client, attempt: () => boolean): boolean {
    const server = this.#server;
    const dirtyBefore = server.keyspace.dirty;
    server.callDepth++;
    client.propagation = null;
    let isServed: boolean;
    try {
      isServed = attempt();
    } catch (error) {
      this.replyError(client, this.#refusalOf(error));
      isServed = true;
    }
    server.callDepth--;
    if (server.commandLog !== null && server.keyspace.dirty !== dirtyBefore) {
      server.propagate(client, client.command!);
      if (server.callDepth === 0) server.commandLog.endUnit();
    }
    if (isServed) client.transport.requestFlush();
    return isServed;
  }

  /** The client's error that an exception stands for; any other is thrown on. */
  #refusalOf(error: unknown): CommandError {
    if (error instanceof CommandError) return error;
    // While a file is loaded there is no client to tell: the load fails.
    if (error instanceof AddressSpaceFull && !this.#server.keyspace.isLoading) return OUT_OF_MEMORY;
    throw error;
  }

  replyError(client: Client, error: CommandError): void {
    client.reply.error(error.text);
    this.#server.statistics.countError(error.text);
  }

  /** The row of the command if it may be carried out now; else answers why not. */
  #admit(client: Client): CompiledCommand | null {
    const server = this.#server;
    const { argv } = client;
    let command = server.commands.find(argv, 0);
    if (command === null) {
      if (isHttp(argv)) return this.#endHttp(client);
      return this.#refuse(client, null, unknownCommand(argv));
    }
    if (command.subcommandTable !== null && argv.count >= 2) {
      const subcommand = command.subcommandTable.get(argv.text(1).toLowerCase());
      if (subcommand === undefined) {
        const error = unknownSubcommand(
          argv.quoted(1, SHOWN_ARGUMENT_BYTES_MAX),
          command.name.toUpperCase(),
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
      server.gate !== 0 || !client.isAuthenticated || (client.flags & SPECIAL_CLIENT) !== 0
    ) {
      for (const check of CHECKS) {
        const error = check(client, command);
        if (error !== null) return this.#refuse(client, command, error);
      }
      if ((server.gate & GATE_PAUSED) !== 0 && server.pauseIfNeeded(client, command)) return null;
    }
    return command;
  }

  #refuse(client: Client, command: CompiledCommand | null, error: CommandError): null {
    if ((client.flags & REDIS_MULTI) !== 0) client.flags |= REDIS_DIRTY_EXEC;
    client.command = command;
    if (command !== null) command.rejectedCalls++;
    if (command?.name === "exec") {
      this.#server.abortTransaction(client, error);
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
      this.#server.log.warning(
        `Possible attack: ${client.transport.peerAddress} has sent POST or Host:, as a browser ` +
          "does that was made to connect to this server. Connection aborted.",
      );
    }
    return null;
  }

  #protocolError(client: Client): void {
    const text = `ERR Protocol error: ${this.parser.error}`;
    client.reply.error(text);
    this.#server.statistics.countError(text);
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
    if (this.#runCommand !== null) this.#endRun();
    else this.#readClock();
    const us = this.#nowUs - startUs;
    this.#charge(command, us, 1);
    this.#server.observeDuration(client, command, us);
  }

  #charge(command: CompiledCommand, us: number, calls: number): void {
    command.microseconds += us;
    const { config, durations } = this.#server;
    if (config.latencyTracking) durations.record(command, us, calls);
  }

  #endRun(): void {
    this.#readClock();
    this.#charge(this.#runCommand!, this.#nowUs - this.#runStartUs, this.#runCalls);
    this.#runCommand = null;
  }

  #readClock(): void {
    this.#nowUs = clock.monotonicUs();
    // To the commands within a transaction it is the moment at which EXEC began.
    if (this.#server.callDepth > 1) return;
    if (this.#nowUs - this.#refreshedUs > CLOCK_AGE_US_MAX) this.#refreshClock();
  }

  #refreshClock(): void {
    clock.refresh();
    this.#refreshedUs = this.#nowUs;
  }
}

/** Appends the current command to the client's transaction. */
function queueCommand(client: Client, cmd: CompiledCommand): void {
  const { mstate } = client;
  const argv = client.argv.clone();
  mstate.commands.push({ argv, argc: argv.count, cmd });
  mstate.count++;
  mstate.argvBytes += argv.totalBytes();
  client.command = cmd;
}

/** Before a command of a client whose replies are dropped, or that may be pushed to. */
function beginSpecial(client: Client): void {
  if ((client.flags & REDIS_REPLY_SKIP_NEXT) !== 0) {
    client.flags = (client.flags & ~REDIS_REPLY_SKIP_NEXT) | REDIS_REPLY_SKIP;
  }
  client.runningMark = client.reply.length;
  const { keyspace, tracking } = client.server;
  if ((client.flags & REDIS_TRACKING) !== 0) tracking.writer = client;
  // Touching is what TOUCH is for.
  if ((client.flags & REDIS_NO_TOUCH) !== 0) keyspace.isTouchPaused = !client.argv.is(0, "touch");
}

/** After it: drops its reply if so wished, adds the pushes that waited. */
function endSpecial(client: Client, mark: number): void {
  client.runningMark = -1;
  if ((client.flags & (REDIS_REPLY_OFF | REDIS_REPLY_SKIP)) !== 0) client.reply.rewind(mark);
  client.flags &= ~REDIS_REPLY_SKIP;
  const { keyspace, tracking } = client.server;
  if (client.tracking !== null) tracking.endCommand(client);
  tracking.writer = null;
  keyspace.isTouchPaused = false;
  client.addLaterPushes();
}

/** Whether a "command" is a line of an HTTP request. */
function isHttp(argv: Argv): boolean {
  return argv.is(0, "post") || argv.is(0, "host:");
}

function unknownCommand(argv: Argv): CommandError {
  let shown = "";
  for (let index = 1; index < argv.count && shown.length < SHOWN_ARGUMENT_BYTES_MAX; index++) {
    shown += `'${argv.quoted(index, SHOWN_ARGUMENT_BYTES_MAX - shown.length)}' `;
  }
  const name = argv.quoted(0, SHOWN_ARGUMENT_BYTES_MAX);
  return commandError(
    `ERR unknown command '${name}', with args beginning with: ${shown}`,
  );
}
