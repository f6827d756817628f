/**
 * File system: every file call of persistence goes through here, so that a test can put a simulated
 * disk in its place: one that fails the Nth call, forgets what was not synced, or tears a write.
 *
 * The calls are synchronous: they are few and large, and a synchronous write costs a twentieth of
 * an awaited one. The exceptions are those that may take as long as the disk likes while clients
 * wait (`syncData`, `syncDirectoryAside`, `removeAside`): the runtime carries them out beside the
 * event loop.
 *
 * Calls throw what Deno throws (`Deno.errors.NotFound`, …); `errorText` puts it into the words of
 * strerror(3) for log lines and replies. Knows nothing of formats.
 */
import { basename, dirname, join } from "@std/path";

/** What `stat` tells. */
export interface FileStatus {
  isFile: boolean;
  isDirectory: boolean;
  bytes: number;
  /** Permissions, as chmod(2) takes them. */
  mode: number;
}

/** An open file. Its position moves on with every read and write. */
export interface FileHandle {
  readonly path: string;
  /** Reads up to `length` bytes to `bytes[start…]`. Returns how many; 0 at the end of the file. */
  read(bytes: Uint8Array, start: number, length: number): number;
  /** Writes all of the range, or throws; then an unknown part of it stands in the file. */
  write(bytes: Uint8Array, start: number, length: number): void;
  /** Returns when all that was written is on the disk. */
  sync(): void;
  /** As `sync`, but beside the event loop; rejects with the error of the disk. */
  syncData(): Promise<void>;
  /** Moves the position to this offset from the start. Not for files opened for appending. */
  seek(offset: number): void;
  /** Cuts the file to this length, and moves the position there. */
  truncate(byteCount: number): void;
  /** Bytes in the file. */
  size(): number;
  close(): void;
}

export interface FileSystem {
  /** Opens an existing file for reading. */
  openForRead(path: string): FileHandle;
  /**
   * Creates a file, or empties an existing one, for writing (and reading back). With `mode`, nobody
   * has more than these permissions before anything can be written.
   */
  openForWrite(path: string, mode?: number): FileHandle;
  /** Opens a file for writing at its end; creates it if it is missing. */
  openForAppend(path: string): FileHandle;
  /** Opens an existing file for reading and writing at any position (repair tools). */
  openForUpdate(path: string): FileHandle;
  /** Puts a file in the place of another, atomically. Lasting only after `syncDirectory`. */
  rename(from: string, to: string): void;
  /** Removes a file. */
  remove(path: string): void;
  /**
   * As `remove`, but beside the event loop: to give back a file of a gigabyte takes a file system a
   * quarter of a second and more.
   */
  removeAside(path: string): Promise<void>;
  /** What stands at this path, or null if nothing does. */
  stat(path: string): FileStatus | null;
  /** Names (without path) of the entries of a directory, sorted. */
  list(directory: string): string[];
  /** Makes a directory, and those above it; one that exists is fine. */
  makeDirectory(path: string): void;
  /** Makes creations, renames and removals in a directory lasting. */
  syncDirectory(path: string): void;
  /** As `syncDirectory`, but beside the event loop. */
  syncDirectoryAside(path: string): Promise<void>;
}

/** The whole content of a file. */
export function readWholeFile(files: FileSystem, path: string): Uint8Array<ArrayBuffer> {
  const file = files.openForRead(path);
  try {
    const bytes = new Uint8Array(file.size());
    let length = 0;
    for (;;) {
      const count = file.read(bytes, length, bytes.length - length);
      if (count === 0) return bytes.subarray(0, length);
      length += count;
    }
  } finally {
    file.close();
  }
}

/**
 * Puts a file with this content at `path`, so that after a crash at any moment either the old or
 * the new content stands there: a temporary file beside it, sync, rename, sync of the directory.
 * `newMode`: the permissions are those of the old file, or these if there is none. Throws the error
 * of the file calls; the temporary file is gone then.
 */
export function replaceFile(
  files: FileSystem,
  path: string,
  content: Uint8Array,
  newMode?: number,
): void {
  const directory = dirname(path);
  const temporary = join(directory, `temp-${basename(path)}`);
  try {
    const mode = newMode === undefined ? undefined : files.stat(path)?.mode ?? newMode;
    const file = files.openForWrite(temporary, mode);
    try {
      file.write(content, 0, content.length);
      file.sync();
    } finally {
      file.close();
    }
    files.rename(temporary, path);
  } catch (error) {
    removeIfExists(files, temporary);
    throw error;
  }
  files.syncDirectory(directory);
}

