/**
 * Request parser: query buffer -> argv.
 *
 * A request is either a multibulk,  *<count>\r\n  and then for each argument  $<bytes>\r\n<…>\r\n ,
 * or an inline line of words. Both are specified by what Redis accepts (networking.c): the bytes
 * after an argument are skipped unseen, and of a line end only the \r is looked for.
 *
 * THE COMMON CASE is that one read brought one or more complete requests. Then the arguments are
 * written into one Argv that all clients share, no object is made, and every byte of a header is
 * looked at once.
 *
 * A PARTIAL REQUEST keeps its Argv: it moves into the client's query buffer (`partial`) together
 * with the number of arguments missing and the announced length of the current one, and the parser
 * takes a new Argv for the others. The next call goes on exactly there.
 *
 * LIMITS are checked as soon as a header is read: number of arguments, bytes of an argument
 * (`proto-max-bulk-len`), length of a line, and far smaller ones for clients that have not
 * authenticated. A violation is an error text; the caller answers it and closes the connection,
 * since what follows cannot be told from garbage.
 */
import { indexOfByte } from "../base/bytes.ts";
import { parseSafeInteger } from "../base/integers.ts";
import { Argv } from "./argv.ts";
import { splitArguments } from "./inline_arguments.ts";
import type { QueryBuffer } from "./query_buffer.ts";

/** A complete request is in `argv`; it may be empty (count 0) and is to be ignored then. */
export const REQUEST_COMPLETE = 1;
/** More bytes are needed. */
export const REQUEST_PARTIAL = 0;
/** The bytes are not a request; `error` says why. */
export const REQUEST_INVALID = -1;

const INLINE_BYTES_MAX = 64 * 1024;
/** No number that is accepted makes a longer header. */
const HEADER_BYTES_MAX = 24;
const ARGUMENTS_MAX = 2 ** 31 - 1;
const UNAUTHENTICATED_ARGUMENTS_MAX = 10;
const UNAUTHENTICATED_BYTES_MAX = 16384;
/** Bytes that the Argv between two requests may keep alive. */
const BYTES_KEPT_MAX = 64 * 1024;
/** An Argv beyond this is not kept for the next request. */
const ARGV_KEPT_MAX = 64 * 1024;

const CR = 13;
const LF = 10;
const SPACE = 0x20;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const ASTERISK = 0x2a;
const DOLLAR = 0x24;

export class RequestParser {
  /** The arguments of the last complete request; good until the next call of `parse`. */
  argv = new Argv();
  /** Why the last call returned REQUEST_INVALID: Redis's text behind "Protocol error: ". */
  error = "";
  /** Longest argument accepted, in bytes (`proto-max-bulk-len`). */
  argumentBytesMax = 512 * 1024 * 1024;

  /** Consumes one request; see the REQUEST_… constants. */
  parse(query: QueryBuffer, isAuthenticated: boolean): number {
    if (query.argumentsMissing < 0) {
      if (query.position === query.end) return REQUEST_PARTIAL;
      if (query.bytes[query.position] !== ASTERISK) return this.#parseInline(query);
      const outcome = this.#parseCount(query, isAuthenticated);
      if (outcome !== REQUEST_COMPLETE || query.argumentsMissing < 0) return outcome;
    } else if (query.partial !== null) {
      this.argv = query.partial;
      query.partial = null;
    }
    this.argv.bytes = query.bytes;
    const outcome = this.#parseArguments(query, isAuthenticated);
    if (outcome === REQUEST_PARTIAL) {
      query.partial = this.argv;
      this.argv = new Argv();
    }
    return outcome;
  }

  /** Lets go of the bytes of the last request, which may be many; between commands only. */
  forgetBytes(): void {
    if (this.argv.bytes.length > BYTES_KEPT_MAX) this.argv = new Argv();
  }

