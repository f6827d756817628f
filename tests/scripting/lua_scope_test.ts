/** Scopes: shadowing, captures, limits. */
import { assertEquals } from "@std/assert";
import { FunctionScope } from "../../src/scripting/lua_scope.ts";

function never(): never {
  throw new Error("no overflow expected");
}

Deno.test("the innermost variable of a name is meant, and captured if it is another function's", () => {
  const outer = new FunctionScope(null, 0);
  const first = outer.create("x", 1);
  outer.activate(first);
  const mark = outer.open();
  const second = outer.create("x", 2);
  outer.activate(second);
  assertEquals(outer.resolve("x", never), second);
  outer.close(mark);
  const inner = new FunctionScope(outer, 3);
  assertEquals(inner.resolve("x", never), first);
  assertEquals([first.isCaptured, second.isCaptured], [true, false]);
  assertEquals(inner.resolve("y", never), null);
});

Deno.test("more than 60 upvalues are reported with their function", () => {
  const outer = new FunctionScope(null, 0);
  const inner = new FunctionScope(outer, 7);
  for (let i = 0; i < 61; i++) outer.activate(outer.create("v" + i, i));
  let line = 0;
  for (let i = 0; i < 61; i++) {
    try {
      inner.resolve("v" + i, (scope) => {
        line = scope.line;
        throw new Error("overflow");
      });
    } catch {
      assertEquals(i, 60);
    }
  }
  assertEquals(line, 7);
});
