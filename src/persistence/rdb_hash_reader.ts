/**
 * RDB hash reader: hashes some of whose fields expire, in the five forms that there are
 * (rdb_format.ts). What a type means depends on whose file it is: 22 is another one to Valkey.
 *
 * A listpack is believed only if its fields are in order and none comes twice. Fields that have
 * expired by now are read like others: they go when their turn comes, and replicas hear of it.
 */
import { Slice } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import { type Ref, SEGMENT_BYTES } from "../memory/memory.ts";
import { DAMAGED, DUPLICATE, examine } from "../structures/listpack_duplicates.ts";
import { ELEMENT_EXPIRY_MAX } from "../values/element_expiry.ts";
import { WIDTH } from "../values/field_listpack.ts";
import * as hashValue from "../values/hash_value.ts";
import * as value from "../values/value.ts";
import * as format from "./rdb_format.ts";
import type { RdbInput } from "./rdb_input.ts";

/** What a table takes for each element, or for each byte of small ones. */
const TABLE_BYTES_EACH = 16;

export class RdbHashReader {
  readonly #input: RdbInput;
  readonly #arena: Arena;
  readonly #limits: hashValue.HashLimits;
  readonly #view = new Slice();

  constructor(input: RdbInput, arena: Arena, limits: hashValue.HashLimits) {
    this.#input = input;
    this.#arena = arena;
    this.#limits = limits;
  }

  /** Fills an empty hash. Returns how many fields it has. Throws RdbFormatError. */
  fill(type: number, entry: Ref, isValkey: boolean): number {
    const input = this.#input;
    if (isValkey) {
      this.#fillPairs(entry, () => -1, this.#valkeyExpiry);
    } else if (type === format.RDB_HASH_METADATA) {
      const originMs = input.readInt64() - 1;
      this.#fillPairs(entry, () => this.#shortExpiry(originMs), null);
    } else if (type === format.RDB_HASH_METADATA_PRE_GA) {
      this.#fillPairs(entry, () => this.#shortExpiry(0), null);
    } else {
      if (type === format.RDB_HASH_LISTPACK_EX) input.readInt64();
      this.#fillFromListpack(entry);
    }
    return hashValue.countOfKey(this.#arena, entry);
  }

  /** Reads fields with values; the expiry stands before the field or behind the value. */
  #fillPairs(entry: Ref, before: () => number, behind: (() => number) | null): void {
    const input = this.#input;
    const arena = this.#arena;
    const count = input.readCount(2);
    arena.requireRoom(count * TABLE_BYTES_EACH);
    hashValue.prepare(arena, entry, count, this.#limits);
    hashValue.makeExpiring(arena, entry);
    for (let index = 0; index < count; index++) {
      let expiryMs = before();
      const field = this.#readElement().copy();
      const { bytes, start, length } = this.#readElement();
      const limits = this.#limits;
      const end = field.length;
      if (!hashValue.set(arena, entry, field, 0, end, bytes, start, length, limits)) {
        input.fail("a hash holds a field twice");
      }
      if (behind !== null) expiryMs = behind();
      if (expiryMs !== value.NO_EXPIRY) {
        hashValue.setExpiry(arena, entry, field, 0, end, expiryMs);
      }
    }
  }

  /** An expiry as a length, counted from an origin; 0 is none. */
  #shortExpiry(originMs: number): number {
    const length = this.#input.readPlainLength();
    return length === 0 ? value.NO_EXPIRY : this.#checked(originMs + length);
  }

  /** Valkey's: absolute, -1 is none. */
  readonly #valkeyExpiry = (): number => {
    const expiryMs = this.#input.readInt64();
    return expiryMs === -1 ? value.NO_EXPIRY : this.#checked(expiryMs);
  };

  #checked(expiryMs: number): number {
    if (expiryMs <= 0 || expiryMs > ELEMENT_EXPIRY_MAX) {
      this.#input.fail("a field of a hash expires at an impossible time");
    }
    return expiryMs;
  }

  #fillFromListpack(entry: Ref): void {
    const { bytes, start, length } = this.#readElement();
    const elements = examine(bytes, start, length, WIDTH);
    const isSound = elements !== DAMAGED &&
      hashValue.isFieldListpack(bytes, start, ELEMENT_EXPIRY_MAX);
    if (!isSound) this.#input.fail("Hash listpack integrity check failed");
    if (elements === DUPLICATE) this.#input.fail("a hash holds a field twice");
    if (length > SEGMENT_BYTES) this.#arena.requireRoom(length * TABLE_BYTES_EACH);
    hashValue.loadFieldListpack(this.#arena, entry, bytes, start, length, this.#limits);
  }

  /** Reads a string, for which there is room in the arena; good until the next one. */
  #readElement(): Slice {
    this.#input.readString(this.#view);
    this.#arena.requireRoom(this.#view.length);
    return this.#view;
  }
}
