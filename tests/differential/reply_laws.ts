/**
 * When two replies count as the same. Byte for byte is the law unless a command's reply has no
 * fixed order, is random, or tells time; then the law says what must still hold.
 */

import { Slice } from "../../src/base/bytes.ts";
import { ArraySource, RdbInput } from "../../src/persistence/rdb_input.ts";
import { Int64 } from "../../src/structures/int64_words.ts";
import type { Reply } from "../../src/protocol/reply_reader.ts";
import { showReply } from "../support/resp_reply.ts";
import { fromLatin1, fromUtf8 } from "../support/text.ts";

export type Law =
  /** Byte for byte, but for the sentences of a HELP and of a key spec, which are our own. */
  | "same"
  /** The elements of the outermost aggregate as a multiset. */
  | "sorted"
  /** As `sorted`, elements taken two by two: field and value, in RESP2 and RESP3. */
  | "sortedPairs"
  /** SCAN and its kin with everything in one call: cursor equal, elements sorted. */
  | "scan"
  /**
   * A payload of DUMP; where the order is free, or groups of a stream tell times, only its type
   * and, uncompressed, its length.
   */
  | "dump"
  /** Same kinds all the way down, contents random: SPOP, RANDOMKEY, SRANDMEMBER … */
  | "shape"
  /** Byte for byte but for moments and idle times of streams: XPENDING, XINFO. */
  | "timed"
  /** Integers at most so far apart: TTL and the like. */
  | { near: number };

/** The first byte of a dump of a hash table of members, or of fields and values. */
const UNORDERED_DUMPS = [2, 4];
const STREAM_DUMP = 19;
/** Numbers between the nodes of a stream and its groups: its length, three ids, entries added. */
const STREAM_NUMBERS = 8;
/**
 * Of a hash in one listpack: its fields may come from a hash table, in any order, and compress
 * better or worse.
 */
const FREE_DUMPS = [16];

/** Why two replies differ under a law, or null if they do not. */
export function replyDifference(law: Law, left: Reply, right: Reply): string | null {
  const isSame = typeof law === "object"
    ? isNear(law.near, left, right)
    : canonical(law, left) === canonical(law, right);
  if (isSame) return null;
  return law === "same"
    ? showDifference(left, right, "")
    : `${showReply(left)}  |  ${showReply(right)}`;
}

/** Both replies, or only the first elements that differ: "[3][0] :1  |  :2". */
function showDifference(left: Reply, right: Reply, path: string): string {
  if ("items" in left && "items" in right && left.items.length === right.items.length) {
    const index = left.items.findIndex((item, at) => exact(item) !== exact(right.items[at]));
    if (index >= 0) {
      return showDifference(left.items[index], right.items[index], `${path}[${index}]`);
    }
  }
  return `${path} ${showReply(left)}  |  ${showReply(right)}`.trimStart();
}

function isNear(distance: number, left: Reply, right: Reply): boolean {
  if (left.kind === "integer" && right.kind === "integer") {
    const [a, b] = [Number(left.text), Number(right.text)];
    // -1 and -2 mean "no expiry" and "no key": they are near nothing.
    return a === b || (a >= 0 && b >= 0 && Math.abs(a - b) <= distance);
  }
  if (left.kind === "array" && right.kind === "array") {
    return left.items.length === right.items.length &&
      left.items.every((item, index) => isNear(distance, item, right.items[index]));
  }
  return exact(left) === exact(right);
}

/** All of a reply; `showReply` would cut long aggregates. */
function exact(reply: Reply): string {
  if (!("items" in reply)) return showReply(reply, Infinity);
  const shown = reply.items.map((item) => exact(item));
  if (isNotedKeySpec(reply.items)) shown[1] = "…";
  return `${reply.kind}[${(isHelp(reply.items) ? withoutSentences(shown) : shown).join(" ")}]`;
}

