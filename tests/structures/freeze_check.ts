/**
 * Freeze check: an arena in debug mode whose content is frozen at moments of a test's choosing, and
 * compared at the release with what the test's model held when it was frozen. A write that forgot
 * `willWrite` is found twice: by the comparison and by the arena's checksums.
 */
import { assertEquals } from "@std/assert";
import { Arena } from "../../src/memory/arena.ts";
import type { Memory } from "../../src/memory/memory.ts";
import { FrozenMemory, SoftwareFork } from "../../src/memory/software_fork.ts";

export class FreezeCheck {
  readonly arena = new Arena({ debug: true });
  readonly #fork = new SoftwareFork(this.arena);
  #check: ((memory: Memory) => void) | null = null;

  get isFrozen(): boolean {
    return this.#check !== null;
  }

  /** Freezes; `check` runs at the release over the frozen memory and knows what must be there. */
  freeze(check: (memory: Memory) => void): void {
    this.#fork.freeze();
    this.#check = check;
  }

  /** Checks the frozen image, lets it go and frees what waited for that. */
  release(): void {
    if (this.#check === null) return;
    this.#check(new FrozenMemory(this.#fork.transferable()));
    this.#check = null;
    this.#fork.release();
    this.arena.freeDeferred(Infinity);
  }

  /** Asserts that all blocks have been freed. */
  assertEmpty(): void {
    this.release();
    assertEquals(this.arena.usedBytes, 0, "blocks were not freed");
  }
}
