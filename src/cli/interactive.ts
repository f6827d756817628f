/**
 * The interactive session: reads a line, sends it, prints the reply, until `quit` or the end of the
 * input. Lines may come from a terminal, with all comfort, or from a pipe, without.
 *
 * A line is a command, with a number before it to repeat it, or one of our own: `help`, `quit`,
 * `exit`, `clear`, `connect host port`, `:set hints`, `:set nohints`.
 */
import { latin1Text } from "../base/bytes.ts";
import { monotonicUs } from "../base/clock.ts";
import { splitArguments } from "../protocol/inline_arguments.ts";
import { ConnectionError } from "./cli_connection.ts";
import { leadingInteger } from "./cli_options.ts";
import type { CliSession, Words } from "./cli_session.ts";
import { CommandHelp } from "./command_help.ts";
import type { EditorAids } from "./line_editor.ts";
import { isSecret, type LineHistory } from "./line_history.ts";

/** Commands that take longer than this are followed by their duration. */
const SLOW_COMMAND_MS = 500;

const encoder = new TextEncoder();

/** Where lines come from: a LineReader, or a test. */
export interface LineSource {
  /** The next line, null after the last. */
  read(prompt: string, aids: EditorAids): Promise<string | null>;
  clearScreen(): void;
}

function textOf(word: Uint8Array): string {
  return latin1Text(word, 0, word.length);
}

export class Interactive {
  readonly #session: CliSession;
  readonly #lines: LineSource;
  /** Null if the lines come from a pipe. */
  readonly #history: LineHistory | null;
  readonly #title: string;
  #help: CommandHelp | null = null;
  #showsHints = true;

  /** `title` is the first line of `help`. */
  constructor(session: CliSession, lines: LineSource, history: LineHistory | null, title: string) {
    this.#session = session;
    this.#lines = lines;
    this.#history = history;
    this.#title = title;
  }

  /** Runs to the end of the session. Throws CliExit where redis-cli ends at once. */
  async run(): Promise<void> {
    this.#session.isInteractive = true;
    await this.#session.connect();
    if (this.#history !== null) await this.#loadHelp();
    const aids: EditorAids = {
      history: this.#history?.lines ?? [],
      completions: (line) => this.#help?.completions(line) ?? [],
      hint: (line) => this.#showsHints ? this.#help?.hint(line) ?? "" : "",
    };
    for (;;) {
      const line = await this.#lines.read(this.#session.prompt, aids);
      if (line === null || !await this.#obey(line)) return;
    }
  }

  /** Help is asked of the server, once it can answer; a server without it is no failure. */
  async #loadHelp(): Promise<void> {
    const { connection } = this.#session;
    if (this.#help !== null || connection === null) return;
    try {
      const docs = await connection.call("COMMAND", "DOCS");
      if (docs.kind !== "error") this.#help = new CommandHelp(docs);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
    }
  }

  /** Returns false if the session is over. */
  async #obey(line: string): Promise<boolean> {
    const bytes = encoder.encode(line);
    const words = splitArguments(bytes, 0, bytes.length);
    if (words === null) {
      this.#session.output.print("Invalid argument(s)\n");
      this.#history?.add(line);
      return true;
    }
    if (words.length === 0) return true;
    let command: Words = words;
    let repeat = 1;
    if (words.length > 1 && /^[+-]?\d+$/.test(textOf(words[0]!))) {
      repeat = Number(textOf(words[0]!));
      if (repeat <= 0 || !Number.isSafeInteger(repeat)) {
        this.#session.output.print("Invalid redis-cli repeat command option value.\n");
        return true;
      }
      command = words.slice(1);
    }
    const texts = command.map(textOf);
    if (!isSecret(texts)) this.#history?.add(line);
    const name = texts[0]!.toLowerCase();
    if (name === "quit" || name === "exit") return false;
    await this.#run(name, texts, command, repeat);
    return true;
  }

  async #run(name: string, texts: string[], command: Words, repeat: number): Promise<void> {
    const { output } = this.#session;
    if (name.startsWith(":")) this.#setPreference(texts);
    else if (name === "restart") output.print("Use 'restart' only in Lua debugging mode.\n");
    else if (name === "connect" && texts.length === 3) {
      const { options } = this.#session;
      options.socket = null;
      options.host = texts[1]!;
      options.port = leadingInteger(texts[2]!);
      await this.#session.connect();
    } else if (name === "clear" && texts.length === 1) this.#lines.clearScreen();
    else if (name === "help" || name === "?") await this.showHelp(texts.slice(1));
    else await this.#issue(command, repeat);
  }

  async #issue(command: Words, repeat: number): Promise<void> {
    const startUs = monotonicUs();
    await this.#session.issue(command, repeat);
    const elapsedMs = (monotonicUs() - startUs) / 1000;
    if (elapsedMs >= SLOW_COMMAND_MS && this.#session.mode === "standard") {
      this.#session.output.print(`(${(elapsedMs / 1000).toFixed(2)}s)\n`);
    }
    if (this.#history !== null) await this.#loadHelp();
  }

  /** What `help` followed by these words prints. */
  async showHelp(words: readonly string[]): Promise<void> {
    await this.#loadHelp();
    if (words.length === 0) this.#session.output.print(`${this.#title}\n`);
    const help = this.#help ?? new CommandHelp({ kind: "null" });
    this.#session.output.print(help.text(words));
    if (this.#help === null && words.length > 0) {
      this.#session.output.print("Help comes from the server, which did not give any.\n");
    }
  }

  #setPreference(words: readonly string[]): void {
    const { output } = this.#session;
    if (words[0]!.toLowerCase() !== ":set" || words.length < 2) {
      output.print(`unknown redis-cli internal command '${words[0]}'\n`);
      return;
    }
    const preference = words[1]!.toLowerCase();
    if (preference === "hints") this.#showsHints = true;
    else if (preference === "nohints") this.#showsHints = false;
    else output.print(`unknown redis-cli preference '${words[1]}'\n`);
  }
}
