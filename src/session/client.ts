/**
 * Client: one connection's state, and what a command's procedure gets to see: `db`, `argv`,
 * `reply`.
 *
 * It knows nothing of sockets; `connection.ts` (or a test) feeds the query buffer and takes away
 * the reply. A client lives from the first byte to the close.
 */
import type { Deadlined } from "../base/deadline_heap.ts";
import { answersSince } from "../config/version.ts";
import type { Database } from "../keyspace/database.ts";
import { Argv } from "../protocol/argv.ts";
import { QueryBuffer } from "../protocol/query_buffer.ts";
import { Reply } from "../protocol/reply.ts";
import type { Ref } from "../memory/memory.ts";
import type { Id128 } from "../structures/id128.ts";
import type { AclUser } from "./acl_user.ts";
import {
  type Call,
  COMMAND_RUNS_QUEUE,
  COMMAND_RUNS_SCRIPT,
  type CompiledCommand,
  PROPAGATE_ALL,
} from "./command.ts";
import type { CommandError } from "./errors.ts";
import type { Host } from "./host.ts";

/** Those of clients that have sent nothing yet; nobody changes them. */
const NO_ARGUMENTS = new Argv();

/** In a transaction: commands are queued. */
export const REDIS_MULTI = 1 << 0;
/** A watched key was changed: EXEC answers nil. */
export const REDIS_DIRTY_CAS = 1 << 1;
/** A command was refused while queuing: EXEC answers EXECABORT. */
export const REDIS_DIRTY_EXEC = 1 << 2;
/** Waits for a key; its further requests wait too. */
export const REDIS_BLOCKED = 1 << 3;
/** To be closed when its output is written. */
export const REDIS_CLOSE_AFTER_REPLY = 1 << 4;
/** To be closed at once. */
export const REDIS_CLOSE_NOW = 1 << 5;
/** Subscribed to channels or patterns; with RESP2 few commands are allowed. */
export const REDIS_PUBSUB = 1 << 6;
/** Sees all commands (MONITOR). */
export const REDIS_MONITOR = 1 << 7;
/** CLIENT REPLY OFF. */
export const REDIS_REPLY_OFF = 1 << 8;
/** CLIENT REPLY SKIP: the next command's reply is dropped. */
export const REDIS_REPLY_SKIP_NEXT = 1 << 9;
/** The current command's reply is dropped. */
export const REDIS_REPLY_SKIP = 1 << 10;
/** Commands run inside EXEC or from a file: blocking ones do not block. */
export const REDIS_DENY_BLOCKING = 1 << 11;
/** Not a network client: the AOF loader, or a test. */
export const REDIS_INTERNAL = 1 << 12;
/** CLIENT NO-EVICT ON. */
export const REDIS_NO_EVICT = 1 << 13;
/** CLIENT TRACKING ON. */
export const REDIS_TRACKING = 1 << 14;
/** Connected through a unix socket. */
export const REDIS_UNIX_SOCKET = 1 << 15;
/** EXEC is running this client's queue. */
export const REDIS_EXECUTING = 1 << 16;
/** May get push messages while a command of its own runs: pub/sub, client-side caching. */
export const REDIS_PUSHED_TO = 1 << 17;
/** CLIENT NO-TOUCH ON: its commands leave the access clock of keys alone. */
export const REDIS_NO_TOUCH = 1 << 18;
/** Its ACL user may not do everything: every command is checked. */
export const REDIS_LIMITED_USER = 1 << 19;

/** Runs the commands of a script, and has no connection. */
export const REDIS_SCRIPT = 1 << 20;
/** A replica, which gets the stream of effects; output beside its source ends the connection. */
export const REDIS_REPLICA = 1 << 21;
/** The master of this server, whose stream of effects is carried out. */
export const REDIS_MASTER = 1 << 22;

/** Replies are dropped (CLIENT REPLY). */
export const REPLY_FLAGS = REDIS_REPLY_OFF | REDIS_REPLY_SKIP | REDIS_REPLY_SKIP_NEXT;
/** Client flags under which a command needs care before and after. */
export const SPECIAL_REPLY = REPLY_FLAGS | REDIS_PUSHED_TO | REDIS_NO_TOUCH | REDIS_REPLICA;

