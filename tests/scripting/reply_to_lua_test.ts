/** Replies of commands as Lua values. */
import { assertEquals } from "@std/assert";
import { LuaTable } from "../../src/scripting/lua_table.ts";
import { ReplyToLua } from "../../src/scripting/reply_to_lua.ts";
import { latin1 } from "../support/text.ts";

/** A Lua value as plain data. */
function plain(value: unknown): unknown {
  if (!(value instanceof LuaTable)) return value;
  const entries: [unknown, unknown][] = [];
  value.forEach((key, each) => entries.push([key, plain(each)]));
  return entries;
}

const reader = new ReplyToLua();
function read(reply: string): unknown {
  return plain(reader.read(latin1(`junk${reply}`), 4));
}

Deno.test("plain replies", () => {
  assertEquals(read("$3\r\na\xff\0\r\n"), "a\xff\0");
  assertEquals(read("$0\r\n\r\n"), "");
  assertEquals(read("$-1\r\n"), false);
  assertEquals(read("*-1\r\n"), false);
  assertEquals(read("_\r\n"), undefined);
  assertEquals(read("#t\r\n"), true);
  assertEquals(read("#f\r\n"), false);
});

Deno.test("integers become the nearest double", () => {
  assertEquals(read(":-12\r\n"), -12);
  assertEquals(read(":0\r\n"), 0);
  assertEquals(read(":9223372036854775807\r\n"), 2 ** 63);
  assertEquals(read(":-9223372036854775808\r\n"), -(2 ** 63));
});

Deno.test("what Lua has no type for is a table with one field", () => {
  assertEquals(read("+OK\r\n"), [["ok", "OK"]]);
  assertEquals(read("-WRONG thing\r\n"), [["ignore_error_stats_update", true], [
    "err",
    "WRONG thing",
  ]]);
  assertEquals(read(",-inf\r\n"), [["double", -Infinity]]);
  assertEquals(read("(123456789012345678901\r\n"), [["big_number", "123456789012345678901"]]);
  assertEquals(read("=6\r\ntxt:ab\r\n"), [["verbatim_string", [["string", "ab"], [
    "format",
    "txt",
  ]]]]);
});

Deno.test("aggregates", () => {
  assertEquals(read("*3\r\n:1\r\n*1\r\n$1\r\na\r\n$-1\r\n"), [[1, 1], [2, [[1, "a"]]], [3, false]]);
  assertEquals(read("%1\r\n$1\r\na\r\n:1\r\n"), [["map", [["a", 1]]]]);
  assertEquals(read("~2\r\n$1\r\na\r\n:1\r\n"), [["set", [[1, true], ["a", true]]]]);
});

Deno.test("attributes are passed over", () => {
  assertEquals(read("|1\r\n+key\r\n*1\r\n:1\r\n:5\r\n"), 5);
});
