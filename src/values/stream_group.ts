/**
 * Stream groups: who reads a stream together, and which entries were given to whom and are not
 * acknowledged yet (Redis: the PEL, pending entries list).
 *
 *   word   entry of a group, a dict entry whose key is the name, in the name tree of the stream
 *   0      header (dict_entry.ts)
 *   1      state
 *   2…     the name
 *
 *   word   state of a group (40 bytes)
 *   0…3    id of the last entry that was delivered
 *   4, 5   entries read, a signed 64-bit integer, the low word first; -1 = not known
 *   6      pending entries: an id tree with a payload of
 *            0, 1   time of the last delivery, signed 64 bits, in ms since 1970
 *            2, 3   number of deliveries, unsigned 64 bits
 *            4      the consumer
 *   7      consumers, a name tree
 *   8, 9   no pending entry was delivered before this time: ms since 1970, a double
 *
 *   word   entry of a consumer, a dict entry whose key is the name
 *   0      header
 *   1, 2   when it was last seen, signed 64 bits, in ms since 1970
 *   3, 4   when it last got an entry, likewise; -1 = never
 *   5      its pending entries: an id tree without payload, whose ids are in the group's, too
 *   6      the former entry while it is moved (stream_group_relocation.ts), else 0
 *   7…     the name
 *
 * Groups and consumers are known by the refs of their entries, which are good as long as no
 * command ends: defragmentation moves them.
 */
import { scratch } from "../base/scratch.ts";
import { assert } from "../base/assert.ts";
import { Slice } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import {
  type Memory,
  type Ref,
  SEGMENT_SHIFT,
  storeDouble,
  wordOffsetOf,
} from "../memory/memory.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { Id128 } from "../structures/id128.ts";
import * as idTree from "../structures/id_tree.ts";
import { IdTreeCursor } from "../structures/id_tree.ts";
import { Int64 } from "../structures/int64_words.ts";
import * as nameTree from "../structures/name_tree.ts";
import * as streamValue from "./stream_value.ts";

export const GROUP_STATE = 1;
const GROUP_KEY_OFFSET = 2;

const STATE_LAST_ID = 0;
const STATE_ENTRIES_READ = 4;
export const STATE_PENDING = 6;
export const STATE_CONSUMERS = 7;
const STATE_EARLIEST = 8;
const STATE_BYTES = 40;

const CONSUMER_SEEN = 1;
const CONSUMER_ACTIVE = 3;
export const CONSUMER_PENDING = 5;
export const CONSUMER_FORMER = 6;
const CONSUMER_KEY_OFFSET = 7;

const PENDING_TIME = 0;
const PENDING_COUNT = 2;
export const PENDING_CONSUMER = 4;
const PENDING_PAYLOAD_WORDS = 5;

/** `entriesRead` where it is not known. */
export const UNKNOWN_ENTRIES_READ = -1n;
/** `activeMs` of a consumer that never got an entry. */
export const NEVER_ACTIVE = -1;

const integer = new Int64();
const name = scratch(new Slice());
const pendingCursor = scratch(new IdTreeCursor());
const pendingId = new Id128();

// ------------------------------------------------------------------------------------------ groups

/** The group of this name, or 0. */
export function findGroup(
  memory: Memory,
  stream: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  const groups = streamValue.groupsOf(memory, stream);
  return groups === 0 ? 0 : nameTree.find(memory, groups, bytes, start, length);
}

/** A new group. Returns 0, having done nothing, if there is one of this name. */
export function createGroup(
  arena: Arena,
  stream: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  lastId: Id128,
  entriesRead: bigint,
): Ref {
  let groups = streamValue.groupsOf(arena, stream);
  if (groups !== 0 && nameTree.find(arena, groups, bytes, start, length) !== 0) return 0;
  const pending = idTree.create(arena, PENDING_PAYLOAD_WORDS);
  const consumers = nameTree.create(arena);
  const group = addGroup(arena, bytes, start, length, pending, consumers);
  if (groups === 0) {
    groups = nameTree.create(arena);
    streamValue.setGroups(arena, stream, groups);
  }
  nameTree.insert(arena, groups, group);
  setLastDelivered(arena, group, lastId);
  setEntriesRead(arena, group, entriesRead);
  return group;
}

