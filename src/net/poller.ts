/**
 * Poller: epoll (Linux): which of many sockets can be read or written now.
 *
 * Each is known by its descriptor and the `stamp` that it was added with: the number of a closed
 * descriptor is given to the next socket, and what was told of the old one, in the same round of
 * events, must not be taken for the new one's.
 *
 * An event in memory has 12 bytes on x86-64 and 16 elsewhere:
 *
 *   x86-64   events, descriptor, stamp          others   events, (nothing), descriptor, stamp
 */
import type { Libc } from "./libc.ts";

export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;

const EPOLL_CLOEXEC = 0x80000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;

const IS_PACKED = Deno.build.arch === "x86_64";
const EVENT_WORDS = IS_PACKED ? 3 : 4;
const DESCRIPTOR_WORD = IS_PACKED ? 1 : 2;
const STAMP_WORD = DESCRIPTOR_WORD + 1;

/** What a round of events has found; at most `capacity` of them, others come in the next round. */
export class PollEvents {
  readonly capacity: number;
  /** As the kernel writes them. */
  readonly words: Int32Array<ArrayBuffer>;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.words = new Int32Array(capacity * EVENT_WORDS);
  }

  /** What is the case (EPOLL…). */
  bits(index: number): number {
    return this.words[index * EVENT_WORDS]!;
  }

  descriptor(index: number): number {
    return this.words[index * EVENT_WORDS + DESCRIPTOR_WORD]!;
  }

  stamp(index: number): number {
    return this.words[index * EVENT_WORDS + STAMP_WORD]!;
  }
}

export class Poller {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #event = new Int32Array(EVENT_WORDS);

  /** Throws an Error if the kernel has no epoll for us. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#fd = libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.#fd < 0) throw new Error(`epoll_create1: ${libc.errorText(libc.errno())}`);
  }

  /** Watches a descriptor for the events `bits`; false if that is impossible. */
  add(fd: number, bits: number, stamp: number): boolean {
    return this.#control(EPOLL_CTL_ADD, fd, bits, stamp);
  }

  /** Watches a descriptor for other events than before. */
  modify(fd: number, bits: number, stamp: number): boolean {
    return this.#control(EPOLL_CTL_MOD, fd, bits, stamp);
  }

  /** Watches a descriptor no more. One that is closed need not be removed. */
  remove(fd: number): boolean {
    return this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /**
   * Waits until there are events, for at most so many ms (0: not at all); returns how many are in
   * `events`, or a negative number if a signal came first.
   */
  wait(events: PollEvents, timeoutMs: number): number {
    return this.#libc.epoll_wait(this.#fd, events.words, events.capacity, timeoutMs);
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  #control(operation: number, fd: number, bits: number, stamp: number): boolean {
    const event = this.#event;
    event[0] = bits;
    event[DESCRIPTOR_WORD] = fd;
    event[STAMP_WORD] = stamp;
    return this.#libc.epoll_ctl(this.#fd, operation, fd, event) === 0;
  }
}

/** Whether a descriptor is an epoll of anybody's: it has not got `stranger`, and says so. */
export function isEpoll(libc: Libc, fd: number, stranger: number): boolean {
  const noEvent = new Int32Array(EVENT_WORDS);
  return libc.epoll_ctl(fd, EPOLL_CTL_DEL, stranger, noEvent) !== 0 && libc.errno() === ENOENT;
}

const ENOENT = 2;
