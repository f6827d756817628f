/** Error tables and what is told of them. */
import { assertEquals } from "@std/assert";
import { LuaError } from "../../src/scripting/lua_error.ts";
import { LuaTable } from "../../src/scripting/lua_table.ts";
import {
  errorTable,
  placeText,
  reportOf,
  reportOfTable,
} from "../../src/scripting/script_errors.ts";

Deno.test("a text gets a code unless it has one", () => {
  const cases = [
    ["text", "ERR text"],
    ["-CODE text", "CODE text"],
    ["-CODE", "ERR CODE"],
    ["", "ERR "],
    ["-A \r\n x \r\n", "A  x "],
  ];
  for (const [text, expected] of cases) assertEquals(errorTable(text!).get("err"), expected);
});

Deno.test("an error of a command says that it was counted", () => {
  assertEquals(reportOfTable(errorTable("x", true)), { text: "ERR x", isCounted: true });
  assertEquals(reportOfTable(errorTable("x")), { text: "ERR x", isCounted: false });
});

Deno.test("any value that was raised can be told, in one line", () => {
  const number = new LuaTable();
  number.set("err", 7);
  const cases: [unknown, string][] = [
    ["a\r\nb\n", "ERR a  b"],
    [undefined, "ERR nil"],
    [number, "7"],
    [new LuaTable(), "ERR unknown error"],
  ];
  for (const [value, text] of cases) assertEquals(reportOf(new LuaError(value, 0)).text, text);
});

Deno.test("the place follows the text, if it is known", () => {
  assertEquals(placeText("f", null), "");
  assertEquals(
    placeText("f", { source: "@user_script", line: 3 }),
    " script: f, on @user_script:3.",
  );
});
