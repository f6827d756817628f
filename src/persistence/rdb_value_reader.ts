/**
 * RDB value reader: makes the value of any type that rdb_format.ts lists, on an entry that is in no
 * database yet. Loading a file and RESTORE both read values here.
 *
 * Encodings come out as the present limits ask for, whatever the file holds. Structures that stand
 * in the file as in memory (listpack, intset, ziplist, zipmap) are walked through before they are
 * believed, and what may be there only once is looked for: damage would be met later, far from
 * where it came from, or be saved and not load again. (Redis does this only with
 * sanitize-dump-payload.)
 */
import { unreachable } from "../base/assert.ts";
import { latin1Text, Slice } from "../base/bytes.ts";
import { parseDouble } from "../base/doubles.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import * as rawListpack from "../structures/raw_listpack.ts";
import * as hashValue from "../values/hash_value.ts";
import * as listValue from "../values/list_value.ts";
import * as setValue from "../values/set_value.ts";
import { loadMembers } from "../values/sorted_set_loading.ts";
import * as sortedSetValue from "../values/sorted_set_value.ts";
import * as streamValue from "../values/stream_value.ts";
import * as stringValue from "../values/string_value.ts";
import * as value from "../values/value.ts";
import * as legacy from "./legacy_encodings.ts";
import * as format from "./rdb_format.ts";
import { RdbHashReader } from "./rdb_hash_reader.ts";
import type { RdbInput } from "./rdb_input.ts";
import { type EncodingLimits, isSmallType, RdbSmallReader } from "./rdb_small_reader.ts";
import { RdbStreamReader } from "./rdb_stream_reader.ts";
import { RdbTemplateReader } from "./rdb_template_reader.ts";

export type { EncodingLimits } from "./rdb_small_reader.ts";

/** Plain strings of more bytes go from the file to the arena in pieces. */
const PIECE_BYTES = 256 * 1024;

/** What a table takes for each element that it is made for. */
const TABLE_BYTES_EACH = 16;

/** What is made of the types of collections. */
// deno-fmt-ignore
const TYPES: readonly (readonly [kind: number, types: readonly number[]])[] = [
  [value.TYPE_LIST, [format.RDB_LIST, format.RDB_LIST_ZIPLIST, format.RDB_LIST_QUICKLIST,
    format.RDB_LIST_QUICKLIST_2]],
  [value.TYPE_SET, [format.RDB_SET, format.RDB_SET_INTSET, format.RDB_SET_LISTPACK]],
  [value.TYPE_SORTED_SET, [format.RDB_ZSET, format.RDB_ZSET_2, format.RDB_ZSET_ZIPLIST,
    format.RDB_ZSET_LISTPACK]],
  [value.TYPE_HASH, [format.RDB_HASH, format.RDB_HASH_ZIPMAP, format.RDB_HASH_ZIPLIST,
    format.RDB_HASH_LISTPACK, format.RDB_HASH_METADATA_PRE_GA, format.RDB_HASH_LISTPACK_EX_PRE_GA,
    format.RDB_HASH_METADATA, format.RDB_HASH_LISTPACK_EX, format.RDB_HASH_TEMPLATE_LISTPACK,
    format.RDB_HASH_TEMPLATE_LISTPACK_REF, format.RDB_HASH_TEMPLATE_ARRAY,
    format.RDB_HASH_TEMPLATE_ARRAY_REF]],
  [value.TYPE_STREAM, [format.RDB_STREAM_LISTPACKS, format.RDB_STREAM_LISTPACKS_2,
    format.RDB_STREAM_LISTPACKS_3, format.RDB_STREAM_LISTPACKS_4, format.RDB_STREAM_LISTPACKS_5]],
];
const KINDS = new Map(TYPES.flatMap(([kind, types]) => types.map((type) => [type, kind])));

const MEMBER_TWICE = "a sorted set holds a member twice";

/** A byte string kept over the next read. */
class HeldBytes {
  bytes = new Uint8Array(64);
  length = 0;

