/**
 * Reply barrier: with `appendfsync always`, which replies must wait for the disk.
 *
 *   turn 1   SET a   ── write, sync begins ───────────── sync has ended ─▶ +OK
 *   turn 2           GET b ─▶ at once       GET a ──────▶ waits with it
 *   turn 3                    SET b ──────── waits ───── next sync begins ── … ─▶ +OK
 *
 * The sync runs beside the event loop, and commands of later turns run meanwhile. Syncs come one
 * after the other, each for a ROUND: all that was recorded up to its begin. So at most two rounds
 * are not safe: the one that is being synced, and the one that gathers. `Client.heldRound` is the
 * round that must be safe before what waits in the client's output may leave (net/connection.ts
 * holds it; what has waited since an earlier round leaves with that).
 *
 * WHO WAITS. A writer waits for the round of its write. A reader waits if it may have seen
 * something that is not safe: it names a key that was changed in such a round. Keys are remembered
 * as bits of a small table, without their database, so now and then somebody waits in vain. Where
 * keys do not tell what a command has seen (SCAN, INFO, scripts, …), it waits for all. Commands
 * that see no data (PING, those allowed while a script runs) wait for nobody. What a client is sent
 * without a command of its own (messages, invalidations, what it was blocked for) waits for all,
 * since nobody knows what it tells.
 *
 * UNITS. While a command runs that has changed something, its effects are not recorded yet: no
 * round may begin or become safe as if they were. That matters when others are served from inside
 * of a script (yielding.ts).
 *
 * INLINE, that is, within the turn, a sync is quicker: no other thread must wake up, and that one
 * wake us. So it is done if nobody could be served meanwhile whose reply would not wait for it: if
 * there are hardly any readers, or one client is alone. With replicas it is done so, too: they are
 * sent nothing that is not safe here.
 */
import { hashBytes } from "../base/hash.ts";
import type { SyncChoice, SyncRounds } from "../persistence/aof_writer.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { CallStack } from "../session/call_stack.ts";
import {
  type Call,
  COMMAND_ALLOW_BUSY,
  COMMAND_RUNS_QUEUE,
  COMMAND_RUNS_SCRIPT,
  type CompiledCommand,
  type KeySpec,
} from "../session/command.ts";
import { CommandError } from "../session/errors.ts";
import { hasKeys, keyPositions, keySpecsOf } from "../session/key_positions.ts";

declare module "../session/host.ts" {
  interface Host {
    readonly barrier: ReplyBarrier;
  }
}

/** Bits of a table of keys (a power of two); 500 keys make one reader in 260 wait in vain. */
const TABLE_BITS = 1 << 17;

/** From this share of commands on that change nothing a sync runs beside the event loop. */
const READER_SHARE_MIN = 1 / 5;
/** The weight of the last round in the usual share. */
const LAST_WEIGHT = 1 / 8;

/** What is known of what a command has seen: nothing of the data, some keys, or anything. */
type Sight = "nothing" | "keys" | "queue" | "script" | "anything";

/** Output that waits; net/connection.ts. */
interface Held {
  /** All that waits now needs no later round than the one whose sync begins. */
  roundBegan(): void;
  /** A round has become safe; whether it is the one waited for is to be looked at. */
  roundSafe(): void;
}

/** The keys that one round has changed. */
class ChangedKeys {
  readonly #words = new Int32Array(TABLE_BITS / 32);
  #isEmpty = true;
  /** Anything may have changed. */
  isAll = false;

  add(hash: number): void {
    this.#isEmpty = false;
    this.#words[(hash & (TABLE_BITS - 1)) >>> 5]! |= 1 << (hash & 31);
  }

