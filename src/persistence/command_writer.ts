/**
 * Command writer: the data set as the commands that make it again: the base of an AOF with
 * `aof-use-rdb-preamble no`. The same commands as Redis 7.0 writes:
 *
 *   string       SET
 *   list         RPUSH     at most 64 elements each
 *   set          SADD      at most 64 members each
 *   sorted set   ZADD      at most 64 members each
 *   hash         HMSET     at most 64 fields each, and HPEXPIREAT for each that expires
 *   stream       XADD, XSETID, XGROUP CREATE, XGROUP CREATECONSUMER, XCLAIM
 *   expiry       PEXPIREAT
 *   library      FUNCTION LOAD
 *
 * Reads through `Memory`, so it runs in the child. Nothing is put on the heap per key.
 */
import { Slice } from "../base/bytes.ts";
import { formatDouble17 } from "../base/doubles.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { Id128 } from "../structures/id128.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import { nextExpiry } from "../values/element_expiry.ts";
import * as hashValue from "../values/hash_value.ts";
import * as listValue from "../values/list_value.ts";
import * as setValue from "../values/set_value.ts";
import * as sortedSetValue from "../values/sorted_set_value.ts";
import * as streamGroup from "../values/stream_group.ts";
import { claimTimeText, PendingEntry } from "../values/stream_group.ts";
import { idText, MAX_ID, MIN_ID } from "../values/stream_id.ts";
import * as streamValue from "../values/stream_value.ts";
import { StreamCursor } from "../values/stream_value.ts";
import { EntryBatch } from "../values/entry_batch.ts";
import * as value from "../values/value.ts";
import { type ByteSink, RdbOutput } from "./rdb_output.ts";
import { type DatabaseRoots, type KeyProgress, PROGRESS_KEYS } from "./rdb_writer.ts";

/** Redis: AOF_REWRITE_ITEMS_PER_CMD. */
const ITEMS_PER_COMMAND = 64;

const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;

export class CommandWriter {
  readonly #memory: Memory;
  readonly #output: RdbOutput;
  readonly #progress: KeyProgress;
  readonly #key = new Slice();
  readonly #view = new Slice();
  /** Name of the command that the elements of the present collection go to. */
  #command = "";
  /** Arguments per item: 1, or 2 for pairs. */
  #width = 1;
  /** Items of the collection that are still to come. */
  #itemsLeft = 0;
  /** Items that still belong to the command whose head was written last. */
  #itemsInCommand = 0;
  #keyCount = 0;

  constructor(memory: Memory, sink: ByteSink, progress: KeyProgress = () => {}) {
    this.#memory = memory;
    this.#output = new RdbOutput(sink, false, false);
    this.#progress = progress;
  }

  get keyCount(): number {
    return this.#keyCount;
  }

  get byteCount(): number {
    return this.#output.offset;
  }

  /** Writes the annotation that gives the commands behind it a time (aof-timestamp-enabled). */
  writeTimestamp(seconds: number): void {
    this.#writeText(`#TS:${seconds}\r\n`);
  }

  /** Writes the libraries of functions, given by their sources; they stand before all databases. */
  writeLibraries(sources: readonly Uint8Array[]): void {
    for (const source of sources) {
      this.#writeHead("FUNCTION", 2);
      this.#writeTextArgument("LOAD");
      this.#writeArgument(source, 0, source.length);
    }
  }

