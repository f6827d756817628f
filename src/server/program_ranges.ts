/**
 * Program ranges: where in memory the file of the running program is, as far as nobody can write
 * there: its code and its constants. Such pages hold what the file holds, nothing else.
 *
 * The program's headers tell (elf(5)), which the kernel has left in memory and names in the
 * auxiliary vector (getauxval(3)). Those of 64 bits, which all systems have where there is a libc
 * (net/libc.ts).
 */
import type { Libc } from "../net/libc.ts";

/** `length` bytes of this process's memory. */
export interface AddressRange {
  readonly address: bigint;
  readonly length: bigint;
}

const AT_PHDR = 3n;
const AT_PHENT = 4n;
const AT_PHNUM = 5n;
/** Key of the auxiliary vector: the size of a page. */
export const AT_PAGESZ = 6n;

const PT_LOAD = 1;
const PT_PHDR = 6;
const PF_W = 2;

/** Offsets within a header. */
const TYPE = 0;
const FLAGS = 4;
const VIRTUAL_ADDRESS = 16;
const FILE_BYTES = 32;

/** Reads numbers of the machine's byte order at offsets: memory, or what a test has made. */
export type HeaderView = Pick<Deno.UnsafePointerView, "getUint32" | "getBigUint64">;

/** How the headers lie: the first at `address`, `count` of them, every `stride` bytes. */
export interface HeaderTable {
  address: bigint;
  count: number;
  stride: number;
  pageBytes: bigint;
}

/** The ranges that nobody can write, whole pages of the file; none if the headers do not tell. */
export function unwritableRanges(view: HeaderView, table: HeaderTable): AddressRange[] {
  const offsets = Array.from({ length: table.count }, (_, index) => index * table.stride);
  // The headers are loaded themselves, and say where they should have been.
  const own = offsets.find((at) => view.getUint32(at + TYPE) === PT_PHDR);
  if (own === undefined) return [];
  const shift = table.address - view.getBigUint64(own + VIRTUAL_ADDRESS);
  const isUnwritable = (at: number) =>
    view.getUint32(at + TYPE) === PT_LOAD && (view.getUint32(at + FLAGS) & PF_W) === 0;
  const toPage = (address: bigint) => address - address % table.pageBytes;
  return offsets.filter(isUnwritable).map((at) => {
    const start = shift + view.getBigUint64(at + VIRTUAL_ADDRESS);
    // The last page may be shared with what comes behind it.
    const end = toPage(start + view.getBigUint64(at + FILE_BYTES));
    const address = toPage(start + table.pageBytes - 1n);
    return { address, length: end - address };
  }).filter(({ length }) => length > 0n);
}

/** The ranges of the running program. */
export function programFileRanges(libc: Pick<Libc, "getauxval">): AddressRange[] {
  const address = libc.getauxval(AT_PHDR);
  const pointer = Deno.UnsafePointer.create(address);
  if (pointer === null) return [];
  return unwritableRanges(new Deno.UnsafePointerView(pointer), {
    address,
    count: Number(libc.getauxval(AT_PHNUM)),
    stride: Number(libc.getauxval(AT_PHENT)),
    pageBytes: libc.getauxval(AT_PAGESZ),
  });
}
