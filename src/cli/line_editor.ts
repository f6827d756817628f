/**
 * The line that is being typed: a text, a cursor, and what keys do to them. History, completion
 * (Tab goes round the candidates) and search backwards (Ctrl-R) included. Pure: sees keys, not a
 * terminal; `drawLine` makes what a terminal must be sent to show it.
 *
 * Positions count characters (code points), columns count cells: wide characters take two.
 */
import type { Key, KeyName } from "./terminal_keys.ts";

/** What became of the line. */
export type Outcome = "editing" | "accepted" | "cancelled" | "ended" | "clear-screen";

export interface EditorAids {
  /** Earlier lines, the oldest first. */
  readonly history: readonly string[];
  completions(line: string): string[];
  hint(line: string): string;
}

interface Completing {
  readonly candidates: readonly string[];
  index: number;
  /** The line as it was typed. */
  readonly typed: string;
}

interface Searching {
  query: string;
  /** Of the line found in the history; its length if none. */
  index: number;
  readonly typed: string;
}

export class LineEditor {
  #characters: string[] = [];
  #cursor = 0;
  /** Position in the history; its length stands for the line that is being typed. */
  #historyIndex: number;
  /** That line, while another is shown. */
  #typed = "";
  #completing: Completing | null = null;
  #searching: Searching | null = null;
  readonly #aids: EditorAids;
  readonly #actions: Partial<Record<KeyName, () => Outcome | void>>;

  constructor(aids: EditorAids) {
    this.#aids = aids;
    this.#historyIndex = aids.history.length;
    this.#actions = {
      "enter": () => "accepted",
      "cancel": () => "cancelled",
      "clear-screen": () => "clear-screen",
      "end-of-input": () => this.#characters.length === 0 ? "ended" : this.#delete(this.#cursor, 1),
      "backspace": () => this.#cursor === 0 ? undefined : this.#delete(this.#cursor - 1, 1),
      "delete": () => this.#delete(this.#cursor, 1),
      "left": () => this.#moveTo(this.#cursor - 1),
      "right": () => this.#moveTo(this.#cursor + 1),
      "word-left": () => this.#moveTo(this.#wordStart()),
      "word-right": () => this.#moveTo(this.#wordEnd()),
      "home": () => this.#moveTo(0),
      "end": () => this.#moveTo(this.#characters.length),
      "up": () => this.#recall(this.#historyIndex - 1),
      "down": () => this.#recall(this.#historyIndex + 1),
      "kill-to-end": () => this.#delete(this.#cursor, this.#characters.length),
      "kill-line": () => this.#delete(0, this.#characters.length),
      "kill-word": () => this.#delete(this.#wordStart(), this.#cursor - this.#wordStart()),
      "transpose": () => this.#transpose(),
      "tab": () => this.#startCompleting(),
      "search": () => this.#startSearching(),
    };
  }

  get text(): string {
    return this.#characters.join("");
  }

  /** Characters before the cursor. */
  get cursor(): number {
    return this.#cursor;
  }

  /** What stands before the line in place of the prompt, while the history is searched. */
  get searchPrompt(): string | null {
    return this.#searching === null ? null : `(reverse-i-search)'${this.#searching.query}': `;
  }

  /** What to show behind the line. */
  get hint(): string {
    const isIdle = this.#completing === null && this.#searching === null;
    return isIdle && this.#cursor === this.#characters.length ? this.#aids.hint(this.text) : "";
  }

  /** Does what a key does. */
  press(key: Key): Outcome {
    if (this.#searching !== null && this.#search(this.#searching, key)) return "editing";
    if (this.#completing !== null && this.#complete(this.#completing, key)) return "editing";
    if (key.name === "text") {
      this.#characters.splice(this.#cursor, 0, key.text);
      this.#cursor++;
      return "editing";
    }
    return this.#actions[key.name]?.() ?? "editing";
  }

  #setText(text: string): void {
    this.#characters = [...text];
    this.#cursor = this.#characters.length;
  }

  #moveTo(position: number): void {
    this.#cursor = Math.max(0, Math.min(position, this.#characters.length));
  }

  #delete(start: number, count: number): void {
    this.#characters.splice(start, count);
    this.#cursor = Math.min(start, this.#characters.length);
  }

  #wordStart(): number {
    let at = this.#cursor;
    while (at > 0 && this.#characters[at - 1] === " ") at--;
    while (at > 0 && this.#characters[at - 1] !== " ") at--;
    return at;
  }

  #wordEnd(): number {
    let at = this.#cursor;
    while (at < this.#characters.length && this.#characters[at] === " ") at++;
    while (at < this.#characters.length && this.#characters[at] !== " ") at++;
    return at;
  }

  #transpose(): void {
    const at = this.#cursor;
    if (at === 0 || at >= this.#characters.length) return;
    const before = this.#characters[at - 1]!;
    this.#characters[at - 1] = this.#characters[at]!;
    this.#characters[at] = before;
    this.#moveTo(at + 1);
  }

  #recall(index: number): void {
    const { history } = this.#aids;
    if (index < 0 || index > history.length) return;
    if (this.#historyIndex === history.length) this.#typed = this.text;
    this.#historyIndex = index;
    this.#setText(history[index] ?? this.#typed);
  }

  #startCompleting(): void {
    const typed = this.text;
    const candidates = this.#aids.completions(typed);
    if (candidates.length === 0) return;
    this.#completing = { candidates, index: 0, typed };
    this.#setText(candidates[0]!);
  }

  /** Tab shows the next candidate, after the last the line as typed; any other key takes it. */
  #complete(completing: Completing, key: Key): boolean {
    const { candidates, typed } = completing;
    if (key.name === "tab") {
      completing.index = (completing.index + 1) % (candidates.length + 1);
      this.#setText(candidates[completing.index] ?? typed);
      return true;
    }
    this.#completing = null;
    if (key.name !== "escape") return false;
    this.#setText(typed);
    return true;
  }

  #startSearching(): void {
    this.#searching = { query: "", index: this.#aids.history.length, typed: this.text };
  }

  /** Returns false if the key ends the search and has still to do what it does otherwise. */
  #search(searching: Searching, key: Key): boolean {
    const { history } = this.#aids;
    if (key.name === "text") searching.query += key.text;
    else if (key.name === "backspace") {
      searching.query = [...searching.query].slice(0, -1).join("");
      searching.index = history.length;
    } else if (key.name !== "search") {
      this.#searching = null;
      const isGivenUp = key.name === "escape" || key.name === "cancel";
      if (isGivenUp) this.#setText(searching.typed);
      else if (searching.index < history.length) this.#historyIndex = searching.index;
      return isGivenUp;
    }
    if (searching.query === "") return true;
    // A longer query may still fit the line found; Ctrl-R asks for an older one.
    const last = key.name === "search" ? searching.index - 1 : searching.index;
    for (let i = Math.min(last, history.length - 1); i >= 0; i--) {
      if (!history[i]!.includes(searching.query)) continue;
      searching.index = i;
      this.#setText(history[i]!);
      break;
    }
    return true;
  }
}

