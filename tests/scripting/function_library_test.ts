/** The first line of a library and what it registers. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type Library,
  parseLibraryHead,
  registerFunction,
} from "../../src/scripting/function_library.ts";
import { LuaError } from "../../src/scripting/lua_error.ts";
import { LuaTable } from "../../src/scripting/lua_table.ts";
import { SCRIPT_NO_WRITES } from "../../src/scripting/script_flags.ts";
import { CommandError } from "../../src/session/errors.ts";

const callback = () => undefined;

function emptyLibrary(): Library {
  return { name: "lib", source: "", functions: new Map() };
}

function errorOf(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandError) return error.text;
    if (error instanceof LuaError) return (error.value as LuaTable).get("err");
  }
  return null;
}

Deno.test("the name stands in the first line", () => {
  assertEquals(parseLibraryHead("#!LUA NAME=a_1\ncode"), { name: "a_1", body: "\ncode" });
  const cases = [
    ["code", "ERR Missing library metadata"],
    ["#!lua name=a", "ERR Invalid library metadata"],
    ["#!lua\n", "ERR Library name was not given"],
    ["#!js name=a\n", "ERR Engine 'js' not found"],
    ["#!lua name=a name=b\n", "ERR Invalid metadata value, name argument was given multiple times"],
    ["#!lua x=a\n", "ERR Invalid metadata value given: x=a"],
  ];
  for (const [source, text] of cases) assertEquals(errorOf(() => parseLibraryHead(source!)), text);
});

Deno.test("functions are registered by position and by name", () => {
  const library = emptyLibrary();
  registerFunction(library, ["Plain", callback]);
  const named = new LuaTable();
  named.set("function_name", "named");
  named.set("callback", callback);
  named.set("description", "d");
  named.set("flags", new LuaTable(["no-writes", "no-writes"]));
  registerFunction(library, [named]);
  const { flags, flagNames, description } = library.functions.get("named")!;
  assertEquals({ flags, flagNames, description }, {
    flags: SCRIPT_NO_WRITES,
    flagNames: ["no-writes"],
    description: "d",
  });
  assertEquals(library.functions.get("plain")!.name, "Plain");
});

Deno.test("a name is registered once, whatever its letters' case", () => {
  const library = emptyLibrary();
  registerFunction(library, ["f", callback]);
  const error = errorOf(() => registerFunction(library, ["F", callback]));
  assertEquals(error, "ERR Function already exists in the library");
  assertThrows(() => registerFunction(library, ["a-b", callback]));
});
