/**
 * Appended file: the append-only file as the C library writes and syncs it, without the runtime's
 * layers between, and in the kernel where that can sync beside the event loop.
 *
 * It is opened twice, for the runtime keeps the number of its own to itself. What a sync makes safe
 * belongs to the file, not to a descriptor, and an error of the disk is told to each descriptor
 * that was open then. The runtime's does what is rare, and syncs beside the event loop where the
 * kernel has no better way (kernel_syncs.ts).
 */
import type { AppendedFiles, FileHandle } from "../persistence/file_system.ts";
import type { KernelSyncs } from "./kernel_syncs.ts";
import { EINTR, type Libc, systemError } from "./libc.ts";

const O_WRONLY_APPEND_CLOEXEC = 0x80401;

/** Opens files this way, with the kernel's syncs if there are any. */
export class NativeFiles implements AppendedFiles {
  readonly #libc: Libc;
  readonly #syncs: KernelSyncs | null;

  constructor({ libc }: { readonly libc: Libc }, syncs: KernelSyncs | null) {
    this.#libc = libc;
    this.#syncs = syncs;
  }

  open(path: string, file: Deno.FsFile): FileHandle | null {
    const name = new TextEncoder().encode(`${path}\0`);
    const fd = this.#libc.open(name, O_WRONLY_APPEND_CLOEXEC);
    return fd < 0 ? null : new AppendedFile(this.#libc, this.#syncs, path, file, fd);
  }

  /** No sync may be under way. */
  close(): void {
    this.#syncs?.close();
  }
}

class AppendedFile implements FileHandle {
  readonly path: string;
  readonly #libc: Libc;
  readonly #syncs: KernelSyncs | null;
  readonly #file: Deno.FsFile;
  readonly #fd: number;

  constructor(
    libc: Libc,
    syncs: KernelSyncs | null,
    path: string,
    file: Deno.FsFile,
    fd: number,
  ) {
    this.#libc = libc;
    this.#syncs = syncs;
    this.path = path;
    this.#file = file;
    this.#fd = fd;
  }

  read(): number {
    throw new Error(`${this.path} is open for writing only`);
  }

  write(bytes: Uint8Array<ArrayBuffer>, start: number, length: number): void {
    const end = start + length;
    for (let at = start; at < end;) {
      const rest = at === 0 ? bytes : bytes.subarray(at);
      const count = this.#libc.write(this.#fd, rest, end - at);
      if (count >= 0) at += count;
      else this.#throwUnlessInterrupted();
    }
  }

  sync(): void {
    while (this.#libc.fdatasync(this.#fd) < 0) this.#throwUnlessInterrupted();
  }

  syncData(): Promise<void> {
    return this.#syncs?.sync(this.#fd) ?? this.#file.syncData();
  }

  seek(): void {
    throw new Error(`${this.path} is written at its end only`);
  }

  truncate(byteCount: number): void {
    this.#file.truncateSync(byteCount);
  }

  size(): number {
    return this.#file.statSync().size;
  }

  close(): void {
    this.#libc.close(this.#fd);
    this.#file.close();
  }

  #throwUnlessInterrupted(): void {
    const errno = this.#libc.errno();
    if (errno !== EINTR) throw systemError(this.#libc, errno);
  }
}
