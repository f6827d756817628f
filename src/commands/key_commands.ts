/**
 * Key commands: what concerns keys whatever they hold: existence, deletion, names, walks over the
 * keyspace, OBJECT, and whole databases. Expiries stand in key_expiry_commands.ts, SORT in
 * sort_command.ts.
 *
 * DEL and UNLINK are the same here, as are FLUSHALL SYNC and ASYNC: large values are always given
 * back in steps (keyspace/reclaimer.ts).
 */
import { copyBytes, equalBytes, readyForCopies, Slice } from "../base/bytes.ts";
import { matchesEverything, matchGlob } from "../base/glob.ts";
import { parseSafeInteger } from "../base/integers.ts";
import { random } from "../base/random.ts";
import { scratch } from "../base/scratch.ts";
import { answersSince } from "../config/version.ts";
import type { Database } from "../keyspace/database.ts";
import { KeyBatch } from "../keyspace/key_batch.ts";
import { EVENT_GENERIC } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { KeySpec, RedisCommand } from "../session/command.ts";
import { commandError, NO_SUCH_KEY, SYNTAX_ERROR } from "../session/errors.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as listValue from "../values/list_value.ts";
import * as stringValue from "../values/string_value.ts";
import * as value from "../values/value.ts";
import { entryBytes, valueKinds } from "../values/value_kinds.ts";
import { databaseArgument, databaseAt, int32Argument } from "./arguments.ts";
import { replyHelp } from "./help.ts";
import {
  collectEntries,
  cursorArgument,
  passesMatch,
  replyCursor,
  scanOptions,
} from "./scan_options.ts";

const DEL_COST =
  "O(N), N: keys that are deleted. Each costs O(M) for a collection of M elements, though not at once: more than a few are given back in steps, between the commands of others; a string costs O(1).";
const UNLINK_COST =
  "O(1) per key, whatever it holds. What a collection of N elements held is given back later, O(N), in steps between the commands of others.";
const KEYS_COST = "O(N), N: keys of the database, if pattern and names are not long.";
const SCAN_TIPS = ["nondeterministic_output", "request_policy:special", "response_policy:special"];
const RANDOMKEY_TIPS = [
  "request_policy:all_shards",
  "response_policy:special",
  "nondeterministic_output",
];
const SCAN_COST =
  "O(1) per call. A whole iteration, from cursor 0 to cursor 0, takes O(N), N: keys of the database.";
const COPY_COST = "O(N), N: elements of the collection; O(1) for a short string.";
const SWAP_COST = "O(N), N: clients that watch keys of one of the two databases, or wait for them.";

/** The two key specs of RENAME and its kin: one key each, with these flags. */
function twoKeys(source: string, target: string): readonly KeySpec[] {
  const find = { lastKey: 0, step: 1, limit: 0 };
  return [
    { flags: source.split(" "), begin: { index: 1 }, find },
    { flags: target.split(" "), begin: { index: 2 }, find },
  ];
}

// deno-fmt-ignore
const objectCommands: readonly RedisCommand[] = [
  { name: "object|encoding", arity: 3, flags: ["readonly"],         keys: [2, 2, 1],
    proc: objectEncodingCommand, access: "RO", categories: ["@keyspace"],
    since: "2.2.3", group: "generic", complexity: "O(1)",
    tips: ["nondeterministic_output"],
    summary: "Tells in which form a value is kept." },
  { name: "object|freq",     arity: 3, flags: ["readonly"],         keys: [2, 2, 1],
    proc: objectFreqCommand, access: "RO", categories: ["@keyspace"],
    since: "4.0.0", group: "generic", complexity: "O(1)",
    tips: ["nondeterministic_output"],
    summary: "Tells how often a key is accessed, on a logarithmic scale." },
  { name: "object|help",     arity: 2, flags: ["loading", "stale"], keys: [0, 0, 0],
    proc: objectHelpCommand, categories: ["@keyspace"],
    since: "6.2.0", group: "generic", complexity: "O(1)",
    summary: "Lists the subcommands." },
  { name: "object|idletime", arity: 3, flags: ["readonly"],         keys: [2, 2, 1],
    proc: objectIdletimeCommand, access: "RO", categories: ["@keyspace"],
    since: "2.2.3", group: "generic", complexity: "O(1)",
    tips: ["nondeterministic_output"],
    summary: "Tells how many seconds ago a key was last accessed." },
  { name: "object|refcount", arity: 3, flags: ["readonly"],         keys: [2, 2, 1],
    proc: objectRefcountCommand, access: "RO", categories: ["@keyspace"],
    since: "2.2.3", group: "generic", complexity: "O(1)",
    tips: ["nondeterministic_output"],
    summary: "Tells how many references to a value there are." },
];

