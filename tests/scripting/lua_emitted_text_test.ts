/**
 * What of a script gets into emitted JavaScript: nothing but string literals and numbers. Every
 * word of emitted text is a keyword, a name of the runtime, or a numbered name, whatever the script
 * says.
 */
import { assertEquals } from "@std/assert";
import { emitChunk } from "../../src/scripting/lua_emitter.ts";
import { LuaEngine } from "../../src/scripting/lua_engine.ts";
import { LuaSyntaxError } from "../../src/scripting/lua_error.ts";
import { parseChunk } from "../../src/scripting/lua_parser.ts";
import { RUNTIME_NAMES } from "../../src/scripting/lua_runtime_names.ts";
import { ChunkSites } from "../../src/scripting/lua_sites.ts";
import { LuaGrammar } from "../differential/lua_grammar.ts";
import { LUA_LIBRARY_PROGRAMS } from "../differential/lua_library_programs.ts";
import { LUA_PROGRAMS } from "../differential/lua_programs.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const KEYWORDS = ("break const else false first for function if let more of new number resumable " +
  "return second step true typeof void while yield").split(" ");
const ALLOWED = new Set([...KEYWORDS, ...RUNTIME_NAMES, "va", "k", "c", "d", "s"]);
const NUMBERED = /^[vtabc]\d+$/;
const STRING_LITERAL = /"(?:[^"\\\n]|\\.)*"/g;

/** The words of emitted text that should not be there, and the characters. */
function intruders(emitted: string): string[] {
  const rest = emitted.replaceAll(STRING_LITERAL, "S0").replaceAll(/\/\*\d+\*\//g, "")
    .replaceAll(/\b\d[\d.]*(?:e[-+]?\d+)?/g, "0").replaceAll("S0", "");
  const words = rest.match(/[\p{L}_$][\p{L}\d_$]*/gu) ?? [];
  const strange = rest.match(/[^\w\s(){}[\];:,.?<>=!&|+\-*/%]/g) ?? [];
  return [...words.filter((word) => !ALLOWED.has(word) && !NUMBERED.test(word)), ...strange];
}

function emit(program: string, isResumable: boolean): string | null {
  try {
    return emitChunk(parseChunk(program, "@x"), new ChunkSites("@x", "x"), isResumable);
  } catch (thrown) {
    if (thrown instanceof LuaSyntaxError) return null;
    throw thrown;
  }
}

/** Texts that would do something if they got into JavaScript as they are. */
const HOSTILE = [
  "globalThis",
  "constructor",
  "__proto__",
  "arguments",
  "eval",
  "this",
  "Deno",
  "import",
  "*/Deno.exit()/*",
  '"+Deno.exit()+"',
  "`${Deno.exit()}`",
  "\\",
  "\\u0022",
  "\n",
  "\r",
  "\0",
  "\u0085",
  "\u2028",
  "'",
  '"',
  "//",
  "<!--",
  "-->",
  "#!",
  "${x}",
  "\xff",
  "]]",
  "--[[",
] as const; // deno-fmt-ignore

/** A program with hostile texts in strings, comments, and as names where they are names. */
function hostileProgram(random: SeededRandom): string {
  const text = () =>
    Array.from({ length: random.between(1, 4) }, () => random.pick(HOSTILE)).join("");
  const quoted = () => `"${text().replaceAll(/["\\\n\r\0]/g, (char) => `\\${char.charCodeAt(0)}`)}"`;
  const name = () => random.pick(["constructor", "__proto__", "arguments", "eval", "this", "Deno"]);
  const parts = Array.from({ length: random.between(1, 5) }, () =>
    random.pick([
      () => `local ${name()}=${quoted()}`,
      () => `local t={${name()}=${quoted()},[${quoted()}]=1} t.${name()}=t[${quoted()}]`,
      () => `local function ${name()}(${name()},...) return ${name()},arg end`,
      () => `${name()}(${quoted()})`,
      () => `${name()}.${name()}:${name()}(${quoted()})`,
      () => `--[==[${text()}]==]`,
      () => `--${text().replaceAll(/[\n\r]/g, "")}\n`,
      () => `local s=[==[${text()}]==]`,
      () => `for ${name()},${name()} in ${name()}(${quoted()}) do end`,
      () => `${name()}=${name()}.${name()}[${quoted()}]`,
    ])());
  return parts.join("\n").replaceAll(/[^\0-\xff]/g, "");
}

Deno.test("emitted text holds no word of a script", () => {
  const random = new SeededRandom(testSeed());
  const programs = [...LUA_PROGRAMS, ...LUA_LIBRARY_PROGRAMS];
  for (let i = 0; i < 200; i++) programs.push(new LuaGrammar(random).program());
  for (let i = 0; i < 2000; i++) programs.push(hostileProgram(random));
  let count = 0;
  for (const program of programs) {
    for (const isResumable of [false, true]) {
      const emitted = emit(program, isResumable);
      if (emitted === null) continue;
      count++;
      assertEquals(intruders(emitted), [], `seed ${random.seed}: ${JSON.stringify(program)}`);
    }
  }
  assertEquals(count > 3000, true);
});

Deno.test("the check finds a word that is not allowed", () => {
  assertEquals(intruders('return x(G,"Deno",1)+Deno'), ["Deno"]);
  assertEquals(intruders('"a\\""+`b`'), ["b", "`", "`"]);
});

Deno.test("a script sees no object of JavaScript", () => {
  const engine = new LuaEngine();
  const names = ["constructor", "__proto__", "prototype", "toString", "valueOf", "length", "call"];
  for (const name of names) {
    for (const holder of ["string", "_G", "{}", "math", "cjson", "getmetatable('')"]) {
      const script = `return (${holder})[...]`;
      assertEquals(engine.call(engine.compile(script, "@x"), [name]), [undefined], holder + name);
    }
    const script = "return pcall(function(k) return (string.rep)[k] end, ...)";
    assertEquals(engine.call(engine.compile(script, "@x"), [name])[0], false);
  }
});
