/**
 * Hash expiry commands: setting, dropping and reading the time at which fields of a hash vanish.
 *
 * What reaches the AOF is always the moment in ms since 1970 (HPEXPIREAT, HSETEX … PXAT), and only
 * for fields that got it; or HDEL, once for each field, if that moment has passed already.
 *
 * Redis: to these commands a field that has expired, but was not removed yet, exists: it is given
 * another expiry, and lives again. (Those that read, drop or return say that it is missing.)
 */
import * as clock from "../base/clock.ts";
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import { isFieldExpired } from "../keyspace/field_expiry.ts";
import { EVENT_HASH } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import { rangeSpec, type RedisCommand } from "../session/command.ts";
import { nextExpiryOfKey } from "../values/element_expiry.ts";
import * as hashValue from "../values/hash_value.ts";
import * as value from "../values/value.ts";
import { TYPE_HASH } from "../values/value.ts";
import { typedForRead, typedForWrite } from "./arguments.ts";
import { FieldChange } from "./field_change.ts";
import {
  announceFields,
  convertForMany,
  createHash,
  expiryOfArgument,
  hashLimits,
} from "./hash_access.ts";
import {
  conditionArgument,
  type ExpiryCondition,
  fieldExpiryArgument,
  type FieldExpiryOption,
  fieldListArgument,
  getexArguments,
  PARAMETER_NOT_POSITIVE,
  setexArguments,
} from "./hash_expiry_arguments.ts";

const COMPLEXITY = "O(N), N: fields that are named.";

// deno-fmt-ignore
export const hashExpiryCommands: readonly RedisCommand[] = [
  { name: "hexpire", arity: -6, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW update", categories: ["@hash"], since: "7.4.0", group: "hash",
    proc: hexpireCommand, complexity: COMPLEXITY,
    summary: "Lets fields of a hash vanish after some seconds." },
  { name: "hpexpire", arity: -6, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW update", categories: ["@hash"], since: "7.4.0", group: "hash",
    proc: hpexpireCommand, complexity: COMPLEXITY,
    summary: "Lets fields of a hash vanish after some milliseconds." },
  { name: "hexpireat", arity: -6, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW update", categories: ["@hash"], since: "7.4.0", group: "hash",
    proc: hexpireatCommand, complexity: COMPLEXITY,
    summary: "Lets fields of a hash vanish at a Unix time in seconds." },
  { name: "hpexpireat", arity: -6, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW update", categories: ["@hash"], since: "7.4.0", group: "hash",
    proc: hpexpireatCommand, complexity: COMPLEXITY,
    summary: "Lets fields of a hash vanish at a Unix time in milliseconds." },
  { name: "httl", arity: -5, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO access", categories: ["@hash"], since: "7.4.0", group: "hash",
    proc: httlCommand, tips: ["nondeterministic_output"], complexity: COMPLEXITY,
    summary: "Tells how many seconds fields of a hash have left." },
  { name: "hpttl", arity: -5, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO access", categories: ["@hash"], since: "7.4.0", group: "hash",
    proc: hpttlCommand, tips: ["nondeterministic_output"], complexity: COMPLEXITY,
    summary: "Tells how many milliseconds fields of a hash have left." },
  { name: "hexpiretime", arity: -5, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO access", categories: ["@hash"], since: "7.4.0", group: "hash",
    proc: hexpiretimeCommand, complexity: COMPLEXITY,
    summary: "Tells at which Unix time in seconds fields of a hash vanish." },
  { name: "hpexpiretime", arity: -5, flags: ["readonly", "fast"], keys: [1, 1, 1],
    access: "RO access", categories: ["@hash"], since: "7.4.0", group: "hash",
    proc: hpexpiretimeCommand, complexity: COMPLEXITY,
    summary: "Tells at which Unix time in milliseconds fields of a hash vanish." },
  { name: "hpersist", arity: -5, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW update", categories: ["@hash"], since: "7.4.0", group: "hash",
    proc: hpersistCommand, complexity: COMPLEXITY,
    summary: "Lets fields of a hash stay for ever." },
  { name: "hgetex", arity: -5, flags: ["write", "fast"], keys: [1, 1, 1],
    keySpecs: [rangeSpec("RW access update", 1, 0, "It may change when fields expire.")],
    categories: ["@hash"], since: "8.0.0", group: "hash",
    proc: hgetexCommand, complexity: COMPLEXITY,
    summary: "Returns the values of fields of a hash, and may change when they expire." },
  { name: "hsetex", arity: -6, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW update", categories: ["@hash"], since: "8.0.0", group: "hash",
    proc: hsetexCommand, complexity: "O(N), N: fields that are given.",
    summary: "Sets fields of a hash, and may say when they expire." },
  { name: "hgetdel", arity: -5, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW access delete", categories: ["@hash"], since: "8.0.0", group: "hash",
    proc: hgetdelCommand, complexity: COMPLEXITY,
    summary: "Returns the values of fields of a hash, and removes the fields." },
];

/** What is told of a field: it is missing, it has no expiry; a condition was not met … */
const NO_SUCH_FIELD = -2;
const NO_TTL = -1;
const NOT_CHANGED = 0;
const CHANGED = 1;
const DELETED = 2;

