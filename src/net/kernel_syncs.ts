/**
 * Kernel syncs: fdatasync(2) beside the event loop by the kernel's own means (io_uring(7)): a
 * thread of the kernel waits for the disk, and an eventfd that the event loop watches tells that it
 * is done.
 *
 * The runtime's way costs two wake-ups more: that of a thread of its pool, and that of the runtime,
 * which is let to look at its sources only now and then (runtime_wake.ts). io_submit(2) will not
 * do: its thread is bound to the processor of whoever asks, and waits until that is idle.
 *
 * Where there is no io_uring (kernels before 5.4), or it is forbidden (containers often do that),
 * the runtime goes on doing it.
 *
 * THE RINGS are memory that the kernel shares with us: of requests, of their order, and of results;
 * the counters at their two ends only grow. A request is taken out within the call that submits it.
 */
import type { EventLoop, EventSource } from "./event_loop.ts";
import { type Libc, systemError } from "./libc.ts";
import { EPOLLIN } from "./poller.ts";

// The same numbers on x86-64 and arm64.
const SYS_IO_URING_SETUP = 425n;
const SYS_IO_URING_ENTER = 426n;
const SYS_IO_URING_REGISTER = 427n;

const EFD_CLOEXEC_NONBLOCK = 0x80800;

/** Syncs under way at a time: that of the present file, and of those before it. */
const SYNCS_MAX = 16;
const ID_MAX = 0x7fffffff;

/** struct io_uring_params, in words of 32 bits. */
const PARAMS_WORDS = 30;
const FEATURES = 5;
const REQUEST_OFFSETS = 10;
const RESULT_OFFSETS = 20;
/** Of the offsets of either ring: its two counters, its mask, and where its entries are. */
const HEAD = 0;
const TAIL = 1;
const MASK = 2;
const REQUEST_ORDER = 6;
const RESULT_ENTRIES = 5;
/** Both rings are in one mapping (kernel 5.4). */
const IORING_FEAT_SINGLE_MMAP = 1;
const IORING_OFF_REQUESTS = 0x10000000n;
const IORING_REGISTER_EVENTFD = 4n;

/** struct io_uring_sqe: 64 bytes. */
const REQUEST_BYTES = 64;
const REQUEST_WORDS = REQUEST_BYTES / 4;
const REQUEST_FD = 1;
const REQUEST_FSYNC_FLAGS = 7;
const REQUEST_ID = 8;
const IORING_OP_FSYNC = 3;
const IORING_FSYNC_DATASYNC = 1;

/** struct io_uring_cqe: 16 bytes. */
const RESULT_BYTES = 16;
const RESULT_WORDS = RESULT_BYTES / 4;
const RESULT_VALUE = 2;

interface Pending {
  resolve(): void;
  reject(error: Error): void;
}

/** What the kernel has given us. */
interface Rings {
  readonly fd: number;
  readonly eventFd: number;
  /** struct io_uring_params: where the parts of the rings are. */
  readonly params: Int32Array<ArrayBuffer>;
  /** The counters, the order of the requests, the results; and the requests. */
  readonly words: Int32Array<ArrayBuffer>;
  readonly requests: Int32Array<ArrayBuffer>;
}

/** Has the kernel make rings whose results are told by an eventfd; null if it does not. */
function openRings(libc: Libc): Rings | null {
  const params = new Int32Array(PARAMS_WORDS);
  const fd = libc.io_uring_setup(SYS_IO_URING_SETUP, BigInt(SYNCS_MAX), params);
  if (fd < 0) return null;
  const eventFd = libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
  const isFit = eventFd >= 0 && (params[FEATURES]! & IORING_FEAT_SINGLE_MMAP) !== 0 &&
    libc.io_uring_register(
        SYS_IO_URING_REGISTER,
        BigInt(fd),
        IORING_REGISTER_EVENTFD,
        new Int32Array([eventFd]),
        1n,
      ) === 0;
  const resultsEnd = params[RESULT_OFFSETS + RESULT_ENTRIES]! + params[1]! * RESULT_BYTES;
  const requestsEnd = params[REQUEST_OFFSETS + REQUEST_ORDER]! + params[0]! * 4;
  const words = isFit ? libc.mapWords(fd, Math.max(resultsEnd, requestsEnd), 0n) : null;
  const requests = words === null
    ? null
    : libc.mapWords(fd, params[0]! * REQUEST_BYTES, IORING_OFF_REQUESTS);
  if (words !== null && requests !== null) return { fd, eventFd, params, words, requests };
  if (words !== null) unmap(libc, words);
  if (eventFd >= 0) libc.close(eventFd);
  libc.close(fd);
  return null;
}

