/**
 * Replies as a client sees them: where a reply ends in a stream of bytes, and what it says. The
 * counterpart of reply.ts, for RESP2 and RESP3 alike.
 *
 * `ReplyReader` holds what has arrived and hands out whole replies. It finds an end in one pass
 * however the bytes are cut: an aggregate only adds to the number of elements still awaited, so
 * that neither a stack nor a second look at earlier bytes is needed. `decodeReply` turns the bytes
 * of one whole reply into a `Reply`, which keeps every difference of the wire: a status "OK" is not
 * a bulk string "OK".
 *
 * Not read: the streamed strings and aggregates of RESP3, which no Redis sends.
 */
import { latin1Text } from "../base/bytes.ts";

export type Reply =
  | { kind: "status" | "error" | "bulk"; bytes: Uint8Array }
  /** `format` is of three letters: "txt" or "mkd". */
  | { kind: "verbatim"; format: string; bytes: Uint8Array }
  | { kind: "integer" | "double" | "bignum"; text: string }
  | { kind: "boolean"; value: boolean }
  | { kind: "nullBulk" | "nullArray" | "null" }
  /** A map's items are key, value, key, value … */
  | { kind: "array" | "set" | "push" | "map"; items: Reply[] };

/** The peer does not speak RESP. */
export class ReplyFormatError extends Error {
  override name = "ReplyFormatError";
}

const CR = 0x0d;
const PLUS = 0x2b;
const MINUS = 0x2d;
const COLON = 0x3a;
const COMMA = 0x2c;
const UNDERSCORE = 0x5f;
const HASH = 0x23;
const PARENTHESIS = 0x28;
const DOLLAR = 0x24;
const EQUALS = 0x3d;
const EXCLAMATION = 0x21;
const ASTERISK = 0x2a;
const TILDE = 0x7e;
const GREATER = 0x3e;
const PERCENT = 0x25;
const BAR = 0x7c;

const LETTER_T = 0x74;
const DIGIT_0 = 0x30;

/** Room that is made for one read. */
const READ_BYTES = 64 * 1024;

/** How many elements follow an item of this type with this length; 0 for what is no aggregate. */
function elementCount(type: number, length: number): number {
  if (length <= 0) return type === BAR ? 1 : 0;
  switch (type) {
    case ASTERISK:
    case TILDE:
    case GREATER:
      return length;
    case PERCENT:
      return length * 2;
    case BAR:
      // An attribute is followed by the value it belongs to.
      return length * 2 + 1;
    default:
      return 0;
  }
}

function isString(type: number): boolean {
  return type === DOLLAR || type === EQUALS || type === EXCLAMATION;
}

function isAggregate(type: number): boolean {
  return type === ASTERISK || type === TILDE || type === GREATER || type === PERCENT ||
    type === BAR;
}

function isLine(type: number): boolean {
  return type === PLUS || type === MINUS || type === COLON || type === COMMA ||
    type === UNDERSCORE || type === HASH || type === PARENTHESIS;
}

