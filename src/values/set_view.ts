/**
 * Set view: what the entry of a set says of its value, read once for many questions, as set algebra
 * puts them. A view is good until the set changes.
 */
import { hashBytes } from "../base/hash.ts";
import { giveSlice, takeSlice } from "../base/scratch.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { isJoinable, someCommon } from "../structures/dict_join.ts";
import { Int64, parse, readText } from "../structures/int64_words.ts";
import * as intset from "../structures/intset.ts";
import { ListpackIndex } from "../structures/listpack_index.ts";
import { someMember } from "./set_value.ts";
import * as value from "./value.ts";

/**
 * A member of a set, its hash and the entry of the dict in which it stands (or 0), given to someone
 * who says whether to stop.
 */
export type HashedVisitor = (
  bytes: Uint8Array,
  start: number,
  length: number,
  hash: number,
  found: Ref,
) => boolean;

const integer = new Int64();

export class SetView {
  readonly encoding: number;
  readonly ref: Ref;
  readonly #memory: Memory;
  /** Null if the set is no listpack. */
  readonly #index: ListpackIndex | null;

  /** `entry` is that of a set. */
  constructor(memory: Memory, entry: Ref) {
    this.#memory = memory;
    this.encoding = value.encodingOf(memory, entry);
    this.ref = value.valueRef(memory, entry);
    const isListpack = this.encoding === value.ENCODING_LISTPACK;
    this.#index = isListpack ? new ListpackIndex(memory, this.ref, 1) : null;
  }

  get isIntset(): boolean {
    return this.encoding === value.ENCODING_INTSET;
  }

  /** Whether these bytes, of which the caller has the hash, are a member. */
  has(hash: number, bytes: Uint8Array, start: number, length: number): boolean {
    const memory = this.#memory;
    if (this.encoding === value.ENCODING_HASHTABLE) {
      return dict.findHashed(memory, this.ref, hash, bytes, start, length) !== 0;
    }
    if (this.#index !== null) return this.#index.find(hash, bytes, start, length) !== -1;
    return parse(bytes, start, length, integer) && intset.find(memory, this.ref, integer) !== -1;
  }
}

/** Whether any of the first `count` views has a member. */
export function isInAny(
  views: readonly SetView[],
  count: number,
  hash: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  for (let index = 0; index < count; index++) {
    if (views[index].has(hash, bytes, start, length)) return true;
  }
  return false;
}

/**
 * Calls `visit` with the members of the set at `entry` that all of the other sets have, until it
 * returns true; who wants no hashes may be given 0 for one, and is served faster. O(members of the
 * first set × others).
 */
export function someInAll(
  memory: Memory,
  entry: Ref,
  others: readonly SetView[],
  wantsHash: boolean,
  visit: HashedVisitor,
): void {
  const encoding = value.encodingOf(memory, entry);
  const isIntset = encoding === value.ENCODING_INTSET;
  const ref = value.valueRef(memory, entry);
  if (isIntset && others.every((other) => other.isIntset)) {
    return someCommonInteger(memory, ref, others, visit);
  }
  if (!wantsHash && encoding === value.ENCODING_HASHTABLE && others.length === 1) {
    const [other] = others;
    if (other.encoding === encoding && isJoinable(memory, ref, other.ref)) {
      const member = takeSlice();
      someCommon(memory, ref, other.ref, (found) => {
        dictEntry.readKey(memory, found, member);
        return visit(member.bytes, member.start, member.length, 0, found);
      });
      giveSlice(member);
      return;
    }
  }
  someMember(memory, entry, ({ bytes, start, length }, found) => {
    const hash = hashBytes(bytes, start, length);
    for (let index = 0; index < others.length; index++) {
      if (!others[index].has(hash, bytes, start, length)) return false;
    }
    return visit(bytes, start, length, hash, found);
  });
}

/** `someInAll` where all are intsets: only what is common to all is made text of. */
function someCommonInteger(
  memory: Memory,
  ref: Ref,
  others: readonly SetView[],
  visit: HashedVisitor,
): void {
  const total = intset.count(memory, ref);
  const text = takeSlice();
  for (let index = 0; index < total; index++) {
    intset.at(memory, ref, index, integer);
    if (!isInAll(memory, others)) continue;
    readText(integer, text);
    const hash = hashBytes(text.bytes, text.start, text.length);
    if (visit(text.bytes, text.start, text.length, hash, 0)) break;
  }
  giveSlice(text);
}

/** Whether all of these intsets have `integer`. */
function isInAll(memory: Memory, sets: readonly SetView[]): boolean {
  for (let index = 0; index < sets.length; index++) {
    if (intset.find(memory, sets[index].ref, integer) === -1) return false;
  }
  return true;
}
