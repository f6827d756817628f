/** Which scripts are kept. */
import { assertEquals } from "@std/assert";
import { ScriptCache } from "../../src/scripting/script_cache.ts";
import { SCRIPT_UNDECLARED } from "../../src/scripting/script_flags.ts";
import { Statistics } from "../../src/statistics/statistics.ts";

const noFunction = () => undefined;

function add(cache: ScriptCache, source: string, isKept: boolean) {
  return cache.add(source, noFunction, SCRIPT_UNDECLARED, isKept);
}

Deno.test("a script is found by its text and by its SHA-1", () => {
  const cache = new ScriptCache(new Statistics());
  const script = add(cache, "return 1", false);
  assertEquals(script.sha, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
  assertEquals(cache.findSha(script.sha), script);
  assertEquals(cache.findSource("return 1"), script);
  assertEquals(cache.findSha("return 1"), undefined);
});

Deno.test("of the scripts that EVAL left behind, the last 500 that were used stay", () => {
  const statistics = new Statistics();
  const cache = new ScriptCache(statistics);
  const loaded = add(cache, "loaded", true);
  const used = add(cache, "used", false);
  const first = add(cache, "first", false);
  for (let i = 0; i < 499; i++) {
    add(cache, `return ${i}`, false);
    cache.touch(used);
  }
  assertEquals([cache.count, statistics.evictedScripts], [501, 1]);
  assertEquals(cache.findSource("first"), undefined);
  assertEquals(cache.findSha(first.sha), undefined);
  assertEquals(cache.findSource("used"), used);
  assertEquals(cache.findSource("loaded"), loaded);
});

Deno.test("a script of EVAL that is loaded later stays", () => {
  const cache = new ScriptCache(new Statistics());
  const script = add(cache, "first", false);
  cache.keep(script);
  for (let i = 0; i < 600; i++) add(cache, `return ${i}`, false);
  assertEquals(cache.findSource("first"), script);
  const bytes = cache.usedBytes;
  cache.clear();
  assertEquals([cache.count, cache.usedBytes, bytes > 0], [0, 0, true]);
});
