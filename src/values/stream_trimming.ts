/**
 * Trimming a stream entry by entry, for entries that groups still need may stay. (Without regard to
 * groups whole nodes go: `trim` of stream_value.ts.)
 */
import { scratch } from "../base/scratch.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import { Id128 } from "../structures/id128.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import { StreamNodeReader } from "./stream_node_reader.ts";
import { indexOf, length, type StreamTrim } from "./stream_value.ts";

const nodes = scratch(new IdTreeCursor());
const reader = scratch(new StreamNodeReader());
const master = new Id128();

/**
 * The ids of the entries that a trim removes, in their order, if those that `mayGo` refuses stay.
 * An approximate one looks at nodes only that would go as a whole, as Redis does since 8.4.1
 * (before, it removed nothing).
 */
export function idsToTrim(
  memory: Memory,
  stream: Ref,
  how: StreamTrim,
  mayGo: (id: Id128) => boolean,
): Id128[] {
  const { lengthMax, minId, limit, isApproximate } = how;
  const byLength = lengthMax >= 0;
  const ids: Id128[] = [];
  let left = length(memory, stream);
  let hasNode = nodes.seekFirst(memory, indexOf(memory, stream));
  for (; hasNode; hasNode = nodes.next()) {
    nodes.readId(master);
    reader.open(memory, nodes.payload(0), master);
    const { count } = reader;
    if (limit !== 0 && ids.length + count > limit) break;
    const isWhole = byLength ? left - count >= lengthMax : reader.isBelow(minId);
    if (isApproximate && !isWhole) break;
    while (reader.next()) {
      if (byLength ? left <= lengthMax : reader.id.compare(minId) >= 0) return ids;
      if (reader.isDeleted || !mayGo(reader.id)) continue;
      ids.push(reader.id.clone());
      left--;
    }
  }
  return ids;
}
