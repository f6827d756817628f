/** The Lua engine and redis-server's EVAL: the same programs, the same bytes. */
import { assertEquals } from "@std/assert";
import { LuaHost } from "../support/lua_host.ts";
import { testWith } from "../support/tool_availability.ts";
import { compareLua, LuaOriginal } from "./lua_comparison.ts";
import { fuzzLua } from "./lua_fuzz.ts";
import { LUA_LIBRARY_PROGRAMS } from "./lua_library_programs.ts";
import { LUA_PROGRAMS } from "./lua_programs.ts";
import { testSeed } from "../support/seeded_random.ts";

testWith(["redis-server"], "Lua programs are answered as redis-server answers them", async () => {
  await using original = await LuaOriginal.start();
  // The word alone makes generators of all functions: both forms must do the same.
  const plain = [...LUA_PROGRAMS, ...LUA_LIBRARY_PROGRAMS];
  const programs = [...plain, ...plain.map((program) => `${program}\n--coroutine`)];
  assertEquals(await compareLua(original, new LuaHost(), programs), []);
});

testWith(["redis-server"], "random Lua programs are answered as redis-server does", async () => {
  await using original = await LuaOriginal.start();
  const difference = await fuzzLua(original, { seed: testSeed(), count: 400 });
  assertEquals(difference, null);
});