/** The entry of a group that is in no tree yet; its last id and entries read are to be set. */
function addGroup(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  length: number,
  pending: Ref,
  consumers: Ref,
): Ref {
  const state = arena.allocate(STATE_BYTES);
  const stateWords = arena.words[state >>> SEGMENT_SHIFT];
  stateWords[wordOffsetOf(state) + STATE_PENDING] = pending;
  stateWords[wordOffsetOf(state) + STATE_CONSUMERS] = consumers;
  storeDouble(stateWords, wordOffsetOf(state) + STATE_EARLIEST, Infinity);
  const group = createNamed(arena, GROUP_KEY_OFFSET, bytes, start, length);
  setWord(arena, group, GROUP_STATE, state);
  return group;
}

function createNamed(
  arena: Arena,
  keyOffset: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  const entry = arena.allocate((keyOffset << 2) + dictEntry.inlineBytes(length));
  const words = arena.words[entry >>> SEGMENT_SHIFT];
  words[wordOffsetOf(entry)] = dictEntry.header(length, keyOffset, 0);
  dictEntry.storeKey(arena, entry, bytes, start, length);
  return entry;
}

/** All groups of a stream, in the order of their names. */
export function groupsIn(memory: Memory, stream: Ref): Ref[] {
  const groups = streamValue.groupsOf(memory, stream);
  return groups === 0 ? [] : nameTree.entries(memory, groups);
}

/** Number of groups. */
export function groupCount(memory: Memory, stream: Ref): number {
  const groups = streamValue.groupsOf(memory, stream);
  return groups === 0 ? 0 : nameTree.count(memory, groups);
}

/**
 * Takes a group out of a stream and makes it the only one of an empty stream, which is returned:
 * whoever gives back the memory of streams can then give back that of the group.
 */
export function detachGroup(arena: Arena, stream: Ref, group: Ref): Ref {
  const groups = streamValue.groupsOf(arena, stream);
  nameTree.remove(arena, groups, group);
  if (nameTree.count(arena, groups) === 0) {
    nameTree.free(arena, groups);
    streamValue.setGroups(arena, stream, 0);
  }
  const shell = streamValue.create(arena);
  const shellGroups = nameTree.create(arena);
  nameTree.insert(arena, shellGroups, group);
  streamValue.setGroups(arena, shell, shellGroups);
  return shell;
}

export function readLastDelivered(memory: Memory, group: Ref, out: Id128): void {
  const state = stateOf(memory, group);
  out.load(memory.words[state >>> SEGMENT_SHIFT], wordOffsetOf(state) + STATE_LAST_ID);
}

export function setLastDelivered(arena: Arena, group: Ref, id: Id128): void {
  const state = stateOf(arena, group);
  arena.willWrite(state);
  id.store(arena.words[state >>> SEGMENT_SHIFT], wordOffsetOf(state) + STATE_LAST_ID);
}

/** How many entries of the stream the group has read, as far as that is known; else -1. */
export function entriesRead(memory: Memory, group: Ref): bigint {
  loadInt64(memory, stateOf(memory, group), STATE_ENTRIES_READ, integer);
  return integer.toBigInt();
}

export function setEntriesRead(arena: Arena, group: Ref, read: bigint): void {
  integer.set(Number(BigInt.asIntN(32, read >> 32n)), Number(BigInt.asIntN(32, read)));
  storeInt64(arena, stateOf(arena, group), STATE_ENTRIES_READ, integer);
}

