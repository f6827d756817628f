/**
 * LCS: the longest common subsequence of two strings, by dynamic programming.
 *
 * L(i, j) is the length of the longest common subsequence of the first i bytes of one string and
 * the first j of the other. One bit per cell is kept: whether L(i, j) > L(i, j-1), by 1 then. The
 * ones of a row add up to L; and they show the way back through the table, for where the bytes
 * differ, L(i, j) is the larger of L(i-1, j) and L(i, j-1), and Redis steps up if the former is
 * larger than the latter: if the bit is set. So the choices are the same, and so are the matches.
 *
 * A row comes of the one above it 32 cells at a time (Crochemore, Iliopoulos, Pinzon and Reid, "A
 * fast and practical bit-vector algorithm for the longest common subsequence problem", 2001; in the
 * form of Hyyrö, 2004). Between ones of a row there are runs of zeros; in each run the first cell
 * whose bytes are equal takes the one that ends the run. With the bits inverted an addition does
 * that for all runs of a word at once.
 */
import { Slice } from "../base/bytes.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import * as stringValue from "../values/string_value.ts";
import { TYPE_STRING, typeOf } from "../values/value.ts";
import { integerArgument } from "./arguments.ts";

const LCS_COMPLEXITY = "O(N*M), N and M: lengths of the two strings.";

// deno-fmt-ignore
export const lcsCommands: readonly RedisCommand[] = [
  { name: "lcs", arity: -3, flags: ["readonly"], keys: [1, 2, 1],
    access: "RO access", categories: ["@string"], since: "7.0.0", group: "string",
    complexity: LCS_COMPLEXITY, proc: lcsCommand,
    summary: "Finds the longest common subsequence of two strings." },
];

const NOT_STRINGS = commandError("ERR The specified keys must contain string values");
const LENGTH_AND_INDEXES = commandError(
  "ERR If you want both the length and indexes, please just use IDX.",
);
const NO_MEMORY = commandError(
  "ERR Insufficient memory, failed allocating transient memory for LCS",
);

const TOO_MUCH_MEMORY = commandError(
  "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
);

/** Bytes that a cell of the table takes in Redis, whose limit holds here too. */
const REDIS_CELL_BYTES = 4;
/** The table may have so many words of 32 cells: 1 GiB of memory. */
const WORDS_MAX = 2 ** 28;
const BYTE_VALUES = 256;

/** For each byte, where its row of `matchMasks` begins; 0 for bytes that one string lacks. */
const maskStarts = new Int32Array(BYTE_VALUES);
const isInSecond = new Uint8Array(BYTE_VALUES);

/** Strings whose tables have up to so many words need no arrays of their own. */
const SHORT_WORDS = 1024;
const shortRises = new Int32Array(SHORT_WORDS);
const shortMasks = new Int32Array(SHORT_WORDS);
const shortBytes = new Uint8Array(SHORT_WORDS);

/** So many zeros: those of `short`, if they are enough, which takes a tenth of the time. */
function zeroWords(count: number, short: Int32Array): Int32Array {
  return count <= SHORT_WORDS ? short.fill(0, 0, count) : new Int32Array(count);
}

interface LcsOptions {
  wantsLength: boolean;
  wantsIndexes: boolean;
  withMatchLength: boolean;
  minMatchLength: number;
}

function lcsCommand(client: Client): void {
  const { db, argv } = client;
  const first = db.lookupForRead(argv, 1);
  const second = db.lookupForRead(argv, 2);
  const a = readString(db.arena, first);
  const b = readString(db.arena, second);
  const options = parseOptions(client);
  const needsWay = options.wantsIndexes || !options.wantsLength;
  const cells = (a.length + 1) * (b.length + 1);
  if (cells * REDIS_CELL_BYTES > client.host.config.protoMaxBulkLen) throw TOO_MUCH_MEMORY;
  const rowWords = Math.ceil(b.length / 32);
  const words = needsWay ? (a.length + 1) * rowWords : rowWords;
  if (words > WORDS_MAX) throw NO_MEMORY;
  const rises = zeroWords(words, shortRises);
  const length = fillTable(a, b, rises, needsWay);
  if (options.wantsIndexes) replyMatches(client, a, b, rises, length, options);
  else if (options.wantsLength) client.reply.integer(length);
  else replySubsequence(client, a, b, rises, length);
}

/** The string of an entry in one piece; empty if there is none. */
function readString(memory: Memory, entry: Ref): Slice {
  const view = new Slice();
  if (entry === 0) return view;
  if (typeOf(memory, entry) !== TYPE_STRING) throw NOT_STRINGS;
  stringValue.read(memory, entry, view);
  return view;
}

function parseOptions({ argv }: Client): LcsOptions {
  const options: LcsOptions = {
    wantsLength: false,
    wantsIndexes: false,
    withMatchLength: false,
    minMatchLength: 0,
  };
  for (let index = 3; index < argv.count; index++) {
    if (argv.is(index, "idx")) options.wantsIndexes = true;
    else if (argv.is(index, "len")) options.wantsLength = true;
    else if (argv.is(index, "withmatchlen")) options.withMatchLength = true;
    else if (argv.is(index, "minmatchlen") && index + 1 < argv.count) {
      options.minMatchLength = Math.max(0, integerArgument(argv, ++index));
    } else throw SYNTAX_ERROR;
  }
  if (options.wantsIndexes && options.wantsLength) throw LENGTH_AND_INDEXES;
  return options;
}

