/**
 * Member removal: what SREM, HDEL and ZREM have in common: each argument behind the key is taken
 * out of the value, and a value that has become empty takes its key with it.
 */
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import { nextExpiryOfKey } from "../values/element_expiry.ts";
import type { Client } from "../session/client.ts";
import { typedForWrite } from "./arguments.ts";

/** What is removed from, and how it is announced. */
export interface MemberRemoval {
  /** TYPE_… of values/value.ts. */
  readonly type: number;
  /** EVENT_… of the type, and the event's name. */
  readonly eventClass: number;
  readonly event: string;
  /** Members of a key. */
  readonly count: (arena: Arena, entry: Ref) => number;
  /** Removes a member; returns whether it was there. */
  readonly remove: (
    arena: Arena,
    entry: Ref,
    bytes: Uint8Array,
    start: number,
    length: number,
  ) => boolean;
  /** The members are fields of a hash, of which subscribers may hear. */
  readonly hasFields?: true;
}

/** Carries out the command in `argv` and replies the number of members removed. */
export function removeMembers(client: Client, removal: MemberRemoval): void {
  const { db, argv, reply } = client;
  const { arena } = db;
  const { type, count, remove } = removal;
  const entry = typedForWrite(client, 1, type);
  if (entry === 0) return reply.integer(0);
  const fields = removal.hasFields && db.keyspace.announcesFields ? [] as Uint8Array[] : null;
  let removed = 0;
  let left = count(arena, entry);
  const beforeMs = nextExpiryOfKey(arena, entry);
  for (let index = 2; index < argv.count && left > 0; index++) {
    if (!remove(arena, entry, argv.bytes, argv.starts[index], argv.lengths[index])) continue;
    fields?.push(argv.copy(index));
    removed++;
    left--;
  }
  if (removed > 0) {
    db.expiryOrder.changed(entry, beforeMs);
    db.changed(argv, 1, removal.eventClass, removal.event);
    if (fields !== null) {
      db.keyspace.listener.fieldsEvent(db, removal.event, argv.copy(1), fields);
    }
    db.keyspace.dirty += removed - 1;
    if (left === 0) db.removeEmptied(argv, 1);
  }
  reply.integer(removed);
}
