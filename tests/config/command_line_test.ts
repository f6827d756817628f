/** The arguments of the program, as redis-server reads them. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { formatVersion, HELP_TEXT, parseCommandLine } from "../../src/config/command_line.ts";
import { utf8AsLatin1 } from "../../src/base/bytes.ts";
import { splitConfigWords } from "../../src/config/config_lexer.ts";

function serve(file: string | null, directives: string[], readsStandardInput = false) {
  return { kind: "serve" as const, file, readsStandardInput, directives };
}

Deno.test("no arguments start the server with the defaults", () => {
  assertEquals(parseCommandLine([]), serve(null, []));
});

Deno.test("the first argument is the file unless it starts with a hyphen", () => {
  assertEquals(parseCommandLine(["a.conf"]), serve("a.conf", []));
  const withPort = serve("a.conf", ['port "1"']);
  assertEquals(parseCommandLine(["a.conf", "--port", "1"]), withPort);
  assertEquals(parseCommandLine(["--port", "1"]), serve(null, ['port "1"']));
});

Deno.test("a directive takes all words up to the next one", () => {
  const args = ["--bind", "127.0.0.1", "-::1", "--save", "60", "1", "--Hz", "20"];
  const lines = ['bind "127.0.0.1" "-::1"', 'save "60" "1"', 'Hz "20"'];
  assertEquals(parseCommandLine(args), serve(null, lines));
});

Deno.test("name and value may come in one argument", () => {
  const lines = ["port 6380", 'timeout "3"'];
  assertEquals(parseCommandLine(["--port 6380", "--timeout", "3"]), serve(null, lines));
});

Deno.test("a value may start with two hyphens if the directive has none yet", () => {
  const lines = ['requirepass "--secret"', 'port "1"'];
  assertEquals(parseCommandLine(["--requirepass", "--secret", "--port", "1"]), serve(null, lines));
});

Deno.test("save without a value, or with an empty one, means no save points", () => {
  const lines = ['save ""', 'timeout "3"'];
  assertEquals(parseCommandLine(["--save", "--timeout", "3"]), serve(null, lines));
  assertEquals(parseCommandLine(["--save"]), serve(null, ['save ""']));
  assertEquals(parseCommandLine(["--save", ""]), serve(null, ['save ""']));
});

Deno.test("a lone hyphen, first or last, stands for standard input", () => {
  assertEquals(parseCommandLine(["-"]), serve(null, [], true));
  assertEquals(parseCommandLine(["-", "--port", "1"]), serve(null, ['port "1"'], true));
  assertEquals(parseCommandLine(["a.conf", "-"]), serve("a.conf", [], true));
  const atEnd = serve("a.conf", ['port "1"'], true);
  assertEquals(parseCommandLine(["a.conf", "--port", "1", "-"]), atEnd);
});

Deno.test("values with quotes, spaces and escapes arrive unchanged", () => {
  const password = 'a "b" \\ \n é';
  const parsed = parseCommandLine(["--requirepass", password]);
  assertEquals(parsed.kind === "serve" && splitConfigWords(parsed.directives[0]!), [
    "requirepass",
    utf8AsLatin1(password),
  ]);
});

Deno.test("an argument that belongs to no directive becomes a line that will be refused", () => {
  assertEquals(parseCommandLine(["-x"]), serve(null, ['"-x"']));
  assertEquals(parseCommandLine(["a.conf", "stray"]), serve("a.conf", ['"stray"']));
});

Deno.test("version and help are asked for by the first argument alone", () => {
  for (const arg of ["-v", "--version"]) assertEquals(parseCommandLine([arg]).kind, "version");
  for (const arg of ["-h", "--help"]) assertEquals(parseCommandLine([arg]).kind, "help");
  assertEquals(parseCommandLine(["-v", "--port", "3"]).kind, "version");
  assertEquals(parseCommandLine(["a.conf", "--version"]).kind, "serve");
});

Deno.test("the tools get the arguments behind their name", () => {
  assertEquals(parseCommandLine(["check-rdb", "dump.rdb"]), {
    kind: "check-rdb",
    args: ["dump.rdb"],
  });
  assertEquals(parseCommandLine(["check-aof", "--fix", "x"]), {
    kind: "check-aof",
    args: ["--fix", "x"],
  });
  assertEquals(parseCommandLine(["cli"]), { kind: "cli", args: [] });
  assertEquals(parseCommandLine(["./cli"]), serve("./cli", []));
});

Deno.test("what redis-server can do and we cannot is refused", () => {
  const refused = [["--sentinel"], ["a.conf", "--sentinel"], ["--test-memory"], ["--check-system"]];
  for (const args of refused) assertEquals(parseCommandLine(args).kind, "error", args.join(" "));
});

Deno.test("the version names both servers, the help its forms", () => {
  assertEquals(
    formatVersion("0.1.0"),
    "Redeno server v=7.4.2 redeno=0.1.0 malloc=segments bits=64",
  );
  assertStringIncludes(HELP_TEXT, "Usage: redeno [/path/to/redeno.conf]");
});
