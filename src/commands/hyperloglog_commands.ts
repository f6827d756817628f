/**
 * HyperLogLog commands: counting different elements in 12 KiB. Format and arithmetic are in
 * values/hyperloglog.ts; here a value is an ordinary string that begins like one.
 *
 * Dense values are changed where they stand. Sparse ones are changed in a copy, which takes their
 * place when the command is done; so a corrupted value is found out before anything is stored.
 */
import { Slice } from "../base/bytes.ts";
import { random } from "../base/random.ts";
import { scratch } from "../base/scratch.ts";
import { EVENT_STRING } from "../keyspace/keyspace_listener.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import { rangeSpec, type RedisCommand } from "../session/command.ts";
import { CommandError, commandError } from "../session/errors.ts";
import * as hyperloglog from "../values/hyperloglog.ts";
import * as stringValue from "../values/string_value.ts";
import * as value from "../values/value.ts";
import { NO_EXPIRY, TYPE_STRING } from "../values/value.ts";
import { typedForRead, typedForWrite } from "./arguments.ts";

const PFCOUNT_NOTE = "`RW`: the estimate is kept in the value, and propagated";
const PFCOUNT_COMPLEXITY =
  "O(1) for one key, mostly an estimate that was kept. O(N) for N keys, each of which is read whole.";
const PFMERGE_COMPLEXITY = "O(N), N: keys, each of which is read whole.";

// deno-fmt-ignore
export const hyperloglogCommands: readonly RedisCommand[] = [
  { name: "pfadd", arity: -2, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW insert", categories: ["@hyperloglog"], since: "2.8.9", group: "hyperloglog",
    complexity: "O(1) per element.", proc: pfaddCommand,
    summary: "Adds elements to a HyperLogLog." },
  { name: "pfcount", arity: -2, flags: ["readonly", "may_replicate"], keys: [1, -1, 1],
    keySpecs: [rangeSpec("RW access", 1, -1, PFCOUNT_NOTE)],
    categories: ["@hyperloglog"], since: "2.8.9", group: "hyperloglog",
    complexity: PFCOUNT_COMPLEXITY, proc: pfcountCommand,
    summary: "Estimates how many different elements HyperLogLogs have seen." },
  { name: "pfmerge", arity: -2, flags: ["write", "denyoom"], keys: [1, -1, 1],
    keySpecs: [rangeSpec("RW access insert", 1, 0), rangeSpec("RO access", 2, -1)],
    categories: ["@hyperloglog"], since: "2.8.9", group: "hyperloglog",
    complexity: PFMERGE_COMPLEXITY, proc: pfmergeCommand,
    summary: "Unites HyperLogLogs in one." },
  { name: "pfdebug", arity: 3, flags: ["write", "denyoom", "admin"], keys: [2, 2, 1],
    access: "RW access", categories: ["@hyperloglog"], since: "2.8.9", group: "hyperloglog",
    complexity: "N/A", proc: pfdebugCommand,
    summary: "Shows the inside of a HyperLogLog." },
  { name: "pfselftest", arity: 1, flags: ["admin"], keys: [0, 0, 0],
    categories: ["@hyperloglog"], since: "2.8.9", group: "hyperloglog",
    complexity: "N/A", proc: pfselftestCommand,
    summary: "Tests the HyperLogLog code." },
];

const NOT_A_HYPERLOGLOG = commandError(
  "WRONGTYPE Key is not a valid HyperLogLog string value.",
);
const CORRUPTED_VALUE = commandError("INVALIDOBJ Corrupted HLL object detected");
const NO_KEY = commandError("ERR The specified key does not exist");
const NOT_SPARSE = commandError("ERR HLL encoding is not sparse");

const view = scratch(new Slice());
/** The union of what PFCOUNT and PFMERGE are given. */
const registers = new Uint8Array(hyperloglog.REGISTER_COUNT);
const draft = new hyperloglog.HyperLogLogDraft();
const hash = new hyperloglog.ElementHash();

