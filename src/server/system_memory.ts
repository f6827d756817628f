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
 * And it reads the file where the kernel tells how much of the process is resident, which stays
 * open: a few microseconds, where the runtime takes tens, for it counts V8's heap as well.
 *
 * Not here: when it is done (upkeep/memory_return.ts).
 */
import { latin1Bytes } from "../base/bytes.ts";
import type { PageReturn } from "../memory/arena.ts";
import { type Libc, openLibc } from "../net/libc.ts";
import { type AddressRange, AT_PAGESZ, programFileRanges } from "./program_ranges.ts";

const SPACE = 0x20;
const ZERO = 0x30;
const MADV_DONTNEED = 4;
const MADV_POPULATE_WRITE = 23;

const O_CLOEXEC = 0o2000000;
/** Sizes of this process in pages: all of it, what is resident, … (proc_pid_statm(5)). */
const STATM = "/proc/self/statm\0";
/** Seven numbers of at most 20 digits. */
const STATM_BYTES_MAX = 160;

type MemoryFunctions = Pick<Libc, "madvise" | "madvise_range" | "malloc_trim" | "open" | "pread">;

export class SystemMemory implements PageReturn {
  readonly #libc: MemoryFunctions;
  readonly #program: readonly AddressRange[];
  readonly #pageBytes: number;
  readonly #text = new Uint8Array(STATM_BYTES_MAX);
  /** The file with the sizes; null before it is opened, negative if there is none. */
  #statm: number | null = null;

  /**
   * `program`: where the program's file is in memory, and nobody can write; `pageBytes`: the size
   * of a page, 0 if it is not known.
   */
  constructor(libc: MemoryFunctions, program: readonly AddressRange[], pageBytes = 0) {
    this.#libc = libc;
    this.#program = program;
    this.#pageBytes = pageBytes;
  }

  /** Null where the C library may not be had. */
  static open(): SystemMemory | null {
    const libc = openLibc();
    if (libc === null) return null;
    return new SystemMemory(libc, programFileRanges(libc), Number(libc.getauxval(AT_PAGESZ)));
  }

  /** Bytes of the process that are resident; null if that cannot be had here. */
  residentBytes(): number | null {
    if (this.#pageBytes === 0) return null;
    this.#statm ??= this.#libc.open(latin1Bytes(STATM), O_CLOEXEC);
    const text = this.#text;
    const byteCount = this.#libc.pread(this.#statm, text, text.length, 0n);
    const start = text.indexOf(SPACE) + 1;
    let pages = 0;
    for (let at = start; at < byteCount && text[at] !== SPACE; at++) {
      pages = pages * 10 + text[at] - ZERO;
    }
    return pages > 0 ? pages * this.#pageBytes : null;
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
