/**
 * Raw listpack: a listpack that stands outside of the arena, as files and payloads have it, at
 * `start` of an array. All but `validate` want one that has been validated.
 */
import type { Slice } from "../base/bytes.ts";
import { giveSlice, takeSlice } from "../base/scratch.ts";
import { COUNT_OFFSET, COUNT_UNKNOWN, EMPTY_BYTES, FIRST, readAt } from "./listpack.ts";
import * as encoding from "./listpack_encoding.ts";

/**
 * Whether the range is a listpack that can be walked: its size and end are right and, if `deep`, so
 * are all entries and their number. Made for untrusted bytes: never reads outside of the range, and
 * takes O(length) at most.
 */
export function validate(
  bytes: Uint8Array,
  start: number,
  length: number,
  deep: boolean,
): boolean {
  if (length < EMPTY_BYTES) return false;
  const stated = bytes[start] | (bytes[start + 1] << 8) | (bytes[start + 2] << 16) |
    (bytes[start + 3] << 24);
  const end = start + length - 1;
  if (stated >>> 0 !== length || bytes[end] !== encoding.END) return false;
  if (!deep) return true;
  let found = 0;
  let at = start + FIRST;
  for (; at < end; found++) {
    at = encoding.checkEntry(bytes, at, end);
    if (at === -1) return false;
  }
  return hasCount(bytes, start, found);
}

/** Whether the head of a listpack at `start` agrees with the number of its elements. */
export function hasCount(bytes: Uint8Array, start: number, found: number): boolean {
  const counted = bytes[start + COUNT_OFFSET] | (bytes[start + COUNT_OFFSET + 1] << 8);
  return counted === COUNT_UNKNOWN || counted === found;
}

/** Receives one element; integers come as decimal text. The range is good during the call only. */
export type ElementVisitor = (bytes: Uint8Array, start: number, length: number) => void;

/** Number of elements of a listpack at `start` of `bytes`, which must have been validated. */
export function count(bytes: Uint8Array, start: number): number {
  const counted = bytes[start + COUNT_OFFSET] | (bytes[start + COUNT_OFFSET + 1] << 8);
  if (counted !== COUNT_UNKNOWN) return counted;
  let found = 0;
  for (let at = start + FIRST; bytes[at] !== encoding.END; found++) {
    at += encoding.entryBytesAt(bytes, at);
  }
  return found;
}

/**
 * Calls `visit` with each element of a listpack that stands outside of the arena, at `start` of
 * `bytes`: for loading one that is too large for a block. It must have been validated.
 */
export function forEach(bytes: Uint8Array, start: number, visit: ElementVisitor): void {
  const out = takeSlice();
  for (let at = start + FIRST; bytes[at] !== encoding.END;) {
    at = readEntry(bytes, at, out);
    visit(out.bytes, out.start, out.length);
  }
  giveSlice(out);
}

/** Receives two elements that stand side by side. The slices are good during the call only. */
export type PairVisitor = (first: Slice, second: Slice) => void;

/** `forEach` for elements that come in pairs; false if the last one is alone, and not visited. */
export function forEachPair(bytes: Uint8Array, start: number, visit: PairVisitor): boolean {
  const first = takeSlice();
  const second = takeSlice();
  let isPaired = true;
  for (let at = start + FIRST; bytes[at] !== encoding.END;) {
    at = readEntry(bytes, at, first);
    if (bytes[at] === encoding.END) {
      isPaired = false;
      break;
    }
    at = readEntry(bytes, at, second);
    visit(first, second);
  }
  giveSlice(second);
  giveSlice(first);
  return isPaired;
}

/**
 * Points `out` at the element at `at` of a listpack outside of the arena, an integer as decimal
 * text; returns where the next one is.
 */
export function readEntry(bytes: Uint8Array, at: number, out: Slice): number {
  const head = bytes[at];
  if (encoding.isShortString(head)) {
    const length = encoding.shortLength(head);
    out.set(bytes, at + 1, length);
    return at + length + 2;
  }
  readAt(bytes, at, out);
  return at + encoding.entryBytesAt(bytes, at);
}
