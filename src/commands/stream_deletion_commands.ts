/**
 * Stream deletion commands of Redis 8.2: XDELEX and XACKDEL, which delete entries with regard to
 * the groups that may still need them.
 *
 *   KEEPREF   groups keep what they know of the entry (the rule, as of XDEL)
 *   DELREF    all groups forget it
 *   ACKED     it goes only when every group has got and acknowledged it
 *
 * They are recorded as XACK and XDEL, so that servers of any age can read the file.
 */
import { scratch } from "../base/scratch.ts";
import { Slice } from "../base/bytes.ts";
import { INT64_MAX } from "../base/integers.ts";
import { EVENT_STREAM } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { Id128 } from "../structures/id128.ts";
import * as streamGroup from "../values/stream_group.ts";
import { idText } from "../values/stream_id.ts";
import { isReferenced, removeReferences } from "../values/stream_references.ts";
import * as streamValue from "../values/stream_value.ts";
import * as value from "../values/value.ts";
import { TYPE_STREAM } from "../values/value.ts";
import { boundedIntegerArgument, typedForWrite } from "./arguments.ts";
import { idArgument } from "./stream_arguments.ts";
import { groupArgument } from "./stream_groups.ts";

// deno-fmt-ignore
export const streamDeletionCommands: readonly RedisCommand[] = [
  { name: "xdelex", arity: -5, flags: ["write", "fast"], keys: [1, 1, 1], access: "RW delete",
    categories: ["@stream"], since: "8.2.0", group: "stream", proc: xdelexCommand,
    complexity: "O(1) per entry, whatever the length of the stream.",
    summary: "Removes entries, with or without regard to the groups that may need them." },
  { name: "xackdel", arity: -6, flags: ["write", "fast"], keys: [1, 1, 1],
    access: "RW update delete", categories: ["@stream"], since: "8.2.0", group: "stream",
    proc: xackdelCommand, complexity: "O(1) per id.",
    summary: "Takes entries off the pending ones of a group, and removes them." },
];

const BAD_COUNT = commandError("ERR Number of IDs must be a positive integer");
const COUNT_MISMATCH = commandError(
  "ERR The `numids` parameter must match the number of arguments",
);

const KEEP = 0;
const FORGET = 1;
const ACKNOWLEDGED = 2;

const DELETED = 1;
const NOT_FOUND = -1;
const STILL_REFERENCED = 2;

interface Deletion {
  /** KEEP, FORGET or ACKNOWLEDGED. */
  policy: number;
  firstId: number;
  idCount: number;
}

const id = new Id128();
const bound = new Id128();
const name = scratch(new Slice());

/** Reads what follows the key, or the group. */
function deletionArguments(argv: Argv, start: number): Deletion {
  const deletion: Deletion = { policy: -1, firstId: 0, idCount: 0 };
  for (let index = start; index < argv.count; index++) {
    const policy = policyAt(argv, index);
    if (policy >= 0) {
      if (deletion.policy >= 0) throw SYNTAX_ERROR;
      deletion.policy = policy;
    } else if (argv.is(index, "ids") && index + 1 < argv.count) {
      deletion.idCount = boundedIntegerArgument(argv, index + 1, 1, Number(INT64_MAX), BAD_COUNT);
      if (deletion.idCount > argv.count - index - 2) throw COUNT_MISMATCH;
      deletion.firstId = index + 2;
      index += 1 + deletion.idCount;
    } else {
      throw SYNTAX_ERROR;
    }
  }
  if (deletion.idCount === 0) throw SYNTAX_ERROR;
  for (let index = 0; index < deletion.idCount; index++) {
    idArgument(argv, deletion.firstId + index, id);
  }
  return deletion;
}

function policyAt(argv: Argv, index: number): number {
  if (argv.is(index, "keepref")) return KEEP;
  if (argv.is(index, "delref")) return FORGET;
  return argv.is(index, "acked") ? ACKNOWLEDGED : -1;
}