/** Ranges of characters that take two cells: East Asian wide forms and most emoji. */
const WIDE = new RegExp(
  "[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f" +
    "\\uff00-\\uff60\\uffe0-\\uffe6\\u{1f300}-\\u{1faff}\\u{20000}-\\u{3fffd}]",
  "u",
);
const COMBINING = /\p{Mn}/u;

/** How many cells a text takes. */
export function cellWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (character < "\u0300") width++;
    else if (!COMBINING.test(character)) width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

export interface Drawing {
  prompt: string;
  text: string;
  /** Characters before the cursor. */
  cursor: number;
  hint: string;
  /** Width of the terminal. */
  columns: number;
}

/**
 * What a terminal must be sent to show the line over the one before, whose cursor stood
 * `rowBefore` rows below its first; and the row in which the cursor stands now.
 */
export function drawLine(drawing: Drawing, rowBefore: number): { output: string; row: number } {
  const { prompt, text, cursor, columns } = drawing;
  const textWidth = cellWidth(prompt) + cellWidth(text);
  const cursorWidth = cellWidth(prompt) + cellWidth([...text].slice(0, cursor).join(""));
  const hint = [...drawing.hint].slice(0, Math.max(0, columns - 1 - textWidth)).join("");
  let output = rowBefore > 0 ? `\x1b[${rowBefore}A` : "";
  output += `\r\x1b[0J${prompt}${text}`;
  if (hint !== "") output += `\x1b[0;90;49m${hint}\x1b[0m`;
  const lastRow = Math.floor((textWidth + cellWidth(hint)) / columns);
  // A line that fills its row leaves the cursor at its end; the next row is begun by hand.
  if (textWidth > 0 && textWidth % columns === 0 && hint === "") output += "\r\n";
  const row = Math.floor(cursorWidth / columns);
  if (lastRow > row) output += `\x1b[${lastRow - row}A`;
  output += "\r";
  if (cursorWidth % columns > 0) output += `\x1b[${cursorWidth % columns}C`;
  return { output, row };
}
