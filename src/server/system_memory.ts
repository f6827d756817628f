/**
 * System memory: what the C library can do for memory that is not used any more: give single pages
 * back, and what its heaps keep for later.
 *
 * The runtime's compiler and collector run on threads of their own, and the C library keeps a heap
 * for each, which seldom shrinks by itself: what the compiler took for the first million commands
 * stays resident, some 10 MB. Nobody but the C library can give that back.
 *
 * The program is a file that the kernel reads by pages where they are touched. Half of those that
 * are resident were for the start alone: 25 MB. They can be let go at any time, for what is touched
 * again comes from the kernel's cache of files, and at worst from the disk.
 *
 * Not here: when it is done (upkeep/memory_return.ts).
 */
import type { PageReturn } from "../memory/arena.ts";
import { type Libc, openLibc } from "../net/libc.ts";
import { type AddressRange, programFileRanges } from "./program_ranges.ts";

const MADV_DONTNEED = 4;
const MADV_POPULATE_WRITE = 23;

type MemoryFunctions = Pick<Libc, "madvise" | "madvise_range" | "malloc_trim">;

export class SystemMemory implements PageReturn {
  readonly #libc: MemoryFunctions;
  readonly #program: readonly AddressRange[];

  /** `program`: where the program's file is in memory, and nobody can write. */
  constructor(libc: MemoryFunctions, program: readonly AddressRange[]) {
    this.#libc = libc;
    this.#program = program;
  }

  /** Null where the C library may not be had. */
  static open(): SystemMemory | null {
    const libc = openLibc();
    return libc === null ? null : new SystemMemory(libc, programFileRanges(libc));
  }

  misalignment(buffer: SharedArrayBuffer, alignment: number): number {
    const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(buffer)));
    return Number(address % BigInt(alignment));
  }

  discard(bytes: Uint8Array): void {
    // It fails only for memory that is locked, and then the pages stay where they are.
    this.#libc.madvise(bytes, bytes.length, MADV_DONTNEED);
  }

  populate(bytes: Uint8Array): void {
    // Linux before 5.14 does not know it: then pages come when they are touched.
    this.#libc.madvise(bytes, bytes.length, MADV_POPULATE_WRITE);
  }

  /** Lets the program's pages go; those that are touched again come back one by one. */
  dropProgram(): void {
    for (const { address, length } of this.#program) {
      this.#libc.madvise_range(address, length, MADV_DONTNEED);
    }
  }

  /** Gives back what the heaps of the C library keep; a thread of the runtime's does the work. */
  trimHeaps(): void {
    void this.#libc.malloc_trim(0);
  }
}
