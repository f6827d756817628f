/** What is known before a program runs. */
import { assertEquals } from "@std/assert";
import type { Statement } from "../../src/scripting/lua_ast.ts";
import { containsCall, describe } from "../../src/scripting/lua_inference.ts";
import { parseChunk } from "../../src/scripting/lua_parser.ts";

function chunkOf(source: string): Statement[] {
  return parseChunk(source, "=x").body;
}

Deno.test("a variable is a number if all it gets are numbers", () => {
  const numbers = (source: string) =>
    chunkOf(source).flatMap((each) =>
      each.kind === "local" ? each.variables.map((variable) => variable.isNumber) : []
    );
  assertEquals(numbers("local s=0 for i=1,9 do s=s+i end"), [true]);
  assertEquals(numbers("local s=0 s=s+f()"), [false]);
  assertEquals(numbers("local a,b=1,2 a=b b=a"), [true, true]);
  assertEquals(numbers("local a,b=1,2 a=b b=x"), [false, false]);
  assertEquals(numbers("local a=1 local function f() a='x' end"), [false]);
  assertEquals(numbers("local a,b=1"), [true, false]);
});

Deno.test("values are named as Lua's messages name them", () => {
  const scope = parseChunk("", "=x").scope;
  const nameOf = (source: string) => {
    const statement = chunkOf(`return ${source}`)[0]!;
    return statement.kind === "return" ? describe(statement.values[0]!, scope) : null;
  };
  assertEquals(nameOf("a"), "global 'a'");
  assertEquals(nameOf("a.b"), "field 'b'");
  assertEquals(nameOf("a[1]"), "field '?'");
  assertEquals(nameOf("a()"), null);
  assertEquals(nameOf("a or b"), null);
});

Deno.test("calls are seen wherever they are made at once", () => {
  const calls = (source: string) => {
    const statement = chunkOf(`return ${source}`)[0]!;
    return statement.kind === "return" && containsCall(statement.values[0]!);
  };
  assertEquals(["f()", "1+a[f()]", "{f()}", "{[f()]=1}", "-f()", "a and f()"].every(calls), true);
  assertEquals(["a+1", "function() f() end", "{a}"].some(calls), false);
});
