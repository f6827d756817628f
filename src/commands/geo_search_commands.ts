/**
 * Geo search commands: members within a circle or a box. GEORADIUS and GEORADIUSBYMEMBER are older
 * ways to ask GEOSEARCH's question; all of them fill the same `GeoSearch` and run it.
 *
 * A search goes through the cells that cover its shape (geohash.cover): each is a range of scores,
 * and what lies in it is measured exactly.
 */
import { Slice } from "../base/bytes.ts";
import { ascendingOrder } from "../base/number_order.ts";
import { sortFirst } from "../base/partial_sort.ts";
import { scratch } from "../base/scratch.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { KeySpec, RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import * as geohash from "../values/geohash.ts";
import * as sortedSet from "../values/sorted_set_value.ts";
import { SortedSetBuilder } from "../values/sorted_set_builder.ts";
import { SortedSetCursor } from "../values/sorted_set_value.ts";
import * as value from "../values/value.ts";
import { TYPE_SORTED_SET } from "../values/value.ts";
import { doubleArgument, integerArgument, typedForRead } from "./arguments.ts";
import {
  lengthArgument,
  placeArgument,
  readPlace,
  replyDistance,
  unitArgument,
} from "./geo_arguments.ts";
import { replyPlace } from "./geo_commands.ts";
import { removeDestination, storeResult } from "./sorted_set_arguments.ts";

// deno-fmt-ignore
export const geoSearchCommands: readonly RedisCommand[] = [
  { name: "georadius", arity: -6, flags: ["write", "denyoom", "movablekeys"], keys: [1, 1, 1],
    findKeys: (argv) => storeKeys(argv, 6), keySpecs: storeSpecs(6), categories: ["@geo"],
    since: "3.2.0", group: "geo", proc: georadiusCommand,
    complexity: "O(N+log(M)), N: members in the square around the circle, M: members of the sorted set.",
    summary: "Finds the members within a distance of a place, and may store them." },
  { name: "georadius_ro", arity: -6, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@geo"], since: "3.2.10", group: "geo", proc: georadiusRoCommand,
    complexity: "O(N+log(M)), N: members in the square around the circle, M: members of the sorted set.",
    summary: "Finds the members within a distance of a place." },
  { name: "georadiusbymember", arity: -5, flags: ["write", "denyoom", "movablekeys"],
    keys: [1, 1, 1], findKeys: (argv) => storeKeys(argv, 5), keySpecs: storeSpecs(5),
    categories: ["@geo"], since: "3.2.0", group: "geo", proc: georadiusbymemberCommand,
    complexity: "O(N+log(M)), N: members in the square around the circle, M: members of the sorted set.",
    summary: "Finds the members within a distance of a member, and may store them." },
  { name: "georadiusbymember_ro", arity: -5, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@geo"], since: "3.2.10", group: "geo",
    proc: georadiusbymemberRoCommand,
    complexity: "O(N+log(M)), N: members in the square around the circle, M: members of the sorted set.",
    summary: "Finds the members within a distance of a member." },
  { name: "geosearch", arity: -7, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@geo"], since: "6.2.0", group: "geo", proc: geosearchCommand,
    complexity: "O(N+log(M)), N: members in the cells of the grid that the shape touches, M: members of the sorted set.",
    summary: "Finds the members within a circle or a box." },
  { name: "geosearchstore", arity: -8, flags: ["write", "denyoom"], keys: [1, 2, 1],
    keySpecs: [
      { flags: ["OW", "update"], begin: { index: 1 }, find: { lastKey: 0, step: 1, limit: 0 } },
      { flags: ["RO", "access"], begin: { index: 2 }, find: { lastKey: 0, step: 1, limit: 0 } },
    ],
    categories: ["@geo"], since: "6.2.0", group: "geo", proc: geosearchstoreCommand,
    complexity: "O(N+log(M)), N: members in the cells of the grid that the shape touches, M: members of the sorted set.",
    summary: "Stores the members within a circle or a box under another key." },
];

const NOT_A_RADIUS = commandError("ERR need numeric radius");
const NEGATIVE_RADIUS = commandError("ERR radius cannot be negative");
const NOT_A_WIDTH = commandError("ERR need numeric width");
const NOT_A_HEIGHT = commandError("ERR need numeric height");
const NEGATIVE_SIDE = commandError("ERR height or width cannot be negative");
const NO_SUCH_MEMBER = commandError("ERR could not decode requested zset member");
const COUNT_TOO_LOW = commandError("ERR COUNT must be > 0");
const ANY_WITHOUT_COUNT = commandError("ERR the ANY argument requires COUNT argument");

