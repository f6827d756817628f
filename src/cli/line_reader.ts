/**
 * Reads lines from a terminal, key by key, showing what is typed; with a terminal that cannot move
 * its cursor, or without one, whole lines as they come.
 */
import { utf8Text } from "../base/bytes.ts";
import type { CliInput } from "./cli_input.ts";
import { drawLine, type EditorAids, LineEditor, type Outcome } from "./line_editor.ts";
import { decodeKey } from "./terminal_keys.ts";

/** Terminals that know no escape sequences. */
const PLAIN_TERMINALS = ["dumb", "cons25", "emacs"];
const CLEAR_SCREEN = "\x1b[H\x1b[2J";
const COLUMNS_IF_UNKNOWN = 80;

const NO_AIDS: EditorAids = { history: [], completions: () => [], hint: () => "" };

export class LineReader {
  readonly #input: CliInput;
  /** Shows text on the terminal. */
  readonly #show: (text: string) => void;
  readonly #canEdit: boolean;

  constructor(input: CliInput, show: (text: string) => void, terminal: string) {
    this.#input = input;
    this.#show = show;
    this.#canEdit = input.isTerminal && !PLAIN_TERMINALS.includes(terminal.toLowerCase());
  }

  /** The next line; null at the end of the input, or when it was cancelled with Ctrl-C. */
  async read(prompt: string, aids: EditorAids): Promise<string | null> {
    if (this.#canEdit) return await this.#edit(prompt, aids, false);
    if (this.#input.isTerminal) this.#show(prompt);
    const line = await this.#input.readLine();
    return line === null ? null : utf8Text(line, 0, line.length);
  }

  /** A line that nobody shall see: stars are shown for it. */
  async readSecret(prompt: string): Promise<string | null> {
    return this.#canEdit
      ? await this.#edit(prompt, NO_AIDS, true)
      : await this.read(prompt, NO_AIDS);
  }

  clearScreen(): void {
    if (this.#canEdit) this.#show(CLEAR_SCREEN);
  }

  async #edit(prompt: string, aids: EditorAids, isSecret: boolean): Promise<string | null> {
    const editor = new LineEditor(aids);
    let row = 0;
    const draw = (hint: string) => {
      const drawn = drawLine({
        prompt: editor.searchPrompt ?? prompt,
        text: isSecret ? "*".repeat([...editor.text].length) : editor.text,
        cursor: editor.cursor,
        hint: isSecret ? "" : hint,
        columns: terminalColumns(),
      }, row);
      row = drawn.row;
      this.#show(drawn.output);
    };
    this.#input.setRaw(true);
    try {
      for (;;) {
        draw(editor.hint);
        const outcome = await this.#pressKeys(editor);
        if (outcome === "clear-screen") {
          this.#show(CLEAR_SCREEN);
          row = 0;
        } else if (outcome !== "editing") {
          // Without the hint, and with the cursor behind the last row.
          editor.press({ name: "end", text: "" });
          draw("");
          this.#show("\r\n");
          return outcome === "accepted" ? editor.text : null;
        }
      }
    } finally {
      this.#input.setRaw(false);
    }
  }

  /** Waits for keys and presses all that have come, up to one that does more than edit. */
  async #pressKeys(editor: LineEditor): Promise<Outcome> {
    let bytes = await this.#input.read();
    if (bytes === null) return "ended";
    while (bytes.length > 0) {
      const decoded = decodeKey(bytes);
      if (decoded === null) {
        // The rest of the character is on its way.
        const more = await this.#input.read();
        if (more === null) return "ended";
        this.#input.unread(more);
        this.#input.unread(bytes);
        return "editing";
      }
      bytes = bytes.subarray(decoded.length);
      const outcome = decoded.key === null ? "editing" : editor.press(decoded.key);
      if (outcome === "editing") continue;
      this.#input.unread(bytes);
      return outcome;
    }
    return "editing";
  }
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || COLUMNS_IF_UNKNOWN;
  } catch {
    return COLUMNS_IF_UNKNOWN;
  }
}
