/**
 * Blocking list commands: BLPOP and its kin, which wait until there is an element.
 *
 * Each tries at once what its sister without B does; if there is nothing and waiting is allowed, it
 * leaves the client with blocking.ts, which calls `serve` when a key becomes ready. What reaches
 * the AOF is never the waiting command but its effect: LPOP, RPOP, LMOVE or RPOPLPUSH.
 */
import { equalBytes } from "../base/bytes.ts";
import type { Ref } from "../memory/memory.ts";
import type { BlockOptions } from "../observers/blocking.ts";
import type { Argv } from "../protocol/argv.ts";
import { type Client, REDIS_DENY_BLOCKING, type ServeBlocked } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { WRONG_TYPE } from "../session/errors.ts";
import * as value from "../values/value.ts";
import { keysByNumber, timeoutArgument, typedForWrite } from "./arguments.ts";
import {
  isLeft,
  MOVE_KEY_SPECS,
  moveElement,
  moveGeneric,
  multiplePopArguments,
  popFirstOf,
  popOne,
  popRangeWithKey,
} from "./list_commands.ts";

const POP_COST = "O(N), N: keys that are looked at.";
const MULTIPLE_POP_COST = "O(N+M), N: keys that are looked at, M: elements taken out.";

// deno-fmt-ignore
export const listBlockingCommands: readonly RedisCommand[] = [
  { name: "blpop",      arity: -3, flags: ["write", "noscript", "blocking"],
    changedIn: ["7.2", { flags: ["write", "blocking"] }],
    keys: [1, -2, 1], proc: blpopCommand, access: "RW access delete", categories: ["@list"],
    since: "2.0.0", group: "list", complexity: POP_COST,
    summary: "Takes the first element of the first list that has any, or waits for one." },
  { name: "brpop",      arity: -3, flags: ["write", "noscript", "blocking"],
    changedIn: ["7.2", { flags: ["write", "blocking"] }],
    keys: [1, -2, 1], proc: brpopCommand, access: "RW access delete", categories: ["@list"],
    since: "2.0.0", group: "list", complexity: POP_COST,
    summary: "Takes the last element of the first list that has any, or waits for one." },
  { name: "blmove",     arity:  6, flags: ["write", "denyoom", "noscript", "blocking"],
    changedIn: ["7.2", { flags: ["write", "denyoom", "blocking"] }],
    keys: [1, 2, 1], proc: blmoveCommand, keySpecs: MOVE_KEY_SPECS, categories: ["@list"],
    since: "6.2.0", group: "list", complexity: "O(1)",
    summary: "Moves an element from an end of one list to an end of another, or waits for one." },
  { name: "brpoplpush", arity:  4, flags: ["write", "denyoom", "noscript", "blocking"],
    changedIn: ["7.2", { flags: ["write", "denyoom", "blocking"] }],
    keys: [1, 2, 1], proc: brpoplpushCommand, keySpecs: MOVE_KEY_SPECS, categories: ["@list"],
    since: "2.2.0", group: "list", complexity: "O(1)",
    summary: "Moves the last element of one list to the head of another, or waits for one." },
  { name: "blmpop",     arity: -5, flags: ["write", "blocking", "movablekeys"],
    keys: [0, 0, 0], proc: blmpopCommand,
    keySpecs: [{ flags: ["RW", "access", "delete"], begin: { index: 2 },
                 find: { keyNumberIndex: 0, firstKey: 1, step: 1 } }],
    findKeys: keysByNumber(2),
    categories: ["@list"], since: "7.0.0", group: "list", complexity: MULTIPLE_POP_COST,
    summary: "Takes elements from the first of several lists that has any, or waits for one." },
];

function blpopCommand(client: Client): void {
  blockingPop(client, true);
}

function brpopCommand(client: Client): void {
  blockingPop(client, false);
}

function blockingPop(client: Client, atHead: boolean): void {
  const { argv } = client;
  const keyCount = argv.count - 2;
  const timeoutMs = timeoutArgument(argv, argv.count - 1);
  for (let index = 1; index <= keyCount; index++) {
    const entry = typedForWrite(client, index, value.TYPE_LIST);
    if (entry !== 0) return popOneWithKey(client, index, entry, atHead);
  }
  waitForList(client, 1, keyCount, timeoutMs, (served, key, entry) => {
    if (value.typeOf(served.db.arena, entry) !== value.TYPE_LIST) return false;
    popOneWithKey(served, keyIndexOf(served.argv, 1, key), entry, atHead);
    return true;
  });
}

