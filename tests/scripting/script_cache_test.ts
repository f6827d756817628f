/** Which scripts are kept. */
import { assertEquals } from "@std/assert";
import { Argv } from "../../src/protocol/argv.ts";
import { ScriptCache } from "../../src/scripting/script_cache.ts";
import { SCRIPT_UNDECLARED } from "../../src/scripting/script_flags.ts";
import { Statistics } from "../../src/statistics/statistics.ts";

const noFunction = () => undefined;

function add(cache: ScriptCache, source: string, isKept: boolean) {
  return cache.add(source, noFunction, SCRIPT_UNDECLARED, isKept);
}

function findSha(cache: ScriptCache, sha: string) {
  return cache.findSha(Argv.of("EVALSHA", sha), 1);
}

Deno.test("a script is found by its text and by its SHA-1", () => {
  const cache = new ScriptCache(new Statistics());
  const script = add(cache, "return 1", false);
  assertEquals(script.sha, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
  assertEquals(findSha(cache, script.sha), script);
  assertEquals(findSha(cache, "E0E1f9fabfc9d4800c877a703b823ac0578FF8DB"), script);
  assertEquals(cache.findSource("return 1"), script);
  assertEquals(findSha(cache, "return 1"), undefined);
  assertEquals(findSha(cache, ""), undefined);
});

Deno.test("a script is not found by what only begins as its SHA-1, or looks alike as bits", () => {
  const cache = new ScriptCache(new Statistics());
  const { sha } = add(cache, "return 1", false);
  assertEquals(findSha(cache, `${sha}0`), undefined);
  assertEquals(findSha(cache, sha.slice(0, -1)), undefined);
  assertEquals(findSha(cache, `${sha.slice(0, -1)}0`), undefined);
  // Bytes whose low bits are those of the digits.
  assertEquals(findSha(cache, sha.replace("0", "@").replace("9", "I")), undefined);
  assertEquals(findSha(cache, sha.replace("0", "p")), undefined);
  assertEquals(findSha(cache, "\xff".repeat(40)), undefined);
});

Deno.test("scripts whose SHA-1s begin alike are told apart, and dropped one by one", () => {
  const cache = new ScriptCache(new Statistics());
  // Both begin with aa4fc50.
  const [one, other] = ["return 1678", "return 1847"].map((text) => add(cache, text, false));
  assertEquals(one.sha.slice(0, 7), other.sha.slice(0, 7));
  assertEquals([findSha(cache, one.sha), findSha(cache, other.sha)], [one, other]);
  // 499 more push the first one out.
  for (let i = 0; i < 499; i++) add(cache, `return ${i}`, false);
  assertEquals([findSha(cache, one.sha), findSha(cache, other.sha)], [undefined, other]);
  add(cache, "return 499", false);
  assertEquals(findSha(cache, other.sha), undefined);
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
  assertEquals(findSha(cache, first.sha), undefined);
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
