/**
 * Check RDB: looks through an RDB file, as redis-check-rdb does, and says what is in it or where it
 * is damaged. `redeno check-rdb FILE` is this; check_aof.ts uses it for files that begin with an
 * RDB.
 *
 * A file that holds what only other versions can read (modules, say) is not called damaged; but it
 * cannot be checked from there on, so that the exit code is 1 as well.
 *
 * Every value is built as for loading, in memory of its own, and freed again: so what passes here
 * is what the server can load. Lines are those of redis-check-rdb, so that scripts understand both;
 * the reason of an error is in our own words, with the offset at which reading stopped.
 */
import * as clock from "../base/clock.ts";
import { latin1Text, Slice } from "../base/bytes.ts";
import type { Database } from "../keyspace/database.ts";
import { Keyspace } from "../keyspace/keyspace.ts";
import type { KeyspaceListener } from "../keyspace/keyspace_listener.ts";
import { Arena } from "../memory/arena.ts";
import { nextExpiryOfKey } from "../values/element_expiry.ts";
import { NO_EXPIRY } from "../values/value.ts";
import { errorText, type FileSystem } from "./file_system.ts";
import * as format from "./rdb_format.ts";
import { RdbInput } from "./rdb_input.ts";
import { passOverKeyMeta, passOverModuleAux } from "./rdb_module_data.ts";
import { type EncodingLimits, RdbValueReader } from "./rdb_value_reader.ts";

/** Takes one line, without its end. */
export type PrintLine = (line: string) => void;

export interface RdbCheck {
  /** Read to its end, and found good. */
  isSane: boolean;
  /** False: the check ended at something that only other versions can read, not at damage. */
  isReadable: boolean;
  /** Offset behind the RDB; where an AOF goes on that began with it. */
  endOffset: number;
}

/** The limits of a server without configuration. */
const LIMITS: EncodingLimits = {
  hash: { listpackEntriesMax: 128, listpackValueBytesMax: 64 },
  set: { intsetEntriesMax: 512, listpackEntriesMax: -1, listpackValueBytesMax: 0 },
  sortedSet: { listpackEntriesMax: 128, listpackValueBytesMax: 64 },
  listFill: -2,
};

/** What redis-check-rdb calls the types; by number. */
const TYPE_NAMES: readonly string[] = [
  "string",
  "list-linked",
  "set-hashtable",
  "zset-v1",
  "hash-hashtable",
  "zset-v2",
  "module-pre-release",
  "module-value",
  "",
  "hash-zipmap",
  "list-ziplist",
  "set-intset",
  "zset-ziplist",
  "hash-ziplist",
  "quicklist",
  "stream",
  "hash-listpack",
  "zset-listpack",
  "quicklist-v2",
  "stream-v2",
  "set-listpack",
  "stream-v3",
  "hash-hashtable-md-pre-release",
  "hash-listpack-md-pre-release",
  "hash-hashtable-md",
  "hash-listpack-md",
  "stream-v4",
  "stream-v5",
  "array",
  "hash-template-listpack",
  "hash-template-listpack-ref",
  "hash-template-array",
  "hash-template-array-ref",
  "rate-limiter",
];

/** What Valkey calls its type 22. */
const VALKEY_HASH_NAME = "hash-volatile-items";

const SILENT: KeyspaceListener<Database> = {
  keyChanged() {},
  keyEvent() {},
  keyVanishes() {},
  recordsFields: false,
  fieldVanishes() {},
  fieldsEvent() {},
  keyReady() {},
  databaseFlushed() {},
};

/** Elements freed at a time. */
const FREE_STEP = 4096;

/** What is being read, in the words of redis-check-rdb. */
type Doing =
  | "start"
  | "read-type"
  | "read-expire"
  | "read-key"
  | "read-object-value"
  | "check-sum"
  | "read-len"
  | "read-aux"
  | "read-module-aux"
  | "read-key-meta"
  | "read-hash-template"
  | "read-functions";

