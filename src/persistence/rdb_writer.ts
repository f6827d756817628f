/**
 * RDB writer: a whole file, or one value as a DUMP payload, as redis-server 7.0.15 writes them, or
 * another server for another version. The format is drawn in rdb_format.ts.
 *
 * It reads `Memory` and the roots of the databases, so that the same code saves on the main thread
 * (SAVE) and in the child, over frozen memory (BGSAVE, AOF base). It knows nothing of files: bytes
 * go to a sink.
 */
import { Slice } from "../base/bytes.ts";
import { pause } from "../base/pause.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { EntryBatch } from "../values/entry_batch.ts";
import * as value from "../values/value.ts";
import * as format from "./rdb_format.ts";
import { type ByteSink, RdbOutput } from "./rdb_output.ts";
import { RdbValueWriter } from "./rdb_value_writer.ts";

/** The two dicts of a database. */
export interface DatabaseRoots {
  keys: Ref;
  expires: Ref;
}

/** The place of a file in the history of its data, from where a replica can go on with it. */
export interface RdbHistory {
  /** The id of the history. */
  replicationId: string;
  /** Bytes of the history's stream that are in the file. */
  offset: number;
  /** The database that the stream has selected there. */
  streamDb: number;
}

/** How a file is written. Plain data: it is posted to the child. */
export interface RdbOptions {
  version: format.RdbVersion;
  /** What the file says wrote it: the version that the server announces, like "7.4.2". */
  redisVersion: string;
  /** LZF for longer strings (rdbcompression). */
  compresses: boolean;
  /** A CRC at the end (rdbchecksum). */
  hasChecksum: boolean;
  /** What is kept of the access clocks: idle times (LRU policies) or counters (LFU). */
  access: "none" | "idle" | "frequency";
  /** Minutes until an LFU counter falls by one (lfu-decay-time). */
  lfuDecayTime: number;
  /** Whether the file is the base of an AOF. */
  isAofBase: boolean;
  /** The present: for the file's header and for idle times. Unix time. */
  nowMs: number;
  usedMemoryBytes: number;
  /** Null or missing if nobody could go on with the data. */
  history?: RdbHistory | null;
  /** Sources of function libraries, which are kept as they were loaded. */
  functionLibraries: Uint8Array[];
  /** Pause after each key in microseconds; for tests (rdb-key-save-delay). */
  keyDelayUs: number;
}

/** Called every few keys with the number written so far; what it throws ends the writing. */
export type KeyProgress = (keyCount: number) => void;

/** Keys between two calls of a KeyProgress. */
export const PROGRESS_KEYS = 256;

/** The first that writes Valkey's format. */
const VALKEY_VERSION = "9.0.0";
const CLOCK_MASK = 0xffffff;

export class RdbWriter {
  readonly #memory: Memory;
  readonly #options: RdbOptions;
  readonly #output: RdbOutput;
  readonly #values: RdbValueWriter;
  readonly #progress: KeyProgress;
  readonly #key = new Slice();
  readonly #idleNow: number;
  readonly #frequencyNow: number;
  #keyCount = 0;

  constructor(
    memory: Memory,
    sink: ByteSink,
    options: RdbOptions,
    progress: KeyProgress = () => {},
  ) {
    this.#memory = memory;
    this.#options = options;
    this.#progress = progress;
    this.#output = new RdbOutput(sink, options.compresses, options.hasChecksum);
    this.#values = new RdbValueWriter(memory, this.#output, options.version);
    this.#idleNow = Math.floor(options.nowMs / 1000) & CLOCK_MASK;
    this.#frequencyNow = Math.floor(options.nowMs / 60000) & 0xffff;
  }

  /** Keys written so far. */
  get keyCount(): number {
    return this.#keyCount;
  }

  /** Bytes written so far. */
  get byteCount(): number {
    return this.#output.offset;
  }