/** Adds one to the entries read if their number is known; returns whether it is. */
export function countEntryRead(arena: Arena, group: Ref): boolean {
  const state = stateOf(arena, group);
  loadInt64(arena, state, STATE_ENTRIES_READ, integer);
  if ((integer.low & integer.high) === -1) return false;
  increment(integer);
  storeInt64(arena, state, STATE_ENTRIES_READ, integer);
  return true;
}

/** The id tree of the group's pending entries. */
export function pendingOf(memory: Memory, group: Ref): Ref {
  return memory.word(stateOf(memory, group), STATE_PENDING);
}

/** Number of entries that are delivered and not acknowledged. */
export function pendingCount(memory: Memory, group: Ref): number {
  return idTree.count(memory, pendingOf(memory, group));
}

/** The state of a group, which its entry refers to. */
export function stateOf(memory: Memory, group: Ref): Ref {
  return memory.word(group, GROUP_STATE);
}

// --------------------------------------------------------------------------------------- consumers

/** The consumer of this name, or 0. */
export function findConsumer(
  memory: Memory,
  group: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  return nameTree.find(memory, consumersOf(memory, group), bytes, start, length);
}

/** A new consumer, seen now and never active. Returns 0 if there is one of this name. */
export function createConsumer(
  arena: Arena,
  group: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
  nowMs: number,
): Ref {
  const consumers = consumersOf(arena, group);
  if (nameTree.find(arena, consumers, bytes, start, length) !== 0) return 0;
  const pending = idTree.create(arena, 0);
  const consumer = createNamed(arena, CONSUMER_KEY_OFFSET, bytes, start, length);
  setWord(arena, consumer, CONSUMER_PENDING, pending);
  setWord(arena, consumer, CONSUMER_FORMER, 0);
  setSeenMs(arena, consumer, nowMs);
  setActiveMs(arena, consumer, NEVER_ACTIVE);
  nameTree.insert(arena, consumers, consumer);
  return consumer;
}

/** Removes a consumer with its pending entries; returns how many there were. */
export function removeConsumer(arena: Arena, group: Ref, consumer: Ref): number {
  const pending = pendingOf(arena, group);
  const own = pendingOfConsumer(arena, consumer);
  const count = idTree.count(arena, own);
  const cursor = new IdTreeCursor();
  const id = new Id128();
  for (let found = cursor.seekFirst(arena, own); found; found = cursor.next()) {
    cursor.readId(id);
    if (idTree.find(arena, pending, id)) idTree.removeFound(arena, pending);
  }
  nameTree.remove(arena, consumersOf(arena, group), consumer);
  idTree.removeLast(arena, own, Infinity, null);
  freeConsumer(arena, consumer);
  return count;
}

function freeConsumer(arena: Arena, consumer: Ref): void {
  idTree.freeEmpty(arena, pendingOfConsumer(arena, consumer));
  const former = arena.word(consumer, CONSUMER_FORMER);
  if (former !== 0) arena.free(former);
  freeEntry(arena, consumer);
}

function freeEntry(arena: Arena, entry: Ref): void {
  dictEntry.freeKey(arena, entry);
  arena.free(entry);
}

/** All consumers of a group, in the order of their names. */
export function consumersIn(memory: Memory, group: Ref): Ref[] {
  return nameTree.entries(memory, consumersOf(memory, group));
}

/** Number of consumers. */
export function consumerCount(memory: Memory, group: Ref): number {
  return nameTree.count(memory, consumersOf(memory, group));
}

/** The name tree of a group's consumers. */
export function consumersOf(memory: Memory, group: Ref): Ref {
  return memory.word(stateOf(memory, group), STATE_CONSUMERS);
}

/** The id tree of a consumer's pending entries. */
export function pendingOfConsumer(memory: Memory, consumer: Ref): Ref {
  return memory.word(consumer, CONSUMER_PENDING);
}

/** Number of a consumer's pending entries. */
export function pendingCountOf(memory: Memory, consumer: Ref): number {
  return idTree.count(memory, pendingOfConsumer(memory, consumer));
}