// deno-fmt-ignore
export const keyCommands: readonly RedisCommand[] = [
  { name: "del",       arity: -2, flags: ["write"],            keys: [1, -1, 1],
    proc: delCommand, access: "RM delete", categories: ["@keyspace"],
    since: "1.0.0", group: "generic", complexity: DEL_COST,
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    summary: "Deletes keys." },
  { name: "unlink",    arity: -2, flags: ["write", "fast"],    keys: [1, -1, 1],
    proc: delCommand, access: "RM delete", categories: ["@keyspace"],
    since: "4.0.0", group: "generic", complexity: UNLINK_COST,
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    summary: "Deletes keys and gives their memory back later." },
  { name: "exists",    arity: -2, flags: ["readonly", "fast"], keys: [1, -1, 1],
    proc: existsCommand, access: "RO", categories: ["@keyspace"],
    since: "1.0.0", group: "generic",
    complexity: "O(N), N: keys that are named.",
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    summary: "Counts how many of the keys exist." },
  { name: "type",      arity:  2, flags: ["readonly", "fast"], keys: [1, 1, 1],
    proc: typeCommand, access: "RO", categories: ["@keyspace"],
    since: "1.0.0", group: "generic", complexity: "O(1)",
    summary: "Returns the type of a key's value." },
  { name: "keys",      arity:  2, flags: ["readonly"],         keys: [0, 0, 0],
    proc: keysCommand, categories: ["@keyspace", "@dangerous"],
    since: "1.0.0", group: "generic", complexity: KEYS_COST,
    tips: ["request_policy:all_shards", "nondeterministic_output_order"],
    summary: "Returns all keys that match a pattern." },
  { name: "scan",      arity: -2, flags: ["readonly"],         keys: [0, 0, 0],
    proc: scanCommand, categories: ["@keyspace"], traits: ["meets_any_key"],
    since: "2.8.0", group: "generic", complexity: SCAN_COST,
    tips: ["nondeterministic_output", "request_policy:special"],
    changedIn: ["7.2", { tips: SCAN_TIPS }],
    summary: "Returns some keys, and where to go on for the next ones." },
  { name: "randomkey", arity:  1, flags: ["readonly"],         keys: [0, 0, 0],
    proc: randomkeyCommand, categories: ["@keyspace"], traits: ["meets_any_key"],
    since: "1.0.0", group: "generic", complexity: "O(1)",
    tips: ["request_policy:all_shards", "nondeterministic_output"],
    changedIn: ["7.2", { tips: RANDOMKEY_TIPS }],
    summary: "Returns any key." },
  { name: "rename",    arity:  3, flags: ["write"],            keys: [1, 2, 1],
    proc: renameCommand, keySpecs: twoKeys("RW access delete", "OW update"),
    categories: ["@keyspace"], since: "1.0.0", group: "generic", complexity: "O(1)",
    summary: "Gives a key another name, in place of what has that name." },
  { name: "renamenx",  arity:  3, flags: ["write", "fast"],    keys: [1, 2, 1],
    proc: renamenxCommand, keySpecs: twoKeys("RW access delete", "OW insert"),
    categories: ["@keyspace"], since: "1.0.0", group: "generic", complexity: "O(1)",
    summary: "Gives a key another name unless something has that name." },
  { name: "move",      arity:  3, flags: ["write", "fast"],    keys: [1, 1, 1],
    proc: moveCommand, access: "RW access update", categories: ["@keyspace"],
    since: "1.0.0", group: "generic", complexity: "O(1)",
    summary: "Moves a key to another database." },
  { name: "copy",      arity: -3, flags: ["write", "denyoom"], keys: [1, 2, 1],
    proc: copyCommand, keySpecs: twoKeys("RO access", "OW update"),
    categories: ["@keyspace"], since: "6.2.0", group: "generic", complexity: COPY_COST,
    summary: "Copies a value to another key." },
  { name: "touch",     arity: -2, flags: ["readonly", "fast"], keys: [1, -1, 1],
    proc: touchCommand, access: "RO", categories: ["@keyspace"],
    since: "3.2.1", group: "generic",
    complexity: "O(N), N: keys that are named.",
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    summary: "Accesses keys and counts how many of them exist." },
  { name: "object",    arity: -2, flags: [],                   keys: [0, 0, 0],
    proc: objectHelpCommand, categories: [], subcommands: objectCommands,
    since: "2.2.3", group: "generic", complexity: "That of the subcommand.",
    summary: "Tells how values are kept." },
  { name: "dbsize",    arity:  1, flags: ["readonly", "fast"], keys: [0, 0, 0],
    proc: dbsizeCommand, categories: ["@keyspace"],
    since: "1.0.0", group: "server", complexity: "O(1)",
    tips: ["request_policy:all_shards", "response_policy:agg_sum"],
    summary: "Counts the keys of the database that is selected." },
  { name: "swapdb",    arity:  3, flags: ["write", "fast"],    keys: [0, 0, 0],
    proc: swapdbCommand, categories: ["@keyspace", "@dangerous"],
    since: "4.0.0", group: "server", complexity: SWAP_COST,
    summary: "Lets two databases change places." },
  { name: "flushdb",   arity: -1, flags: ["write"],            keys: [0, 0, 0],
    proc: flushdbCommand, categories: ["@keyspace", "@dangerous"],
    since: "1.0.0", group: "server",
    complexity: "O(N), N: keys of the selected database.",
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    summary: "Deletes all keys of the selected database." },
  { name: "flushall",  arity: -1, flags: ["write"],            keys: [0, 0, 0],
    proc: flushallCommand, categories: ["@keyspace", "@dangerous"],
    since: "1.0.0", group: "server",
    complexity: "O(N), N: keys of all databases.",
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    summary: "Deletes all keys of all databases." },
];

