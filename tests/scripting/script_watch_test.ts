/** Scripts that run long: which are ended, and by what. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

const LIMITS = [["busy-reply-threshold", "30"], ["script-time-limit", "60"]] as const;

function errorOf(server: EmbeddedServer, script: string): string {
  return (server.run("EVAL", script, "0") as RespError).message;
}

Deno.test("a script that has written nothing ends at busy-reply-threshold, wherever it is", () => {
  using server = new EmbeddedServer(LIMITS);
  const loops = [
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "table.sort({1,2,3},function() while true do end end)",
    "string.gsub('a','a',function() while true do end end)",
    "coroutine.wrap(function() while true do end end)()",
    "return setmetatable({},{__index=function() while true do end end}).x",
    "local function f() return f() end f()",
    "while true do redis.call('get','a') end",
  ];
  for (const loop of loops) {
    assertEquals(
      errorOf(server, loop),
      "ERR Error running script: ended after 30 milliseconds (busy-reply-threshold), it had " +
        "written nothing.",
      loop,
    );
  }
  assertEquals(server.run("PING"), "PONG");
});

Deno.test("one that has written goes on until script-time-limit, and its effects stay", () => {
  using server = new EmbeddedServer(LIMITS);
  assertEquals(
    errorOf(server, "redis.call('set','a',1) while true do end"),
    "ERR Error running script: ended after 60 milliseconds (script-time-limit), what it has " +
      "written stays.",
  );
  assertEquals(server.run("GET", "a"), "1");
});

Deno.test("a library that does not come to an end is not loaded", () => {
  using server = new EmbeddedServer();
  const reply = server.run("FUNCTION", "LOAD", "#!lua name=a\nwhile true do end") as RespError;
  assertEquals(reply.message, "ERR Error registering functions: ERR FUNCTION LOAD timeout");
});

Deno.test("0 is no limit", () => {
  using server = new EmbeddedServer([["busy-reply-threshold", "0"], ["script-time-limit", "0"]]);
  const script = "local n=0 for i=1,3000000 do n=n+1 end return n";
  assertEquals(server.run("EVAL", script, "0"), 3_000_000);
});

Deno.test("a script is not taken for the one before, which had written", () => {
  using server = new EmbeddedServer(LIMITS);
  const ended = "ERR Error running script: ended after";
  assertEquals(server.run("EVAL", "redis.call('set','a',1) return 1", "0"), 1);
  assertStringIncludes(errorOf(server, "while true do end"), `${ended} 30 milliseconds`);
  const writes = "redis.call('set','a',1) while true do end";
  assertStringIncludes(errorOf(server, writes), `${ended} 60 milliseconds`);
  assertStringIncludes(errorOf(server, "while true do end"), `${ended} 30 milliseconds`);
});

Deno.test("the time before a script began is not its own", async () => {
  using server = new EmbeddedServer(LIMITS);
  const script = "local n=0 for i=1,100000 do n=n+1 end return n";
  server.run("PING");
  try {
    // The turn ends; while a script runs the clock stands.
    await Promise.resolve();
    clock.advanceForTests(10_000);
    assertEquals(server.run("EVAL", script, "0"), 100_000);
    server.run("MULTI");
    server.run("EVAL", script, "0");
    await Promise.resolve();
    clock.advanceForTests(10_000);
    assertEquals(server.run("EXEC"), [100_000]);
  } finally {
    clock.useRealTime();
  }
});