function unmap(libc: Libc, words: Int32Array<ArrayBuffer>): void {
  libc.munmap(words, BigInt(words.byteLength));
}

export class KernelSyncs implements EventSource {
  readonly #loop: EventLoop;
  readonly #libc: Libc;
  readonly #rings: Rings;
  readonly #ringFd: bigint;
  /** Where the parts of the rings are, in words. */
  readonly #requestTail: number;
  readonly #requestMask: number;
  readonly #requestOrder: number;
  readonly #resultHead: number;
  readonly #resultTail: number;
  readonly #resultMask: number;
  readonly #results: number;
  readonly #told = new Uint8Array(8);
  /** By the number of its request, who waits for a sync. */
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  private constructor(loop: EventLoop, rings: Rings) {
    this.#loop = loop;
    this.#libc = loop.libc;
    this.#rings = rings;
    this.#ringFd = BigInt(rings.fd);
    const wordOf = (field: number) => rings.params[field]! >>> 2;
    this.#requestTail = wordOf(REQUEST_OFFSETS + TAIL);
    this.#requestMask = rings.words[wordOf(REQUEST_OFFSETS + MASK)]!;
    this.#requestOrder = wordOf(REQUEST_OFFSETS + REQUEST_ORDER);
    this.#resultHead = wordOf(RESULT_OFFSETS + HEAD);
    this.#resultTail = wordOf(RESULT_OFFSETS + TAIL);
    this.#resultMask = rings.words[wordOf(RESULT_OFFSETS + MASK)]!;
    this.#results = wordOf(RESULT_OFFSETS + RESULT_ENTRIES);
  }

  /** Null where the kernel has nothing of the kind for us. */
  static open(loop: EventLoop): KernelSyncs | null {
    const rings = openRings(loop.libc);
    if (rings === null) return null;
    const syncs = new KernelSyncs(loop, rings);
    if (loop.add(rings.eventFd, EPOLLIN, syncs)) return syncs;
    syncs.close();
    return null;
  }

  /** No sync may be under way. */
  close(): void {
    const { fd, eventFd, words, requests } = this.#rings;
    this.#loop.forget(eventFd);
    this.#libc.close(eventFd);
    this.#libc.close(fd);
    unmap(this.#libc, words);
    unmap(this.#libc, requests);
  }

  /**
   * Begins a sync of the open file `fd`; rejects with the error of the disk. Null: the kernel does
   * not take it at the moment.
   */
  sync(fd: number): Promise<void> | null {
    if (this.#pending.size === SYNCS_MAX) return null;
    const id = this.#lastId = (this.#lastId + 1) & ID_MAX;
    const { words, requests } = this.#rings;
    const tail = words[this.#requestTail]!;
    const index = tail & this.#requestMask;
    const start = index * REQUEST_WORDS;
    requests.fill(0, start, start + REQUEST_WORDS);
    requests[start] = IORING_OP_FSYNC;
    requests[start + REQUEST_FD] = fd;
    requests[start + REQUEST_FSYNC_FLAGS] = IORING_FSYNC_DATASYNC;
    requests[start + REQUEST_ID] = id;
    words[this.#requestOrder + index] = index;
    Atomics.store(words, this.#requestTail, tail + 1);
    const taken = this.#libc.io_uring_enter(SYS_IO_URING_ENTER, this.#ringFd, 1n, 0n, 0n, null, 0n);
    if (taken !== 1) {
      Atomics.store(words, this.#requestTail, tail);
      return null;
    }
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  onEvents(): void {
    this.#libc.read(this.#rings.eventFd, this.#told, this.#told.length);
    const { words } = this.#rings;
    const tail = Atomics.load(words, this.#resultTail);
    let head = words[this.#resultHead]!;
    for (; head !== tail; head = (head + 1) | 0) {
      const start = this.#results + (head & this.#resultMask) * RESULT_WORDS;
      this.#settle(words[start]!, words[start + RESULT_VALUE]!);
    }
    Atomics.store(words, this.#resultHead, head);
    this.#loop.settle();
  }

  #settle(id: number, result: number): void {
    const { resolve, reject } = this.#pending.get(id)!;
    this.#pending.delete(id);
    if (result === 0) resolve();
    else reject(systemError(this.#libc, -result));
  }
}
