/**
 * RDB stream reader: fills an empty stream from a file or a DUMP payload, in any of the five forms
 * that rdb_format.ts draws. Nothing is believed: every node is walked through, and each pending
 * entry must be its group's and one consumer's. (Redis looks at most of this only with
 * sanitize-dump-payload.) If it is to be strict, ids must ascend and the stated length must be
 * right; else the length is corrected, for a server that has lost count must be able to start.
 *
 * Two things of newer servers have no place here. Pending entries that no consumer has become those
 * of a consumer without a name, which is what such servers show as their owner. What is known of
 * producers, so that what they send again is not added again, is read, counted and left out.
 */
import { copyBytes, grownCapacity, Slice } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import { Id128 } from "../structures/id128.ts";
import * as idTree from "../structures/id_tree.ts";
import { Int64 } from "../structures/int64_words.ts";
import { StreamFiller } from "../values/stream_filler.ts";
import * as streamGroup from "../values/stream_group.ts";
import { PendingEntry } from "../values/stream_group.ts";
import { ID_RAW_BYTES, loadRawId } from "../values/stream_id.ts";
import { estimateEntriesRead } from "../values/stream_progress.ts";
import * as streamNode from "../values/stream_node.ts";
import { NodeCheck } from "../values/stream_node_check.ts";
import { fromLzf } from "../values/stream_node_packing.ts";
import { KEPT_NODES } from "../values/stream_packing.ts";
import * as streamValue from "../values/stream_value.ts";
import * as format from "./rdb_format.ts";
import type { RdbInput } from "./rdb_input.ts";

/** Bytes that a node, a group, a consumer and a pending entry take at least. */
const NODE_BYTES_MIN = 18;
const GROUP_BYTES_MIN = 5;
const CONSUMER_BYTES_MIN = 10;
const PENDING_BYTES_MIN = ID_RAW_BYTES;
/** Bytes that a producer and an id of its take at least. */
const PRODUCER_BYTES_MIN = 2;
const PRODUCER_ID_BYTES_MIN = 3;
const NO_NAME = new Uint8Array(0);

export class RdbStreamReader {
  /** Ids of producers that were read and left out. */
  producerIdCount = 0;
  readonly #input: RdbInput;
  readonly #arena: Arena;
  readonly #isStrict: boolean;
  readonly #view = new Slice();
  /** The LZF of the node at hand, if it was compressed. */
  readonly #lzf = new Slice();
  readonly #check = new NodeCheck();
  readonly #id = new Id128();
  readonly #lastId = new Id128();
  readonly #pending = new PendingEntry();
  readonly #half = new Int64();
  /** The name of a group or a consumer. */
  #name = new Uint8Array(64);

  constructor(input: RdbInput, arena: Arena, isStrict: boolean) {
    this.#isStrict = isStrict;
    this.#input = input;
    this.#arena = arena;
  }

