/**
 * Value relocation: moves the blocks of a key's value, of any type, out of slabs that are to be
 * emptied (`Arena.relocate`), and patches the refs to them.
 *
 * Small values are moved at once. A large one is walked: `ValueWalk` does a small piece per step (a
 * bucket or two of a dict, a leaf of a score tree, a few nodes of a list or a stream), and commands
 * may run between steps. It keeps no ref meanwhile but the bookmark of quicklist_nodes.ts: its
 * place in a dict is a SCAN cursor, that in a score tree a rank, that in a stream an id. So
 * whatever happens to the value, a step does nothing wrong; it may only miss blocks that changed
 * their place meanwhile.
 */
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import * as byteString from "../structures/byte_string.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as quicklistNodes from "../structures/quicklist_nodes.ts";
import { relocateLeaf } from "../structures/score_tree_relocation.ts";
import * as dictAndTree from "./dict_and_tree.ts";
import * as expiringFields from "./expiring_fields.ts";
import * as fieldEntry from "./field_entry.ts";
import * as sortedSetLarge from "./sorted_set_large.ts";
import { StreamWalk } from "./stream_relocation.ts";
import {
  ENCODING_HASHTABLE,
  ENCODING_HASHTABLE_EX,
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  ENCODING_LISTPACK_EX,
  ENCODING_SKIPLIST,
  ENCODING_STREAM,
  encodingOf,
  isEmbedded,
  setValueRef,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_STRING,
  typeOf,
  valueRef,
} from "./value.ts";

/** Nodes of a list per step: up to 64 KiB to copy, as nodes are configured by default. */
const NODES_PER_STEP = 8;

const IN_ROOT = 0;
const IN_DICT = 1;
const IN_TREE = 2;
const IN_LIST = 3;
const IN_STREAM = 4;
const DONE = 5;

export class ValueWalk {
  #phase = DONE;
  /** In a dict the cursor, in a score tree the rank. */
  #place = 0;
  #arena: Arena | null = null;
  #root: Ref = 0;
  readonly #streamWalk = new StreamWalk();
  readonly #relocateMember = (entry: Ref): Ref => {
    const arena = this.#arena!;
    dictEntry.relocateKey(arena, entry);
    return arena.relocate(entry);
  };
  readonly #relocateField = (entry: Ref): Ref => fieldEntry.relocate(this.#arena!, entry);
  readonly #relocateExpiring = (entry: Ref): Ref =>
    expiringFields.relocateEntry(this.#arena!, this.#root, entry);
  readonly #relocateScored = (entry: Ref): Ref =>
    sortedSetLarge.relocateEntry(this.#arena!, this.#root, entry);

  /** Begins the walk over the value of whatever entry the next step is given. */
  begin(): void {
    this.#phase = IN_ROOT;
    this.#place = 0;
  }

  /**
   * Does a piece of the walk over the value of `entry`, which may be another entry in each step,
   * but must have the same type and encoding. The entry itself stays. Returns whether there is
   * more.
   */
  step(arena: Arena, entry: Ref): boolean {
    this.#arena = arena;
    switch (this.#phase) {
      case IN_ROOT:
        this.#phase = this.#stepRoot(arena, entry);
        break;
      case IN_DICT:
        this.#stepDict(arena, entry);
        break;
      case IN_TREE: {
        const tree = dictAndTree.treeOf(arena, valueRef(arena, entry));
        this.#place = relocateLeaf(arena, tree, this.#place);
        if (this.#place === -1) this.#phase = DONE;
        break;
      }
      case IN_LIST:
        this.#stepList(arena, valueRef(arena, entry));
        break;
      case IN_STREAM:
        if (!this.#streamWalk.step(arena, valueRef(arena, entry))) this.#phase = DONE;
        break;
    }
    return this.#phase !== DONE;
  }

  /** Moves what hangs at the entry itself; returns the next phase. */
  #stepRoot(arena: Arena, entry: Ref): number {
    if (isEmbedded(arena, entry)) return DONE;
    const ref = valueRef(arena, entry);
    const type = typeOf(arena, entry);
    if (type === TYPE_STRING) {
      setValueRef(arena, entry, byteString.relocate(arena, ref));
      return DONE;
    }
    if (type === TYPE_LIST) {
      const list = quicklistNodes.relocateRoot(arena, ref);
      setValueRef(arena, entry, list);
      quicklistNodes.setBookmark(arena, list, quicklistNodes.firstNode(arena, list));
      return IN_LIST;
    }
    switch (encodingOf(arena, entry)) {
      case ENCODING_LISTPACK:
      case ENCODING_LISTPACK_EX:
      case ENCODING_INTSET:
        setValueRef(arena, entry, arena.relocate(ref));
        return DONE;
      case ENCODING_HASHTABLE:
        setValueRef(arena, entry, dict.relocateTable(arena, ref));
        return IN_DICT;
      case ENCODING_SKIPLIST:
      case ENCODING_HASHTABLE_EX:
        setValueRef(arena, entry, dictAndTree.relocateRoot(arena, ref));
        return IN_DICT;
      case ENCODING_STREAM:
        setValueRef(arena, entry, this.#streamWalk.begin(arena, ref));
        return IN_STREAM;
    }
    return DONE;
  }

  #stepDict(arena: Arena, entry: Ref): void {
    const isHash = typeOf(arena, entry) === TYPE_HASH;
    let members = valueRef(arena, entry);
    let relocate = isHash ? this.#relocateField : this.#relocateMember;
    const hasTree = encodingOf(arena, entry) !== ENCODING_HASHTABLE;
    if (hasTree) {
      this.#root = members;
      members = dictAndTree.dictOf(arena, this.#root);
      relocate = isHash ? this.#relocateExpiring : this.#relocateScored;
    }
    this.#place = dict.relocateBuckets(arena, members, this.#place, relocate);
    if (this.#place === 0) this.#phase = hasTree ? IN_TREE : DONE;
  }

  #stepList(arena: Arena, list: Ref): void {
    let node = quicklistNodes.bookmarkIn(arena, list);
    for (let nodes = 0; node !== 0 && nodes < NODES_PER_STEP; nodes++) {
      node = quicklistNodes.nextNode(arena, quicklistNodes.relocateNode(arena, list, node));
    }
    quicklistNodes.setBookmark(arena, list, node);
    if (node === 0) this.#phase = DONE;
  }
}
