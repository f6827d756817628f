/** Tests of src/cli/line_editor.ts. */
import { assertEquals } from "@std/assert";
import { cellWidth, drawLine, LineEditor, type Outcome } from "../../src/cli/line_editor.ts";
import type { KeyName } from "../../src/cli/terminal_keys.ts";

const AIDS = {
  history: ["set a 1", "get a", "del b"],
  completions: (line: string) =>
    ["GET", "GETSET"].filter((each) => each.startsWith(line.toUpperCase())),
  hint: (line: string) => line === "get" ? " key" : "",
};

/** Types text, and keys by name: `type("ab", "<left>")`. */
function type(editor: LineEditor, ...keys: (string | `<${KeyName}>`)[]): Outcome {
  let outcome: Outcome = "editing";
  for (const key of keys) {
    const name = /^<(.*)>$/.exec(key)?.[1] as KeyName | undefined;
    if (name !== undefined) outcome = editor.press({ name, text: "" });
    else for (const text of key) outcome = editor.press({ name: "text", text });
  }
  return outcome;
}

function typed(...keys: string[]): [string, number] {
  const editor = new LineEditor(AIDS);
  type(editor, ...keys);
  return [editor.text, editor.cursor];
}

Deno.test("characters are inserted at the cursor, whatever their width", () => {
  assertEquals(typed("ac", "<left>", "b"), ["abc", 2]);
  assertEquals(typed("日本", "<left>", "x", "<left>", "<backspace>"), ["x本", 0]);
  assertEquals(typed("<left>", "<right>", "<backspace>", "<delete>", "a"), ["a", 1]);
});

Deno.test("keys move, delete, kill and transpose", () => {
  assertEquals(typed("one two", "<home>", "<delete>"), ["ne two", 0]);
  assertEquals(typed("one two", "<word-left>", "<kill-to-end>"), ["one ", 4]);
  assertEquals(typed("one two ", "<kill-word>"), ["one ", 4]);
  assertEquals(typed("one two", "<left>", "<kill-line>"), ["", 0]);
  assertEquals(typed("one two", "<home>", "<word-right>", "<end-of-input>"), ["onetwo", 3]);
  assertEquals(typed("ab", "<left>", "<transpose>"), ["ba", 2]);
});

Deno.test("some keys end the line, in different ways", () => {
  const editor = new LineEditor(AIDS);
  assertEquals(type(editor, "a", "<enter>"), "accepted");
  assertEquals(type(editor, "<cancel>"), "cancelled");
  assertEquals(type(editor, "<end-of-input>"), "editing", "it only deletes");
  assertEquals(type(editor, "<backspace>", "<end-of-input>"), "ended");
  assertEquals(type(editor, "<clear-screen>"), "clear-screen");
});

Deno.test("up and down walk the history and come back to the line begun", () => {
  assertEquals(typed("new", "<up>"), ["del b", 5]);
  assertEquals(typed("new", "<up>", "<up>", "<up>", "<up>", "<up>"), ["set a 1", 7]);
  assertEquals(typed("new", "<up>", "<up>", "<down>", "<down>", "<down>"), ["new", 3]);
});

Deno.test("tab goes round the candidates and the line as typed", () => {
  assertEquals(typed("ge", "<tab>"), ["GET", 3]);
  assertEquals(typed("ge", "<tab>", "<tab>"), ["GETSET", 6]);
  assertEquals(typed("ge", "<tab>", "<tab>", "<tab>"), ["ge", 2]);
  assertEquals(typed("ge", "<tab>", "<escape>"), ["ge", 2]);
  assertEquals(typed("ge", "<tab>", " x"), ["GET x", 5]);
  assertEquals(typed("zz", "<tab>"), ["zz", 2]);
});

Deno.test("search finds older lines, and gives back the line when it is given up", () => {
  assertEquals(typed("x", "<search>", "a"), ["get a", 5]);
  assertEquals(typed("x", "<search>", "a", "<search>"), ["set a 1", 7]);
  assertEquals(typed("x", "<search>", "a", "<cancel>"), ["x", 1]);
  const editor = new LineEditor(AIDS);
  type(editor, "<search>", "t a");
  assertEquals(editor.searchPrompt, "(reverse-i-search)'t a': ");
  assertEquals(type(editor, "<enter>"), "accepted");
  assertEquals(editor.text, "get a");
});

Deno.test("a hint is shown only behind the end of the line", () => {
  const editor = new LineEditor(AIDS);
  type(editor, "get");
  assertEquals(editor.hint, " key");
  type(editor, "<left>");
  assertEquals(editor.hint, "");
});

/** As much of a terminal as `drawLine` uses: cells, a cursor, and wrapping at the margin. */
class Screen {
  rows: string[] = [""];
  row = 0;
  column = 0;

  constructor(readonly columns: number) {}

  write(output: string): void {
    // deno-lint-ignore no-control-regex -- escape sequences begin with one
    for (const part of output.match(/\x1b\[[0-9;]*[A-Za-z]|[\s\S]/gu) ?? []) this.#put(part);
  }

  #put(part: string): void {
    const count = Number(/\d+/.exec(part)?.[0] ?? 1);
    if (part.endsWith("A") && part.length > 1) this.row -= count;
    else if (part.endsWith("C") && part.length > 1) this.column += count;
    else if (part.endsWith("J") && part.length > 1) {
      this.rows = [...this.rows.slice(0, this.row), this.rows[this.row]!.slice(0, this.column)];
    } else if (part === "\r") this.column = 0;
    else if (part === "\n") this.#down();
    else if (part.length === 1) {
      if (this.column === this.columns) {
        this.column = 0;
        this.#down();
      }
      const line = this.rows[this.row]!.padEnd(this.column);
      this.rows[this.row] = line.slice(0, this.column) + part + line.slice(this.column + 1);
      this.column++;
    }
  }

  #down(): void {
    this.row++;
    if (this.row === this.rows.length) this.rows.push("");
  }
}

Deno.test("a drawn line stands on the terminal as typed, wrapped, and can be drawn over", () => {
  for (const columns of [8, 10, 11, 80]) {
    const screen = new Screen(columns);
    let row = 0;
    const texts = [
      "",
      "a",
      "abcde",
      "abcdefgh",
      "abcdefghijklmnopq",
      "abcdefghijklmnopqr",
      "ab",
      "",
    ];
    for (const text of texts) {
      for (const cursor of [text.length, 0, text.length >> 1]) {
        const drawn = drawLine({ prompt: "> ", text, cursor, hint: " hint", columns }, row);
        row = drawn.row;
        screen.write(drawn.output);
        const shown = screen.rows.join("");
        const room = Math.max(0, columns - 1 - 2 - text.length);
        assertEquals(shown, `> ${text}${" hint".slice(0, room)}`, `${text} in ${columns}`);
        const cell = 2 + cursor;
        assertEquals([screen.row, screen.column], [Math.floor(cell / columns), cell % columns]);
        assertEquals(screen.row, row);
      }
    }
  }
});

Deno.test("wide and combining characters take two cells and none", () => {
  assertEquals(cellWidth("aé"), 2);
  assertEquals(cellWidth("日本"), 4);
  assertEquals(cellWidth("e\u0301"), 1);
  assertEquals(cellWidth("\u{1f600}"), 2);
});
