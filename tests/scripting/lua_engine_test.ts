/** The engine: environments, errors with places, host functions, chunks that go away. */
import { assertEquals } from "@std/assert";
import { assertThrows } from "@std/assert";
import { collectGarbage } from "../../src/base/garbage.ts";
import { LuaEngine } from "../../src/scripting/lua_engine.ts";
import { LuaError, LuaSyntaxError } from "../../src/scripting/lua_error.ts";
import { meter } from "../../src/scripting/lua_meter.ts";
import type { LuaFunction } from "../../src/scripting/lua_value.ts";

Deno.test("two engines share nothing", () => {
  const first = new LuaEngine();
  const second = new LuaEngine();
  first.globals.set("x", 1);
  const script = "return x, getmetatable('').__index == string";
  assertEquals(first.call(first.compile(script, "@a"), []), [1, true]);
  assertEquals(second.call(second.compile(script, "@a"), []), [undefined, true]);
});

Deno.test("arguments, results, functions that are called later", () => {
  const engine = new LuaEngine();
  const make = engine.compile("local n=... return function(m) n=n+m return n,m end", "@f");
  const [fn] = engine.call(make, [5]) as [LuaFunction];
  assertEquals(engine.call(fn, [2]), [7, 2]);
  assertEquals(engine.call(fn, [3]), [10, 3]);
});

Deno.test("an uncaught error tells where it arose", () => {
  const engine = new LuaEngine();
  engine.globals.set(
    "host",
    (() => {
      throw new LuaError("from the host", meter.s);
    }) as LuaFunction,
  );
  const placeOf = (script: string) => {
    try {
      engine.call(engine.compile(script, "@user_script"), []);
    } catch (thrown) {
      if (thrown instanceof LuaError) return engine.placeOf(thrown.site);
      throw thrown;
    }
    return null;
  };
  assertEquals(placeOf("\n\nerror('x')"), { source: "@user_script", line: 3 });
  assertEquals(placeOf("\nerror({})"), { source: "@user_script", line: 2 });
  assertEquals(placeOf("local t\nreturn t.x"), { source: "@user_script", line: 2 });
  assertEquals(placeOf("local x = 1\n+ host()"), { source: "@user_script", line: 2 });
  assertEquals(placeOf("return host(\n1)"), { source: "@user_script", line: 1 });
});

Deno.test("a source that is no Lua is a LuaSyntaxError", () => {
  const engine = new LuaEngine();
  const error = assertThrows(() => engine.compile("x=", "@s") as unknown);
  assertEquals(error instanceof LuaSyntaxError, true);
  assertEquals((error as unknown as LuaSyntaxError).message, "s:1: unexpected symbol near '<eof>'");
});

Deno.test("protected tables are protected through and through", () => {
  const engine = new LuaEngine();
  engine.protect(engine.globals);
  const show = (script: string) => engine.call(engine.compile(script, "@s"), []);
  const message = "Attempt to modify a readonly table";
  assertEquals(show("return pcall(function() string.rep=1 end)"), [false, `s:1: ${message}`]);
  assertEquals(show("return pcall(rawset,math,'x',1)"), [false, message]);
});

Deno.test("the host's functions may call back", () => {
  const engine = new LuaEngine();
  engine.globals.set(
    "twice",
    ((fn: LuaFunction) => engine.call(fn, [1]).concat(engine.call(fn, [2]))) as LuaFunction,
  );
  assertEquals(engine.call(engine.compile("return twice(function(x) return x*10 end)", "@s"), []), [
    10,
    20,
  ]);
});

Deno.test("chunks that nobody holds go away, whatever they were", async () => {
  const engine = new LuaEngine();
  const references: WeakRef<LuaFunction>[] = [];
  for (let i = 0; i < 200; i++) {
    const fn = engine.compile(`local t = {${i}} return function() return t end`, "@s");
    engine.call(fn, []);
    references.push(new WeakRef(fn));
  }
  // A reference is kept alive until the end of the turn that made it.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(collectGarbage(), true);
  // The last one may still be in a register.
  assertEquals(references.filter((each) => each.deref() !== undefined).length <= 1, true);
});
