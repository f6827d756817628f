/**
 * Stream groups: how the commands that work as a group find it and its consumers.
 */
import * as clock from "../base/clock.ts";
import { EVENT_STREAM } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import { type CommandError, commandError } from "../session/errors.ts";
import * as streamGroup from "../values/stream_group.ts";
import { groupEffects } from "./stream_effects.ts";

/** The group whose name is an argument, or 0. */
export function groupArgument({ db, argv }: Client, stream: Ref, index: number): Ref {
  const { bytes, starts, lengths } = argv;
  return streamGroup.findGroup(db.arena, stream, bytes, starts[index], lengths[index]);
}

/** The error for a group that is missing, or whose key is. */
export function noSuchGroup({ argv }: Client, keyIndex: number, groupIndex: number): CommandError {
  const key = argv.quoted(keyIndex);
  const group = argv.quoted(groupIndex);
  return commandError(`NOGROUP No such key '${key}' or consumer group '${group}'`);
}

/** The error for a group that a key, which exists, does not have. */
export function noGroupOfKey({ argv }: Client, keyIndex: number, groupIndex: number): CommandError {
  const key = argv.quoted(keyIndex);
  const group = argv.quoted(groupIndex);
  return commandError(`NOGROUP No such consumer group '${group}' for key name '${key}'`);
}

/**
 * The consumer whose name is an argument: seen now, or created if there is none. The key is named
 * by its bytes, for a client that was waiting is served by the key that became ready. That one was
 * created is one of the effects that were begun for the group.
 */
export function consumerArgument(
  client: Client,
  key: Uint8Array,
  keyStart: number,
  keyBytes: number,
  group: Ref,
  index: number,
): Ref {
  const { db, argv } = client;
  const { arena } = db;
  const { bytes, starts, lengths } = argv;
  const nowMs = clock.nowMs();
  const found = streamGroup.findConsumer(arena, group, bytes, starts[index], lengths[index]);
  if (found !== 0) {
    streamGroup.setSeenMs(arena, found, nowMs);
    return found;
  }
  const length = lengths[index];
  const created = streamGroup.createConsumer(arena, group, bytes, starts[index], length, nowMs);
  const { keyspace } = db;
  keyspace.dirty++;
  const event = "xgroup-createconsumer";
  keyspace.listener.keyEvent(db, EVENT_STREAM, event, key, keyStart, keyBytes);
  groupEffects.createConsumer(arena, created);
  return created;
}
