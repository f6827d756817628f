/**
 * Redis's patterns (KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET, ACL): `*` any bytes, `?` any one
 * byte, `[abc]`, `[^abc]`, `[a-z]`, and `\` to take the next byte as itself. Bytes, not
 * characters; the dot and the slash are nothing special. Odd patterns mean what they mean to
 * redis-server 7.0.15 (its stringmatchlen): a class that is never closed ends with the pattern, a
 * range may be written backwards, an empty class matches nothing, an empty text only an empty
 * pattern.
 *
 * Redis tries every suffix at every star, which takes exponential time for patterns such as
 * `a*a*a*b`, and stops that with a flag. Here it cannot arise: when what follows a star has failed,
 * only that last star is tried again, one byte further. Earlier stars need no second try, since the
 * last one could take any bytes they would give up. The time is at most pattern × text.
 */
import { lowerCase } from "./bytes.ts";

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;

/** Redis compares C's plain chars: in a range, bytes above 127 come before all others. */
function signed(byte: number): number {
  return (byte << 24) >> 24;
}

/**
 * Judges `byte` by the class whose `[` stands at `index`. Returns the index behind the class if the
 * byte belongs to it; else the complement (~) of that index.
 */
function matchClass(
  pattern: Uint8Array,
  index: number,
  end: number,
  byte: number,
  ignoresCase: boolean,
): number {
  let i = index + 1;
  const isNegated = i < end && pattern[i] === CARET;
  if (isNegated) i++;
  let matched = false;
  const wanted = signed(ignoresCase ? lowerCase(byte) : byte);
  while (i < end && pattern[i] !== CLOSE) {
    let low = signed(pattern[i]!);
    let high = low;
    if (low === BACKSLASH && end - i >= 2) {
      // Redis: an escaped byte begins no range, and is compared exactly even if case is ignored.
      if (pattern[i + 1] === byte) matched = true;
      i += 2;
      continue;
    }
    if (end - i >= 3 && pattern[i + 1] === MINUS) {
      high = signed(pattern[i + 2]!);
      i += 3;
      // Redis: the end of a range is taken as it comes, even `]`, and may stand before its start.
      if (low > high) [low, high] = [high, low];
    } else i++;
    if (ignoresCase) {
      low = lowerCase(low);
      high = lowerCase(high);
    }
    if (wanted >= low && wanted <= high) matched = true;
  }
  const behind = i < end ? i + 1 : end;
  return matched !== isNegated ? behind : ~behind;
}

/**
 * Whether the whole text range matches the whole pattern range.
 *
 * Redis: an empty text matches the empty pattern alone, not even `*`. Commands that take `*` as "no
 * pattern" ask `matchesEverything` first.
 */
export function matchGlob(
  pattern: Uint8Array,
  patternStart: number,
  patternLength: number,
  text: Uint8Array,
  textStart: number,
  textLength: number,
  ignoresCase: boolean,
): boolean {
  const patternEnd = patternStart + patternLength;
  const textEnd = textStart + textLength;
  if (textLength === 0) return patternLength === 0;
  let p = patternStart;
  let t = textStart;
  // Behind the last star, and the text position at which its remainder is being tried.
  let starPattern = -1;
  let starText = 0;
  while (true) {
    let isMatch = false;
    if (p < patternEnd && pattern[p] === STAR) {
      starPattern = ++p;
      starText = t;
      if (p === patternEnd) return true;
      continue;
    }
    if (t === textEnd) return p === patternEnd;
    if (p < patternEnd) {
      let expected = pattern[p]!;
      let found = text[t]!;
      if (expected === OPEN) {
        p = matchClass(pattern, p, patternEnd, found, ignoresCase);
        isMatch = p >= 0;
        if (!isMatch) p = ~p;
      } else if (expected === QUESTION) {
        p++;
        isMatch = true;
      } else {
        if (expected === BACKSLASH && patternEnd - p >= 2) expected = pattern[++p]!;
        if (ignoresCase) {
          expected = lowerCase(expected);
          found = lowerCase(found);
        }
        p++;
        isMatch = expected === found;
      }
    }
    if (isMatch) t++;
    else if (starPattern === -1) return false;
    else {
      p = starPattern;
      t = ++starText;
    }
  }
}

/** Whether the pattern is `*` alone, which matches everything: worth knowing before a long walk. */
export function matchesEverything(pattern: Uint8Array, start: number, length: number): boolean {
  return length === 1 && pattern[start] === STAR;
}
