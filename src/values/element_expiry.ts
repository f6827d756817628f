/**
 * Element expiry: what the keyspace asks of a value some of whose elements expire, whatever its
 * type: when the next one does. Fields of hashes are the only such elements so far.
 */
import type { Memory, Ref } from "../memory/memory.ts";
import * as expiringFields from "./expiring_fields.ts";
import * as fieldListpack from "./field_listpack.ts";
import * as value from "./value.ts";

/**
 * The greatest expiry that an element can have, Unix time in ms: the year 4199 (Redis keeps 46
 * bits).
 */
export const ELEMENT_EXPIRY_MAX = 2 ** 46 - 1;

/** When the next element of a key expires: Unix time in ms, or NO_EXPIRY. O(1). */
export function nextExpiryOfKey(memory: Memory, entry: Ref): number {
  if (!value.mayHaveExpiries(memory, entry)) return value.NO_EXPIRY;
  return nextExpiry(memory, value.encodingOf(memory, entry), value.valueRef(memory, entry));
}

/** `nextExpiryOfKey` of a value. */
export function nextExpiry(memory: Memory, encoding: number, ref: Ref): number {
  if (encoding === value.ENCODING_LISTPACK_EX) return fieldListpack.nextExpiry(memory, ref);
  if (encoding === value.ENCODING_HASHTABLE_EX) return expiringFields.nextExpiry(memory, ref);
  return value.NO_EXPIRY;
}