/** When a consumer last asked for entries, in ms since 1970. */
export function seenMs(memory: Memory, consumer: Ref): number {
  return loadNumber(memory, consumer, CONSUMER_SEEN);
}

export function setSeenMs(arena: Arena, consumer: Ref, timeMs: number): void {
  integer.setNumber(timeMs);
  storeInt64(arena, consumer, CONSUMER_SEEN, integer);
}

/** When a consumer last got an entry, in ms since 1970, or NEVER_ACTIVE. */
export function activeMs(memory: Memory, consumer: Ref): number {
  return loadNumber(memory, consumer, CONSUMER_ACTIVE);
}

export function setActiveMs(arena: Arena, consumer: Ref, timeMs: number): void {
  integer.setNumber(timeMs);
  storeInt64(arena, consumer, CONSUMER_ACTIVE, integer);
}

// --------------------------------------------------------------------------------- pending entries

/** What is known of a pending entry. A mutable out-parameter. */
export class PendingEntry {
  consumer: Ref = 0;
  /** Time of the last delivery, in ms since 1970. */
  timeMs = 0;
  /** Number of deliveries. */
  readonly count = new Int64();
}

/** The time of an entry for XCLAIM; one that cannot be (from a damaged file) becomes now. */
export function claimTimeText({ timeMs }: PendingEntry): string {
  return Number.isSafeInteger(timeMs) ? String(timeMs) : "-1";
}

/** Reads the pending entry of an id into `out`; false if there is none. */
export function findPending(memory: Memory, group: Ref, id: Id128, out: PendingEntry): boolean {
  const tree = pendingOf(memory, group);
  if (!pendingCursor.seekNotBelow(memory, tree, id)) return false;
  pendingCursor.readId(pendingId);
  if (pendingId.compare(id) !== 0) return false;
  readPendingAt(pendingCursor, out);
  return true;
}

/** Reads the pending entry at which a cursor is in a group's id tree into `out`. */
export function readPendingAt(cursor: IdTreeCursor, out: PendingEntry): void {
  out.consumer = cursor.payload(PENDING_CONSUMER);
  out.timeMs = pendingTimeAt(cursor);
  out.count.set(cursor.payload(PENDING_COUNT + 1), cursor.payload(PENDING_COUNT));
}

/** The time of the last delivery of the entry at which a cursor is in a group's id tree. */
export function pendingTimeAt(cursor: IdTreeCursor): number {
  integer.set(cursor.payload(PENDING_TIME + 1), cursor.payload(PENDING_TIME));
  return toNumber(integer);
}

/**
 * Makes an entry pending, or changes what is known of one that is; if it was another consumer's, it
 * is that no more.
 */
export function setPending(arena: Arena, group: Ref, id: Id128, entry: PendingEntry): void {
  const pending = pendingOf(arena, group);
  const isNew = idTree.insert(arena, pending, id);
  const before = isNew ? 0 : idTree.payload(arena, PENDING_CONSUMER);
  integer.setNumber(entry.timeMs);
  idTree.setPayload(arena, PENDING_TIME, integer.low);
  idTree.setPayload(arena, PENDING_TIME + 1, integer.high);
  idTree.setPayload(arena, PENDING_COUNT, entry.count.low);
  idTree.setPayload(arena, PENDING_COUNT + 1, entry.count.high);
  idTree.setPayload(arena, PENDING_CONSUMER, entry.consumer);
  if (entry.timeMs < earliestMs(arena, group)) setEarliestMs(arena, group, entry.timeMs);
  if (before === entry.consumer) return;
  if (before !== 0) removeFromConsumer(arena, before, id);
  if (entry.consumer !== 0) idTree.insert(arena, pendingOfConsumer(arena, entry.consumer), id);
}

/** A time before which no pending entry was delivered, in ms since 1970, or Infinity. */
export function earliestMs(memory: Memory, group: Ref): number {
  return memory.double(stateOf(memory, group), STATE_EARLIEST);
}

