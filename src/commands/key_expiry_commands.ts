/**
 * Key expiry commands: setting, dropping and reading the time at which a key vanishes.
 *
 * What reaches the AOF is always the moment in ms since 1970 (PEXPIREAT), or DEL if that moment has
 * passed already: a relative time would begin anew when the file is loaded.
 */
import * as clock from "../base/clock.ts";
import { INT64_MAX } from "../base/integers.ts";
import { EVENT_GENERIC } from "../keyspace/keyspace_listener.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { type CommandError, commandError } from "../session/errors.ts";
import * as value from "../values/value.ts";
import { expiryArgument } from "./arguments.ts";

// deno-fmt-ignore
export const keyExpiryCommands: readonly RedisCommand[] = [
  { name: "expire",      arity: -3, flags: ["write", "fast"],    keys: [1, 1, 1],
    proc: expireCommand, access: "RW update", categories: ["@keyspace"],
    since: "1.0.0", group: "generic", complexity: "O(1)",
    summary: "Lets a key vanish after some seconds." },
  { name: "pexpire",     arity: -3, flags: ["write", "fast"],    keys: [1, 1, 1],
    proc: pexpireCommand, access: "RW update", categories: ["@keyspace"],
    since: "2.6.0", group: "generic", complexity: "O(1)",
    summary: "Lets a key vanish after some milliseconds." },
  { name: "expireat",    arity: -3, flags: ["write", "fast"],    keys: [1, 1, 1],
    proc: expireatCommand, access: "RW update", categories: ["@keyspace"],
    since: "1.2.0", group: "generic", complexity: "O(1)",
    summary: "Lets a key vanish at a Unix time in seconds." },
  { name: "pexpireat",   arity: -3, flags: ["write", "fast"],    keys: [1, 1, 1],
    proc: pexpireatCommand, access: "RW update", categories: ["@keyspace"],
    since: "2.6.0", group: "generic", complexity: "O(1)",
    summary: "Lets a key vanish at a Unix time in milliseconds." },
  { name: "ttl",         arity:  2, flags: ["readonly", "fast"], keys: [1, 1, 1],
    proc: ttlCommand, access: "RO access", categories: ["@keyspace"],
    since: "1.0.0", group: "generic", complexity: "O(1)",
    tips: ["nondeterministic_output"],
    summary: "Tells how many seconds a key has left." },
  { name: "pttl",        arity:  2, flags: ["readonly", "fast"], keys: [1, 1, 1],
    proc: pttlCommand, access: "RO access", categories: ["@keyspace"],
    since: "2.6.0", group: "generic", complexity: "O(1)",
    tips: ["nondeterministic_output"],
    summary: "Tells how many milliseconds a key has left." },
  { name: "expiretime",  arity:  2, flags: ["readonly", "fast"], keys: [1, 1, 1],
    proc: expiretimeCommand, access: "RO access", categories: ["@keyspace"],
    since: "7.0.0", group: "generic", complexity: "O(1)",
    summary: "Tells at which Unix time in seconds a key vanishes." },
  { name: "pexpiretime", arity:  2, flags: ["readonly", "fast"], keys: [1, 1, 1],
    proc: pexpiretimeCommand, access: "RO access", categories: ["@keyspace"],
    since: "7.0.0", group: "generic", complexity: "O(1)",
    summary: "Tells at which Unix time in milliseconds a key vanishes." },
  { name: "persist",     arity:  2, flags: ["write", "fast"],    keys: [1, 1, 1],
    proc: persistCommand, access: "RW update", categories: ["@keyspace"],
    since: "2.2.0", group: "generic", complexity: "O(1)",
    summary: "Lets a key stay for ever." },
];

const NX_WITH_OTHERS = commandError(
  "ERR NX and XX, GT or LT options at the same time are not compatible",
);
const GT_WITH_LT = commandError("ERR GT and LT options at the same time are not compatible");

/** What TTL and its kin answer for a key that does not exist, or that has no expiry. */
const NO_KEY = -2;
const NO_TTL = -1;

interface ExpireOptions {
  onlyIfNone: boolean;
  onlyIfAny: boolean;
  onlyIfLater: boolean;
  onlyIfEarlier: boolean;
}

function expireCommand(client: Client): void {
  expireGeneric(client, 1000, true);
}

function pexpireCommand(client: Client): void {
  expireGeneric(client, 1, true);
}

function expireatCommand(client: Client): void {
  expireGeneric(client, 1000, false);
}

function pexpireatCommand(client: Client): void {
  expireGeneric(client, 1, false);
}