/** Bytes that are counted for a queued command beside its arguments. */
export const QUEUED_COMMAND_BYTES = 24;
/** A watched key or a subscription: its name, and its place in a table. Roughly. */
const ENTRY_BYTES = 128;
/** A client without its buffers: objects of the runtime and of this program. Roughly. */
const CLIENT_BYTES = 2048;

/** A command waiting in a transaction (Redis: multiCmd). */
export interface MultiCmd {
  argv: Argv;
  argc: number;
  cmd: CompiledCommand;
}

/** The queue of a transaction (Redis: multiState). */
export interface MultiState {
  commands: MultiCmd[];
  count: number;
  /** Bytes of all arguments. */
  argvBytes: number;
  /** Flags (COMMAND_…) that any of the commands has, and those that all of them have. */
  anyBits: number;
  commonBits: number;
}

export function emptyMultiState(): MultiState {
  return { commands: [], count: 0, argvBytes: 0, anyBits: 0, commonBits: ~0 };
}

/** What a client needs of the thing that carries its bytes. */
export interface ClientTransport {
  /** Address of the peer, "127.0.0.1:49152", or the path of a unix socket. */
  readonly peerAddress: string;
  readonly localAddress: string;
  /** Ends the connection, dropping output that is not written. */
  close(): void;
  /** Asks for the output to be written at the end of the turn. */
  requestFlush(): void;
  /** Between two commands of the client: writes what there is now, if nothing forbids it. */
  flushEarly(): void;
  /**
   * Within a command of the client that can take nothing back: writes what there is, and these
   * bytes behind it, if nothing forbids it. Returns how many of them were taken; not the last ones
   * that are written. Where there is nothing of the kind, none are taken.
   */
  writeThrough?(bytes: Uint8Array, start: number, byteCount: number): number;
  /** Goes on with requests that waited while the client was blocked. */
  resume(): void;
  /** Whether small pieces go out at once (TCP_NODELAY); nothing where there is no such choice. */
  setNoDelay(isOn: boolean): void;
}

/**
 * Output of a client that does not stand in its reply buffer: a replica's place in the stream of
 * effects, an RDB file on its way. Whoever carries the client's bytes asks for it when the reply
 * buffer is empty; `requestFlush` tells it that there is something again.
 */
export interface OutputSource {
  /** Bytes that wait here to be written, those given by `next` included; for output limits. */
  readonly pendingBytes: number;
  /**
   * The bytes to write next, a piece of convenient size; null if there are none at present. They
   * are not changed, nor moved, before `written` is called for all of them, or `next` again.
   */
  next(): Uint8Array<ArrayBuffer> | null;
  /** The first `byteCount` of the bytes that `next` gave have been handed to the system. */
  written(byteCount: number): void;
}

/** A key given to WATCH (observers/watch.ts). */
export interface WatchedKey {
  db: Database;
  /** The key as Latin-1 text. */
  key: string;
  /** It had expired, but was not removed yet, when it was watched. */
  wasExpired: boolean;
}

/**
 * Tries to serve a client with the entry of a key that became ready: replies, changes the data and
 * announces it as any command does. Returns false, having done nothing, if there is nothing for it.
 */
export type ServeBlocked = (client: Client, key: Uint8Array, entry: Ref) => boolean;

/** What a client waits for (observers/blocking.ts). */
export interface BlockedState extends Deadlined {
  readonly client: Client;
  db: Database;
  /** Keys waited for, as Latin-1 text, without repetition. */
  keys: string[];
  /** Types (bit 1 << TYPE_…) that can serve the client. */
  typeMask: number;
  /** When to give up, in ms since 1970; Infinity = never. */
  deadlineMs: number;
  serve: ServeBlocked;
  /** Replies that nothing came in time. */
  expire: (client: Client) => void;
  /** What is replied when a key is gone or holds something else; null: the client waits on. */
  whenGone: CommandError | null;
  /** Any change of a key is a reason to try again. */
  wantsChanges: boolean;
  /** Where readers of streams began, by key; null for others. */
  startIds: ReadonlyMap<string, Id128> | null;
  /** Its command was carried out once more, in vain. */
  waitsOn: boolean;
  /** What the command took, in µs, before it began to wait. */
  durationUs: number;
}

