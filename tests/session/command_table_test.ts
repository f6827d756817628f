/** Command table: look-up by any spelling of a name, flags as bits, renaming. */
import { assert, assertEquals } from "@std/assert";
import { commandRows } from "../../src/commands/table.ts";
import { Argv } from "../../src/protocol/argv.ts";
import {
  COMMAND_CHEAP,
  COMMAND_DENYOOM,
  COMMAND_FAST,
  COMMAND_KEEPS_CACHING,
  COMMAND_NEVER_QUEUED,
  COMMAND_READONLY,
  COMMAND_WRITE,
} from "../../src/session/command.ts";
import { CommandTable } from "../../src/session/command_table.ts";

Deno.test("every command is found by its name in either case, and by nothing else", () => {
  const table = new CommandTable(commandRows, "7.0");
  for (const { name } of commandRows) {
    assertEquals(table.find(Argv.of(name), 0)?.name, name);
    assertEquals(table.find(Argv.of(name.toUpperCase()), 0)?.name, name);
    assertEquals(table.find(Argv.of(`${name}x`), 0)?.name.startsWith(name) ?? true, true);
  }
  for (const name of ["", "ge", "gett", "g\x45t\0", "\x07et", "config|get", "x".repeat(100)]) {
    assertEquals(table.find(Argv.of(name), 0), null, name);
  }
});

Deno.test("names and ids are unique, and subcommands are found in their container", () => {
  const table = new CommandTable(commandRows, "7.0", { acceptMaintNotifications: true });
  assertEquals(new Set(commandRows.map(({ name }) => name)).size, commandRows.length);
  table.all.forEach(({ id }, index) => assertEquals(id, index));
  for (const { name, subcommands = [] } of commandRows) {
    for (const subcommand of subcommands) {
      const ownName = subcommand.name.split("|")[1];
      assertEquals(table.byName.get(name)!.subcommandTable!.get(ownName)?.name, subcommand.name);
    }
  }
});

Deno.test("flags become bits", () => {
  const { byName } = new CommandTable(commandRows, "7.0");
  const has = (name: string, bit: number) => (byName.get(name)!.bits & bit) !== 0;
  assert(has("set", COMMAND_WRITE) && has("set", COMMAND_DENYOOM) && has("set", COMMAND_CHEAP));
  assert(!has("set", COMMAND_READONLY) && !has("set", COMMAND_FAST));
  assert(has("get", COMMAND_READONLY) && has("get", COMMAND_FAST) && has("get", COMMAND_CHEAP));
  assert(!has("keys", COMMAND_CHEAP));
  const immediate = commandRows.map(({ name }) => name).filter((name) =>
    has(name, COMMAND_NEVER_QUEUED)
  );
  assertEquals(immediate.toSorted(), ["discard", "exec", "multi", "quit", "reset", "watch"]);
});

Deno.test("a renamed command has only its new name, a removed one none", () => {
  const table = new CommandTable(commandRows, "7.0");
  assertEquals(table.rename("flushall", "Secret"), true);
  assertEquals(table.rename("flushdb", ""), true);
  assertEquals(table.rename("nope", "x"), false);
  assertEquals(table.find(Argv.of("flushall"), 0), null);
  assertEquals(table.find(Argv.of("flushdb"), 0), null);
  assertEquals(table.find(Argv.of("SECRET"), 0)?.name, "flushall");
  assertEquals([...table.byName.keys()].filter((name) => name.startsWith("flush")), []);
  assertEquals(table.find(Argv.of("get"), 0)?.name, "get");
});

Deno.test("a command is found by text as it is called, and by its own full name", () => {
  const table = new CommandTable(commandRows, "7.0");
  table.rename("config", "Settings");
  const names = ["GET", "settings|GET", "config|get", "config", "settings|get|x", "get|x", ""];
  const found = names.map((name) => table.findByText(name)?.name ?? null);
  assertEquals(found, ["get", "config|get", null, null, null, null, null]);
  assertEquals(table.findByOwnName("CONFIG|Get")?.name, "config|get");
  assertEquals(table.findByOwnName("settings"), null);
});

Deno.test("traits of a container hold for its subcommands", () => {
  const table = new CommandTable(commandRows, "7.0");
  const keeping = table.all.filter(({ bits }) => (bits & COMMAND_KEEPS_CACHING) !== 0);
  const expected = table.all.filter(({ name }) => /^client(\||$)/.test(name));
  assertEquals(keeping, expected);
});

Deno.test("statistics are reset for commands and subcommands", () => {
  const table = new CommandTable(commandRows, "7.0");
  for (const command of table.all) command.calls = command.microseconds = 7;
  table.resetStatistics();
  assertEquals(table.all.filter(({ calls, microseconds }) => calls + microseconds > 0), []);
});

Deno.test("all commands have the same fields in one order, and lose none of their row's", () => {
  const table = new CommandTable(commandRows, "7.0", { acceptMaintNotifications: true });
  const [first] = table.all;
  for (const command of table.all) {
    assertEquals(Object.keys(command), Object.keys(first), command.name);
  }
  for (const row of commandRows) {
    if (row.changedIn !== undefined || row.subcommands !== undefined) continue;
    const command: object = table.byName.get(row.name)!;
    for (const [field, value] of Object.entries(row)) {
      assertEquals((command as Record<string, unknown>)[field], value, `${row.name}: ${field}`);
    }
  }
});
