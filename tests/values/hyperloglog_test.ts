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