/** Points `view` at the HyperLogLog of an entry. Too long a one is cut; it is corrupted anyway. */
function readValue(arena: Arena, entry: Ref): void {
  stringValue.piece(arena, entry, 0, view);
  if (!hyperloglog.isHyperLogLog(view.bytes, view.start, view.length)) throw NOT_A_HYPERLOGLOG;
  const length = stringValue.byteLength(arena, entry);
  const isWhole = length === view.length;
  if (!isWhole && hyperloglog.isDense(view.bytes, view.start)) throw NOT_A_HYPERLOGLOG;
}

function loadDraft(): void {
  if (!draft.load(view.bytes, view.start, view.length)) throw CORRUPTED_VALUE;
}

/** As `readValue`. Redis: the string is made ready to be changed even if it will not be. */
function readForChange(arena: Arena, entry: Ref): void {
  readValue(arena, entry);
  value.setEncodingOnly(arena, entry, value.ENCODING_RAW);
  // The note above may have moved the segment.
  readValue(arena, entry);
}

/** Stores the draft under a key, whose entry is `entry` (0: the key is new). */
function storeDraft({ db, argv }: Client, index: number, entry: Ref): void {
  const { arena } = db;
  if (entry === 0) {
    db.setString(argv, index, draft.bytes, 0, draft.length, NO_EXPIRY);
    const created = db.findRaw(argv.bytes, argv.starts[index], argv.lengths[index]);
    value.setEncodingOnly(arena, created, value.ENCODING_RAW);
    return;
  }
  let target = entry;
  if (stringValue.byteLength(arena, entry) !== draft.length) {
    target = stringValue.resize(arena, entry, draft.length);
    db.replaceMoved(entry, target);
  }
  stringValue.write(arena, target, 0, draft.bytes, 0, draft.length);
}

function pfaddCommand(client: Client): void {
  const { db, argv, reply } = client;
  const entry = typedForWrite(client, 1, TYPE_STRING);
  let updates = 0;
  if (entry === 0) {
    draft.clear();
    updates = 1 + addToDraft(client, 2);
    hyperloglog.invalidateCount(draft.bytes, 0);
    storeDraft(client, 1, 0);
  } else {
    readForChange(db.arena, entry);
    updates = hyperloglog.isDense(view.bytes, view.start)
      ? addToDense(db.arena, entry, argv)
      : addToSparse(client, entry);
  }
  if (updates > 0) {
    db.changed(argv, 1, EVENT_STRING, "pfadd");
    db.keyspace.dirty += updates - 1;
  }
  reply.integer(updates > 0 ? 1 : 0);
}

/** Adds the elements from argument `from` on to the draft; returns how many changed it. */
function addToDraft({ argv, host }: Client, from: number): number {
  let updates = 0;
  for (let index = from; index < argv.count; index++) {
    hash.set(argv.bytes, argv.starts[index], argv.lengths[index]);
    const outcome = draft.raise(hash.index, hash.rank, host.config.hllSparseMaxBytes);
    if (outcome === hyperloglog.CORRUPTED) throw CORRUPTED_VALUE;
    updates += outcome;
  }
  return updates;
}

/** Adds all elements to the dense value in `view`, in place; returns how many changed it. */
function addToDense(arena: Arena, entry: Ref, argv: Argv): number {
  let updates = 0;
  for (let index = 2; index < argv.count; index++) {
    hash.set(argv.bytes, argv.starts[index], argv.lengths[index]);
    const register = hyperloglog.denseRegister(view.bytes, view.start, hash.index);
    if (register >= hash.rank) continue;
    if (updates === 0) stringValue.writablePiece(arena, entry, 0, view);
    hyperloglog.raiseDenseRegister(view.bytes, view.start, hash.index, hash.rank);
    updates++;
  }
  if (updates > 0) hyperloglog.invalidateCount(view.bytes, view.start);
  return updates;
}

