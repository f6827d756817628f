/**
 * Set commands that concern one set, or move a member to a second: S… (Redis: t_set.c). How a set
 * is kept is set_value.ts's business; SINTER, SUNION and SDIFF are in set_algebra_commands.ts.
 */
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import { answersSince } from "../config/version.ts";
import { EVENT_SET } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import { rangeSpec, type RedisCommand } from "../session/command.ts";
import { MUST_BE_POSITIVE, SYNTAX_ERROR } from "../session/errors.ts";
import * as setValue from "../values/set_value.ts";
import * as value from "../values/value.ts";
import {
  ENCODING_HASHTABLE,
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  TYPE_SET,
} from "../values/value.ts";
import {
  boundedIntegerArgument,
  repeatedCount,
  signedCountArgument,
  typedForRead,
  typedForWrite,
} from "./arguments.ts";
import {
  collectEntries,
  cursorArgument,
  passesMatch,
  replyCursor,
  replyEmptyScan,
  SCAN_COMPLEXITY,
  scanOptions,
} from "./scan_options.ts";
import { type MemberRemoval, removeMembers } from "./member_removal.ts";

const SADD_COMPLEXITY = "O(1) per element, O(N) for N of them.";
const SPOP_COMPLEXITY = "O(1) without a count, else O(N), N: the count.";
const SRANDMEMBER_COMPLEXITY = "O(1) without a count, else O(N), N: the count without its sign.";
const SMISMEMBER_COMPLEXITY = "O(N), N: members that are asked for.";

// deno-fmt-ignore
export const setCommands: readonly RedisCommand[] = [
  { name: "sadd", arity: -3, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW insert", categories: ["@set"], since: "1.0.0", group: "set", proc: saddCommand,
    complexity: SADD_COMPLEXITY, summary: "Adds members to a set, creating it if it is missing." },
  { name: "srem", arity: -3, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW delete", categories: ["@set"], since: "1.0.0", group: "set", proc: sremCommand,
    complexity: "O(N), N: members that are named.",
    summary: "Removes members of a set, and the set with its last member." },
  { name: "sismember", arity: 3, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO", categories: ["@set"], since: "1.0.0", group: "set", proc: sismemberCommand,
    complexity: "O(1)", summary: "Tells whether a set has this member." },
  { name: "smismember", arity: -3, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO access", categories: ["@set"], since: "6.2.0", group: "set",
    proc: smismemberCommand, complexity: SMISMEMBER_COMPLEXITY,
    summary: "Tells of each argument whether it is a member." },
  { name: "scard", arity: 2, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO", categories: ["@set"], since: "1.0.0", group: "set", proc: scardCommand,
    complexity: "O(1)", summary: "Returns how many members a set has." },
  { name: "smembers", arity: 2, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@set"], since: "1.0.0", group: "set", proc: smembersCommand,
    tips: ["nondeterministic_output_order"],
    complexity: "O(N), N: members of the set.", summary: "Returns all members of a set." },
  { name: "spop", arity: -2, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW access delete", categories: ["@set"], since: "1.0.0", group: "set",
    proc: spopCommand, tips: ["nondeterministic_output"], complexity: SPOP_COMPLEXITY,
    summary: "Removes members chosen at random and returns them." },
  { name: "srandmember", arity: -2, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@set"], since: "1.0.0", group: "set",
    proc: srandmemberCommand, tips: ["nondeterministic_output"],
    complexity: SRANDMEMBER_COMPLEXITY, summary: "Returns members chosen at random." },
  { name: "smove", arity: 4, flags: ["write", "fast"], keys: [1, 2, 1],
    keySpecs: [rangeSpec("RW access delete", 1, 0), rangeSpec("RW insert", 2, 0)],
    categories: ["@set"], since: "1.0.0", group: "set", proc: smoveCommand,
    complexity: "O(1)", summary: "Takes a member out of one set and puts it into another." },
  { name: "sscan", arity: -3, flags: ["readonly"], keys: [1, 1, 1],
    access: "RO access", categories: ["@set"], since: "2.8.0", group: "set", proc: sscanCommand,
    tips: ["nondeterministic_output"], complexity: SCAN_COMPLEXITY,
    summary: "Walks over the members of a set step by step." },
];

