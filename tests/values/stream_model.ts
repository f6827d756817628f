/**
 * Stream model: a stream with groups beside plain arrays and maps, random changes to both, and a
 * reading of everything in a stream, for tests of the modules that make one up.
 */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import type { Arena } from "../../src/memory/arena.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import { Id128 } from "../../src/structures/id128.ts";
import { IdTreeCursor } from "../../src/structures/id_tree.ts";
import * as streamGroup from "../../src/values/stream_group.ts";
import { PendingEntry } from "../../src/values/stream_group.ts";
import { idText, MAX_ID, MIN_ID, parseId } from "../../src/values/stream_id.ts";
import type { FieldSource } from "../../src/values/stream_node.ts";
import * as streamTrimming from "../../src/values/stream_trimming.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import { StreamCursor, type StreamLimits } from "../../src/values/stream_value.ts";
import type { SeededRandom } from "../support/seeded_random.ts";

export interface ModelEntry {
  id: string;
  fields: string[];
}

interface ModelPending {
  consumer: string;
  timeMs: number;
  count: number;
}

interface ModelGroup {
  lastId: string;
  pending: Map<string, ModelPending>;
  consumers: Set<string>;
}

const view = new Slice();
const other = new Slice();

export function idOf(text: string): Id128 {
  const id = new Id128();
  const bytes = latin1Bytes(text);
  parseId(bytes, 0, bytes.length, id);
  return id;
}

/** Arguments as a command would have them. */
export function sourceOf(fields: readonly string[]): FieldSource {
  const bytes = latin1Bytes(fields.join(""));
  const lengths = Int32Array.from(fields, (field) => field.length);
  const starts = new Int32Array(fields.length);
  for (let i = 1; i < fields.length; i++) starts[i] = starts[i - 1] + lengths[i - 1];
  return { bytes, starts, lengths };
}

function textOf({ bytes, start, length }: Slice): string {
  return latin1Text(bytes, start, length);
}

function nameOf(memory: Memory, entry: Ref): string {
  dictEntry.readKey(memory, entry, view);
  return textOf(view);
}

/** The entries of a range, as the cursor finds them. */
export function entriesOf(
  memory: Memory,
  stream: Ref,
  start: Id128 = MIN_ID,
  end: Id128 = MAX_ID,
  isBackward = false,
): ModelEntry[] {
  const cursor = new StreamCursor();
  const entries: ModelEntry[] = [];
  if (!cursor.seek(memory, stream, start, end, isBackward)) return entries;
  while (cursor.next()) {
    const fields: string[] = [];
    cursor.beginPairs();
    for (let pair = 0; pair < cursor.pairs; pair++) {
      cursor.readPair(view, other);
      fields.push(textOf(view), textOf(other));
    }
    entries.push({ id: idText(cursor.id), fields });
  }
  return entries;
}

function idsOf(memory: Memory, tree: Ref): string[] {
  const cursor = new IdTreeCursor();
  const id = new Id128();
  const ids: string[] = [];
  for (let found = cursor.seekFirst(memory, tree); found; found = cursor.next()) {
    cursor.readId(id);
    ids.push(idText(id));
  }
  return ids;
}

/** Everything in a stream, as plain values that can be compared. */
export function contentOf(memory: Memory, stream: Ref): unknown {
  const id = new Id128();
  const text = (read: (memory: Memory, stream: Ref, out: Id128) => void, ref: Ref) => {
    read(memory, ref, id);
    return idText(id);
  };
  const pending = new PendingEntry();
  return {
    length: streamValue.length(memory, stream),
    added: streamValue.entriesAdded(memory, stream),
    lastId: text(streamValue.readLastId, stream),
    firstId: text(streamValue.readFirstId, stream),
    maxDeletedId: text(streamValue.readMaxDeletedId, stream),
    entries: entriesOf(memory, stream),
    groups: streamGroup.groupsIn(memory, stream).map((group) => ({
      name: nameOf(memory, group),
      lastId: text(streamGroup.readLastDelivered, group),
      read: streamGroup.entriesRead(memory, group),
      pending: idsOf(memory, streamGroup.pendingOf(memory, group)).map((pendingId) => {
        streamGroup.findPending(memory, group, idOf(pendingId), pending);
        const consumer = nameOf(memory, pending.consumer);
        return [pendingId, consumer, pending.timeMs, pending.count.toNumber()];
      }),
      consumers: streamGroup.consumersIn(memory, group).map((consumer) => [
        nameOf(memory, consumer),
        streamGroup.seenMs(memory, consumer),
        streamGroup.activeMs(memory, consumer),
        ...idsOf(memory, streamGroup.pendingOfConsumer(memory, consumer)),
      ]),
    })),
  };
}

