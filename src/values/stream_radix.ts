/**
 * Stream radix: how many nodes the radix tree would have in which Redis keeps the index of a
 * stream, for XINFO STREAM tells that number. Nothing is kept in such a tree here.
 *
 * Keys are ids as 16 bytes. A run of bytes without a branch is one node, a branch is one, and so is
 * the end of a key. So the ids that are neighbours, and how many bytes they have in common, tell
 * it all.
 */
import type { Memory, Ref } from "../memory/memory.ts";
import { Id128 } from "../structures/id128.ts";
import { ID_RAW_BYTES } from "./stream_id.ts";
import * as streamValue from "./stream_value.ts";

/** Above every branch: the depth of what is no branch. */
const NO_BRANCH = -1;

/** Number of radix tree nodes for the index of a stream. O(nodes of the stream). */
export function radixNodeCount(memory: Memory, stream: Ref): number {
  const previous = new Id128();
  // Depths of the branches that the last key came through, from the root down.
  const branches: number[] = [];
  let count = 0;
  let keys = 0;
  let before = NO_BRANCH;
  const close = (depth: number): void => {
    while (branches.length > 0 && branches[branches.length - 1] > depth) {
      const branch = branches.pop()!;
      const parent = Math.max(branches.at(-1) ?? NO_BRANCH, depth);
      count += nodesBelow(parent, branch);
    }
  };
  streamValue.forEachNode(memory, stream, (id) => {
    if (keys++ > 0) {
      const depth = commonBytes(previous, id);
      close(depth);
      if (branches.at(-1) !== depth) branches.push(depth);
      count += nodesBelow(Math.max(before, depth), ID_RAW_BYTES);
      before = depth;
    }
    previous.copyFrom(id);
  });
  // The root of an empty tree is a node, too.
  if (keys === 0) return 1;
  close(NO_BRANCH);
  return count + nodesBelow(before, ID_RAW_BYTES);
}

/** A branch or end at `depth` below the branch at `parent`: itself, and a run of bytes between. */
function nodesBelow(parent: number, depth: number): number {
  return depth > parent + 1 ? 2 : 1;
}

/** How many bytes two different ids begin with in common. */
function commonBytes(a: Id128, b: Id128): number {
  if (a.w0 !== b.w0) return Math.clz32(a.w0 ^ b.w0) >>> 3;
  if (a.w1 !== b.w1) return 4 + (Math.clz32(a.w1 ^ b.w1) >>> 3);
  if (a.w2 !== b.w2) return 8 + (Math.clz32(a.w2 ^ b.w2) >>> 3);
  return 12 + (Math.clz32(a.w3 ^ b.w3) >>> 3);
}
