/**
 * Stream idle entries: which pending entries of a group were delivered so long ago that somebody
 * else may have them, the longest ago first (XREADGROUP … CLAIM of Redis 8.4).
 *
 * There is no index by time, which would take as many bytes for each pending entry as it has now,
 * and two more changes of a tree for each that comes and goes. The group knows a time before which
 * none was delivered: while that is not long ago, nothing is looked at, and that is so for most who
 * ask again and again. Else all pending entries are looked at, and the time is set right.
 */
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import { Id128 } from "../structures/id128.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import * as streamGroup from "./stream_group.ts";
import * as streamValue from "./stream_value.ts";

interface IdleEntry {
  readonly id: Id128;
  readonly timeMs: number;
}

const byTime = (left: IdleEntry, right: IdleEntry): number => left.timeMs - right.timeMs;

/** Finds idle entries, and keeps what was found last. Made once and used again and again. */
export class IdleEntries {
  readonly #cursor = new IdTreeCursor();
  readonly #id = new Id128();
  #found: IdleEntry[] = [];
  #nextTimeMs = Infinity;
  /** When the first of those that are not idle yet will be, in ms since 1970; Infinity: never. */
  nextMs = Infinity;

  /** Goes away from the stream it was in, and its memory. */
  forget(): void {
    this.#cursor.forget();
    this.#found = [];
  }

  /** Number of entries that were found. */
  get count(): number {
    return this.#found.length;
  }

  /** The id of one of them, 0 for the one that has been idle the longest. */
  idAt(index: number): Id128 {
    return this.#found[index].id;
  }

  /**
   * Finds the pending entries of a group that were delivered `idleMs` or longer ago and are still
   * in the stream: the first `countMax` of them, 0 = all. O(1) if none was delivered before, as
   * far as the group knows, else O(pending entries).
   */
  find(
    arena: Arena,
    stream: Ref,
    group: Ref,
    idleMs: number,
    nowMs: number,
    countMax: number,
  ): void {
    this.#found = [];
    const earliestMs = streamGroup.earliestMs(arena, group);
    this.nextMs = earliestMs + idleMs;
    if (nowMs - earliestMs < idleMs) return;
    this.#search(arena, stream, group, nowMs - idleMs, countMax);
    this.nextMs = this.#nextTimeMs + idleMs;
  }

  /** Looks for what was delivered at `lastMs` or before; notes the first delivery behind it. */
  #search(arena: Arena, stream: Ref, group: Ref, lastMs: number, countMax: number): void {
    const cursor = this.#cursor;
    const tree = streamGroup.pendingOf(arena, group);
    // As soon as there are enough, those delivered at this time or later are not wanted.
    let endMs = Infinity;
    let earliestMs = Infinity;
    this.#nextTimeMs = Infinity;
    for (let found = cursor.seekFirst(arena, tree); found; found = cursor.next()) {
      const timeMs = streamGroup.pendingTimeAt(cursor);
      if (timeMs < earliestMs) earliestMs = timeMs;
      if (timeMs > lastMs) {
        if (timeMs < this.#nextTimeMs) this.#nextTimeMs = timeMs;
        continue;
      }
      if (timeMs >= endMs) continue;
      cursor.readId(this.#id);
      if (!streamValue.hasEntry(arena, stream, this.#id)) continue;
      this.#found.push({ id: this.#id.clone(), timeMs });
      if (countMax !== 0 && this.#found.length >= countMax * 2) endMs = this.#keepFirst(countMax);
    }
    this.#keepFirst(countMax);
    streamGroup.setEarliestMs(arena, group, earliestMs);
  }

  /** Sorts what was found, and keeps the first so many; returns the time of the last of them. */
  #keepFirst(countMax: number): number {
    this.#found.sort(byTime);
    if (countMax !== 0 && this.#found.length > countMax) this.#found.length = countMax;
    return this.#found.at(-1)?.timeMs ?? Infinity;
  }
}
