/**
 * System memory: what the C library can do for memory that is not used any more: give single pages
 * back, and what its heaps keep for later.
 *
 * The runtime's compiler and collector run on threads of their own, and the C library keeps a heap
 * for each, which seldom shrinks by itself: what the compiler took for the first million commands
 * stays resident, some 10 MB. Nobody but the C library can give that back.
 *
 * Not here: when it is done (upkeep/memory_return.ts).
 */
import type { PageReturn } from "../memory/arena.ts";
import { type Libc, openLibc } from "../net/libc.ts";

const MADV_DONTNEED = 4;

export class SystemMemory implements PageReturn {
  readonly #libc: Pick<Libc, "madvise" | "malloc_trim">;

  constructor(libc: Pick<Libc, "madvise" | "malloc_trim">) {
    this.#libc = libc;
  }

  /** Null where the C library may not be had. */
  static open(): SystemMemory | null {
    const libc = openLibc();
    return libc === null ? null : new SystemMemory(libc);
  }

  misalignment(buffer: SharedArrayBuffer, alignment: number): number {
    const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(buffer)));
    return Number(address % BigInt(alignment));
  }

  discard(bytes: Uint8Array): void {
    // It fails only for memory that is locked, and then the pages stay where they are.
    this.#libc.madvise(bytes, bytes.length, MADV_DONTNEED);
  }

  /** Gives back what the heaps of the C library keep; a thread of the runtime's does the work. */
  trimHeaps(): void {
    void this.#libc.malloc_trim(0);
  }
}
