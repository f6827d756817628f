/** Command syntax: the notation, and that every entry belongs to a command. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  commandDocument,
  documentedCommands,
  readEntry,
  splitEntries,
} from "../../src/commands/command_syntax.ts";
import { commandRows } from "../../src/commands/table.ts";

const PLAIN = {
  keySpecIndex: -1,
  token: null,
  since: "",
  deprecatedSince: "",
  flags: [],
  arguments: [],
};

function argumentsOf(text: string) {
  return readEntry(`TEST ${text}`).arguments;
}

Deno.test("a name is an argument, of the type behind the colon or of that which its name tells", () => {
  assertEquals(argumentsOf("key source:key ip:port count:int"), [
    { ...PLAIN, name: "key", type: "key", keySpecIndex: 0 },
    { ...PLAIN, name: "source", type: "key", keySpecIndex: 1 },
    { ...PLAIN, name: "ip:port", type: "string" },
    { ...PLAIN, name: "count", type: "integer" },
  ]);
});

Deno.test("a word in capitals belongs to the argument behind it, or stands for itself", () => {
  const [limit, get, no, one, any] = argumentsOf('LIMIT (a b) [GET... name...] NO ONE any="*"');
  assertEquals([limit.name, limit.type, limit.token], ["a_b", "block", "LIMIT"]);
  assertEquals(get.flags, ["optional", "multiple", "multiple_token"]);
  assertEquals(no, { ...PLAIN, name: "no", type: "pure-token", token: "NO" });
  assertEquals([one.token, any.name, any.token], ["ONE", "any", "*"]);
});

Deno.test("groups are blocks or alternatives, with a name or one made of their parts", () => {
  const [mode, pair] = argumentsOf("[mode(NX|XX^2.0.0)^1.0.0] (key value)...");
  assertEquals([mode.name, mode.type, mode.since], ["mode", "oneof", "1.0.0"]);
  assertEquals(mode.arguments.map(({ name, since }) => [name, since]), [["nx", ""], [
    "xx",
    "2.0.0",
  ]]);
  assertEquals([pair.name, pair.type, pair.flags], ["key_value", "block", ["multiple"]]);
});

Deno.test("remarks are history, deprecation or flags; lines go on after four spaces", () => {
  const entries = splitEntries(
    "ACL LOG id\n    [count:int]\n  1.0.0: 'X' is\n    new.\n  deprecated 2.0.0: 'Y'\nDEBUG\n  syscmd\n",
  );
  assertEquals([...entries.keys()], ["acl|log", "debug"]);
  const log = readEntry(entries.get("acl|log")!);
  assertEquals(log.history, [["1.0.0", "`X` is new."]]);
  assertEquals([log.deprecatedSince, log.replacedBy], ["2.0.0", "`Y`"]);
  assertEquals(log.arguments.map(({ name, flags }) => [name, flags]), [
    ["id", []],
    ["count", ["optional"]],
  ]);
  assertEquals(readEntry(entries.get("debug")!).flags, ["syscmd"]);
});

Deno.test("a slip of the pen is refused", () => {
  for (const text of ["[key", "(a b", "a)", "a ... b", "a^x", "?"]) {
    assertThrows(() => argumentsOf(text), SyntaxError);
  }
});

Deno.test("every entry belongs to a command of the table", () => {
  const rows = commandRows.flatMap((row) => [row, ...row.subcommands ?? []]);
  const names = new Set(rows.map(({ name }) => name));
  assertEquals(documentedCommands().filter((name) => !names.has(name)), []);
});

Deno.test("every command that takes more than its name has an entry", () => {
  const rows = commandRows.flatMap((row) => row.subcommands ?? [row]);
  const isAlone = (name: string, arity: number) => arity === (name.includes("|") ? 2 : 1);
  const silent = rows.filter(({ name, arity }) =>
    !isAlone(name, arity) && commandDocument(name) === null
  );
  // Of these the original does not document any arguments either.
  const undocumented = ["command|getkeys", "command|getkeysandflags", "quit"];
  assertEquals(silent.map(({ name }) => name).sort(), undocumented);
});