/** What a command did, as it is recorded. */
class DeletionEffects {
  readonly #client: Client;
  readonly #deleted: string[] = [];
  readonly #acknowledged = new Map<string, string[]>();

  constructor(client: Client) {
    this.#client = client;
  }

  deleted(): void {
    this.#deleted.push(idText(id));
  }

  acknowledged(group: Ref): void {
    dictEntry.readKey(this.#client.db.arena, group, name);
    const key = String.fromCharCode(...name.copy());
    const ids = this.#acknowledged.get(key);
    if (ids === undefined) this.#acknowledged.set(key, [idText(id)]);
    else ids.push(idText(id));
  }

  /** Counts, announces and records everything; keeps the first id of the stream right. */
  finish(stream: Ref): void {
    const client = this.#client;
    const { db, argv } = client;
    const key = argv.copy(1);
    client.propagateNothing();
    for (const [group, ids] of this.#acknowledged) {
      db.keyspace.dirty += ids.length;
      client.propagateAs("XACK", key, group, ...ids);
    }
    if (this.#deleted.length === 0) return;
    streamValue.refreshFirstId(db.arena, stream);
    db.changed(argv, 1, EVENT_STREAM, "xdel");
    db.keyspace.dirty += this.#deleted.length - 1;
    client.propagateAs("XDEL", key, ...this.#deleted);
  }
}

/** Removes the entry of `id`; returns whether there was one. */
function removeEntry({ db: { arena } }: Client, stream: Ref, effects: DeletionEffects): boolean {
  if (!streamValue.removeEntry(arena, stream, id)) return false;
  streamValue.readMaxDeletedId(arena, stream, bound);
  if (bound.compare(id) < 0) streamValue.setMaxDeletedId(arena, stream, id);
  effects.deleted();
  return true;
}

function forgetEverywhere(
  { db: { arena } }: Client,
  stream: Ref,
  effects: DeletionEffects,
): void {
  for (const group of removeReferences(arena, stream, id)) effects.acknowledged(group);
}

function xdelexCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { policy, firstId, idCount } = deletionArguments(argv, 2);
  const entry = typedForWrite(client, 1, TYPE_STREAM);
  if (entry === 0) return replyNotFound(client, idCount);
  const stream = value.valueRef(db.arena, entry);
  const effects = new DeletionEffects(client);
  reply.array(idCount);
  for (let index = firstId; index < firstId + idCount; index++) {
    idArgument(argv, index, id);
    if (policy === ACKNOWLEDGED && isReferenced(db.arena, stream, id)) {
      reply.integer(STILL_REFERENCED);
      continue;
    }
    if (policy === FORGET) forgetEverywhere(client, stream, effects);
    reply.integer(removeEntry(client, stream, effects) ? DELETED : NOT_FOUND);
  }
  effects.finish(stream);
}

function replyNotFound({ reply }: Client, idCount: number): void {
  reply.array(idCount);
  for (let left = idCount; left > 0; left--) reply.integer(NOT_FOUND);
}

function xackdelCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { policy, firstId, idCount } = deletionArguments(argv, 3);
  const entry = typedForWrite(client, 1, TYPE_STREAM);
  const stream = entry === 0 ? 0 : value.valueRef(db.arena, entry);
  const group = stream === 0 ? 0 : groupArgument(client, stream, 2);
  if (group === 0) return replyNotFound(client, idCount);
  const effects = new DeletionEffects(client);
  reply.array(idCount);
  for (let index = firstId; index < firstId + idCount; index++) {
    idArgument(argv, index, id);
    if (!streamGroup.removePending(db.arena, group, id)) {
      reply.integer(NOT_FOUND);
      continue;
    }
    effects.acknowledged(group);
    if (policy === ACKNOWLEDGED && isReferenced(db.arena, stream, id)) {
      reply.integer(STILL_REFERENCED);
      continue;
    }
    if (policy === FORGET) forgetEverywhere(client, stream, effects);
    removeEntry(client, stream, effects);
    reply.integer(DELETED);
  }
  effects.finish(stream);
}
