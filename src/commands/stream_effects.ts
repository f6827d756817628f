/**
 * Stream effects: what commands of streams come to, as it is recorded: an entry by XADD with its
 * id, trimming by what is left; reading and claiming as a group by XCLAIM with time and number of
 * deliveries, the place of the group by XGROUP SETID, consumers by XGROUP CREATECONSUMER. Replaying
 * them needs no clock and finds the same.
 *
 * The arguments are put together in memory that is used again: it is good until the command that
 * runs is over, which is when effects are taken.
 */
import { Slice } from "../base/bytes.ts";
import { scratch } from "../base/scratch.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import { ArgvWriter } from "../protocol/argv_writer.ts";
import type { Client } from "../session/client.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import { Id128 } from "../structures/id128.ts";
import * as streamGroup from "../values/stream_group.ts";
import { claimTimeText, type PendingEntry } from "../values/stream_group.ts";
import { formatId, idBytes } from "../values/stream_id.ts";
import * as streamValue from "../values/stream_value.ts";
import type { StreamTrim } from "../values/stream_trimming.ts";

const NO_BYTES = new Uint8Array(0);
/** Writers beyond so many are not kept for the next command. */
const WRITERS_MAX = 128;

const name = scratch(new Slice());
const lastId = new Id128();
const edgeId = new Id128();
const rewritten = new ArgvWriter();

function writeId(writer: ArgvWriter, id: Id128): void {
  writer.bytes(idBytes, 0, formatId(id));
}

/**
 * Records XADD or XTRIM as it was called, but with `id` in the place of the argument `idIndex` (0 =
 * none), and with what an approximate trim came to, so that it cuts the same again.
 */
export function recordRewritten(
  client: Client,
  stream: Ref,
  idIndex: number,
  id: Id128,
  trim: StreamTrim | null,
  trimIndex: number,
): void {
  const { argv, db } = client;
  const isTrimRewritten = trim !== null && trim.isApproximate;
  if (!client.wantsEffects || (idIndex === 0 && !isTrimRewritten)) return;
  rewritten.begin();
  for (let index = 0; index < argv.count; index++) {
    if (index === idIndex && idIndex !== 0) writeId(rewritten, id);
    else if (isTrimRewritten && index === trimIndex - 1) rewritten.text("=");
    else if (isTrimRewritten && index === trimIndex) writeTrim(db.arena, stream, trim);
    else rewritten.bytes(argv.bytes, argv.starts[index], argv.lengths[index]);
  }
  client.propagateArgv(rewritten.argv);
}

function writeTrim(memory: Memory, stream: Ref, trim: StreamTrim): void {
  if (trim.lengthMax >= 0) {
    rewritten.integer(streamValue.length(memory, stream));
  } else {
    streamValue.readEdgeId(memory, stream, edgeId);
    writeId(rewritten, edgeId);
  }
}

/**
 * Collects the effects of one command on groups; does nothing if nobody records them. Used again
 * and again: `forget` when a command begins, `begin` for each key that it works on.
 */
export class GroupEffects {
  readonly #writers: ArgvWriter[] = [];
  #written = 0;
  #client: Client | null = null;
  #isWanted = false;
  #key: Uint8Array = NO_BYTES;
  #keyStart = 0;
  #keyBytes = 0;
  #groupIndex = 0;

  /** A command begins, which has no effects so far. */
  forget(): void {
    this.#client = null;
    this.#key = NO_BYTES;
    this.#written = 0;
    if (this.#writers.length > WRITERS_MAX) this.#writers.length = WRITERS_MAX;
  }

  /** The key stands in a range of bytes, the group's name in an argument. */
  begin(client: Client, key: Uint8Array, start: number, length: number, groupIndex: number): void {
    this.#client = client;
    this.#isWanted = client.wantsEffects;
    this.#key = key;
    this.#keyStart = start;
    this.#keyBytes = length;
    this.#groupIndex = groupIndex;
  }

  /**
   * An entry is pending as `pending` says, or is no more although it says so. `idIndex`: the
   * argument that its id is, which is recorded as it was written (Redis: streamPropagateXCLAIM); 0
   * if none is.
   */
  claim(memory: Memory, group: Ref, id: Id128, pending: PendingEntry, idIndex = 0): void {
    if (!this.#isWanted) return;
    const { argv }: { argv: Argv } = this.#client!;
    dictEntry.readKey(memory, pending.consumer, name);
    streamGroup.readLastDelivered(memory, group, lastId);
    const writer = this.#beginEffect("XCLAIM", null);
    writer.bytes(name.bytes, name.start, name.length);
    writer.integer(0);
    if (idIndex === 0) writeId(writer, id);
    else writer.bytes(argv.bytes, argv.starts[idIndex], argv.lengths[idIndex]);
    writer.text("TIME");
    if (Number.isSafeInteger(pending.timeMs) && pending.timeMs >= 0) writer.integer(pending.timeMs);
    else writer.text(claimTimeText(pending));
    writer.text("RETRYCOUNT");
    if (pending.count.high === 0) writer.integer(pending.count.low >>> 0);
    else writer.text(String(pending.count.toBigInt()));
    writer.text("FORCE");
    writer.text("JUSTID");
    writer.text("LASTID");
    writeId(writer, lastId);
    this.#client!.propagateArgv(writer.argv);
  }

  /** The group has come to another place. */
  moveGroup(memory: Memory, group: Ref): void {
    if (!this.#isWanted) return;
    streamGroup.readLastDelivered(memory, group, lastId);
    const writer = this.#beginEffect("XGROUP", "SETID");
    writeId(writer, lastId);
    writer.text("ENTRIESREAD");
    writer.text(String(streamGroup.entriesRead(memory, group)));
    this.#client!.propagateArgv(writer.argv);
  }

  /** A consumer was created. */
  createConsumer(memory: Memory, consumer: Ref): void {
    if (!this.#isWanted) return;
    dictEntry.readKey(memory, consumer, name);
    const writer = this.#beginEffect("XGROUP", "CREATECONSUMER");
    writer.bytes(name.bytes, name.start, name.length);
    this.#client!.propagateArgv(writer.argv);
  }

  /** A writer with the names of command, key and group. */
  #beginEffect(command: string, subcommand: string | null): ArgvWriter {
    const { argv }: { argv: Argv } = this.#client!;
    const writer = this.#writers[this.#written++] ??= new ArgvWriter();
    writer.begin();
    writer.text(command);
    if (subcommand !== null) writer.text(subcommand);
    writer.bytes(this.#key, this.#keyStart, this.#keyBytes);
    const { bytes, starts, lengths } = argv;
    writer.bytes(bytes, starts[this.#groupIndex], lengths[this.#groupIndex]);
    return writer;
  }
}

/** The effects of the command that runs. */
export const groupEffects = scratch(new GroupEffects());
