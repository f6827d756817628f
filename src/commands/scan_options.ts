/**
 * Scan options: what SCAN, HSCAN, SSCAN and ZSCAN have in common: the cursor, the options MATCH,
 * COUNT and (SCAN alone) TYPE, the walk over a dict, and the shape of the reply.
 *
 * A step of a scan is: collect entries until there are enough, reply with the new cursor, then with
 * those of them that match. As in Redis, MATCH does not make a step look any further: a step may
 * well reply with nothing.
 */
import { matchesEverything, matchGlob } from "../base/glob.ts";
import { UINT64_MAX } from "../base/integers.ts";
import type { Slice } from "../base/bytes.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Reply } from "../protocol/reply.ts";
import { commandError, INVALID_CURSOR, SYNTAX_ERROR } from "../session/errors.ts";
import * as dict from "../structures/dict.ts";
import { integerArgument } from "./arguments.ts";

/** What COMMAND DOCS says of HSCAN, SSCAN and ZSCAN. */
export const SCAN_COMPLEXITY =
  "O(1) per call. A whole iteration, from cursor 0 to cursor 0, takes O(N), N: elements of the collection.";

const NOVALUES_ELSEWHERE = commandError("ERR NOVALUES option can only be used in HSCAN");

const COUNT_DEFAULT = 10;
/** Redis: in a sparse table a step looks at no more than so many buckets per wanted entry. */
const BUCKETS_PER_ENTRY_MAX = 10;

export interface ScanOptions {
  /** About how many entries a step collects. */
  count: number;
  /** Argument number of the pattern; 0 = all match. */
  patternIndex: number;
  /** Name of the only type wanted, in lower case, or null. */
  typeName: string | null;
  /** Names of fields are wanted without their values. */
  hasNoValues: boolean;
}

/**
 * The cursor that an argument spells. Redis reads it with C's strtoul: a sign, leading zeros and
 * the empty text pass, all of uint64, and whatever follows a zero byte; our dicts use the lower 32
 * bits.
 */
export function cursorArgument(argv: Argv, index: number): number {
  const [text] = argv.text(index).split("\0", 1);
  if (text === "") return 0;
  const match = /^([+-]?)(\d+)$/.exec(text);
  if (match === null) throw INVALID_CURSOR;
  const size = BigInt(match[2]);
  if (size > UINT64_MAX) throw INVALID_CURSOR;
  return Number(BigInt.asUintN(32, match[1] === "-" ? -size : size));
}

/**
 * The options from argument `from` on. TYPE is a syntax error unless `takesType`, NOVALUES is an
 * error of its own unless `takesNoValues`.
 */
export function scanOptions(
  argv: Argv,
  from: number,
  takesType: boolean,
  takesNoValues = false,
): ScanOptions {
  const options: ScanOptions = {
    count: COUNT_DEFAULT,
    patternIndex: 0,
    typeName: null,
    hasNoValues: false,
  };
  for (let index = from; index < argv.count; index += 2) {
    if (argv.is(index, "novalues")) {
      if (!takesNoValues) throw NOVALUES_ELSEWHERE;
      options.hasNoValues = true;
      index--;
      continue;
    }
    if (index + 1 === argv.count) throw SYNTAX_ERROR;
    if (argv.is(index, "count")) {
      options.count = integerArgument(argv, index + 1);
      if (options.count < 1) throw SYNTAX_ERROR;
    } else if (argv.is(index, "match")) {
      const start = argv.starts[index + 1];
      const isAny = matchesEverything(argv.bytes, start, argv.lengths[index + 1]);
      options.patternIndex = isAny ? 0 : index + 1;
    } else if (takesType && argv.is(index, "type")) {
      options.typeName = argv.text(index + 1).toLowerCase();
    } else {
      throw SYNTAX_ERROR;
    }
  }
  return options;
}

/**
 * Collects about `count` entries of a dict in `out`, from `cursor` on. Returns the cursor to go on
 * with, 0 at the end.
 */
export function collectEntries(
  memory: Memory,
  entries: Ref,
  cursor: number,
  count: number,
  out: Ref[],
): number {
  let next = cursor;
  let bucketsLeft = count * BUCKETS_PER_ENTRY_MAX;
  const collect = (entry: Ref) => {
    out.push(entry);
  };
  do {
    next = dict.scan(memory, entries, next, collect);
  } while (next !== 0 && bucketsLeft-- > 0 && out.length < count);
  return next;
}

/** Whether an element passes MATCH. */
export function passesMatch(options: ScanOptions, argv: Argv, element: Slice): boolean {
  const { patternIndex } = options;
  if (patternIndex === 0) return true;
  return matchGlob(
    argv.bytes,
    argv.starts[patternIndex],
    argv.lengths[patternIndex],
    element.bytes,
    element.start,
    element.length,
    false,
  );
}

/** Begins the reply of a step: the cursor; an array of the elements has to follow. */
export function replyCursor(reply: Reply, cursor: number): void {
  reply.array(2);
  reply.bulkText(String(cursor));
}

/** The whole reply for a key that does not exist. */
export function replyEmptyScan(reply: Reply): void {
  replyCursor(reply, 0);
  reply.array(0);
}