/** Somebody has looked at all pending entries and says the time of the earliest delivery. */
export function setEarliestMs(arena: Arena, group: Ref, timeMs: number): void {
  const state = stateOf(arena, group);
  arena.willWrite(state);
  storeDouble(arena.words[state >>> SEGMENT_SHIFT], wordOffsetOf(state) + STATE_EARLIEST, timeMs);
}

/** Takes an entry off the pending ones (XACK). Returns whether it was one. */
export function removePending(arena: Arena, group: Ref, id: Id128): boolean {
  const pending = pendingOf(arena, group);
  if (!idTree.find(arena, pending, id)) return false;
  const consumer = idTree.payload(arena, PENDING_CONSUMER);
  idTree.removeFound(arena, pending);
  removeFromConsumer(arena, consumer, id);
  return true;
}

function removeFromConsumer(arena: Arena, consumer: Ref, id: Id128): void {
  const own = pendingOfConsumer(arena, consumer);
  assert(idTree.find(arena, own, id), "a pending entry is not its consumer's");
  idTree.removeFound(arena, own);
}

/** Adds one to a number of deliveries. */
export function increment(count: Int64): void {
  const low = (count.low + 1) | 0;
  count.set(low === 0 ? count.high + 1 : count.high, low);
}

// ------------------------------------------------------------------------------------ whole groups

/** Copies the groups of a stream to a copy of it that has none. */
export function duplicateGroups(arena: Arena, stream: Ref, copy: Ref): void {
  for (const group of groupsIn(arena, stream)) {
    const consumers = nameTree.create(arena);
    const copies = new Map<Ref, Ref>();
    for (const consumer of consumersIn(arena, group)) {
      const own = idTree.duplicate(arena, pendingOfConsumer(arena, consumer), sameWord);
      const consumerCopy = duplicateEntry(arena, consumer, CONSUMER_KEY_OFFSET);
      setWord(arena, consumerCopy, CONSUMER_PENDING, own);
      setWord(arena, consumerCopy, CONSUMER_FORMER, 0);
      nameTree.insert(arena, consumers, consumerCopy);
      copies.set(consumer, consumerCopy);
      copies.set(arena.word(consumer, CONSUMER_FORMER), consumerCopy);
    }
    const pending = idTree.duplicate(
      arena,
      pendingOf(arena, group),
      (index, word) => index === PENDING_CONSUMER ? copies.get(word)! : word,
    );
    const groupCopy = duplicateEntry(arena, group, GROUP_KEY_OFFSET);
    const state = arena.allocate(STATE_BYTES);
    arena.copyBlock(stateOf(arena, group), state, STATE_BYTES);
    setWord(arena, state, STATE_PENDING, pending);
    setWord(arena, state, STATE_CONSUMERS, consumers);
    setWord(arena, groupCopy, GROUP_STATE, state);
    if (streamValue.groupsOf(arena, copy) === 0) {
      streamValue.setGroups(arena, copy, nameTree.create(arena));
    }
    nameTree.insert(arena, streamValue.groupsOf(arena, copy), groupCopy);
  }
}

function sameWord(_index: number, word: number): number {
  return word;
}

/** A copy of an entry whose words, but not those of trees, may be shared. */
function duplicateEntry(arena: Arena, entry: Ref, keyOffset: number): Ref {
  dictEntry.readKey(arena, entry, name);
  const { bytes, start, length } = name;
  const copy = createNamed(arena, keyOffset, bytes, start, length);
  for (let index = 1; index < keyOffset; index++) {
    setWord(arena, copy, index, arena.word(entry, index));
  }
  return copy;
}

/** Roughly how many blocks it takes to free the groups of a stream. */
export function groupBlockCount(memory: Memory, stream: Ref): number {
  let blocks = 0;
  for (const group of groupsIn(memory, stream)) {
    blocks += 4 + 2 * consumerCount(memory, group) + (pendingCount(memory, group) >>> 3);
  }
  return blocks;
}