  /** Fills an empty stream. Throws RdbFormatError; the caller frees what is in the stream then. */
  fill(type: number, stream: Ref): void {
    const arena = this.#arena;
    const isFirstForm = type === format.RDB_STREAM_LISTPACKS;
    const entries = this.#readNodes(stream);
    const stated = this.#input.readPlainLength();
    if (stated !== entries && this.#isStrict) {
      this.#input.fail(`a stream of ${entries} entries says that it has ${stated}`);
    }
    streamValue.setLength(arena, stream, entries);
    this.#readId();
    streamValue.setLastId(arena, stream, this.#id);
    if (isFirstForm) {
      streamValue.setEntriesAdded(arena, stream, BigInt(entries));
      streamValue.refreshFirstId(arena, stream);
    } else {
      this.#readId();
      streamValue.setFirstId(arena, stream, this.#id);
      this.#readId();
      streamValue.setMaxDeletedId(arena, stream, this.#id);
      streamValue.setEntriesAdded(arena, stream, BigInt.asUintN(64, this.#readBig()));
    }
    for (let left = this.#input.readCount(GROUP_BYTES_MIN); left > 0; left--) {
      this.#readGroup(type, stream);
    }
    if (type >= format.RDB_STREAM_LISTPACKS_4) this.#passOverProducers();
  }

  /** Reads what is known of producers, which is of no use here. */
  #passOverProducers(): void {
    const input = this.#input;
    const half = this.#half;
    for (let limit = 0; limit < 2; limit++) input.readLength64(half);
    for (let left = input.readCount(PRODUCER_BYTES_MIN); left > 0; left--) {
      input.readString(this.#view);
      for (let ids = input.readCount(PRODUCER_ID_BYTES_MIN); ids > 0; ids--) {
        input.readString(this.#view);
        this.#readId();
        this.producerIdCount++;
      }
    }
    for (let counter = 0; counter < 2; counter++) input.readLength64(half);
  }

  /** Reads the nodes; returns how many entries live in them. */
  #readNodes(stream: Ref): number {
    const input = this.#input;
    const arena = this.#arena;
    const view = this.#view;
    const filler = new StreamFiller(arena, stream);
    let entries = 0;
    for (let left = input.readCount(NODE_BYTES_MIN); left > 0; left--) {
      input.readString(view);
      if (view.length !== ID_RAW_BYTES) input.fail("a node of a stream stands under no id");
      loadRawId(view.bytes, view.start, this.#id);
      input.readStringAndLzf(view, this.#lzf);
      const isSound = this.#check.check(view.bytes, view.start, view.length, this.#id);
      if (!isSound) input.fail("damaged node of a stream");
      if (this.#isStrict && !this.#isBehind(entries === 0)) {
        input.fail("entries of a stream are out of order");
      }
      const node = this.#makeNode(left > KEPT_NODES);
      if (!filler.add(this.#id, node)) {
        streamNode.free(arena, node);
        input.fail("a node of a stream comes twice");
      }
      if (this.#check.count > 0) this.#lastId.copyFrom(this.#check.lastId);
      entries += this.#check.count;
    }
    return entries;
  }

  /** Makes the node that was just checked; if it may be packed, of the LZF that it came as. */
  #makeNode(mayBePacked: boolean): number {
    const arena = this.#arena;
    const { bytes, start, length } = this.#view;
    const packed = mayBePacked && this.#lzf.length > 0
      ? fromLzf(arena, this.#lzf, length, this.#check.count)
      : 0;
    return packed !== 0 ? packed : streamNode.fromBytes(arena, bytes, start, length);
  }

  /** Whether the entries of the node just checked ascend, behind those of the nodes before. */
  #isBehind(isFirst: boolean): boolean {
    const { count, isOrdered, firstId } = this.#check;
    return isOrdered && (count === 0 || isFirst || firstId.compare(this.#lastId) > 0);
  }

  #readGroup(type: number, stream: Ref): void {
    const input = this.#input;
    const arena = this.#arena;
    const nameBytes = this.#readName();
    this.#readId();
    const entriesRead = type === format.RDB_STREAM_LISTPACKS
      ? estimateEntriesRead(arena, stream, this.#id)
      : this.#readBig();
    const group = streamGroup.createGroup(
      arena,
      stream,
      this.#name,
      0,
      nameBytes,
      this.#id,
      entriesRead,
    );
    if (group === 0) input.fail("a stream has a group twice");
    const pending = streamGroup.pendingOf(arena, group);
    for (let left = input.readCount(PENDING_BYTES_MIN); left > 0; left--) {
      this.#readRawId();
      if (idTree.find(arena, pending, this.#id)) input.fail("a pending entry comes twice");
      input.readFullInt64(this.#half);
      this.#pending.timeMs = this.#half.high * 4294967296 + (this.#half.low >>> 0);
      input.readLength64(this.#pending.count);
      this.#pending.consumer = 0;
      streamGroup.setPending(arena, group, this.#id, this.#pending);
    }
    this.#readConsumers(type, group);
  }

  #readConsumers(type: number, group: Ref): void {
    const input = this.#input;
    const arena = this.#arena;
    let owned = 0;
    for (let left = input.readCount(CONSUMER_BYTES_MIN); left > 0; left--) {
      const nameBytes = this.#readName();
      const seenMs = input.readInt64();
      const consumer = streamGroup.createConsumer(arena, group, this.#name, 0, nameBytes, seenMs);
      if (consumer === 0) input.fail("a group has a consumer twice");
      const activeMs = type >= format.RDB_STREAM_LISTPACKS_3 ? input.readInt64() : seenMs;
      streamGroup.setActiveMs(arena, consumer, activeMs);
      owned += this.#readOwned(group, consumer, input.readCount(PENDING_BYTES_MIN));
    }
    if (type >= format.RDB_STREAM_LISTPACKS_5) {
      const count = input.readCount(PENDING_BYTES_MIN);
      if (count > 0) owned += this.#readOwned(group, this.#nameless(group), count);
    }
    // Each was found to be the group's, and to have no other consumer.
    if (owned !== streamGroup.pendingCount(arena, group)) {
      input.fail("a pending entry has no consumer");
    }
  }

  /** Reads a string to `#name`; returns the number of its bytes. */
  #readName(): number {
    const view = this.#view;
    this.#input.readString(view);
    const { bytes, start, length } = view;
    if (this.#name.length < length) {
      this.#name = new Uint8Array(grownCapacity(this.#name.length, length));
    }
    copyBytes(bytes, start, this.#name, 0, length);
    return length;
  }

  /** Reads the ids of pending entries, which become those of a consumer; returns how many. */
  #readOwned(group: Ref, consumer: Ref, count: number): number {
    const input = this.#input;
    const arena = this.#arena;
    for (let left = count; left > 0; left--) {
      this.#readRawId();
      const isKnown = streamGroup.findPending(arena, group, this.#id, this.#pending);
      if (!isKnown) input.fail("a consumer's pending entry is not its group's");
      if (this.#pending.consumer !== 0) input.fail("a pending entry has two consumers");
      this.#pending.consumer = consumer;
      streamGroup.setPending(arena, group, this.#id, this.#pending);
    }
    return count;
  }

  /** The consumer without a name. */
  #nameless(group: Ref): Ref {
    const found = streamGroup.findConsumer(this.#arena, group, NO_NAME, 0, 0);
    if (found !== 0) return found;
    return streamGroup.createConsumer(this.#arena, group, NO_NAME, 0, 0, clock.nowMs());
  }

  #readRawId(): void {
    this.#input.readRaw(ID_RAW_BYTES, this.#view);
    loadRawId(this.#view.bytes, this.#view.start, this.#id);
  }

  #readId(): void {
    const half = this.#half;
    this.#input.readLength64(half);
    const { high, low } = half;
    this.#input.readLength64(half);
    this.#id.set(high, low, half.high, half.low);
  }

  /** A length as a signed 64-bit integer. */
  #readBig(): bigint {
    this.#input.readLength64(this.#half);
    return this.#half.toBigInt();
  }
}
