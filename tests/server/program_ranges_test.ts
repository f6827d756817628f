/** Program ranges: what the headers of a program say of where nobody can write. */
import { assert, assertEquals } from "@std/assert";
import { openLibc } from "../../src/net/libc.ts";
import {
  type HeaderTable,
  programFileRanges,
  unwritableRanges,
} from "../../src/server/program_ranges.ts";
import { testWith } from "../support/tool_availability.ts";

interface Header {
  type: number;
  flags: number;
  at: number;
  bytes: number;
}

const LOAD = 1;
const DYNAMIC = 2;
const OWN = 6;
const STRIDE = 56;
/** Where the program is, so much beyond where its headers say. */
const SHIFT = 0x5555_0000_0000n;

function rangesOf(headers: Header[]): { address: bigint; length: bigint }[] {
  const bytes = new DataView(new ArrayBuffer(headers.length * STRIDE));
  headers.forEach(({ type, flags, at, bytes: length }, index) => {
    bytes.setUint32(index * STRIDE, type, true);
    bytes.setUint32(index * STRIDE + 4, flags, true);
    bytes.setBigUint64(index * STRIDE + 16, BigInt(at), true);
    bytes.setBigUint64(index * STRIDE + 32, BigInt(length), true);
  });
  const view = {
    getUint32: (at?: number) => bytes.getUint32(at!, true),
    getBigUint64: (at?: number) => bytes.getBigUint64(at!, true),
  };
  const table: HeaderTable = {
    address: SHIFT + 0x40n,
    count: headers.length,
    stride: STRIDE,
    pageBytes: 4096n,
  };
  return unwritableRanges(view, table);
}

const READ = 4;
const READ_EXECUTE = 5;
const READ_WRITE = 6;
const own: Header = { type: OWN, flags: READ, at: 0x40, bytes: 0x200 };

Deno.test("constants and code count, data do not; whole pages only", () => {
  const ranges = rangesOf([
    own,
    { type: LOAD, flags: READ, at: 0, bytes: 0x5800 },
    { type: LOAD, flags: READ_EXECUTE, at: 0x6800, bytes: 0x10000 },
    { type: LOAD, flags: READ_WRITE, at: 0x17000, bytes: 0x4000 },
    { type: DYNAMIC, flags: READ, at: 0x18000, bytes: 0x4000 },
  ]);
  assertEquals(ranges, [
    { address: SHIFT, length: 0x5000n },
    { address: SHIFT + 0x7000n, length: 0xf000n },
  ]);
});

Deno.test("there are none without a whole page, or where the headers do not say where they are", () => {
  assertEquals(rangesOf([own, { type: LOAD, flags: READ, at: 0x800, bytes: 0x1000 }]), []);
  assertEquals(rangesOf([{ type: LOAD, flags: READ, at: 0, bytes: 0x5000 }]), []);
  assertEquals(rangesOf([]), []);
});

testWith(
  ["epoll"],
  "those of this program are mapped so: readable, not writable, of one file",
  () => {
    const ranges = programFileRanges(openLibc()!);
    assert(ranges.length > 0);
    const maps = Deno.readTextFileSync("/proc/self/maps").trim().split("\n").map((line) => {
      const [, from, to, mode, file] = /^(\w+)-(\w+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line)!;
      return { from: BigInt(`0x${from}`), to: BigInt(`0x${to}`), mode: mode!, file: file! };
    });
    for (const { address, length } of ranges) {
      const map = maps.find(({ from, to }) => from <= address && address + length <= to);
      assertEquals([map?.mode[1], map?.file], ["-", Deno.execPath()]);
    }
  },
);