const found = scratch(new Slice());

function hexpireCommand(client: Client): void {
  expireFields(client, 1000, true);
}

function hpexpireCommand(client: Client): void {
  expireFields(client, 1, true);
}

function hexpireatCommand(client: Client): void {
  expireFields(client, 1000, false);
}

function hpexpireatCommand(client: Client): void {
  expireFields(client, 1, false);
}

function expireFields(client: Client, unitMs: number, isRelative: boolean): void {
  const { db, argv, reply } = client;
  const entry = typedForWrite(client, 1, TYPE_HASH);
  const expiryMs = fieldExpiryArgument(client, 2, unitMs, isRelative);
  const condition = conditionArgument(argv, 3);
  const first = fieldListArgument(client, condition === "" ? 3 : 4, PARAMETER_NOT_POSITIVE);
  reply.array(argv.count - first);
  if (entry === 0) return replyMissing(client, first);
  const change = new FieldChange(client, entry);
  // Redis: the hash takes the other form, whether a field expires then or not.
  hashValue.makeExpiring(db.arena, entry);
  for (let index = first; index < argv.count; index++) {
    const presentMs = expiryOfArgument(client, entry, index);
    if (presentMs === hashValue.NO_FIELD) reply.integer(NO_SUCH_FIELD);
    else if (!isAllowed(condition, presentMs, expiryMs)) reply.integer(NOT_CHANGED);
    else reply.integer(change.expire(index, expiryMs) ? CHANGED : DELETED);
  }
  change.end("hexpire");
  if (!client.wantsEffects) return;
  if (change.removedCount > 0) return change.propagateRemovals();
  const isVerbatim = unitMs === 1 && !isRelative && change.fields.length === argv.count - first;
  if (change.changedCount === 0 || isVerbatim) return;
  const parts: (string | Uint8Array)[] = ["HPEXPIREAT", argv.copy(1), String(expiryMs)];
  for (let index = 3; index < first - 1; index++) parts.push(argv.copy(index));
  client.propagateAs(...parts, String(change.fields.length), ...change.fields);
}

/** Whether a condition allows an expiry in place of the present one; none counts as infinite. */
function isAllowed(condition: ExpiryCondition, presentMs: number, expiryMs: number): boolean {
  const hasExpiry = presentMs !== value.NO_EXPIRY;
  switch (condition) {
    case "nx":
      return !hasExpiry;
    case "xx":
      return hasExpiry;
    case "gt":
      return hasExpiry && expiryMs > presentMs;
    case "lt":
      return !hasExpiry || expiryMs < presentMs;
  }
  return true;
}

function hpersistCommand(client: Client): void {
  const { argv, reply } = client;
  const entry = typedForWrite(client, 1, TYPE_HASH);
  const first = fieldListArgument(client, 2);
  reply.array(argv.count - first);
  if (entry === 0) return replyMissing(client, first);
  const change = new FieldChange(client, entry);
  for (let index = first; index < argv.count; index++) {
    const presentMs = visibleExpiry(client, entry, index);
    if (presentMs === hashValue.NO_FIELD) {
      reply.integer(NO_SUCH_FIELD);
    } else if (presentMs === value.NO_EXPIRY) {
      reply.integer(NO_TTL);
    } else {
      change.persist(index);
      reply.integer(CHANGED);
    }
  }
  change.end("hpersist");
}

function replyMissing({ argv, reply }: Client, first: number): void {
  for (let index = first; index < argv.count; index++) reply.integer(NO_SUCH_FIELD);
}

function httlCommand(client: Client): void {
  replyExpiries(client, clock.nowMs(), 1000);
}

function hpttlCommand(client: Client): void {
  replyExpiries(client, clock.nowMs(), 1);
}

function hexpiretimeCommand(client: Client): void {
  replyExpiries(client, 0, 1000);
}

function hpexpiretimeCommand(client: Client): void {
  replyExpiries(client, 0, 1);
}

/** Replies with the expiry of each field, counted from `originMs` in `unitMs`, rounded up. */
function replyExpiries(client: Client, originMs: number, unitMs: number): void {
  const { argv, reply } = client;
  const entry = typedForRead(client, 1, TYPE_HASH);
  const first = fieldListArgument(client, 2);
  reply.array(argv.count - first);
  if (entry === 0) return replyMissing(client, first);
  for (let index = first; index < argv.count; index++) {
    const expiryMs = visibleExpiry(client, entry, index);
    if (expiryMs === hashValue.NO_FIELD) reply.integer(NO_SUCH_FIELD);
    else if (expiryMs === value.NO_EXPIRY) reply.integer(NO_TTL);
    else reply.integer(Math.ceil((expiryMs - originMs) / unitMs));
  }
}

/** When the field that is argument `index` expires; NO_FIELD too if it has. */
function visibleExpiry(client: Client, entry: Ref, index: number): number {
  const { argv, db } = client;
  const { bytes, starts, lengths } = argv;
  if (isFieldExpired(db, entry, bytes, starts[index], lengths[index])) return hashValue.NO_FIELD;
  return expiryOfArgument(client, entry, index);
}

