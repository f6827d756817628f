/**
 * Replies as tests see them: where a reply ends in a stream of bytes, and what it says.
 *
 * `ReplyScanner` finds the end of the next reply in one pass however the bytes arrive: an
 * aggregate only adds to the count of elements still awaited, so no stack is needed.
 * `decodeReply` turns the bytes of one whole reply into a `Reply`, which keeps every difference
 * of the wire (a status "OK" is not a bulk "OK"); `toPlain` drops them for tests that read more
 * easily on plain values.
 */

import { fromLatin1, fromUtf8, quoted } from "./text.ts";

export type Reply =
  | { kind: "status" | "error" | "bulk" | "verbatim"; bytes: Uint8Array }
  | { kind: "integer" | "double" | "bignum"; text: string }
  | { kind: "boolean"; value: boolean }
  | { kind: "nullBulk" | "nullArray" | "null" }
  | { kind: "array" | "set" | "push" | "map"; items: Reply[] };

/** An error reply, as a value: tests compare it, so it is not thrown. */
export class RespError {
  constructor(readonly message: string) {}

  /** The first word: ERR, WRONGTYPE … */
  get code(): string {
    return this.message.split(" ", 1)[0];
  }

  toString(): string {
    return `(error) ${this.message}`;
  }
}

/** What `toPlain` makes of a reply. */
export type Plain =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | RespError
  | Plain[]
  | Map<Plain, Plain>
  | Set<Plain>;

const CR = 13;

/** Finds the ends of replies in a growing buffer. */
export class ReplyScanner {
  #offset = 0;
  #awaited = 1;
  #isPush = false;
  #isStarted = false;

  /** Was the reply found by the latest `scan` a RESP3 push message? */
  get isPush(): boolean {
    return this.#isPush;
  }

  /** Starts again at offset 0 for the next reply. */
  restart(): void {
    this.#offset = 0;
    this.#awaited = 1;
    this.#isPush = false;
    this.#isStarted = false;
  }

