/**
 * Inline arguments: a line of words as a person types it, with Redis's rules for quotes. Used for
 * inline requests and, by the layers above, for lines of configuration files.
 *
 *   word            ends at white space
 *   "…"             may contain spaces and the escapes \n \r \t \b \a \xHH, else \c means c
 *   '…'             may contain spaces; \' is a quote, all else is literal
 *
 * A closing quote must be followed by white space or the end of the line.
 */

const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;
const ESCAPES = new Map([[0x6e, 10], [0x72, 13], [0x74, 9], [0x62, 8], [0x61, 7]]);

/** The words of a line, each in memory of its own, or null if quotes are unbalanced. */
export function splitArguments(
  bytes: Uint8Array,
  start: number,
  length: number,
): Uint8Array[] | null {
  const end = start + length;
  const words: Uint8Array[] = [];
  const word = new Uint8Array(length);
  let at = start;
  for (;;) {
    while (at < end && isSpace(bytes[at])) at++;
    if (at >= end) return words;
    let size = 0;
    while (at < end && !isSpace(bytes[at])) {
      if (bytes[at] !== QUOTE && bytes[at] !== APOSTROPHE) {
        word[size++] = bytes[at++];
        continue;
      }
      const quoted = bytes[at] === QUOTE
        ? readDoubleQuoted(bytes, at + 1, end, word, size)
        : readSingleQuoted(bytes, at + 1, end, word, size);
      if (quoted === null || (quoted.at < end && !isSpace(bytes[quoted.at]))) return null;
      at = quoted.at;
      size = quoted.size;
    }
    words.push(word.slice(0, size));
  }
}

interface Progress {
  at: number;
  size: number;
}

function readDoubleQuoted(
  bytes: Uint8Array,
  from: number,
  end: number,
  word: Uint8Array,
  wordSize: number,
): Progress | null {
  let at = from;
  let size = wordSize;
  while (at < end) {
    const byte = bytes[at];
    if (byte === QUOTE) return { at: at + 1, size };
    if (byte !== BACKSLASH || at + 1 >= end) {
      word[size++] = byte;
      at++;
      continue;
    }
    const high = hexDigit(bytes[at + 2]);
    const low = hexDigit(bytes[at + 3]);
    if (bytes[at + 1] === 0x78 && at + 3 < end && high >= 0 && low >= 0) {
      word[size++] = high * 16 + low;
      at += 4;
    } else {
      word[size++] = ESCAPES.get(bytes[at + 1]) ?? bytes[at + 1];
      at += 2;
    }
  }
  return null;
}

function readSingleQuoted(
  bytes: Uint8Array,
  from: number,
  end: number,
  word: Uint8Array,
  wordSize: number,
): Progress | null {
  let at = from;
  let size = wordSize;
  while (at < end) {
    if (bytes[at] === APOSTROPHE) return { at: at + 1, size };
    if (bytes[at] === BACKSLASH && bytes[at + 1] === APOSTROPHE && at + 1 < end) at++;
    word[size++] = bytes[at++];
  }
  return null;
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13) || byte === 0;
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
