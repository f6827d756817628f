/**
 * Keys: what a terminal sends for them, as the names that the line editor acts on. Both the
 * sequences of xterm and of the Windows console (in its virtual terminal mode) are known.
 *
 * An escape byte that ends a chunk is the Escape key: terminals send a sequence in one piece. What
 * is not known is dropped.
 */
import { utf8Text } from "../base/bytes.ts";

export type KeyName =
  | "text"
  | "enter"
  | "tab"
  | "escape"
  | "backspace"
  | "delete"
  | "left"
  | "right"
  | "word-left"
  | "word-right"
  | "up"
  | "down"
  | "home"
  | "end"
  /** Ctrl-C */
  | "cancel"
  /** Ctrl-D: deletes, or ends the input on an empty line */
  | "end-of-input"
  | "kill-to-end"
  | "kill-line"
  | "kill-word"
  | "clear-screen"
  | "search"
  | "transpose";

export interface Key {
  readonly name: KeyName;
  /** One character if the name is "text". */
  readonly text: string;
}

const CONTROLS: Readonly<Record<number, KeyName>> = {
  1: "home",
  2: "left",
  3: "cancel",
  4: "end-of-input",
  5: "end",
  6: "right",
  8: "backspace",
  9: "tab",
  10: "enter",
  11: "kill-to-end",
  12: "clear-screen",
  13: "enter",
  14: "down",
  16: "up",
  18: "search",
  20: "transpose",
  21: "kill-line",
  23: "kill-word",
  127: "backspace",
};

/** After the escape byte. */
const SEQUENCES: Readonly<Record<string, KeyName>> = {
  "[A": "up",
  "[B": "down",
  "[C": "right",
  "[D": "left",
  "[H": "home",
  "[F": "end",
  "OA": "up",
  "OB": "down",
  "OC": "right",
  "OD": "left",
  "OH": "home",
  "OF": "end",
  "[1~": "home",
  "[7~": "home",
  "[4~": "end",
  "[8~": "end",
  "[3~": "delete",
  "[1;5C": "word-right",
  "[1;5D": "word-left",
  "[1;3C": "word-right",
  "[1;3D": "word-left",
  "b": "word-left",
  "f": "word-right",
};

const ESCAPE = 27;

/** How many bytes a character has whose first byte is this. */
function characterBytes(first: number): number {
  if (first < 0xc0) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** The length of the sequence behind an escape byte at `start`; 0 if there is none. */
function sequenceLength(bytes: Uint8Array, start: number): number {
  const rest = utf8Text(bytes, start + 1, Math.min(bytes.length - start - 1, 16));
  return /^(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z]|[bf])/.exec(rest)?.[0].length ?? 0;
}

/**
 * The first key in the bytes and how many bytes it takes; a null key is one that is not known. Null
 * if the bytes end within a character.
 */
export function decodeKey(bytes: Uint8Array): { key: Key | null; length: number } | null {
  const first = bytes[0]!;
  if (first === ESCAPE) {
    const length = sequenceLength(bytes, 0);
    if (length === 0) return { key: { name: "escape", text: "" }, length: 1 };
    const name = SEQUENCES[utf8Text(bytes, 1, length)];
    return { key: name === undefined ? null : { name, text: "" }, length: length + 1 };
  }
  if (first < 32 || first === 127) {
    const name = CONTROLS[first];
    return { key: name === undefined ? null : { name, text: "" }, length: 1 };
  }
  const length = characterBytes(first);
  if (length > bytes.length) return null;
  return { key: { name: "text", text: utf8Text(bytes, 0, length) }, length };
}
