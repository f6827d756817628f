/**
 * Payloads of RESTORE, built from elements byte by byte, sound or with one mistake that no server
 * makes: what a structure claims of itself is wrong, or what must be there once comes twice.
 */
import { latin1 } from "../support/text.ts";

export const MISTAKES = [
  "count",
  "total",
  "previous length",
  "tail",
  "end",
  "twice",
  "odd",
  "order",
] as const;
export type Mistake = (typeof MISTAKES)[number];

/** A payload without version and checksum: the type and the value. */
export interface BuiltPayload {
  name: string;
  body: Uint8Array;
  /** Mistakes that can be made with it. */
  mistakes: readonly Mistake[];
}

function word(value: number, byteCount: number): string {
  let text = "";
  for (let index = 0; index < byteCount; index++) {
    text += String.fromCharCode(Math.floor(value / 256 ** index) & 255);
  }
  return text;
}

/** A string as an RDB file holds it. */
function rdbString(text: string): string {
  if (text.length < 64) return String.fromCharCode(text.length) + text;
  return String.fromCharCode(0x40 | (text.length >> 8), text.length & 255) + text;
}

type Encode = (elements: readonly string[], mistake: Mistake | null) => string;

/** Elements of fewer than 64 bytes as a listpack; integers as text, which is allowed. */
const listpackOf: Encode = (elements, mistake) => {
  let body = "";
  elements.forEach((element, index) => {
    const size = element.length + 1;
    const isWrong = mistake === "previous length" && index === elements.length >> 1;
    body += String.fromCharCode(0x80 | element.length) + element;
    body += String.fromCharCode(isWrong ? size + 1 : size);
  });
  const total = body.length + 7 + (mistake === "total" ? 1 : 0);
  const count = elements.length + (mistake === "count" ? 1 : 0);
  return word(total, 4) + word(count, 2) + body + (mistake === "end" ? "\xfe" : "\xff");
};

/** The same as a ziplist. */
const ziplistOf: Encode = (elements, mistake) => {
  let body = "";
  let former = 0;
  elements.forEach((element, index) => {
    const isWrong = mistake === "previous length" && index === elements.length >> 1;
    body += String.fromCharCode(isWrong ? former + 1 : former, element.length) + element;
    former = element.length + 2;
  });
  const total = body.length + 11 + (mistake === "total" ? 1 : 0);
  const tail = body.length + 10 - former + (mistake === "tail" ? 1 : 0);
  const count = elements.length + (mistake === "count" ? 1 : 0);
  return word(total, 4) + word(tail, 4) + word(count, 2) + body +
    (mistake === "end" ? "\xfe" : "\xff");
};

const zipmapOf: Encode = (elements, mistake) => {
  let body = "";
  elements.forEach((element, index) => {
    body += String.fromCharCode(element.length) + ((index & 1) === 0 ? "" : "\0") + element;
  });
  const count = (elements.length >> 1) + (mistake === "count" ? 1 : 0);
  return String.fromCharCode(count) + body + (mistake === "end" ? "\xfe" : "\xff");
};

const intsetOf: Encode = (elements, mistake) => {
  const count = elements.length + (mistake === "count" ? 1 : 0);
  return word(4, 4) + word(count, 4) + elements.map((element) => word(Number(element), 4)).join("");
};

/** A count and the elements, each for itself. */
const plainOf = (elementsEach: number): Encode => (elements, mistake) => {
  const count = Math.ceil(elements.length / elementsEach) + (mistake === "count" ? 1 : 0);
  return String.fromCharCode(count) + elements.map(rdbString).join("");
};

/** Wraps a structure as the one string, or the one node, that the type consists of. */
const inString = (encode: Encode, head = ""): Encode => (elements, mistake) =>
  head + rdbString(encode(elements, mistake));

const LISTPACK: readonly Mistake[] = ["count", "total", "previous length", "end"];
const ZIPLIST: readonly Mistake[] = [...LISTPACK, "tail"];
const LIST = ["a", "1", "", "a", "last"];
const MEMBERS = ["a", "1", "", "b", "last"];
const NUMBERS = ["1", "5", "70000", "100000"];
const PAIRS = ["a", "1", "b", "2", "", "3", "7", "4", "last", "5"];

const FORMS: readonly (readonly [
  name: string,
  type: number,
  encode: Encode,
  elements: readonly string[],
  mistakes: readonly Mistake[],
])[] = [
  ["list", 1, plainOf(1), LIST, ["count"]],
  ["set", 2, plainOf(1), MEMBERS, ["count", "twice"]],
  ["zset", 3, plainOf(2), PAIRS, ["count", "twice", "odd"]],
  ["hash", 4, plainOf(2), PAIRS, ["count", "twice", "odd"]],
  ["zipmap", 9, inString(zipmapOf), PAIRS, ["count", "end", "twice", "odd"]],
  ["list ziplist", 10, inString(ziplistOf), LIST, ZIPLIST],
  ["intset", 11, inString(intsetOf), NUMBERS, ["count", "twice", "order"]],
  ["zset ziplist", 12, inString(ziplistOf), PAIRS, [...ZIPLIST, "twice", "odd", "order"]],
  ["hash ziplist", 13, inString(ziplistOf), PAIRS, [...ZIPLIST, "twice", "odd"]],
  ["quicklist of ziplists", 14, inString(ziplistOf, "\x01"), LIST, ZIPLIST],
  ["hash listpack", 16, inString(listpackOf), PAIRS, [...LISTPACK, "twice", "odd"]],
  ["zset listpack", 17, inString(listpackOf), PAIRS, [...LISTPACK, "twice", "odd", "order"]],
  ["quicklist", 18, inString(listpackOf, "\x01\x02"), LIST, LISTPACK],
  ["set listpack", 20, inString(listpackOf), MEMBERS, [...LISTPACK, "twice"]],
];

function spoiled(elements: readonly string[], step: number, mistake: Mistake | null): string[] {
  const copy = [...elements];
  // The last element, or member with its own score, is the first one once more.
  if (mistake === "twice") copy[copy.length - step] = copy[0];
  else if (mistake === "odd") copy.pop();
  else if (mistake === "order") {
    copy.push(...copy.splice(0, step));
  }
  return copy;
}

/** The payload of a form of `builtPayloads`, with a mistake or without. */
function build(index: number, mistake: Mistake | null): Uint8Array {
  const [, type, encode, elements] = FORMS[index];
  const step = elements === PAIRS ? 2 : 1;
  return latin1(String.fromCharCode(type) + encode(spoiled(elements, step, mistake), mistake));
}

/** A sound payload of each form. */
export function soundPayloads(): BuiltPayload[] {
  return FORMS.map(([name, , , , mistakes], index) => ({
    name,
    body: build(index, null),
    mistakes,
  }));
}

/** Each form with each mistake that can be made in it. */
export function spoiledPayloads(): { name: string; body: Uint8Array }[] {
  return FORMS.flatMap(([name, , , , mistakes], index) =>
    mistakes.map((mistake) => ({ name: `${name}: ${mistake}`, body: build(index, mistake) }))
  );
}
