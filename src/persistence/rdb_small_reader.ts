/**
 * RDB small reader: sets, sorted sets and hashes that stand in the file as in memory, as one string
 * (intset, listpack). There are often millions of them, so each is made in one go: the string is
 * looked through once, becomes a block as it is, and the entry is made for that block
 * (`save_and_load.ts`). Only what the present limits want otherwise, or no block can hold, takes
 * the way over an empty value that is filled.
 */
import { assert } from "../base/assert.ts";
import { copyBytes, Slice } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import { OFFSET_MASK, type Ref, SEGMENT_BYTES, SEGMENT_SHIFT } from "../memory/memory.ts";
import * as intset from "../structures/intset.ts";
import { DAMAGED, DUPLICATE, examine } from "../structures/listpack_duplicates.ts";
import * as hashValue from "../values/hash_value.ts";
import * as setLoading from "../values/set_loading.ts";
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

/** What is made of each type that is read here; 0 for the others. */
const KINDS = new Uint8Array(256);
KINDS[format.RDB_HASH_LISTPACK] = value.TYPE_HASH;
KINDS[format.RDB_ZSET_LISTPACK] = value.TYPE_SORTED_SET;
KINDS[format.RDB_SET_INTSET] = value.TYPE_SET;
KINDS[format.RDB_SET_LISTPACK] = value.TYPE_SET;

/** Whether values of this type are read here. */
export function isSmallType(type: number): boolean {
  return KINDS[type] !== 0;
}

export class RdbSmallReader {
  readonly #input: RdbInput;
  readonly #arena: Arena;
  readonly #limits: EncodingLimits;
  readonly #view = new Slice();

  constructor(input: RdbInput, arena: Arena, limits: EncodingLimits) {
    this.#input = input;
    this.#arena = arena;
    this.#limits = limits;
  }

  /**
   * Reads a value of such a type. Returns an entry with this key (which must outlast the call) and
   * expiry, or 0 if there are no elements. Throws RdbFormatError, or AddressSpaceFull, and leaves
   * no block behind.
   */
  read(type: number, key: Uint8Array, keyStart: number, keyBytes: number, expiryMs: number): Ref {
    const block = this.#readString();
    let entry: Ref = 0;
    let isKept = false;
    try {
      const kind = KINDS[type];
      const count = this.#countOf(type);
      if (count === 0) return 0;
      isKept = count <= this.#countMax(type) && this.#view.length <= SEGMENT_BYTES;
      const isListpack = isKept ? type !== format.RDB_SET_INTSET : kind !== value.TYPE_SET;
      const encoding = isListpack ? value.ENCODING_LISTPACK : value.ENCODING_INTSET;
      const ref = isKept ? this.#blockOf(block) : this.#createEmpty(kind);
      const arena = this.#arena;
      entry = value.createEntry(arena, key, keyStart, keyBytes, kind, encoding, ref, expiryMs);
      if (!isKept) this.#convert(type, entry);
    } finally {
      if (!isKept && block !== 0) this.#arena.free(block);
    }
    return entry;
  }

