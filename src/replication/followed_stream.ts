/**
 * Followed stream: applies the commands that a master sends, and keeps account of its bytes.
 *
 * Three places in the stream count: up to where it was received, up to where it was parsed, up to
 * where it has been applied. Only the last one is told to others (ACK, PSYNC, INFO): it moves on
 * with each command, but not within a transaction, which counts when EXEC is done. What has been
 * applied goes to the backlog byte for byte, so that replicas of this server get the very stream of
 * the top master; until then its bytes are kept here.
 *
 * Other clients must not starve: a batch ends after a few milliseconds, and nothing is read from
 * the master before what has come is applied. During CLIENT PAUSE nothing is applied, but the link
 * must not fall silent: what comes is kept.
 */
import { latin1Text } from "../base/bytes.ts";
import type { MasterAddress } from "../config/config_kinds.ts";
import type { ObeyedStream } from "../execution/dispatch.ts";
import type { Reply } from "../protocol/reply.ts";
import {
  type Client,
  REDIS_DENY_BLOCKING,
  REDIS_INTERNAL,
  REDIS_LIMITED_USER,
  REDIS_MASTER,
  REDIS_MULTI,
} from "../session/client.ts";
import { GATE_MISCONF } from "../session/gates.ts";
import type { Host } from "../session/host.ts";

/** How long commands are applied before others have their turn. */
const BATCH_US_MAX = 2000;
/** Of what a command has replied so many bytes are looked at. */
const SHOWN_REPLY_BYTES_MAX = 4096;
/** A read of more cannot be applied in one go anyway. */
export const READ_BYTES = 64 * 1024;

/** Where the bytes go that have been applied. */
export interface AppliedStream {
  /** They stand in `bytes` from `start` on; they must be copied if they are to last. */
  feed(bytes: Uint8Array, start: number, length: number): void;
}

/** What it uses of the host. */
type StreamHost = Pick<Host, "dispatcher" | "gates" | "keyspace" | "pause" | "turn">;

export interface FollowedStreamOptions {
  readonly host: StreamHost;
  /** Runs the commands; it has no other connection. */
  readonly client: Client;
  /** Bytes of the history that have been applied so far. */
  readonly offset: number;
  readonly applied: AppliedStream;
  /** All that was received has been applied. */
  onIdle(): void;
  /** A command was answered with an error: the data may differ from the master's now. */
  onRefused(error: string, commandName: string): void;
  /** Data were changed that cannot be saved. */
  onUnsafe(): void;
  /** What came is no command; the connection is of no use any more. */
  onBroken(reason: string): void;
}

export class FollowedStream implements ObeyedStream {
  readonly client: Client;
  /** Bytes of the history received and applied. */
  receivedOffset: number;
  appliedOffset: number;
  readonly #options: FollowedStreamOptions;
  /** Received bytes from the place on up to which the backlog has been fed. */
  #raw: Uint8Array[] = [];
  /** Bytes of the first one that the backlog has. */
  #rawStart = 0;
  /** The first one stands in the buffer of the reader. */
  #isBorrowed = false;
  #fedOffset: number;
  #isEnded = false;
  /** A pause is under way at whose end it goes on. */
  #isPaused = false;

  constructor(options: FollowedStreamOptions) {
    this.#options = options;
    this.client = options.client;
    this.receivedOffset = options.offset;
    this.appliedOffset = options.offset;
    this.#fedOffset = options.offset;
  }

  /** Takes bytes from the master and applies them, now or in further turns; then `onIdle`. */
  take(bytes: Uint8Array, start: number, length: number): void {
    if (length === 0) return this.#options.onIdle();
    const view = bytes.subarray(start, start + length);
    this.client.query.append(view);
    this.receivedOffset += length;
    // While nothing else waits, the bytes need no copy: most often all of them are applied at once.
    this.#isBorrowed = this.#raw.length === 0;
    this.#raw.push(this.#isBorrowed ? view : view.slice());
    this.#apply();
  }

  /** Copies what is not applied yet: the next read may fill its buffer as soon as it is asked. */
  #keepRaw(): void {
    if (this.#isBorrowed && this.#raw.length > 0) this.#raw[0] = this.#raw[0].slice();
    this.#isBorrowed = false;
  }

  /** No more is applied. */
  end(): void {
    this.#isEnded = true;
    this.#raw = [];
  }

  readonly #apply = (): void => {
    if (this.#isEnded) return;
    const { host, onIdle, onBroken } = this.#options;
    if (host.pause.isActive) return this.#waitForPause();
    const { client } = this;
    const { dirty } = host.keyspace;
    host.keyspace.isObeying = true;
    const outcome = host.dispatcher.obey(client, BATCH_US_MAX, this);
    host.keyspace.isObeying = false;
    // A command may have ended all this: REPLICAOF in a script, say.
    if (this.#isEnded) return;
    this.#feed();
    this.#keepRaw();
    const isUnsafe = (host.gates.bits & GATE_MISCONF) !== 0 && host.keyspace.dirty !== dirty;
    if (isUnsafe) this.#options.onUnsafe();
    if (outcome === "invalid") onBroken(host.dispatcher.parser.error);
    else if (outcome === "paused") host.turn.afterwards(this.#apply);
    else onIdle();
  };

  #waitForPause(): void {
    this.#keepRaw();
    if (!this.#isPaused) {
      this.#isPaused = true;
      this.#options.host.pause.whenOver(() => {
        this.#isPaused = false;
        this.#apply();
      });
    }
    this.#options.onIdle();
  }

  onApplied(): void {
    const { client } = this;
    if ((client.flags & REDIS_MULTI) !== 0) return;
    this.appliedOffset = this.receivedOffset - client.query.pendingBytes;
  }

  onRefused(reply: Reply): void {
    this.#options.onRefused(firstError(reply), this.client.commandName);
  }

  /** The backlog gets what has been applied. */
  #feed(): void {
    const { applied } = this.#options;
    while (this.#fedOffset < this.appliedOffset) {
      const first = this.#raw[0];
      const length = Math.min(first.length - this.#rawStart, this.appliedOffset - this.#fedOffset);
      applied.feed(first, this.#rawStart, length);
      this.#fedOffset += length;
      this.#rawStart += length;
      if (this.#rawStart < first.length) break;
      this.#raw.shift();
      this.#rawStart = 0;
    }
  }
}

/** The client that runs the commands of a master; `close` is called if somebody kills it. */
export function createMasterClient(
  { clientLife, clients }: Pick<Host, "clientLife" | "clients">,
  { host, port }: MasterAddress,
  close: () => void,
): Client {
  const client = clientLife.create({
    peerAddress: host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
    localAddress: "",
    close,
    requestFlush() {},
    flushEarly() {},
    resume() {},
    setNoDelay() {},
  }, clients.takeId());
  client.flags |= REDIS_MASTER | REDIS_INTERNAL | REDIS_DENY_BLOCKING;
  client.flags &= ~REDIS_LIMITED_USER;
  client.isAuthenticated = true;
  clients.set(client.id, client);
  return client;
}

/** The first line of a reply that is an error, without its mark. */
function firstError({ bytes, length }: Reply): string {
  const text = latin1Text(bytes, 0, Math.min(length, SHOWN_REPLY_BYTES_MAX));
  return /(?:^|\n)-([^\r\n]*)/.exec(text)?.[1] ?? "";
}
