/**
 * RDB value writer: one value after another, each in the form that Redis chooses for its encoding.
 * Listpacks and intsets are copied as they stand in memory, for they are the format.
 *
 *   type         encoding     version 10 and 11     version 9, which knows no listpacks
 *   string       any          STRING                STRING
 *   list         quicklist    LIST_QUICKLIST_2      LIST
 *   set          intset       SET_INTSET            SET_INTSET
 *   set          listpack     SET (version 11: SET_LISTPACK)
 *   set          hashtable    SET                   SET
 *   sorted set   listpack     ZSET_LISTPACK         ZSET_2
 *   sorted set   skiplist     ZSET_2                ZSET_2
 *   hash         listpack     HASH_LISTPACK         HASH
 *   hash         hashtable    HASH                  HASH
 *   hash of which fields expire:
 *                listpackex   HASH                  HASH
 *                hashtable    HASH                  HASH
 *   stream       stream       see rdb_stream_writer.ts
 *
 * Version 12 has HASH_LISTPACK_EX and HASH_METADATA for hashes of which fields expire, Valkey's 80
 * a type of its own for both; older ones leave out when they expire.
 *
 * Reads through `Memory`, so it runs in the child as on the main thread. The visitors are made
 * once: nothing is put on the heap per key.
 */
import { Slice } from "../base/bytes.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import { nextExpiry } from "../values/element_expiry.ts";
import * as byteString from "../structures/byte_string.ts";
import * as intset from "../structures/intset.ts";
import * as listpack from "../structures/listpack.ts";
import * as rawListpack from "../structures/raw_listpack.ts";
import * as nodes from "../structures/quicklist_nodes.ts";
import * as hashValue from "../values/hash_value.ts";
import * as listValue from "../values/list_value.ts";
import * as setValue from "../values/set_value.ts";
import * as sortedSetValue from "../values/sorted_set_value.ts";
import * as value from "../values/value.ts";
import * as format from "./rdb_format.ts";
import type { RdbOutput } from "./rdb_output.ts";
import { RdbStreamWriter, streamTypeFor } from "./rdb_stream_writer.ts";

/** Longer elements of lists are written in pieces: a listpack would have to be copied whole. */
const WRAPPED_ELEMENT_BYTES_MAX = 32 * 1024 * 1024;

export class RdbValueWriter {
  readonly #memory: Memory;
  readonly #output: RdbOutput;
  readonly #hasListpacks: boolean;
  readonly #hasSetListpacks: boolean;
  readonly #version: format.RdbVersion;
  /** What the expiries of the hash that is being written are counted from. */
  #originMs = 0;
  readonly #streamType: number;
  readonly #streams: RdbStreamWriter;
  readonly #view = new Slice();

  constructor(memory: Memory, output: RdbOutput, version: format.RdbVersion) {
    this.#memory = memory;
    this.#output = output;
    this.#hasListpacks = version >= 10;
    this.#hasSetListpacks = version >= 11;
    this.#version = version;
    this.#streamType = streamTypeFor(version);
    this.#streams = new RdbStreamWriter(memory, output, version);
  }

