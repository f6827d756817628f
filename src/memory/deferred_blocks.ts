/**
 * Deferred blocks: refs of blocks that were freed in frozen segments and wait for the release.
 *
 * A bulk deletion during a save frees millions of blocks at once, so the refs stand in segments
 * taken from the pool, 65,536 in each, and not in a JavaScript array, which would be copied each
 * time it grows and hold the process up when it is collected. These segments have no number: they
 * are in no image, and nothing refers to them.
 *
 * Order does not matter, so the newest are handed out first, and the segments go back one by one.
 * A further freeze may come while some still wait: its image holds them like all other blocks.
 */
import { assert } from "../base/assert.ts";
import { type Ref, SEGMENT_WORDS } from "./memory.ts";
import type { SegmentPool, SegmentStorage } from "./segment_pool.ts";

export class DeferredBlocks {
  readonly #pool: SegmentPool;
  /** In debug mode: which they are, so that one that is used or freed again is found out. */
  readonly #waiting: Set<Ref> | null;
  readonly #segments: SegmentStorage[] = [];
  /** Words of the last segment, and how many of them are in use. */
  #words: Int32Array = new Int32Array(0);
  #wordCount = 0;

  constructor(pool: SegmentPool, isDebug = false) {
    this.#pool = pool;
    this.#waiting = isDebug ? new Set() : null;
  }

  /** How many blocks wait. */
  get count(): number {
    const full = Math.max(0, this.#segments.length - 1) * SEGMENT_WORDS;
    return full + this.#wordCount;
  }

  /** In debug mode: holds that a block does not wait to be freed. */
  assertInUse(ref: Ref): void {
    if (this.#waiting === null) return;
    assert(!this.#waiting.has(ref), "a block that was freed is used");
  }

  push(ref: Ref): void {
    this.assertInUse(ref);
    this.#waiting?.add(ref);
    if (this.#wordCount === this.#words.length) {
      const segment = this.#pool.take();
      this.#segments.push(segment);
      this.#words = segment.words;
      this.#wordCount = 0;
    }
    this.#words[this.#wordCount++] = ref;
  }

  /** Takes one out; 0 if none is left. */
  pop(): Ref {
    if (this.#wordCount === 0) return 0;
    const ref = this.#words[--this.#wordCount];
    this.#waiting?.delete(ref);
    if (this.#wordCount === 0) this.#dropLast();
    return ref;
  }

  #dropLast(): void {
    this.#pool.give(this.#segments.pop()!);
    const previous = this.#segments.at(-1);
    // No view may keep a buffer alive that the pool gives back.
    this.#words = previous?.words ?? new Int32Array(0);
    this.#wordCount = this.#words.length;
  }
}