/** Adds all elements to the sparse value in `view`; copies it only if one of them changes it. */
function addToSparse(client: Client, entry: Ref): number {
  const { argv } = client;
  for (let index = 2; index < argv.count; index++) {
    hash.set(argv.bytes, argv.starts[index], argv.lengths[index]);
    const register = hyperloglog.sparseRegister(
      view.bytes,
      view.start,
      view.length,
      hash.index,
    );
    if (register >= hash.rank) continue;
    loadDraft();
    const updates = addToDraft(client, index);
    hyperloglog.invalidateCount(draft.bytes, 0);
    storeDraft(client, 1, entry);
    return updates;
  }
  return 0;
}

function pfcountCommand(client: Client): void {
  if (client.argv.count > 2) countUnion(client);
  else countSingle(client);
}

function countSingle(client: Client): void {
  const { db, argv, reply } = client;
  const entry = typedForRead(client, 1, TYPE_STRING);
  if (entry === 0) {
    reply.integer(0);
    return;
  }
  readValue(db.arena, entry);
  if (value.encodingOf(db.arena, entry) !== value.ENCODING_RAW) {
    // Redis: a short one that was loaded is made ready to be written, even if it is only read.
    value.setEncodingOnly(db.arena, entry, value.ENCODING_RAW);
    readValue(db.arena, entry);
  }
  let count = hyperloglog.cachedCount(view.bytes, view.start);
  if (count === null) {
    count = hyperloglog.count(view.bytes, view.start, view.length);
    if (count === null) throw CORRUPTED_VALUE;
    stringValue.writablePiece(db.arena, entry, 0, view);
    hyperloglog.storeCachedCount(view.bytes, view.start, count);
    // Redis: the stored estimate is a change that goes to the AOF, but nobody hears an event.
    db.changedSilently(argv, 1);
  }
  reply.bigInteger(BigInt.asIntN(64, count));
}

function countUnion(client: Client): void {
  registers.fill(0);
  for (let index = 1; index < client.argv.count; index++) mergeKey(client, index);
  client.reply.bigInteger(BigInt.asIntN(64, hyperloglog.countRegisters(registers)));
}

/** Raises `registers` to those of a key; returns whether that is a dense value. */
function mergeKey(client: Client, index: number): boolean {
  const entry = typedForRead(client, index, TYPE_STRING);
  if (entry === 0) return false;
  readValue(client.db.arena, entry);
  if (!hyperloglog.mergeInto(registers, view.bytes, view.start, view.length)) {
    throw CORRUPTED_VALUE;
  }
  return hyperloglog.isDense(view.bytes, view.start);
}

function pfmergeCommand(client: Client): void {
  const { db, argv, reply, host } = client;
  registers.fill(0);
  let hasDense = false;
  for (let index = 1; index < argv.count; index++) {
    if (mergeKey(client, index)) hasDense = true;
  }
  const entry = typedForWrite(client, 1, TYPE_STRING);
  if (entry === 0) {
    draft.clear();
  } else {
    readValue(db.arena, entry);
    loadDraft();
  }
  if (hasDense) {
    if (!draft.makeDense()) throw CORRUPTED_VALUE;
    // The target's own registers are among those merged.
    draft.setRegisters(registers);
  } else {
    for (let index = 0; index < registers.length; index++) {
      if (registers[index] === 0) continue;
      draft.raise(index, registers[index], host.config.hllSparseMaxBytes);
    }
  }
  hyperloglog.invalidateCount(draft.bytes, 0);
  storeDraft(client, 1, entry);
  // Redis: the event is that of PFADD, of which this is a mass.
  db.changed(argv, 1, EVENT_STRING, "pfadd");
  reply.ok();
}

