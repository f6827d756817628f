/**
 * RDB template reader: hashes of a template, as Redis 8.10 writes them: many hashes with the same
 * fields, whose names stand in the file once, or with each value in a DUMP payload. Here they are
 * hashes as any others.
 *
 * A file holds its templates before the keys. A payload has none, so that a value in it which
 * refers to one is damaged.
 */
import { latin1Text, Slice } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import { Int64 } from "../structures/int64_words.ts";
import * as rawListpack from "../structures/raw_listpack.ts";
import * as hashValue from "../values/hash_value.ts";
import * as format from "./rdb_format.ts";
import type { RdbInput } from "./rdb_input.ts";

/** The names of the fields. */
type Names = readonly Uint8Array[];

/** What a table takes for each element. */
const TABLE_BYTES_EACH = 16;
/** A file has few templates; more than this in them is no file that a server has written. */
const NAMES_BYTES_MAX = 256 * 1024 * 1024;
/** What a name takes beside its bytes, for it is an object. */
const NAME_OVERHEAD_BYTES = 128;

export class RdbTemplateReader {
  readonly #input: RdbInput;
  readonly #arena: Arena;
  readonly #limits: hashValue.HashLimits;
  readonly #view = new Slice();
  readonly #integer = new Int64();
  /** The templates of the file, by their ids as decimal text. */
  readonly #templates = new Map<string, Names>();
  /** What the names take that are held. */
  #heldBytes = 0;

  constructor(input: RdbInput, arena: Arena, limits: hashValue.HashLimits) {
    this.#input = input;
    this.#arena = arena;
    this.#limits = limits;
  }

  /** Reads a template of the file; its opcode has been read. Throws RdbFormatError. */
  readTemplate(): void {
    const id = this.#readId();
    if (this.#templates.has(id)) this.#input.fail(`template ${id} of hashes comes twice`);
    this.#templates.set(id, this.#readStrings());
  }

  /** Fills an empty hash. Returns how many fields it has. Throws RdbFormatError. */
  fill(type: number, entry: Ref): number {
    switch (type) {
      case format.RDB_HASH_TEMPLATE_LISTPACK:
        return this.#fillFromListpack(entry, this.#readNames());
      case format.RDB_HASH_TEMPLATE_LISTPACK_REF:
        return this.#fillFromListpack(entry, null);
      case format.RDB_HASH_TEMPLATE_ARRAY:
        return this.#fillFromStrings(entry, this.#readNames());
    }
    return this.#fillFromStrings(entry, this.#find(this.#readId()));
  }

  #readId(): string {
    this.#input.readLength64(this.#integer);
    return String(BigInt.asUintN(64, this.#integer.toBigInt()));
  }

  #find(id: string): Names {
    return this.#templates.get(id) ?? this.#input.fail(`no template of hashes has the id ${id}`);
  }

  /** Reads the names that stand in the value itself. */
  #readNames(): Names {
    const heldBytes = this.#heldBytes;
    const form = this.#input.readPlainLength();
    if (form > format.NAMES_AS_STRINGS) {
      this.#input.fail(`the names of fields stand in an unknown form ${form}`);
    }
    const isListpack = form === format.NAMES_IN_LISTPACK;
    const names = isListpack ? this.#readNamesInListpack() : this.#readStrings();
    // They are not kept for other values.
    this.#heldBytes = heldBytes;
    return names;
  }

  #readNamesInListpack(): Names {
    const names: Uint8Array[] = [];
    const { bytes, start } = this.#readListpack();
    rawListpack.forEach(bytes, start, (from, at, length) => {
      names.push(this.#kept(from, at, length));
    });
    return this.#checked(names);
  }

  #readStrings(): Names {
    const names: Uint8Array[] = [];
    for (let left = this.#input.readCount(1); left > 0; left--) {
      this.#input.readString(this.#view);
      names.push(this.#kept(this.#view.bytes, this.#view.start, this.#view.length));
    }
    return this.#checked(names);
  }

  /** A copy of a name. Compressed, a short file could hold more of them than there is room for. */
  #kept(bytes: Uint8Array, start: number, length: number): Uint8Array {
    this.#heldBytes += length + NAME_OVERHEAD_BYTES;
    if (this.#heldBytes > NAMES_BYTES_MAX) {
      this.#input.fail("the templates of hashes have more names than can be held");
    }
    return bytes.slice(start, start + length);
  }

  #checked(names: Names): Names {
    if (names.length === 0) this.#input.fail("a template of hashes has no fields");
    return names;
  }

  /** Reads the values as a listpack, behind an integer: the template's id, if none is given. */
  #fillFromListpack(entry: Ref, given: Names | null): number {
    const { bytes, start } = this.#readListpack();
    let names = given;
    let index = -1;
    rawListpack.forEach(bytes, start, (from, at, length) => {
      if (index === -1) {
        names ??= this.#find(latin1Text(from, at, length));
        this.#prepare(entry, names);
      } else {
        this.#set(entry, names!, index, from, at, length);
      }
      index++;
    });
    if (names === null || index !== names.length) this.#failForCount();
    return names.length;
  }

  #fillFromStrings(entry: Ref, names: Names): number {
    const view = this.#view;
    this.#prepare(entry, names);
    for (let index = 0; index < names.length; index++) {
      this.#input.readString(view);
      this.#set(entry, names, index, view.bytes, view.start, view.length);
    }
    return names.length;
  }

  #prepare(entry: Ref, names: Names): void {
    this.#arena.requireRoom(names.length * TABLE_BYTES_EACH);
    hashValue.prepare(this.#arena, entry, names.length, this.#limits);
  }

  #set(
    entry: Ref,
    names: Names,
    index: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    if (index >= names.length) this.#failForCount();
    const name = names[index];
    const end = name.length;
    this.#arena.requireRoom(end + length);
    if (!hashValue.set(this.#arena, entry, name, 0, end, bytes, start, length, this.#limits)) {
      this.#input.fail("a hash holds a field twice");
    }
  }

  #failForCount(): never {
    this.#input.fail("a hash of a template has another number of values than fields");
  }

  #readListpack(): Slice {
    const view = this.#view;
    this.#input.readString(view);
    if (!rawListpack.validate(view.bytes, view.start, view.length, true)) {
      this.#input.fail("Listpack integrity check failed");
    }
    return view;
  }
}
