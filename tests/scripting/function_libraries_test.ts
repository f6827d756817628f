/** Libraries: all or nothing, and how they survive. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { FunctionLibraries } from "../../src/scripting/function_libraries.ts";
import { CommandError } from "../../src/session/errors.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { RespError } from "../support/resp_reply.ts";
import { latin1 } from "../support/text.ts";

function source(name: string, ...functions: string[]): string {
  const code = functions.map((each) =>
    `redis.register_function('${each}',function() return '${name}' end)`
  );
  return `#!lua name=${name}\n${code.join("\n")}`;
}

function errorOf(run: () => void): string | null {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandError) return error.text;
    throw error;
  }
  return null;
}

function namesOf(libraries: FunctionLibraries): string[] {
  return [...libraries.libraries()].map(({ name, functions }) =>
    `${name}:${[...functions.keys()]}`
  );
}

Deno.test("a library that cannot be taken changes nothing", () => {
  using server = new EmbeddedServer();
  const { functions } = server.server.scripting;
  functions.load(source("a", "f", "g"), false);
  functions.load(source("b", "h"), false);
  const before = namesOf(functions);
  assertEquals(
    errorOf(() => functions.load(source("a", "x"), false)),
    "ERR Library 'a' already exists",
  );
  assertEquals(
    errorOf(() => functions.load(source("a", "H"), true)),
    "ERR Function H already exists",
  );
  assertEquals(errorOf(() => functions.load(source("c"), false)), "ERR No functions registered");
  const both = [latin1(source("c", "c1")), latin1(source("b", "h"))];
  assertEquals(errorOf(() => functions.restore(both, "append")), "ERR Library b already exists");
  const clash = [latin1(source("c", "f"))];
  assertEquals(errorOf(() => functions.restore(clash, "replace")), "ERR Function f already exists");
  assertEquals(namesOf(functions), before);
  assertEquals(server.run("FCALL", "F", "0"), "a");
});

Deno.test("replacing and flushing", () => {
  using server = new EmbeddedServer();
  const { functions } = server.server.scripting;
  functions.load(source("a", "f"), false);
  functions.load(source("a", "g"), true);
  assertEquals(namesOf(functions), ["a:g"]);
  functions.restore([latin1(source("b", "f")), latin1(source("a", "h"))], "replace");
  assertEquals(namesOf(functions), ["b:f", "a:h"]);
  functions.restore([latin1(source("c", "f"))], "flush");
  assertEquals(namesOf(functions), ["c:f"]);
  assertEquals([functions.delete("a"), functions.delete("c"), functions.functionCount], [
    false,
    true,
    0,
  ]);
});

Deno.test("libraries are saved with the data, and FLUSHALL leaves them", async () => {
  const directory = await Deno.makeTempDir();
  using server = new EmbeddedServer([["dir", directory], ["enable-debug-command", "yes"]]);
  const code = source("a", "f");
  assertEquals(server.run("FUNCTION", "LOAD", code), "a");
  server.run("FLUSHALL");
  assertEquals(server.run("DEBUG", "RELOAD"), "OK");
  assertEquals(server.run("FCALL", "f", "0"), "a");
  assertEquals(server.server.scripting.functions.sources(), [latin1(code)]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("what is recorded are the commands that change libraries", () => {
  using server = new EmbeddedServer();
  const recorded = new RecordedEffects(server);
  server.run("FUNCTION", "LOAD", source("a", "f"));
  server.run("FCALL", "f", "0");
  server.run("FUNCTION", "LIST");
  server.run("FUNCTION", "DELETE", "a");
  server.run("FUNCTION", "DELETE", "a");
  server.run("FUNCTION", "FLUSH");
  const log = recorded.takeLog().map((line) => line.split(" ", 2).join(" "));
  assertEquals(log, ["FUNCTION LOAD", "FUNCTION DELETE", "FUNCTION FLUSH"]);
});

Deno.test("a function that runs while its library loads and later sees what is there each time", () => {
  using server = new EmbeddedServer();
  // What it names stands elsewhere in the two.
  const source = "#!lua name=both\n" +
    "local function look(level) redis.log(redis.LOG_DEBUG, level) return redis.LOG_WARNING end\n" +
    "local function register(name, fn) return redis.register_function(name, fn) end\n" +
    "local before = look('while loading')\n" +
    "register('look', function() return {before, look('later'), redis.call('echo', 'x')} end)\n" +
    "register('late', function() return register('x', look) end)\n";
  assertEquals(server.run("FUNCTION", "LOAD", source), "both");
  for (let round = 0; round < 3; round++) {
    assertEquals(server.run("FCALL", "look", "0"), [3, 3, "x"]);
    const late = server.run("FCALL", "late", "0") as RespError;
    assertStringIncludes(late.message, "attempt to call field 'register_function' (a nil value)");
    const other = `#!lua name=other\n${registering(`f${round}`)}`;
    assertEquals(server.run("FUNCTION", "LOAD", "REPLACE", other), "other");
  }
});

Deno.test("what a function has kept from the time of loading registers nothing, and ends nothing", () => {
  using server = new EmbeddedServer();
  const source = "#!lua name=kept\n" +
    "local lib = redis\n" +
    "lib.register_function('f', function(keys, args)\n" +
    "  if #args == 0 then return lib.register_function() end\n" +
    "  return lib.register_function(args[1], function() end) end)\n";
  server.run("FUNCTION", "LOAD", source);
  const problemOf = (...args: string[]) => String(server.run("FCALL", "f", "0", ...args));
  const only = "redis.register_function can only be called on FUNCTION LOAD command";
  assertStringIncludes(problemOf("g"), only);
  assertStringIncludes(problemOf("not a name"), only);
  assertStringIncludes(problemOf(), "wrong number of arguments to redis.register_function");
  assertEquals(server.run("PING"), "PONG");
});

Deno.test("FCALL finds the function that is there now, in letters of either case", () => {
  using server = new EmbeddedServer();
  const load = (text: string, ...options: string[]) =>
    server.run("FUNCTION", "LOAD", ...options, `#!lua name=one\n${text}`);
  const missing = () => (server.run("FCALL", "first", "0") as RespError).message;
  load(registering("first", "1") + registering("second", "2"));
  const calls = ["first", "FIRST", "second", "First", "second", "SECOND"];
  assertEquals(calls.map((name) => server.run("FCALL", name, "0")), [1, 1, 2, 1, 2, 2]);
  server.run("FCALL", "first", "0");
  load(registering("first", "3"), "REPLACE");
  assertEquals(server.run("FCALL", "first", "0"), 3);
  server.run("FUNCTION", "DELETE", "one");
  assertEquals(missing(), "ERR Function not found");
  load(registering("first", "4"));
  assertEquals(server.run("FCALL", "first", "0"), 4);
  server.run("FUNCTION", "FLUSH");
  assertEquals(missing(), "ERR Function not found");
});

function registering(name: string, value = "1"): string {
  return `redis.register_function('${name}', function() return ${value} end) `;
}
