/**
 * Received RDB: where the RDB of a master is kept until all of it has come, and what can be told of
 * it without loading it. Only when that is good may the present data go.
 *
 *   in a file     beside dump.rdb, whose place it takes when it has been loaded
 *   in memory     with `repl-diskless-load`; a chunk of 1 MiB at a time
 *
 * The checksum is taken while the bytes come. An RDB that ends with its own CRC has a CRC of zero;
 * one that was written without a checksum ends with eight zeros.
 */
import { join } from "@std/path";
import { copyBytes, latin1Text } from "../base/bytes.ts";
import { Crc64 } from "../persistence/crc64.ts";
import { errorText, type FileHandle, type FileSystem } from "../persistence/file_system.ts";
import * as format from "../persistence/rdb_format.ts";
import type { ByteSource } from "../persistence/rdb_input.ts";
import type { RdbTarget } from "./rdb_reception.ts";

const CHUNK_BYTES = 1024 * 1024;
/** Bytes after which a file is synced on the way, so that the last sync does not take long. */
const SYNC_BYTES = 8 * 1024 * 1024;
/** The byte that ends the data, and the checksum behind it. */
const TAIL_BYTES = 1 + format.CHECKSUM_BYTES;

/** What was received, and may be loaded. */
export interface ReceivedRdb extends RdbTarget {
  /** What it is called in the log. */
  readonly name: string;
  readonly byteCount: number;
  /** Version of the format; 0 if it is none that could be loaded. */
  readonly version: number;
  /** Resolves when all that was written is safe; rejects with the error of the disk. */
  finish(): Promise<void>;
  /** Why it cannot be loaded, as far as can be told; null if nothing speaks against it. */
  findFault(): string | null;
  /** Its bytes from the beginning. */
  open(): ByteSource;
  /** Puts it in the place of the RDB file, if it is one itself. Throws the error of the disk. */
  install(path: string): void;
  /** Lets go of it. */
  discard(): void;
}

/** What is looked at while bytes come: magic, checksum, the last bytes. */
class RdbProof {
  byteCount = 0;
  readonly #crc = new Crc64();
  readonly #magic = new Uint8Array(format.MAGIC_BYTES);
  readonly #tail = new Uint8Array(TAIL_BYTES);

  update(bytes: Uint8Array, start: number, length: number): void {
    const missing = format.MAGIC_BYTES - this.byteCount;
    if (missing > 0) {
      copyBytes(bytes, start, this.#magic, this.byteCount, Math.min(missing, length));
    }
    this.#crc.update(bytes, start, length);
    const taken = Math.min(length, TAIL_BYTES);
    this.#tail.copyWithin(0, taken);
    copyBytes(bytes, start + length - taken, this.#tail, TAIL_BYTES - taken, taken);
    this.byteCount += length;
  }

  get version(): number {
    const found = format.parseMagic(latin1Text(this.#magic, 0, format.MAGIC_BYTES));
    return found?.isReadable === true ? found.version : 0;
  }

  findFault(): string | null {
    const magic = latin1Text(this.#magic, 0, Math.min(format.MAGIC_BYTES, this.byteCount));
    const found = format.parseMagic(magic);
    if (found === null) return `it begins with ${JSON.stringify(magic)}, which is no RDB`;
    if (!found.isReadable) {
      return `its RDB has the format version ${found.version}, which this server cannot read ` +
        `(it reads ${format.RDB_VERSION_MIN} to ${format.RDB_VERSION_MAX} and ` +
        `${format.RDB_VERSION_VALKEY})`;
    }
    if (found.version < format.CHECKSUM_VERSION_MIN) return null;
    const isUnsummed = this.#tail.subarray(1).every((byte) => byte === 0);
    if (!isUnsummed && (this.#crc.low !== 0 || this.#crc.high !== 0)) {
      return "the checksum of its RDB is wrong";
    }
    return this.#tail[0] === format.OPCODE_EOF ? null : "its RDB does not end as one does";
  }
}

/** An RDB that is received into a file of this directory. */
export class RdbInFile implements ReceivedRdb {
  readonly name: string;
  readonly #files: FileSystem;
  readonly #file: FileHandle;
  readonly #proof = new RdbProof();
  #syncedBytes = 0;
  /** A sync on the way; the last one sees its error, too. */
  #syncing: Promise<void> | null = null;
  #isFilePresent = true;

  /** Throws the error of the disk. */
  constructor(files: FileSystem, directory: string, number: number) {
    this.#files = files;
    this.name = join(directory === "" ? "." : directory, `temp-${Deno.pid}-${number}.sync.rdb`);
    this.#file = files.openForWrite(this.name);
  }

  get byteCount(): number {
    return this.#proof.byteCount;
  }

  get version(): number {
    return this.#proof.version;
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    this.#file.write(bytes, start, length);
    this.#proof.update(bytes, start, length);
    if (this.byteCount - this.#syncedBytes < SYNC_BYTES || this.#syncing !== null) return;
    this.#syncedBytes = this.byteCount;
    const syncing = this.#file.syncData().finally(() => {
      if (this.#syncing === syncing) this.#syncing = null;
    });
    this.#syncing = syncing;
    // Whether the data are safe is asked at the end, of all of them.
    syncing.catch(() => {});
  }

  async finish(): Promise<void> {
    await this.#syncing;
    await this.#file.syncData();
  }

  findFault(): string | null {
    return this.#proof.findFault();
  }

  open(): ByteSource {
    this.#file.seek(0);
    return this.#file;
  }

  install(path: string): void {
    this.#files.rename(this.name, path);
    this.#isFilePresent = false;
    this.discard();
  }

  discard(): void {
    // A handle whose sync is under way is closed when that is over.
    (this.#syncing ?? Promise.resolve()).catch(() => {}).then(() => this.#close());
    if (!this.#isFilePresent) return;
    this.#isFilePresent = false;
    this.#files.removeAside(this.name).catch(() => {});
  }

  #close(): void {
    try {
      this.#file.close();
    } catch (error) {
      // It was closed before.
      if (!(error instanceof Deno.errors.BadResource)) throw new Error(errorText(error));
    }
  }
}

/** An RDB that is received into memory. */
export class RdbInMemory implements ReceivedRdb {
  readonly name = "the RDB from the master";
  readonly #proof = new RdbProof();
  #chunks: Uint8Array[] = [];
  #lastBytes = CHUNK_BYTES;

  get byteCount(): number {
    return this.#proof.byteCount;
  }

  get version(): number {
    return this.#proof.version;
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    this.#proof.update(bytes, start, length);
    for (let at = start; at < start + length;) {
      if (this.#lastBytes === CHUNK_BYTES) {
        this.#chunks.push(new Uint8Array(CHUNK_BYTES));
        this.#lastBytes = 0;
      }
      const count = Math.min(start + length - at, CHUNK_BYTES - this.#lastBytes);
      copyBytes(bytes, at, this.#chunks[this.#chunks.length - 1], this.#lastBytes, count);
      this.#lastBytes += count;
      at += count;
    }
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  findFault(): string | null {
    return this.#proof.findFault();
  }

  open(): ByteSource {
    let position = 0;
    const read = (bytes: Uint8Array, start: number, length: number): number => {
      const index = Math.floor(position / CHUNK_BYTES);
      const at = position - index * CHUNK_BYTES;
      const count = Math.min(length, this.byteCount - position, CHUNK_BYTES - at);
      if (count > 0) copyBytes(this.#chunks[index], at, bytes, start, count);
      position += count;
      return count;
    };
    return { read };
  }

  install(): void {}

  discard(): void {
    this.#chunks = [];
  }
}
