/** Values: names of types, conversions, addresses. */
import { assertEquals } from "@std/assert";
import { JSON_NULL } from "../../src/scripting/lua_json_encoder.ts";
import { LuaTable } from "../../src/scripting/lua_table.ts";
import { rawToString, toNumber, toText, typeName } from "../../src/scripting/lua_value.ts";

Deno.test("types and conversions", () => {
  const values = [undefined, false, 1, "x", new LuaTable(), () => {}, JSON_NULL];
  assertEquals(values.map(typeName), [
    "nil",
    "boolean",
    "number",
    "string",
    "table",
    "function",
    "userdata",
  ]);
  assertEquals(["10", " 0x10 ", "x", true].map(toNumber), [10, 16, undefined, undefined]);
  assertEquals(["a", 1.5, true].map(toText), ["a", "1.5", undefined]);
});

Deno.test("objects keep their address", () => {
  const table = new LuaTable();
  assertEquals(rawToString(table), rawToString(table));
  assertEquals(rawToString(table) === rawToString(new LuaTable()), false);
  assertEquals(/^table: 0x[0-9a-f]{12}$/.test(rawToString(table)), true);
  assertEquals(rawToString(JSON_NULL), "userdata: (nil)");
});