  /**
   * Goes on from where the last call stopped. `bytes` starts with the reply's first byte.
   * Returns the length of the reply in bytes, or -1 if more input is needed.
   */
  scan(bytes: Uint8Array): number {
    while (this.#awaited > 0) {
      const lineEnd = bytes.indexOf(CR, this.#offset);
      if (lineEnd < 0 || lineEnd + 1 >= bytes.length) return -1;
      const type = String.fromCharCode(bytes[this.#offset]);
      let next = lineEnd + 2;
      let elements = 0;
      if ("$=!".includes(type)) {
        const length = Number(fromLatin1(bytes.subarray(this.#offset + 1, lineEnd)));
        if (length >= 0) next += length + 2;
        if (next > bytes.length) return -1;
      } else if ("*~>%|".includes(type)) {
        const count = Number(fromLatin1(bytes.subarray(this.#offset + 1, lineEnd)));
        elements = Math.max(count, 0) * (type === "%" || type === "|" ? 2 : 1);
        // An attribute is followed by the value it belongs to.
        if (type === "|") elements++;
      } else if (!"+-:_,#(".includes(type)) {
        throw new Error(`Cannot parse reply type ${quoted(type)}`);
      }
      if (!this.#isStarted) {
        this.#isStarted = true;
        this.#isPush = type === ">";
      }
      this.#awaited += elements - 1;
      this.#offset = next;
    }
    return this.#offset;
  }
}

/** Decodes one whole reply that starts at the first byte. */
export function decodeReply(bytes: Uint8Array): Reply {
  return decodeAt(bytes, { offset: 0 });
}

function decodeAt(bytes: Uint8Array, cursor: { offset: number }): Reply {
  const start = cursor.offset;
  const lineEnd = bytes.indexOf(CR, start);
  const type = String.fromCharCode(bytes[start]);
  const line = bytes.subarray(start + 1, lineEnd);
  cursor.offset = lineEnd + 2;
  switch (type) {
    case "+":
      return { kind: "status", bytes: line };
    case "-":
      return { kind: "error", bytes: line };
    case ":":
      return { kind: "integer", text: fromLatin1(line) };
    case ",":
      return { kind: "double", text: fromLatin1(line) };
    case "(":
      return { kind: "bignum", text: fromLatin1(line) };
    case "#":
      return { kind: "boolean", value: line[0] === 116 };
    case "_":
      return { kind: "null" };
  }
  const count = Number(fromLatin1(line));
  if (type === "$" || type === "=" || type === "!") {
    if (count < 0) return { kind: "nullBulk" };
    const payload = bytes.subarray(cursor.offset, cursor.offset + count);
    cursor.offset += count + 2;
    return { kind: type === "$" ? "bulk" : type === "=" ? "verbatim" : "error", bytes: payload };
  }
  if (count < 0) return { kind: "nullArray" };
  const items: Reply[] = [];
  const itemCount = type === "%" || type === "|" ? count * 2 : count;
  for (let i = 0; i < itemCount; i++) items.push(decodeAt(bytes, cursor));
  if (type === "|") return decodeAt(bytes, cursor);
  const kind = type === "*" ? "array" : type === "~" ? "set" : type === ">" ? "push" : "map";
  return { kind, items };
}

/** Plain values; bulk strings become text by `decode` (UTF-8 unless told otherwise). */
export function toPlain(
  reply: Reply,
  decode: (bytes: Uint8Array) => string | Uint8Array = fromUtf8,
): Plain {
  switch (reply.kind) {
    case "status":
      return fromUtf8(reply.bytes);
    case "error":
      return new RespError(fromUtf8(reply.bytes));
    case "bulk":
      return decode(reply.bytes);
    case "verbatim":
      return decode(reply.bytes.subarray(4));
    case "integer": {
      const value = Number(reply.text);
      return Number.isSafeInteger(value) ? value : BigInt(reply.text);
    }
    case "double":
      return reply.text === "inf"
        ? Infinity
        : reply.text === "-inf"
        ? -Infinity
        : Number(reply.text);
    case "bignum":
      return BigInt(reply.text);
    case "boolean":
      return reply.value;
    case "nullBulk":
    case "nullArray":
    case "null":
      return null;
    default:
      return aggregateToPlain(reply.kind, reply.items.map((item) => toPlain(item, decode)));
  }
}

function aggregateToPlain(kind: "array" | "set" | "push" | "map", items: Plain[]): Plain {
  if (kind === "set") return new Set(items);
  if (kind !== "map") return items;
  const map = new Map<Plain, Plain>();
  for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  return map;
}

/** A reply on few lines for failure messages: the wire's kinds stay visible. */
export function showReply(reply: Reply, bytesMax = 200): string {
  switch (reply.kind) {
    case "status":
      return "+" + quoted(reply.bytes);
    case "error":
      return "-" + quoted(reply.bytes);
    case "bulk":
    case "verbatim": {
      const mark = reply.kind === "bulk" ? "$" : "=";
      if (reply.bytes.length <= bytesMax) return mark + quoted(reply.bytes);
      return `${mark}${quoted(reply.bytes.subarray(0, bytesMax))}…(${reply.bytes.length} bytes)`;
    }
    case "integer":
      return ":" + reply.text;
    case "double":
      return "," + reply.text;
    case "bignum":
      return "(" + reply.text;
    case "boolean":
      return reply.value ? "#t" : "#f";
    case "nullBulk":
      return "$-1";
    case "nullArray":
      return "*-1";
    case "null":
      return "_";
    default: {
      const marks = { array: "*", set: "~", push: ">", map: "%" };
      const shown = reply.items.slice(0, 40).map((item) => showReply(item, bytesMax));
      if (reply.items.length > 40) shown.push(`…(${reply.items.length} items)`);
      return marks[reply.kind] + "[" + shown.join(" ") + "]";
    }
  }
}