/** Checks the RDB at the beginning of a file; prints what it finds. Throws errors of the disk. */
export function checkRdb(files: FileSystem, path: string, print: PrintLine): RdbCheck {
  print(`[offset 0] Checking RDB file ${path}`);
  const file = files.openForRead(path);
  try {
    return new RdbChecker(new RdbInput(path, file, file.size(), true), print).check();
  } finally {
    file.close();
  }
}

/** `redeno check-rdb`: returns the exit code. `printError` is for how to use it. */
export function checkRdbMain(
  files: FileSystem,
  args: readonly string[],
  print: PrintLine,
  printError: PrintLine,
): number {
  if (args.length !== 1) {
    printError("Usage: redeno check-rdb <rdb-file-name>");
    return 1;
  }
  try {
    return checkRdb(files, args[0], print).isSane ? 0 : 1;
  } catch (error) {
    printError(`Cannot open file: ${args[0]}: ${errorText(error)}`);
    return 1;
  }
}

class RdbChecker {
  readonly #input: RdbInput;
  readonly #print: PrintLine;
  readonly #keyspace = new Keyspace(new Arena(), 1, SILENT);
  readonly #values: RdbValueReader;
  readonly #view = new Slice();
  #doing: Doing = "start";
  #version = 0;
  #key: Uint8Array | null = null;
  #type = -1;
  #keyCount = 0;
  #expiryCount = 0;
  #expiredCount = 0;
  /** Keys that hold elements which expire. */
  #subexpiryCount = 0;
  #templateCount = 0;
  #expiryMs = NO_EXPIRY;

  constructor(input: RdbInput, print: PrintLine) {
    this.#input = input;
    this.#print = print;
    this.#values = new RdbValueReader(input, this.#keyspace, LIMITS, false);
  }

