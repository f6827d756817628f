/**
 * File syncs: fdatasync(2) beside the event loop without a thread of ours: the kernel is asked for
 * it (Linux AIO) and says by an eventfd, which the loop waits for as for a socket, that it is done.
 * The runtime's own way, a thread and its wake-up, takes 60 µs more on an idle machine, and several
 * milliseconds on a busy one.
 *
 * The file is opened once more, since the runtime does not tell its descriptor. The kernel reports
 * what could not be written to each that is open.
 */
import type { FileSync, FileSyncs } from "../persistence/file_system.ts";
import type { EventLoop, EventSource } from "./event_loop.ts";
import { type Libc, systemError } from "./libc.ts";
import { EPOLLIN } from "./poller.ts";

const O_WRONLY = 0x1;
const O_APPEND = 0x400;
const O_CLOEXEC = 0x80000;
const EFD_NONBLOCK = 0x800;
const EFD_CLOEXEC = 0x80000;

const IS_X86 = Deno.build.arch === "x86_64";
const SYS_IO_SETUP = IS_X86 ? 206n : 0n;
const SYS_IO_DESTROY = IS_X86 ? 207n : 1n;
const SYS_IO_SUBMIT = IS_X86 ? 209n : 2n;
const SYS_IO_GETEVENTS = IS_X86 ? 208n : 4n;

/** Syncs under way at once; there are hardly two: that of a file and that of its successor. */
const SYNCS_MAX = 8;
const REQUEST_BYTES = 64;
const EVENT_BYTES = 32;
const IOCB_CMD_FDSYNC = 3;
const IOCB_FLAG_RESFD = 1;

/** Where the kernel finds an array. */
function addressOf(array: BufferSource): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(array as Uint8Array<ArrayBuffer>));
}

type Done = (errno: number) => void;

export class KernelSyncs implements FileSyncs, EventSource {
  readonly #loop: EventLoop;
  readonly #context: bigint;
  readonly #eventFd: number;
  readonly #underWay = new Map<number, Done>();
  #lastId = 0;
  readonly #events = new DataView(new ArrayBuffer(SYNCS_MAX * EVENT_BYTES));
  readonly #noTime = new BigInt64Array(2);
  readonly #count = new Uint8Array(8);

  private constructor(loop: EventLoop, context: bigint, eventFd: number) {
    this.#loop = loop;
    this.#context = context;
    this.#eventFd = eventFd;
  }

  /** Null if the kernel does not offer it, or a container forbids it. */
  static open(loop: EventLoop): KernelSyncs | null {
    const { libc } = loop;
    const context = new BigUint64Array(1);
    const setup = libc.syscall(SYS_IO_SETUP, BigInt(SYNCS_MAX), addressOf(context), 0n, 0n, 0n);
    if (setup !== 0) return null;
    const eventFd = libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    const syncs = new KernelSyncs(loop, context[0]!, eventFd);
    if (eventFd >= 0 && loop.add(eventFd, EPOLLIN, syncs)) return syncs;
    syncs.close();
    return null;
  }

  openFile(path: string): FileSync | null {
    const { libc } = this.#loop;
    const name = new TextEncoder().encode(`${path}\0`);
    const fd = libc.open(name, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
    return fd < 0 ? null : new KernelFileSync(this, libc, fd);
  }

  /** Begins the sync that `request` describes; `done` hears of its end. Returns 0 or an errno. */
  submit(request: DataView<ArrayBuffer>, list: BigUint64Array<ArrayBuffer>, done: Done): number {
    const id = ++this.#lastId;
    request.setBigUint64(0, BigInt(id), true);
    request.setUint32(60, this.#eventFd, true);
    const { libc } = this.#loop;
    const count = libc.syscall(SYS_IO_SUBMIT, this.#context, 1n, addressOf(list), 0n, 0n);
    if (count !== 1) return libc.errno();
    this.#underWay.set(id, done);
    return 0;
  }

  onEvents(): void {
    const { libc } = this.#loop;
    const events = this.#events;
    libc.read(this.#eventFd, this.#count, this.#count.length);
    const max = BigInt(SYNCS_MAX);
    const [at, noTime] = [addressOf(events), addressOf(this.#noTime)];
    const count = libc.syscall(SYS_IO_GETEVENTS, this.#context, 0n, max, at, noTime);
    for (let index = 0; index < count; index++) {
      const id = Number(events.getBigUint64(index * EVENT_BYTES, true));
      const result = Number(events.getBigInt64(index * EVENT_BYTES + 16, true));
      const done = this.#underWay.get(id);
      this.#underWay.delete(id);
      done?.(-result);
    }
  }

  close(): void {
    const { libc } = this.#loop;
    // Waits for what is under way.
    libc.syscall(SYS_IO_DESTROY, this.#context, 0n, 0n, 0n, 0n);
    if (this.#eventFd < 0) return;
    this.#loop.forget(this.#eventFd);
    libc.close(this.#eventFd);
  }
}

class KernelFileSync implements FileSync {
  readonly #syncs: KernelSyncs;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #request = new DataView(new ArrayBuffer(REQUEST_BYTES));
  readonly #list = new BigUint64Array(1);

  constructor(syncs: KernelSyncs, libc: Libc, fd: number) {
    this.#syncs = syncs;
    this.#libc = libc;
    this.#fd = fd;
    const request = this.#request;
    request.setUint16(16, IOCB_CMD_FDSYNC, true);
    request.setUint32(20, fd, true);
    request.setUint32(56, IOCB_FLAG_RESFD, true);
    this.#list[0] = addressOf(request);
  }

  sync(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const done = (errno: number) =>
      errno === 0 ? resolve() : reject(systemError(this.#libc, errno));
    const errno = this.#syncs.submit(this.#request, this.#list, done);
    if (errno !== 0) done(errno);
    return promise;
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}