export class StreamModel {
  readonly arena: Arena;
  readonly stream: Ref;
  readonly limits: StreamLimits;
  entries: ModelEntry[] = [];
  readonly groups = new Map<string, ModelGroup>();
  #last = 0;
  #deleted = 0;

  constructor(arena: Arena, limits: StreamLimits) {
    this.arena = arena;
    this.limits = limits;
    this.stream = streamValue.create(arena);
  }

  /** One random change of entries or groups. */
  step(random: SeededRandom): void {
    const choice = random.below(100);
    if (choice < 45) this.append(random);
    else if (choice < 55) this.#remove(random);
    else if (choice < 60) this.#trim(random);
    else if (choice < 64) this.#createGroup(random);
    else if (choice < 88) this.#deliver(random);
    else if (choice < 97) this.#acknowledge(random);
    else if (choice < 99) this.#removeConsumer(random);
    else this.#checkRange(random);
  }

  append(random: SeededRandom): void {
    this.#last += random.between(1, 3);
    const id = `${Math.floor(this.#last / 50)}-${this.#last % 50}`;
    if (id === "0-0") return;
    const names = random.pick([["a"], ["a"], ["a", "b"], ["12", "longer"]]);
    const fields = names.flatMap((name) => [name, this.#value(random)]);
    const { arena, stream, limits } = this;
    const source = sourceOf(fields);
    streamValue.append(arena, stream, idOf(id), source, 0, names.length, limits);
    this.entries.push({ id, fields });
  }

  #value(random: SeededRandom): string {
    if (random.oneIn(400)) return "x".repeat(300_000);
    if (random.oneIn(3)) return String(random.between(-10_000, 10_000));
    const length = random.below(random.oneIn(20) ? 5000 : 30);
    return random.oneIn(2) ? random.word(length) : random.word(3).repeat(length / 3);
  }

  #remove(random: SeededRandom): void {
    const { arena, stream, entries } = this;
    if (entries.length === 0) return;
    const index = random.below(entries.length);
    const [{ id }] = entries.splice(index, 1);
    assert(streamValue.removeEntry(arena, stream, idOf(id)));
    assert(!streamValue.removeEntry(arena, stream, idOf(id)));
    assert(!streamValue.hasEntry(arena, stream, idOf(id)));
    streamValue.refreshFirstId(arena, stream);
    this.#deleted++;
  }