  /** Writes a whole file. Throws what the sink throws. */
  writeFile(databases: readonly DatabaseRoots[]): void {
    this.#writeHead();
    for (const library of this.#options.functionLibraries) {
      this.#output.writeByte(format.OPCODE_FUNCTION2);
      this.#output.writeString(library, 0, library.length);
    }
    for (let index = 0; index < databases.length; index++) {
      this.#writeDatabase(index, databases[index]);
    }
    this.#output.writeByte(format.OPCODE_EOF);
    this.#output.finishFile();
  }

  /** Writes the value of an entry as DUMP does. */
  writePayload(entry: Ref): void {
    this.#output.writeByte(this.#values.typeByte(entry));
    this.#values.write(entry);
    this.#output.finishPayload(this.#options.version);
  }

  #writeHead(): void {
    const { version, redisVersion, nowMs, usedMemoryBytes } = this.#options;
    const { history = null, isAofBase } = this.#options;
    const magic = format.magicOf(version);
    for (const character of magic) this.#output.writeByte(character.charCodeAt(0));
    if (format.isValkeyVersion(version)) this.#writeAux("valkey-ver", VALKEY_VERSION);
    else this.#writeAux("redis-ver", redisVersion);
    this.#writeAux("redis-bits", "64");
    this.#writeAux("ctime", String(Math.floor(nowMs / 1000)));
    this.#writeAux("used-mem", String(usedMemoryBytes));
    if (history !== null) {
      this.#writeAux("repl-stream-db", String(history.streamDb));
      this.#writeAux("repl-id", history.replicationId);
      this.#writeAux("repl-offset", String(history.offset));
    }
    // Redis: renamed in 7.0.
    this.#writeAux(version === 9 ? "aof-preamble" : "aof-base", isAofBase ? "1" : "0");
  }

  #writeAux(name: string, text: string): void {
    this.#output.writeByte(format.OPCODE_AUX);
    this.#output.writeText(name);
    this.#output.writeText(text);
  }

  #writeDatabase(index: number, { keys, expires }: DatabaseRoots): void {
    const memory = this.#memory;
    const count = dict.count(memory, keys);
    if (count === 0) return;
    this.#output.writeByte(format.OPCODE_SELECTDB);
    this.#output.writeLength(index);
    this.#output.writeByte(format.OPCODE_RESIZEDB);
    this.#output.writeLength(count);
    this.#output.writeLength(dict.count(memory, expires));
    new EntryBatch(memory, this.#writeEntry).forEach(keys);
  }

  readonly #writeEntry = (entry: Ref): void => {
    const memory = this.#memory;
    const output = this.#output;
    const expiryMs = value.expiryOf(memory, entry);
    if (expiryMs !== value.NO_EXPIRY) {
      output.writeByte(format.OPCODE_EXPIRETIME_MS);
      output.writeMilliseconds(expiryMs);
    }
    if (this.#options.access !== "none") this.#writeAccess(entry);
    output.writeByte(this.#values.typeByte(entry));
    const key = this.#key;
    dictEntry.readKey(memory, entry, key);
    output.writeString(key.bytes, key.start, key.length);
    this.#values.write(entry);
    const isDelayed = this.#options.keyDelayUs > 0;
    if (isDelayed) pause(this.#options.keyDelayUs);
    this.#keyCount++;
    if (isDelayed || this.#keyCount % PROGRESS_KEYS === 0) this.#progress(this.#keyCount);
  };

  #writeAccess(entry: Ref): void {
    const clock = value.accessClock(this.#memory, entry);
    if (this.#options.access === "idle") {
      const now = this.#idleNow;
      this.#output.writeByte(format.OPCODE_IDLE);
      this.#output.writeLength(now >= clock ? now - clock : now + (CLOCK_MASK - clock));
      return;
    }
    const then = clock >>> 8;
    const now = this.#frequencyNow;
    const elapsed = now >= then ? now - then : 65535 - then + now;
    const { lfuDecayTime } = this.#options;
    const periods = lfuDecayTime > 0 ? Math.floor(elapsed / lfuDecayTime) : 0;
    this.#output.writeByte(format.OPCODE_FREQ);
    this.#output.writeByte(Math.max(0, (clock & 255) - periods));
  }
}