/** SPOP that takes so many times what it leaves, or more, keeps the rest instead of removing. */
const KEEP_FACTOR = 5;
/** Members in one SREM of the AOF at most. */
const PROPAGATED_MEMBERS_MAX = 1024;

/** The set's limits, filled from the config by each command that needs them. */
const limits: setValue.SetLimits = {
  intsetEntriesMax: 0,
  listpackEntriesMax: 0,
  listpackValueBytesMax: 0,
};
/** The limits for what SPOP leaves of a listpack, which stays one. */
const NO_LIMITS: setValue.SetLimits = {
  intsetEntriesMax: 0,
  listpackEntriesMax: Infinity,
  listpackValueBytesMax: Infinity,
};
const drawn = scratch(new Slice());

/** The limits of sets, as configured now. Good during the command. */
export function setLimits({ host: { config } }: Client): setValue.SetLimits {
  limits.intsetEntriesMax = config.setMaxIntsetEntries;
  limits.listpackEntriesMax = answersSince(config, "7.2") ? config.setMaxListpackEntries : -1;
  limits.listpackValueBytesMax = config.setMaxListpackValue;
  return limits;
}

function saddCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const { bytes, starts, lengths } = argv;
  const used = setLimits(client);
  let entry = typedForWrite(client, 1, TYPE_SET);
  if (entry === 0) entry = createSet(client, 1, 2, argv.count - 2);
  // Redis: from 7.2 on many arguments at once make a table from the beginning.
  if (used.listpackEntriesMax !== -1) setValue.prepare(arena, entry, argv.count - 2, used);
  let added = 0;
  for (let index = 2; index < argv.count; index++) {
    if (setValue.add(arena, entry, bytes, starts[index], lengths[index], used)) added++;
  }
  if (added > 0) {
    db.changed(argv, 1, EVENT_SET, "sadd");
    db.keyspace.dirty += added - 1;
  }
  reply.integer(added);
}

const REMOVAL: MemberRemoval = {
  type: TYPE_SET,
  eventClass: EVENT_SET,
  event: "srem",
  count: setValue.countOfKey,
  remove: setValue.remove,
};

function sremCommand(client: Client): void {
  removeMembers(client, REMOVAL);
}

function sismemberCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_SET);
  client.reply.integer(entry !== 0 && hasMember(client, entry, 2) ? 1 : 0);
}

function smismemberCommand(client: Client): void {
  const { argv, reply } = client;
  const entry = typedForRead(client, 1, TYPE_SET);
  reply.array(argv.count - 2);
  for (let index = 2; index < argv.count; index++) {
    reply.integer(entry !== 0 && hasMember(client, entry, index) ? 1 : 0);
  }
}

function scardCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_SET);
  client.reply.integer(entry === 0 ? 0 : setValue.countOfKey(client.db.arena, entry));
}

function smembersCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_SET);
  if (entry === 0) client.reply.set(0);
  else replyMembers(client, entry);
}

/** Replies with all members of a set, as a set. */
export function replyMembers({ db, reply }: Client, entry: Ref): void {
  reply.set(setValue.countOfKey(db.arena, entry));
  setValue.forEachMember(db.arena, entry, (member) => {
    reply.bulk(member.bytes, member.start, member.length);
  });
}

function spopCommand(client: Client): void {
  const { db, argv, reply } = client;
  if (argv.count === 3) {
    spopWithCount(client);
    return;
  }
  if (argv.count > 3) throw SYNTAX_ERROR;
  const entry = typedForWrite(client, 1, TYPE_SET);
  if (entry === 0) {
    reply.nil();
    return;
  }
  const popped = popRandom(client, entry);
  db.changed(argv, 1, EVENT_SET, "spop");
  if (popped !== null) client.propagateAs("SREM", argv.copy(1), popped);
  if (setValue.countOfKey(db.arena, entry) === 0) db.removeEmptied(argv, 1);
}

