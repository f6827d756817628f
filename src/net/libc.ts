/**
 * Libc: the few functions of the C library that the runtime has no equal for: sockets by number,
 * epoll, io_uring, the limit of open files, the return of memory.
 *
 * They are had only where they are known to fit (Linux on x86-64 and arm64) and where the user has
 * allowed it (`--allow-ffi`); nobody is ever asked for the permission. What they are given are
 * numbers and arrays, never addresses but those of the program itself (`madvise_range`).
 *
 * SIZES are declared as u32, for a call with a usize leaves the runtime's quick way and costs
 * 0.4 µs more; none here reaches 2^31. Results that count bytes are i32 for the same reason.
 *
 * ERRNO lasts until the next call only, so `errno` is read right behind the call that failed, and
 * nowhere where many calls are made: there a failed read or write shows in the next epoll event.
 */

import { LIBC, mayUseLibc } from "../base/native.ts";

const SYMBOLS = {
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  fdatasync: { parameters: ["i32"], result: "i32" },
  getauxval: { parameters: ["usize"], result: "u64" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  getrusage: { parameters: ["i32", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // The C library has no names for these three; the first argument is their number.
  io_uring_enter: {
    name: "syscall",
    parameters: ["i64", "i64", "i64", "i64", "i64", "buffer", "i64"],
    result: "i32",
  },
  io_uring_register: {
    name: "syscall",
    parameters: ["i64", "i64", "i64", "buffer", "i64"],
    result: "i32",
  },
  io_uring_setup: { name: "syscall", parameters: ["i64", "i64", "buffer"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  madvise: { parameters: ["buffer", "u32", "i32"], result: "i32" },
  madvise_range: { name: "madvise", parameters: ["usize", "usize", "i32"], result: "i32" },
  // It looks at every page of every heap: some milliseconds.
  malloc_trim: { parameters: ["u32"], result: "i32", nonblocking: true },
  mmap: { parameters: ["buffer", "u64", "i32", "i32", "i32", "i64"], result: "pointer" },
  munmap: { parameters: ["buffer", "u64"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "u32", "i64"], result: "i32" },
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  usleep: { parameters: ["u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;
const MAP_FAILED = -1n;

type Functions = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** The C library: its functions by their names. */
export type Libc = Omit<Functions, "mmap" | "strerror" | "__errno_location"> & {
  /**
   * Memory of a descriptor that the kernel shares with us, from a multiple of pages on, as words of
   * 32 bits; null if it cannot be had. It stays until `munmap`, and nobody may touch it then.
   */
  mapWords(fd: number, byteCount: number, offset: bigint): Int32Array<ArrayBuffer> | null;
  /** Why the last call failed. */
  errno(): number;
  /** What an errno means, as the system says it: "Address already in use". */
  errorText(errno: number): string;
};

export const EINTR = 4;
export const EAGAIN = 11;
export const EMFILE = 24;
export const ENFILE = 23;

let opened: Libc | null | undefined;

/**
 * The C library; null if that is not allowed, or there is another one than glibc. It is opened
 * once: the runtime compiles each of its functions then, some 8 ms for all of them.
 */
export function openLibc(): Libc | null {
  if (!mayUseLibc()) return null;
  if (opened === undefined) opened = load();
  return opened;
}

function load(): Libc | null {
  try {
    const { symbols } = Deno.dlopen(LIBC, SYMBOLS);
    const { mmap, strerror, __errno_location, ...functions } = symbols;
    // The place is that of this thread, and stays where it is.
    const place = new Int32Array(
      Deno.UnsafePointerView.getArrayBuffer(__errno_location()!, Int32Array.BYTES_PER_ELEMENT),
    );
    return {
      ...functions,
      mapWords(fd, byteCount, offset) {
        const length = BigInt(byteCount);
        const start = mmap(null, length, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset);
        const address = BigInt(Deno.UnsafePointer.value(start));
        if (start === null || BigInt.asIntN(64, address) === MAP_FAILED) return null;
        return new Int32Array(Deno.UnsafePointerView.getArrayBuffer(start, byteCount));
      },
      errno: () => place[0]!,
      errorText: (errno) => Deno.UnsafePointerView.getCString(strerror(errno)!),
    };
  } catch {
    return null;
  }
}

/** A failed call as the runtime would report it, so that nobody need know who made the call. */
export function systemError(libc: Libc, errno: number): Error {
  const message = `${libc.errorText(errno)} (os error ${errno})`;
  const kind = ERROR_KINDS[errno] ?? Error;
  return new kind(message);
}

const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

/** Whether a socket sends small pieces at once. Of other sockets than TCP's nothing is changed. */
export function setNoDelay(libc: Pick<Libc, "setsockopt">, fd: number, isOn: boolean): void {
  libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, new Int32Array([isOn ? 1 : 0]), 4);
}

const ERROR_KINDS: Readonly<Record<number, new (message: string) => Error>> = {
  13: Deno.errors.PermissionDenied,
  98: Deno.errors.AddrInUse,
  99: Deno.errors.AddrNotAvailable,
};
