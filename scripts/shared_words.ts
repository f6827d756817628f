/**
 * Tells whether a text repeats another one's sentences: what `check_words.ts` asks about every text
 * that we have beside Redis's.
 *
 * Names are no prose: a word in capitals, in quotes, or with a digit, an underscore, a dot or a
 * bracket in it is a fact. So are `%s` and `${…}`, at which a text is cut. A short text that is
 * equal as a whole counts from three words of prose on, a part of a longer one from six on.
 */
import { type SourceFile } from "./source_text.ts";

/** Words of prose in a row, names between them not counted, from which on they are a sentence. */
const RUN_WORDS_MIN = 6;
/** Words of prose of a text that is repeated as a whole. */
const WHOLE_WORDS_MIN = 3;

/** What C's printf and a template literal fill in. */
const FILLED_IN = /%[-+ #0-9.*]*(?:hh|h|ll|l|j|z|t)?[a-zA-Z%]|\$\{[^}]*\}/g;
const QUOTES = /^["'`]+|["'`]+$/g;
const PROSE = /^[A-Za-z]?[a-z]+(?:[-'][a-z]+)*$/;

interface Word {
  text: string;
  isProse: boolean;
}

/** The words of a text, piece by piece: pieces are what stands between two things filled in. */
function piecesOf(text: string): Word[][] {
  return text.split(FILLED_IN).map((piece) =>
    piece.split(/[\s,;:!?()]+|[.…]+(?=[\s"`']|$)/).filter((word) => /\w/.test(word)).map((word) => {
      return { text: word.toLowerCase().replace(QUOTES, ""), isProse: PROSE.test(word) };
    })
  ).filter((piece) => piece.length > 0);
}

function proseCount(words: readonly Word[]): number {
  return words.filter((word) => word.isProse).length;
}

function joined(words: readonly Word[]): string {
  return words.map((word) => word.text).join(" ");
}

/** Originals, prepared so that many texts can be held against them. */
export class Originals {
  readonly #wholes = new Set<string>();
  /** By their first two words: where pieces of originals have them. */
  readonly #starts = new Map<string, { piece: Word[]; index: number }[]>();

  constructor(texts: Iterable<string>) {
    for (const text of texts) {
      const pieces = piecesOf(text);
      this.#wholes.add(pieces.map(joined).join(" | "));
      for (const piece of pieces) {
        for (let index = 0; index + 1 < piece.length; index++) {
          const key = joined(piece.slice(index, index + 2));
          const found = this.#starts.get(key);
          if (found === undefined) this.#starts.set(key, [{ piece, index }]);
          else found.push({ piece, index });
        }
      }
    }
  }

  /** What the text repeats of an original, in small letters; null if that is no sentence. */
  repeatedBy(text: string): string | null {
    const pieces = piecesOf(text);
    const whole = pieces.map(joined).join(" | ");
    if (this.#wholes.has(whole) && proseCount(pieces.flat()) >= WHOLE_WORDS_MIN) return whole;
    for (const piece of pieces) {
      for (let index = 0; index + RUN_WORDS_MIN <= piece.length; index++) {
        const run = this.#longestRun(piece, index);
        if (proseCount(run) >= RUN_WORDS_MIN) return joined(run);
      }
    }
    return null;
  }

  #longestRun(piece: readonly Word[], start: number): readonly Word[] {
    let longest = 0;
    for (const at of this.#starts.get(joined(piece.slice(start, start + 2))) ?? []) {
      let length = 0;
      while (
        start + length < piece.length && at.index + length < at.piece.length &&
        piece[start + length]!.text === at.piece[at.index + length]!.text
      ) length++;
      longest = Math.max(longest, length);
    }
    return piece.slice(start, start + longest);
  }
}

/** A text of the source, and the line on which it begins. */
export interface SourceText {
  line: number;
  text: string;
}

/** Calls of the log, and what makes errors whose text ends there: all others reach clients. */
const LOG_CALL = new RegExp(
  [
    /\blog\.(?:warning|notice|verbose|debug)\(/,
    /\.status\(/,
    /\b(?:r|orR)efuse\(/,
    /\bnew (?:Tls\w*|AofLoad)?Error\(/,
  ].map(({ source }) => source).join("|"),
  "g",
);

/**
 * The texts that a source hands to the log, or to an error that the log will show; strings joined
 * by `+` are one. Texts that a variable brings are not seen.
 */
export function logTexts(file: SourceFile): SourceText[] {
  const code = file.codeLines.join("\n");
  const whole = file.lines.join("\n");
  return [...code.matchAll(LOG_CALL)].flatMap(({ index, 0: call }) => {
    const start = index + call.length;
    const end = closingParenthesis(code, start);
    return literalsBetween(code, whole, start, end).map((text) => {
      return { line: code.slice(0, index).split("\n").length, text };
    });
  });
}

function closingParenthesis(code: string, start: number): number {
  let depth = 1;
  let index = start;
  for (; index < code.length && depth > 0; index++) {
    if (code[index] === "(") depth++;
    if (code[index] === ")") depth--;
  }
  return index;
}

function literalsBetween(code: string, whole: string, start: number, end: number): string[] {
  const texts: string[] = [];
  let previousEnd = -1;
  for (const match of code.slice(start, end).matchAll(/(["'`])\s*\1/g)) {
    const at = start + match.index;
    const inside = whole.slice(at + 1, at + match[0].length - 1);
    const isJoined = previousEnd >= 0 && /^\s*\+\s*$/.test(code.slice(previousEnd, at));
    if (isJoined) texts.push(texts.pop() + inside);
    else texts.push(inside);
    previousEnd = at + match[0].length;
  }
  return texts;
}
