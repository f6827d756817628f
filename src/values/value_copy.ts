/**
 * Value copy: a deep copy of a value of any type, for COPY. Each type's module knows its own
 * blocks; this one only sends the call on, as value_release.ts does for freeing.
 */
import { unreachable } from "../base/assert.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import * as hashValue from "./hash_value.ts";
import * as listValue from "./list_value.ts";
import * as setValue from "./set_value.ts";
import * as sortedSetValue from "./sorted_set_value.ts";
import * as streamLifetime from "./stream_lifetime.ts";
import {
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_SORTED_SET,
  TYPE_STREAM,
  TYPE_STRING,
} from "./value.ts";

/**
 * The ref of a copy of a value that stands at a ref (an embedded string has none); it has the same
 * encoding. O(bytes).
 */
export function duplicate(arena: Arena, type: number, encoding: number, ref: Ref): Ref {
  switch (type) {
    case TYPE_STRING:
      return byteString.duplicate(arena, ref);
    case TYPE_LIST:
      return listValue.duplicate(arena, ref);
    case TYPE_SET:
      return setValue.duplicate(arena, encoding, ref);
    case TYPE_SORTED_SET:
      return sortedSetValue.duplicate(arena, encoding, ref);
    case TYPE_HASH:
      return hashValue.duplicate(arena, encoding, ref);
    case TYPE_STREAM:
      return streamLifetime.duplicate(arena, ref);
  }
  return unreachable(`value of type ${type}`);
}
