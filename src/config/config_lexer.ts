/**
 * Words of a configuration line: how redis.conf separates and quotes them, and the reverse.
 *
 *   word        ends at white space
 *   "word"      with \n \r \t \b \a, \xHH (one byte), and \ before any other character
 *   'word'      as it stands, but \' for a quote
 *
 * A closing quote must be followed by white space or the end. The same rules serve inline commands
 * in Redis; here only configuration uses them. Lines and words are Latin-1 text: a character stands
 * for a byte, whatever encoding the bytes are in.
 */
import { latin1Bytes, latin1Text } from "../base/bytes.ts";

/** A refused value; the message is the reason, as the client or the start-up error prints it. */
export class ConfigValueError extends Error {
  override name = "ConfigValueError";
}

// deno-lint-ignore no-control-regex -- control characters are what is looked for
const NOT_PRINTABLE = /[\x00-\x1f\x7f-\xff]/;

const BACKSLASH = 0x5c;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, a: 7 };

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

/** Reads one line; used once. */
class Lexer {
  readonly #bytes: Uint8Array;
  #at = 0;
  #word: number[] = [];

  constructor(line: string) {
    this.#bytes = latin1Bytes(line);
  }

  words(): string[] {
    const words: string[] = [];
    for (;;) {
      while (this.#at < this.#bytes.length && isSpace(this.#bytes[this.#at]!)) this.#at++;
      if (this.#at === this.#bytes.length) return words;
      this.#word = [];
      if (!this.#readWord()) {
        throw new ConfigValueError("Unbalanced quotes in configuration line");
      }
      words.push(latin1Text(Uint8Array.from(this.#word), 0, this.#word.length));
    }
  }

  /** False if quotes do not balance: one may open within a word, but must close at its end. */
  #readWord(): boolean {
    while (this.#at < this.#bytes.length && !isSpace(this.#bytes[this.#at]!)) {
      const byte = this.#bytes[this.#at++]!;
      if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) return this.#readQuoted(byte);
      this.#word.push(byte);
    }
    return true;
  }

  #readQuoted(quote: number): boolean {
    while (this.#at < this.#bytes.length) {
      const byte = this.#bytes[this.#at++]!;
      if (byte === quote) {
        return this.#at === this.#bytes.length || isSpace(this.#bytes[this.#at]!);
      }
      if (byte === BACKSLASH && quote === DOUBLE_QUOTE) this.#readEscape();
      else if (byte === BACKSLASH && this.#bytes[this.#at] === SINGLE_QUOTE) {
        this.#word.push(this.#bytes[this.#at++]!);
      } else this.#word.push(byte);
    }
    return false;
  }

  /** Stands behind a backslash. One at the very end of the line stands for itself. */
  #readEscape(): void {
    if (this.#at === this.#bytes.length) {
      this.#word.push(BACKSLASH);
      return;
    }
    const letter = String.fromCharCode(this.#bytes[this.#at++]!);
    const digits = String.fromCharCode(...this.#bytes.subarray(this.#at, this.#at + 2));
    if (letter === "x" && /^[0-9a-f]{2}$/i.test(digits)) {
      this.#word.push(Number.parseInt(digits, 16));
      this.#at += 2;
    } else this.#word.push(ESCAPES[letter] ?? letter.charCodeAt(0));
  }
}

/** The words of a line. Throws ConfigValueError if quotes do not balance. */
export function splitConfigWords(line: string): string[] {
  return new Lexer(line).words();
}

/** The value in double quotes, bytes that are not printable ASCII escaped (Redis: sdscatrepr). */
export function quoteConfigWord(value: string): string {
  const escaped = value.replace(/[\\"]/g, "\\$&");
  if (!NOT_PRINTABLE.test(value)) return `"${escaped}"`;
  const names: Readonly<Record<number, string>> = { 10: "n", 13: "r", 9: "t", 8: "b", 7: "a" };
  let printable = "";
  for (const byte of latin1Bytes(escaped)) {
    const isPlain = byte >= 32 && byte < 127;
    if (isPlain) printable += String.fromCharCode(byte);
    else printable += `\\${names[byte] ?? "x" + byte.toString(16).padStart(2, "0")}`;
  }
  return `"${printable}"`;
}
