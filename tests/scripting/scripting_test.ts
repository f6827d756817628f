/** Running scripts: the cache, flags, limits of memory, what INFO tells. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

const SHA_OF_RETURN_1 = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";

Deno.test("a script is known by its SHA-1 after EVAL and after SCRIPT LOAD, until SCRIPT FLUSH", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("EVAL", "return 1", "0"), 1);
  assertEquals(server.run("EVALSHA", SHA_OF_RETURN_1.toUpperCase(), "0"), 1);
  assertEquals(server.run("SCRIPT", "LOAD", "return 1"), SHA_OF_RETURN_1);
  assertEquals(server.run("SCRIPT", "EXISTS", SHA_OF_RETURN_1, "x"), [1, 0]);
  assertStringIncludes(server.run("INFO", "memory") as string, "number_of_cached_scripts:1\r\n");
  server.run("SCRIPT", "FLUSH");
  assertEquals(server.run("EVALSHA", SHA_OF_RETURN_1, "0") instanceof RespError, true);
});

Deno.test("memory beyond the limit is an error of the script", () => {
  using server = new EmbeddedServer([["script-memory-limit", "16mb"]]);
  for (
    const script of [
      "local s='x' while true do s=s..s end",
      "return string.rep('x',2^31-1)",
      "local t={} for i=1,1e9 do t[i]=i end",
    ]
  ) {
    const reply = server.run("EVAL", script, "0") as RespError;
    assertEquals(reply.message, "ERR not enough memory", script);
  }
  server.run("CONFIG", "SET", "script-memory-limit", "64mb");
  assertEquals(server.run("EVAL", "return #string.rep('x',2e7)", "0"), 20_000_000);
});

Deno.test("an error counts once, as that of the command that failed", () => {
  using server = new EmbeddedServer();
  server.run("SET", "a", "x");
  server.run("EVAL", "return redis.call('incr','a')", "0");
  server.run("EVAL", "return {redis.pcall('incr','a'),redis.error_reply('MINE x')}", "0");
  const stats = server.run("INFO", "errorstats", "commandstats") as string;
  assertStringIncludes(stats, "errorstat_ERR:count=2\r\n");
  assertStringIncludes(stats, "errorstat_MINE:count=1\r\n");
  assertStringIncludes(
    stats.replace(/usec.*?,r/g, "r"),
    "cmdstat_eval:calls=2,rejected_calls=0,failed_calls=2",
  );
});

Deno.test("time stands still for keys while a script runs", () => {
  using server = new EmbeddedServer();
  const script = "redis.call('set','t','v','px',1) local n=0 for i=1,5000000 do n=n+i end " +
    "return redis.call('exists','t')";
  assertEquals(server.run("EVAL", script, "0"), 1);
});

Deno.test("a script sees the tables and functions of its environment only", () => {
  using server = new EmbeddedServer();
  for (const name of ["constructor", "__proto__", "toString"]) {
    assertEquals(server.run("EVAL", `return ({})['${name}']`, "0"), null);
    assertEquals(server.run("EVAL", `return redis['${name}']`, "0"), null);
    const reply = server.run("EVAL", `return ${name}`, "0") as RespError;
    assertStringIncludes(reply.message, "nonexistent global variable");
  }
});