function expireGeneric(client: Client, unitMs: number, isRelative: boolean): void {
  const { db, argv, reply } = client;
  const options = argv.count > 3 ? expireOptions(argv) : null;
  const expiryMs = expiryArgument(client, 2, unitMs, isRelative, false);
  const entry = db.lookupForWrite(argv, 1);
  if (entry === 0) return reply.integer(0);
  if (options !== null && !isAllowed(options, value.expiryOf(db.arena, entry), expiryMs)) {
    return reply.integer(0);
  }
  // While loading, a key may expire only when the file says so.
  if (expiryMs <= clock.nowMs() && db.keyspace.expiryPolicy !== "show") {
    db.remove(argv, 1);
    db.changed(argv, 1, EVENT_GENERIC, "del");
    const word = client.host.config.lazyfreeLazyExpire ? "UNLINK" : "DEL";
    client.propagateAs(word, argv.copy(1));
  } else {
    db.setExpiry(entry, expiryMs);
    db.changed(argv, 1, EVENT_GENERIC, "expire");
    if (client.wantsEffects) {
      // Redis: the options stay.
      const options = argv.copiesFrom(3);
      client.propagateAs("PEXPIREAT", argv.copy(1), String(int64Of(expiryMs)), ...options);
    }
  }
  reply.integer(1);
}

function expireOptions(argv: Argv): ExpireOptions {
  const options: ExpireOptions = {
    onlyIfNone: false,
    onlyIfAny: false,
    onlyIfLater: false,
    onlyIfEarlier: false,
  };
  for (let index = 3; index < argv.count; index++) {
    if (argv.is(index, "nx")) options.onlyIfNone = true;
    else if (argv.is(index, "xx")) options.onlyIfAny = true;
    else if (argv.is(index, "gt")) options.onlyIfLater = true;
    else if (argv.is(index, "lt")) options.onlyIfEarlier = true;
    else throw unsupportedOption(argv.quoted(index));
  }
  const { onlyIfNone, onlyIfAny, onlyIfLater, onlyIfEarlier } = options;
  if (onlyIfNone && (onlyIfAny || onlyIfLater || onlyIfEarlier)) throw NX_WITH_OTHERS;
  if (onlyIfLater && onlyIfEarlier) throw GT_WITH_LT;
  return options;
}

/** Redis: line ends at the end of the option, where the message ends too, are left out. */
function unsupportedOption(option: string): CommandError {
  return commandError(`ERR Unsupported option ${option.replace(/[\r\n]+$/, "")}`);
}

/** Whether the options allow an expiry in the place of the present one; none counts as infinite. */
function isAllowed(options: ExpireOptions, presentMs: number, expiryMs: number): boolean {
  const hasExpiry = presentMs !== value.NO_EXPIRY;
  if (options.onlyIfNone && hasExpiry) return false;
  if (options.onlyIfAny && !hasExpiry) return false;
  if (options.onlyIfLater && (!hasExpiry || expiryMs <= presentMs)) return false;
  return !(options.onlyIfEarlier && hasExpiry && expiryMs >= presentMs);
}

function persistCommand({ db, argv, reply }: Client): void {
  const entry = db.lookupForWrite(argv, 1);
  if (entry === 0 || value.expiryOf(db.arena, entry) === value.NO_EXPIRY) return reply.integer(0);
  db.setExpiry(entry, value.NO_EXPIRY);
  db.changed(argv, 1, EVENT_GENERIC, "persist");
  reply.integer(1);
}

function ttlCommand(client: Client): void {
  replyExpiry(client, clock.nowMs(), 1000);
}

function pttlCommand(client: Client): void {
  replyExpiry(client, clock.nowMs(), 1);
}

function expiretimeCommand(client: Client): void {
  replyExpiry(client, 0, 1000);
}

function pexpiretimeCommand(client: Client): void {
  replyExpiry(client, 0, 1);
}

/** Replies with the expiry, counted from `originMs` in units of `unitMs`, rounded. */
function replyExpiry({ db, argv, reply }: Client, originMs: number, unitMs: number): void {
  const entry = db.lookupUntouched(argv, 1);
  if (entry === 0) return reply.integer(NO_KEY);
  const expiryMs = value.expiryOf(db.arena, entry);
  if (expiryMs === value.NO_EXPIRY) return reply.integer(NO_TTL);
  const left = Math.max(expiryMs - originMs, 0);
  const shown = unitMs === 1 ? left : Math.floor((left + 500) / unitMs);
  if (Number.isSafeInteger(shown)) reply.integer(shown);
  else reply.bigInteger(int64Of(shown));
}

/** An expiry as an exact integer. Those near the end of int64 are kept rounded, as doubles. */
function int64Of(timeMs: number): bigint {
  const exact = BigInt(timeMs);
  return exact > INT64_MAX ? INT64_MAX : exact;
}