/** Which command asks: GEOSEARCH and its kin have options of their own, and others store. */
interface Dialect {
  /** GEOSEARCH: center and shape are options. */
  isSearch: boolean;
  /** GEORADIUS and GEORADIUSBYMEMBER take STORE and STOREDIST. */
  takesStore: boolean;
  /** First argument behind the fixed ones. */
  optionsIndex: number;
}

/** What a search asks for. */
interface GeoSearch {
  shape: geohash.Shape;
  /** Length of the unit that distances are given in. */
  unitMeters: number;
  hasCenter: boolean;
  /** The center is the place of a member, not one given by coordinates. */
  isFromMember: boolean;
  hasShape: boolean;
  withDistance: boolean;
  withHash: boolean;
  withPlace: boolean;
  order: "none" | "ascending" | "descending";
  /** Most members to return; 0 = all. */
  count: number;
  /** Any members will do, once there are `count`. */
  isAny: boolean;
  /** Argument of the key to store the result under; 0 = it is replied. */
  storeIndex: number;
  /** The scores to store are distances. */
  storesDistance: boolean;
}

type Numbers = Uint32Array | readonly number[];

function asTheyCame(): number {
  return 0;
}

/**
 * The members that a search has found, by their numbers. They stay where they are in memory, and
 * are good until the next write: most of them are left out in the end. Only integers, which are
 * text for a moment, are copied.
 */
class FoundMembers {
  count = 0;
  readonly scores: number[] = [];
  readonly meters: number[] = [];
  #bytes: Uint8Array[] = [];
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];

  add(member: Slice, score: number, meters: number): void {
    const index = this.count++;
    const { isInRoom } = member;
    this.#bytes[index] = isInRoom ? member.copy() : member.bytes;
    this.#starts[index] = isInRoom ? 0 : member.start;
    this.#lengths[index] = member.length;
    this.scores[index] = score;
    this.meters[index] = meters;
  }

  forget(): void {
    this.count = 0;
    this.#bytes = [];
  }

  /** Points `out` at a member. */
  read(index: number, out: Slice): void {
    out.set(this.#bytes[index], this.#starts[index], this.#lengths[index]);
  }

  /**
   * The numbers of those that are wanted, in the order in which they are wanted. Redis: a number of
   * members without an order would be any; those meant are the nearest.
   */
  select({ order, count, isAny }: GeoSearch): Numbers {
    const { meters } = this;
    const sign = order === "descending" ? -1 : 1;
    const isSorted = order !== "none" || (count > 0 && !isAny);
    const isPartial = count > 0 && count < this.count;
    if (isSorted && !isPartial) {
      const keys = new Float64Array(this.count);
      for (let index = 0; index < keys.length; index++) keys[index] = sign * meters[index];
      return ascendingOrder(keys, keys.length, asTheyCame);
    }
    const numbers: number[] = [];
    for (let index = 0; index < this.count; index++) numbers.push(index);
    if (isSorted) sortFirst(numbers, count, (a, b) => sign * (meters[a] - meters[b]));
    return isPartial ? numbers.slice(0, count) : numbers;
  }
}

const cursor = scratch(new SortedSetCursor());
/** Of one search at a time; its arrays are as long as the longest was. */
const found = scratch(new FoundMembers());
const view = scratch(new Slice());
const place = new geohash.Place();

function storeSpecs(optionsIndex: number): readonly KeySpec[] {
  const keyword = (name: string): KeySpec => ({
    flags: ["OW", "update"],
    begin: { keyword: name, from: optionsIndex },
    find: { lastKey: 0, step: 1, limit: 0 },
  });
  const source: KeySpec = {
    flags: ["RO", "access"],
    begin: { index: 1 },
    find: { lastKey: 0, step: 1, limit: 0 },
  };
  return [source, keyword("STORE"), keyword("STOREDIST")];
}

/** The keys of GEORADIUS: its source, and the last destination that is named. */
function storeKeys(argv: Argv, optionsIndex: number): number[] {
  const indexes = [1];
  for (let index = optionsIndex; index + 1 < argv.count; index++) {
    if (!argv.is(index, "store") && !argv.is(index, "storedist")) continue;
    indexes[1] = ++index;
  }
  return indexes;
}

function georadiusCommand(client: Client): void {
  searchAroundPlace(client, true);
}

function georadiusRoCommand(client: Client): void {
  searchAroundPlace(client, false);
}

function georadiusbymemberCommand(client: Client): void {
  searchAroundMember(client, true);
}

function georadiusbymemberRoCommand(client: Client): void {
  searchAroundMember(client, false);
}

function searchAroundPlace(client: Client, takesStore: boolean): void {
  const { argv } = client;
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  const search = newSearch();
  placeArgument(argv, 2, search.shape.center);
  parseRadius(argv, 4, search);
  parseOptions(client, entry, search, { isSearch: false, takesStore, optionsIndex: 6 });
  runSearch(client, entry, search, "georadiusstore");
}

