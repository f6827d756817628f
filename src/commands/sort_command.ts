/**
 * SORT and SORT_RO: the elements of a list, set or sorted set in the order of their own values or
 * of weights found under other keys (BY), or, instead of the elements, values found so (GET).
 *
 * Elements are copied into one array of bytes and stay there: what is sorted is an array of their
 * numbers, so that a million elements make no million objects. ALPHA compares bytes; Redis compares
 * as the locale of its process says, which is the same in the C locale.
 */
import { compareBytes, copyBytes, indexOfByte, indexOfBytes, Slice } from "../base/bytes.ts";
import { parseAsStrtod } from "../base/doubles.ts";
import { ascendingOrder } from "../base/number_order.ts";
import { scratch } from "../base/scratch.ts";
import type { Database } from "../keyspace/database.ts";
import { isFieldExpired } from "../keyspace/field_expiry.ts";
import { EVENT_GENERIC, EVENT_LIST } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { KeySpec, RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR, WRONG_TYPE } from "../session/errors.ts";
import * as hashValue from "../values/hash_value.ts";
import * as listValue from "../values/list_value.ts";
import * as setValue from "../values/set_value.ts";
import * as sortedSetValue from "../values/sorted_set_value.ts";
import * as stringValue from "../values/string_value.ts";
import * as value from "../values/value.ts";
import { integerArgument } from "./arguments.ts";

const SORT_COST =
  "O(N+M*log(M)), N: elements that are sorted, M: elements returned; O(N) if BY names no key.";

const SOURCE_SPEC: KeySpec = {
  flags: ["RO", "access"],
  begin: { index: 1 },
  find: { lastKey: 0, step: 1, limit: 0 },
};
const PATTERN_SPEC: KeySpec = {
  flags: ["RO", "access"],
  begin: "unknown",
  find: "unknown",
  notes: "`BY` and `GET`: the elements to be sorted make the names of these keys",
};
const STORE_SPEC: KeySpec = {
  flags: ["OW", "update"],
  begin: "unknown",
  find: "unknown",
  notes: "`STORE`: it may stand at any place among the options",
};

// deno-fmt-ignore
export const sortCommands: readonly RedisCommand[] = [
  { name: "sort",    arity: -2, flags: ["write", "denyoom", "movablekeys"], keys: [1, 1, 1],
    proc: sortCommand, keySpecs: [SOURCE_SPEC, PATTERN_SPEC, STORE_SPEC], findKeys: findSortKeys,
    categories: ["@set", "@sortedset", "@list", "@dangerous"],
    since: "1.0.0", group: "generic", complexity: SORT_COST,
    summary: "Sorts the elements of lists, sets and sorted sets; returns or stores them." },
  { name: "sort_ro", arity: -2, flags: ["readonly", "movablekeys"],         keys: [1, 1, 1],
    proc: sortRoCommand, keySpecs: [SOURCE_SPEC, PATTERN_SPEC], findKeys: () => [1],
    categories: ["@set", "@sortedset", "@list", "@dangerous"],
    since: "7.0.0", group: "generic", complexity: SORT_COST,
    summary: "Sorts the elements of lists, sets and sorted sets, and returns them." },
];

const NOT_A_SCORE = commandError("ERR One or more scores can't be converted into double");

const STAR = 0x2a;
const HASH_SIGN = 0x23;
const ARROW = new Uint8Array([0x2d, 0x3e]);

/** Where the results go: a reply, or the elements to be stored. */
interface ResultSink extends listValue.ElementSink {
  nil(): void;
}

/** What an element takes in a list beside twice its bytes. */
const ELEMENT_OVERHEAD_BYTES = 16;
/** Arrays of more bytes, or for more elements, are not kept. */
const KEPT_BYTES = 64 * 1024;
const KEPT_ELEMENTS = 1024;

/** Byte strings one behind the other in one array; the length -1 stands for none. */
class PackedElements implements ResultSink {
  count = 0;
  bytes = new Uint8Array(1024);
  starts = new Int32Array(64);
  lengths = new Int32Array(64);
  #used = 0;