  /**
   * Reads the string and leaves it in `#view`. Returns the block to which it was unpacked, or 0 if
   * it stands in no block.
   */
  #readString(): Ref {
    const input = this.#input;
    const arena = this.#arena;
    const view = this.#view;
    const length = input.readPacked();
    if (length === 0) {
      input.readString(view);
      arena.requireRoom(view.length);
      return 0;
    }
    arena.requireRoom(length);
    if (length > SEGMENT_BYTES) {
      input.unpackString(length, view);
      return 0;
    }
    const block = arena.allocate(length);
    const start = (block & OFFSET_MASK) << 3;
    view.set(arena.bytes[block >>> SEGMENT_SHIFT], start, length);
    if (!input.unpack(view.bytes, start, length)) {
      arena.free(block);
      input.failPacked();
    }
    return block;
  }

  /** The block that holds the string: the one it was unpacked to, or else a new one. */
  #blockOf(unpacked: Ref): Ref {
    if (unpacked !== 0) return unpacked;
    const { bytes, start, length } = this.#view;
    const block = this.#arena.allocate(length);
    const target = this.#arena.bytes[block >>> SEGMENT_SHIFT];
    copyBytes(bytes, start, target, (block & OFFSET_MASK) << 3, length);
    return block;
  }

  /** Checks the string in `#view`. Returns how many fields or members it holds. */
  #countOf(type: number): number {
    if (type === format.RDB_SET_INTSET) return this.#countOfIntset();
    return type === format.RDB_SET_LISTPACK ? this.#countOfMembers() : this.#countOfPairs(type);
  }

  #countMax(type: number): number {
    const { hash, set, sortedSet } = this.#limits;
    if (type === format.RDB_HASH_LISTPACK) return hash.listpackEntriesMax;
    if (type === format.RDB_SET_LISTPACK) return set.listpackEntriesMax;
    return type === format.RDB_SET_INTSET ? set.intsetEntriesMax : sortedSet.listpackEntriesMax;
  }

  #createEmpty(kind: number): Ref {
    const arena = this.#arena;
    if (kind === value.TYPE_HASH) return hashValue.create(arena);
    return kind === value.TYPE_SET
      ? setValue.create(arena, value.ENCODING_INTSET)
      : sortedSetValue.create(arena, value.ENCODING_LISTPACK);
  }

  /** Fills an empty value from the string in `#view`, which has been checked. */
  #convert(type: number, entry: Ref): void {
    const arena = this.#arena;
    const { hash, set, sortedSet } = this.#limits;
    const { bytes, start, length } = this.#view;
    const isSound = type === format.RDB_HASH_LISTPACK
      ? hashValue.loadListpack(arena, entry, bytes, start, length, hash)
      : type === format.RDB_SET_LISTPACK
      ? setLoading.loadListpack(arena, entry, bytes, start, set)
      : type === format.RDB_SET_INTSET
      ? setLoading.loadIntset(arena, entry, bytes, start, length, set)
      : sortedSetValue.loadListpack(arena, entry, bytes, start, length, sortedSet);
    assert(isSound, "what has been checked is sound");
  }

  /** Checks the intset in `#view`. Returns how many members it has. */
  #countOfIntset(): number {
    const { bytes, start, length } = this.#view;
    if (!intset.validate(bytes, start, length, true)) {
      this.#input.fail("Intset integrity check failed");
    }
    this.#requireTable(length);
    return intset.rawCount(bytes, start);
  }

  /** Checks the listpack of a set in `#view`. Returns how many members it has. */
  #countOfMembers(): number {
    const members = this.#examine(1);
    if (members === DUPLICATE) this.#input.fail("a set holds a member twice");
    return members;
  }

  /** Looks through the listpack in `#view`: what `examine` says of one that is sound. */
  #examine(stride: number): number {
    const { bytes, start, length } = this.#view;
    const elements = examine(bytes, start, length, stride);
    if (elements === DAMAGED) this.#input.fail("Listpack integrity check failed");
    if (elements !== 0) this.#requireTable(length);
    return elements;
  }

  /** Checks the listpack of pairs in `#view`. Returns how many fields or members it has. */
  #countOfPairs(type: number): number {
    const input = this.#input;
    const { bytes, start } = this.#view;
    const elements = this.#examine(2);
    if (elements === 0) return 0;
    if (type === format.RDB_HASH_LISTPACK) {
      if (elements === DUPLICATE) input.fail("a hash holds a field twice");
      if ((elements & 1) !== 0) input.fail("Hash listpack integrity check failed");
    } else if (elements === DUPLICATE || !sortedSetListpack.isAscending(bytes, start)) {
      input.fail("Zset listpack integrity check failed");
    }
    return elements >>> 1;
  }

  /** Looks whether there is room for the table that a structure becomes if no block can hold it. */
  #requireTable(byteCount: number): void {
    if (byteCount > SEGMENT_BYTES) this.#arena.requireRoom(byteCount * TABLE_BYTES_EACH);
  }
}
