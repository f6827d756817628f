/** System memory: pages go back one by one, and nothing beside them changes. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { SEGMENT_BYTES, segmentOf } from "../../src/memory/memory.ts";
import { SystemMemory } from "../../src/server/system_memory.ts";
import { testWith } from "../support/tool_availability.ts";

/** A C library that can do nothing. */
const NO_FUNCTIONS = {
  madvise: () => -1,
  madvise_range: () => -1,
  malloc_trim: () => Promise.resolve(0),
  open: () => -1,
  pread: () => -1,
};

Deno.test({
  name: "without the permission to call the C library there is no way to the pages",
  permissions: { ffi: false },
  fn: () => assertEquals(SystemMemory.open(), null),
});

testWith(["epoll"], "discarded pages are zero, their neighbours as they were", () => {
  const memory = SystemMemory.open()!;
  const buffer = new SharedArrayBuffer(4 * 65536);
  const start = (65536 - memory.misalignment(buffer, 65536)) % 65536;
  const bytes = new Uint8Array(buffer).fill(7);
  memory.discard(bytes.subarray(start + 65536, start + 2 * 65536));
  const isExpected = (value: number, index: number) => {
    const isDiscarded = index >= start + 65536 && index < start + 2 * 65536;
    return value === (isDiscarded ? 0 : 7);
  };
  assertEquals(bytes.findIndex((value, index) => !isExpected(value, index)), -1);
});

testWith(["epoll"], "an arena gives its idle segments back to the system", () => {
  const arena = new Arena({ pages: SystemMemory.open() });
  const refs = Array.from({ length: 128 }, () => arena.allocate(SEGMENT_BYTES));
  for (const ref of refs) arena.bytes[segmentOf(ref)].fill(1);
  const idle = refs.slice(1).map((ref) => arena.bytes[segmentOf(ref)]);
  for (const ref of refs.slice(1)) arena.free(ref);
  assertEquals(arena.discardIdle(0, 1000), false);
  assert(idle.every((bytes) => bytes[0] === 0 && bytes.at(-1) === 0));
  assert(arena.bytes[segmentOf(refs[0])].every((value) => value === 1));
});

Deno.test("heaps are trimmed wholly, and nobody waits for it", () => {
  const pads: number[] = [];
  const malloc_trim = (pad: number) => {
    pads.push(pad);
    return new Promise<number>(() => {});
  };
  const functions = { ...NO_FUNCTIONS, malloc_trim };
  assertEquals(new SystemMemory(functions, []).trimHeaps(), undefined);
  assertEquals(pads, [0]);
});

testWith(["epoll"], "what is resident is what the runtime says of it", () => {
  const memory = SystemMemory.open()!;
  const grown = new Uint8Array(64 * 1024 * 1024).fill(1);
  for (const _ of [1, 2]) {
    const difference = Math.abs(memory.residentBytes()! - Deno.memoryUsage().rss);
    // Between the two questions the process goes on.
    assert(difference < 16 * 1024 * 1024, `they differ by ${difference} bytes`);
  }
  assert(memory.residentBytes()! > grown.length);
});

Deno.test("where the file of the sizes cannot be had, what is resident is not known", () => {
  assertEquals(new SystemMemory(NO_FUNCTIONS, [], 4096).residentBytes(), null);
  assertEquals(new SystemMemory(NO_FUNCTIONS, []).residentBytes(), null);
  const pread = (_fd: number, text: unknown) => {
    (text as Uint8Array).set(latin1Bytes("900 123 7 4 0 5 0\n"));
    return 18;
  };
  const functions = { ...NO_FUNCTIONS, open: () => 3, pread };
  assertEquals(new SystemMemory(functions, [], 4096).residentBytes(), 123 * 4096);
});

/** Resident bytes of this process of a kind: "File" for those of files, "Anon" for most others. */
function residentBytes(kind: string): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return Number(new RegExp(`^Rss${kind}:\\s+(\\d+) kB$`, "m").exec(status)![1]) * 1024;
}

testWith(["epoll"], "populated pages are there before they are touched, as they were", () => {
  const memory = SystemMemory.open()!;
  const length = 64 * 1024 * 1024;
  const buffer = new SharedArrayBuffer(length + 65536);
  const start = (65536 - memory.misalignment(buffer, 65536)) % 65536;
  const bytes = new Uint8Array(buffer, start, length);
  bytes[5] = 7;
  const before = residentBytes("Anon");
  memory.populate(bytes);
  const grown = residentBytes("Anon") - before;
  // Kernels before 5.14 cannot do it.
  const [major, minor] = Deno.osRelease().split(".").map(Number);
  if (major * 100 + minor >= 514) assert(grown > length / 2, `${grown} bytes more are resident`);
  assertEquals([bytes[5], bytes[length - 1]], [7, 0]);
});

testWith(["epoll"], "the program's pages go, and it runs on as before", () => {
  const memory = SystemMemory.open()!;
  const before = residentBytes("File");
  memory.dropProgram();
  const after = residentBytes("File");
  assert(after < before / 2, `${after} of ${before} bytes of files are still resident`);
  assertEquals(JSON.parse('{"a":[1,2.5,"b"]}'), { a: [1, 2.5, "b"] });
  assertEquals(/^(\w+) (\w+)$/u.exec("some words")?.slice(1), ["some", "words"]);
});
