/**
 * HyperLogLog: estimates how many different elements were seen, in at most 12 KiB. The format is
 * that of Redis 7.0 byte for byte, since clients may GET such a value and SET it elsewhere.
 *
 *   offset  bytes  field
 *   0       4      "HYLL"
 *   4       1      encoding: 0 dense, 1 sparse
 *   5       3      unused, 0
 *   8       8      the last estimate, little endian; bit 63 set: no longer true
 *   16      …      16,384 registers of 6 bits
 *
 * Dense: the registers one after the other, lowest bits first: 12,288 bytes.
 * Sparse: runs of registers of equal value, one opcode each:
 *
 *   00xxxxxx           ZERO   x + 1 registers are 0
 *   01xxxxxx yyyyyyyy  XZERO  256 x + y + 1 registers are 0
 *   1vvvvvxx           VAL    x + 1 registers are v + 1
 *
 * The hash of an element (MurmurHash64A) chooses a register by its lowest 14 bits; the register
 * keeps the largest "rank" it was offered: the place of the first set bit in the other 50. A
 * sparse value becomes dense when a rank exceeds 32 or its length a limit.
 *
 * Functions read a value where it stands, as a range of bytes; `HyperLogLogDraft` changes a copy.
 * The bytes come from clients, so nothing about a sparse value is taken for granted.
 */
import { copyBytes } from "../base/bytes.ts";

export const REGISTER_COUNT = 16384;
export const HEADER_BYTES = 16;
export const DENSE_BYTES = HEADER_BYTES + (REGISTER_COUNT * 6) / 8;
/** No sparse value can be longer: every opcode is for one register at least. */
export const SPARSE_BYTES_MAX = HEADER_BYTES + 2 * REGISTER_COUNT;

const ENCODING_OFFSET = 4;
const CARDINALITY_OFFSET = 8;
const DENSE = 0;
const SPARSE = 1;
const MAGIC = [0x48, 0x59, 0x4c, 0x4c];

const REGISTER_MASK = 63;
const INDEX_BITS = 14;
const RANK_BITS = 64 - INDEX_BITS;
/** α∞ = 1 / (2 ln 2), from the paper named at `estimate`. */
const ALPHA_INFINITY = 0.721347520444481703680;

const VALUE_BIT = 0x80;
const XZERO_BIT = 0x40;
const ZERO_RUN_MAX = 64;
const VALUE_RUN_MAX = 4;
const SPARSE_RANK_MAX = 32;
/** Redis looks at so many opcodes when it joins neighbours after a change. */
const MERGE_SCAN_COUNT = 5;

/** Not a well-formed sparse value. */
export const CORRUPTED = -1;

/** Whether the range begins like a HyperLogLog, and is as long as it must be if it is dense. */
export function isHyperLogLog(bytes: Uint8Array, start: number, length: number): boolean {
  if (length < HEADER_BYTES) return false;
  for (let index = 0; index < MAGIC.length; index++) {
    if (bytes[start + index] !== MAGIC[index]) return false;
  }
  if (bytes[start + ENCODING_OFFSET] > SPARSE) return false;
  return !isDense(bytes, start) || length === DENSE_BYTES;
}

export function isDense(bytes: Uint8Array, start: number): boolean {
  return bytes[start + ENCODING_OFFSET] === DENSE;
}

/** The estimate that was stored with the value, or null if it is out of date. */
export function cachedCount(bytes: Uint8Array, start: number): bigint | null {
  const at = start + CARDINALITY_OFFSET;
  if ((bytes[at + 7] & 0x80) !== 0) return null;
  let count = 0n;
  for (let index = 7; index >= 0; index--) count = (count << 8n) | BigInt(bytes[at + index]);
  return count;
}

/** Stores an estimate with the value. */
export function storeCachedCount(bytes: Uint8Array, start: number, count: bigint): void {
  let rest = count;
  for (let index = 0; index < 8; index++) {
    bytes[start + CARDINALITY_OFFSET + index] = Number(rest & 255n);
    rest >>= 8n;
  }
}

/** Marks the stored estimate as out of date. */
export function invalidateCount(bytes: Uint8Array, start: number): void {
  bytes[start + CARDINALITY_OFFSET + 7] |= 0x80;
}

// ------------------------------------------------------------------------------------- elements