  get byteCount(): number {
    return this.#used;
  }

  /** Takes all out, for the next use. */
  clear(): void {
    this.count = 0;
    this.#used = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(KEPT_BYTES);
    if (this.starts.length <= KEPT_ELEMENTS) return;
    this.starts = new Int32Array(KEPT_ELEMENTS);
    this.lengths = new Int32Array(KEPT_ELEMENTS);
  }

  bulk(bytes: Uint8Array, start: number, length: number): void {
    if (this.#used + length > this.bytes.length) this.#growBytes(length);
    copyBytes(bytes, start, this.bytes, this.#used, length);
    this.#add(length);
    this.#used += length;
  }

  /** Redis: what GET does not find is stored as an empty string. */
  nil(): void {
    this.#add(0);
  }

  addNone(): void {
    this.#add(-1);
  }

  /** Order of two of them: as bytes, none before all others. */
  compare(first: number, second: number): number {
    const { bytes, starts, lengths } = this;
    if ((lengths[first] | lengths[second]) < 0) {
      return Math.min(lengths[first], 0) - Math.min(lengths[second], 0);
    }
    return compareBytes(
      bytes,
      starts[first],
      lengths[first],
      bytes,
      starts[second],
      lengths[second],
    );
  }

  #add(length: number): void {
    if (this.count === this.starts.length) {
      const { starts, lengths } = this;
      this.starts = new Int32Array(starts.length * 2);
      this.starts.set(starts);
      this.lengths = new Int32Array(starts.length * 2);
      this.lengths.set(lengths);
    }
    this.starts[this.count] = this.#used;
    this.lengths[this.count++] = length;
  }

  #growBytes(extra: number): void {
    const { bytes } = this;
    this.bytes = new Uint8Array(Math.max(bytes.length * 2, this.#used + extra));
    this.bytes.set(bytes.subarray(0, this.#used));
  }
}

interface SortOptions {
  isAlpha: boolean;
  isDescending: boolean;
  /** Elements skipped and taken at most; Infinity = all. */
  offset: number;
  limit: number;
  /** BY; null = by the elements themselves. */
  by: SortPattern | null;
  /** BY a pattern without star: in the order in which the elements are found. */
  isUnsorted: boolean;
  gets: SortPattern[];
  /** Argument number of the key to store in; 0 = reply. */
  storeIndex: number;
}

/** A pattern of BY or GET: `prefix*suffix`, `prefix*suffix->field`, or `#` for the element. */
class SortPattern {
  readonly bytes: Uint8Array;
  readonly isElement: boolean;
  /** Index of the star; -1 = none, and then nothing is found. */
  readonly starAt: number;
  /** End of the key; what follows it is `->` and the name of a hash field, or nothing. */
  readonly keyEnd: number;

  constructor(argv: Argv, index: number) {
    const bytes = argv.copy(index);
    this.bytes = bytes;
    this.isElement = bytes.length === 1 && bytes[0] === HASH_SIGN;
    this.starAt = indexOfByte(bytes, 0, bytes.length, STAR);
    const rest = bytes.length - this.starAt - 1;
    const arrow = this.starAt < 0 ? -1 : indexOfBytes(bytes, this.starAt + 1, rest, ARROW, 0, 2);
    this.keyEnd = arrow < 0 || arrow + 2 === bytes.length ? bytes.length : arrow;
  }
}

const found = scratch(new Slice());
const otherKey = scratch(new Argv());
/** Of one SORT at a time: new arrays would take longer than to sort a few elements. */
const keptElements = new PackedElements();
const keptWeights = new PackedElements();
const keptResults = new PackedElements();
const keptScores = new Float64Array(KEPT_ELEMENTS);
/** Names of other keys are put together here, unless they are longer. */
const shortKey = new Uint8Array(1024);

function sortCommand(client: Client): void {
  sortGeneric(client, sortOptions(client, true));
}

function sortRoCommand(client: Client): void {
  sortGeneric(client, sortOptions(client, false));
}

function sortOptions(client: Client, mayStore: boolean): SortOptions {
  const { argv } = client;
  const options: SortOptions = {
    isAlpha: false,
    isDescending: false,
    offset: 0,
    limit: Infinity,
    by: null,
    isUnsorted: false,
    gets: [],
    storeIndex: 0,
  };
  for (let index = 2; index < argv.count; index++) {
    const rest = argv.count - index - 1;
    if (argv.is(index, "asc")) {
      options.isDescending = false;
    } else if (argv.is(index, "desc")) {
      options.isDescending = true;
    } else if (argv.is(index, "alpha")) {
      options.isAlpha = true;
    } else if (argv.is(index, "limit") && rest >= 2) {
      options.offset = Math.max(integerArgument(argv, ++index), 0);
      const limit = integerArgument(argv, ++index);
      options.limit = limit < 0 ? Infinity : limit;
    } else if (mayStore && argv.is(index, "store") && rest >= 1) {
      options.storeIndex = ++index;
    } else if (argv.is(index, "by") && rest >= 1) {
      const by = new SortPattern(argv, ++index);
      // Redis: once said, BY without a star stays, even if another BY with one follows.
      options.isUnsorted ||= by.starAt < 0;
      if (by.starAt >= 0) checkForeignKeys(client, "BY");
      options.by = by;
    } else if (argv.is(index, "get") && rest >= 1) {
      checkForeignKeys(client, "GET");
      options.gets.push(new SortPattern(argv, ++index));
    } else {
      throw SYNTAX_ERROR;
    }
  }
  return options;
}

/** BY and GET read keys that no argument names: the client's user must be allowed to read all. */
function checkForeignKeys(client: Client, option: string): void {
  if (client.host.acl.mayReadAllKeys(client)) return;
  throw commandError(`ERR ${option} option of SORT denied due to insufficient ACL permissions.`);
}

function sortGeneric(client: Client, options: SortOptions): void {
  try {
    replyOrStore(client, options);
  } finally {
    keptElements.clear();
    keptWeights.clear();
    keptResults.clear();
  }
}

function replyOrStore(client: Client, options: SortOptions): void {
  const { db, argv, reply } = client;
  const entry = db.lookupForRead(argv, 1);
  const type = entry === 0 ? value.TYPE_LIST : value.typeOf(db.arena, entry);
  if (type !== value.TYPE_LIST && type !== value.TYPE_SET && type !== value.TYPE_SORTED_SET) {
    throw WRONG_TYPE;
  }
  if (options.isUnsorted && type === value.TYPE_SET && options.storeIndex !== 0) {
    // Redis: what is stored must not depend on the order of a hash table.
    options.isUnsorted = false;
    options.isAlpha = true;
    options.by = null;
  }
  const elements = keptElements;
  let { offset, limit } = options;
  if (entry !== 0 && options.isUnsorted && type !== value.TYPE_SET) {
    loadRange(db, entry, type, options, elements);
    offset = 0;
    limit = Infinity;
  } else if (entry !== 0) {
    loadAll(db, entry, type, elements);
  }
  const order = orderOf(db, options, elements);
  const end = Math.min(offset + limit, elements.count);
  const chosen = order.subarray(Math.min(offset, end), end);
  const resultCount = chosen.length * Math.max(options.gets.length, 1);
  if (options.storeIndex === 0) {
    reply.array(resultCount);
    emitResults(db, options.gets, elements, chosen, reply);
  } else {
    const results = keptResults;
    emitResults(db, options.gets, elements, chosen, results);
    storeResults(client, options.storeIndex, results);
    reply.integer(resultCount);
  }
}

/** Loads all elements, in whatever order. */
function loadAll(db: Database, entry: Ref, type: number, elements: PackedElements): void {
  const { arena } = db;
  const ref = value.valueRef(arena, entry);
  const visit = (element: Slice) => elements.bulk(element.bytes, element.start, element.length);
  if (type === value.TYPE_LIST) {
    listValue.emitAll(arena, ref, elements);
  } else if (type === value.TYPE_SET) {
    setValue.forEach(arena, value.encodingOf(arena, entry), ref, visit);
  } else {
    const large = asSkiplist(db, entry);
    sortedSetValue.forEach(arena, value.ENCODING_SKIPLIST, large, visit);
  }
}

/** Loads the part of a list or sorted set that LIMIT selects, in its own order. */
function loadRange(
  db: Database,
  entry: Ref,
  type: number,
  { offset, limit, isDescending }: SortOptions,
  elements: PackedElements,
): void {
  const { arena } = db;
  const isList = type === value.TYPE_LIST;
  const ref = isList ? value.valueRef(arena, entry) : asSkiplist(db, entry);
  const total = isList
    ? listValue.length(arena, ref)
    : sortedSetValue.count(arena, value.ENCODING_SKIPLIST, ref);
  const taken = Math.min(limit, total - offset);
  if (taken <= 0) return;
  const first = isDescending ? total - 1 - offset : offset;
  if (isList) {
    listValue.emitRange(arena, ref, first, taken, isDescending, elements);
    return;
  }
  const cursor = new sortedSetValue.SortedSetCursor();
  cursor.seek(arena, value.ENCODING_SKIPLIST, ref, first);
  for (let rest = taken; rest > 0; rest--) {
    cursor.readMember(found);
    elements.bulk(found.bytes, found.start, found.length);
    cursor.advance(isDescending);
  }
}

/** The ref of a sorted set in its large form. Redis: SORT converts small ones for good. */
function asSkiplist({ arena }: Database, entry: Ref): Ref {
  if (value.encodingOf(arena, entry) !== value.ENCODING_SKIPLIST) {
    sortedSetValue.convertToLarge(arena, entry);
  }
  return value.valueRef(arena, entry);
}

/** The numbers of the elements in the order that is asked for. */
function orderOf(db: Database, options: SortOptions, elements: PackedElements): Uint32Array {
  const { by, isAlpha, isDescending, isUnsorted } = options;
  const sign = isDescending ? -1 : 1;
  if (!isAlpha && !isUnsorted) {
    const scores = scoresOf(db, by, elements);
    if (isDescending) { for (let index = 0; index < scores.length; index++) scores[index] *= -1; }
    // Redis: equal scores are told apart by the elements, so that the result is always the same.
    return ascendingOrder(scores, scores.length, (a, b) => sign * elements.compare(a, b));
  }
  const order = new Uint32Array(elements.count);
  for (let index = 0; index < order.length; index++) order[index] = index;
  if (isUnsorted) return order;
  const texts = by === null ? elements : weightsOf(db, by, elements);
  return order.sort((a, b) => sign * texts.compare(a, b));
}

/** The number by which each element is sorted; 0 where BY finds nothing. */
function scoresOf(db: Database, by: SortPattern | null, elements: PackedElements): Float64Array {
  const { count } = elements;
  const scores = count <= KEPT_ELEMENTS ? keptScores.subarray(0, count) : new Float64Array(count);
  for (let index = 0; index < count; index++) {
    scores[index] = 0;
    if (by !== null) {
      if (!lookUp(db, by, elements, index, found)) continue;
    } else {
      found.set(elements.bytes, elements.starts[index], elements.lengths[index]);
    }
    const score = parseAsStrtod(found.bytes, found.start, found.length, false);
    if (score !== score) throw NOT_A_SCORE;
    scores[index] = score;
  }
  return scores;
}

/** The text by which each element is sorted, or none where BY finds nothing. */
function weightsOf(db: Database, by: SortPattern, elements: PackedElements): PackedElements {
  const weights = keptWeights;
  for (let index = 0; index < elements.count; index++) {
    if (lookUp(db, by, elements, index, found)) {
      weights.bulk(found.bytes, found.start, found.length);
    } else {
      weights.addNone();
    }
  }
  return weights;
}

/** Hands on the chosen elements, or what GET finds for them. */
function emitResults(
  db: Database,
  gets: SortPattern[],
  elements: PackedElements,
  chosen: Uint32Array,
  sink: ResultSink,
): void {
  const { bytes, starts, lengths } = elements;
  for (const index of chosen) {
    if (gets.length === 0) sink.bulk(bytes, starts[index], lengths[index]);
    for (const pattern of gets) {
      if (lookUp(db, pattern, elements, index, found)) {
        sink.bulk(found.bytes, found.start, found.length);
      } else {
        sink.nil();
      }
    }
  }
}

/** Puts the results under a key, as a list; without any, removes the key. */
function storeResults(client: Client, keyIndex: number, results: PackedElements): void {
  const { db, argv } = client;
  const { arena } = db;
  if (results.count === 0) {
    if (db.peek(argv, keyIndex) === 0) return;
    db.remove(argv, keyIndex);
    db.changed(argv, keyIndex, EVENT_GENERIC, "del");
    return;
  }
  arena.requireRoom(2 * results.byteCount + results.count * ELEMENT_OVERHEAD_BYTES);
  const list = listValue.create(arena);
  const fill = client.host.config.listMaxListpackSize;
  const { bytes, starts, lengths } = results;
  for (let index = 0; index < results.count; index++) {
    listValue.push(arena, list, false, bytes, starts[index], lengths[index], fill);
  }
  db.replace(argv, keyIndex, value.TYPE_LIST, value.ENCODING_QUICKLIST, list);
  db.changed(argv, keyIndex, EVENT_LIST, "sortstore");
  db.keyspace.dirty += results.count - 1;
}

/**
 * Points `out` at what a pattern means for an element: the element itself, a string value, or the
 * value of a hash field; good until the next write. False if there is no such thing.
 */
function lookUp(
  db: Database,
  pattern: SortPattern,
  elements: PackedElements,
  index: number,
  out: Slice,
): boolean {
  const { bytes, starAt, keyEnd } = pattern;
  if (pattern.isElement) {
    out.set(elements.bytes, elements.starts[index], elements.lengths[index]);
    return true;
  }
  if (starAt < 0) return false;
  const length = elements.lengths[index];
  const keyBytes = keyEnd - 1 + length;
  const key = keyBytes <= shortKey.length ? shortKey : new Uint8Array(keyBytes);
  copyBytes(bytes, 0, key, 0, starAt);
  copyBytes(elements.bytes, elements.starts[index], key, starAt, length);
  copyBytes(bytes, starAt + 1, key, starAt + length, keyEnd - starAt - 1);
  const { arena } = db;
  const entry = db.lookupForRead(otherKey.point(key, 0, keyBytes), 0);
  if (entry === 0) return false;
  if (keyEnd === bytes.length) {
    if (value.typeOf(arena, entry) !== value.TYPE_STRING) return false;
    stringValue.read(arena, entry, out);
    return true;
  }
  if (value.typeOf(arena, entry) !== value.TYPE_HASH) return false;
  const field = keyEnd + ARROW.length;
  if (isFieldExpired(db, entry, bytes, field, bytes.length - field)) return false;
  return hashValue.get(arena, entry, bytes, field, bytes.length - field, out);
}

/** Redis: the last STORE counts; words behind LIMIT, GET and BY are no options. */
function findSortKeys(argv: Argv): number[] {
  let storeIndex = 0;
  for (let index = 2; index < argv.count; index++) {
    if (argv.is(index, "limit")) index += 2;
    else if (argv.is(index, "get") || argv.is(index, "by")) index++;
    // Redis goes on with the name of the key as if it were an option, and may miss the next STORE.
    else if (argv.is(index, "store") && index + 1 < argv.count) storeIndex = ++index;
  }
  return storeIndex === 0 ? [1] : [1, storeIndex];
}
