/**
 * Stream effects: what reading and claiming as a group comes to, as it is recorded: entries by
 * XCLAIM with time and number of deliveries, the place of the group by XGROUP SETID, consumers by
 * XGROUP CREATECONSUMER. Replaying them needs no clock and finds the same.
 */
import { scratch } from "../base/scratch.ts";
import { Slice } from "../base/bytes.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { Id128 } from "../structures/id128.ts";
import * as streamGroup from "../values/stream_group.ts";
import { claimTimeText, type PendingEntry } from "../values/stream_group.ts";
import { idText } from "../values/stream_id.ts";

const NO_BYTES = new Uint8Array(0);
const name = scratch(new Slice());
const lastId = new Id128();

/** Collects the effects of one command on one group; does nothing if nobody records them. */
export class GroupEffects {
  readonly #client: Client;
  readonly #isWanted: boolean;
  readonly #key: Uint8Array;
  readonly #group: Uint8Array;

  /** The key stands in a range of bytes, the group's name in an argument. */
  constructor(client: Client, bytes: Uint8Array, start: number, length: number, group: number) {
    this.#client = client;
    this.#isWanted = client.wantsEffects;
    this.#key = this.#isWanted ? bytes.slice(start, start + length) : NO_BYTES;
    this.#group = this.#isWanted ? client.argv.copy(group) : NO_BYTES;
  }

  /** An entry is pending as `pending` says, or is no more although it says so. */
  claim(memory: Memory, group: Ref, id: Id128, pending: PendingEntry): void {
    if (!this.#isWanted) return;
    dictEntry.readKey(memory, pending.consumer, name);
    streamGroup.readLastDelivered(memory, group, lastId);
    this.#client.propagateAs(
      "XCLAIM",
      this.#key,
      this.#group,
      name.copy(),
      "0",
      idText(id),
      "TIME",
      claimTimeText(pending),
      "RETRYCOUNT",
      String(pending.count.toBigInt()),
      "FORCE",
      "JUSTID",
      "LASTID",
      idText(lastId),
    );
  }

  /** The group has come to another place. */
  moveGroup(memory: Memory, group: Ref): void {
    if (!this.#isWanted) return;
    streamGroup.readLastDelivered(memory, group, lastId);
    const read = String(streamGroup.entriesRead(memory, group));
    this.#client.propagateAs(
      "XGROUP",
      "SETID",
      this.#key,
      this.#group,
      idText(lastId),
      "ENTRIESREAD",
      read,
    );
  }

  /** A consumer was created. */
  createConsumer(memory: Memory, consumer: Ref): void {
    if (!this.#isWanted) return;
    dictEntry.readKey(memory, consumer, name);
    this.#client.propagateAs("XGROUP", "CREATECONSUMER", this.#key, this.#group, name.copy());
  }
}
