/**
 * Replies in words, byte for byte as redis-cli 7.0.15 prints them: for people ("standard"), for
 * pipes ("raw"), as CSV and as JSON.
 *
 * Results are binary strings: one character (U+0000 to U+00FF) for each byte to print, so that a
 * value of any bytes passes unharmed.
 *
 * Where redis-cli gives up on a reply we print it: big numbers ("Unknown reply type: 13" there).
 */
import { latin1Text } from "../base/bytes.ts";
import { quoteBytes } from "../base/quoting.ts";
import type { Reply } from "../protocol/reply_reader.ts";

export type OutputMode = "standard" | "raw" | "csv" | "json" | "quoted-json";

export interface Delimiters {
  /** Between the elements of one raw reply. */
  readonly element: string;
  /** After each raw reply. */
  readonly reply: string;
}

type Aggregate = Extract<Reply, { items: Reply[] }>;

/** What stands after an element's number. */
const MARKS = { array: ")", push: ")", set: "~", map: "#" } as const;

const EMPTY = {
  array: "(empty array)\n",
  push: "(empty push)\n",
  set: "(empty set)\n",
  map: "(empty hash)\n",
} as const;

function textOf(bytes: Uint8Array): string {
  return latin1Text(bytes, 0, bytes.length);
}

function quoted(bytes: Uint8Array): string {
  return quoteBytes(bytes, 0, bytes.length);
}

/** The reply with its line end, in the mode that was asked for. */
export function formatReply(reply: Reply, mode: OutputMode, delimiters: Delimiters): string {
  switch (mode) {
    case "standard":
      return formatStandard(reply, "");
    case "raw":
      return formatRaw(reply, delimiters.element) + delimiters.reply;
    case "csv":
      return `${write(reply, CSV)}\n`;
    default:
      return `${write(reply, mode === "json" ? JSON_TEXT : QUOTED_JSON)}\n`;
  }
}

/** For people; every line ends in a line feed. `prefix` indents all lines but the first. */
export function formatStandard(reply: Reply, prefix: string): string {
  switch (reply.kind) {
    case "error":
      return `(error) ${textOf(reply.bytes)}\n`;
    case "status":
    case "verbatim":
      return `${textOf(reply.bytes)}\n`;
    case "bulk":
      return `${quoted(reply.bytes)}\n`;
    case "integer":
      return `(integer) ${reply.text}\n`;
    case "double":
      return `(double) ${reply.text}\n`;
    case "bignum":
      return `(big number) ${reply.text}\n`;
    case "boolean":
      return reply.value ? "(true)\n" : "(false)\n";
    case "array":
    case "set":
    case "map":
    case "push":
      return formatElements(reply, prefix);
    default:
      return "(nil)\n";
  }
}

function formatElements(reply: Aggregate, prefix: string): string {
  const { items, kind } = reply;
  if (items.length === 0) return EMPTY[kind];
  const step = kind === "map" ? 2 : 1;
  const width = String(Math.floor(items.length / step)).length;
  const inner = prefix + " ".repeat(width + 2);
  let text = "";
  for (let i = 0; i < items.length; i += step) {
    const number = String(i / step + 1).padStart(width);
    // The first stands on the line on which whoever asked has already begun.
    text += `${i === 0 ? "" : prefix}${number}${MARKS[kind]} ${formatStandard(items[i]!, inner)}`;
    if (kind !== "map") continue;
    const value = items[i + 1]!;
    text = `${text.slice(0, -1)} => `;
    if (isMultiline(value)) text += `\n${inner}`;
    text += formatStandard(value, inner);
  }
  return text;
}

function isMultiline(reply: Reply): boolean {
  if (!("items" in reply)) return false;
  const step = reply.kind === "map" ? 2 : 1;
  if (reply.items.length === 0) return false;
  return reply.items.length > step || isMultiline(reply.items[step - 1]!);
}

