/**
 * RDB reader: loads a file into a keyspace. Reads versions 1 to 16 and Valkey's 80; the format is
 * drawn in rdb_format.ts.
 *
 * `load` is a generator that stops every few megabytes, so that the server can answer that it is
 * loading. Keys go straight from the buffer to the arena; nothing is put on the heap per key.
 *
 * Nobody is told of the keys: there are no clients to care. If loading fails (RdbFormatError,
 * AddressSpaceFull, or the error of the disk), the keys read by then are in the keyspace; the
 * caller empties it or gives up.
 */
import * as clock from "../base/clock.ts";
import { copyBytes, latin1Text, readyForCopies, Slice } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { pause } from "../base/pause.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { Argv } from "../protocol/argv.ts";
import * as value from "../values/value.ts";
import { LoadedKeys, NOT_SAVED } from "./loaded_keys.ts";
import * as format from "./rdb_format.ts";
import { type ByteSource, RdbInput } from "./rdb_input.ts";
import { passOverKeyMeta, passOverModuleAux } from "./rdb_module_data.ts";
import { type EncodingLimits, RdbValueReader } from "./rdb_value_reader.ts";

export interface RdbLoadOptions {
  limits: EncodingLimits;
  /** Whether the checksum is compared (rdbchecksum). */
  verifiesChecksum: boolean;
  /** A key that exists is replaced (DEBUG RELOAD MERGE); else it is an error. */
  replacesKeys?: boolean;
  /**
   * Keep keys that have expired: the commands that follow in an AOF may refer to them. If not, they
   * are announced as keys that vanish: replicas that go on from where the file ends have them.
   */
  keepsExpired: boolean;
  /** Bytes after which `load` stops for a while (loading-process-events-interval-bytes). */
  yieldBytes: number;
  /** Pause after each key in microseconds; for tests (key-load-delay). */
  keyDelayUs?: number;
}

/** No file with many keys has fewer bytes for each. */
const KEY_BYTES_MIN = 6;
/** A key buffer at first. */
const KEY_BYTES_MADE = 1024;
/** Unused part of a key buffer that is kept for the next keys. */
const KEY_BYTES_KEPT = 64 * 1024;
/** What a table takes for each key that it is made for. */
const TABLE_BYTES_EACH = 16;

export class RdbReader {
  /** What the file says about itself, by name: "redis-ver", "ctime", "used-mem", … */
  readonly aux = new Map<string, string>();
  /** Sources of the function libraries in the file. */
  readonly functionLibraries: Uint8Array[] = [];
  /** Keys put into the keyspace. */
  keyCount = 0;
  /** Keys that had expired and were passed over. */
  expiredCount = 0;
  /** Keys of empty collections, which should not exist, and were passed over. */
  emptyCount = 0;
  /** Whether the file ended with a checksum. */
  hasChecksum = false;
  /** Version of the file; 0 before it is known. */
  version = 0;

  readonly #input: RdbInput;
  readonly #keyspace: Keyspace;
  readonly #options: RdbLoadOptions;
  readonly #values: RdbValueReader;
  readonly #keyDelayUs: number;
  /** Databases whose tables were made as large as the file says. */
  readonly #reserved = new Set<Database>();
  readonly #view = new Slice();
  #db: Database;
  #key = readyForCopies(new Uint8Array(KEY_BYTES_MADE));
  #keyBytes = 0;
  readonly #keyArgv = new Argv();
  readonly #loaded: LoadedKeys;
  #expiryMs = value.NO_EXPIRY;
  #idleSeconds = NOT_SAVED;
  #frequency = NOT_SAVED;

  /** `path` is for messages; `totalBytes` is what `source` has, the RDB being first in it. */
  constructor(
    path: string,
    source: ByteSource,
    totalBytes: number,
    keyspace: Keyspace,
    options: RdbLoadOptions,
  ) {
    this.#input = new RdbInput(path, source, totalBytes, options.verifiesChecksum);
    this.#keyspace = keyspace;
    this.#options = options;
    this.#keyDelayUs = options.keyDelayUs ?? 0;
    this.#values = new RdbValueReader(this.#input, keyspace, options.limits, false);
    this.#loaded = new LoadedKeys(keyspace);
    this.#db = keyspace.databases[0];
  }

  /** Bytes read so far; after the load, where an AOF goes on that began with this RDB. */
  get byteCount(): number {
    return this.#input.offset;
  }

  get totalBytes(): number {
    return this.#input.totalBytes;
  }

  /** What the file says of producers of streams, which is left out: the number of their ids. */
  get producerIdCount(): number {
    return this.#values.producerIdCount;
  }

