/**
 * Step counter: how much work something is, counted in looks at the memory of an arena, so that a
 * test can bound it on a machine that is busy with other things. A chain of buckets, a walk over
 * nodes, a search: each step of them reads or writes a segment.
 */
import type { Arena } from "../../src/memory/arena.ts";

export class StepCounter {
  #steps = 0;

  /** Counts from now on, and for ever, how often the segments of `arena` are reached for. */
  constructor(arena: Arena) {
    const { words, bytes } = arena;
    const count = <Views>(views: Views) => (): Views => {
      this.#steps++;
      return views;
    };
    Object.defineProperty(arena, "words", { get: count(words) });
    Object.defineProperty(arena, "bytes", { get: count(bytes) });
  }

  /** Steps that `work` takes. */
  of(work: () => void): number {
    const before = this.#steps;
    work();
    return this.#steps - before;
  }
}
