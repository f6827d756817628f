/**
 * Stream deletions: deleting entries one by one with regard to the groups that may need them, as
 * the options of Redis 8.2 ask for it:
 *
 *   KEEPREF   groups keep what they know of the entry (the rule)
 *   DELREF    all groups forget it
 *   ACKED     it goes only when every group has got and acknowledged it
 *
 * What was done is recorded as XACK, XDEL and XTRIM without such options, so that servers of any
 * age can read the file.
 */
import { scratch } from "../base/scratch.ts";
import { latin1Text, Slice } from "../base/bytes.ts";
import { EVENT_STREAM } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { Id128 } from "../structures/id128.ts";
import { idText } from "../values/stream_id.ts";
import { isReferenced, removeReferences } from "../values/stream_references.ts";
import * as streamGroup from "../values/stream_group.ts";
import * as streamValue from "../values/stream_value.ts";
import * as streamTrimming from "../values/stream_trimming.ts";
import type { StreamTrim } from "../values/stream_trimming.ts";
import { ACKNOWLEDGED, FORGET } from "./stream_arguments.ts";

const bound = new Id128();
const name = scratch(new Slice());

/** The deletions of one command in one stream. */
export class Deletions {
  readonly #client: Client;
  readonly #stream: Ref;
  readonly #deleted: string[] = [];
  /** Entries that went as a plain trim removes them, by whole nodes where it can. */
  #trimmed = 0;
  readonly #acknowledged = new Map<string, string[]>();

  constructor(client: Client, stream: Ref) {
    this.#client = client;
    this.#stream = stream;
  }

  /** Removes the entry of an id; returns whether there was one. */
  remove(id: Id128): boolean {
    const { arena } = this.#client.db;
    const stream = this.#stream;
    if (!streamValue.removeEntry(arena, stream, id)) return false;
    streamValue.readMaxDeletedId(arena, stream, bound);
    if (bound.compare(id) < 0) streamValue.setMaxDeletedId(arena, stream, id);
    this.#deleted.push(idText(id));
    return true;
  }

  /** Makes all groups forget the entry of an id. */
  forget(id: Id128): void {
    const { arena } = this.#client.db;
    for (const group of removeReferences(arena, this.#stream, id)) this.acknowledged(group, id);
  }

  /** Notes that a group has an entry pending no more. */
  acknowledged(group: Ref, id: Id128): void {
    dictEntry.readKey(this.#client.db.arena, group, name);
    const text = latin1Text(name.bytes, name.start, name.length);
    const ids = this.#acknowledged.get(text);
    if (ids === undefined) this.#acknowledged.set(text, [idText(id)]);
    else ids.push(idText(id));
  }

  /**
   * Trims by single entries from the start: those that groups need stay (ACKED), or are forgotten
   * (DELREF). Returns how many went.
   */
  trim(how: StreamTrim, policy: number): number {
    const { arena } = this.#client.db;
    const stream = this.#stream;
    if (streamGroup.groupCount(arena, stream) === 0) {
      this.#trimmed = streamTrimming.trim(arena, stream, how);
      return this.#trimmed;
    }
    const ids = streamTrimming.idsToTrim(
      arena,
      stream,
      how,
      (id) => policy !== ACKNOWLEDGED || !isReferenced(arena, stream, id),
    );
    for (const id of ids) {
      if (policy === FORGET) this.forget(id);
      this.remove(id);
    }
    if (ids.length > 0) streamValue.refreshFirstId(arena, stream);
    return ids.length;
  }

  /** Counts, announces and records everything; keeps the first id of the stream right. */
  finish(event: string): void {
    const client = this.#client;
    const { db, argv } = client;
    const key = argv.copy(1);
    for (const [group, ids] of this.#acknowledged) {
      db.keyspace.dirty += ids.length;
      client.propagateAs("XACK", key, group, ...ids);
    }
    const removed = this.#deleted.length + this.#trimmed;
    if (removed === 0) return;
    db.changed(argv, 1, EVENT_STREAM, event);
    db.keyspace.dirty += removed - 1;
    if (this.#trimmed > 0) {
      const length = streamValue.length(db.arena, this.#stream);
      client.propagateAs("XTRIM", key, "MAXLEN", "=", String(length));
    } else {
      streamValue.refreshFirstId(db.arena, this.#stream);
      client.propagateAs("XDEL", key, ...this.#deleted);
    }
  }
}