/** A key spec of COMMAND that begins with a note: notes, flags, begin_search, find_keys. */
function isNotedKeySpec(items: readonly Reply[]): boolean {
  const [first] = items;
  return items.length === 8 && first.kind === "bulk" && fromUtf8(first.bytes) === "notes";
}

function isHelp(items: readonly Reply[]): boolean {
  const [first] = items;
  return first?.kind === "status" && fromUtf8(first.bytes).endsWith(". Subcommands are:");
}

/** Lines of a HELP that are indented describe; of those in a row it matters that there are any. */
function withoutSentences(lines: readonly string[]): string[] {
  return lines.map((line, index) => {
    return /^\+" {4,6}\S/.test(line) && index < lines.length - 1 ? "…" : line;
  }).filter((line, index, all) => line !== "…" || all[index - 1] !== "…");
}

function canonical(law: Exclude<Law, object>, reply: Reply): string {
  if (reply.kind === "error" || law === "same") return exact(reply);
  switch (law) {
    case "shape":
      return shape(reply);
    case "timed":
      return untimed(reply);
    case "dump": {
      if (reply.kind !== "bulk") return exact(reply);
      const [type] = reply.bytes;
      if (FREE_DUMPS.includes(type)) return `${type}`;
      const isFree = UNORDERED_DUMPS.includes(type) ||
        (type === STREAM_DUMP && hasGroups(reply.bytes));
      return isFree ? `${type} ${reply.bytes.length}` : exact(reply);
    }
    case "sorted":
      return "items" in reply && reply.kind !== "map"
        ? reply.kind + reply.items.map(exact).sort().join(" ")
        : sortedPairs(reply);
    case "sortedPairs":
      return sortedPairs(reply);
    case "scan":
      if (!("items" in reply) || reply.items.length !== 2) return exact(reply);
      return exact(reply.items[0]) + canonical("sorted", reply.items[1]);
  }
}

/** Whether the stream in a payload of DUMP has groups: these tell times. */
function hasGroups(payload: Uint8Array): boolean {
  const { length } = payload;
  const input = new RdbInput("payload", new ArraySource(payload, 0, length), length, false);
  const slice = new Slice();
  const number = new Int64();
  input.readByte();
  for (let rest = 2 * input.readPlainLength(); rest > 0; rest--) input.readString(slice);
  for (let rest = STREAM_NUMBERS; rest > 0; rest--) input.readLength64(number);
  return input.readPlainLength() > 0;
}

function sortedPairs(reply: Reply): string {
  if (!("items" in reply)) return exact(reply);
  const pairs: string[] = [];
  for (let i = 0; i < reply.items.length; i += 2) {
    pairs.push(reply.items.slice(i, i + 2).map(exact).join("="));
  }
  return reply.kind + pairs.sort().join(" ");
}

/** Since 2001 in ms: moments, beside which nothing in these replies is so large. */
const MOMENT_MIN = 1e12;
/** What tells of a time in a map; in RESP2 it stands before it. */
const TIME_FIELDS = /^(idle|seen-time)$/;

/** All of a reply but times: of the four parts of a pending entry that is the third. */
function untimed(reply: Reply): string {
  if (reply.kind === "integer" && Number(reply.text) >= MOMENT_MIN) return "moment";
  if (!("items" in reply)) return exact(reply);
  const { items } = reply;
  const parts = items.map((item, index) => {
    const before = items[index - 1];
    const isTime = item.kind === "integer" && (
      (items.length === 4 && index === 2 && items[3].kind === "integer") ||
      (before?.kind === "bulk" && TIME_FIELDS.test(fromLatin1(before.bytes)))
    );
    return isTime ? "time" : untimed(item);
  });
  return `${reply.kind}[${parts.join(" ")}]`;
}

function shape(reply: Reply): string {
  if (!("items" in reply)) return reply.kind;
  return `${reply.kind}[${reply.items.map(shape).join(" ")}]`;
}