/** The decimal number from `start` to `end`; NaN if there is anything but digits and a sign. */
function parseLength(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (first === end) return NaN;
  for (let i = first; i < end; i++) {
    const digit = bytes[i]! - DIGIT_0;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return isNegative ? -value : value;
}

/** Collects bytes and cuts them into replies. */
export class ReplyReader {
  #bytes = new Uint8Array(READ_BYTES);
  /** The reply being looked at begins here; what is before has been handed out. */
  #start = 0;
  #end = 0;
  /** The next item of the reply begins here. */
  #at = 0;
  #awaited = 1;

  /** Bytes that have arrived and are not part of a reply handed out. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** Free space for the next read, at least 32 KiB; tell `filled` how much of it was used. */
  room(): Uint8Array {
    if (this.#start === this.#end) this.#moveTo(0, this.#bytes);
    if (this.#bytes.length - this.#end < READ_BYTES / 2) {
      const held = this.#end - this.#start;
      const isSmall = held < this.#bytes.length / 2;
      this.#moveTo(0, isSmall ? this.#bytes : new Uint8Array(this.#bytes.length * 2));
    }
    return this.#bytes.subarray(this.#end);
  }

  /** `count` bytes have been written to what `room` returned. */
  filled(count: number): void {
    this.#end += count;
  }

  /** As a read that brought these bytes. */
  write(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length;) {
      const part = bytes.subarray(offset, offset + READ_BYTES / 2);
      this.room().set(part);
      this.filled(part.length);
      offset += part.length;
    }
  }

  /**
   * The bytes of the next whole reply, valid until `room` or `write`; null if more input is needed.
   * Throws ReplyFormatError at a type or length that RESP does not know.
   */
  next(): Uint8Array | null {
    while (this.#awaited > 0) {
      if (this.#at >= this.#end) return null;
      const lineEnd = this.#bytes.indexOf(CR, this.#at);
      const type = this.#bytes[this.#at]!;
      if (!isLine(type) && !isString(type) && !isAggregate(type)) throw unknownType(type);
      // The line feed counts as part of the line: it must have arrived, too.
      if (lineEnd < 0 || lineEnd + 1 >= this.#end) return null;
      let next = lineEnd + 2;
      let elements = 0;
      if (!isLine(type)) {
        const length = parseLength(this.#bytes, this.#at + 1, lineEnd);
        if (Number.isNaN(length)) throw new ReplyFormatError("Protocol error, bad length");
        if (isString(type) && length >= 0) next += length + 2;
        if (next > this.#end) return null;
        elements = elementCount(type, length);
      }
      this.#awaited += elements - 1;
      this.#at = next;
    }
    const reply = this.#bytes.subarray(this.#start, this.#at);
    this.#start = this.#at;
    this.#awaited = 1;
    return reply;
  }

  /** Everything that has arrived and was not handed out, without a look at it; then it is gone. */
  takeRest(): Uint8Array {
    const rest = this.#bytes.slice(this.#start, this.#end);
    this.#start = this.#at = this.#end;
    this.#awaited = 1;
    return rest;
  }

  #moveTo(start: number, target: Uint8Array<ArrayBuffer>): void {
    target.set(this.#bytes.subarray(this.#start, this.#end), start);
    this.#bytes = target;
    this.#at += start - this.#start;
    this.#end += start - this.#start;
    this.#start = start;
  }
}

function unknownType(type: number): ReplyFormatError {
  const shown = type >= 32 && type < 127
    ? String.fromCharCode(type)
    : `\\x${type.toString(16).padStart(2, "0")}`;
  return new ReplyFormatError(`Protocol error, got "${shown}" as reply type byte`);
}

/** Is this reply, as `ReplyReader.next` returns it, a push message? */
export function isPushReply(bytes: Uint8Array): boolean {
  return bytes[0] === GREATER;
}

/** Is this reply, as `ReplyReader.next` returns it, an error? */
export function isErrorReply(bytes: Uint8Array): boolean {
  return bytes[0] === MINUS || bytes[0] === EXCLAMATION;
}

/** Decodes one whole reply; its strings are views of `bytes`. Attributes are left out. */
export function decodeReply(bytes: Uint8Array): Reply {
  return new ReplyDecoder(bytes).decode();
}

class ReplyDecoder {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  decode(): Reply {
    const bytes = this.#bytes;
    const type = bytes[this.#at]!;
    const start = this.#at + 1;
    const lineEnd = bytes.indexOf(CR, start);
    this.#at = lineEnd + 2;
    if (isString(type)) return this.#decodeString(type, parseLength(bytes, start, lineEnd));
    if (isAggregate(type)) return this.#decodeAggregate(type, parseLength(bytes, start, lineEnd));
    switch (type) {
      case PLUS:
        return { kind: "status", bytes: bytes.subarray(start, lineEnd) };
      case MINUS:
        return { kind: "error", bytes: bytes.subarray(start, lineEnd) };
      case HASH:
        return { kind: "boolean", value: bytes[start] === LETTER_T };
      case UNDERSCORE:
        return { kind: "null" };
    }
    const text = latin1Text(bytes, start, lineEnd - start);
    if (type === COLON) return { kind: "integer", text };
    return { kind: type === COMMA ? "double" : "bignum", text };
  }

  #decodeString(type: number, length: number): Reply {
    if (length < 0) return { kind: "nullBulk" };
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length + 2;
    if (type === DOLLAR) return { kind: "bulk", bytes };
    if (type === EXCLAMATION) return { kind: "error", bytes };
    return {
      kind: "verbatim",
      format: latin1Text(bytes, 0, Math.min(3, length)),
      bytes: bytes.subarray(4),
    };
  }

  #decodeAggregate(type: number, length: number): Reply {
    if (length < 0) return { kind: "nullArray" };
    const items: Reply[] = [];
    const itemCount = type === PERCENT || type === BAR ? length * 2 : length;
    for (let i = 0; i < itemCount; i++) items.push(this.decode());
    if (type === BAR) return this.decode();
    if (type === ASTERISK) return { kind: "array", items };
    if (type === TILDE) return { kind: "set", items };
    return { kind: type === GREATER ? "push" : "map", items };
  }
}
