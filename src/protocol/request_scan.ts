/**
 * Request scan: a look ahead at the requests of a pipeline that will be parsed next, for their
 * first arguments, which are the keys of most commands.
 *
 * It is a guess and checks nothing: whatever is not a short multibulk request that has arrived
 * whole ends the scan, and the request parser says later what is wrong with it, if anything.
 */
import type { QueryBuffer } from "./query_buffer.ts";

/** Requests that are looked at in one scan. */
export const SCAN_REQUESTS_MAX = 16;
/** The shortest multibulk request with an argument: *2 $3 GET $1 k, with line ends. */
const REQUEST_BYTES_MIN = 20;
/** Longer arguments are left out: reading them would take more time than it saves. */
const ARGUMENT_BYTES_MAX = 256;
const CR = 13;
const ASTERISK = 0x2a;
const DOLLAR = 0x24;

/** What a scan found: the first arguments, in order, over the bytes of the query buffer. */
export class RequestScan {
  readonly starts = new Int32Array(SCAN_REQUESTS_MAX);
  readonly lengths = new Int32Array(SCAN_REQUESTS_MAX);
  /** Arguments found. */
  count = 0;
  /** The most arguments that a request has, its command's name included. */
  argumentsMax = 0;
  #at = 0;
  #length = 0;

  /** Looks at what the query buffer holds; returns how many requests it has seen. */
  run({ bytes, position, end }: QueryBuffer): number {
    this.count = 0;
    this.argumentsMax = 0;
    this.#at = position;
    let requests = 0;
    while (requests < SCAN_REQUESTS_MAX && end - this.#at >= REQUEST_BYTES_MIN) {
      if (!this.#skipRequest(bytes, end)) break;
      requests++;
    }
    return requests;
  }

  #skipRequest(bytes: Uint8Array, end: number): boolean {
    const at = this.#at;
    const count = bytes[at + 1] - 48;
    if (bytes[at] !== ASTERISK || bytes[at + 2] !== CR || count < 1 || count > 9) return false;
    this.#at = at + 4;
    if (count > this.argumentsMax) this.argumentsMax = count;
    for (let index = 0; index < count; index++) {
      if (!this.#readLength(bytes, end)) return false;
      if (index === 1 && this.#length <= ARGUMENT_BYTES_MAX) {
        this.starts[this.count] = this.#at;
        this.lengths[this.count++] = this.#length;
      }
      this.#at += this.#length + 2;
    }
    return true;
  }

  /** Reads "$<bytes>\r\n" of an argument that is there. */
  #readLength(bytes: Uint8Array, end: number): boolean {
    let at = this.#at;
    if (at >= end || bytes[at] !== DOLLAR) return false;
    let length = 0;
    for (at++; at < end && bytes[at] !== CR; at++) {
      const digit = bytes[at] - 48;
      if (digit < 0 || digit > 9) return false;
      length = length * 10 + digit;
    }
    this.#at = at + 2;
    this.#length = length;
    return this.#at + length <= end;
  }
}