  /** Loads everything; stops every `yieldBytes` bytes. */
  *load(): Generator<void, void, void> {
    try {
      yield* this.#loadParts();
    } finally {
      this.#loaded.drop();
      for (const db of this.#reserved) db.trim();
    }
  }

  *#loadParts(): Generator<void, void, void> {
    this.#readMagic();
    const { yieldBytes } = this.#options;
    let pauseAt = yieldBytes;
    while (this.#readPart()) {
      if (this.#input.offset < pauseAt) continue;
      this.#insertKeys();
      pauseAt = this.#input.offset + yieldBytes;
      yield;
    }
    this.#insertKeys();
    if (this.version >= format.CHECKSUM_VERSION_MIN) {
      this.hasChecksum = this.#input.readChecksum();
    }
  }

  #readMagic(): void {
    const input: RdbInput = this.#input;
    if (input.totalBytes < format.MAGIC_BYTES) {
      input.fail("Unexpected EOF reading RDB file: it is too short for one");
    }
    input.readRaw(format.MAGIC_BYTES, this.#view);
    const magic = latin1Text(this.#view.bytes, this.#view.start, format.MAGIC_BYTES);
    const found = format.parseMagic(magic);
    if (found === null) input.fail("Wrong signature trying to load DB from file");
    const { version, isReadable } = found;
    if (!isReadable) {
      input.refuse(
        `Can't handle RDB format version ${version}, only ${format.RDB_VERSION_MIN} to ` +
          `${format.RDB_VERSION_MAX} and ${format.RDB_VERSION_VALKEY}`,
      );
    }
    this.version = version;
    this.#values.version = version;
  }

  /** Reads what one opcode or type begins. Returns false for the end of the file. */
  #readPart(): boolean {
    const input = this.#input;
    const opcode = input.readByte();
    if (opcode < format.RDB_TYPE_END) {
      this.#readKey(opcode);
      if (this.#keyDelayUs > 0) pause(this.#keyDelayUs);
      return true;
    }
    switch (opcode) {
      case format.OPCODE_EXPIRETIME_MS:
        this.#expiryMs = input.readInt64();
        return true;
      case format.OPCODE_EXPIRETIME:
        this.#expiryMs = input.readInt32() * 1000;
        return true;
      case format.OPCODE_FREQ:
        this.#frequency = input.readByte();
        return true;
      case format.OPCODE_IDLE:
        this.#idleSeconds = input.readPlainLength();
        return true;
      case format.OPCODE_SELECTDB:
        this.#select(input.readPlainLength());
        return true;
      case format.OPCODE_RESIZEDB:
        this.#reserve(input.readPlainLength(), input.readPlainLength());
        return true;
      case format.OPCODE_AUX:
        this.#readAux();
        return true;
      case format.OPCODE_FUNCTION2:
        input.readString(this.#view);
        this.functionLibraries.push(this.#view.copy());
        return true;
      case format.OPCODE_SLOT_INFO:
        for (let index = 0; index < 3; index++) input.readPlainLength();
        return true;
      case format.OPCODE_EOF:
        return false;
      case format.OPCODE_MODULE_AUX:
        passOverModuleAux(input);
        return true;
      case format.OPCODE_KEY_META:
        passOverKeyMeta(input, this.version);
        return true;
      case format.OPCODE_HASH_TEMPLATE:
        this.#values.readTemplate();
        return true;
      case format.OPCODE_FUNCTION_PRE_GA:
        return input.refuse("the file holds functions of a release candidate of Redis 7");
    }
    return input.fail(`unknown opcode ${opcode}`);
  }

  #select(index: number): void {
    const { databases } = this.#keyspace;
    if (index >= databases.length) {
      this.#input.fail(`the file uses database ${index}, only ${databases.length} are configured`);
    }
    this.#insertKeys();
    this.#db = databases[index];
  }

  /** Prepares for so many keys, as far as the file may have them. */
  #reserve(keys: number, expiring: number): void {
    const keysMax = Math.floor(this.#input.restBytes / KEY_BYTES_MIN);
    this.#keyspace.arena.requireRoom(Math.min(keys + expiring, 2 * keysMax) * TABLE_BYTES_EACH);
    this.#db.reserve(Math.min(keys, keysMax), Math.min(expiring, keysMax));
    this.#reserved.add(this.#db);
  }

  #readAux(): void {
    this.#input.readString(this.#view);
    const name = latin1Text(this.#view.bytes, this.#view.start, this.#view.length);
    this.#input.readString(this.#view);
    this.aux.set(name, latin1Text(this.#view.bytes, this.#view.start, this.#view.length));
  }

  #readKey(type: number): void {
    this.#input.readString(this.#view);
    this.#holdKey();
    const key = this.#key;
    const keyBytes = this.#keyBytes;
    const db = this.#db;
    const expiryMs = this.#expiryMs;
    if (this.#options.replacesKeys === true) {
      this.#insertKeys();
      db.remove(this.#keyArgv.point(key, 0, keyBytes), 0);
    }
    const entry = this.#values.read(type, key, 0, keyBytes, expiryMs);
    if (entry === 0) {
      this.emptyCount++;
    } else if (
      expiryMs !== value.NO_EXPIRY && expiryMs < clock.nowMs() && !this.#options.keepsExpired
    ) {
      this.expiredCount++;
      this.#keyspace.reclaimer.freeEntry(entry);
      this.#keyspace.listener.keyVanishes(db, key, 0, keyBytes, false);
    } else {
      this.keyCount++;
      if (this.#loaded.isFull) this.#insertKeys();
      const hash = hashBytes(key, 0, keyBytes);
      this.#loaded.add(db, entry, hash, this.#idleSeconds, this.#frequency);
    }
    this.#expiryMs = value.NO_EXPIRY;
    this.#idleSeconds = NOT_SAVED;
    this.#frequency = NOT_SAVED;
  }

  /** Puts the keys that were read into their table. */
  #insertKeys(): void {
    const problem = this.#loaded.insert();
    if (problem !== null) this.#input.fail(problem);
  }

  /** Copies the key out of the buffer, which moves on while the value is read. */
  #holdKey(): void {
    const { bytes, start, length } = this.#view;
    const held = this.#key.length;
    if (held < length) this.#key = readyForCopies(new Uint8Array(length * 2));
    else if (held > KEY_BYTES_KEPT && length <= KEY_BYTES_MADE) {
      this.#key = readyForCopies(new Uint8Array(KEY_BYTES_MADE));
    }
    copyBytes(bytes, start, this.#key, 0, length);
    this.#keyBytes = length;
  }
}
