/**
 * RDB small reader: sets, sorted sets and hashes that stand in the file as in memory, as one string
 * (intset, listpack). There are often millions of them, so each is made in one go: the string is
 * looked through once, becomes a block as it is, and the entry is made for that block
 * (`save_and_load.ts`). Only what the present limits want otherwise, or no block can hold, takes
 * the way over an empty value that is filled.
 */
import { Slice } from "../base/bytes.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Arena } from "../memory/arena.ts";
import { type Ref, SEGMENT_BYTES } from "../memory/memory.ts";
import * as intset from "../structures/intset.ts";
import * as listpack from "../structures/listpack.ts";
import { DAMAGED, DUPLICATE, examine } from "../structures/listpack_duplicates.ts";
import * as hashValue from "../values/hash_value.ts";
import * as setValue from "../values/set_value.ts";
import * as sortedSetListpack from "../values/sorted_set_listpack.ts";
import * as sortedSetValue from "../values/sorted_set_value.ts";
import * as value from "../values/value.ts";
import * as format from "./rdb_format.ts";
import type { RdbInput } from "./rdb_input.ts";

/** The limits of the small encodings, from the configuration. */
export interface EncodingLimits {
  hash: hashValue.HashLimits;
  set: setValue.SetLimits;
  sortedSet: sortedSetValue.SortedSetLimits;
  /** list-max-listpack-size. */
  listFill: number;
}

/** What a table takes for each byte of a small structure that it is made of. */
const TABLE_BYTES_EACH = 16;

/** Whether values of this type are read here. */
export function isSmallType(type: number): boolean {
  return type === format.RDB_HASH_LISTPACK || type === format.RDB_ZSET_LISTPACK ||
    type === format.RDB_SET_INTSET;
}

export class RdbSmallReader {
  readonly #input: RdbInput;
  readonly #keyspace: Keyspace;
  readonly #arena: Arena;
  readonly #limits: EncodingLimits;
  readonly #view = new Slice();

  constructor(input: RdbInput, keyspace: Keyspace, limits: EncodingLimits) {
    this.#input = input;
    this.#keyspace = keyspace;
    this.#arena = keyspace.arena;
    this.#limits = limits;
  }

  /**
   * Reads a value of such a type. Returns an entry with this key (which must outlast the call) and
   * expiry, or 0 if there are no elements. Throws RdbFormatError, or AddressSpaceFull, and leaves
   * no block behind.
   */
  read(type: number, key: Uint8Array, keyStart: number, keyBytes: number, expiryMs: number): Ref {
    const arena = this.#arena;
    const view = this.#view;
    this.#input.readString(view);
    const { bytes, start, length } = view;
    arena.requireRoom(length);
    if (type === format.RDB_SET_INTSET) {
      return this.#readIntset(key, keyStart, keyBytes, expiryMs);
    }
    const isHash = type === format.RDB_HASH_LISTPACK;
    const elements = this.#examine(isHash);
    if (elements === 0) return 0;
    const kind = isHash ? value.TYPE_HASH : value.TYPE_SORTED_SET;
    const encoding = value.ENCODING_LISTPACK;
    const { listpackEntriesMax } = isHash ? this.#limits.hash : this.#limits.sortedSet;
    if (elements >>> 1 <= listpackEntriesMax && length <= listpack.LISTPACK_BYTES_MAX) {
      const ref = listpack.fromRaw(arena, bytes, start, length);
      return value.createEntry(arena, key, keyStart, keyBytes, kind, encoding, ref, expiryMs);
    }
    const empty = isHash ? hashValue.create(arena) : sortedSetValue.create(arena, encoding);
    const entry = value.createEntry(
      arena,
      key,
      keyStart,
      keyBytes,
      kind,
      encoding,
      empty,
      expiryMs,
    );
    if (isHash) hashValue.loadListpack(arena, entry, bytes, start, length, this.#limits.hash);
    else sortedSetValue.loadListpack(arena, entry, bytes, start, length, this.#limits.sortedSet);
    return entry;
  }

  /** Checks the listpack in `#view`. Returns how many elements it has. */
  #examine(isHash: boolean): number {
    const input = this.#input;
    const { bytes, start, length } = this.#view;
    const elements = examine(bytes, start, length, 2);
    if (elements === DAMAGED) input.fail("Listpack integrity check failed");
    if (elements === 0) return 0;
    this.#requireTable(length);
    if (isHash) {
      if (elements === DUPLICATE) input.fail("a hash holds a field twice");
      if ((elements & 1) !== 0) input.fail("Hash listpack integrity check failed");
    } else if (elements === DUPLICATE || !sortedSetListpack.isAscending(bytes, start)) {
      input.fail("Zset listpack integrity check failed");
    }
    return elements;
  }

  #readIntset(key: Uint8Array, keyStart: number, keyBytes: number, expiryMs: number): Ref {
    const arena = this.#arena;
    const { set } = this.#limits;
    const { bytes, start, length } = this.#view;
    if (!intset.validate(bytes, start, length, true)) {
      this.#input.fail("Intset integrity check failed");
    }
    this.#requireTable(length);
    const { TYPE_SET, ENCODING_INTSET } = value;
    const isKept = length <= intset.INTSET_BYTES_MAX &&
      intset.rawCount(bytes, start) <= set.intsetEntriesMax;
    const ref = isKept
      ? intset.fromRaw(arena, bytes, start, length)
      : setValue.create(arena, ENCODING_INTSET);
    const entry = value.createEntry(
      arena,
      key,
      keyStart,
      keyBytes,
      TYPE_SET,
      ENCODING_INTSET,
      ref,
      expiryMs,
    );
    if (!isKept && !setValue.loadIntset(arena, entry, bytes, start, length, set)) {
      this.#keyspace.reclaimer.freeEntry(entry);
      this.#input.fail("an intset holds a member twice");
    }
    return entry;
  }

  /** Looks whether there is room for the table that a structure becomes if no block can hold it. */
  #requireTable(byteCount: number): void {
    if (byteCount > SEGMENT_BYTES) this.#arena.requireRoom(byteCount * TABLE_BYTES_EACH);
  }
}