const SEED = 0xadc83b19 | 0;
const MULTIPLIER_HIGH = 0xc6a4a793 | 0;
const MULTIPLIER_LOW = 0x5bd1e995;
const MULTIPLIER_LOW_UPPER = MULTIPLIER_LOW >>> 16;
const MULTIPLIER_LOW_LOWER = MULTIPLIER_LOW & 0xffff;

/** What an element does to the registers. */
export class ElementHash {
  /** The register that it chooses. */
  index = 0;
  /** The rank that it offers to it. */
  rank = 0;
  readonly #hash = new MurmurHash();

  set(bytes: Uint8Array, start: number, length: number): void {
    const hash = this.#hash;
    hash.set(bytes, start, length);
    this.index = hash.low & (REGISTER_COUNT - 1);
    // The 50 bits above the index: 18 in the lower word, 32 in the higher one.
    const low = hash.low >>> INDEX_BITS;
    if (low !== 0) this.rank = trailingZeros(low) + 1;
    else if (hash.high !== 0) this.rank = 32 - INDEX_BITS + trailingZeros(hash.high) + 1;
    else this.rank = RANK_BITS + 1;
  }
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** MurmurHash64A (Austin Appleby): a 64-bit word in two halves. */
class MurmurHash {
  high = 0;
  low = 0;

  /** Takes the hash of a range. */
  set(bytes: Uint8Array, start: number, length: number): void {
    this.#multiply(0, length | 0);
    let hashHigh = this.high;
    let hashLow = this.low ^ SEED;
    const tail = length & 7;
    const end = start + length - tail;
    for (let at = start; at < end; at += 8) {
      this.#multiply(fourBytes(bytes, at + 4), fourBytes(bytes, at));
      this.#multiply(this.high, this.low ^ (this.high >>> 15));
      this.#multiply(hashHigh ^ this.high, hashLow ^ this.low);
      hashHigh = this.high;
      hashLow = this.low;
    }
    if (tail > 0) {
      let tailHigh = 0;
      let tailLow = 0;
      for (let index = 0; index < tail; index++) {
        if (index < 4) tailLow |= bytes[end + index] << (8 * index);
        else tailHigh |= bytes[end + index] << (8 * (index - 4));
      }
      this.#multiply(hashHigh ^ tailHigh, hashLow ^ tailLow);
      hashHigh = this.high;
      hashLow = this.low;
    }
    this.#multiply(hashHigh, hashLow ^ (hashHigh >>> 15));
    this.low ^= this.high >>> 15;
  }

  /** Takes the lower 64 bits of the word times Murmur's multiplier. */
  #multiply(high: number, low: number): void {
    // The upper half of low × MULTIPLIER_LOW by schoolbook in 16-bit digits; no sum exceeds 2^32.
    const lower = low & 0xffff;
    const upper = low >>> 16;
    const first = lower * MULTIPLIER_LOW_LOWER;
    const second = upper * MULTIPLIER_LOW_LOWER + (first >>> 16);
    const third = lower * MULTIPLIER_LOW_UPPER + (second & 0xffff);
    const carry = upper * MULTIPLIER_LOW_UPPER + (second >>> 16) + (third >>> 16);
    this.high = (carry + Math.imul(high, MULTIPLIER_LOW) + Math.imul(low, MULTIPLIER_HIGH)) | 0;
    this.low = Math.imul(low, MULTIPLIER_LOW);
  }
}