function spopWithCount(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const max = Number.MAX_VALUE;
  const wanted = boundedIntegerArgument(argv, 2, 0, max, MUST_BE_POSITIVE);
  const entry = typedForWrite(client, 1, TYPE_SET);
  if (entry === 0 || wanted === 0) {
    reply.set(0);
    return;
  }
  const total = setValue.countOfKey(arena, entry);
  if (wanted >= total) {
    replyMembers(client, entry);
    db.changed(argv, 1, EVENT_SET, "spop");
    db.keyspace.dirty += total - 1;
    db.removeEmptied(argv, 1);
    if (client.wantsEffects) client.propagateAs("DEL", argv.copy(1));
    return;
  }
  reply.set(wanted);
  const popped: Uint8Array[] = [];
  if (wanted >= (total - wanted) * KEEP_FACTOR) {
    keepRandom(client, entry, total - wanted, popped);
  } else {
    for (let count = 0; count < wanted; count++) {
      const member = popRandom(client, entry);
      if (member !== null) popped.push(member);
    }
  }
  db.changed(argv, 1, EVENT_SET, "spop");
  db.keyspace.dirty += wanted - 1;
  propagateRemoval(client, popped);
}

/**
 * Removes a member chosen at random and replies it. Returns a copy for the AOF, or null if there is
 * no AOF.
 */
function popRandom(client: Client, entry: Ref): Uint8Array | null {
  const { db: { arena }, reply } = client;
  setValue.readRandom(arena, entry, drawn);
  const { bytes, start, length } = drawn;
  reply.bulk(bytes, start, length);
  const copy = client.wantsEffects ? drawn.copy() : null;
  setValue.removeDrawn(arena, entry);
  return copy;
}

/**
 * Keeps `count` members chosen at random and replies all others, which are copied to `popped` if
 * there is an AOF.
 */
function keepRandom(client: Client, entry: Ref, count: number, popped: Uint8Array[]): void {
  const { db, reply } = client;
  const { arena, keyspace } = db;
  const encoding = value.encodingOf(arena, entry);
  const used = encoding === ENCODING_LISTPACK ? NO_LIMITS : setLimits(client);
  const kept = setValue.createDetached(arena, encodingOfRest(encoding, used));
  setValue.visitSample(arena, entry, count, ({ bytes, start, length }) => {
    setValue.add(arena, kept, bytes, start, length, used);
  });
  setValue.forEachMember(arena, entry, (member) => {
    const { bytes, start, length } = member;
    if (setValue.has(arena, kept, bytes, start, length)) return;
    reply.bulk(bytes, start, length);
    if (client.wantsEffects) popped.push(member.copy());
  });
  const ref = value.valueRef(arena, entry);
  value.setEncoding(
    arena,
    entry,
    value.encodingOf(arena, kept),
    value.valueRef(arena, kept),
  );
  arena.free(kept);
  keyspace.reclaimer.freeValue(TYPE_SET, encoding, ref);
}

/** How members are kept that SPOP leaves of a set. Redis: from 7.2 on no table and no intset. */
function encodingOfRest(encoding: number, { listpackEntriesMax }: setValue.SetLimits): number {
  const isIntset = encoding === ENCODING_INTSET || listpackEntriesMax === -1;
  return isIntset ? ENCODING_INTSET : ENCODING_LISTPACK;
}

/** Records in the AOF that members were removed. */
function propagateRemoval(client: Client, members: Uint8Array[]): void {
  const key = client.argv.copy(1);
  for (let first = 0; first < members.length; first += PROPAGATED_MEMBERS_MAX) {
    client.propagateAs("SREM", key, ...members.slice(first, first + PROPAGATED_MEMBERS_MAX));
  }
}

function srandmemberCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  if (argv.count > 3) throw SYNTAX_ERROR;
  const isSingle = argv.count === 2;
  const wanted = isSingle ? 1 : signedCountArgument(argv, 2);
  const entry = typedForRead(client, 1, TYPE_SET);
  if (entry === 0 || wanted === 0) {
    if (isSingle) reply.nil();
    else reply.array(0);
    return;
  }
  if (wanted > 0 && !isSingle) {
    reply.array(Math.min(wanted, setValue.countOfKey(arena, entry)));
    setValue.visitSample(arena, entry, wanted, (member) => {
      reply.bulk(member.bytes, member.start, member.length);
    });
    return;
  }
  const drawnCount = isSingle ? 1 : repeatedCount(wanted);
  if (!isSingle) reply.array(drawnCount);
  for (let count = drawnCount; count > 0 && !reply.isOverflown; count--) {
    setValue.readRandom(arena, entry, drawn);
    reply.bulk(drawn.bytes, drawn.start, drawn.length);
  }
}

function smoveCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const member = argv.starts[3];
  const length = argv.lengths[3];
  // Redis: both are looked up, and the type of the target does not matter if there is no source.
  const isMissing = db.peek(argv, 1) === 0;
  db.peek(argv, 2);
  if (isMissing) {
    reply.integer(0);
    return;
  }
  const source = typedForWrite(client, 1, TYPE_SET);
  let target = typedForWrite(client, 2, TYPE_SET);
  if (source === target) {
    reply.integer(hasMember(client, source, 3) ? 1 : 0);
    return;
  }
  if (!setValue.remove(arena, source, argv.bytes, member, length)) {
    reply.integer(0);
    return;
  }
  db.changed(argv, 1, EVENT_SET, "srem");
  if (setValue.countOfKey(arena, source) === 0) db.removeEmptied(argv, 1);
  if (target === 0) target = createSet(client, 2, 3, 1);
  if (setValue.add(arena, target, argv.bytes, member, length, setLimits(client))) {
    db.changed(argv, 2, EVENT_SET, "sadd");
  }
  reply.integer(1);
}

function sscanCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const cursor = cursorArgument(argv, 2);
  const entry = typedForRead(client, 1, TYPE_SET);
  if (entry === 0) {
    replyEmptyScan(reply);
    return;
  }
  const options = scanOptions(argv, 3, false);
  let shown = 0;
  const show = (member: Slice) => {
    if (!passesMatch(options, argv, member)) return;
    reply.bulk(member.bytes, member.start, member.length);
    shown++;
  };
  const entries: Ref[] = [];
  const isSmall = value.encodingOf(arena, entry) !== ENCODING_HASHTABLE;
  const ref = value.valueRef(arena, entry);
  replyCursor(reply, isSmall ? 0 : collectEntries(arena, ref, cursor, options.count, entries));
  const mark = reply.deferArray();
  if (isSmall) setValue.forEachMember(arena, entry, show);
  else setValue.visitEntries(arena, entries, show);
  reply.endDeferredArray(mark, shown);
}

/** Whether argument `index` is a member. */
function hasMember({ argv, db }: Client, entry: Ref, index: number): boolean {
  const start = argv.starts[index];
  return setValue.has(db.arena, entry, argv.bytes, start, argv.lengths[index]);
}

/** An empty set under a missing key, encoded for so many members, argument `memberIndex` first. */
function createSet(client: Client, keyIndex: number, memberIndex: number, expected: number): Ref {
  const { argv, db } = client;
  const start = argv.starts[memberIndex];
  const length = argv.lengths[memberIndex];
  const encoding = setValue.encodingFor(argv.bytes, start, length, expected, setLimits(client));
  const ref = setValue.create(db.arena, encoding);
  return db.create(argv, keyIndex, TYPE_SET, encoding, ref);
}