function hgetexCommand(client: Client): void {
  const { db, argv, reply } = client;
  const change = new FieldChange(client, typedForWrite(client, 1, TYPE_HASH));
  const { option, first } = getexArguments(client);
  const { kind, expiryMs } = option;
  reply.array(argv.count - first);
  change.expireNamed(first, 1, false);
  if (change.entry !== 0 && kind !== "none") hashValue.makeExpiring(db.arena, change.entry);
  for (let index = first; index < argv.count; index++) {
    if (!replyField(client, change, index)) continue;
    if (kind === "set") change.expire(index, expiryMs);
    else if (kind === "persist" && hasExpiry(client, change, index)) change.persist(index);
  }
  change.end(kind === "persist" ? "hpersist" : "hexpire");
  if (change.removedCount > 0) return change.propagateRemovals();
  if (change.changedCount === 0 || !client.wantsEffects) return;
  // Redis: with all fields as they were named, those that are missing too.
  const parts: (string | Uint8Array)[] = kind === "persist"
    ? ["HPERSIST", argv.copy(1)]
    : ["HPEXPIREAT", argv.copy(1), String(expiryMs)];
  for (let index = first - 2; index < argv.count; index++) parts.push(argv.copy(index));
  client.propagateAs(...parts);
}

function hasExpiry(client: Client, { entry }: FieldChange, index: number): boolean {
  return expiryOfArgument(client, entry, index) !== value.NO_EXPIRY;
}

/** Replies with the value of the field that is argument `index`, or nil; whether it is there. */
function replyField(client: Client, change: FieldChange, index: number): boolean {
  const { argv, db, reply } = client;
  if (!change.has(index)) {
    reply.nil();
    return false;
  }
  const start = argv.starts[index];
  hashValue.get(db.arena, change.entry, argv.bytes, start, argv.lengths[index], found);
  reply.bulk(found.bytes, found.start, found.length);
  return true;
}

function hgetdelCommand(client: Client): void {
  const { argv, reply } = client;
  const change = new FieldChange(client, typedForWrite(client, 1, TYPE_HASH));
  const first = fieldListArgument(client, 2);
  reply.array(argv.count - first);
  change.expireNamed(first, 1, false);
  for (let index = first; index < argv.count; index++) {
    if (replyField(client, change, index)) change.remove(index);
  }
  change.end("hdel");
  if (change.removedCount === 0 || !client.wantsEffects) return;
  const parts: (string | Uint8Array)[] = ["HDEL", argv.copy(1)];
  for (let index = first; index < argv.count; index++) parts.push(argv.copy(index));
  client.propagateAs(...parts);
}

function hsetexCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { option, condition, first } = setexArguments(client);
  const change = new FieldChange(client, typedForWrite(client, 1, TYPE_HASH));
  const isMet = condition === "" || change.areAll(first, 2, condition === "fxx");
  if (!isMet) return reply.integer(0);
  if (change.entry === 0) change.entry = createHash(client);
  convertForMany(client, change.entry, (argv.count - first) / 2);
  if (option.kind === "set") hashValue.makeExpiring(db.arena, change.entry);
  setFields(client, change.entry, first, option.kind === "keep");
  db.changed(argv, 1, EVENT_HASH, "hset");
  announceFields(client, "hset", first, 2, argv.count);
  db.keyspace.dirty += (argv.count - first) / 2 - 1;
  reply.integer(1);
  if (option.kind !== "set") return;
  const isPast = change.isPast(option.expiryMs);
  for (let index = first; index < argv.count; index += 2) {
    if (!isPast || change.has(index)) change.expire(index, option.expiryMs);
  }
  change.end("hexpire");
  if (isPast) return change.propagateRemovals();
  if (!argv.is(option.index, "pxat")) propagateAbsolute(client, option);
}

/** Sets the fields from argument `first` on to what stands behind each. */
function setFields(client: Client, entry: Ref, first: number, keepsExpiry: boolean): void {
  const { db, argv } = client;
  const { bytes, starts, lengths } = argv;
  const beforeMs = nextExpiryOfKey(db.arena, entry);
  const limits = hashLimits(client);
  const set = keepsExpiry ? hashValue.setKeepingExpiry : hashValue.set;
  for (let index = first; index < argv.count; index += 2) {
    set(
      db.arena,
      entry,
      bytes,
      starts[index],
      lengths[index],
      bytes,
      starts[index + 1],
      lengths[index + 1],
      limits,
    );
  }
  db.expiryOrder.changed(entry, beforeMs);
}

/** Records the command with the moment of its expiry in place of a relative time. */
function propagateAbsolute(client: Client, { index: at, expiryMs }: FieldExpiryOption): void {
  if (!client.wantsEffects) return;
  const { argv } = client;
  const parts: (string | Uint8Array)[] = [];
  for (let index = 0; index < argv.count; index++) parts.push(argv.copy(index));
  parts[at] = "PXAT";
  parts[at + 1] = String(expiryMs);
  client.propagateAs(...parts);
}
