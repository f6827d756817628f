/** What strace's log says of a file that is written and synced. */
import { assertEquals } from "@std/assert";
import { safeBytesOf } from "./traced_syncs.ts";

const FILE = "7</data/a.incr.aof>";
const RING = "24<anon_inode:[io_uring]>";
const TOLD = "25<anon_inode:[eventfd]>";

function safe(...lines: string[]): number[] {
  const found = safeBytesOf(lines.join("\n"), (path) => path.endsWith(".incr.aof"));
  return [found.written, found.safe, found.syncCount];
}

Deno.test("what was written before a sync began that has ended is safe", () => {
  const write = `10 write(${FILE}, ""..., 30) = 30`;
  assertEquals(safe(write, `10 fdatasync(${FILE}) = 0 (DELAYED)`, write), [60, 30, 1]);
  assertEquals(safe(write, `10 fdatasync(${FILE}) = -1 EIO (Input/output error)`), [30, 0, 0]);
  assertEquals(safe(write, "10 fdatasync(8</data/other>) = 0"), [30, 0, 0]);
  assertEquals(safe('10 write(8</data/other>, ""..., 5) = 5'), [0, 0, 0]);
});

Deno.test("a sync in another thread ends while others write", () => {
  const begin = `11 fdatasync(${FILE} <unfinished ...>`;
  const write = `10 write(${FILE}, ""..., 30) = 30`;
  const end = "11 <... fdatasync resumed>) = 0";
  assertEquals(safe(write, begin, write), [60, 0, 0]);
  assertEquals(safe(write, begin, write, end), [60, 30, 1]);
});

Deno.test("a write that is cut in two counts when it has ended, whole or in part", () => {
  const begin = `10 write(${FILE}, ""..., 30 <unfinished ...>`;
  assertEquals(safe(begin), [0, 0, 0]);
  assertEquals(safe(begin, "10 <... write resumed>) = 12"), [12, 0, 0]);
});

Deno.test("a sync by the ring has ended when its eventfd is read", () => {
  const register = `10 io_uring_register(${RING}, IORING_REGISTER_EVENTFD, [25], 1) = 0`;
  const write = `10 write(${FILE}, ""..., 30) = 30`;
  const enter = `10 io_uring_enter(${RING}, 1, 0, 0, NULL, 0) = 1`;
  const read = `10 read(${TOLD}, ""..., 8) = 8`;
  assertEquals(safe(register, write, enter, write), [60, 0, 0]);
  assertEquals(safe(register, write, enter, write, read), [60, 30, 1]);
  assertEquals(safe(register, write, enter, '10 read(9<pipe:[1]>, ""..., 8) = 8'), [30, 0, 0]);
});