  /** Writes all databases and hands everything on. Throws what the sink throws. */
  writeDatabases(databases: readonly DatabaseRoots[]): void {
    for (let index = 0; index < databases.length; index++) {
      const { keys } = databases[index];
      if (dict.count(this.#memory, keys) === 0) continue;
      this.#writeHead("SELECT", 1);
      this.#writeTextArgument(String(index));
      new EntryBatch(this.#memory, this.#writeEntry).forEach(keys);
    }
    this.#output.flush();
  }

  readonly #writeEntry = (entry: Ref): void => {
    const memory = this.#memory;
    dictEntry.readKey(memory, entry, this.#key);
    this.#writeValue(entry);
    const expiryMs = value.expiryOf(memory, entry);
    if (expiryMs !== value.NO_EXPIRY) {
      this.#writeHead("PEXPIREAT", 2);
      this.#writeSlice(this.#key);
      this.#writeTextArgument(String(expiryMs));
    }
    this.#keyCount++;
    if (this.#keyCount % PROGRESS_KEYS === 0) this.#progress(this.#keyCount);
  };

  #writeValue(entry: Ref): void {
    const memory = this.#memory;
    const type = value.typeOf(memory, entry);
    if (type === value.TYPE_STRING) {
      this.#writeString(entry);
      return;
    }
    const encoding = value.encodingOf(memory, entry);
    const ref = value.valueRef(memory, entry);
    switch (type) {
      case value.TYPE_LIST:
        this.#begin("RPUSH", 1, listValue.length(memory, ref));
        listValue.emitAll(memory, ref, this.#elementSink);
        return;
      case value.TYPE_SET:
        this.#begin("SADD", 1, setValue.count(memory, encoding, ref));
        setValue.forEach(memory, encoding, ref, this.#writeMember);
        return;
      case value.TYPE_SORTED_SET:
        this.#begin("ZADD", 2, sortedSetValue.count(memory, encoding, ref));
        sortedSetValue.forEach(memory, encoding, ref, this.#writeScored);
        return;
      case value.TYPE_HASH:
        this.#begin("HMSET", 2, hashValue.count(memory, encoding, ref));
        hashValue.forEach(memory, encoding, ref, this.#writeField);
        if (nextExpiry(memory, encoding, ref) !== value.NO_EXPIRY) {
          hashValue.forEach(memory, encoding, ref, this.#writeFieldExpiry);
        }
        return;
      case value.TYPE_STREAM:
        this.#writeStream(ref);
        return;
    }
    value.noSuchType(type);
  }

  #writeString(entry: Ref): void {
    const memory = this.#memory;
    this.#writeHead("SET", 2);
    this.#writeSlice(this.#key);
    if (value.isEmbedded(memory, entry)) {
      value.readEmbedded(memory, entry, this.#view);
      this.#writeSlice(this.#view);
      return;
    }
    const ref = value.valueRef(memory, entry);
    const length = byteString.byteLength(memory, ref);
    this.#writeMarked("$", length);
    byteString.forEachChunk(memory, ref, 0, length, this.#writePiece);
    this.#writeLineEnd();
  }

  #writeStream(stream: Ref): void {
    const memory = this.#memory;
    const id = new Id128();
    if (streamValue.length(memory, stream) > 0) this.#writeEntries(stream);
    // An entry that goes at once leaves a stream that has none.
    else this.#writeOnKey("XADD", "MAXLEN", "0", "0-1", "x", "y");
    streamValue.readLastId(memory, stream, id);
    const lastId = idText(id);
    streamValue.readMaxDeletedId(memory, stream, id);
    const added = String(streamValue.entriesAdded(memory, stream));
    this.#writeOnKey("XSETID", lastId, "ENTRIESADDED", added, "MAXDELETEDID", idText(id));
    for (const group of streamGroup.groupsIn(memory, stream)) this.#writeGroup(group);
  }

  #writeEntries(stream: Ref): void {
    const cursor = new StreamCursor();
    const content = new Slice();
    cursor.seek(this.#memory, stream, MIN_ID, MAX_ID, false);
    while (cursor.next()) {
      this.#writeHead("XADD", 2 + cursor.pairs * 2);
      this.#writeSlice(this.#key);
      this.#writeTextArgument(idText(cursor.id));
      cursor.beginPairs();
      for (let pairs = cursor.pairs; pairs > 0; pairs--) {
        cursor.readPair(this.#view, content);
        this.#writeSlice(this.#view);
        this.#writeSlice(content);
      }
    }
  }

  #writeGroup(group: Ref): void {
    const memory = this.#memory;
    const name = new Slice();
    const id = new Id128();
    dictEntry.readKey(memory, group, name);
    streamGroup.readLastDelivered(memory, group, id);
    this.#writeHead("XGROUP", 6);
    this.#writeTextArgument("CREATE");
    this.#writeSlice(this.#key);
    this.#writeSlice(name);
    this.#writeTextArgument(idText(id));
    this.#writeTextArgument("ENTRIESREAD");
    this.#writeTextArgument(String(streamGroup.entriesRead(memory, group)));
    for (const consumer of streamGroup.consumersIn(memory, group)) {
      dictEntry.readKey(memory, consumer, this.#view);
      this.#writeHead("XGROUP", 4);
      this.#writeTextArgument("CREATECONSUMER");
      this.#writeSlice(this.#key);
      this.#writeSlice(name);
      this.#writeSlice(this.#view);
      this.#writePending(group, name, consumer);
    }
  }

  /** Claims the entries of a consumer, whose name is in `#view`. */
  #writePending(group: Ref, groupName: Slice, consumer: Ref): void {
    const memory = this.#memory;
    const cursor = new IdTreeCursor();
    const pending = new PendingEntry();
    const id = new Id128();
    const tree = streamGroup.pendingOfConsumer(memory, consumer);
    for (let found = cursor.seekFirst(memory, tree); found; found = cursor.next()) {
      cursor.readId(id);
      streamGroup.findPending(memory, group, id, pending);
      this.#writeHead("XCLAIM", 11);
      this.#writeSlice(this.#key);
      this.#writeSlice(groupName);
      this.#writeSlice(this.#view);
      this.#writeTextArgument("0");
      this.#writeTextArgument(idText(id));
      this.#writeTextArgument("TIME");
      this.#writeTextArgument(claimTimeText(pending));
      this.#writeTextArgument("RETRYCOUNT");
      this.#writeTextArgument(String(pending.count.toBigInt()));
      this.#writeTextArgument("JUSTID");
      this.#writeTextArgument("FORCE");
    }
  }

  /** Writes a command whose first argument is the key. */
  #writeOnKey(command: string, ...texts: string[]): void {
    this.#writeHead(command, 1 + texts.length);
    this.#writeSlice(this.#key);
    for (const text of texts) this.#writeTextArgument(text);
  }

  readonly #elementSink: listValue.ElementSink = {
    bulk: (bytes, start, length) => {
      this.#nextItem();
      this.#writeArgument(bytes, start, length);
    },
  };

  readonly #writePiece = (bytes: Uint8Array, start: number, length: number): void => {
    this.#output.writeRaw(bytes, start, length);
  };

  readonly #writeMember = (member: Slice): void => {
    this.#nextItem();
    this.#writeSlice(member);
  };

  readonly #writeScored = (member: Slice, score: number): void => {
    this.#nextItem();
    this.#writeTextArgument(formatDouble17(score));
    this.#writeSlice(member);
  };

  readonly #writeField = (field: Slice, bytes: Slice): void => {
    this.#nextItem();
    this.#writeSlice(field);
    this.#writeSlice(bytes);
  };

  readonly #writeFieldExpiry = (field: Slice, _bytes: Slice, expiryMs: number): void => {
    if (expiryMs === value.NO_EXPIRY) return;
    this.#writeHead("HPEXPIREAT", 5);
    this.#writeSlice(this.#key);
    this.#writeTextArgument(String(expiryMs));
    this.#writeTextArgument("FIELDS");
    this.#writeTextArgument("1");
    this.#writeSlice(field);
  };

  #begin(command: string, width: number, itemCount: number): void {
    this.#command = command;
    this.#width = width;
    this.#itemsLeft = itemCount;
    this.#itemsInCommand = 0;
  }