function pfdebugCommand(client: Client): void {
  const { db, argv, reply } = client;
  const entry = typedForWrite(client, 2, TYPE_STRING);
  if (entry === 0) throw NO_KEY;
  readForChange(db.arena, entry);
  const isDense = hyperloglog.isDense(view.bytes, view.start);
  if (argv.is(1, "getreg")) {
    replyRegisters(client, entry, isDense);
  } else if (argv.is(1, "decode")) {
    if (isDense) throw NOT_SPARSE;
    reply.bulkText(hyperloglog.describeSparse(view.bytes, view.start, view.length));
  } else if (argv.is(1, "encoding")) {
    reply.simple(isDense ? "dense" : "sparse");
  } else if (argv.is(1, "todense")) {
    if (!isDense) convertToDense(client, entry);
    reply.integer(isDense ? 0 : 1);
  } else {
    throw commandError(`ERR Unknown PFDEBUG subcommand '${argv.quoted(1)}'`);
  }
}

function replyRegisters(client: Client, entry: Ref, isDense: boolean): void {
  const { reply } = client;
  loadDraft();
  if (!isDense) convertToDense(client, entry);
  reply.array(hyperloglog.REGISTER_COUNT);
  for (let index = 0; index < hyperloglog.REGISTER_COUNT; index++) {
    reply.integer(hyperloglog.denseRegister(draft.bytes, 0, index));
  }
}

/** Makes the sparse value in `view` dense. Redis: to the AOF, but without event. */
function convertToDense(client: Client, entry: Ref): void {
  loadDraft();
  if (!draft.makeDense()) throw CORRUPTED_VALUE;
  storeDraft(client, 2, entry);
  client.db.keyspace.dirty++;
}

const SELF_TEST_ROUNDS = 100;
const SELF_TEST_ELEMENTS = 1_000_000;
/** Standard error of an estimate: 1.04 / sqrt(registers). */
const STANDARD_ERROR = 1.04 / Math.sqrt(hyperloglog.REGISTER_COUNT);

function pfselftestCommand({ reply, host }: Client): void {
  testRegisters();
  testEstimates(host.config.hllSparseMaxBytes);
  reply.ok();
}

/** Writes random ranks into all registers, again and again, and reads them back. */
function testRegisters(): void {
  const expected = new Uint8Array(hyperloglog.REGISTER_COUNT);
  for (let round = 0; round < SELF_TEST_ROUNDS; round++) {
    draft.clear();
    draft.makeDense();
    for (let index = 0; index < expected.length; index++) {
      expected[index] = random.below(64);
      hyperloglog.raiseDenseRegister(draft.bytes, 0, index, expected[index]);
    }
    for (let index = 0; index < expected.length; index++) {
      const found = hyperloglog.denseRegister(draft.bytes, 0, index);
      if (found === expected[index]) continue;
      throw testFailed(`Register ${index} should be ${expected[index]} but is ${found}`);
    }
  }
}

/** Adds elements to a dense and a sparse value, and compares the estimates at powers of ten. */
function testEstimates(sparseBytesMax: number): void {
  const dense = new hyperloglog.HyperLogLogDraft();
  dense.clear();
  dense.makeDense();
  draft.clear();
  const element = new Uint8Array(8);
  const seed = random.next32();
  let checkpoint = 1;
  for (let count = 1; count <= SELF_TEST_ELEMENTS; count++) {
    new DataView(element.buffer).setUint32(0, (count ^ seed) >>> 0, true);
    hash.set(element, 0, element.length);
    dense.raise(hash.index, hash.rank, 0);
    draft.raise(hash.index, hash.rank, sparseBytesMax);
    if (count !== checkpoint) continue;
    const estimate = hyperloglog.count(dense.bytes, 0, dense.length);
    if (estimate !== hyperloglog.count(draft.bytes, 0, draft.length)) {
      throw testFailed("dense/sparse disagree");
    }
    // Six standard errors; with ten elements only one may be missed.
    const errorMax = count === 10 ? 1 : Math.ceil(STANDARD_ERROR * 6 * count);
    const error = Math.abs(count - Number(estimate));
    if (error > errorMax) {
      throw testFailed(`Too big error. card:${count} abserr:${error}`);
    }
    checkpoint *= 10;
  }
}

function testFailed(text: string): CommandError {
  return commandError(`TESTFAILED ${text}`);
}