  check(): RdbCheck {
    const input = this.#input;
    try {
      this.#readMagic();
      while (this.#readPart());
      if (this.#version >= format.CHECKSUM_VERSION_MIN) this.#readChecksum();
    } catch (error) {
      if (!(error instanceof format.RdbFormatError)) throw error;
      const isReadable = !(error instanceof format.RdbUnreadableError);
      this.#printError(error, isReadable);
      return { isSane: false, isReadable, endOffset: error.offset };
    }
    this.#info("\\o/ RDB looks OK! \\o/");
    this.#printCounts();
    return { isSane: true, isReadable: true, endOffset: input.offset };
  }

  #readMagic(): void {
    const input: RdbInput = this.#input;
    input.readRaw(format.MAGIC_BYTES, this.#view);
    const magic = latin1Text(this.#view.bytes, this.#view.start, format.MAGIC_BYTES);
    const found = format.parseMagic(magic);
    if (found === null) input.fail("Wrong signature trying to load DB from file");
    if (!found.isReadable) {
      input.refuse(`Can't handle RDB format version ${found.version}`);
    }
    this.#version = found.version;
    this.#values.version = found.version;
  }

  /** Reads what one opcode or type begins. Returns false for the end of the file. */
  #readPart(): boolean {
    const input = this.#input;
    this.#doing = "read-type";
    this.#type = -1;
    const opcode = input.readByte();
    if (opcode < format.OPCODE_HASH_TEMPLATE) {
      this.#readKey(opcode);
      return true;
    }
    switch (opcode) {
      case format.OPCODE_EXPIRETIME_MS:
        this.#doing = "read-expire";
        this.#expiryMs = input.readInt64();
        return true;
      case format.OPCODE_EXPIRETIME:
        this.#doing = "read-expire";
        this.#expiryMs = input.readInt32() * 1000;
        return true;
      case format.OPCODE_FREQ:
        input.readByte();
        return true;
      case format.OPCODE_IDLE:
        input.readPlainLength();
        return true;
      case format.OPCODE_SELECTDB:
        this.#doing = "read-len";
        this.#info(`Selecting DB ID ${input.readPlainLength()}`);
        return true;
      case format.OPCODE_RESIZEDB:
        return this.#skipLengths(2);
      case format.OPCODE_SLOT_INFO:
        return this.#skipLengths(3);
      case format.OPCODE_AUX:
        return this.#readAux();
      case format.OPCODE_FUNCTION2:
        this.#doing = "read-functions";
        input.readString(this.#view);
        return true;
      case format.OPCODE_EOF:
        return false;
      case format.OPCODE_MODULE_AUX:
        this.#doing = "read-module-aux";
        passOverModuleAux(input);
        return true;
      case format.OPCODE_KEY_META:
        this.#doing = "read-key-meta";
        passOverKeyMeta(input, this.#version);
        return true;
      case format.OPCODE_HASH_TEMPLATE:
        this.#doing = "read-hash-template";
        this.#values.readTemplate();
        this.#templateCount++;
        return true;
    }
    return input.refuse("Pre-release function format not supported");
  }

  #skipLengths(count: number): true {
    this.#doing = "read-len";
    for (let index = 0; index < count; index++) this.#input.readPlainLength();
    return true;
  }

  #readAux(): true {
    this.#doing = "read-aux";
    const name = this.#readText();
    const value = this.#readText();
    this.#info(`AUX FIELD ${name} = '${value}'`);
    return true;
  }

  #readText(): string {
    this.#input.readString(this.#view);
    return latin1Text(this.#view.bytes, this.#view.start, this.#view.length);
  }

  #readKey(type: number): void {
    const input = this.#input;
    if (type >= format.RDB_TYPE_END) input.fail(`Invalid object type: ${type}`);
    this.#type = type;
    this.#doing = "read-key";
    input.readString(this.#view);
    const key = this.#view.copy();
    this.#key = key;
    this.#keyCount++;
    this.#doing = "read-object-value";
    const entry = this.#values.read(type, key, 0, key.length, this.#expiryMs);
    if (entry !== 0) {
      if (nextExpiryOfKey(this.#keyspace.arena, entry) !== NO_EXPIRY) this.#subexpiryCount++;
      this.#keyspace.reclaimer.freeEntry(entry);
      while (this.#keyspace.reclaimer.step(FREE_STEP));
    }
    if (this.#expiryMs !== NO_EXPIRY) {
      this.#expiryCount++;
      if (this.#expiryMs < clock.nowMs()) this.#expiredCount++;
    }
    this.#key = null;
    this.#expiryMs = NO_EXPIRY;
  }

  #readChecksum(): void {
    this.#doing = "check-sum";
    this.#info(
      this.#input.readChecksum()
        ? "Checksum OK"
        : "RDB file was saved with checksum disabled: no check performed.",
    );
  }

  #info(text: string): void {
    this.#print(`[offset ${this.#input.offset}] ${text}`);
  }

  #printError({ offset, reason }: format.RdbFormatError, isReadable: boolean): void {
    const print = this.#print;
    print(isReadable ? "--- RDB ERROR DETECTED ---" : "--- RDB NOT SUPPORTED ---");
    print(`[offset ${offset}] ${reason}`);
    if (!isReadable) {
      print("[additional info] No damage was found up to here; what follows was not checked");
    }
    print(`[additional info] While doing: ${this.#doing}`);
    if (this.#key !== null) {
      print(`[additional info] Reading key '${latin1Text(this.#key, 0, this.#key.length)}'`);
    }
    if (this.#type !== -1) {
      const isValkeyHash = format.isValkeyVersion(this.#version) &&
        this.#type === format.RDB_HASH_VALKEY;
      const name = isValkeyHash ? VALKEY_HASH_NAME : TYPE_NAMES[this.#type] ?? "unknown";
      print(`[additional info] Reading type ${this.#type} (${name})`);
    }
    this.#printCounts();
  }

  #printCounts(): void {
    this.#print(`[info] ${this.#keyCount} keys read`);
    this.#print(`[info] ${this.#expiryCount} expires`);
    this.#print(`[info] ${this.#expiredCount} already expired`);
    // Redis 7.4 prints this always, 7.0 never.
    if (this.#subexpiryCount > 0) this.#print(`[info] ${this.#subexpiryCount} subexpires`);
    if (this.#templateCount > 0) this.#print(`[info] ${this.#templateCount} templates of hashes`);
    const { producerIdCount } = this.#values;
    if (producerIdCount > 0) {
      this.#print(`[info] ${producerIdCount} ids of stream producers, which are not loaded`);
    }
  }
}
