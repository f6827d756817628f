/**
 * Sorted set pop commands: taking out the members with the lowest or highest scores, at once or as
 * soon as there are some.
 *
 * A pop that blocked, or chose among keys, goes to the AOF as the plain ZPOPMIN or ZPOPMAX it was.
 */
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import { EVENT_SORTED_SET } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import { Argv } from "../protocol/argv.ts";
import { type Client, REDIS_DENY_BLOCKING } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, MUST_BE_POSITIVE, SYNTAX_ERROR } from "../session/errors.ts";
import * as sortedSet from "../values/sorted_set_value.ts";
import { SortedSetCursor } from "../values/sorted_set_value.ts";
import * as value from "../values/value.ts";
import { TYPE_SORTED_SET } from "../values/value.ts";
import { boundedIntegerArgument, timeoutArgument, typedForWrite } from "./arguments.ts";
import { countedKeys } from "./sorted_set_arguments.ts";

// deno-fmt-ignore
export const sortedSetPopCommands: readonly RedisCommand[] = [
  { name: "zpopmin", arity: -2, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW access delete", categories: ["@sortedset"], since: "5.0.0", group: "sorted-set",
    proc: zpopminCommand,
    complexity: "O(log(N)*M), N: members of the sorted set, M: members taken out.",
    summary: "Removes and returns the members with the lowest scores." },
  { name: "zpopmax", arity: -2, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW access delete", categories: ["@sortedset"], since: "5.0.0", group: "sorted-set",
    proc: zpopmaxCommand,
    complexity: "O(log(N)*M), N: members of the sorted set, M: members taken out.",
    summary: "Removes and returns the members with the highest scores." },
  { name: "bzpopmin", arity: -3, flags: ["write", "noscript", "blocking", "fast"],
    changedIn: ["7.2", { flags: ["write", "blocking", "fast"] }],
    keys: [1, -2, 1], access: "RW access delete", categories: ["@sortedset"], since: "5.0.0",
    group: "sorted-set", proc: bzpopminCommand,
    complexity: "O(log(N)), N: members of the sorted set.",
    summary: "Takes out the member whose score is lowest, or waits for one." },
  { name: "bzpopmax", arity: -3, flags: ["write", "noscript", "blocking", "fast"],
    changedIn: ["7.2", { flags: ["write", "blocking", "fast"] }],
    keys: [1, -2, 1], access: "RW access delete", categories: ["@sortedset"], since: "5.0.0",
    group: "sorted-set", proc: bzpopmaxCommand,
    complexity: "O(log(N)), N: members of the sorted set.",
    summary: "Takes out the member whose score is highest, or waits for one." },
  { name: "zmpop", arity: -4, flags: ["write", "movablekeys"], keys: [0, 0, 0],
    findKeys: countedKeys(1),
    keySpecs: [
      { flags: ["RW", "access", "delete"], begin: { index: 1 },
        find: { keyNumberIndex: 0, firstKey: 1, step: 1 } },
    ],
    categories: ["@sortedset"], since: "7.0.0", group: "sorted-set", proc: zmpopCommand,
    complexity: "O(K) + O(M*log(N)), K: keys that are looked at, N: members of the sorted set, M: members taken out.",
    summary: "Removes and returns members of the first of several keys that has any." },
  { name: "bzmpop", arity: -5, flags: ["write", "blocking", "movablekeys"], keys: [0, 0, 0],
    findKeys: countedKeys(2),
    keySpecs: [
      { flags: ["RW", "access", "delete"], begin: { index: 2 },
        find: { keyNumberIndex: 0, firstKey: 1, step: 1 } },
    ],
    categories: ["@sortedset"], since: "7.0.0", group: "sorted-set", proc: bzmpopCommand,
    complexity: "O(K) + O(M*log(N)), K: keys that are looked at, N: members of the sorted set, M: members taken out.",
    summary: "Removes and returns members of the first of several keys that has any, or waits " +
      "for some." },
];

const NO_KEYS = commandError("ERR numkeys should be greater than 0");
const NO_COUNT = commandError("ERR count should be greater than 0");

const COUNT_MAX = 2 ** 63;

const cursor = scratch(new SortedSetCursor());
const view = scratch(new Slice());

/** What to take out of the first key that has something. */
interface Pop {
  isMax: boolean;
  count: number;
  /** Each member and its score are an array of their own; they follow the key. */
  isNested: boolean;
}

function zpopminCommand(client: Client): void {
  popFromKey(client, false);
}

function zpopmaxCommand(client: Client): void {
  popFromKey(client, true);
}

function popFromKey(client: Client, isMax: boolean): void {
  const { argv, reply } = client;
  if (argv.count > 3) throw SYNTAX_ERROR;
  const hasCount = argv.count === 3;
  const wanted = hasCount ? boundedIntegerArgument(argv, 2, 0, COUNT_MAX, MUST_BE_POSITIVE) : 1;
  const entry = typedForWrite(client, 1, TYPE_SORTED_SET);
  if (entry === 0 || wanted === 0) return reply.array(0);
  const isNested = hasCount && reply.resp === 3;
  const count = Math.min(wanted, countOf(client, entry));
  reply.array(isNested ? count : count * 2);
  popMembers(client, argv, 1, entry, isMax, count, isNested);
}

function bzpopminCommand(client: Client): void {
  popOrBlock(client, false);
}