const SAME_OBJECT = commandError("ERR source and destination objects are the same");
const NOT_LFU = commandError(
  "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that " +
    "when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);
const IS_LFU = commandError(
  "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when " +
    "switching between policies at runtime LRU and LFU data will take some time to adjust.",
);

/** The type of a key that is missing. */
const NONE = -1;

const OBJECT_HELP = [
  "ENCODING <key>",
  "    Tells how the value is laid out in memory, by Redis's name for",
  "    it: listpack, intset and so on.",
  "FREQ <key>",
  "    Tells how often the key is used, on a logarithmic scale from 0 to",
  "    255. Needs an LFU policy.",
  "IDLETIME <key>",
  "    Tells for how many seconds nobody has used the key; a rough",
  "    figure. Not with an LFU policy.",
  "REFCOUNT <key>",
  "    Always 1, but for integers from 0 to 9999, which count as shared",
  "    by many.",
];

/** Redis: small integers are shared objects, and that is what it shows as their references. */
const SHARED_INTEGER_MAX = 9999;
const SHARED_REFERENCES = 2147483647;

/** RANDOMKEY gives up its search for a key that has not expired after so many tries. */
const RANDOM_TRIES_MAX = 100;

const key = scratch(new Slice());
/** A string that is embedded in its entry, while it is copied to another. */
const embedded = readyForCopies(new Uint8Array(value.EMBEDDED_ENTRY_BYTES_MAX));
const batch = new KeyBatch();
const scanned: Ref[] = [];

function delCommand({ db, argv, reply }: Client): void {
  let deleted = 0;
  batch.begin(1);
  for (let index = 1; index < argv.count; index++) {
    batch.reach(db, argv, index);
    if (!db.removeUnexpired(argv, index)) continue;
    db.changed(argv, index, EVENT_GENERIC, "del");
    deleted++;
  }
  reply.integer(deleted);
}

function existsCommand({ db, argv, reply }: Client): void {
  let found = 0;
  batch.begin(1);
  for (let index = 1; index < argv.count; index++) {
    batch.reach(db, argv, index);
    if (db.lookupUntouched(argv, index) !== 0) found++;
  }
  reply.integer(found);
}

function touchCommand({ db, argv, reply }: Client): void {
  const { keyspace } = db;
  // Touching is what it is for, also after CLIENT NO-TOUCH.
  const { isTouchPaused } = keyspace;
  keyspace.isTouchPaused = false;
  let found = 0;
  batch.begin(1);
  for (let index = 1; index < argv.count; index++) {
    batch.reach(db, argv, index);
    if (db.lookupForRead(argv, index) !== 0) found++;
  }
  keyspace.isTouchPaused = isTouchPaused;
  reply.integer(found);
}

function typeCommand({ db, argv, reply }: Client): void {
  const entry = db.lookupUntouched(argv, 1);
  reply.simple(entry === 0 ? "none" : value.TYPE_NAMES[value.typeOf(db.arena, entry)]);
}

function keysCommand({ db, argv, reply }: Client): void {
  const { arena } = db;
  const { bytes } = argv;
  const start = argv.starts[1];
  const length = argv.lengths[1];
  const isAny = matchesEverything(bytes, start, length);
  const mark = reply.deferArray();
  let count = 0;
  dict.forEach(arena, db.keys, (entry) => {
    dictEntry.readKey(arena, entry, key);
    if (!isAny && !matchGlob(bytes, start, length, key.bytes, key.start, key.length, false)) return;
    if (db.isExpired(entry)) return;
    reply.bulk(key.bytes, key.start, key.length);
    count++;
  }, () => reply.isOverflown);
  reply.endDeferredArray(mark, count);
}

function scanCommand({ db, argv, reply }: Client): void {
  const { arena } = db;
  const cursor = cursorArgument(argv, 1);
  const options = scanOptions(argv, 2, true);
  scanned.length = 0;
  const next = collectEntries(arena, db.keys, cursor, options.count, scanned);
  replyCursor(reply, next);
  const mark = reply.deferArray();
  let count = 0;
  for (const entry of scanned) {
    dictEntry.readKey(arena, entry, key);
    if (!passesMatch(options, argv, key) || db.expireIfNeeded(entry)) continue;
    const typeName = value.TYPE_NAMES[value.typeOf(arena, entry)];
    if (options.typeName !== null && options.typeName !== typeName) continue;
    reply.bulk(key.bytes, key.start, key.length);
    count++;
  }
  reply.endDeferredArray(mark, count);
}

function randomkeyCommand({ db, reply }: Client): void {
  const { arena } = db;
  for (let tries = 0; tries < RANDOM_TRIES_MAX || db.keyspace.expiryPolicy === "remove"; tries++) {
    const entry = dict.randomEntry(arena, db.keys, random);
    if (entry === 0) break;
    if (db.expireIfNeeded(entry)) continue;
    dictEntry.readKey(arena, entry, key);
    return reply.bulk(key.bytes, key.start, key.length);
  }
  reply.nil();
}

function renameCommand(client: Client): void {
  if (renameGeneric(client, false)) client.reply.ok();
}

function renamenxCommand(client: Client): void {
  client.reply.integer(renameGeneric(client, true) ? 1 : 0);
}

/** Renames the key of argument 1 to that of argument 2; false if NX forbids it. */
function renameGeneric({ db, argv }: Client, onlyIfMissing: boolean): boolean {
  const source = db.lookupForWrite(argv, 1);
  if (source === 0) throw NO_SUCH_KEY;
  if (isSameArgument(argv, 1, 2)) return !onlyIfMissing;
  const old = db.lookupForWrite(argv, 2);
  const oldType = old === 0 ? NONE : value.typeOf(db.arena, old);
  if (old !== 0) {
    if (onlyIfMissing) return false;
    db.remove(argv, 2);
  }
  const type = value.typeOf(db.arena, source);
  const expiryMs = value.expiryOf(db.arena, source);
  db.adopt(db.detach(argv, 1), argv, 2, expiryMs);
  db.changed(argv, 1, EVENT_GENERIC, "rename_from");
  db.changed(argv, 2, EVENT_GENERIC, "rename_to");
  announceReplaced(db, argv, oldType, type);
  // Redis counts a key that changes its place as one change.
  db.keyspace.dirty--;
  return true;
}

/** RENAME and COPY tell what they replaced after all else, if anybody wants to hear it. */
function announceReplaced(db: Database, argv: Argv, oldType: number, type: number): void {
  if (oldType === NONE || !db.keyspace.announcesOverwrites) return;
  db.announceReplaced(argv, 2, oldType, type);
}

function moveCommand(client: Client): void {
  const { db, argv, reply } = client;
  const target = databaseArgument(client, 2);
  if (target === db) throw SAME_OBJECT;
  const entry = db.lookupForWrite(argv, 1);
  if (entry === 0 || target.lookupForWrite(argv, 1) !== 0) return reply.integer(0);
  const expiryMs = value.expiryOf(db.arena, entry);
  target.adopt(db.detach(argv, 1), argv, 1, expiryMs);
  db.changed(argv, 1, EVENT_GENERIC, "move_from");
  target.changed(argv, 1, EVENT_GENERIC, "move_to");
  db.keyspace.dirty--;
  reply.integer(1);
}

function copyCommand(client: Client): void {
  const { db, argv, reply } = client;
  let target = db;
  let mayReplace = false;
  for (let index = 3; index < argv.count; index++) {
    if (argv.is(index, "replace")) {
      mayReplace = true;
    } else if (argv.is(index, "db") && index + 1 < argv.count) {
      target = databaseArgument(client, ++index);
    } else {
      throw SYNTAX_ERROR;
    }
  }
  if (target === db && isSameArgument(argv, 1, 2)) throw SAME_OBJECT;
  const source = db.lookupForRead(argv, 1);
  if (source === 0) return reply.integer(0);
  const old = target.lookupForWrite(argv, 2);
  const oldType = old === 0 ? NONE : value.typeOf(db.arena, old);
  if (old !== 0) {
    if (!mayReplace) return reply.integer(0);
    target.remove(argv, 2);
  }
  const type = value.typeOf(db.arena, source);
  copyEntry(source, target, argv, 2);
  target.changed(argv, 2, EVENT_GENERIC, "copy_to");
  announceReplaced(target, argv, oldType, type);
  reply.integer(1);
}

/** Puts a copy of an entry's value, with its expiry, under a key that is missing. */
function copyEntry(source: Ref, target: Database, argv: Argv, keyIndex: number): void {
  const { arena } = target;
  const encoding = value.encodingOf(arena, source);
  const expiryMs = value.expiryOf(arena, source);
  if (value.isEmbedded(arena, source)) {
    stringValue.read(arena, source, key);
    // The embedded bytes may move while the copy is made.
    const { length } = key;
    copyBytes(key.bytes, key.start, embedded, 0, length);
    target.setString(argv, keyIndex, embedded, 0, length, expiryMs);
    value.setEncodingOnly(arena, target.peek(argv, keyIndex), encoding);
    return;
  }
  const type = value.typeOf(arena, source);
  // No value takes more than all of them.
  if (!arena.hasRoomFor(arena.usedBytes)) arena.requireRoom(entryBytes(arena, source, 0));
  const ref = valueKinds[type].duplicate(arena, encoding, value.valueRef(arena, source));
  target.create(argv, keyIndex, type, encoding, ref, expiryMs);
}

function objectEncodingCommand(client: Client): void {
  const entry = inspected(client);
  if (entry === 0) return client.reply.nil();
  client.reply.bulkText(encodingName(client, entry));
}

/** What OBJECT ENCODING and DEBUG OBJECT call the encoding of an entry. */
export function encodingName({ db: { arena }, host: { config } }: Client, entry: Ref): string {
  const encoding = value.encodingOf(arena, entry);
  const isSmallList = encoding === value.ENCODING_QUICKLIST && answersSince(config, "7.2") &&
    listValue.isListpack(arena, value.valueRef(arena, entry), config.listMaxListpackSize);
  return value.ENCODING_NAMES[isSmallList ? value.ENCODING_LISTPACK : encoding];
}

function objectFreqCommand(client: Client): void {
  const { keyspace } = client.db;
  const entry = inspected(client);
  if (entry === 0) return client.reply.nil();
  if (!keyspace.usesLfu) throw NOT_LFU;
  client.reply.integer(keyspace.lfuCounter(entry));
}

function objectIdletimeCommand(client: Client): void {
  const { keyspace } = client.db;
  const entry = inspected(client);
  if (entry === 0) return client.reply.nil();
  if (keyspace.usesLfu) throw IS_LFU;
  client.reply.integer(Math.floor(keyspace.idleMs(entry) / 1000));
}

function objectRefcountCommand(client: Client): void {
  const { arena } = client.db;
  const entry = inspected(client);
  if (entry === 0) return client.reply.nil();
  const { maxmemory, maxmemoryPolicy } = client.host.config;
  // Redis: with a limit and by these policies each value needs an access clock of its own.
  const isClocked = maxmemory > 0 && /-(lru|lrm|lfu)$/.test(maxmemoryPolicy);
  if (isClocked || value.encodingOf(arena, entry) !== value.ENCODING_INT) {
    return client.reply.integer(1);
  }
  stringValue.read(arena, entry, key);
  const number = parseSafeInteger(key.bytes, key.start, key.length);
  const isShared = number >= 0 && number <= SHARED_INTEGER_MAX;
  client.reply.integer(isShared ? SHARED_REFERENCES : 1);
}

function objectHelpCommand(client: Client): void {
  replyHelp(client, OBJECT_HELP);
}

/** The entry that OBJECT is asked about, or 0. Counted as hit or miss, but not as an access. */
function inspected({ db, argv }: Client): Ref {
  const entry = db.peek(argv, 2);
  if (entry === 0) db.keyspace.missCount++;
  else db.keyspace.hitCount++;
  return entry;
}

function dbsizeCommand({ db, reply }: Client): void {
  reply.integer(db.size);
}

function swapdbCommand({ db, argv, host, reply }: Client): void {
  const first = int32Argument(argv, 1, commandError("ERR invalid first DB index"));
  const second = int32Argument(argv, 2, commandError("ERR invalid second DB index"));
  const one = databaseAt(host.keyspace, first);
  const other = databaseAt(host.keyspace, second);
  if (one !== other) {
    host.watch.touchDatabase(one, other);
    host.watch.touchDatabase(other, one);
    one.swapContents(other);
    host.blocking.databaseReady(one);
    host.blocking.databaseReady(other);
  }
  db.keyspace.dirty++;
  reply.ok();
}

function flushdbCommand(client: Client): void {
  const { db, argv, reply } = client;
  checkFlushOptions(argv);
  flush(db);
  client.propagateInAnyCase();
  reply.ok();
}

function flushallCommand(client: Client): void {
  const { argv, host, reply } = client;
  checkFlushOptions(argv);
  for (const each of host.keyspace.databases) flush(each);
  // Saving sets the count of changes to zero.
  host.persistence.afterFlushAll();
  client.propagateInAnyCase();
  reply.ok();
}

function checkFlushOptions(argv: Argv): void {
  if (argv.count === 1) return;
  if (argv.count > 2 || !(argv.is(1, "async") || argv.is(1, "sync"))) throw SYNTAX_ERROR;
}

function flush(db: Database): void {
  // Watches ask whether their keys exist, so they are told while they still do.
  db.keyspace.listener.databaseFlushed(db);
  db.keyspace.dirty += db.clear();
}

function isSameArgument(argv: Argv, first: number, second: number): boolean {
  const { bytes, starts, lengths } = argv;
  return lengths[first] === lengths[second] &&
    equalBytes(bytes, starts[first], bytes, starts[second], lengths[first]);
}
