/**
 * Value memory: how many bytes the value of any type takes in the arena (MEMORY USAGE). Each type's
 * module knows its own blocks; this one only sends the call on.
 */
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
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
} from "./value.ts";
import { unreachable } from "../base/assert.ts";

/**
 * Bytes of an entry with its key and its value, by the classes of their blocks; estimated from
 * about `samples` elements, or from all if that is 0.
 */
export function entryBytes(arena: Arena, entry: Ref, samples: number): number {
  return arena.blockBytes(entry) + dictEntry.longKeyBytes(arena, entry) +
    valueBytes(arena, entry, samples);
}

function valueBytes(arena: Arena, entry: Ref, samples: number): number {
  const type = typeOf(arena, entry);
  if (type === TYPE_STRING) return stringValue.memoryBytes(arena, entry);
  const encoding = encodingOf(arena, entry);
  const ref = valueRef(arena, entry);
  switch (type) {
    case TYPE_LIST:
      return listValue.memoryBytes(arena, ref);
    case TYPE_SET:
      return setValue.memoryBytes(arena, encoding, ref, samples);
    case TYPE_SORTED_SET:
      return sortedSetValue.memoryBytes(arena, encoding, ref, samples);
    case TYPE_HASH:
      return hashValue.memoryBytes(arena, encoding, ref, samples);
    case TYPE_STREAM:
      return streamLifetime.memoryBytes(arena, ref, samples);
  }
  return unreachable(`value of type ${type}`);
}
