/**
 * Value kinds: what each type of value must be able to do with its blocks, as one table, so that
 * nothing is forgotten when a type is added. Each type's module knows its own blocks. How values
 * are written to files stands with the formats (persistence/), how they are moved in
 * value_relocation.ts; there the compiler asks for every type, too.
 */
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as hashValue from "./hash_value.ts";
import * as listValue from "./list_value.ts";
import * as setValue from "./set_value.ts";
import * as sortedSetValue from "./sorted_set_value.ts";
import * as streamLifetime from "./stream_lifetime.ts";
import * as stringValue from "./string_value.ts";
import {
  encodingOf,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_SORTED_SET,
  TYPE_STREAM,
  TYPE_STRING,
  typeOf,
  valueRef,
  type ValueType,
} from "./value.ts";

export interface ValueKind {
  /** Roughly how many blocks it takes to free the value: its elements, if they have their own. */
  blockCount(memory: Memory, encoding: number, ref: Ref): number;
  /** Frees about `limit` blocks. Returns whether all are freed. */
  releaseStep(arena: Arena, encoding: number, ref: Ref, limit: number): boolean;
  /** The ref of a deep copy, which has the same encoding. O(bytes). */
  duplicate(arena: Arena, encoding: number, ref: Ref): Ref;
  /** Bytes of the value of an entry, estimated from about `samples` elements, or from all if 0. */
  memoryBytes(arena: Arena, entry: Ref, samples: number): number;
}

/** By type; embedded strings, which have no ref, are asked for `memoryBytes` only. */
export const valueKinds: Readonly<Record<ValueType, ValueKind>> = {
  [TYPE_STRING]: {
    blockCount: () => 1,
    releaseStep: (arena, _encoding, ref) => {
      byteString.free(arena, ref);
      return true;
    },
    duplicate: (arena, _encoding, ref) => byteString.duplicate(arena, ref),
    memoryBytes: stringValue.memoryBytes,
  },
  [TYPE_LIST]: {
    blockCount: (memory, _encoding, ref) => listValue.nodeCount(memory, ref),
    releaseStep: (arena, _encoding, ref, limit) => listValue.releaseStep(arena, ref, limit),
    duplicate: (arena, _encoding, ref) => listValue.duplicate(arena, ref),
    memoryBytes: (arena, entry) => listValue.memoryBytes(arena, valueRef(arena, entry)),
  },
  [TYPE_SET]: {
    blockCount: setValue.blockCount,
    releaseStep: setValue.releaseStep,
    duplicate: setValue.duplicate,
    memoryBytes: (arena, entry, samples) => {
      const encoding = encodingOf(arena, entry);
      return setValue.memoryBytes(arena, encoding, valueRef(arena, entry), samples);
    },
  },
  [TYPE_SORTED_SET]: {
    blockCount: sortedSetValue.blockCount,
    releaseStep: sortedSetValue.releaseStep,
    duplicate: sortedSetValue.duplicate,
    memoryBytes: (arena, entry, samples) => {
      const encoding = encodingOf(arena, entry);
      return sortedSetValue.memoryBytes(arena, encoding, valueRef(arena, entry), samples);
    },
  },
  [TYPE_HASH]: {
    blockCount: hashValue.blockCount,
    releaseStep: hashValue.releaseStep,
    duplicate: hashValue.duplicate,
    memoryBytes: (arena, entry, samples) => {
      const encoding = encodingOf(arena, entry);
      return hashValue.memoryBytes(arena, encoding, valueRef(arena, entry), samples);
    },
  },
  [TYPE_STREAM]: {
    blockCount: (memory, _encoding, ref) => streamLifetime.blockCount(memory, ref),
    releaseStep: (arena, _encoding, ref, limit) => streamLifetime.releaseStep(arena, ref, limit),
    duplicate: (arena, _encoding, ref) => streamLifetime.duplicate(arena, ref),
    memoryBytes: (arena, entry, samples) => {
      return streamLifetime.memoryBytes(arena, valueRef(arena, entry), samples);
    },
  },
};

/**
 * Bytes of an entry with its key and its value, by the classes of their blocks; estimated from
 * about `samples` elements, or from all if that is 0 (MEMORY USAGE).
 */
export function entryBytes(arena: Arena, entry: Ref, samples: number): number {
  return arena.blockBytes(entry) + dictEntry.longKeyBytes(arena, entry) +
    valueKinds[typeOf(arena, entry)].memoryBytes(arena, entry, samples);
}
