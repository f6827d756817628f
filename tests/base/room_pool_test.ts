/** Room pools: who gets which array back, and how many are kept. */
import { assert, assertEquals } from "@std/assert";
import { RoomPool, spareRoomBytes, sweepRooms } from "../../src/base/room_pool.ts";

const LIMITS = { bytesMin: 100, stepBytes: 50, bytesMax: 1000, totalBytesMax: 2000 };

Deno.test("an array that was given back goes to one who needs about as much, once", () => {
  const pool = new RoomPool(LIMITS);
  const room = new Uint8Array(400);
  assertEquals(pool.find(400), null);
  pool.give(room);
  assertEquals(pool.find(401), null, "too small");
  assertEquals(pool.find(199), null, "more than twice as large");
  assert(pool.find(200) === room);
  assertEquals(pool.find(200), null);
});

Deno.test("small and huge arrays are not kept, and the oldest go when there are too many", () => {
  const pool = new RoomPool(LIMITS);
  for (const size of [99, 1001]) {
    pool.give(new Uint8Array(size));
    assertEquals(pool.find(size), null);
  }
  const rooms = [500, 600, 700, 800].map((size) => new Uint8Array(size));
  for (const room of rooms) pool.give(room);
  assertEquals(pool.find(500)?.length, 800, "the newest that fits");
  assertEquals(pool.find(500)?.length, 700);
  assertEquals(pool.find(500), null, "those of 500 and 600 bytes had to go");
});

Deno.test("arrays that will be kept are made in steps", () => {
  const pool = new RoomPool(LIMITS);
  assertEquals([99, 100, 101, 150, 999].map((size) => pool.sizeFor(size)), [
    99,
    100,
    150,
    150,
    1000,
  ]);
});

Deno.test("a sweep gives back what nobody has needed since the one before, the oldest first", () => {
  const pool = new RoomPool(LIMITS);
  const rooms = [500, 600, 700].map((size) => new Uint8Array(size));
  for (const room of rooms) pool.give(room);
  // They have just come.
  pool.sweep();
  assertEquals(pool.spareBytes, 1800);
  pool.give(pool.find(650)!);
  pool.sweep();
  assertEquals(pool.spareBytes, 700);
  assertEquals(rooms.map(({ byteLength }) => byteLength), [0, 0, 700], "memory goes at once");
  assertEquals(pool.find(500)?.length, 700);
  pool.sweep();
  assertEquals(pool.spareBytes, 0);
});

Deno.test("arrays that are not kept give their memory back at once; small ones are the caller's", () => {
  const pool = new RoomPool(LIMITS);
  const rooms = [99, 1001, 900, 800, 700].map((size) => new Uint8Array(size));
  for (const room of rooms) pool.give(room);
  assertEquals(rooms.map(({ byteLength }) => byteLength), [99, 0, 0, 800, 700]);
});

Deno.test("shared pools are counted and swept together", () => {
  const before = spareRoomBytes();
  const pools = [RoomPool.shared(LIMITS), RoomPool.shared(LIMITS)];
  for (const pool of pools) pool.give(new Uint8Array(500));
  assertEquals(spareRoomBytes(), before + 1000);
  for (let count = 0; count < 2; count++) sweepRooms();
  assertEquals(spareRoomBytes(), 0);
});