  hold(slice: Slice): void {
    if (this.bytes.length < slice.length) this.bytes = new Uint8Array(slice.length * 2);
    this.length = slice.length;
    const { bytes, start, length } = slice;
    if (length > 48) this.bytes.set(bytes.subarray(start, start + length));
    else for (let index = 0; index < length; index++) this.bytes[index] = bytes[start + index];
  }
}

export class RdbValueReader {
  /** Version of the file or payload, as far as it says what a type means. */
  version: number = format.RDB_VERSION;
  readonly #input: RdbInput;
  readonly #keyspace: Keyspace;
  readonly #arena: Arena;
  readonly #added: sortedSetValue.ScoreOut = { score: 0 };
  readonly #limits: EncodingLimits;
  readonly #view = new Slice();
  readonly #held = new HeldBytes();
  readonly #small: RdbSmallReader;
  readonly #streams: RdbStreamReader;
  readonly #hashes: RdbHashReader;
  readonly #templates: RdbTemplateReader;

  /**
   * `isStrict`: refuse streams whose ids or length are wrong, too. Of a file they are set right,
   * for a server that has lost count must be able to start.
   */
  constructor(input: RdbInput, keyspace: Keyspace, limits: EncodingLimits, isStrict: boolean) {
    this.#input = input;
    this.#keyspace = keyspace;
    this.#arena = keyspace.arena;
    this.#limits = limits;
    this.#small = new RdbSmallReader(input, keyspace.arena, limits);
    this.#streams = new RdbStreamReader(input, keyspace.arena, isStrict);
    this.#hashes = new RdbHashReader(input, keyspace.arena, limits.hash);
    this.#templates = new RdbTemplateReader(input, keyspace.arena, limits.hash);
  }

  /** Ids of producers that were read with streams and left out (rdb_stream_reader.ts). */
  get producerIdCount(): number {
    return this.#streams.producerIdCount;
  }

  /** Reads a template of hashes, for the values that refer to it; its opcode has been read. */
  readTemplate(): void {
    if (format.isValkeyVersion(this.version)) {
      this.#input.fail(`unknown opcode ${format.OPCODE_HASH_TEMPLATE}`);
    }
    this.#templates.readTemplate();
  }

  /**
   * Reads a value. Returns an entry with this key (which must outlast the call) and expiry, or 0 if
   * the value is a collection without elements (a stream may have none). Throws RdbFormatError, or
   * AddressSpaceFull, and leaves no block behind.
   */
  read(
    type: number,
    key: Uint8Array,
    keyStart: number,
    keyBytes: number,
    expiryMs: number,
  ): Ref {
    this.#arena.requireRoom(keyBytes);
    if (type === format.RDB_STRING) return this.#readString(key, keyStart, keyBytes, expiryMs);
    if (isSmallType(type)) return this.#small.read(type, key, keyStart, keyBytes, expiryMs);
    const entry = this.#createEmpty(type, key, keyStart, keyBytes, expiryMs);
    let count = 0;
    try {
      count = this.#fill(type, entry);
    } finally {
      if (count === 0) this.#keyspace.reclaimer.freeEntry(entry);
    }
    return count === 0 ? 0 : entry;
  }

