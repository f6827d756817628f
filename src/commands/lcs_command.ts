/**
 * LCS: the longest common subsequence of two strings, by dynamic programming.
 *
 * L(i, j) is the length of the longest common subsequence of the first i bytes of one string and
 * the first j of the other. Only the last row of L is kept; to find the way back through the table,
 * one bit per cell suffices: whether the step goes up (L(i-1, j) > L(i, j-1)) or left. That is a
 * 32nd of the memory Redis takes for it, with the same choices and so the same matches.
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
/** The table of steps back may have so many cells: 1 GiB of memory. */
const CELLS_MAX = 2 ** 33;

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
  if (cells > CELLS_MAX) throw NO_MEMORY;
  // One spare bit in front of each row and column keeps the indexes as in L(i, j).
  const goesUp = new Int32Array(needsWay ? Math.ceil(cells / 32) : 0);
  const length = fillTable(a, b, goesUp);
  if (options.wantsIndexes) replyMatches(client, a, b, goesUp, length, options);
  else if (options.wantsLength) client.reply.integer(length);
  else replySubsequence(client, a, b, goesUp, length);
}

/** The string of an entry in one piece; empty if there is none. */
function readString(memory: Memory, entry: Ref): Uint8Array {
  if (entry === 0) return new Uint8Array(0);
  if (typeOf(memory, entry) !== TYPE_STRING) throw NOT_STRINGS;
  const view = new Slice();
  stringValue.read(memory, entry, view);
  return view.bytes.subarray(view.start, view.start + view.length);
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

/** Computes L row by row, sets the bits of `goesUp` (unless it is empty); returns L's corner. */
function fillTable(a: Uint8Array, b: Uint8Array, goesUp: Int32Array): number {
  const aLength = a.length;
  const bLength = b.length;
  const isNoted = goesUp.length > 0;
  const row = new Int32Array(bLength + 1);
  for (let i = 1; i <= aLength; i++) {
    const byte = a[i - 1];
    let diagonal = 0;
    let left = 0;
    let cell = i * (bLength + 1) + 1;
    for (let j = 1; j <= bLength; j++, cell++) {
      const up = row[j];
      if (byte === b[j - 1]) {
        left = diagonal + 1;
      } else if (up > left) {
        left = up;
        if (isNoted) goesUp[Math.floor(cell / 32)] |= 1 << (cell % 32);
      }
      row[j] = left;
      diagonal = up;
    }
  }
  return row[bLength];
}

/**
 * Walks back through the table from its corner and calls `visit` for each pair of equal bytes on
 * the way, from the last one to the first: `i` and `j` are their indexes.
 */
function walkBack(
  a: Uint8Array,
  b: Uint8Array,
  goesUp: Int32Array,
  visit: (i: number, j: number) => void,
): void {
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      visit(--i, --j);
      continue;
    }
    const cell = i * (b.length + 1) + j;
    if ((goesUp[Math.floor(cell / 32)] & (1 << (cell % 32))) !== 0) i--;
    else j--;
  }
}

function replySubsequence(
  { reply }: Client,
  a: Uint8Array,
  b: Uint8Array,
  goesUp: Int32Array,
  length: number,
): void {
  const bytes = new Uint8Array(length);
  let at = length;
  walkBack(a, b, goesUp, (i) => bytes[--at] = a[i]);
  reply.bulk(bytes, 0, length);
}

function replyMatches(
  { reply }: Client,
  a: Uint8Array,
  b: Uint8Array,
  goesUp: Int32Array,
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
  walkBack(a, b, goesUp, (i, j) => {
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