  /** The type byte under which the value of an entry is written. */
  typeByte(entry: Ref): number {
    const encoding = value.encodingOf(this.#memory, entry);
    const isListpack = encoding === value.ENCODING_LISTPACK && this.#hasListpacks;
    const type = value.typeOf(this.#memory, entry);
    switch (type) {
      case value.TYPE_STRING:
        return format.RDB_STRING;
      case value.TYPE_LIST:
        return this.#hasListpacks ? format.RDB_LIST_QUICKLIST_2 : format.RDB_LIST;
      case value.TYPE_SET:
        if (encoding === value.ENCODING_INTSET) return format.RDB_SET_INTSET;
        return isListpack && this.#hasSetListpacks ? format.RDB_SET_LISTPACK : format.RDB_SET;
      case value.TYPE_SORTED_SET:
        return isListpack ? format.RDB_ZSET_LISTPACK : format.RDB_ZSET_2;
      case value.TYPE_HASH:
        if (isListpack) return format.RDB_HASH_LISTPACK;
        return value.mayHaveExpiries(this.#memory, entry)
          ? this.#expiringHashType(encoding, value.valueRef(this.#memory, entry))
          : format.RDB_HASH;
      case value.TYPE_STREAM:
        return this.#streamType;
    }
    return value.noSuchType(type);
  }

  #expiringHashType(encoding: number, ref: Ref): number {
    const hasExpiries = nextExpiry(this.#memory, encoding, ref) !== value.NO_EXPIRY;
    if (!format.knowsFieldExpiries(this.#version)) return format.RDB_HASH;
    if (format.isValkeyVersion(this.#version)) {
      return hasExpiries ? format.RDB_HASH_VALKEY : format.RDB_HASH;
    }
    // Redis: a small hash keeps its form, a large one only for fields that need it.
    if (encoding === value.ENCODING_LISTPACK_EX) return format.RDB_HASH_LISTPACK_EX;
    return hasExpiries ? format.RDB_HASH_METADATA : format.RDB_HASH;
  }

  /** Writes the value of an entry. */
  write(entry: Ref): void {
    const memory = this.#memory;
    const type = value.typeOf(memory, entry);
    if (type === value.TYPE_STRING) {
      this.#writeStringValue(entry);
      return;
    }
    const encoding = value.encodingOf(memory, entry);
    const ref = value.valueRef(memory, entry);
    switch (type) {
      case value.TYPE_LIST:
        return this.#writeList(ref);
      case value.TYPE_SET:
        return this.#writeSet(encoding, ref);
      case value.TYPE_SORTED_SET:
        return this.#writeSortedSet(encoding, ref);
      case value.TYPE_HASH:
        return this.#writeHash(encoding, ref);
      case value.TYPE_STREAM:
        return this.#streams.write(ref);
    }
    value.noSuchType(type);
  }

  #writeStringValue(entry: Ref): void {
    if (!value.isEmbedded(this.#memory, entry)) {
      this.#writeByteString(value.valueRef(this.#memory, entry));
      return;
    }
    value.readEmbedded(this.#memory, entry, this.#view);
    this.#writeSlice(this.#view);
  }

  #writeByteString(ref: Ref): void {
    const length = byteString.byteLength(this.#memory, ref);
    if (this.#output.wantsWhole(length)) {
      this.#output.writeString(byteString.toBytes(this.#memory, ref), 0, length);
      return;
    }
    this.#output.writeLength(length);
    byteString.forEachChunk(this.#memory, ref, 0, length, this.#writePiece);
  }

  #writeList(ref: Ref): void {
    if (this.#hasListpacks) {
      this.#output.writeLength(listValue.nodeCount(this.#memory, ref));
      listValue.forEachNode(this.#memory, ref, this.#writeNode);
    } else {
      this.#output.writeLength(listValue.length(this.#memory, ref));
      listValue.forEachNode(this.#memory, ref, this.#writeNodeElements);
    }
  }

  #writeSet(encoding: number, ref: Ref): void {
    if (encoding === value.ENCODING_INTSET) {
      intset.rawSlice(this.#memory, ref, this.#view);
      this.#writeSlice(this.#view);
      return;
    }
    if (encoding === value.ENCODING_LISTPACK && this.#hasSetListpacks) {
      this.#writeListpack(ref);
      return;
    }
    this.#output.writeLength(setValue.count(this.#memory, encoding, ref));
    setValue.forEach(this.#memory, encoding, ref, this.#writeSlice);
  }

  #writeSortedSet(encoding: number, ref: Ref): void {
    const isListpack = encoding === value.ENCODING_LISTPACK;
    if (isListpack && this.#hasListpacks) {
      this.#writeListpack(ref);
      return;
    }
    this.#output.writeLength(sortedSetValue.count(this.#memory, encoding, ref));
    if (isListpack) {
      sortedSetValue.forEach(this.#memory, encoding, ref, this.#writeMember);
    } else {
      // Highest first: a reader that builds a skiplist then always inserts at its head.
      sortedSetValue.forEachBackward(this.#memory, ref, this.#writeMember);
    }
  }

  #writeHash(encoding: number, ref: Ref): void {
    if (encoding === value.ENCODING_LISTPACK && this.#hasListpacks) {
      this.#writeListpack(ref);
      return;
    }
    if (encoding >= value.ENCODING_LISTPACK_EX) {
      this.#writeExpiringHash(encoding, ref);
      return;
    }
    this.#output.writeLength(hashValue.count(this.#memory, encoding, ref));
    hashValue.forEach(this.#memory, encoding, ref, this.#writeField);
  }

  #writeExpiringHash(encoding: number, ref: Ref): void {
    const memory = this.#memory;
    const type = this.#expiringHashType(encoding, ref);
    const nextMs = nextExpiry(memory, encoding, ref);
    const isListpack = type === format.RDB_HASH_LISTPACK_EX;
    if (isListpack || type === format.RDB_HASH_METADATA) {
      const firstMs = nextMs === value.NO_EXPIRY ? format.NO_FIELD_EXPIRES_MS : nextMs;
      this.#output.writeMilliseconds(firstMs);
    }
    if (isListpack) return this.#writeListpack(ref);
    this.#originMs = nextMs - 1;
    this.#output.writeLength(hashValue.count(memory, encoding, ref));
    hashValue.forEach(memory, encoding, ref, this.#fieldWriterOf(type));
  }

  #fieldWriterOf(type: number): hashValue.FieldVisitor {
    if (type === format.RDB_HASH_METADATA) return this.#writeFieldBehindExpiry;
    return type === format.RDB_HASH ? this.#writeField : this.#writeFieldBeforeExpiry;
  }

  #writeListpack(ref: Ref): void {
    listpack.rawSlice(this.#memory, ref, this.#view);
    this.#writeSlice(this.#view);
  }

  readonly #writeSlice = (slice: Slice): void => {
    this.#output.writeString(slice.bytes, slice.start, slice.length);
  };

  readonly #writePiece = (bytes: Uint8Array, start: number, length: number): void => {
    this.#output.writeRaw(bytes, start, length);
  };

  readonly #writeElement = (bytes: Uint8Array, start: number, length: number): void => {
    this.#output.writeString(bytes, start, length);
  };

  readonly #writeNode = (isPlain: boolean, content: Ref): void => {
    if (isPlain) return this.#writeLongElement(content);
    listpack.rawSlice(this.#memory, content, this.#view);
    this.#writePacked();
  };

  #writePacked(): void {
    this.#output.writeLength(format.QUICKLIST_PACKED);
    this.#writeSlice(this.#view);
  }

  /** Redis packs all but huge elements, and reads both forms. */
  #writeLongElement(ref: Ref): void {
    const length = byteString.byteLength(this.#memory, ref);
    if (length > nodes.PACKED_ELEMENT_BYTES_MAX && length <= WRAPPED_ELEMENT_BYTES_MAX) {
      const bytes = byteString.toBytes(this.#memory, ref);
      listpack.wrapElement(bytes, 0, length, this.#view);
      this.#writePacked();
    } else {
      this.#output.writeLength(format.QUICKLIST_PLAIN);
      this.#writeByteString(ref);
    }
  }

  readonly #writeNodeElements = (isPlain: boolean, content: Ref): void => {
    if (isPlain) {
      this.#writeByteString(content);
      return;
    }
    listpack.rawSlice(this.#memory, content, this.#view);
    rawListpack.forEach(this.#view.bytes, this.#view.start, this.#writeElement);
  };

  readonly #writeMember = (member: Slice, score: number): void => {
    this.#writeSlice(member);
    this.#output.writeDouble(score);
  };

  readonly #writeField = (field: Slice, bytes: Slice): void => {
    this.#writeSlice(field);
    this.#writeSlice(bytes);
  };

  readonly #writeFieldBehindExpiry = (field: Slice, bytes: Slice, expiryMs: number): void => {
    this.#output.writeLength(expiryMs === value.NO_EXPIRY ? 0 : expiryMs - this.#originMs);
    this.#writeField(field, bytes);
  };

  readonly #writeFieldBeforeExpiry = (field: Slice, bytes: Slice, expiryMs: number): void => {
    this.#writeField(field, bytes);
    // -1 says "none" here and there.
    this.#output.writeMilliseconds(expiryMs);
  };
}