function blmpopCommand(client: Client): void {
  const { argv } = client;
  const { keyCount, atHead, count } = multiplePopArguments(argv, 2);
  const timeoutMs = timeoutArgument(argv, 1);
  if (popFirstOf(client, 3, keyCount, atHead, count)) return;
  waitForList(client, 3, keyCount, timeoutMs, (served, key, entry) => {
    if (value.typeOf(served.db.arena, entry) !== value.TYPE_LIST) return false;
    popRangeWithKey(served, keyIndexOf(served.argv, 3, key), entry, atHead, count);
    return true;
  });
}

function blmoveCommand(client: Client): void {
  const { argv } = client;
  const fromHead = isLeft(argv, 3);
  const toHead = isLeft(argv, 4);
  blockingMove(client, fromHead, toHead, timeoutArgument(argv, 5));
}

function brpoplpushCommand(client: Client): void {
  blockingMove(client, false, true, timeoutArgument(client.argv, 3));
}

function blockingMove(
  client: Client,
  fromHead: boolean,
  toHead: boolean,
  timeoutMs: number,
): void {
  const isPresent = typedForWrite(client, 1, value.TYPE_LIST) !== 0;
  if (isPresent) {
    moveGeneric(client, fromHead, toHead);
    const { argv } = client;
    return propagateMove(client, argv.count === 4 ? [] : [argv.copy(3), argv.copy(4)]);
  }
  // Redis: where it may not block, this answers with a null string, but after a wait with an array.
  if (client.has(REDIS_DENY_BLOCKING)) return client.reply.nil();
  waitForList(client, 1, 1, timeoutMs, (served, _key, entry) => {
    const { db, argv, reply } = served;
    if (value.typeOf(db.arena, entry) !== value.TYPE_LIST) return false;
    const target = db.lookupForWrite(argv, 2);
    if (target !== 0 && value.typeOf(db.arena, target) !== value.TYPE_LIST) {
      reply.error(WRONG_TYPE.text);
      return true;
    }
    moveElement(served, entry, target, fromHead, toHead);
    const ends = [fromHead, toHead].map((isHead) => isHead ? "left" : "right");
    propagateMove(served, argv.count === 4 ? [] : ends);
    return true;
  });
}

/** Lets the client wait for any of the keys, or answers at once where waiting is not allowed. */
export function waitForList(
  client: Client,
  firstIndex: number,
  keyCount: number,
  timeoutMs: number,
  serve: ServeBlocked,
  options: BlockOptions = {},
): void {
  if (client.has(REDIS_DENY_BLOCKING)) return client.reply.nilArray();
  const keyIndexes = Array.from({ length: keyCount }, (_, offset) => firstIndex + offset);
  const typeMask = 1 << value.TYPE_LIST;
  const { blocking } = client.host;
  blocking.block(client, keyIndexes, typeMask, timeoutMs, serve, answerTimeout, options);
}

function answerTimeout({ reply }: Client): void {
  reply.nilArray();
}

/** Takes one element of a list and replies with its key and it. */
function popOneWithKey(client: Client, keyIndex: number, entry: Ref, atHead: boolean): void {
  const { argv, reply } = client;
  reply.array(2);
  reply.bulk(argv.bytes, argv.starts[keyIndex], argv.lengths[keyIndex]);
  popOne(client, keyIndex, entry, atHead);
  client.propagateAs(atHead ? "LPOP" : "RPOP", argv.copy(keyIndex));
}

/** `ends` are the two ends by name; BRPOPLPUSH names none. */
function propagateMove(client: Client, ends: readonly (string | Uint8Array)[]): void {
  const { argv } = client;
  const name = ends.length === 0 ? "RPOPLPUSH" : "LMOVE";
  client.propagateAs(name, argv.copy(1), argv.copy(2), ...ends);
}

/** The argument from `firstIndex` on that is this key, which is one of them. */
function keyIndexOf(argv: Argv, firstIndex: number, key: Uint8Array): number {
  let index = firstIndex;
  while (
    argv.lengths[index] !== key.length ||
    !equalBytes(argv.bytes, argv.starts[index], key, 0, key.length)
  ) {
    index++;
  }
  return index;
}