function searchAroundMember(client: Client, takesStore: boolean): void {
  const { argv } = client;
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  const search = newSearch();
  // Redis: without the key nothing is looked up, and the radius is not even read.
  if (entry !== 0) {
    if (!readPlace(client, entry, 2, search.shape.center)) throw NO_SUCH_MEMBER;
    parseRadius(argv, 3, search);
  }
  parseOptions(client, entry, search, { isSearch: false, takesStore, optionsIndex: 5 });
  runSearch(client, entry, search, "georadiusstore");
}

function geosearchCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  const search = newSearch();
  parseOptions(client, entry, search, { isSearch: true, takesStore: false, optionsIndex: 2 });
  runSearch(client, entry, search, "geosearchstore");
}

function geosearchstoreCommand(client: Client): void {
  const entry = typedForRead(client, 2, TYPE_SORTED_SET);
  const search = newSearch();
  search.storeIndex = 1;
  parseOptions(client, entry, search, { isSearch: true, takesStore: false, optionsIndex: 3 });
  runSearch(client, entry, search, "geosearchstore");
}

function newSearch(): GeoSearch {
  return {
    shape: { center: new geohash.Place(), isBox: false, radius: 0, width: 0, height: 0 },
    unitMeters: 1,
    hasCenter: false,
    isFromMember: false,
    hasShape: false,
    withDistance: false,
    withHash: false,
    withPlace: false,
    order: "none",
    count: 0,
    isAny: false,
    storeIndex: 0,
    storesDistance: false,
  };
}

function parseRadius(argv: Argv, index: number, search: GeoSearch): void {
  const radius = lengthArgument(argv, index, NOT_A_RADIUS, NEGATIVE_RADIUS);
  search.unitMeters = unitArgument(argv, index + 1);
  search.shape.radius = radius * search.unitMeters;
}

function parseBox(argv: Argv, index: number, search: GeoSearch): void {
  const width = doubleArgument(argv, index, NOT_A_WIDTH);
  const height = doubleArgument(argv, index + 1, NOT_A_HEIGHT);
  if (width < 0 || height < 0) throw NEGATIVE_SIDE;
  search.unitMeters = unitArgument(argv, index + 2);
  search.shape.isBox = true;
  search.shape.width = width * search.unitMeters;
  search.shape.height = height * search.unitMeters;
}

function parseOptions(
  client: Client,
  entry: Ref,
  search: GeoSearch,
  dialect: Dialect,
): void {
  const { argv } = client;
  for (let index = dialect.optionsIndex; index < argv.count;) {
    const used = parseFlag(argv, index, search) || parseCount(argv, index, search) ||
      (dialect.takesStore ? parseStore(argv, index, search) : 0) ||
      (dialect.isSearch ? parseSearchOption(client, entry, index, search) : 0);
    if (used === 0) throw SYNTAX_ERROR;
    index += used;
  }
  const isShown = search.withDistance || search.withHash || search.withPlace;
  if (search.storeIndex !== 0 && isShown) {
    const name = dialect.isSearch ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
    throw commandError(
      `ERR ${name} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`,
    );
  }
  if (dialect.isSearch && !search.hasCenter) {
    throw commandError(
      `ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${argv.quoted(0)}`,
    );
  }
  if (dialect.isSearch && !search.hasShape) {
    throw commandError(
      `ERR exactly one of BYRADIUS and BYBOX can be specified for ${argv.quoted(0)}`,
    );
  }
  if (search.isAny && search.count === 0) throw ANY_WITHOUT_COUNT;
}

/** Reads an option of one word. Returns the number of arguments used: 0 if it is none. */
function parseFlag(argv: Argv, index: number, search: GeoSearch): number {
  if (argv.is(index, "withdist")) search.withDistance = true;
  else if (argv.is(index, "withhash")) search.withHash = true;
  else if (argv.is(index, "withcoord")) search.withPlace = true;
  else if (argv.is(index, "any")) search.isAny = true;
  else if (argv.is(index, "asc")) search.order = "ascending";
  else if (argv.is(index, "desc")) search.order = "descending";
  else return 0;
  return 1;
}

function parseCount(argv: Argv, index: number, search: GeoSearch): number {
  if (index + 1 >= argv.count || !argv.is(index, "count")) return 0;
  search.count = integerArgument(argv, index + 1);
  if (search.count <= 0) throw COUNT_TOO_LOW;
  return 2;
}

