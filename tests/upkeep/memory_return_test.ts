/** Memory return: idle segments go back when it is asked for, and what is in use stays. */
import { assert, assertEquals } from "@std/assert";
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
  heap = 10 * MIB;
  constructor(public resident: number) {}
  residentBytes = (): number => this.resident;
  heapBytes = (): number => this.heap;
  collectGarbage = (): void => void this.collections++;
}

Deno.test("a purge of a server that has nothing to give back collects nothing", () => {
  const pretended = new PretendedProcess(80 * MIB);
  const memoryReturn = new MemoryReturn(new Arena(), { totalBytes: 0 }, pretended);
  memoryReturn.begin();
  pretended.resident += 5 * MIB;
  for (let round = 1; round <= 3; round++) {
    memoryReturn.purge();
    memoryReturn.tick(round * 1000, 0);
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
});
