/** Tests of src/cli/line_reader.ts. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { CliInput } from "../../src/cli/cli_input.ts";
import { LineReader } from "../../src/cli/line_reader.ts";
import { utf8 } from "../support/text.ts";

const AIDS = { history: ["old"], completions: () => [], hint: () => "" };

class Terminal {
  shown = "";
  rawChanges: boolean[] = [];
  readonly reader: LineReader;

  constructor(chunks: (string | Uint8Array)[], kind = "xterm", isTerminal = true) {
    const input = new CliInput({
      read: (target) => {
        const chunk = chunks.shift();
        if (chunk === undefined) return Promise.resolve(null);
        const bytes = typeof chunk === "string" ? utf8(chunk) : chunk;
        target.set(bytes);
        return Promise.resolve(bytes.length);
      },
      isTerminal: () => isTerminal,
      setRaw: (isRaw) => this.rawChanges.push(isRaw),
    });
    this.reader = new LineReader(input, (text) => this.shown += text, kind);
  }

  read(): Promise<string | null> {
    return this.reader.read("> ", AIDS);
  }
}

Deno.test("keys make lines, also those typed ahead", async () => {
  const terminal = new Terminal(["pi", "ng\rsec", "ond\x1b[D!\r", "\x1b[A\r"]);
  assertEquals(await terminal.read(), "ping");
  assertEquals(await terminal.read(), "secon!d");
  assertEquals(await terminal.read(), "old");
  assertEquals(await terminal.read(), null);
  assertEquals(terminal.rawChanges.length, 8, "raw only while a line is typed");
  assertEquals(terminal.rawChanges.at(-1), false);
});

Deno.test("a character may arrive in parts", async () => {
  const bytes = utf8("日\r");
  const terminal = new Terminal([bytes.subarray(0, 2), bytes.subarray(2)]);
  assertEquals(await terminal.read(), "日");
});

Deno.test("Ctrl-C and Ctrl-D end the input, Ctrl-L clears the screen", async () => {
  assertEquals(await new Terminal(["abc\x03"]).read(), null);
  assertEquals(await new Terminal(["\x04"]).read(), null);
  const terminal = new Terminal(["ab\x0cc\r"]);
  assertEquals(await terminal.read(), "abc");
  assertStringIncludes(terminal.shown, "\x1b[H\x1b[2J");
});

Deno.test("a secret is not shown", async () => {
  const terminal = new Terminal(["s3cret\r"]);
  assertEquals(await terminal.reader.readSecret("Password: "), "s3cret");
  assertStringIncludes(terminal.shown, "Password: ******");
  assertEquals(terminal.shown.includes("s3cret"), false);
});

Deno.test("a terminal that cannot move its cursor gets prompts, a pipe gets nothing", async () => {
  const dumb = new Terminal(["ping\nget a\n"], "dumb");
  assertEquals([await dumb.read(), await dumb.read()], ["ping", "get a"]);
  assertEquals(dumb.shown, "> > ");
  const piped = new Terminal(["ping\r\nlast"], "xterm", false);
  assertEquals([await piped.read(), await piped.read(), await piped.read()], [
    "ping",
    "last",
    null,
  ]);
  assertEquals([piped.shown, piped.rawChanges], ["", []]);
});
