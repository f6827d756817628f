/**
 * Plain search in strings. The runtime's own is the quickest, but may compare the whole pattern
 * nearly anew at each place, for minutes, and nothing can interrupt it. Where that would be much,
 * the search here never looks back (Knuth, Morris, Pratt), and counts its steps.
 */
import { spend, spendSteps } from "./lua_meter.ts";

/** Comparisons that the runtime's search may need at the worst. */
const COMPARISONS_MAX = 2 ** 26;
/** Shorter patterns cost little more than the text itself, whatever it is. */
const PATTERN_CHARS_MIN = 32;
/** Chars that are looked at between two counts of steps. */
const PIECE_CHARS = 4096;

/** Where `pattern` begins in `text` at or behind `start`; -1 if nowhere. */
export function searchText(text: string, pattern: string, start: number): number {
  const restLength = text.length - start;
  spendSteps(restLength >>> 6);
  if (pattern.length < PATTERN_CHARS_MIN || restLength * pattern.length <= COMPARISONS_MAX) {
    return text.indexOf(pattern, start);
  }
  return searchWithoutBacktracking(text, pattern, start);
}

/** As `searchText`, in a time that is proportional to the lengths. */
export function searchWithoutBacktracking(text: string, pattern: string, start: number): number {
  const borders = bordersOf(pattern);
  let matched = 0;
  for (let at = start; at < text.length; at++) {
    if (at % PIECE_CHARS === 0) spendSteps(PIECE_CHARS >>> 2);
    const code = text.charCodeAt(at);
    while (matched > 0 && code !== pattern.charCodeAt(matched)) matched = borders[matched - 1]!;
    if (code === pattern.charCodeAt(matched)) matched++;
    if (matched === pattern.length) return at + 1 - matched;
  }
  return -1;
}

/** For each start of the pattern the length of the longest shorter one that it ends with. */
function bordersOf(pattern: string): Int32Array {
  spend(4 * pattern.length);
  const borders = new Int32Array(pattern.length);
  let length = 0;
  for (let at = 1; at < pattern.length; at++) {
    if (at % PIECE_CHARS === 0) spendSteps(PIECE_CHARS >>> 2);
    const code = pattern.charCodeAt(at);
    while (length > 0 && code !== pattern.charCodeAt(length)) length = borders[length - 1]!;
    if (code === pattern.charCodeAt(length)) length++;
    borders[at] = length;
  }
  return borders;
}
