/** HyperLogLog values: sparse and dense agree, and malformed sparse values are noticed. */
import { assert, assertEquals } from "@std/assert";
import { Random, randomSeed } from "../../src/base/random.ts";
import * as hyperloglog from "../../src/values/hyperloglog.ts";

const { HyperLogLogDraft, REGISTER_COUNT, SPARSE_BYTES_MAX } = hyperloglog;

function registersOf({ bytes, length }: hyperloglog.HyperLogLogDraft): Uint8Array {
  const registers = new Uint8Array(REGISTER_COUNT);
  assert(hyperloglog.mergeInto(registers, bytes, 0, length));
  return registers;
}

Deno.test("a sparse value keeps all registers like a plain array of them", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  const draft = new HyperLogLogDraft();
  draft.clear();
  const model = new Uint8Array(REGISTER_COUNT);
  for (let step = 0; step < 3000; step++) {
    // Neighbouring registers of few ranks, so that runs are joined and split.
    const index = random.below(4) === 0 ? random.below(REGISTER_COUNT) : 500 + random.below(300);
    const rank = 1 + random.below(random.below(10) === 0 ? 32 : 2);
    const isHigher = model[index] < rank;
    assertEquals(draft.raise(index, rank, SPARSE_BYTES_MAX), isHigher ? 1 : 0, `seed ${seed}`);
    if (isHigher) model[index] = rank;
    const found = hyperloglog.sparseRegister(draft.bytes, 0, draft.length, index);
    assertEquals(found, model[index], `seed ${seed}, step ${step}`);
  }
  assert(!draft.isDense);
  assertEquals(registersOf(draft), model, `seed ${seed}`);
  const estimate = hyperloglog.count(draft.bytes, 0, draft.length);
  assert(draft.makeDense());
  assertEquals(registersOf(draft), model, `seed ${seed}`);
  assertEquals(hyperloglog.count(draft.bytes, 0, draft.length), estimate);
  assertEquals(hyperloglog.countRegisters(model), estimate);
});

Deno.test("a search goes on from the last one, and the bytes are those of a search from the start", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  const draft = new HyperLogLogDraft();
  const anew = new HyperLogLogDraft();
  for (let round = 0; round < 20; round++) {
    draft.clear();
    anew.clear();
    let index = 0;
    for (let step = 0; step < 600; step++) {
      // Mostly the next registers, which are joined; some again, some before, some far away.
      const kind = random.below(12);
      index += kind === 0 ? random.below(400) : kind === 1 ? -random.below(6) : random.below(4);
      index = Math.max(0, index) % REGISTER_COUNT;
      const rank = 1 + random.below(3);
      const outcome = draft.raise(index, rank, SPARSE_BYTES_MAX);
      anew.load(anew.bytes.slice(0, anew.length), 0, anew.length);
      assertEquals(outcome, anew.raise(index, rank, SPARSE_BYTES_MAX), `seed ${seed}`);
      assertEquals(draft.length, anew.length, `seed ${seed}, ${round}, ${step}`);
    }
    const { length } = draft;
    assertEquals(draft.bytes.slice(0, length), anew.bytes.slice(0, length), `seed ${seed}`);
  }
});

Deno.test("all registers of a dense value are set at once", () => {
  const random = new Random(7);
  const registers = Uint8Array.from({ length: REGISTER_COUNT }, () => random.below(64));
  const draft = new HyperLogLogDraft();
  draft.clear();
  assert(draft.makeDense());
  draft.setRegisters(registers);
  for (let index = 0; index < REGISTER_COUNT; index++) {
    assertEquals(hyperloglog.denseRegister(draft.bytes, 0, index), registers[index]);
  }
  assertEquals(registersOf(draft), registers);
  const estimate = hyperloglog.countRegisters(registers);
  assertEquals(hyperloglog.count(draft.bytes, 0, draft.length), estimate);
});

Deno.test("a sparse value becomes dense at a rank of 33 or when it grows too long", () => {
  const draft = new HyperLogLogDraft();
  draft.clear();
  assertEquals(draft.raise(7, 32, 3000), 1);
  assert(!draft.isDense);
  assertEquals(draft.raise(8, 33, 3000), 1);
  assert(draft.isDense);
  assertEquals(draft.raise(8, 33, 3000), 0);
  draft.clear();
  assertEquals(draft.raise(7, 1, draft.length + 1), 1);
  assert(draft.isDense);
});

Deno.test("every dense register holds every rank without touching its neighbours", () => {
  const bytes = new Uint8Array(hyperloglog.DENSE_BYTES);
  for (let index = 0; index < REGISTER_COUNT; index++) {
    assert(hyperloglog.raiseDenseRegister(bytes, 0, index, 1 + (index % 63)));
    assert(!hyperloglog.raiseDenseRegister(bytes, 0, index, 1 + (index % 63)));
  }
  for (let index = 0; index < REGISTER_COUNT; index++) {
    assertEquals(hyperloglog.denseRegister(bytes, 0, index), 1 + (index % 63));
  }
});

Deno.test("the stored estimate is kept until it is declared out of date", () => {
  const draft = new HyperLogLogDraft();
  draft.clear();
  assertEquals(hyperloglog.cachedCount(draft.bytes, 0), 0n);
  hyperloglog.storeCachedCount(draft.bytes, 0, 0x123456789abcden);
  assertEquals(hyperloglog.cachedCount(draft.bytes, 0), 0x123456789abcden);
  hyperloglog.invalidateCount(draft.bytes, 0);
  assertEquals(hyperloglog.cachedCount(draft.bytes, 0), null);
});

Deno.test("sparse values with too few or too many registers are corrupted", () => {
  const draft = new HyperLogLogDraft();
  for (const body of [[], [0x00], [0x7f, 0xfe], [0x7f], [0x7f, 0xff, 0x00], [0x7f, 0xff, 0x80]]) {
    draft.clear();
    draft.bytes.set(body, hyperloglog.HEADER_BYTES);
    draft.length = hyperloglog.HEADER_BYTES + body.length;
    assertEquals(hyperloglog.count(draft.bytes, 0, draft.length), null);
    assert(!draft.makeDense());
  }
  draft.length = hyperloglog.HEADER_BYTES;
  assertEquals(draft.raise(5, 1, 3000), hyperloglog.CORRUPTED);
  assert(!draft.load(new Uint8Array(SPARSE_BYTES_MAX + 1), 0, SPARSE_BYTES_MAX + 1));
});