  #startArgv(): void {
    if (this.argv.starts.length > ARGV_KEPT_MAX) this.argv = new Argv();
    this.argv.clear();
  }

  /** Reads "*<count>\r\n"; leaves argumentsMissing at -1 if the request is empty. */
  #parseCount(query: QueryBuffer, isAuthenticated: boolean): number {
    const { bytes, position } = query;
    let count = bytes[position + 1] - 48;
    // The common case: one or two digits, and all of the header is there.
    if (count >= 1 && count <= 9 && position + 4 < query.end) {
      let at = position + 2;
      const digit = bytes[at] - 48;
      if (digit >= 0 && digit <= 9) {
        count = count * 10 + digit;
        at++;
      }
      if (bytes[at] === CR && (count <= UNAUTHENTICATED_ARGUMENTS_MAX || isAuthenticated)) {
        query.position = at + 2;
        this.#startArgv();
        query.argumentsMissing = count;
        return REQUEST_COMPLETE;
      }
    }
    return this.#parseLongCount(query, isAuthenticated);
  }

  #parseLongCount(query: QueryBuffer, isAuthenticated: boolean): number {
    const lineEnd = this.#lineEnd(query, "too big mbulk count string");
    if (lineEnd < 0) return lineEnd === -1 ? REQUEST_PARTIAL : REQUEST_INVALID;
    const start = query.position + 1;
    const count = parseSafeInteger(query.bytes, start, lineEnd - start);
    if (!(count <= ARGUMENTS_MAX)) return this.#fail("invalid multibulk length");
    if (count > UNAUTHENTICATED_ARGUMENTS_MAX && !isAuthenticated) {
      return this.#fail("unauthenticated multibulk length");
    }
    query.position = lineEnd + 2;
    this.#startArgv();
    if (count > 0) query.argumentsMissing = count;
    return REQUEST_COMPLETE;
  }

  #parseArguments(query: QueryBuffer, isAuthenticated: boolean): number {
    const { argv } = this;
    while (query.argumentsMissing > 0) {
      if (query.argumentBytes < 0) {
        if (this.#parseShortArguments(query)) continue;
        const outcome = this.#parseLength(query, isAuthenticated);
        if (outcome !== REQUEST_COMPLETE) return outcome;
      }
      const length = query.argumentBytes;
      if (query.end - query.position < length + 2) return REQUEST_PARTIAL;
      argv.add(query.position, length);
      query.position += length + 2;
      query.argumentBytes = -1;
      query.argumentsMissing--;
    }
    query.argumentsMissing = -1;
    return REQUEST_COMPLETE;
  }

  /**
   * Takes as many arguments as are short (at most two digits of length) and all there, which are
   * nearly all; returns whether it took any. Nothing but the arguments is stored on the way: an
   * MGET of 10 keys takes 1,360 ns instead of 1,450, a SADD 390 instead of 420
   * (scripts/bench/micro/command_bench.ts).
   */
  #parseShortArguments(query: QueryBuffer): boolean {
    const { argv } = this;
    const { bytes, end } = query;
    let { position, argumentsMissing } = query;
    const before = argumentsMissing;
    // The bytes of a header that are looked at below are there.
    while (argumentsMissing > 0 && end - position >= 6 && bytes[position] === DOLLAR) {
      let length = bytes[position + 1] - 48;
      if (length < 0 || length > 9) break;
      let at = position + 2;
      const digit = bytes[at] - 48;
      if (digit >= 0 && digit <= 9 && length > 0) {
        length = length * 10 + digit;
        at++;
      }
      if (bytes[at] !== CR || end - at < length + 4) break;
      argv.add(at + 2, length);
      position = at + length + 4;
      argumentsMissing--;
    }
    query.position = position;
    query.argumentsMissing = argumentsMissing;
    return argumentsMissing < before;
  }

  /** Reads "$<bytes>\r\n" into argumentBytes. */
  #parseLength(query: QueryBuffer, isAuthenticated: boolean): number {
    const { bytes, position, end } = query;
    // The common case: at most three digits, and all of the header is there.
    if (bytes[position] === DOLLAR && end - position >= 6) {
      let length = bytes[position + 1] - 48;
      if (length >= 0 && length <= 9) {
        let at = position + 2;
        for (; at < position + 4; at++) {
          const digit = bytes[at] - 48;
          if (digit < 0 || digit > 9 || length === 0) break;
          length = length * 10 + digit;
        }
        if (bytes[at] === CR && at + 1 < end && length <= this.argumentBytesMax) {
          query.position = at + 2;
          query.argumentBytes = length;
          return REQUEST_COMPLETE;
        }
      }
    }
    return this.#parseLongLength(query, isAuthenticated);
  }

  #parseLongLength(query: QueryBuffer, isAuthenticated: boolean): number {
    const lineEnd = this.#lineEnd(query, "too big bulk count string");
    if (lineEnd < 0) return lineEnd === -1 ? REQUEST_PARTIAL : REQUEST_INVALID;
    const { bytes, position } = query;
    if (bytes[position] !== DOLLAR) {
      return this.#fail(`expected '$', got '${String.fromCharCode(bytes[position])}'`);
    }
    const length = parseSafeInteger(bytes, position + 1, lineEnd - position - 1);
    if (!(length >= 0 && length <= this.argumentBytesMax)) {
      return this.#fail("invalid bulk length");
    }
    if (length > UNAUTHENTICATED_BYTES_MAX && !isAuthenticated) {
      return this.#fail("unauthenticated bulk length");
    }
    query.position = lineEnd + 2;
    query.argumentBytes = length;
    return REQUEST_COMPLETE;
  }

  /** Index of the \r that ends the line, -1 if it has not come, -2 if the line is too long. */
  #lineEnd(query: QueryBuffer, tooLong: string): number {
    const { bytes, position, end } = query;
    const length = end - position;
    // A header is short: its end is found without the object that a long search would need.
    let lineEnd = indexOfByte(bytes, position, Math.min(length, HEADER_BYTES_MAX), CR);
    if (lineEnd < 0) lineEnd = indexOfByte(bytes, position, length, CR);
    if (lineEnd < 0) {
      if (length <= INLINE_BYTES_MAX) return -1;
      this.#fail(tooLong);
      return -2;
    }
    return lineEnd + 1 < end ? lineEnd : -1;
  }

  #parseInline(query: QueryBuffer): number {
    if (this.#takePlainWords(query)) return REQUEST_COMPLETE;
    const { bytes, position } = query;
    const length = query.end - position;
    const newline = indexOfByte(bytes, position, length, LF);
    if (newline < 0) {
      return length > INLINE_BYTES_MAX ? this.#fail("too big inline request") : REQUEST_PARTIAL;
    }
    const lineEnd = newline > position && bytes[newline - 1] === CR ? newline - 1 : newline;
    query.position = newline + 1;
    const words = splitArguments(bytes, position, lineEnd - position);
    if (words === null) return this.#fail("unbalanced quotes in request");
    this.argv = Argv.of(...words);
    return REQUEST_COMPLETE;
  }

  /**
   * Takes the words of a line as they stand, looking at each byte once; false if the line is not
   * complete, or there are quotes or control characters in it. (PING_INLINE of redis-benchmark.)
   */
  #takePlainWords(query: QueryBuffer): boolean {
    this.#startArgv();
    const { argv } = this;
    const { bytes, end } = query;
    argv.bytes = bytes;
    let wordStart = query.position;
    for (let at = wordStart; at < end; at++) {
      const byte = bytes[at];
      if (byte > SPACE && byte !== QUOTE && byte !== APOSTROPHE) continue;
      const isReturn = byte === CR && at + 1 < end && bytes[at + 1] === LF;
      const isEnd = isReturn || byte === LF;
      if (!isEnd && byte !== SPACE) return false;
      if (at > wordStart) argv.add(wordStart, at - wordStart);
      wordStart = at + 1;
      if (!isEnd) continue;
      query.position = isReturn ? at + 2 : at + 1;
      return true;
    }
    return false;
  }

  #fail(error: string): number {
    this.error = error;
    return REQUEST_INVALID;
  }
}