  /** Begins another command if the present one has all the items it may have. */
  #nextItem(): void {
    if (this.#itemsInCommand === 0) {
      this.#itemsInCommand = Math.min(this.#itemsLeft, ITEMS_PER_COMMAND);
      this.#writeHead(this.#command, 1 + this.#itemsInCommand * this.#width);
      this.#writeSlice(this.#key);
    }
    this.#itemsInCommand--;
    this.#itemsLeft--;
  }

  #writeHead(command: string, argumentCount: number): void {
    this.#writeMarked("*", argumentCount + 1);
    this.#writeTextArgument(command);
  }

  #writeTextArgument(text: string): void {
    this.#writeMarked("$", text.length);
    this.#writeText(text);
    this.#writeLineEnd();
  }

  #writeSlice({ bytes, start, length }: Slice): void {
    this.#writeArgument(bytes, start, length);
  }

  #writeArgument(bytes: Uint8Array, start: number, length: number): void {
    this.#writeMarked("$", length);
    this.#output.writeRaw(bytes, start, length);
    this.#writeLineEnd();
  }

  #writeMarked(mark: "*" | "$", count: number): void {
    this.#output.writeByte(mark.charCodeAt(0));
    this.#writeText(String(count));
    this.#writeLineEnd();
  }

  #writeText(text: string): void {
    for (let index = 0; index < text.length; index++) {
      this.#output.writeByte(text.charCodeAt(index));
    }
  }

  #writeLineEnd(): void {
    this.#output.writeByte(CARRIAGE_RETURN);
    this.#output.writeByte(LINE_FEED);
  }
}