  #trim(random: SeededRandom): void {
    const { arena, stream, entries } = this;
    const wanted = Math.max(0, entries.length - random.below(60));
    const isApproximate = random.oneIn(2);
    const byId = random.oneIn(2);
    const minId = idOf(entries[entries.length - wanted]?.id ?? "99999999");
    const lengthMax = byId ? -1 : wanted;
    const before = entries.length;
    const dropsEmptied = random.oneIn(2);
    const how = { lengthMax, minId, isApproximate, limit: 0, dropsEmptied };
    const removed = streamTrimming.trim(arena, stream, how);
    if (isApproximate) assert(removed <= before - wanted);
    else assertEquals(removed, before - wanted);
    entries.splice(0, removed);
  }

  #createGroup(random: SeededRandom): void {
    const name = "g" + random.below(3);
    const bytes = latin1Bytes(name);
    const { arena, stream } = this;
    const lastId = this.entries.length === 0 ? "0-0" : random.pick(this.entries).id;
    const id = idOf(lastId);
    const group = streamGroup.createGroup(arena, stream, bytes, 0, bytes.length, id, -1n);
    assertEquals(group === 0, this.groups.has(name));
    if (group === 0) return;
    this.groups.set(name, { lastId, pending: new Map(), consumers: new Set() });
  }

  #pickGroup(random: SeededRandom): [name: string, group: Ref, model: ModelGroup] | null {
    if (this.groups.size === 0) return null;
    const [name, model] = random.pick([...this.groups]);
    const bytes = latin1Bytes(name);
    return [
      name,
      streamGroup.findGroup(this.arena, this.stream, bytes, 0, bytes.length),
      model,
    ];
  }

  /** Makes some entries pending for a consumer, be they another's already. */
  #deliver(random: SeededRandom): void {
    const picked = this.#pickGroup(random);
    if (picked === null || this.entries.length === 0) return;
    const [, group, model] = picked;
    const name = "c" + random.below(4);
    const consumer = this.#consumer(group, model, name);
    const first = random.below(this.entries.length);
    for (const { id } of this.entries.slice(first, first + random.below(40))) {
      const entry = new PendingEntry();
      entry.consumer = consumer;
      entry.timeMs = random.below(1e12);
      entry.count.setNumber(random.below(5));
      streamGroup.setPending(this.arena, group, idOf(id), entry);
      const { timeMs } = entry;
      model.pending.set(id, { consumer: name, timeMs, count: entry.count.toNumber() });
    }
  }

  #consumer(group: Ref, model: ModelGroup, name: string): Ref {
    const bytes = latin1Bytes(name);
    if (model.consumers.has(name)) {
      return streamGroup.findConsumer(this.arena, group, bytes, 0, bytes.length);
    }
    model.consumers.add(name);
    return streamGroup.createConsumer(this.arena, group, bytes, 0, bytes.length, 1000);
  }

  #acknowledge(random: SeededRandom): void {
    const picked = this.#pickGroup(random);
    if (picked === null) return;
    const [, group, model] = picked;
    for (const id of [...model.pending.keys()].slice(0, random.below(30))) {
      assert(streamGroup.removePending(this.arena, group, idOf(id)));
      assert(!streamGroup.removePending(this.arena, group, idOf(id)));
      model.pending.delete(id);
    }
  }

  #removeConsumer(random: SeededRandom): void {
    const picked = this.#pickGroup(random);
    if (picked === null || picked[2].consumers.size === 0) return;
    const [, group, model] = picked;
    const name = random.pick([...model.consumers]);
    const bytes = latin1Bytes(name);
    const consumer = streamGroup.findConsumer(this.arena, group, bytes, 0, bytes.length);
    const owned = [...model.pending].filter(([, pending]) => pending.consumer === name);
    assertEquals(streamGroup.removeConsumer(this.arena, group, consumer), owned.length);
    for (const [id] of owned) model.pending.delete(id);
    model.consumers.delete(name);
  }

  /** Both directions of a range around two ids that are there. */
  #checkRange(random: SeededRandom): void {
    const { arena, stream, entries } = this;
    if (entries.length === 0) return;
    const first = random.below(entries.length);
    const end = random.between(first, entries.length - 1);
    const expected = entries.slice(first, end + 1);
    const [low, high] = [idOf(entries[first].id), idOf(entries[end].id)];
    assertEquals(entriesOf(arena, stream, low, high), expected);
    assertEquals(entriesOf(arena, stream, low, high, true), expected.toReversed());
  }

  check(): void {
    const { arena, stream, entries } = this;
    assertEquals(entriesOf(arena, stream), entries);
    assertEquals(streamValue.length(arena, stream), entries.length);
    const id = new Id128();
    streamValue.readFirstId(arena, stream, id);
    assertEquals(idText(id), entries[0]?.id ?? "0-0");
    const groups = streamGroup.groupsIn(arena, stream);
    assertEquals(groups.map((group) => nameOf(arena, group)), [...this.groups.keys()].sort());
    for (const group of groups) this.#checkGroup(group, this.groups.get(nameOf(arena, group))!);
  }

  #checkGroup(group: Ref, model: ModelGroup): void {
    const { arena } = this;
    assertEquals(streamGroup.pendingCount(arena, group), model.pending.size);
    const consumers = streamGroup.consumersIn(arena, group);
    assertEquals(consumers.map((entry) => nameOf(arena, entry)), [...model.consumers].sort());
    const pending = new PendingEntry();
    for (const [id, expected] of model.pending) {
      assert(streamGroup.findPending(arena, group, idOf(id), pending));
      const consumer = nameOf(arena, pending.consumer);
      const found = { consumer, timeMs: pending.timeMs, count: pending.count.toNumber() };
      assertEquals(found, expected);
    }
    const owned = consumers.map((entry) => streamGroup.pendingCountOf(arena, entry));
    assertEquals(owned.reduce((sum, count) => sum + count, 0), model.pending.size);
  }
}