/** What CLIENT TRACKING ON asked for (observers/tracking.ts). */
export interface TrackingOptions {
  /** Client that gets the messages; 0: the client itself. */
  redirectId: number;
  isBroadcast: boolean;
  /** OPTIN, OPTOUT: CLIENT CACHING decides for the next command. */
  isOptIn: boolean;
  isOptOut: boolean;
  /** Changes by the client itself are not announced to it. */
  isNoLoop: boolean;
}

export interface TrackingState extends TrackingOptions {
  /** Broadcast prefixes, as Latin-1 text. */
  prefixes: string[];
  /** Memory that they take, roughly, in bytes. */
  prefixBytes: number;
  /** CLIENT CACHING has been called for the next command. */
  isCachingSet: boolean;
  /** The client to redirect to is gone. */
  isRedirectBroken: boolean;
}

/** What a client is made of. */
export interface ClientOptions {
  readonly host: Host;
  /** 0 for one that is no connection. */
  readonly id: number;
  readonly transport: ClientTransport;
  /** When it came, in ms since 1970. */
  readonly nowMs: number;
  readonly user: AclUser;
  readonly isAuthenticated: boolean;
}

export class Client {
  readonly id: number;
  readonly host: Host;
  readonly transport: ClientTransport;
  readonly query = new QueryBuffer();
  readonly reply = new Reply();
  db: Database;
  /** Arguments of the current command; see argv.ts on how long they live. */
  argv = NO_ARGUMENTS;
  /** Row of the current (or last) command; null before the first. */
  command: CompiledCommand | null = null;
  flags = 0;
  mstate: MultiState = emptyMultiState();
  /** Keys given to WATCH. */
  watchedKeys: WatchedKey[] = [];
  blocked: BlockedState | null = null;
  /** Name given by CLIENT SETNAME; "" if none. */
  name = "";
  libraryName = "";
  libraryVersion = "";
  /** The ACL user: "default" until AUTH. */
  user: AclUser;
  isAuthenticated: boolean;
  /** Channels and patterns subscribed to, as Latin-1 text. */
  channels: Set<string> | null = null;
  patterns: Set<string> | null = null;
  shardChannels: Set<string> | null = null;
  readonly createdMs: number;
  lastInteractionMs: number;
  /** Its innermost command in progress; null between commands. */
  call: Call | null = null;
  /** Bytes of the reply that were handed to the system but not written yet; for output limits. */
  outputPendingBytes = 0;
  /** Further output, behind what is in `reply`; null for all but replicas. */
  outputSource: OutputSource | null = null;
  /** Where the stream of effects stood when its last command had been carried out; for WAIT. */
  writeOffset = 0;
  /** Bytes for the AOF up to and with its last effect; for WAITAOF. */
  aofOffset = 0;
  /** With `appendfsync always`: the round that must be safe before its output may leave. */
  heldRound = 0;
  /** What client_memory.ts counts for it; negative when it is gone. */
  countedBytes = 0;
  /** How it counts them: among those of NO-EVICT clients, of clients without their password. */
  isCountedSpared = false;
  isCountedStranger = false;
  /** Since when (ms) the output is above its soft limit; 0 if it is not. */
  softLimitSinceMs = 0;
  /** What CLIENT TRACKING ON asked for; null if it is off. */
  tracking: TrackingState | null = null;
  /**
   * While a command of a client runs that may be pushed to: where its reply begins, behind the
   * pushes that came before; else -1.
   */
  runningMark = -1;
  /** Pushes that wait for the end of the command, since its reply must stay in one piece. */
  #laterPushes: Reply | null = null;

  constructor({ host, id, transport, nowMs, user, isAuthenticated }: ClientOptions) {
    this.host = host;
    this.id = id;
    this.transport = transport;
    this.db = host.keyspace.databases[0];
    this.createdMs = nowMs;
    this.lastInteractionMs = nowMs;
    this.user = user;
    this.isAuthenticated = isAuthenticated;
    if (!user.isUnlimited) this.flags |= REDIS_LIMITED_USER;
    this.reply.showsFewestDigits = answersSince(host.config, "7.2");
  }

