/**
 * Defragmentation bench: fills the arena, deletes nine of ten elements at random, and runs a pass:
 * memory before and after, the time of all pieces of work without pauses, and the longest of them,
 * by which a slice of the server may take longer than half a millisecond. Once with many keys, and
 * once for each large type with as many elements under one key.
 *
 * The work is the same in every run, so each piece counts with its fastest run: what the operating
 * system and the compiler take now and then drops out.
 *
 *   deno run scripts/bench/micro/defragmentation_bench.ts [elements, default 300000]
 */
import { latin1Bytes } from "../../../src/base/bytes.ts";
import { monotonicUs } from "../../../src/base/clock.ts";
import { Random } from "../../../src/base/random.ts";
import { Defragmentation } from "../../../src/keyspace/defragmentation.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { Argv } from "../../../src/protocol/argv.ts";
import type { Ref } from "../../../src/memory/memory.ts";
import * as hashValue from "../../../src/values/hash_value.ts";
import * as setValue from "../../../src/values/set_value.ts";
import * as sortedSetValue from "../../../src/values/sorted_set_value.ts";
import * as value from "../../../src/values/value.ts";

const RUNS = 5;
const KEY = latin1Bytes("key");
const VALUE = new Uint8Array(100).fill(0x41);
const count = Deno.args.length > 0 ? Number(Deno.args[0]) : 300_000;

function printLine(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function nameOf(index: number): Uint8Array {
  return latin1Bytes(`element:${String(index).padStart(9, "0")}`);
}

function makeKeyspace(): Keyspace {
  const ignore = () => {};
  return new Keyspace(new Arena(), 16, {
    keyChanged: ignore,
    keyEvent: ignore,
    keyVanishes: ignore,
    recordsFields: false,
    fieldVanishes: ignore,
    fieldsEvent: ignore,
    keyReady: ignore,
    databaseFlushed: ignore,
  });
}

/** Adds elements with `add` and takes nine of ten out again with `remove`. */
function fill(add: (name: Uint8Array, index: number) => void, remove: (name: Uint8Array) => void) {
  const random = new Random(1);
  for (let index = 0; index < count; index++) add(nameOf(index), index);
  for (let index = 0; index < count; index++) if (random.below(10) > 0) remove(nameOf(index));
}

function fillKeys(keyspace: Keyspace): void {
  const [db] = keyspace.databases;
  fill(
    (name) =>
      db.setString(
        new Argv().point(name, 0, name.length),
        0,
        VALUE,
        0,
        VALUE.length,
        value.NO_EXPIRY,
      ),
    (name) => db.remove(new Argv().point(name, 0, name.length), 0),
  );
}

function createEntry(keyspace: Keyspace, type: number, encoding: number, ref: Ref): Ref {
  const [db] = keyspace.databases;
  return db.create(Argv.of(KEY), 0, type, encoding, ref);
}

function fillHash(keyspace: Keyspace): void {
  const { arena } = keyspace;
  const ref = hashValue.create(arena);
  const entry = createEntry(keyspace, value.TYPE_HASH, value.ENCODING_LISTPACK, ref);
  const limits = { listpackEntriesMax: 0, listpackValueBytesMax: 64 };
  fill(
    (name) => hashValue.set(arena, entry, name, 0, name.length, VALUE, 0, VALUE.length, limits),
    (name) => hashValue.remove(arena, entry, name, 0, name.length),
  );
}

function fillSet(keyspace: Keyspace): void {
  const { arena } = keyspace;
  const ref = setValue.create(arena, value.ENCODING_HASHTABLE);
  const entry = createEntry(keyspace, value.TYPE_SET, value.ENCODING_HASHTABLE, ref);
  const limits = { intsetEntriesMax: 512, listpackEntriesMax: 0, listpackValueBytesMax: 0 };
  fill(
    (name) => setValue.add(arena, entry, name, 0, name.length, limits),
    (name) => setValue.remove(arena, entry, name, 0, name.length),
  );
}

function fillSortedSet(keyspace: Keyspace): void {
  const { arena } = keyspace;
  const ref = sortedSetValue.create(arena, value.ENCODING_SKIPLIST);
  const entry = createEntry(keyspace, value.TYPE_SORTED_SET, value.ENCODING_SKIPLIST, ref);
  const limits = { listpackEntriesMax: 0, listpackValueBytesMax: 64 };
  fill(
    (name, index) =>
      sortedSetValue.add(arena, entry, name, 0, name.length, Math.imul(index, 40503), 0, limits, {
        score: 0,
      }),
    (name) => sortedSetValue.remove(arena, entry, name, 0, name.length),
  );
}

function memoryText({ arena }: Keyspace): string {
  const { usedBytes, segmentBytes, reservedBytes } = arena.statistics();
  const parts = [usedBytes, segmentBytes, reservedBytes].map((bytes) => (bytes / 1e6).toFixed(1));
  return `used ${parts[0]} MB, segments ${parts[1]}, reserved ${parts[2]}, ` +
    `ratio ${(segmentBytes / usedBytes).toFixed(2)}`;
}

/** The times of all pieces of a pass, in µs; the first one is the plan. */
function runPass(keyspace: Keyspace): number[] {
  const defragmentation = new Defragmentation(keyspace);
  const pieces: number[] = [];
  let startUs = monotonicUs();
  for (defragmentation.begin();; defragmentation.step(0)) {
    pieces.push(monotonicUs() - startUs);
    if (!defragmentation.isRunning) return pieces;
    startUs = monotonicUs();
  }
}

function measure(name: string, fillKeyspace: (keyspace: Keyspace) => void): void {
  printLine(name);
  let best: number[] = [];
  for (let run = 1; run <= RUNS; run++) {
    const keyspace = makeKeyspace();
    fillKeyspace(keyspace);
    if (run === RUNS) printLine(`  before     ${memoryText(keyspace)}`);
    const pieces = runPass(keyspace);
    best = pieces.map((us, index) => Math.min(us, best[index] ?? us));
    if (run < RUNS) continue;
    printLine(`  after      ${memoryText(keyspace)}`);
    const totalMs = best.reduce((sum, us) => sum + us, 0) / 1000;
    const [planUs] = best.splice(0, 1);
    printLine(
      `  pass       ${totalMs.toFixed(1)} ms in ${best.length} pieces, the longest ` +
        `${Math.max(...best).toFixed(0)} us; plan ${planUs.toFixed(0)} us; ` +
        `${keyspace.arena.relocatedCount} blocks moved`,
    );
  }
}

measure(`${count} keys with values of ${VALUE.length} bytes`, fillKeys);
measure(`a hash of ${count} fields`, fillHash);
measure(`a set of ${count} members`, fillSet);
measure(`a sorted set of ${count} members`, fillSortedSet);
