/**
 * Set outcome: the set that a command of set algebra makes, which belongs to no key until it is
 * stored (set_algebra_commands.ts).
 *
 * A set becomes a dict only when it has too many members to be small. Here members are known to be
 * new, and often come from a dict: the first ones are noted as entries of that dict, until they are
 * too many for a small set or all have come. So a large outcome is a dict from its first member on,
 * and is not a listpack on the way (sinterstore of scripts/bench/micro/command_bench.ts). What it
 * becomes is what adding one by one would have made of it.
 */
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import { hashOf } from "../structures/dict.ts";
import { readKey } from "../structures/dict_entry.ts";
import * as setValue from "../values/set_value.ts";
import * as value from "../values/value.ts";
import { setLimits } from "./set_commands.ts";

/** So many members are noted at most, however many a listpack may have. */
const NOTED_MAX = 1024;
/** Room in the address space is asked for in portions of so many bytes of members. */
const ROOM_BYTES = 16 * 1024;

/** Entries of other sets' dicts; of use only within a command. */
const noted = new Int32Array(NOTED_MAX);
const member = scratch(new Slice());

export class SetOutcome {
  readonly #client: Client;
  readonly #arena: Arena;
  readonly #limits: setValue.SetLimits;
  readonly #expected: number;
  readonly #keepsListpack: boolean;
  readonly #entry: Ref;
  /** Members in `noted`, which are not yet in the set; -1: no more are noted. */
  #notedCount = 0;
  /** The dict of the set once it is one, else 0. */
  #table: Ref = 0;
  #roomBytes = 0;

  /**
   * `expected`: about so many members are to be added. `keepsListpack`: integers that are too many
   * for an intset, though not for a listpack, become one and not a table.
   */
  constructor(client: Client, expected: number, keepsListpack = false) {
    this.#client = client;
    this.#arena = client.db.arena;
    this.#entry = setValue.createDetached(this.#arena);
    const limits = setLimits(client);
    const { intsetEntriesMax, listpackEntriesMax } = limits;
    this.#keepsListpack = keepsListpack && listpackEntriesMax > intsetEntriesMax;
    this.#limits = this.#keepsListpack
      ? { ...limits, intsetEntriesMax: listpackEntriesMax }
      : limits;
    this.#expected = expected;
  }

  /** Members of a set to which nothing was added by `addNew`. */
  get count(): number {
    return setValue.countOfKey(this.#arena, this.#entry);
  }

  /** The set, on an entry that is in no database. */
  finish(): Ref {
    if (this.#notedCount !== -1) this.#addNoted();
    if (this.#keepsListpack) {
      setValue.settleIntset(this.#arena, this.#entry, setLimits(this.#client));
    }
    return this.#entry;
  }

  /** Adds a member that may be there already. */
  add(bytes: Uint8Array, start: number, length: number): void {
    if (this.#notedCount !== -1) this.#addNoted();
    this.#requireRoom(length);
    setValue.add(this.#arena, this.#entry, bytes, start, length, this.#limits, this.#expected);
  }

  /**
   * Adds a member that was not added before, and has this hash. `found` is the entry of the dict in
   * which it stands, or 0.
   */
  addNew(bytes: Uint8Array, start: number, length: number, hash: number, found: Ref): void {
    if (found === 0 && this.#notedCount !== -1) this.#addNoted();
    this.#requireRoom(length);
    if (found !== 0) {
      if (this.#table === 0 && this.#note(found)) return;
      if (this.#table !== 0) return setValue.addNewEntry(this.#arena, this.#table, hash, found);
    }
    this.#notedCount = -1;
    const entry = this.#entry;
    const limits = this.#limits;
    setValue.addNew(this.#arena, entry, hash, bytes, start, length, limits, this.#expected);
  }

  /** Notes a member, or adds those that were noted; returns whether it was noted. */
  #note(found: Ref): boolean {
    const { listpackEntriesMax } = this.#limits;
    if (this.#notedCount === -1) return false;
    if (this.#notedCount < Math.min(listpackEntriesMax, NOTED_MAX)) {
      noted[this.#notedCount++] = found;
      return true;
    }
    // With this one they are too many for a listpack; only integers may still be a small set.
    if (this.#notedCount >= listpackEntriesMax && !this.#areIntegers(found)) {
      setValue.makeDict(this.#arena, this.#entry, this.#expected);
      this.#table = value.valueRef(this.#arena, this.#entry);
    }
    this.#addNoted();
    return false;
  }

  #areIntegers(last: Ref): boolean {
    for (let index = 0; index < this.#notedCount; index++) {
      if (!setValue.isIntegerEntry(this.#arena, noted[index])) return false;
    }
    return setValue.isIntegerEntry(this.#arena, last);
  }

  /** Ends the noting. */
  #addNoted(): void {
    const arena = this.#arena;
    const count = this.#notedCount;
    this.#notedCount = -1;
    for (let index = 0; index < count; index++) {
      const found = noted[index];
      const hash = hashOf(arena, found);
      if (this.#table !== 0) {
        setValue.addNewEntry(arena, this.#table, hash, found);
        continue;
      }
      readKey(arena, found, member);
      const { bytes, start, length } = member;
      setValue.addNew(
        arena,
        this.#entry,
        hash,
        bytes,
        start,
        length,
        this.#limits,
        this.#expected,
      );
    }
  }

  /** Frees the set, and gives up, if the address space has no room for a member. */
  #requireRoom(length: number): void {
    this.#roomBytes -= length;
    if (this.#roomBytes >= 0) return;
    try {
      this.#arena.requireRoom(ROOM_BYTES + length);
    } catch (error) {
      this.#client.db.keyspace.reclaimer.freeEntry(this.#entry);
      throw error;
    }
    this.#roomBytes = ROOM_BYTES;
  }
}
