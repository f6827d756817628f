/**
 * Hash access: what hash commands have in common: the hash of a key with its limits, and fields
 * that have expired, which are treated as missing. As in Redis they are removed by a command that
 * asks for that very field, and passed over by those that walk over all.
 */
import type { Slice } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import { answersSince } from "../config/version.ts";
import type { Database } from "../keyspace/database.ts";
import {
  expireField,
  FIELD_LIVES,
  hasExpiredFields,
  HASH_EXPIRED,
} from "../keyspace/field_expiry.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import * as hashValue from "../values/hash_value.ts";
import * as value from "../values/value.ts";
import { typedForRead, typedForWrite } from "./arguments.ts";

/** The hash's limits, filled from the config by each command that needs them. */
const limits: hashValue.HashLimits = { listpackEntriesMax: 0, listpackValueBytesMax: 0 };

/** The limits of small hashes; good until the next call. */
export function hashLimits({ host }: Client): hashValue.HashLimits {
  limits.listpackEntriesMax = host.config.hashMaxListpackEntries;
  limits.listpackValueBytesMax = host.config.hashMaxListpackValue;
  return limits;
}

/** Creates the key of argument 1, which is missing, as an empty hash; returns its entry. */
export function createHash({ argv, db }: Client): Ref {
  const ref = hashValue.create(db.arena);
  return db.create(argv, 1, value.TYPE_HASH, value.ENCODING_LISTPACK, ref);
}

/**
 * Redis: from 7.2 on a command that sets more fields than a small hash may have makes it large
 * before, however many of them are alike.
 */
export function convertForMany(client: Client, entry: Ref, fields: number): void {
  const { config } = client.host;
  if (fields <= config.hashMaxListpackEntries || !answersSince(config, "7.2")) return;
  hashValue.makeLarge(client.db.arena, entry, fields);
}

/** The hash in argument 1, or 0, for reading the field of argument 2; 0 too if that has expired. */
export function hashWithField(client: Client): Ref {
  const entry = typedForRead(client, 1, value.TYPE_HASH);
  if (entry === 0 || !value.mayHaveExpiries(client.db.arena, entry)) return entry;
  return expireArgument(client, entry, 2) === FIELD_LIVES ? entry : 0;
}

/** The hash in argument 1, or 0, for changing the field of argument 2, which is not expired. */
export function hashForWrite(client: Client): Ref {
  const entry = typedForWrite(client, 1, value.TYPE_HASH);
  if (entry === 0 || !value.mayHaveExpiries(client.db.arena, entry)) return entry;
  return expireArgument(client, entry, 2) === HASH_EXPIRED ? 0 : entry;
}

/** Removes the field that is argument `index` if it has expired; see `expireField`. */
export function expireArgument({ argv, db }: Client, entry: Ref, index: number): number {
  return expireField(db, entry, argv.bytes, argv.starts[index], argv.lengths[index]);
}

/** When the field that is argument `index` expires; NO_EXPIRY, NO_FIELD. */
export function expiryOfArgument({ argv, db }: Client, entry: Ref, index: number): number {
  const start = argv.starts[index];
  return hashValue.expiryOf(db.arena, entry, argv.bytes, start, argv.lengths[index]);
}

/** How many fields of a hash (0: none) have not expired. */
export function visibleCount(db: Database, entry: Ref): number {
  if (entry === 0) return 0;
  const fields = hashValue.countOfKey(db.arena, entry);
  if (!hasExpiredFields(db, entry)) return fields;
  return fields - hashValue.countExpired(db.arena, entry, clock.nowMs());
}

/** Calls `visit` for every field of a hash that has not expired. */
export function forEachVisible(db: Database, entry: Ref, visit: hashValue.FieldVisitor): void {
  hashValue.forEachField(db.arena, entry, visibleOnly(db, entry, visit));
}

/** A visitor of fields of a hash that passes over those which have expired. */
export function visibleOnly(
  db: Database,
  entry: Ref,
  visit: hashValue.FieldVisitor,
): hashValue.FieldVisitor {
  if (!hasExpiredFields(db, entry)) return visit;
  const nowMs = clock.nowMs();
  return (field: Slice, bytes: Slice, expiryMs: number) => {
    if (expiryMs === value.NO_EXPIRY || expiryMs >= nowMs) visit(field, bytes, expiryMs);
  };
}

/**
 * Tells which fields the event that was just announced was about: the arguments from `first` on,
 * one of every `step`, as far as `end`.
 */
export function announceFields(
  { argv, db }: Client,
  event: string,
  first: number,
  step: number,
  end: number,
): void {
  const { keyspace } = db;
  if (!keyspace.announcesFields) return;
  const fields: Uint8Array[] = [];
  for (let index = first; index < end; index += step) fields.push(argv.copy(index));
  keyspace.listener.fieldsEvent(db, event, argv.copy(1), fields);
}
