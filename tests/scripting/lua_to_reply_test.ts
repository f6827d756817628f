/** Lua values as replies. */
import { assertEquals } from "@std/assert";
import { Reply } from "../../src/protocol/reply.ts";
import { LuaTable } from "../../src/scripting/lua_table.ts";
import { replyLua } from "../../src/scripting/lua_to_reply.ts";
import { fromLatin1 } from "../support/text.ts";

function table(fields: Record<string, unknown>): LuaTable {
  const result = new LuaTable();
  for (const [key, value] of Object.entries(fields)) result.set(key, value);
  return result;
}

function write(value: unknown, resp: 2 | 3, scriptResp: 2 | 3 = 2): string {
  const reply = new Reply();
  reply.resp = resp;
  replyLua({ reply, scriptResp, onError() {} }, value);
  return fromLatin1(reply.bytes.subarray(0, reply.length));
}

Deno.test("numbers are cut off", () => {
  assertEquals(write(-3.99, 2), ":-3\r\n");
  assertEquals(write(1e18, 2), ":1000000000000000000\r\n");
  for (const value of [2 ** 63, NaN, -Infinity]) {
    assertEquals(write(value, 2), ":-9223372036854775808\r\n");
  }
});

Deno.test("booleans are those of the protocol that the script has chosen", () => {
  assertEquals(write(true, 3), ":1\r\n");
  assertEquals(write(false, 3), "_\r\n");
  assertEquals(write(false, 2), "$-1\r\n");
  assertEquals(write(false, 3, 3), "#f\r\n");
  assertEquals(write(false, 2, 3), ":0\r\n");
});

Deno.test("tables with a field of meaning", () => {
  assertEquals(write(table({ ok: "a\r\nb" }), 2), "+a  b\r\n");
  assertEquals(write(table({ double: 0.1 }), 3), ",0.10000000000000001\r\n");
  assertEquals(write(table({ big_number: "12" }), 3), "(12\r\n");
  assertEquals(write(table({ big_number: "12" }), 2), "$2\r\n12\r\n");
  assertEquals(write(table({ map: table({ a: 1 }) }), 3), "%1\r\n$1\r\na\r\n:1\r\n");
  assertEquals(write(table({ set: table({ a: 1 }) }), 3), "~1\r\n$1\r\na\r\n");
  const verbatim = table({ string: "x", format: "md" });
  assertEquals(write(table({ verbatim_string: verbatim }), 3), "=5\r\nmd :x\r\n");
  assertEquals(write(table({ verbatim_string: table({ string: "x" }) }), 3), "*0\r\n");
});

Deno.test("an array ends at the first nil", () => {
  assertEquals(write(new LuaTable([1, "a", undefined, 2]), 2), "*2\r\n:1\r\n$1\r\na\r\n");
});

Deno.test("each error in a reply is told", () => {
  const texts: string[] = [];
  const list = new LuaTable([table({ err: "A b" }), new LuaTable([table({ err: "C\nd\n" })])]);
  const reply = new Reply();
  replyLua({ reply, scriptResp: 2, onError: ({ text }) => texts.push(text) }, list);
  assertEquals(texts, ["A b", "C d"]);
});

Deno.test("a table that holds itself ends in an error, not in our stack", () => {
  const texts: string[] = [];
  const list = new LuaTable();
  list.set(1, list);
  const reply = new Reply();
  replyLua({ reply, scriptResp: 2, onError: ({ text }) => texts.push(text) }, list);
  assertEquals(texts, ["ERR reached lua stack limit"]);
});