function fourBytes(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

// ------------------------------------------------------------------------------------ registers

/** A register of a dense value that begins at `start`. */
export function denseRegister(bytes: Uint8Array, start: number, index: number): number {
  const at = start + HEADER_BYTES + ((index * 6) >>> 3);
  const shift = (index * 6) & 7;
  const upper = shift > 2 ? bytes[at + 1] << (8 - shift) : 0;
  return ((bytes[at] >>> shift) | upper) & REGISTER_MASK;
}

/** Raises a register of a dense value to `rank`. Returns whether it was lower. */
export function raiseDenseRegister(
  bytes: Uint8Array,
  start: number,
  index: number,
  rank: number,
): boolean {
  if (denseRegister(bytes, start, index) >= rank) return false;
  const at = start + HEADER_BYTES + ((index * 6) >>> 3);
  const shift = (index * 6) & 7;
  bytes[at] = (bytes[at] & ~(REGISTER_MASK << shift)) | (rank << shift);
  if (shift > 2) {
    bytes[at + 1] = (bytes[at + 1] & ~(REGISTER_MASK >> (8 - shift))) | (rank >> (8 - shift));
  }
  return true;
}

/** A register of a sparse value, or CORRUPTED. */
export function sparseRegister(
  bytes: Uint8Array,
  start: number,
  length: number,
  index: number,
): number {
  const end = start + length;
  let first = 0;
  for (let at = start + HEADER_BYTES; at + opcodeBytes(bytes, at) <= end;) {
    first += runLength(bytes, at);
    if (index < first) return runRank(bytes, at);
    at += opcodeBytes(bytes, at);
  }
  return CORRUPTED;
}

function opcodeBytes(bytes: Uint8Array, at: number): number {
  return (bytes[at] & (VALUE_BIT | XZERO_BIT)) === XZERO_BIT ? 2 : 1;
}

function runLength(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if ((byte & VALUE_BIT) !== 0) return (byte & 3) + 1;
  const length = byte & (ZERO_RUN_MAX - 1);
  return (byte & XZERO_BIT) !== 0 ? ((length << 8) | bytes[at + 1]) + 1 : length + 1;
}

function runRank(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  return (byte & VALUE_BIT) !== 0 ? ((byte >>> 2) & 31) + 1 : 0;
}

/** Calls `visit` for each run of a sparse value; returns whether the value is well formed. */
function forEachRun(
  bytes: Uint8Array,
  start: number,
  length: number,
  visit: (first: number, count: number, rank: number) => void,
): boolean {
  const end = start + length;
  let first = 0;
  for (let at = start + HEADER_BYTES; at < end;) {
    const size = opcodeBytes(bytes, at);
    if (at + size > end) return false;
    const count = runLength(bytes, at);
    if (first + count > REGISTER_COUNT) return false;
    visit(first, count, runRank(bytes, at));
    first += count;
    at += size;
  }
  return first === REGISTER_COUNT;
}

/** Raises `registers` to those of a value. Returns whether the value is well formed. */
export function mergeInto(
  registers: Uint8Array,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (!isDense(bytes, start)) {
    return forEachRun(bytes, start, length, (first, count, rank) => {
      // Most registers of a sparse value are 0, and raise none.
      const end = rank === 0 ? first : first + count;
      for (let index = first; index < end; index++) {
        if (registers[index] < rank) registers[index] = rank;
      }
    });
  }
  mergeDense(registers, bytes, start + HEADER_BYTES);
  return true;
}

/** `mergeInto` of the registers of a dense value: three bytes hold four of them. */
function mergeDense(registers: Uint8Array, bytes: Uint8Array, start: number): void {
  for (let index = 0, at = start; index < REGISTER_COUNT; index += 4, at += 3) {
    const four = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    if (four === 0) continue;
    const first = four & REGISTER_MASK;
    const second = (four >>> 6) & REGISTER_MASK;
    const third = (four >>> 12) & REGISTER_MASK;
    const fourth = four >>> 18;
    if (registers[index] < first) registers[index] = first;
    if (registers[index + 1] < second) registers[index + 1] = second;
    if (registers[index + 2] < third) registers[index + 2] = third;
    if (registers[index + 3] < fourth) registers[index + 3] = fourth;
  }
}

/** The runs of a sparse value as PFDEBUG DECODE shows them. */
export function describeSparse(bytes: Uint8Array, start: number, length: number): string {
  const words: string[] = [];
  const end = start + length;
  for (let at = start + HEADER_BYTES; at + opcodeBytes(bytes, at) <= end;) {
    const size = opcodeBytes(bytes, at);
    const count = runLength(bytes, at);
    const rank = runRank(bytes, at);
    if (rank > 0) words.push(`v:${rank},${count}`);
    else words.push(size === 2 ? `Z:${count}` : `z:${count}`);
    at += size;
  }
  return words.join(" ");
}

// ------------------------------------------------------------------------------------- counting

/** How many registers have each rank; of a dense value ranks go to 63. */
const histogram = new Int32Array(REGISTER_MASK + 1);
/** The registers of a dense value that is counted. */
const unpacked = new Uint8Array(REGISTER_COUNT);

/** The estimated number of elements of a value, or null if it is corrupted. */
export function count(bytes: Uint8Array, start: number, length: number): bigint | null {
  if (isDense(bytes, start)) {
    unpacked.fill(0);
    mergeDense(unpacked, bytes, start + HEADER_BYTES);
    return countRegisters(unpacked);
  }
  histogram.fill(0);
  const isWellFormed = forEachRun(bytes, start, length, (_first, run, rank) => {
    histogram[rank] += run;
  });
  return isWellFormed ? estimate() : null;
}

/** The estimated number of elements behind an array of registers, which has a buffer of its own. */
export function countRegisters(registers: Uint8Array): bigint {
  histogram.fill(0);
  // Eight registers are a double, which is 0 if they all are: they are 63 at most, so it is not -0.
  const eights = new Float64Array(registers.buffer);
  for (let eight = 0; eight < REGISTER_COUNT / 8; eight++) {
    if (eights[eight] === 0) {
      histogram[0] += 8;
      continue;
    }
    const index = eight * 8;
    histogram[registers[index]]++;
    histogram[registers[index + 1]]++;
    histogram[registers[index + 2]]++;
    histogram[registers[index + 3]]++;
    histogram[registers[index + 4]]++;
    histogram[registers[index + 5]]++;
    histogram[registers[index + 6]]++;
    histogram[registers[index + 7]]++;
  }
  return estimate();
}

/**
 * Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (arXiv:1702.01284),
 * algorithm 6: no tables, no case distinctions. What exceeds int64 (registers made up by a client)
 * is -2^63 in Redis; so it is here, as uint64.
 */
function estimate(): bigint {
  let sum = REGISTER_COUNT * tau((REGISTER_COUNT - histogram[RANK_BITS + 1]) / REGISTER_COUNT);
  for (let rank = RANK_BITS; rank >= 1; rank--) sum = (sum + histogram[rank]) * 0.5;
  sum += REGISTER_COUNT * sigma(histogram[0] / REGISTER_COUNT);
  const elements = Math.round((ALPHA_INFINITY * REGISTER_COUNT * REGISTER_COUNT) / sum);
  return elements < 2 ** 63 ? BigInt(elements) : 2n ** 63n;
}

function sigma(share: number): number {
  if (share === 1) return Infinity;
  let power = share;
  let weight = 1;
  let sum = share;
  for (let previous = NaN; sum !== previous;) {
    power *= power;
    previous = sum;
    sum += power * weight;
    weight += weight;
  }
  return sum;
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let root = share;
  let weight = 1;
  let sum = 1 - share;
  for (let previous = NaN; sum !== previous;) {
    root = Math.sqrt(root);
    previous = sum;
    weight *= 0.5;
    sum -= (1 - root) ** 2 * weight;
  }
  return sum / 3;
}

// ------------------------------------------------------------------------------------- changing

/** A copy of a value that can be changed, and grow while it is sparse. */
export class HyperLogLogDraft {
  readonly bytes = new Uint8Array(SPARSE_BYTES_MAX + 4);
  length = 0;
  /**
   * Where a sparse value was searched last: the opcode before the one that was found, its first
   * register, and the opcode before that. Registers in ascending order are found from there.
   */
  #at = HEADER_BYTES;
  #first = 0;
  #previous = HEADER_BYTES;

  #beginAgain(): void {
    this.#at = HEADER_BYTES;
    this.#first = 0;
    this.#previous = HEADER_BYTES;
  }

  /** Begins with an empty value. */
  clear(): void {
    this.bytes.fill(0, 0, HEADER_BYTES);
    this.bytes.set(MAGIC);
    this.bytes[ENCODING_OFFSET] = SPARSE;
    this.length = HEADER_BYTES + writeZeros(this.bytes, HEADER_BYTES, REGISTER_COUNT);
    this.#beginAgain();
  }

  /** Begins with a copy of a value. Returns false if that cannot be well formed. */
  load(bytes: Uint8Array, start: number, length: number): boolean {
    if (length > SPARSE_BYTES_MAX) return false;
    copyBytes(bytes, start, this.bytes, 0, length);
    this.length = length;
    this.#beginAgain();
    return true;
  }

  get isDense(): boolean {
    return isDense(this.bytes, 0);
  }

  /**
   * Raises a register to `rank`. Returns 1 if it was lower, 0 if not, or CORRUPTED. A sparse value
   * that would be longer than `sparseBytesMax` becomes dense.
   */
  raise(index: number, rank: number, sparseBytesMax: number): number {
    if (!this.isDense) {
      const outcome = rank > SPARSE_RANK_MAX
        ? NEEDS_DENSE
        : this.#raise(index, rank, sparseBytesMax);
      if (outcome !== NEEDS_DENSE) return outcome;
      if (!this.makeDense()) return CORRUPTED;
    }
    return raiseDenseRegister(this.bytes, 0, index, rank) ? 1 : 0;
  }

  /** Gives all registers of a dense value their ranks. */
  setRegisters(registers: Uint8Array): void {
    const { bytes } = this;
    for (let index = 0, at = HEADER_BYTES; index < REGISTER_COUNT; index += 4, at += 3) {
      const four = registers[index] | (registers[index + 1] << 6) | (registers[index + 2] << 12) |
        (registers[index + 3] << 18);
      bytes[at] = four;
      bytes[at + 1] = four >>> 8;
      bytes[at + 2] = four >>> 16;
    }
  }

  /** Turns a sparse value into a dense one. Returns false if it is corrupted. */
  makeDense(): boolean {
    if (this.isDense) return true;
    const dense = new Uint8Array(DENSE_BYTES);
    dense.set(this.bytes.subarray(0, HEADER_BYTES));
    dense[ENCODING_OFFSET] = DENSE;
    const isWellFormed = forEachRun(this.bytes, 0, this.length, (first, run, rank) => {
      if (rank === 0) return;
      for (let index = first; index < first + run; index++) {
        raiseDenseRegister(dense, 0, index, rank);
      }
    });
    if (!isWellFormed) return false;
    this.bytes.set(dense);
    this.length = DENSE_BYTES;
    return true;
  }

  /** `raise` of a sparse value; NEEDS_DENSE, with nothing changed, if it has to become dense. */
  #raise(index: number, rank: number, sparseBytesMax: number): number {
    const { bytes } = this;
    // What is joined may begin with the opcode before the one that is changed, so that has to stand
    // behind the place that is kept.
    if (index < this.#first + runLength(bytes, this.#at)) this.#beginAgain();
    let previous = this.#previous;
    let at = this.#at;
    let first = this.#first;
    while (at < this.length && index >= first + runLength(bytes, at)) {
      this.#previous = previous;
      this.#at = at;
      this.#first = first;
      previous = at;
      first += runLength(bytes, at);
      at += opcodeBytes(bytes, at);
    }
    const size = opcodeBytes(bytes, at);
    if (at + size > this.length) return CORRUPTED;
    const run = runLength(bytes, at);
    const oldRank = runRank(bytes, at);
    if (oldRank >= rank) return 0;
    // The run is split into what is before the register, the register, and what is behind it.
    let length = writeRun(split, 0, oldRank, index - first);
    length += writeRun(split, length, rank, 1);
    length += writeRun(split, length, oldRank, first + run - 1 - index);
    const growth = length - size;
    if (growth > 0 && this.length + growth > sparseBytesMax) return NEEDS_DENSE;
    bytes.copyWithin(at + length, at + size, this.length);
    this.length += growth;
    for (let offset = 0; offset < length; offset++) bytes[at + offset] = split[offset];
    this.#joinNeighbours(previous);
    invalidateCount(bytes, 0);
    return 1;
  }

  /** Joins adjacent runs of the same rank, as far as one opcode can hold them. */
  #joinNeighbours(from: number): void {
    const { bytes } = this;
    let at = from;
    for (let scan = 0; scan < MERGE_SCAN_COUNT && at < this.length; scan++) {
      const rank = runRank(bytes, at);
      const next = at + opcodeBytes(bytes, at);
      if (rank > 0 && next < this.length && runRank(bytes, next) === rank) {
        const run = runLength(bytes, at) + runLength(bytes, next);
        if (run <= VALUE_RUN_MAX) {
          bytes.copyWithin(at, next, this.length);
          this.length--;
          writeRun(bytes, at, rank, run);
          continue;
        }
      }
      at = next;
    }
  }
}

/** The sparse value has no room for the change. */
const NEEDS_DENSE = 2;

/** Opcodes that take the place of one: at most XZERO, VAL, XZERO. */
const split = new Uint8Array(5);

/** Writes the opcode of a run; nothing if it has no registers. Returns bytes written. */
function writeRun(bytes: Uint8Array, at: number, rank: number, run: number): number {
  if (run === 0) return 0;
  if (rank === 0) return writeZeros(bytes, at, run);
  bytes[at] = VALUE_BIT | ((rank - 1) << 2) | (run - 1);
  return 1;
}

function writeZeros(bytes: Uint8Array, at: number, run: number): number {
  if (run <= ZERO_RUN_MAX) {
    bytes[at] = run - 1;
    return 1;
  }
  bytes[at] = XZERO_BIT | ((run - 1) >>> 8);
  bytes[at + 1] = run - 1;
  return 2;
}
