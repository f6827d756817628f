/** Counter commands: limits, errors, texts of numbers. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodingOf } from "../support/recorded_effects.ts";
import { RespError } from "../support/resp_reply.ts";

function errorOf(reply: unknown): string {
  assert(reply instanceof RespError, `no error: ${reply}`);
  return reply.message;
}

Deno.test("INCR and its kin count exactly up to the limits of int64", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("INCR", "n"), 1);
  assertEquals(server.run("DECRBY", "n", "11"), -10);
  assertEquals(server.run("INCRBY", "n", "20"), 10);
  server.run("SET", "n", "9007199254740991");
  assertEquals(server.raw("INCR", "n"), ":9007199254740992\r\n");
  assertEquals(server.raw("INCRBY", "n", "9007199254740993"), ":18014398509481985\r\n");
  server.run("SET", "n", "9223372036854775806");
  assertEquals(server.raw("INCR", "n"), ":9223372036854775807\r\n");
  const overflow = "ERR increment or decrement would overflow";
  assertEquals(errorOf(server.run("INCR", "n")), overflow);
  const decrement = "ERR decrement would overflow";
  assertEquals(errorOf(server.run("DECRBY", "n", "-9223372036854775808")), decrement);
  assertEquals(encodingOf(server, "n"), "int");
});

Deno.test("INCR refuses what is not an integer and leaves it alone", () => {
  using server = new EmbeddedServer();
  for (const text of ["", "a", "1.0", " 1", "+1", "01", "9223372036854775808", "1".repeat(20000)]) {
    server.run("SET", "n", text);
    const expected = "ERR value is not an integer or out of range";
    assertEquals(errorOf(server.run("INCR", "n")), expected, text.slice(0, 30));
    assertEquals(server.run("GET", "n"), text);
  }
});

Deno.test("INCRBYFLOAT prints numbers as Redis does and never stores an int", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("INCRBYFLOAT", "n", "10.50"), "10.5");
  assertEquals(server.run("INCRBYFLOAT", "n", "0.1"), "10.6");
  assertEquals(server.run("INCRBYFLOAT", "n", "-5.6"), "5");
  assertEquals(encodingOf(server, "n"), "embstr");
  assertEquals(errorOf(server.run("INCRBYFLOAT", "n", "x")), "ERR value is not a valid float");
  const infinite = "ERR increment would produce NaN or Infinity";
  assertEquals(errorOf(server.run("INCRBYFLOAT", "n", "inf")), infinite);
});
