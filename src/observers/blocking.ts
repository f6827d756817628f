/**
 * Blocking: clients that wait for a key (BLPOP and its kin, XREAD).
 *
 * A command that finds nothing calls `block` with the keys, and two functions: `serve`, which tries
 * again, and `expire`, which answers after the timeout. When a key gets a type that somebody waits
 * for, it is noted as ready; after the command (or the whole transaction) that did it, the waiting
 * clients of each ready key are served in the order of their arrival, as far as there is anything.
 * From release 7.2 on, the whole command is carried out once more instead, if it would still be
 * admitted: so it sees all its keys as they are then. While clients are paused it waits for the end
 * of that, and not for keys any more.
 *
 * A blocked client keeps its own copy of the arguments; its further requests stay unread until it
 * is served, timed out, unblocked by CLIENT UNBLOCK, or gone.
 */
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import { DeadlineHeap } from "../base/deadline_heap.ts";
import type { Timer, Timers } from "../base/timers.ts";
import { answersSince, type ReleaseChoice } from "../config/version.ts";
import type { Database } from "../keyspace/database.ts";
import { Argv } from "../protocol/argv.ts";
import type { Id128 } from "../structures/id128.ts";
import * as value from "../values/value.ts";
import {
  type BlockedState,
  type Client,
  REDIS_BLOCKED,
  type ServeBlocked,
} from "../session/client.ts";
import type { CommandError } from "../session/errors.ts";

declare module "../session/host.ts" {
  interface Host {
    readonly blocking: Blocking;
  }
}

/** Runs one attempt as the command it belongs to: statistics, propagation. */
export type RunServed = (client: Client, attempt: () => boolean) => boolean;

/** What else concerns a client that waits. */
export interface BlockOptions {
  /** What is replied when a key is gone or holds something else; null: the client waits on. */
  readonly whenGone?: CommandError | null;
  /** Any change of a key may be what the client waits for, not only that it comes to be. */
  readonly wantsChanges?: boolean;
  /** For readers of streams: the ids of the moment at which they began to wait, by key. */
  readonly startIds?: ReadonlyMap<string, Id128>;
}

/** Whether the command that a client waits with is not admitted any more; the client is told. */
export type RefuseServed = (client: Client) => boolean;

/** Lets a client wait for the end of a pause if it must; `endWait` ends its wait for keys. */
export type PostponeWoken = (client: Client, endWait: () => void) => boolean;

export class Blocking {
  /** Waiting clients per database and key, in order of arrival. */
  readonly #waiting: Map<string, Set<Client>>[] = [];
  /** What those wait for who wait with a timeout. */
  readonly #timed = new DeadlineHeap<BlockedState>();
  #ready: { db: Database; key: string }[] = [];
  readonly #readyNames = new Set<string>();
  readonly #config: ReleaseChoice;
  readonly #runServed: RunServed;
  readonly #refuseServed: RefuseServed;
  readonly #postponeWoken: PostponeWoken;
  readonly #onUnblocked: (client: Client) => void;
  /** Due at the earliest deadline, if the date does not jump. */
  readonly #timer: Timer;
  /** Clients that are to be told when their key is gone. */
  #whenGoneCount = 0;
  /** Clients whom any change of their keys concerns. */
  changesWantedCount = 0;
  /** Keys that become ready by themselves, and when. */
  readonly #wakes = new Map<string, { db: Database; key: string; atMs: number }>();
  /** Nobody is served for now: of the data that are being loaded there is only a part. */
  isHeld = false;
  /** Clients that wait (INFO blocked_clients). */
  blockedCount = 0;