/** A message about keys that a tracking client must forget, as people read it; null for others. */
export function formatInvalidation(reply: Reply): string | null {
  if (reply.kind !== "push" || reply.items.length !== 2) return null;
  const [name, keys] = reply.items;
  if (name!.kind !== "bulk" || textOf(name.bytes) !== "invalidate") return null;
  if (keys!.kind !== "array") return null;
  const names = keys.items.map((key) => "bytes" in key ? `'${textOf(key.bytes)}'` : "");
  return `-> invalidate: ${names.join(", ")}\n`;
}

/** How one of the modes for programs writes replies. */
interface Notation {
  error(bytes: Uint8Array): string;
  string(bytes: Uint8Array): string;
  readonly booleans: readonly [no: string, yes: string];
  readonly null: string;
  list(items: readonly Reply[]): string;
  map(items: readonly Reply[]): string;
}

function write(reply: Reply, notation: Notation): string {
  switch (reply.kind) {
    case "error":
      return notation.error(reply.bytes);
    case "status":
    case "verbatim":
    case "bulk":
      return notation.string(reply.bytes);
    case "integer":
    case "double":
    case "bignum":
      return reply.text;
    case "boolean":
      return notation.booleans[reply.value ? 1 : 0];
    case "array":
    case "set":
    case "push":
      return notation.list(reply.items);
    case "map":
      return notation.map(reply.items);
    default:
      return notation.null;
  }
}

/** Calls `join` with each key and value of a map. */
function mapPairs(
  items: readonly Reply[],
  join: (key: Reply, value: Reply) => string,
): string[] {
  const texts: string[] = [];
  for (let i = 0; i + 1 < items.length; i += 2) texts.push(join(items[i]!, items[i + 1]!));
  return texts;
}

/** The bare content, elements parted by `delimiter`; no line end, except after an error. */
export function formatRaw(reply: Reply, delimiter: string): string {
  const show = (item: Reply): string => write(item, raw);
  const raw: Notation = {
    error: (bytes) => `${textOf(bytes)}\n`,
    string: textOf,
    booleans: ["(false)", "(true)"],
    null: "",
    list: (items) => items.map(show).join(delimiter),
    map: (items) => mapPairs(items, (key, value) => `${show(key)} ${show(value)}`).join(delimiter),
  };
  return show(reply);
}

/** One line without its end; aggregates are flat. */
const CSV: Notation = {
  error: (bytes) => `ERROR,${quoted(bytes)}`,
  string: quoted,
  booleans: ["false", "true"],
  null: "NULL",
  list: (items) => items.map((item) => write(item, CSV)).join(","),
  map: (items) => CSV.list(items),
};

/** JSON without a line end; `string` writes a string's bytes. */
function jsonNotation(string: (bytes: Uint8Array) => string): Notation {
  const json: Notation = {
    error: (bytes) => `error:${string(bytes)}`,
    string,
    booleans: ["false", "true"],
    null: "null",
    list: (items) => `[${items.map((item) => write(item, json)).join(",")}]`,
    map: (items) =>
      `{${
        mapPairs(items, (key, value) => `${jsonKey(key, json)}:${write(value, json)}`).join(",")
      }}`,
  };
  return json;
}

/** JSON wants strings for keys; RESP3 does not. */
function jsonKey(key: Reply, json: Notation): string {
  const text = write(key, json);
  return "bytes" in key || text.startsWith('"') ? text : `"${text}"`;
}

const JSON_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
};

/** A JSON string of the bytes, taken for UTF-8 as they are. */
function jsonString(bytes: Uint8Array): string {
  // deno-lint-ignore no-control-regex -- control characters are what must be escaped
  const escaped = textOf(bytes).replace(/["\\\x00-\x1f]/g, (character) =>
    JSON_ESCAPES[character] ??
      `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `"${escaped}"`;
}

/** A JSON string in ASCII that holds the bytes in Redis's quoting. */
function quotedJsonString(bytes: Uint8Array): string {
  return quoted(bytes).replaceAll("\\", "\\\\");
}

const JSON_TEXT = jsonNotation(jsonString);
const QUOTED_JSON = jsonNotation(quotedJsonString);