  has(hash: number): boolean {
    return this.isAll || (this.#words[(hash & (TABLE_BITS - 1)) >>> 5]! & (1 << (hash & 31))) !== 0;
  }

  clear(): void {
    if (!this.#isEmpty) this.#words.fill(0);
    this.#isEmpty = true;
    this.isAll = false;
  }
}

export interface BarrierOptions {
  readonly calls: Pick<CallStack, "depth">;
  /** The rounds of the event loop; the barrier wants one to end soon. */
  readonly turn: { readonly servesOne: boolean; schedule(): void };
  /** Whether what is written must be safe when the turn ends, whoever waits for it. */
  mustSyncInTurn(): boolean;
}

export class ReplyBarrier implements SyncRounds {
  readonly #options: BarrierOptions;
  readonly #sights = new Map<CompiledCommand, Sight>();
  /** What the AOF records is promised to be on the disk before it is answered. */
  isKept = false;
  /** Something has changed, or is being synced, that is not safe. */
  isOpen = false;
  /** All up to and with this round is safe. */
  safeRound = 0;
  /** The round that gathers; what is recorded now belongs to it. */
  #round = 1;
  /** The round that is being synced; 0: none. */
  #syncingRound = 0;
  /** Something belongs to the round that gathers. */
  #isNoted = false;
  /** The command that runs has changed something. */
  #isUnitNoted = false;
  /** The latest round that the outermost command has seen something of, so far. */
  #seenRound = 0;
  /** Commands that have run inside of the outermost one. */
  #innerCount = 0;
  #changed = new ChangedKeys();
  #syncing = new ChangedKeys();
  #held: Held[] = [];
  /** Commands since the last round, how many of them changed something, and what is usual. */
  #commandCount = 0;
  #changeCount = 0;
  #readerShare = 0;

  constructor(options: BarrierOptions) {
    this.#options = options;
  }

  // ------------------------------------------------------------------------- told of what happens

  /** A key is about to be announced as changed. Only while `isKept`. */
  noteKey(bytes: Uint8Array, start: number, length: number): void {
    this.#note();
    this.#changed.add(hashBytes(bytes, start, length));
  }

  /** All keys may have changed. Only while `isKept`. */
  noteAll(): void {
    this.#note();
    this.#changed.isAll = true;
  }

  #note(): void {
    this.isOpen = this.#isNoted = true;
    if (this.#options.calls.depth > 0) this.#isUnitNoted = true;
  }

  /** A command's procedure has run, by itself or inside of another. Only while `isKept`. */
  commandRan({ command, argv, effects }: Call, isDirty: boolean): void {
    const hasChanged = isDirty || (effects !== null && effects.length > 0);
    const isInner = this.#options.calls.depth > 1;
    const innerCount = this.#innerCount;
    this.#innerCount = isInner ? innerCount + 1 : 0;
    this.#commandCount++;
    if (hasChanged) this.#changeCount++;
    else if (!this.isOpen) return;
    const sight = this.#sightOf(command);
    if (hasChanged) {
      this.#note();
      this.#seenRound = this.#round;
      // Of what others do inside of it each has said so itself. Beside the keys that were announced
      // there are changes that are not, such as XACK.
      if (sight === "keys") this.#visitKeys(command, argv, (hash) => this.#changed.add(hash));
      else if (sight !== "queue" && sight !== "script") this.noteAll();
    } else if (sight === "keys") {
      this.#visitKeys(command, argv, (hash) => this.#see(hash));
    } else if (sight !== "nothing" && (sight !== "queue" || innerCount === 0)) {
      // EXEC that ran nothing may have seen that a watched key was changed.
      this.#seenRound = this.#latestRound;
    }
  }

  #see(hash: number): void {
    if (this.#isNoted && this.#changed.has(hash)) this.#seenRound = this.#round;
    else if (this.#syncing.has(hash)) {
      this.#seenRound = Math.max(this.#seenRound, this.#syncingRound);
    }
  }

  /** An outermost command is over: its client's output waits for what it has changed or seen. */
  unitEnded(client: Client): void {
    const round = this.isKept ? this.#seenRound : this.#latestRound;
    this.#isUnitNoted = false;
    this.#seenRound = 0;
    if (round > client.heldRound) client.heldRound = round;
  }

  /** What a client's output has just got may tell anything. */
  hold(client: Client): void {
    if (this.isOpen) client.heldRound = Math.max(client.heldRound, this.#latestRound);
  }

  /** The latest round that is not safe and has something; 0: none. */
  get #latestRound(): number {
    return this.#isNoted ? this.#round : this.#syncingRound;
  }

  /** The output of `held` must wait; it is told once, when the next round has become safe. */
  await(held: Held): void {
    this.#held.push(held);
  }

  /** Whether all that can be waited for up to `round` is being synced: no more will be added. */
  isClosed(round: number): boolean {
    return round < this.#round;
  }

  // --------------------------------------------------------------------------- told by the writer

  choose(): SyncChoice {
    const { turn } = this.#options;
    if (this.#options.mustSyncInTurn()) return "now";
    if (this.#syncingRound !== 0 || this.#isUnitOpen) return "later";
    return turn.servesOne || this.#readerShare < READER_SHARE_MIN ? "now" : "aside";
  }

  begin(): number {
    this.#beginRound();
    this.#syncingRound = this.#round++;
    this.#isNoted = false;
    this.isOpen = true;
    [this.#changed, this.#syncing] = [this.#syncing, this.#changed];
    this.#changed.clear();
    for (const one of this.#held) one.roundBegan();
    return this.#syncingRound;
  }

  end(round: number): void {
    // It is safe already; what came meanwhile has waited for the end of this sync.
    if (round <= this.safeRound) return this.wake();
    this.#syncing.clear();
    this.#syncingRound = 0;
    this.#becomeSafe(round);
  }

  syncNow(sync: () => void): void {
    this.#beginRound();
    sync();
    this.endAll();
  }

  endAll(): void {
    if (!this.isOpen) return;
    this.#syncing.clear();
    this.#syncingRound = 0;
    // What the command that runs has changed is not recorded yet.
    if (this.#isUnitOpen) return this.#becomeSafe(this.#round - 1);
    this.#changed.clear();
    this.#isNoted = false;
    this.#becomeSafe(this.#round++);
  }

  /** A sync begins: whoever comes now comes too late. */
  #beginRound(): void {
    if (this.#commandCount > 0) {
      const share = 1 - this.#changeCount / this.#commandCount;
      this.#readerShare += (share - this.#readerShare) * LAST_WEIGHT;
    }
    this.#commandCount = this.#changeCount = 0;
  }

  /** Sees to it that the turn ends soon: the writer has something to say. */
  wake(): void {
    this.#options.turn.schedule();
  }

  get #isUnitOpen(): boolean {
    return this.#isUnitNoted && this.#options.calls.depth > 0;
  }

  #becomeSafe(round: number): void {
    this.safeRound = round;
    this.isOpen = this.#isNoted;
    const held = this.#held;
    this.#held = [];
    for (const one of held) one.roundSafe();
    // Others may wait for it (WAITAOF).
    this.#options.turn.schedule();
  }

  // -------------------------------------------------------------------------------------- commands

  #sightOf(command: CompiledCommand): Sight {
    let sight = this.#sights.get(command);
    if (sight === undefined) this.#sights.set(command, sight = findSight(command));
    return sight;
  }

  /** Visits the hashes of all keys that a command names. */
  #visitKeys(command: CompiledCommand, argv: Argv, visit: (hash: number) => void): void {
    const { bytes, starts, lengths } = argv;
    const [first, last, step] = command.keys;
    if (first > 0 && command.keySpecs === undefined && command.findKeys === undefined) {
      const end = Math.min(last < 0 ? argv.count + last : last, argv.count - 1);
      for (let index = first; index <= end; index += step) {
        visit(hashBytes(bytes, starts[index]!, lengths[index]!));
      }
      return;
    }
    try {
      for (const { index } of keyPositions(command, argv)) {
        visit(hashBytes(bytes, starts[index]!, lengths[index]!));
      }
    } catch (error) {
      // The command has found out, too, that its arguments name no keys.
      if (!(error instanceof CommandError)) throw error;
    }
  }
}

function findSight(command: CompiledCommand): Sight {
  const { bits, categories } = command;
  if ((bits & COMMAND_RUNS_QUEUE) !== 0) return "queue";
  if ((bits & COMMAND_RUNS_SCRIPT) !== 0) return "script";
  if (hasKeys(command)) return keySpecsOf(command).every(isComplete) ? "keys" : "anything";
  const seesNoData = (bits & COMMAND_ALLOW_BUSY) !== 0 || categories.includes("@connection");
  return seesNoData ? "nothing" : "anything";
}

/** Whether a spec tells all keys that it stands for (that of SORT does not). */
function isComplete({ flags, begin, find }: KeySpec): boolean {
  return begin !== "unknown" && find !== "unknown" && !flags.includes("incomplete");
}