  constructor(
    config: ReleaseChoice,
    runServed: RunServed,
    refuseServed: RefuseServed,
    postponeWoken: PostponeWoken,
    onUnblocked: (client: Client) => void,
    timers: Timers,
  ) {
    this.#config = config;
    this.#runServed = runServed;
    this.#refuseServed = refuseServed;
    this.#postponeWoken = postponeWoken;
    this.#onUnblocked = onUnblocked;
    this.#timer = timers.create(() => {
      clock.refresh();
      this.expireWaiting();
      this.#startTimer();
    });
  }

  /**
   * Lets a client wait. `timeoutMs` 0 means for ever; `keyIndexes` are arguments of the command.
   * The caller has checked that blocking is allowed (not in a transaction). One that waits already
   * and has tried again waits on.
   */
  block(
    client: Client,
    keyIndexes: number[],
    typeMask: number,
    timeoutMs: number,
    serve: ServeBlocked,
    expire: (client: Client) => void,
    { whenGone = null, wantsChanges = false, startIds }: BlockOptions = {},
  ): void {
    const { db, argv } = client;
    if (client.blocked !== null) {
      client.blocked.waitsOn = true;
      return;
    }
    const keys = [...new Set(keyIndexes.map((index) => argv.text(index)))];
    const deadlineMs = timeoutMs === 0 ? Infinity : clock.nowMs() + timeoutMs;
    client.argv = argv.clone();
    const blocked: BlockedState = {
      client,
      db,
      keys,
      typeMask,
      deadlineMs,
      order: client.id,
      heapIndex: -1,
      serve,
      expire,
      whenGone,
      wantsChanges,
      startIds: startIds ?? null,
      waitsOn: false,
      durationUs: 0,
    };
    client.blocked = blocked;
    client.flags |= REDIS_BLOCKED;
    const waiting = this.#waiting[db.index] ??= new Map();
    for (const key of keys) {
      const clients = waiting.get(key);
      if (clients === undefined) waiting.set(key, new Set([client]));
      else clients.add(client);
    }
    if (timeoutMs !== 0) {
      this.#timed.add(blocked);
      if (this.#timed.first === blocked) this.#startTimer();
    }
    if (whenGone !== null) this.#whenGoneCount++;
    if (wantsChanges) this.changesWantedCount++;
    this.blockedCount++;
  }

  /** Ends a client's wait without a reply: it was served, answered otherwise, or is gone. */
  unblock(client: Client): void {
    if (client.blocked === null) return;
    this.#forget(client.blocked);
    this.#onUnblocked(client);
  }

  #forget(blocked: BlockedState): void {
    const { client } = blocked;
    const waiting = this.#waiting[blocked.db.index];
    for (const key of blocked.keys) {
      const clients = waiting.get(key)!;
      clients.delete(client);
      if (clients.size === 0) waiting.delete(key);
    }
    this.#timed.remove(blocked);
    if (blocked.whenGone !== null) this.#whenGoneCount--;
    if (blocked.wantsChanges) this.changesWantedCount--;
    client.blocked = null;
    client.flags &= ~REDIS_BLOCKED;
    this.blockedCount--;
  }

  /** Answers a client as if its time had run out (also CLIENT UNBLOCK … TIMEOUT). */
  expire(client: Client): void {
    client.blocked!.expire(client);
    client.transport.requestFlush();
    this.unblock(client);
  }

  /** Keys that anybody waits for (INFO total_blocking_keys). */
  get keyCount(): number {
    return this.#waiting.reduce((sum, keys) => sum + keys.size, 0);
  }

  /** Those whose clients want to hear when they are gone (total_blocking_keys_on_nokey). */
  get keyCountWhenGone(): number {
    if (this.#whenGoneCount === 0) return 0;
    const wantsIt = ({ blocked }: Client) => blocked!.whenGone !== null;
    let count = 0;
    for (const keys of this.#waiting) {
      for (const clients of keys?.values() ?? []) if ([...clients].some(wantsIt)) count++;
    }
    return count;
  }

  /** Clients that wait with a timeout (INFO clients_in_timeout_table). */
  get timedCount(): number {
    return this.#timed.size;
  }

  /** Notes that a key now holds something that a waiting client may want, or that it is gone. */
  keyReady(db: Database, bytes: Uint8Array, start: number, length: number): void {
    if (this.blockedCount === 0) return;
    const key = latin1Text(bytes, start, length);
    if (this.#waiting[db.index]?.has(key) !== true) return;
    const name = `${db.index}:${key}`;
    if (this.#readyNames.has(name)) return;
    this.#readyNames.add(name);
    this.#ready.push({ db, key });
  }

  /**
   * Notes that a key becomes ready by itself at a time, in ms since 1970. Whoever waits for it and
   * finds nothing then notes the next time.
   */
  wakeAt(db: Database, key: string, atMs: number): void {
    const name = `${db.index}:${key}`;
    const known = this.#wakes.get(name);
    if (known === undefined || atMs < known.atMs) this.#wakes.set(name, { db, key, atMs });
  }

  /** Serves those who wait for keys that have become ready by themselves; cron calls it. */
  wakeDue(): void {
    const nowMs = clock.nowMs();
    for (const [name, { db, key, atMs }] of this.#wakes) {
      if (atMs > nowMs) continue;
      this.#wakes.delete(name);
      const bytes = latin1Bytes(key);
      this.keyReady(db, bytes, 0, bytes.length);
    }
    this.serveReady();
  }

  /** All waited-for keys of a database may hold something now (SWAPDB). */
  databaseReady(db: Database): void {
    for (const key of this.#waiting[db.index]?.keys() ?? []) {
      const bytes = latin1Bytes(key);
      this.keyReady(db, bytes, 0, bytes.length);
    }
  }

  /** Whether a key became ready since the last `serveReady`, and clients are served now. */
  get hasReady(): boolean {
    return this.#ready.length > 0 && !this.isHeld;
  }

  /** Serves clients until no key is ready; serving one may make another key ready. */
  serveReady(): void {
    while (this.hasReady) {
      const ready = this.#ready;
      this.#ready = [];
      this.#readyNames.clear();
      for (const { db, key } of ready) this.#serveKey(db, key);
    }
  }

  /** Answers the clients whose time has run out. */
  expireWaiting(): void {
    const nowMs = clock.nowMs();
    for (;;) {
      const { first } = this.#timed;
      if (first === undefined || first.deadlineMs > nowMs) return;
      this.expire(first.client);
    }
  }

  /** Stops the timer, for the end of the server. */
  stop(): void {
    this.#timer.stop();
  }

  #startTimer(): void {
    const { first } = this.#timed;
    if (first !== undefined) this.#timer.start(first.deadlineMs - clock.systemMs());
  }

  #serveKey(db: Database, key: string): void {
    const bytes = latin1Bytes(key);
    const argv = new Argv().point(bytes, 0, bytes.length);
    const isRepeated = answersSince(this.#config, "7.2");
    let entry = db.lookupForWrite(argv, 0);
    for (const client of this.#waiting[db.index]?.get(key) ?? []) {
      // Of the many who may wait for the key, most need not hear that there is none.
      if (entry === 0 && this.#whenGoneCount === 0) return;
      const blocked = client.blocked!;
      const isWanted = entry !== 0 &&
        (blocked.typeMask & (1 << value.typeOf(db.arena, entry))) !== 0;
      if (!isWanted && blocked.whenGone === null) continue;
      const endWait = () => this.#forget(blocked);
      const isServed = isRepeated
        ? this.#refuseServed(client) || this.#postponeWoken(client, endWait) ||
          this.#runServed(client, () => repeat(blocked))
        : this.#runServed(client, () => {
          if (!isWanted) throw blocked.whenGone;
          return blocked.serve(client, bytes, entry);
        });
      // To be asked may evict keys, even if nothing is served.
      if (!isServed && !isRepeated) continue;
      if (isServed) this.unblock(client);
      entry = db.lookupForWrite(argv, 0);
    }
  }
}

/** Carries out the command that a client waits with; returns whether it need not wait any more. */
function repeat(blocked: BlockedState): boolean {
  blocked.waitsOn = false;
  blocked.client.command!.proc(blocked.client);
  return !blocked.waitsOn;
}
