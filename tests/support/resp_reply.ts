/**
 * Replies as tests see them: plain values that are easy to compare and to read.
 *
 * Where a reply ends and what it says is read by src/protocol/reply_reader.ts. `toPlain` drops the
 * differences of the wire (a status "OK" is then a bulk "OK"); `showReply` keeps them in messages.
 */

import type { Reply } from "../../src/protocol/reply_reader.ts";
import { fromUtf8, quoted } from "./text.ts";

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
      return decode(reply.bytes);
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