/** Frees about `limit` blocks of a stream's groups. Returns whether all are freed. */
export function releaseGroups(arena: Arena, stream: Ref, limit: number): boolean {
  const groups = streamValue.groupsOf(arena, stream);
  if (groups === 0) return true;
  for (let left = limit; left > 0; left--) {
    const group = nameTree.entryAt(arena, groups, nameTree.count(arena, groups) - 1);
    if (group === 0) {
      nameTree.free(arena, groups);
      streamValue.setGroups(arena, stream, 0);
      return true;
    }
    left -= releaseGroupStep(arena, groups, group, left);
  }
  return false;
}

/** Frees some blocks of a group, or the group itself; returns how many. */
function releaseGroupStep(arena: Arena, groups: Ref, group: Ref, limit: number): number {
  const pending = pendingOf(arena, group);
  const removed = idTree.removeLast(arena, pending, limit, null);
  if (removed > 0) return removed;
  const consumers = consumersOf(arena, group);
  const consumer = nameTree.entryAt(arena, consumers, nameTree.count(arena, consumers) - 1);
  if (consumer !== 0) {
    const own = idTree.removeLast(arena, pendingOfConsumer(arena, consumer), limit, null);
    if (own > 0) return own;
    nameTree.remove(arena, consumers, consumer);
    freeConsumer(arena, consumer);
    return 2;
  }
  nameTree.remove(arena, groups, group);
  nameTree.free(arena, consumers);
  idTree.freeEmpty(arena, pending);
  arena.free(stateOf(arena, group));
  freeEntry(arena, group);
  return 4;
}

/** Bytes of all blocks of a stream's groups. O(groups and consumers). */
export function groupsMemoryBytes(arena: Arena, stream: Ref): number {
  const groups = streamValue.groupsOf(arena, stream);
  if (groups === 0) return 0;
  let bytes = nameTree.memoryBytes(arena, groups);
  for (const group of groupsIn(arena, stream)) {
    bytes += entryBytes(arena, group) + arena.blockBytes(stateOf(arena, group)) +
      idTree.memoryBytes(arena, pendingOf(arena, group)) +
      nameTree.memoryBytes(arena, consumersOf(arena, group));
    for (const consumer of consumersIn(arena, group)) {
      bytes += entryBytes(arena, consumer) +
        idTree.memoryBytes(arena, pendingOfConsumer(arena, consumer));
      if (arena.word(consumer, CONSUMER_FORMER) !== 0) bytes += arena.blockBytes(consumer);
    }
  }
  return bytes;
}

function entryBytes(arena: Arena, entry: Ref): number {
  return arena.blockBytes(entry) + dictEntry.longKeyBytes(arena, entry);
}

// ------------------------------------------------------------------------------------------- words

/** Stores a word of a block if it is another one. */
export function setWord(arena: Arena, ref: Ref, index: number, word: number): void {
  if (arena.word(ref, index) === word) return;
  arena.willWrite(ref);
  arena.words[ref >>> SEGMENT_SHIFT][wordOffsetOf(ref) + index] = word;
}

function loadInt64(memory: Memory, ref: Ref, index: number, out: Int64): void {
  out.set(memory.word(ref, index + 1), memory.word(ref, index));
}

function storeInt64(arena: Arena, ref: Ref, index: number, value: Int64): void {
  arena.willWrite(ref);
  const words = arena.words[ref >>> SEGMENT_SHIFT];
  const at = wordOffsetOf(ref) + index;
  words[at] = value.low;
  words[at + 1] = value.high;
}

function loadNumber(memory: Memory, ref: Ref, index: number): number {
  loadInt64(memory, ref, index, integer);
  return toNumber(integer);
}

/** The integer as a number, rounded if it is no safe one. */
function toNumber({ high, low }: Int64): number {
  return high * 4294967296 + (low >>> 0);
}
