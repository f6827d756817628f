/**
 * Bench of the score tree: inserts, ranks, walks, score changes, removals and bytes an element.
 *
 *   deno run -A scripts/bench/micro/score_tree_bench.ts [elements ...]
 *
 * Without arguments it runs with 10^3 to 10^6 elements. `hash` sums up what the operations
 * answered: it must not change when only the speed does.
 */
import { Arena } from "../../../src/memory/arena.ts";
import { OFFSET_MASK, type Ref, SEGMENT_SHIFT } from "../../../src/memory/memory.ts";
import * as dictEntry from "../../../src/structures/dict_entry.ts";
import * as scoreTree from "../../../src/structures/score_tree.ts";
import { latin1Bytes } from "../../../src/base/bytes.ts";
import { SeededRandom } from "../../../tests/support/seeded_random.ts";

const DEFAULT_SIZES = [1_000, 10_000, 100_000, 1_000_000];
/** Small trees are built this often, so that each figure comes from enough operations. */
const OPERATIONS_MIN = 200_000;

interface Timings {
  [operation: string]: number;
}

/** What a run accumulates. */
class Run {
  readonly timings: Timings = {};
  readonly bytes: Timings = {};
  hash = 0;

  mix(value: number): void {
    this.hash = (Math.imul(this.hash, 31) + value) | 0;
  }

  time(operation: string, body: () => void): void {
    const start = performance.now();
    body();
    this.timings[operation] = (this.timings[operation] ?? 0) + performance.now() - start;
  }
}

function makeEntries(arena: Arena, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => {
    const bytes = latin1Bytes(`member:${String(i).padStart(9, "0")}`);
    const entry = arena.allocate(16 + bytes.length);
    arena.words[entry >>> SEGMENT_SHIFT][(entry & OFFSET_MASK) << 1] = dictEntry.header(
      bytes.length,
      4,
      0,
    );
    dictEntry.storeKey(arena, entry, bytes, 0, bytes.length);
    return entry;
  });
}

function build(arena: Arena, scores: Float64Array, entries: Int32Array): Ref {
  const tree = scoreTree.create(arena);
  for (let i = 0; i < entries.length; i++) scoreTree.insert(arena, tree, scores[i], entries[i]);
  return tree;
}

function benchOrders(run: Run, arena: Arena, scores: Float64Array, entries: Int32Array): void {
  const orders: [string, Float64Array][] = [
    ["insert upwards", scores.slice().sort()],
    ["insert downwards", scores.slice().sort().reverse()],
    ["insert one score", scores.map(() => 0)],
  ];
  for (const [name, ordered] of orders) {
    let tree = 0;
    run.time(name, () => tree = build(arena, ordered, entries));
    run.bytes[name] = scoreTree.memoryBytes(arena, tree) / entries.length;
    scoreTree.free(arena, tree);
  }
}

function benchReads(run: Run, arena: Arena, tree: Ref, scores: Float64Array, entries: Int32Array) {
  const count = entries.length;
  run.time("rank", () => {
    for (let i = 0; i < count; i++) run.mix(scoreTree.rank(arena, tree, scores[i], entries[i]));
  });
  run.time("count below score", () => {
    for (let i = 0; i < count; i++) {
      run.mix(scoreTree.countBelowScore(arena, tree, scores[i], true));
    }
  });
  const cursor = new scoreTree.ScoreTreeCursor();
  run.time("seek and 10 steps", () => {
    for (let i = 0; i < count; i++) {
      cursor.seek(arena, tree, i);
      for (let step = 0; step < 10 && cursor.next(); step++) run.mix(cursor.entry);
    }
  });
  run.time("walk", () => {
    cursor.seek(arena, tree, 0);
    do run.mix(cursor.entry + cursor.score); while (cursor.next());
  });
}

function benchRandom(run: Run, arena: Arena, scores: Float64Array, entries: Int32Array): void {
  const count = entries.length;
  let tree = 0;
  run.time("insert at random", () => tree = build(arena, scores, entries));
  run.bytes["insert at random"] = scoreTree.memoryBytes(arena, tree) / count;
  benchReads(run, arena, tree, scores, entries);
  run.time("move nearby", () => {
    for (let i = 0; i < count; i++) {
      scoreTree.move(arena, tree, scores[i], scores[i] + 1e-6, entries[i]);
      scores[i] += 1e-6;
    }
  });
  run.time("move far", () => {
    for (let i = 0; i < count; i++) {
      const score = scores[count - 1 - i] + 0.5;
      scoreTree.move(arena, tree, scores[i], score, entries[i]);
      scores[i] = score;
    }
  });
  const half = count >>> 1;
  run.time("remove", () => {
    for (let i = 0; i < half; i++) {
      run.mix(scoreTree.remove(arena, tree, scores[i], entries[i]) ? 1 : 0);
    }
  });
  run.bytes["remove"] = scoreTree.memoryBytes(arena, tree) / (count - half);
  run.time("remove range", () => {
    scoreTree.removeRange(arena, tree, 0, count - half, (entry) => run.mix(entry));
  });
  scoreTree.free(arena, tree);
}

function bench(size: number): void {
  const random = new SeededRandom(size);
  const arena = new Arena();
  const entries = makeEntries(arena, size);
  const scores = Float64Array.from(entries, () => random.next() / 16);
  const rounds = Math.max(1, Math.floor(OPERATIONS_MIN / size));
  const run = new Run();
  for (let round = 0; round < rounds; round++) {
    benchOrders(run, arena, scores, entries);
    benchRandom(run, arena, scores.slice(), entries);
  }
  const lines = [`${size} elements, hash ${run.hash >>> 0}`];
  for (const [name, milliseconds] of Object.entries(run.timings)) {
    // Removal and removal of a range take half of the elements each.
    const operations = rounds * (name.startsWith("remove") ? size / 2 : size);
    const nanoseconds = (milliseconds * 1e6 / operations).toFixed(0);
    const rate = (operations / milliseconds).toFixed(0);
    const bytes = name in run.bytes ? `  ${run.bytes[name].toFixed(2)} bytes an element` : "";
    lines.push(`  ${name.padEnd(18)}${nanoseconds.padStart(6)} ns ${rate.padStart(7)} k/s${bytes}`);
  }
  Deno.stdout.writeSync(new TextEncoder().encode(lines.join("\n") + "\n"));
}

const sizes = Deno.args.length > 0 ? Deno.args.map(Number) : DEFAULT_SIZES;
for (const size of sizes) bench(size);