  /**
   * Memory that the client takes, in bytes: buffers, queued commands, and roughly its objects, the
   * keys it watches, and the channels and prefixes that it wants to hear of.
   */
  heldBytes(): number {
    const { query, reply, mstate, tracking, watchedKeys } = this;
    let bytes = CLIENT_BYTES + query.bytes.length + reply.length + this.outputPendingBytes +
      mstate.argvBytes + mstate.count * QUEUED_COMMAND_BYTES;
    if (tracking !== null) bytes += tracking.prefixBytes;
    if (watchedKeys.length > 0) bytes += watchedKeys.length * ENTRY_BYTES;
    if ((this.flags & REDIS_PUBSUB) !== 0) bytes += this.#subscriptionCount() * ENTRY_BYTES;
    return bytes;
  }

  #subscriptionCount(): number {
    const { channels, patterns, shardChannels } = this;
    return (channels?.size ?? 0) + (patterns?.size ?? 0) + (shardChannels?.size ?? 0);
  }

  get userName(): string {
    return this.user.name;
  }

  /** Name of the current command, "config|get" for a subcommand; for error texts. */
  get commandName(): string {
    return this.command === null ? "" : this.command.name;
  }

  /**
   * Flags (COMMAND_…) of a command; EXEC has those of each command that it would run, too, EVAL and
   * its kin those that the script in `argv` declares.
   */
  bitsOf(command: CompiledCommand): number {
    if ((command.bits & COMMAND_RUNS_SCRIPT) !== 0) return command.findBits!(this, command.bits);
    const runsQueue = (command.bits & COMMAND_RUNS_QUEUE) !== 0;
    return runsQueue ? command.bits | this.mstate.anyBits : command.bits;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Whether effects are recorded anywhere: if not, the running command need not name its own. */
  get wantsEffects(): boolean {
    return this.call!.wantedTargets !== 0;
  }

  /**
   * Says what is recorded in place of the running command: its effect, where the command itself
   * would not have the same one later (random choice, relative time). Call once per effect.
   */
  propagateAs(...parts: (string | Uint8Array)[]): void {
    const effects = this.#beginEffects();
    if (this.wantsEffects) effects.push(Argv.of(...parts));
  }

  /** `propagateAs` of arguments that are put together already, and good until the call is over. */
  propagateArgv(argv: Argv): void {
    const effects = this.#beginEffects();
    if (this.wantsEffects) effects.push(argv);
  }

  #beginEffects(): Argv[] {
    const { effects } = this.call!;
    if (effects !== null) return effects;
    this.propagateNothing();
    return this.call!.effects!;
  }

  /**
   * Begins a push message: returns where to write it, followed by `endPush`. It goes behind the
   * reply of a command that runs if that has begun, or if it `comesLater` in any case.
   */
  beginPush(comesLater = false): Reply {
    const { reply, runningMark } = this;
    if (runningMark < 0) return reply;
    const isReplyDropped = (this.flags & (REDIS_REPLY_OFF | REDIS_REPLY_SKIP)) !== 0;
    if (!comesLater && !isReplyDropped && reply.length === runningMark) return reply;
    this.#laterPushes ??= new Reply();
    this.#laterPushes.resp = reply.resp;
    return this.#laterPushes;
  }

  endPush(written: Reply): void {
    if (this.runningMark >= 0 && written === this.reply) this.runningMark = written.length;
    this.transport.requestFlush();
  }

  /** A command is over: the pushes that waited for its end follow its reply. */
  addLaterPushes(): void {
    const pushes = this.#laterPushes;
    if (pushes === null) return;
    this.#laterPushes = null;
    this.reply.raw(pushes.bytes, 0, pushes.length);
  }

  /** Says that nothing is recorded although the command changed something. */
  propagateNothing(): void {
    const call = this.call!;
    call.effects = [];
    // A frame is used again: the call before may have chosen who hears of it.
    call.effectTargets = PROPAGATE_ALL;
  }

  /**
   * Says that the command itself is recorded even if it finds nothing to change; `targets` are the
   * kinds (PROPAGATE_…) of those who hear of it.
   */
  propagateInAnyCase(targets = PROPAGATE_ALL): void {
    const call = this.call!;
    const isWanted = (call.wantedTargets & targets) !== 0;
    call.effects = isWanted ? [this.argv.clone()] : [];
    call.effectTargets = targets;
  }
}

/** Whether a client is on this machine, which some settings make a condition. */
export function isLocal({ flags, transport: { peerAddress } }: Client): boolean {
  return (flags & REDIS_UNIX_SOCKET) !== 0 || peerAddress.startsWith("127.") ||
    peerAddress.startsWith("[::1]");
}
