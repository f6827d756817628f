/**
 * Files in memory for the tests of the AOF: any call can be made to fail, writes can be torn, and
 * `syncData` can be held back. What was not synced is kept track of per file.
 */
import { dirname } from "@std/path";
import type { FileHandle, FileStatus, FileSystem } from "../../src/persistence/file_system.ts";
import { latin1Text } from "../../src/base/bytes.ts";

export interface MemoryFile {
  bytes: Uint8Array;
  /** Length that is safe from a power loss. */
  syncedBytes: number;
}

export class MemoryFiles implements FileSystem {
  readonly entries = new Map<string, MemoryFile>();
  readonly directories = new Set<string>(["/data"]);
  /** Every call, as "write /data/x". */
  readonly calls: string[] = [];
  /** Asked before every call; an error that it returns is thrown. */
  failure: (call: string, path: string) => Error | null = () => null;
  /** Bytes of the next failing write that get into the file all the same. */
  tornBytes = 0;
  /** While true, `syncData` waits for `releaseSyncs`. */
  holdsSyncs = false;
  #held: (() => void)[] = [];

  /** Content of a file as Latin-1 text. */
  text(path: string): string {
    const { bytes } = this.#find(path);
    return latin1Text(bytes, 0, bytes.length);
  }

  put(path: string, content: string | Uint8Array): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    this.directories.add(dirname(path));
    this.entries.set(path, { bytes: bytes.slice(), syncedBytes: bytes.length });
  }

  /** The same files as a new process finds them. */
  copy(): MemoryFiles {
    const copy = new MemoryFiles();
    for (const directory of this.directories) copy.directories.add(directory);
    for (const [path, { bytes }] of this.entries) copy.put(path, bytes);
    return copy;
  }

  releaseSyncs(): void {
    this.holdsSyncs = false;
    for (const release of this.#held.splice(0)) release();
  }

  call(name: string, path: string): void {
    this.calls.push(`${name} ${path}`);
    const error = this.failure(name, path);
    if (error !== null) throw error;
  }

  held(): Promise<void> {
    return this.holdsSyncs ? new Promise((resolve) => this.#held.push(resolve)) : Promise.resolve();
  }

  openForRead(path: string): FileHandle {
    this.call("open", path);
    return new MemoryHandle(this, path, this.#find(path), 0);
  }

  openForWrite(path: string): FileHandle {
    this.call("create", path);
    const file = { bytes: new Uint8Array(0), syncedBytes: 0 };
    this.entries.set(path, file);
    return new MemoryHandle(this, path, file, 0);
  }

  openForAppend(path: string): FileHandle {
    this.call("append", path);
    if (!this.entries.has(path)) {
      this.entries.set(path, { bytes: new Uint8Array(0), syncedBytes: 0 });
    }
    const file = this.#find(path);
    return new MemoryHandle(this, path, file, file.bytes.length);
  }

  openForUpdate(path: string): FileHandle {
    this.call("update", path);
    return new MemoryHandle(this, path, this.#find(path), 0);
  }

  rename(from: string, to: string): void {
    this.call("rename", to);
    this.entries.set(to, this.#find(from));
    this.entries.delete(from);
  }

  remove(path: string): void {
    this.call("remove", path);
    this.#find(path);
    this.entries.delete(path);
  }

  async removeAside(path: string): Promise<void> {
    await this.held();
    this.remove(path);
  }

  stat(path: string): FileStatus | null {
    this.call("stat", path);
    const file = this.entries.get(path);
    if (file !== undefined) {
      return { isFile: true, isDirectory: false, bytes: file.bytes.length, mode: 0o600 };
    }
    if (!this.directories.has(path)) return null;
    return { isFile: false, isDirectory: true, bytes: 0, mode: 0o700 };
  }

  list(directory: string): string[] {
    this.call("list", directory);
    const paths = [...this.entries.keys()].filter((path) => dirname(path) === directory);
    return paths.map((path) => path.slice(directory.length + 1)).sort();
  }

  makeDirectory(path: string): void {
    this.call("mkdir", path);
    this.directories.add(path);
  }

  syncDirectory(path: string): void {
    this.call("syncDirectory", path);
  }

  async syncDirectoryAside(path: string): Promise<void> {
    await this.held();
    this.syncDirectory(path);
  }

  #find(path: string): MemoryFile {
    const file = this.entries.get(path);
    if (file === undefined) {
      throw new Deno.errors.NotFound(`No such file or directory (os error 2): '${path}'`);
    }
    return file;
  }
}

/** Errors as Deno words them. */
export const NO_SPACE = new Error("No space left on device (os error 28)");
export const INPUT_OUTPUT = new Error("Input/output error (os error 5)");

class MemoryHandle implements FileHandle {
  #isClosed = false;

  constructor(
    readonly files: MemoryFiles,
    readonly path: string,
    readonly file: MemoryFile,
    private position: number,
  ) {}

  read(bytes: Uint8Array, start: number, length: number): number {
    this.#call("read");
    const piece = this.file.bytes.subarray(this.position, this.position + length);
    bytes.set(piece, start);
    this.position += piece.length;
    return piece.length;
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    try {
      this.#call("write");
    } catch (error) {
      this.#append(bytes.subarray(start, start + Math.min(length, this.files.tornBytes)));
      throw error;
    }
    this.#append(bytes.subarray(start, start + length));
  }

  sync(): void {
    this.#call("sync");
    this.file.syncedBytes = this.file.bytes.length;
  }

  async syncData(): Promise<void> {
    const length = this.file.bytes.length;
    await this.files.held();
    this.#call("syncData");
    this.file.syncedBytes = Math.max(this.file.syncedBytes, length);
  }

  truncate(byteCount: number): void {
    this.#call("truncate");
    this.file.bytes = this.file.bytes.slice(0, byteCount);
    this.position = byteCount;
  }

  seek(offset: number): void {
    this.position = offset;
  }

  size(): number {
    return this.file.bytes.length;
  }

  close(): void {
    this.#call("close");
    this.#isClosed = true;
  }

  #call(name: string): void {
    if (this.#isClosed) throw new Error(`${name} of a closed file: ${this.path}`);
    this.files.call(name, this.path);
  }

  #append(piece: Uint8Array): void {
    const bytes = new Uint8Array(this.position + piece.length);
    bytes.set(this.file.bytes.subarray(0, this.position));
    bytes.set(piece, this.position);
    this.file.bytes = bytes;
    this.position += piece.length;
  }
}
