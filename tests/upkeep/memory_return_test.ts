/** Memory return: idle segments go back when it is asked for, and what is in use stays. */
import { assert, assertEquals } from "@std/assert";
import { RoomPool, spareRoomBytes } from "../../src/base/room_pool.ts";
import { Arena } from "../../src/memory/arena.ts";
import { SEGMENT_BYTES } from "../../src/memory/memory.ts";
import { MemoryReturn, type ProcessMemory } from "../../src/upkeep/memory_return.ts";

const MIB = 1024 * 1024;

Deno.test("a tick gives back the segments of deleted data beyond a reserve", () => {
  const arena = new Arena();
  const memoryReturn = new MemoryReturn(arena, { totalBytes: 0 });
  const kept = arena.allocate(64);
  const refs = Array.from({ length: 500 }, () => arena.allocate(SEGMENT_BYTES));
  memoryReturn.tick(1000, 0);
  const full = arena.statistics().reservedBytes;
  assertEquals(full, 501 * SEGMENT_BYTES);
  for (const ref of refs) arena.free(ref);
  memoryReturn.tick(2000, 0);
  const { reservedBytes } = arena.statistics();
  assert(reservedBytes < full / 2, `${reservedBytes} of ${full} bytes are kept`);
  assertEquals(arena.blockBytes(kept), 64);
});

/** A process whose resident memory is what a test says, and which counts its collections. */
class PretendedProcess implements ProcessMemory {
  collections = 0;
  thorough = 0;
  trims = 0;
  /** What of the program is resident; `resident` counts it. */
  program = 0;
  heap = 10 * MIB;
  constructor(public resident: number) {}
  sizes = () => ({ residentBytes: this.resident, heapBytes: this.heap });
  residentBytes = () => this.resident;
  trimHeaps = (): void => void this.trims++;
  dropProgram = (): void => {
    this.resident -= this.program;
    this.program = 0;
  };
  collectGarbage = (isThorough: boolean): void => {
    this.collections++;
    if (isThorough) this.thorough++;
  };
}

Deno.test("a purge of a server that has nothing to give back collects nothing", () => {
  const pretended = new PretendedProcess(80 * MIB);
  const memoryReturn = new MemoryReturn(new Arena(), { totalBytes: 0 }, pretended);
  memoryReturn.begin();
  pretended.resident += 5 * MIB;
  for (let round = 1; round <= 3; round++) {
    memoryReturn.purge();
    memoryReturn.tick(round * 1000, 100);
  }
  assertEquals(pretended.collections, 0);
});

Deno.test("a purge gives all idle segments back, with one collection, not within the call", () => {
  const arena = new Arena();
  const pretended = new PretendedProcess(80 * MIB);
  const memoryReturn = new MemoryReturn(arena, { totalBytes: 0 }, pretended);
  memoryReturn.collectsByItself = false;
  memoryReturn.begin();
  const refs = Array.from({ length: 20 }, () => arena.allocate(SEGMENT_BYTES));
  for (const ref of refs) arena.free(ref);
  const before = arena.statistics().reservedBytes;
  memoryReturn.purge();
  assert(arena.statistics().reservedBytes < before);
  assertEquals(pretended.collections, 0);
  for (let round = 1; round <= 3; round++) memoryReturn.tick(round * 1000, 1e6);
  assertEquals(pretended.collections, 1);
});

Deno.test("a purge gives back what clients have left behind", () => {
  const pretended = new PretendedProcess(80 * MIB);
  const memoryReturn = new MemoryReturn(new Arena(), { totalBytes: 0 }, pretended);
  memoryReturn.collectsByItself = false;
  memoryReturn.begin();
  pretended.resident += 20 * MIB;
  memoryReturn.tick(1000, 0);
  assertEquals(pretended.collections, 0);
  memoryReturn.purge();
  memoryReturn.tick(2000, 0);
  assertEquals(pretended.collections, 1);
});

/** A server that is watched, and what its process is said to take. */
function watched(): { memoryReturn: MemoryReturn; pretended: PretendedProcess } {
  const pretended = new PretendedProcess(80 * MIB);
  const memoryReturn = new MemoryReturn(new Arena(), { totalBytes: 0 }, pretended);
  memoryReturn.begin();
  return { memoryReturn, pretended };
}