function bzpopmaxCommand(client: Client): void {
  popOrBlock(client, true);
}

function popOrBlock(client: Client, isMax: boolean): void {
  const { argv } = client;
  const timeoutMs = timeoutArgument(argv, argv.count - 1);
  const pop = { isMax, count: 1, isNested: false };
  const keyIndexes = indexesFrom(1, argv.count - 2);
  if (!popFromFirst(client, keyIndexes, pop)) block(client, keyIndexes, timeoutMs, pop);
}

function zmpopCommand(client: Client): void {
  const pop = parsePop(client.argv, 1);
  const keyIndexes = indexesFrom(2, keyCountOf(client.argv, 1));
  if (!popFromFirst(client, keyIndexes, pop)) client.reply.nilArray();
}

function bzmpopCommand(client: Client): void {
  const { argv } = client;
  const pop = parsePop(argv, 2);
  const timeoutMs = timeoutArgument(argv, 1);
  const keyIndexes = indexesFrom(3, keyCountOf(argv, 2));
  if (!popFromFirst(client, keyIndexes, pop)) block(client, keyIndexes, timeoutMs, pop);
}

function keyCountOf(argv: Argv, index: number): number {
  return boundedIntegerArgument(argv, index, 1, COUNT_MAX, NO_KEYS);
}

/** Reads MIN or MAX and COUNT, which follow the keys of ZMPOP. */
function parsePop(argv: Argv, keyCountIndex: number): Pop {
  const whereIndex = keyCountIndex + keyCountOf(argv, keyCountIndex) + 1;
  if (whereIndex >= argv.count) throw SYNTAX_ERROR;
  const isMax = argv.is(whereIndex, "max");
  if (!isMax && !argv.is(whereIndex, "min")) throw SYNTAX_ERROR;
  let count = 0;
  for (let index = whereIndex + 1; index < argv.count; index += 2) {
    if (count !== 0 || index + 1 === argv.count || !argv.is(index, "count")) throw SYNTAX_ERROR;
    count = boundedIntegerArgument(argv, index + 1, 1, COUNT_MAX, NO_COUNT);
  }
  return { isMax, count: count || 1, isNested: true };
}

function indexesFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, offset) => first + offset);
}

/** Pops from the first key that exists; returns whether there was one. */
function popFromFirst(client: Client, keyIndexes: number[], pop: Pop): boolean {
  const { argv } = client;
  for (const index of keyIndexes) {
    const entry = typedForWrite(client, index, TYPE_SORTED_SET);
    if (entry === 0) continue;
    popWithKey(client, argv, index, entry, pop);
    return true;
  }
  return false;
}

/** Replies with the key and what is popped from it, and says so to the AOF. */
function popWithKey(
  client: Client,
  argv: Argv,
  keyIndex: number,
  entry: Ref,
  pop: Pop,
): void {
  const { reply } = client;
  const { isMax, isNested } = pop;
  const count = Math.min(pop.count, countOf(client, entry));
  reply.array(isNested ? 2 : 3);
  reply.bulk(argv.bytes, argv.starts[keyIndex], argv.lengths[keyIndex]);
  if (isNested) reply.array(count);
  const command = isMax ? "ZPOPMAX" : "ZPOPMIN";
  const name = argv.copy(keyIndex);
  if (isNested) client.propagateAs(command, name, String(count));
  else client.propagateAs(command, name);
  popMembers(client, argv, keyIndex, entry, isMax, count, isNested);
}

function block(client: Client, keyIndexes: number[], timeoutMs: number, pop: Pop): void {
  if (client.has(REDIS_DENY_BLOCKING)) return client.reply.nilArray();
  const serve = (blocked: Client, key: Uint8Array, entry: Ref) => {
    popWithKey(blocked, new Argv().point(key, 0, key.length), 0, entry, pop);
    return true;
  };
  const expire = (blocked: Client) => blocked.reply.nilArray();
  const types = 1 << TYPE_SORTED_SET;
  client.host.blocking.block(client, keyIndexes, types, timeoutMs, serve, expire);
}

/**
 * Replies with the `count` lowest or highest members, each followed by its score, and removes them;
 * there must be so many. Announces the change, and the end of the key if none is left.
 */
function popMembers(
  client: Client,
  argv: Argv,
  keyIndex: number,
  entry: Ref,
  isMax: boolean,
  count: number,
  isNested: boolean,
): void {
  const { db, reply } = client;
  const { arena } = db;
  const encoding = value.encodingOf(arena, entry);
  const ref = value.valueRef(arena, entry);
  const total = sortedSet.count(arena, encoding, ref);
  cursor.seek(arena, encoding, ref, isMax ? total - 1 : 0);
  for (let left = count; left > 0; left--) {
    if (isNested) reply.array(2);
    cursor.readMember(view);
    reply.bulk(view.bytes, view.start, view.length);
    reply.double(cursor.score);
    if (left > 1) cursor.advance(isMax);
  }
  sortedSet.removeRange(arena, entry, isMax ? total - count : 0, count);
  db.changed(argv, keyIndex, EVENT_SORTED_SET, isMax ? "zpopmax" : "zpopmin");
  db.keyspace.dirty += count - 1;
  if (count === total) db.removeEmptied(argv, keyIndex);
}

function countOf({ db }: Client, entry: Ref): number {
  const { arena } = db;
  return sortedSet.count(arena, value.encodingOf(arena, entry), value.valueRef(arena, entry));
}
