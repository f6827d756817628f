/**
 * RDB stream writer: a stream with its groups, as the stream types of rdb_format.ts draw it. Nodes
 * are copied as they stand in memory, for they are the format, packed or not.
 *
 * Reads through `Memory`, so it runs in the child as on the main thread.
 */
import { Slice } from "../base/bytes.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { Id128 } from "../structures/id128.ts";
import type { Int64 } from "../structures/int64_words.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import * as idTree from "../structures/id_tree.ts";
import * as streamGroup from "../values/stream_group.ts";
import { PendingEntry } from "../values/stream_group.ts";
import { ID_RAW_BYTES, storeRawId } from "../values/stream_id.ts";
import * as streamNode from "../values/stream_node.ts";
import { listpackBytes, lzfSlice } from "../values/stream_node_packing.ts";
import * as streamValue from "../values/stream_value.ts";
import * as format from "./rdb_format.ts";
import type { RdbOutput } from "./rdb_output.ts";

/** The type of streams in a file of a version. */
export function streamTypeFor(version: format.RdbVersion): number {
  if (version === 9) return format.RDB_STREAM_LISTPACKS;
  return version === 10 ? format.RDB_STREAM_LISTPACKS_2 : format.RDB_STREAM_LISTPACKS_3;
}

export class RdbStreamWriter {
  readonly #memory: Memory;
  readonly #output: RdbOutput;
  readonly #type: number;
  readonly #id = new Id128();
  readonly #rawId = new Uint8Array(ID_RAW_BYTES);
  readonly #view = new Slice();
  readonly #pending = new PendingEntry();

  constructor(memory: Memory, output: RdbOutput, version: format.RdbVersion) {
    this.#memory = memory;
    this.#output = output;
    this.#type = streamTypeFor(version);
  }

  write(stream: Ref): void {
    const memory = this.#memory;
    const output = this.#output;
    const id = this.#id;
    output.writeLength(streamValue.nodeCount(memory, stream));
    streamValue.forEachNode(memory, stream, this.#writeNode);
    output.writeLength(streamValue.length(memory, stream));
    streamValue.readLastId(memory, stream, id);
    this.#writeId(id);
    if (this.#type !== format.RDB_STREAM_LISTPACKS) {
      streamValue.readFirstId(memory, stream, id);
      this.#writeId(id);
      streamValue.readMaxDeletedId(memory, stream, id);
      this.#writeId(id);
      this.#writeBigLength(streamValue.entriesAdded(memory, stream));
    }
    output.writeLength(streamGroup.groupCount(memory, stream));
    for (const group of streamGroup.groupsIn(memory, stream)) this.#writeGroup(group);
  }

  readonly #writeNode = (id: Id128, node: number): void => {
    storeRawId(id, this.#rawId, 0);
    this.#output.writeString(this.#rawId, 0, ID_RAW_BYTES);
    if (this.#output.compresses && streamNode.isPacked(this.#memory, node)) {
      if (this.#tryPacked(node)) return;
    }
    streamNode.rawSlice(this.#memory, node, this.#view);
    this.#writeSlice(this.#view);
  };

  /** Writes a packed node as it stands, if it would be compressed to that. */
  #tryPacked(node: Ref): boolean {
    const view = this.#view;
    if (!lzfSlice(this.#memory, node, view)) return false;
    const length = listpackBytes(this.#memory, node);
    this.#output.writeCompressed(view.bytes, view.start, view.length, length);
    return true;
  }

  #writeGroup(group: Ref): void {
    const memory = this.#memory;
    dictEntry.readKey(memory, group, this.#view);
    this.#writeSlice(this.#view);
    streamGroup.readLastDelivered(memory, group, this.#id);
    this.#writeId(this.#id);
    if (this.#type !== format.RDB_STREAM_LISTPACKS) {
      this.#writeBigLength(BigInt.asUintN(64, streamGroup.entriesRead(memory, group)));
    }
    this.#writePending(streamGroup.pendingOf(memory, group), true);
    this.#output.writeLength(streamGroup.consumerCount(memory, group));
    for (const consumer of streamGroup.consumersIn(memory, group)) this.#writeConsumer(consumer);
  }

  #writeConsumer(consumer: Ref): void {
    const memory = this.#memory;
    dictEntry.readKey(memory, consumer, this.#view);
    this.#writeSlice(this.#view);
    this.#output.writeMilliseconds(streamGroup.seenMs(memory, consumer));
    if (this.#type === format.RDB_STREAM_LISTPACKS_3) {
      this.#output.writeMilliseconds(streamGroup.activeMs(memory, consumer));
    }
    this.#writePending(streamGroup.pendingOfConsumer(memory, consumer), false);
  }

  /** Writes the ids of a tree; of that of a group also what is known of each. */
  #writePending(tree: Ref, withDeliveries: boolean): void {
    const memory = this.#memory;
    const output = this.#output;
    const id = this.#id;
    const cursor = new IdTreeCursor();
    output.writeLength(idTree.count(memory, tree));
    for (let found = cursor.seekFirst(memory, tree); found; found = cursor.next()) {
      cursor.readId(id);
      storeRawId(id, this.#rawId, 0);
      output.writeRaw(this.#rawId, 0, ID_RAW_BYTES);
      if (!withDeliveries) continue;
      streamGroup.readPendingAt(cursor, this.#pending);
      output.writeMilliseconds(this.#pending.timeMs);
      const { high, low }: Int64 = this.#pending.count;
      output.writeLength64(high, low);
    }
  }

  #writeId(id: Id128): void {
    this.#output.writeLength64(id.w0, id.w1);
    this.#output.writeLength64(id.w2, id.w3);
  }

  #writeBigLength(value: bigint): void {
    this.#output.writeLength64(
      Number(BigInt.asIntN(32, value >> 32n)),
      Number(BigInt.asIntN(32, value)),
    );
  }

  #writeSlice({ bytes, start, length }: Slice): void {
    this.#output.writeString(bytes, start, length);
  }
}