function parseStore(argv: Argv, index: number, search: GeoSearch): number {
  if (index + 1 >= argv.count) return 0;
  const isDistance = argv.is(index, "storedist");
  if (!isDistance && !argv.is(index, "store")) return 0;
  search.storeIndex = index + 1;
  search.storesDistance = isDistance;
  return 2;
}

/** Reads an option that only GEOSEARCH and GEOSEARCHSTORE have. */
function parseSearchOption(
  client: Client,
  entry: Ref,
  index: number,
  search: GeoSearch,
): number {
  const { argv } = client;
  const { shape } = search;
  const left = argv.count - index - 1;
  const hasPlace = search.hasCenter && !search.isFromMember;
  if (left >= 1 && argv.is(index, "frommember") && !hasPlace) {
    if (entry !== 0 && !readPlace(client, entry, index + 1, shape.center)) throw NO_SUCH_MEMBER;
    search.hasCenter = search.isFromMember = true;
    return 2;
  }
  if (left >= 2 && argv.is(index, "fromlonlat") && !search.isFromMember) {
    placeArgument(argv, index + 1, shape.center);
    search.hasCenter = true;
    return 3;
  }
  const hasCircle = search.hasShape && !shape.isBox;
  if (left >= 2 && argv.is(index, "byradius") && !shape.isBox) {
    parseRadius(argv, index + 1, search);
    search.hasShape = true;
    return 3;
  }
  if (left >= 3 && argv.is(index, "bybox") && !hasCircle) {
    parseBox(argv, index + 1, search);
    search.hasShape = true;
    return 4;
  }
  if (search.storeIndex !== 0 && argv.is(index, "storedist")) {
    search.storesDistance = true;
    return 1;
  }
  return 0;
}

/** Carries a search out: replies with what it finds or stores it. */
function runSearch(client: Client, entry: Ref, search: GeoSearch, event: string): void {
  const { reply } = client;
  if (entry === 0) {
    if (search.storeIndex === 0) return reply.array(0);
    removeDestination(client, search.storeIndex);
    return reply.integer(0);
  }
  findMembers(client, entry, search);
  const shown = found.select(search);
  if (search.storeIndex === 0) replyFound(client, search, shown);
  else storeFound(client, search, shown, event);
}

/** Fills `found` with the members within the shape, in the order of cells and scores. */
function findMembers({ db }: Client, entry: Ref, search: GeoSearch): void {
  const { arena } = db;
  const { shape } = search;
  const enough = search.isAny ? search.count : Infinity;
  const encoding = value.encodingOf(arena, entry);
  const ref = value.valueRef(arena, entry);
  const window = new geohash.Window(shape);
  found.count = 0;
  for (const cell of geohash.cover(shape)) {
    const { first, end } = geohash.scoreRange(cell);
    const rank = sortedSet.countBelowScore(arena, encoding, ref, first, false);
    let isInside = cursor.seek(arena, encoding, ref, rank);
    for (; isInside && found.count < enough; isInside = cursor.advance(false)) {
      const { score } = cursor;
      if (score >= end) break;
      if (!window.decode(score, place)) continue;
      const meters = geohash.distanceWithin(shape, place);
      if (meters < 0) continue;
      cursor.readMember(view);
      found.add(view, score, meters);
    }
  }
}

function replyFound(
  client: Client,
  search: GeoSearch,
  shown: Numbers,
): void {
  const { reply } = client;
  const { withDistance, withHash, withPlace } = search;
  const fields = 1 + Number(withDistance) + Number(withHash) + Number(withPlace);
  reply.array(shown.length);
  for (const index of shown) {
    const score = found.scores[index];
    found.read(index, view);
    if (fields > 1) reply.array(fields);
    reply.bulk(view.bytes, view.start, view.length);
    if (withDistance) replyDistance(client, found.meters[index], search.unitMeters);
    if (withHash) replyHash(client, Math.trunc(score));
    if (!withPlace) continue;
    geohash.decodeScore(score, place);
    replyPlace(client, place);
  }
}

/** Scores of places are safe integers; those that ZADD gave to other members need not be. */
function replyHash({ reply }: Client, hash: number): void {
  if (Number.isSafeInteger(hash)) reply.integer(hash);
  else reply.bigInteger(BigInt(hash));
}

function storeFound(
  client: Client,
  search: GeoSearch,
  shown: Numbers,
  event: string,
): void {
  const builder = new SortedSetBuilder(client.db.arena);
  builder.reserve(shown.length);
  for (const index of shown) {
    found.read(index, view);
    const meters = found.meters[index] / search.unitMeters;
    const score = search.storesDistance ? meters : found.scores[index];
    builder.add(view.bytes, view.start, view.length, score);
  }
  const stored = builder.count;
  storeResult(client, search.storeIndex, builder, event);
  if (stored > 0) client.db.keyspace.dirty += stored - 1;
}