  #readString(key: Uint8Array, keyStart: number, keyBytes: number, expiryMs: number): Ref {
    const arena = this.#arena;
    const view = this.#view;
    const input = this.#input;
    const length = input.readStringOrLength(PIECE_BYTES, view);
    // Compressed, a short string may become a long one.
    arena.requireRoom(length === -1 ? view.length : length);
    if (length === -1) {
      const { bytes, start } = view;
      const valueBytes = view.length;
      return stringValue.createEntry(
        arena,
        key,
        keyStart,
        keyBytes,
        bytes,
        start,
        valueBytes,
        expiryMs,
      );
    }
    const ref = byteString.create(arena, length);
    try {
      for (let offset = 0; offset < length; offset += view.length) {
        input.readPiece(length - offset, view);
        byteString.write(arena, ref, offset, view.bytes, view.start, view.length);
      }
    } catch (error) {
      byteString.free(arena, ref);
      throw error;
    }
    const { TYPE_STRING, ENCODING_RAW } = value;
    return value.createEntry(
      arena,
      key,
      keyStart,
      keyBytes,
      TYPE_STRING,
      ENCODING_RAW,
      ref,
      expiryMs,
    );
  }

  #createEmpty(
    type: number,
    key: Uint8Array,
    start: number,
    length: number,
    expiryMs: number,
  ): Ref {
    const arena = this.#arena;
    const kind = this.#isForeign(type) ? undefined : KINDS.get(type);
    let encoding: number;
    let ref: Ref;
    switch (kind) {
      case value.TYPE_LIST:
        encoding = value.ENCODING_QUICKLIST;
        ref = listValue.create(arena);
        break;
      case value.TYPE_SET:
        encoding = value.ENCODING_INTSET;
        ref = setValue.create(arena, encoding);
        break;
      case value.TYPE_SORTED_SET:
        encoding = value.ENCODING_LISTPACK;
        ref = sortedSetValue.create(arena, encoding);
        break;
      case value.TYPE_HASH:
        encoding = value.ENCODING_LISTPACK;
        ref = hashValue.create(arena);
        break;
      case value.TYPE_STREAM:
        encoding = value.ENCODING_STREAM;
        ref = streamValue.create(arena);
        break;
      default:
        return this.#failForType(type, latin1Text(key, start, length));
    }
    return value.createEntry(arena, key, start, length, kind, encoding, ref, expiryMs);
  }

  /** Whether Valkey has no such type, though Redis has. */
  #isForeign(type: number): boolean {
    return format.isValkeyVersion(this.version) && type > format.RDB_HASH_METADATA_PRE_GA;
  }

  #failForType(type: number, key: string): never {
    if (type === format.RDB_MODULE_2) {
      const name = this.#input.readModuleName();
      this.#input.refuse(
        `key "${key}" has type module (${type}) with the name "${name}", which this version ` +
          "cannot read",
      );
    }
    const name = this.#isForeign(type) ? undefined : format.UNREADABLE_TYPE_NAMES.get(type);
    if (name === undefined) this.#input.fail(`key "${key}" has unknown type ${type}`);
    return this.#input.refuse(
      `key "${key}" has type ${name} (${type}), which this version cannot read`,
    );
  }

  /** Reads the elements of a collection. Returns how many there are; of a stream, just not 0. */
  #fill(type: number, entry: Ref): number {
    switch (type) {
      case format.RDB_LIST:
        return this.#fillList(entry);
      case format.RDB_LIST_ZIPLIST:
        return this.#fillListFromZiplists(entry, 1);
      case format.RDB_LIST_QUICKLIST:
        return this.#fillListFromZiplists(entry, this.#input.readCount(1));
      case format.RDB_LIST_QUICKLIST_2:
        return this.#fillListFromNodes(entry);
      case format.RDB_SET:
        return this.#fillSet(entry);
      case format.RDB_ZSET:
      case format.RDB_ZSET_2:
        return this.#fillSortedSet(entry, type === format.RDB_ZSET_2);
      case format.RDB_ZSET_ZIPLIST:
        return this.#fillSortedSetFromZiplist(entry);
      case format.RDB_HASH:
        return this.#fillHash(entry);
      case format.RDB_HASH_ZIPMAP:
      case format.RDB_HASH_ZIPLIST:
        return this.#fillHashFromLegacy(entry, type === format.RDB_HASH_ZIPMAP);
      case format.RDB_STREAM_LISTPACKS:
      case format.RDB_STREAM_LISTPACKS_2:
      case format.RDB_STREAM_LISTPACKS_3:
      case format.RDB_STREAM_LISTPACKS_4:
      case format.RDB_STREAM_LISTPACKS_5:
        this.#streams.fill(type, value.valueRef(this.#arena, entry));
        return 1;
      case format.RDB_HASH_METADATA_PRE_GA:
      case format.RDB_HASH_LISTPACK_EX_PRE_GA:
      case format.RDB_HASH_METADATA:
      case format.RDB_HASH_LISTPACK_EX:
        return this.#hashes.fill(type, entry, format.isValkeyVersion(this.version));
      case format.RDB_HASH_TEMPLATE_LISTPACK:
      case format.RDB_HASH_TEMPLATE_LISTPACK_REF:
      case format.RDB_HASH_TEMPLATE_ARRAY:
      case format.RDB_HASH_TEMPLATE_ARRAY_REF:
        return this.#templates.fill(type, entry);
    }
    return unreachable(`a value of type ${type}`);
  }

  // ---------------------------------------------------------------------------------------- lists

  #fillList(entry: Ref): number {
    const list = value.valueRef(this.#arena, entry);
    const view = this.#view;
    const count = this.#input.readCount(1);
    for (let index = 0; index < count; index++) {
      this.#readElement();
      this.#append(list, view.bytes, view.start, view.length);
    }
    return count;
  }

  #append(list: Ref, bytes: Uint8Array, start: number, length: number): void {
    listValue.appendElement(this.#arena, list, bytes, start, length, this.#limits.listFill);
  }

  #fillListFromZiplists(entry: Ref, nodeCount: number): number {
    const list = value.valueRef(this.#arena, entry);
    for (let index = 0; index < nodeCount; index++) {
      this.#readZiplist((bytes, start, length) => this.#append(list, bytes, start, length));
    }
    return listValue.length(this.#arena, list);
  }

  #fillListFromNodes(entry: Ref): number {
    const arena = this.#arena;
    const list = value.valueRef(arena, entry);
    const view = this.#view;
    const nodeCount = this.#input.readCount(2);
    for (let index = 0; index < nodeCount; index++) {
      const container = this.#input.readPlainLength();
      if (container === format.QUICKLIST_PLAIN) {
        this.#readElement();
        // Only large elements stand alone.
        if (view.length === 0) this.#input.fail("a list node without bytes");
        this.#append(list, view.bytes, view.start, view.length);
      } else if (container === format.QUICKLIST_PACKED) {
        this.#readListpack();
        const { bytes, start, length } = view;
        const { listFill } = this.#limits;
        listValue.appendRawListpack(arena, list, bytes, start, length, listFill);
      } else {
        this.#input.fail(`unknown list container ${container}`);
      }
    }
    return listValue.length(arena, list);
  }

  // ----------------------------------------------------------------------------------------- sets

  #fillSet(entry: Ref): number {
    const view = this.#view;
    const count = this.#readCount(1);
    setValue.prepare(this.#arena, entry, count, this.#limits.set);
    for (let index = 0; index < count; index++) {
      this.#readElement();
      const { bytes, start, length } = view;
      if (!setValue.add(this.#arena, entry, bytes, start, length, this.#limits.set)) {
        this.#input.fail("a set holds a member twice");
      }
    }
    return count;
  }

  // ---------------------------------------------------------------------------------- sorted sets

  #fillSortedSet(entry: Ref, hasBinaryScores: boolean): number {
    const input = this.#input;
    const view = this.#view;
    const held = this.#held;
    const count = this.#readCount(2);
    // Collected large, for a listpack would not keep a score of -0.
    sortedSetValue.prepare(this.#arena, entry, count);
    const root = value.valueRef(this.#arena, entry);
    const isUnique = loadMembers(this.#arena, root, count, (loading) => {
      this.#readElement();
      held.hold(view);
      const score = hasBinaryScores ? input.readDouble() : this.#readTextScore();
      this.#checkScored(held.length, score);
      loading.add(held.bytes, 0, held.length, score);
    });
    if (!isUnique) this.#input.fail(MEMBER_TWICE);
    sortedSetValue.settle(this.#arena, entry, this.#limits.sortedSet);
    return count;
  }

  #readTextScore(): number {
    const input = this.#input;
    const length = input.readByte();
    if (length === format.SCORE_POSITIVE_INFINITY) return Infinity;
    if (length === format.SCORE_NEGATIVE_INFINITY) return -Infinity;
    if (length === format.SCORE_NAN) return NaN;
    input.readRaw(length, this.#view);
    return parseDouble(this.#view.bytes, this.#view.start, length);
  }

  #addScored(
    entry: Ref,
    bytes: Uint8Array,
    start: number,
    length: number,
    score: number,
  ): void {
    this.#checkScored(length, score);
    const { sortedSet } = this.#limits;
    const arena = this.#arena;
    const added = this.#added;
    const done = sortedSetValue.add(arena, entry, bytes, start, length, score, 0, sortedSet, added);
    if (done !== sortedSetValue.ADD_INSERTED) this.#input.fail(MEMBER_TWICE);
  }

  #checkScored(length: number, score: number): void {
    if (score !== score) this.#input.fail("a sorted set holds a score that is not a number");
    this.#arena.requireRoom(length);
  }

  #fillSortedSetFromZiplist(entry: Ref): number {
    let count = 0;
    let former = -Infinity;
    this.#readPairs(false, (member, bytes, start, length) => {
      const score = parseDouble(bytes, start, length);
      if (score < former) this.#input.fail("a ziplist holds scores that do not ascend");
      former = score;
      count++;
      this.#addScored(entry, member.bytes, 0, member.length, score);
    });
    return count;
  }

  // --------------------------------------------------------------------------------------- hashes

  #fillHash(entry: Ref): number {
    const view = this.#view;
    const held = this.#held;
    const count = this.#readCount(2);
    hashValue.prepare(this.#arena, entry, count, this.#limits.hash);
    for (let index = 0; index < count; index++) {
      this.#readElement();
      held.hold(view);
      this.#readElement();
      this.#setField(entry, held, view.bytes, view.start, view.length);
    }
    return count;
  }

  #setField(
    entry: Ref,
    field: HeldBytes,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    const arena = this.#arena;
    arena.requireRoom(length);
    const isNew = hashValue.set(
      arena,
      entry,
      field.bytes,
      0,
      field.length,
      bytes,
      start,
      length,
      this.#limits.hash,
    );
    if (!isNew) this.#input.fail("a hash holds a field twice");
  }

  #fillHashFromLegacy(entry: Ref, isZipmap: boolean): number {
    let count = 0;
    this.#readPairs(isZipmap, (field, bytes, start, length) => {
      count++;
      this.#setField(entry, field, bytes, start, length);
    });
    return count;
  }

  /** Reads a string into `#view`, for which there is room in the arena. */
  #readElement(): void {
    this.#input.readString(this.#view);
    this.#arena.requireRoom(this.#view.length);
  }

  /** Reads the number of elements of a table, which is made as large at once. */
  #readCount(bytesEach: number): number {
    const count = this.#input.readCount(bytesEach);
    this.#arena.requireRoom(count * TABLE_BYTES_EACH);
    return count;
  }

  // ------------------------------------------------------------------------------ small structures

  /** Reads a listpack and leaves it in `#view`. */
  #readListpack(): void {
    this.#readElement();
    const { bytes, start, length } = this.#view;
    if (!rawListpack.validate(bytes, start, length, true)) {
      this.#input.fail("Listpack integrity check failed");
    }
  }

  #readZiplist(visit: legacy.ElementVisitor): void {
    this.#readElement();
    const { bytes, start, length } = this.#view;
    if (!legacy.forEachInZiplist(bytes, start, length, visit)) {
      this.#input.fail("Ziplist integrity check failed");
    }
  }

  /** Reads a ziplist or zipmap whose elements are pairs. */
  #readPairs(
    isZipmap: boolean,
    visit: (first: HeldBytes, bytes: Uint8Array, start: number, length: number) => void,
  ): void {
    const held = this.#held;
    const pair = new Slice();
    let isSecond = false;
    const take = (bytes: Uint8Array, start: number, length: number) => {
      if (isSecond) {
        visit(held, bytes, start, length);
      } else {
        pair.set(bytes, start, length);
        held.hold(pair);
      }
      isSecond = !isSecond;
    };
    if (isZipmap) {
      this.#readElement();
      const { bytes, start, length } = this.#view;
      if (!legacy.forEachInZipmap(bytes, start, length, take)) {
        this.#input.fail("Zipmap integrity check failed");
      }
    } else {
      this.#readZiplist(take);
    }
    if (isSecond) this.#input.fail("an odd number of elements where pairs are expected");
  }
}
