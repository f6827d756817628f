/** Tables: the list and the hash, borders, order, growth. */
import { assertEquals } from "@std/assert";
import { LuaTable } from "../../src/scripting/lua_table.ts";

Deno.test("a list grows by appending, and takes over keys that waited in the hash", () => {
  const table = new LuaTable();
  for (const key of [3, 2, 5, 1]) table.set(key, key * 10);
  assertEquals([table.length(), table.list.length], [3, 3]);
  table.set(4, 40);
  assertEquals([table.length(), table.list], [5, [10, 20, 30, 40, 50]]);
});

Deno.test("keys: -0 is 0, 1.5 is no index, strings are not numbers, JavaScript's names are plain", () => {
  const table = new LuaTable();
  table.set(-0, "zero");
  table.set(1.5, "x");
  table.set("1", "text");
  table.set("__proto__", 1);
  assertEquals([table.get(0), table.get(1.5), table.get("1"), table.get(1)], [
    "zero",
    "x",
    "text",
    undefined,
  ]);
  assertEquals([table.get("__proto__"), table.get("constructor")], [1, undefined]);
  assertEquals(Object.is(table.keyAt(table.nextPlace(undefined)), 0), true);
});

Deno.test("borders of lists with gaps are found by halving", () => {
  const lengthOf = (...list: unknown[]) => new LuaTable(list).length();
  assertEquals(lengthOf(1, undefined, 3), 3);
  assertEquals(lengthOf(1, 2, undefined), 2);
  assertEquals(lengthOf(undefined, undefined), 0);
  assertEquals(lengthOf(1, 2, 3, undefined, undefined, undefined), 3);
});

Deno.test("a table can be cleared while it is traversed, and filled again", () => {
  const table = new LuaTable();
  for (let i = 0; i < 100; i++) table.set("k" + i, i);
  let count = 0;
  table.forEach((key) => {
    table.set(key, undefined);
    count++;
  });
  assertEquals([count, table.nextPlace(undefined)], [100, -1]);
  for (let i = 0; i < 1000; i++) {
    table.set("n" + i, i);
    table.set("n" + i, undefined);
  }
  assertEquals(table.hash!.keys.length < 300, true);
  assertEquals(table.nextPlace("nowhere"), -2);
});

Deno.test("replace changes only keys that have a value", () => {
  const table = new LuaTable();
  table.set("a", 1);
  assertEquals([table.hash!.replace("a", 2), table.hash!.replace("b", 2)], [true, false]);
  assertEquals([table.get("a"), table.get("b")], [2, undefined]);
});
