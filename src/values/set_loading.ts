/**
 * Set loading: fills an empty set, encoded as intset, from the bytes of a small one that stands in
 * a file or payload. What that set may have here decides the encoding; see set_value.ts.
 *
 * Both return false, with the set in a state fit only to be freed, if a member came twice; of what
 * is kept as it stands, who has looked through it must know.
 */
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as intset from "../structures/intset.ts";
import * as rawListpack from "../structures/raw_listpack.ts";
import { add, makeDict, type SetLimits } from "./set_value.ts";
import * as value from "./value.ts";

/**
 * Takes an intset that has passed `intset.validate`, and converts it where it has too many members
 * or is too large for a block.
 */
export function loadIntset(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  limits: SetLimits,
): boolean {
  if (length > intset.INTSET_BYTES_MAX) {
    makeDict(arena, entry, 0);
    let isSound = true;
    intset.forEachRaw(bytes, start, (text, textStart, textBytes) => {
      if (!add(arena, entry, text, textStart, textBytes, limits)) isSound = false;
    });
    return isSound;
  }
  const ref = intset.fromRaw(arena, bytes, start, length);
  arena.free(value.valueRef(arena, entry));
  value.setValueRef(arena, entry, ref);
  return intset.count(arena, ref) <= limits.intsetEntriesMax || makeDict(arena, entry, 0);
}

/**
 * Takes a listpack that has been looked through (listpack_duplicates.ts) and is too large for the
 * limits. As in Redis, a table is made of it; for a release without listpacks the members decide.
 */
export function loadListpack(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  limits: SetLimits,
): boolean {
  if (limits.listpackEntriesMax !== -1) makeDict(arena, entry, rawListpack.count(bytes, start));
  let isSound = true;
  rawListpack.forEach(bytes, start, (member, memberStart, memberBytes) => {
    if (!add(arena, entry, member, memberStart, memberBytes, limits)) isSound = false;
  });
  return isSound;
}
