/**
 * LMOVEM and BLMOVEM: move several elements from an end of one list to an end of another, one by
 * one (OBO) or as they stand (BULK). BLMOVEM waits until there are any, or as many as EXACTLY says.
 * Their effects are recorded as those of commands that every server knows.
 */
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import { EVENT_LIST } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import * as listValue from "../values/list_value.ts";
import * as value from "../values/value.ts";
import { boundedIntegerArgument, timeoutArgument, typedForWrite } from "./arguments.ts";
import { waitForList } from "./list_blocking_commands.ts";
import { announceRemoved, isLeft, listOf, MOVE_KEY_SPECS } from "./list_commands.ts";

// deno-fmt-ignore
export const listMoveCommands: readonly RedisCommand[] = [
  { name: "lmovem", arity: -5, flags: ["write", "denyoom"], keys: [1, 2, 1],
    proc: lmovemCommand, keySpecs: MOVE_KEY_SPECS, categories: ["@list"],
    since: "8.10.0", group: "list", complexity: "O(N), N: elements moved.",
    summary: "Moves elements from an end of one list to an end of another." },
  { name: "blmovem", arity: -6, flags: ["write", "denyoom", "noscript", "blocking"],
    keys: [1, 2, 1], proc: blmovemCommand, keySpecs: MOVE_KEY_SPECS, categories: ["@list"],
    since: "8.10.0", group: "list", complexity: "O(N), N: elements moved.",
    summary: "Moves elements from one list to another as LMOVEM does, or waits for them." },
];

const BAD_COUNT = commandError("ERR count should be greater than 0");

/** Which elements are moved, and how. */
interface Move {
  fromHead: boolean;
  toHead: boolean;
  count: number;
  /** So many or none. */
  isExact: boolean;
  /** One after the other: between equal ends their order is turned round. */
  isOneByOne: boolean;
}

const view = scratch(new Slice());

function lmovemCommand(client: Client): void {
  const { db: { arena }, argv, reply } = client;
  const move = moveArguments(argv, 5);
  const source = typedForWrite(client, 1, value.TYPE_LIST);
  const target = typedForWrite(client, 2, value.TYPE_LIST);
  const length = source === 0 ? 0 : listValue.length(arena, value.valueRef(arena, source));
  if (move.isExact && length < move.count) return reply.nilArray();
  if (length === 0) return reply.array(0);
  moveElements(client, source, target, move);
}

function blmovemCommand(client: Client): void {
  const { argv } = client;
  const move = moveArguments(argv, 6);
  const timeoutMs = timeoutArgument(argv, 5);
  const source = typedForWrite(client, 1, value.TYPE_LIST);
  if (moveIfEnough(client, source, move)) return;
  waitForList(client, 1, 1, timeoutMs, (served, _key, entry) => {
    const isList = value.typeOf(served.db.arena, entry) === value.TYPE_LIST;
    return isList && moveIfEnough(served, entry, move);
  }, { wantsChanges: move.isExact });
}

/** Moves if the source (0: there is none) has what is wanted, and returns whether it had. */
function moveIfEnough(client: Client, source: Ref, move: Move): boolean {
  const { arena } = client.db;
  const wanted = move.isExact ? move.count : 1;
  const length = source === 0 ? 0 : listValue.length(arena, value.valueRef(arena, source));
  if (length < wanted) return false;
  moveElements(client, source, typedForWrite(client, 2, value.TYPE_LIST), move);
  return true;
}

/** The ends, and what stands from argument `block` on, if anything does. */
function moveArguments(argv: Argv, block: number): Move {
  const fromHead = isLeft(argv, 3);
  const toHead = isLeft(argv, 4);
  const move = { fromHead, toHead, count: 1, isExact: false, isOneByOne: true };
  if (argv.count === block) return move;
  if (argv.count !== block + 3) throw SYNTAX_ERROR;
  move.isExact = argv.is(block, "exactly");
  move.isOneByOne = argv.is(block + 2, "obo");
  if (!move.isExact && !argv.is(block, "count")) throw SYNTAX_ERROR;
  if (!move.isOneByOne && !argv.is(block + 2, "bulk")) throw SYNTAX_ERROR;
  move.count = boundedIntegerArgument(argv, block + 1, 1, Infinity, BAD_COUNT);
  return move;
}

/** Moves elements of a list that has some, and replies with them in the order of the target. */
function moveElements(client: Client, sourceEntry: Ref, targetEntry: Ref, move: Move): void {
  const { db, argv, reply, host } = client;
  const { arena } = db;
  const { fromHead, toHead } = move;
  const list = value.valueRef(arena, sourceEntry);
  const length = listValue.length(arena, list);
  const count = Math.min(move.count, length);
  const isSame = sourceEntry === targetEntry;
  const first = fromHead ? 0 : length - count;
  let moved = copyRange(client, list, first, count);
  if (move.isOneByOne && fromHead === toHead) {
    // In the same list it is the same element again and again.
    moved = isSame ? moved.fill(moved[fromHead ? 0 : count - 1]) : moved.reverse();
  }
  const staysAsItIs = isSame && fromHead === toHead;
  if (!staysAsItIs) {
    listValue.removeRange(arena, list, first, count);
    const target = listOf(client, 2, targetEntry);
    const fill = host.config.listMaxListpackSize;
    for (const element of toHead ? moved.toReversed() : moved) {
      listValue.push(arena, target, toHead, element, 0, element.length, fill);
    }
  }
  db.changed(argv, 2, EVENT_LIST, toHead ? "lpush" : "rpush");
  // The moves count once each, as those of LMOVE.
  db.keyspace.dirty--;
  announceRemoved(client, 1, list, fromHead, count);
  reply.array(count);
  for (const element of moved) reply.bulk(element, 0, element.length);
  if (!client.wantsEffects) return;
  if (staysAsItIs) client.propagateNothing();
  else propagateMoves(client, moved, isSame, move);
}

function copyRange({ db }: Client, list: Ref, first: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, offset) => {
    listValue.readAt(db.arena, list, first + offset, view);
    return view.copy();
  });
}

/** Within a list element by element, for taking out all of them would end its expiry. */
function propagateMoves(
  client: Client,
  moved: readonly Uint8Array[],
  isSame: boolean,
  { fromHead, toHead }: Move,
): void {
  const { argv } = client;
  const [source, target] = [argv.copy(1), argv.copy(2)];
  if (isSame) {
    for (let left = moved.length; left > 0; left--) {
      client.propagateAs("LMOVE", source, target, argv.copy(3), argv.copy(4));
    }
    return;
  }
  client.propagateAs(fromHead ? "LPOP" : "RPOP", source, String(moved.length));
  const pushed = toHead ? moved.toReversed() : moved;
  client.propagateAs(toHead ? "LPUSH" : "RPUSH", target, ...pushed);
}