/**
 * Computes the bits of `rises` row by row, or, unless all are kept, again and again those of a
 * single row, which must be zeros at first. Returns the corner of L.
 */
function fillTable(a: Slice, b: Slice, rises: Int32Array, keepsRows: boolean): number {
  const rowWords = Math.ceil(b.length / 32);
  const masks = matchMasks(a, b);
  const { bytes, start } = a;
  let row = 0;
  for (let i = 0; i < a.length; i++) {
    const mask = maskStarts[bytes[start + i]];
    const next = keepsRows ? row + rowWords : row;
    let carry = 0;
    for (let word = 0; word < rowWords; word++) {
      const equal = masks[mask + word];
      const level = ~rises[row + word];
      const candidates = level & equal;
      const sum = (level + candidates + carry) | 0;
      carry = (candidates | (level & ~sum)) >>> 31;
      rises[next + word] = ~(sum | (level & ~equal));
    }
    row = next;
  }
  return countBits(rises, row, rowWords);
}

/**
 * The bits that are set in some words. Not by `countSetBits`, which takes bytes: to make a view of
 * bytes takes longer than a short row.
 */
function countBits(words: Int32Array, start: number, count: number): number {
  let total = 0;
  for (let index = start; index < start + count; index++) {
    let bits = words[index];
    bits -= (bits >>> 1) & 0x55555555;
    bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
    bits = (bits + (bits >>> 4)) & 0x0f0f0f0f;
    total += Math.imul(bits, 0x01010101) >>> 24;
  }
  return total;
}

/**
 * For each byte that both strings have, a row of bits: where in `b` it stands. The first row, of
 * zeros, is for all others.
 */
function matchMasks(a: Slice, b: Slice): Int32Array {
  const rowWords = Math.ceil(b.length / 32);
  const { bytes: aBytes, start: aStart } = a;
  const { bytes: bBytes, start: bStart } = b;
  maskStarts.fill(0);
  isInSecond.fill(0);
  for (let j = 0; j < b.length; j++) isInSecond[bBytes[bStart + j]] = 1;
  let rows = 1;
  for (let i = 0; i < a.length; i++) {
    const byte = aBytes[aStart + i];
    if (isInSecond[byte] === 1 && maskStarts[byte] === 0) maskStarts[byte] = rows++ * rowWords;
  }
  const masks = zeroWords(rows * rowWords, shortMasks);
  for (let j = 0; j < b.length; j++) {
    const start = maskStarts[bBytes[bStart + j]];
    if (start !== 0) masks[start + (j >>> 5)] |= 1 << (j & 31);
  }
  return masks;
}

/**
 * Walks back through the table from its corner and calls `visit` for each pair of equal bytes on
 * the way, from the last one to the first: `i` and `j` are their indexes.
 */
function walkBack(
  a: Slice,
  b: Slice,
  rises: Int32Array,
  visit: (i: number, j: number) => void,
): void {
  const rowWords = Math.ceil(b.length / 32);
  const { bytes: aBytes, start: aStart } = a;
  const { bytes: bBytes, start: bStart } = b;
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    if (aBytes[aStart + i - 1] === bBytes[bStart + j - 1]) {
      visit(--i, --j);
      continue;
    }
    const word = i * rowWords + ((j - 1) >>> 5);
    if ((rises[word] & (1 << ((j - 1) & 31))) !== 0) i--;
    else j--;
  }
}

function replySubsequence(
  { reply }: Client,
  a: Slice,
  b: Slice,
  rises: Int32Array,
  length: number,
): void {
  const bytes = length <= SHORT_WORDS ? shortBytes : new Uint8Array(length);
  let at = length;
  walkBack(a, b, rises, (i) => bytes[--at] = a.bytes[a.start + i]);
  reply.bulk(bytes, 0, length);
}

function replyMatches(
  { reply }: Client,
  a: Slice,
  b: Slice,
  rises: Int32Array,
  length: number,
  { minMatchLength, withMatchLength }: LcsOptions,
): void {
  reply.map(2);
  reply.bulkText("matches");
  const mark = reply.deferArray();
  let matches = 0;
  // The match that is being extended towards the beginning; none while its length is 0.
  let aStart = 0;
  let bStart = 0;
  let matchLength = 0;
  const emit = (): void => {
    if (matchLength === 0 || matchLength < minMatchLength) return;
    matches++;
    reply.array(withMatchLength ? 3 : 2);
    reply.array(2);
    reply.integer(aStart);
    reply.integer(aStart + matchLength - 1);
    reply.array(2);
    reply.integer(bStart);
    reply.integer(bStart + matchLength - 1);
    if (withMatchLength) reply.integer(matchLength);
  };
  walkBack(a, b, rises, (i, j) => {
    if (matchLength > 0 && i === aStart - 1 && j === bStart - 1) {
      matchLength++;
    } else {
      emit();
      matchLength = 1;
    }
    aStart = i;
    bStart = j;
  });
  emit();
  reply.endDeferredArray(mark, matches);
  reply.bulkText("len");
  reply.integer(length);
}