const BUSY_RATE = 1e5;

Deno.test("a heap that grows with the first clients makes no pause", () => {
  const { memoryReturn, pretended } = watched();
  pretended.resident += 40 * MIB;
  pretended.heap += 40 * MIB;
  memoryReturn.tick(1000, BUSY_RATE);
  memoryReturn.tick(60_000, 0);
  assertEquals(pretended.collections, 0);
});

Deno.test("what is left behind is collected when there is little to do, or if it is much", () => {
  const { memoryReturn, pretended } = watched();
  pretended.resident += 40 * MIB;
  memoryReturn.tick(100_000, BUSY_RATE);
  assertEquals(pretended.collections, 0);
  memoryReturn.tick(101_000, 0);
  assertEquals(pretended.collections, 1);
  pretended.resident += 200 * MIB;
  memoryReturn.tick(200_000, BUSY_RATE);
  assertEquals(pretended.collections, 2);
  assertEquals(pretended.thorough, 0);
});

/** A server whose segments can be discarded. */
function watchedPages(): { arena: Arena; memoryReturn: MemoryReturn; pretended: PretendedProcess } {
  const pages = { misalignment: () => 0, discard: () => {}, populate: () => {} };
  const arena = new Arena({ pages });
  const pretended = new PretendedProcess(80 * MIB);
  const memoryReturn = new MemoryReturn(arena, { totalBytes: 0 }, pretended);
  memoryReturn.begin();
  return { arena, memoryReturn, pretended };
}

function allocateAndFree(arena: Arena, count: number): void {
  const refs = Array.from({ length: count }, () => arena.allocate(SEGMENT_BYTES));
  for (const ref of refs) arena.free(ref);
}

/** Steps to the end; returns how many it took. */
function stepAll(memoryReturn: MemoryReturn): number {
  let steps = 0;
  while (memoryReturn.hasSurplus) {
    memoryReturn.step();
    steps++;
  }
  return steps;
}

Deno.test("segments that were idle for a second go back in steps, but for a share", () => {
  const { arena, memoryReturn, pretended } = watchedPages();
  const kept = Array.from({ length: 64 }, () => arena.allocate(SEGMENT_BYTES));
  allocateAndFree(arena, 200);
  memoryReturn.tick(1000, 1e5);
  assertEquals(stepAll(memoryReturn), 0);
  memoryReturn.tick(2000, 1e5);
  assert(stepAll(memoryReturn) > 10);
  assertEquals(arena.idleSegmentCount, Math.ceil(arena.segmentCount / 16));
  assertEquals(pretended.collections, 0);
  assert(kept.every((ref) => arena.blockBytes(ref) === SEGMENT_BYTES));
});

Deno.test("segments that come and go within a second stay", () => {
  const { arena, memoryReturn } = watchedPages();
  for (let second = 1; second <= 5; second++) {
    allocateAndFree(arena, 100);
    memoryReturn.tick(second * 1000, 1e5);
    assertEquals(stepAll(memoryReturn), 0);
  }
  assertEquals(arena.statistics().reservedBytes, 100 * SEGMENT_BYTES);
});

Deno.test("an idle server closes slabs that were kept for the next block", () => {
  const { arena, memoryReturn } = watchedPages();
  arena.free(arena.allocate(64));
  memoryReturn.tick(1000, 1e5);
  assertEquals(arena.segmentCount, 1);
  memoryReturn.tick(2000, 5);
  memoryReturn.tick(3000, 5);
  stepAll(memoryReturn);
  assertEquals(arena.statistics().reservedBytes, 0);
});

Deno.test("a purge gives all idle pages back without a collection, whatever comes between", () => {
  const { arena, memoryReturn, pretended } = watchedPages();
  arena.allocate(64);
  allocateAndFree(arena, 100);
  memoryReturn.purge();
  memoryReturn.step();
  memoryReturn.tick(1000, 1e5);
  assert(stepAll(memoryReturn) > 10);
  assertEquals(arena.statistics().reservedBytes, SEGMENT_BYTES);
  assertEquals(pretended.collections, 0);
});

