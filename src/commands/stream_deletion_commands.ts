/**
 * Stream deletion commands of Redis 8.2: XDELEX and XACKDEL, which delete entries with regard to
 * the groups that may still need them.
 *
 * What the words for that mean, and how they are recorded: stream_deletions.ts.
 */
import { INT64_MAX } from "../base/integers.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { Id128 } from "../structures/id128.ts";
import * as streamGroup from "../values/stream_group.ts";
import { isReferenced } from "../values/stream_references.ts";
import * as value from "../values/value.ts";
import { TYPE_STREAM } from "../values/value.ts";
import { boundedIntegerArgument, typedForWrite } from "./arguments.ts";
import { ACKNOWLEDGED, FORGET, idArgument, policyArgument } from "./stream_arguments.ts";
import { Deletions } from "./stream_deletions.ts";
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

/** Reads what follows the key, or the group. */
function deletionArguments(argv: Argv, start: number): Deletion {
  const deletion: Deletion = { policy: -1, firstId: 0, idCount: 0 };
  for (let index = start; index < argv.count; index++) {
    const policy = policyArgument(argv, index);
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
  return deletion;
}

/** Throws if one of the ids is none. Redis: looked at when there is something to delete. */
function checkIds(argv: Argv, { firstId, idCount }: Deletion): void {
  for (let index = firstId; index < firstId + idCount; index++) idArgument(argv, index, id);
}

function xdelexCommand(client: Client): void {
  const { db, argv, reply } = client;
  // Redis looks the key up first; that of another type is an error whatever the arguments are.
  const entry = typedForWrite(client, 1, TYPE_STREAM);
  const wanted = deletionArguments(argv, 2);
  const { policy, firstId, idCount } = wanted;
  if (entry === 0) return replyNotFound(client, idCount);
  checkIds(argv, wanted);
  const stream = value.valueRef(db.arena, entry);
  const deletions = new Deletions(client, stream);
  reply.array(idCount);
  for (let index = firstId; index < firstId + idCount; index++) {
    idArgument(argv, index, id);
    if (policy === ACKNOWLEDGED && isReferenced(db.arena, stream, id)) {
      reply.integer(STILL_REFERENCED);
      continue;
    }
    if (policy === FORGET) deletions.forget(id);
    reply.integer(deletions.remove(id) ? DELETED : NOT_FOUND);
  }
  client.propagateNothing();
  deletions.finish("xdel");
}

function replyNotFound({ reply }: Client, idCount: number): void {
  reply.array(idCount);
  for (let left = idCount; left > 0; left--) reply.integer(NOT_FOUND);
}

function xackdelCommand(client: Client): void {
  const { db, argv, reply } = client;
  const entry = typedForWrite(client, 1, TYPE_STREAM);
  const wanted = deletionArguments(argv, 3);
  const { policy, firstId, idCount } = wanted;
  const stream = entry === 0 ? 0 : value.valueRef(db.arena, entry);
  const group = stream === 0 ? 0 : groupArgument(client, stream, 2);
  if (group === 0) return replyNotFound(client, idCount);
  checkIds(argv, wanted);
  const deletions = new Deletions(client, stream);
  reply.array(idCount);
  for (let index = firstId; index < firstId + idCount; index++) {
    idArgument(argv, index, id);
    if (!streamGroup.removePending(db.arena, group, id)) {
      reply.integer(NOT_FOUND);
      continue;
    }
    deletions.acknowledged(group, id);
    if (policy === ACKNOWLEDGED && isReferenced(db.arena, stream, id)) {
      reply.integer(STILL_REFERENCED);
      continue;
    }
    if (policy === FORGET) deletions.forget(id);
    deletions.remove(id);
    reply.integer(DELETED);
  }
  client.propagateNothing();
  deletions.finish("xdel");
}
