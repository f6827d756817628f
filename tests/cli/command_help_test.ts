/** Tests of src/cli/command_help.ts; interop/redeno_cli_test compares it with redis-cli's. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { CommandHelp } from "../../src/cli/command_help.ts";
import type { Reply } from "../../src/protocol/reply_reader.ts";
import { utf8 } from "../support/text.ts";

type Value = string | readonly Value[] | { readonly [name: string]: Value };

/** A reply of RESP3 (maps) or RESP2 (flat arrays). */
function reply(value: Value, kind: "map" | "array"): Reply {
  if (typeof value === "string") return { kind: "bulk", bytes: utf8(value) };
  if (Array.isArray(value)) {
    return { kind: "array", items: value.map((item) => reply(item, kind)) };
  }
  return { kind, items: Object.entries(value).flat().map((item) => reply(item, kind)) };
}

function command(summary: string, ...args: Value[]): { [name: string]: Value } {
  return { summary, since: "1.0.0", group: "string", arguments: args };
}

const token = (word: string) => ({ name: word, type: "pure-token", token: word });
const DOCS: Value = {
  get: command("Reads.", { name: "key", type: "key" }),
  set: command("Writes.", { name: "key", type: "key" }, { name: "value", type: "string" }, {
    name: "condition",
    type: "oneof",
    flags: ["optional"],
    arguments: [token("NX"), { name: "seconds", type: "integer", token: "EX" }],
  }),
  sort: command("Sorts.", { name: "key", type: "key" }, {
    name: "pattern",
    type: "pattern",
    token: "GET",
    flags: ["optional", "multiple", "multiple_token"],
  }, {
    name: "limit",
    type: "block",
    token: "LIMIT",
    arguments: [{ name: "a", type: "x" }, { name: "b", type: "x" }],
  }),
  config: {
    ...command("Container."),
    group: "server",
    subcommands: {
      "config|get": command("Reads a setting.", {
        name: "parameter",
        type: "string",
        flags: ["multiple"],
      }),
    },
  },
};

for (const kind of ["map", "array"] as const) {
  Deno.test(`the syntax is made of the arguments (docs as ${kind})`, () => {
    const help = new CommandHelp(reply(DOCS, kind));
    assertEquals(help.entries.map(({ name, syntax }) => `${name} ${syntax}`), [
      "CONFIG ",
      "CONFIG GET parameter [parameter ...]",
      "GET key",
      "SET key value [NX|EX seconds]",
      "SORT key [GET pattern [GET pattern ...]] LIMIT a b",
    ]);
  });
}

const help = new CommandHelp(reply(DOCS, "map"));

Deno.test("help on a command tells of its subcommands, help on a group of its commands", () => {
  assertEquals(
    help.text(["Get"]),
    "\r\n  \x1b[1mGET\x1b[0m \x1b[90mkey\x1b[0m\r\n  \x1b[33msummary:\x1b[0m Reads.\r\n" +
      "  \x1b[33msince:\x1b[0m 1.0.0\r\n  \x1b[33mgroup:\x1b[0m string\r\n\r\n",
  );
  assertStringIncludes(help.text(["config"]), "CONFIG GET");
  assertEquals(help.text(["@server"]).split("summary").length, 2);
  assertEquals(help.text(["nosuch"]), "\r\n");
  assertStringIncludes(help.text([]), "help @<group>");
});

Deno.test("names are completed, groups only after help", () => {
  assertEquals(help.completions("s"), ["SET", "SORT"]);
  assertEquals(help.completions("config "), ["CONFIG GET"]);
  assertEquals(help.completions("@"), []);
  assertEquals(help.completions("help @"), ["help @server", "help @string"]);
  assertEquals(help.completions("HELP  g"), ["HELP  GET"]);
});

Deno.test("a hint is what has not been typed", () => {
  assertEquals(help.hint("set"), " key value [NX|EX seconds]");
  assertEquals(help.hint("set "), "key value [NX|EX seconds]");
  assertEquals(help.hint("set a"), " value [NX|EX seconds]");
  assertEquals(help.hint("set a b c"), " [NX|EX seconds]");
  assertEquals(help.hint("config get "), "parameter [parameter ...]");
  assertEquals(help.hint("get a b"), "");
  assertEquals(help.hint("se"), "");
  assertEquals(new CommandHelp({ kind: "null" }).hint("get"), "");
});
