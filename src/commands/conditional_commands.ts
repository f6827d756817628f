/**
 * Conditional commands: what newer servers do with strings in one step that took a script before:
 * DELEX and DELIFEQ, which delete a key only while it holds what the caller thinks (the release of
 * a lock), DIGEST, which tells what to compare with, and MSETEX, which sets all keys or none. SET
 * with such conditions stands in string_commands.ts.
 *
 * Their effects are recorded as DEL and SET, which every server understands.
 */
import { KEEP_EXPIRY } from "../keyspace/database.ts";
import { EVENT_GENERIC, EVENT_STRING } from "../keyspace/keyspace_listener.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, wrongArity } from "../session/errors.ts";
import { INVALID_KEY_ARGUMENTS } from "../session/key_positions.ts";
import * as value from "../values/value.ts";
import { NO_EXPIRY, TYPE_STRING } from "../values/value.ts";
import { boundedIntegerArgument, typedForRead, typedForWrite } from "./arguments.ts";
import { removeKey, setArgument } from "./string_commands.ts";
import {
  comparisonAt,
  digestOf,
  expiryOption,
  expiryText,
  meetsComparison,
  OPTION_ANY_COMPARISON,
  OPTION_ANY_TIME,
  OPTION_GET,
  OPTION_IFEQ,
  OPTION_KEEPTTL,
  OPTION_NX,
  OPTION_PERSIST,
  OPTION_XX,
  parseOptions,
} from "./string_options.ts";

const COMPARE_COST = "O(1) without a condition; else O(N), N: bytes that are compared or hashed.";

// deno-fmt-ignore
export const conditionalCommands: readonly RedisCommand[] = [
  { name: "delex", arity: -2, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW access delete", categories: ["@string"], since: "8.4.0", group: "string",
    complexity: COMPARE_COST, proc: delexCommand,
    summary: "Deletes a key if its string, or the digest of it, is the one given, or is not." },
  { name: "delifeq", arity: 3, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RM delete", categories: ["@string"], since: "9.0.0", group: "string",
    complexity: "O(N), N: bytes that are compared.", proc: delifeqCommand,
    summary: "Deletes a key if its string is the one given (a command of Valkey)." },
  { name: "digest", arity: 2, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO access", categories: ["@string"], since: "8.4.0", group: "string",
    complexity: "O(N), N: bytes of the string.", proc: digestCommand,
    summary: "Returns the XXH3 hash of the string at a key, in hexadecimal digits." },
  { name: "msetex", arity: -4, flags: ["write", "denyoom", "movablekeys"], keys: [0, 0, 0],
    keySpecs: [{ flags: ["OW", "update"], begin: { index: 1 },
      find: { keyNumberIndex: 0, firstKey: 1, step: 2 } }],
    findKeys: msetexKeys, categories: ["@string"], since: "8.4.0", group: "string",
    complexity: "O(N), N: keys that are given.", proc: msetexCommand,
    tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
    summary: "Stores several strings at once, with an expiry, if all keys exist or none does." },
];

const BAD_CONDITION = commandError("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
const NOT_A_STRING = commandError("ERR Key should be of string type if conditions are specified");
const BAD_KEY_NUMBER = commandError("ERR invalid numkeys value");
const BAD_PAIR_NUMBER = commandError("ERR wrong number of key-value pairs");

/** Redis: a count is an int. */
const KEYS_MAX = 2 ** 31 - 1;
/** Where the first key of MSETEX stands. */
const FIRST_KEY = 2;

function delexCommand(client: Client): void {
  const { db, argv, reply } = client;
  if (argv.count !== 2 && argv.count !== 4) throw wrongArity(client.commandName);
  const comparison = argv.count === 4 ? comparisonAt(argv, 2) : 0;
  if (argv.count === 4 && comparison === 0) throw BAD_CONDITION;
  const entry = db.lookupForWrite(argv, 1);
  if (entry === 0) return reply.integer(0);
  if (comparison !== 0) {
    if (value.typeOf(db.arena, entry) !== TYPE_STRING) throw NOT_A_STRING;
    if (!meetsComparison(client, entry, comparison, 3)) return reply.integer(0);
  }
  removeKey(client);
  reply.integer(1);
}

function delifeqCommand(client: Client): void {
  const entry = typedForWrite(client, 1, TYPE_STRING);
  const mayDelete = entry !== 0 && meetsComparison(client, entry, OPTION_IFEQ, 2);
  if (mayDelete) removeKey(client);
  client.reply.integer(mayDelete ? 1 : 0);
}

function digestCommand(client: Client): void {
  const entry = typedForRead(client, 1, TYPE_STRING);
  if (entry === 0) client.reply.nil();
  else client.reply.bulkText(digestOf(client.db.arena, entry));
}

function msetexKeys(argv: Argv): number[] {
  const keyCount = Number.parseInt(argv.text(1), 10);
  if (!(keyCount >= 1 && keyCount <= (argv.count - FIRST_KEY) / 2)) throw INVALID_KEY_ARGUMENTS;
  return Array.from({ length: keyCount }, (_, index) => FIRST_KEY + 2 * index);
}

function msetexCommand(client: Client): void {
  const { db, argv, reply } = client;
  const keyCount = boundedIntegerArgument(argv, 1, 1, KEYS_MAX, BAD_KEY_NUMBER);
  const end = FIRST_KEY + 2 * keyCount;
  if (end > argv.count) throw BAD_PAIR_NUMBER;
  const refused = OPTION_GET | OPTION_PERSIST | OPTION_ANY_COMPARISON;
  const options = parseOptions(argv, end, refused);
  let expiryMs = (options & OPTION_KEEPTTL) !== 0 ? KEEP_EXPIRY : NO_EXPIRY;
  if ((options & OPTION_ANY_TIME) !== 0) expiryMs = expiryOption(client, options, end);
  const condition = options & (OPTION_NX | OPTION_XX);
  for (let index = FIRST_KEY; condition !== 0 && index < end; index += 2) {
    const exists = db.lookupForWrite(argv, index) !== 0;
    if (exists !== (condition === OPTION_XX)) return reply.integer(0);
  }
  for (let index = FIRST_KEY; index < end; index += 2) setOne(client, index, expiryMs);
  reply.integer(1);
}

function setOne(client: Client, index: number, expiryMs: number): void {
  const { db, argv } = client;
  setArgument(client, index, index + 1, expiryMs);
  db.changed(argv, index, EVENT_STRING, "set");
  const hasTime = expiryMs !== NO_EXPIRY && expiryMs !== KEEP_EXPIRY;
  if (hasTime) db.alsoEvent(argv, index, EVENT_GENERIC, "expire");
  if (!client.wantsEffects) return;
  const parts: (string | Uint8Array)[] = ["SET", argv.copy(index), argv.copy(index + 1)];
  if (hasTime) parts.push("PXAT", expiryText(expiryMs));
  else if (expiryMs === KEEP_EXPIRY) parts.push("KEEPTTL");
  client.propagateAs(...parts);
}
