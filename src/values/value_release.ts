/**
 * Value release: frees the value of any type, step by step. Each type's module knows its own
 * blocks; this one only sends the call on. Used by keyspace/reclaimer.ts.
 */
import { unreachable } from "../base/assert.ts";
import type { Arena } from "../memory/arena.ts";
import type { Memory, Ref } from "../memory/memory.ts";
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

/** Roughly how many blocks it takes to free the value: its elements, if they have their own. */
export function elementCount(memory: Memory, type: number, encoding: number, ref: Ref): number {
  switch (type) {
    case TYPE_STRING:
      return 1;
    case TYPE_LIST:
      return listValue.nodeCount(memory, ref);
    case TYPE_SET:
      return setValue.blockCount(memory, encoding, ref);
    case TYPE_SORTED_SET:
      return sortedSetValue.blockCount(memory, encoding, ref);
    case TYPE_HASH:
      return hashValue.blockCount(memory, encoding, ref);
    case TYPE_STREAM:
      return streamLifetime.blockCount(memory, ref);
  }
  return unreachable(`value of type ${type}`);
}

/** Frees about `limit` blocks of a value. Returns whether all are freed. */
export function releaseStep(
  arena: Arena,
  type: number,
  encoding: number,
  ref: Ref,
  limit: number,
): boolean {
  switch (type) {
    case TYPE_STRING:
      byteString.free(arena, ref);
      return true;
    case TYPE_LIST:
      return listValue.releaseStep(arena, ref, limit);
    case TYPE_SET:
      return setValue.releaseStep(arena, encoding, ref, limit);
    case TYPE_SORTED_SET:
      return sortedSetValue.releaseStep(arena, encoding, ref, limit);
    case TYPE_HASH:
      return hashValue.releaseStep(arena, encoding, ref, limit);
    case TYPE_STREAM:
      return streamLifetime.releaseStep(arena, ref, limit);
  }
  return unreachable(`value of type ${type}`);
}