Deno.test("the heaps of the C library are trimmed when idle, once for what is left behind", () => {
  const { memoryReturn, pretended } = watched();
  pretended.resident += 3 * MIB;
  memoryReturn.tick(1000, BUSY_RATE);
  assertEquals(pretended.trims, 0);
  for (let second = 2; second <= 9; second++) memoryReturn.tick(second * 1000, 500);
  assertEquals(pretended.trims, 1);
  // The rest stays as it is; more of it is another occasion.
  pretended.resident += 3 * MIB;
  memoryReturn.tick(10_000, 500);
  memoryReturn.tick(11_000, 500);
  assertEquals(pretended.trims, 2);
});

Deno.test("a heap that clients have left behind is collected when nobody has come for a while", () => {
  const { memoryReturn, pretended } = watched();
  pretended.resident += 8 * MIB;
  pretended.heap += 8 * MIB;
  memoryReturn.tick(1000, 0);
  memoryReturn.tick(2000, 0);
  memoryReturn.tick(3000, 100);
  memoryReturn.tick(4000, 0);
  memoryReturn.tick(5000, 0);
  assertEquals(pretended.collections, 0);
  for (let second = 6; second <= 20; second++) memoryReturn.tick(second * 1000, 0);
  assertEquals(pretended.collections, 1);
  pretended.heap += 2 * MIB;
  for (let second = 21; second <= 30; second++) memoryReturn.tick(second * 1000, 0);
  assertEquals(pretended.collections, 1);
  pretended.heap += 3 * MIB;
  for (let second = 31; second <= 40; second++) memoryReturn.tick(second * 1000, 0);
  assertEquals([pretended.collections, pretended.thorough], [2, 2]);
});

/** A server that has been left alone, and has let the program's 25 MiB go. */
function quietServer(): { memoryReturn: MemoryReturn; pretended: PretendedProcess } {
  const pretended = new PretendedProcess(100 * MIB);
  pretended.program = 25 * MIB;
  const memoryReturn = new MemoryReturn(new Arena(), { totalBytes: 0 }, pretended);
  memoryReturn.begin();
  for (let second = 1; second <= 5; second++) memoryReturn.tick(second * 1000, 0);
  return { memoryReturn, pretended };
}

Deno.test("the program's pages go when nobody asks any more, once after each busy time", () => {
  const { memoryReturn, pretended } = quietServer();
  assertEquals(pretended.thorough, 1);
  assertEquals(pretended.resident, 75 * MIB);
  pretended.program = 10 * MIB;
  pretended.resident += pretended.program;
  for (let second = 6; second <= 60; second++) memoryReturn.tick(second * 1000, 0);
  assertEquals(pretended.resident, 85 * MIB);
  memoryReturn.tick(61_000, 5000);
  for (let second = 62; second <= 63; second++) memoryReturn.tick(second * 1000, 0);
  assertEquals(pretended.resident, 85 * MIB);
  memoryReturn.tick(64_000, 0);
  assertEquals(pretended.resident, 75 * MIB);
  assertEquals(pretended.collections, 1);
});

Deno.test("that the program's pages come back makes nobody collect; what clients leave does", () => {
  const { memoryReturn, pretended } = quietServer();
  pretended.program = 25 * MIB;
  pretended.resident += pretended.program;
  for (let second = 6; second <= 60; second++) memoryReturn.tick(second * 1000, 500);
  assertEquals(pretended.collections, 1);
  pretended.resident += 20 * MIB;
  memoryReturn.tick(61_000, 500);
  assertEquals(pretended.collections, 2);
});

Deno.test("rooms that nobody has needed for a second go back, and are no reason to collect", () => {
  const pool = RoomPool.shared({
    ...{ bytesMin: 1, stepBytes: 1 },
    ...{ bytesMax: 64 * MIB, totalBytesMax: 64 * MIB },
  });
  const pretended = new PretendedProcess(80 * MIB);
  const memoryReturn = new MemoryReturn(new Arena(), { totalBytes: 0 }, pretended);
  memoryReturn.tick(1000, 100);
  memoryReturn.begin();
  pretended.sizes = () => ({
    residentBytes: 80 * MIB + spareRoomBytes(),
    heapBytes: pretended.heap,
  });
  pool.give(new Uint8Array(40 * MIB));
  memoryReturn.tick(2000, 100);
  assertEquals(pool.spareBytes, 40 * MIB);
  memoryReturn.tick(3000, 100);
  assertEquals(spareRoomBytes(), 0);
  assertEquals(pretended.collections, 0);
});