/** Removes a file that may be missing; other errors are swallowed, for the caller has its own. */
export function removeIfExists(files: FileSystem, path: string): void {
  try {
    if (files.stat(path) !== null) files.remove(path);
  } catch {
    // A leftover temporary file harms nobody; the error that led here is the one to report.
  }
}

/** The error in the words of strerror(3): "No space left on device". */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Deno: "No such file or directory (os error 2): open '/tmp/x'".
  const end = error.message.indexOf(" (os error ");
  return end === -1 ? error.message : error.message.slice(0, end);
}

/** Whether this is an error of the system, and not a mistake of ours. */
export function isSystemError(error: unknown): error is Error {
  return error instanceof Error && error.message.includes(" (os error ");
}

/** Whether the error says that a file or a directory on the way to it is missing. */
export function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound;
}

/** What is said of a file where the system knows no permissions. */
const UNKNOWN_MODE = 0o600;

/** A quicker way than the runtime's to write to the end of a file. */
export interface AppendedFiles {
  /** An open file that `openForAppend` has just made sure of; null: this cannot be had. */
  open(path: string, file: Deno.FsFile): FileHandle | null;
}

/** The files of this machine. */
export class DiskFileSystem implements FileSystem {
  readonly #appendedFiles: AppendedFiles | null;

  constructor(appendedFiles: AppendedFiles | null = null) {
    this.#appendedFiles = appendedFiles;
  }

  openForRead(path: string): FileHandle {
    return new DiskFileHandle(path, Deno.openSync(path, { read: true }));
  }

  openForWrite(path: string, mode?: number): FileHandle {
    const options = { read: true, write: true, create: true, truncate: true };
    if (mode === undefined) return new DiskFileHandle(path, Deno.openSync(path, options));
    const file = Deno.openSync(path, { ...options, mode });
    // A file that was there already has permissions of its own.
    if (Deno.build.os !== "windows") Deno.chmodSync(path, mode);
    return new DiskFileHandle(path, file);
  }

  openForAppend(path: string): FileHandle {
    const file = Deno.openSync(path, { append: true, create: true });
    return this.#appendedFiles?.open(path, file) ?? new DiskFileHandle(path, file);
  }

  openForUpdate(path: string): FileHandle {
    return new DiskFileHandle(path, Deno.openSync(path, { read: true, write: true }));
  }

  rename(from: string, to: string): void {
    Deno.renameSync(from, to);
  }

  remove(path: string): void {
    Deno.removeSync(path);
  }

  removeAside(path: string): Promise<void> {
    return Deno.remove(path);
  }

  stat(path: string): FileStatus | null {
    try {
      const { isFile, isDirectory, size, mode } = Deno.statSync(path);
      return { isFile, isDirectory, bytes: size, mode: (mode ?? UNKNOWN_MODE) & 0o777 };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  list(directory: string): string[] {
    return Array.from(Deno.readDirSync(directory), (entry) => entry.name).sort();
  }

  makeDirectory(path: string): void {
    Deno.mkdirSync(path, { recursive: true });
  }

  syncDirectory(path: string): void {
    // Windows has no such call: NTFS journals renames by itself.
    if (Deno.build.os === "windows") return;
    const directory = Deno.openSync(path, { read: true });
    try {
      directory.syncSync();
    } finally {
      directory.close();
    }
  }

  async syncDirectoryAside(path: string): Promise<void> {
    if (Deno.build.os === "windows") return;
    using directory = await Deno.open(path, { read: true });
    await directory.sync();
  }
}

class DiskFileHandle implements FileHandle {
  readonly path: string;
  readonly #file: Deno.FsFile;

  constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  read(bytes: Uint8Array, start: number, length: number): number {
    if (length === 0) return 0;
    return this.#file.readSync(bytes.subarray(start, start + length)) ?? 0;
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    const end = start + length;
    for (let at = start; at < end;) at += this.#file.writeSync(bytes.subarray(at, end));
  }

  sync(): void {
    this.#file.syncDataSync();
  }

  syncData(): Promise<void> {
    return this.#file.syncData();
  }

  seek(offset: number): void {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
  }

  truncate(byteCount: number): void {
    this.#file.truncateSync(byteCount);
    this.#file.seekSync(byteCount, Deno.SeekMode.Start);
  }

  size(): number {
    return this.#file.statSync().size;
  }

  close(): void {
    this.#file.close();
  }
}
