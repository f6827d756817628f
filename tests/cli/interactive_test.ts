/** Tests of src/cli/interactive.ts. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseOptions } from "../../src/cli/cli_options.ts";
import { CliSession } from "../../src/cli/cli_session.ts";
import { Interactive } from "../../src/cli/interactive.ts";
import type { EditorAids } from "../../src/cli/line_editor.ts";
import { LineHistory } from "../../src/cli/line_history.ts";
import { EmbeddedListener } from "../support/embedded_listener.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedOutput } from "../support/recorded_output.ts";

interface Run {
  printed: string;
  errors: string;
  prompts: string[];
  history: readonly string[];
  /** Hints at "get", as they were before each line. */
  hints: string[];
  completions: string[];
}

async function run(lines: readonly string[], isTerminal = true): Promise<Run> {
  using server = new EmbeddedServer();
  await using listener = new EmbeddedListener(server);
  const output = new RecordedOutput();
  const session = new CliSession(parseOptions(["-p", `${listener.port}`, "--no-raw"]), output);
  const history = new LineHistory(null);
  const result = { prompts: [] as string[], hints: [] as string[], completions: [] as string[] };
  const remaining = [...lines];
  const source = {
    read(prompt: string, aids: EditorAids) {
      result.prompts.push(prompt.replace(`127.0.0.1:${listener.port}`, ""));
      result.hints.push(aids.hint("get"));
      result.completions = aids.completions("config g");
      return Promise.resolve(remaining.shift() ?? null);
    },
    clearScreen: () => output.print("(cleared)"),
  };
  await new Interactive(session, source, isTerminal ? history : null, "the title").run();
  session.connection?.close();
  return { printed: output.printed, errors: output.errors, history: history.lines, ...result };
}

Deno.test("lines are commands, perhaps repeated", async () => {
  const { printed, prompts } = await run([
    "set a 1",
    "3 incr a",
    "  ",
    'get "a',
    "0 get a",
    "select 2",
  ]);
  assertEquals(
    printed,
    "OK\n(integer) 2\n(integer) 3\n(integer) 4\nInvalid argument(s)\n" +
      "Invalid redis-cli repeat command option value.\nOK\n",
  );
  assertEquals(prompts.at(-1), "[2]> ");
});

Deno.test("quit and exit end the session", async () => {
  for (const word of ["quit", "EXIT"]) {
    assertEquals((await run(["ping", word, "ping"])).printed, "PONG\n");
  }
});

Deno.test("secrets are not kept in the history", async () => {
  const lines = ["get a", "auth pw", "3 auth pw", "config set requirepass ''", "get b"];
  assertEquals((await run(lines)).history, ["get a", "get b"]);
});

Deno.test("help, hints and completion come from the server", async () => {
  const { printed, hints, completions } = await run([
    "help",
    "help get",
    ":set nohints",
    ":set x",
    ":y",
  ]);
  assertStringIncludes(printed, "the title\nTo get help about");
  assertStringIncludes(printed, "\x1b[1mGET\x1b[0m");
  assertStringIncludes(printed, "unknown redis-cli preference 'x'\n");
  assertStringIncludes(printed, "unknown redis-cli internal command ':y'\n");
  assertEquals([hints[0], hints.at(-1)], [" key", ""]);
  assertEquals(completions, ["CONFIG GET"]);
});

Deno.test("the screen is cleared, and another server is connected to", async () => {
  const { printed, errors, prompts } = await run(["clear", "connect localhost 1", "ping"]);
  assertEquals(printed, "(cleared)");
  assertEquals(prompts.at(-1), "not connected> ");
  assertEquals(errors.split("Could not connect to Redis at localhost:1: ").length, 3);
});
