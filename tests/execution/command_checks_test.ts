/** Why commands are refused: the order of the checks, seen where several object. */
import { assertEquals } from "@std/assert";
import { GATE_LOADING, GATE_MISCONF } from "../../src/session/gates.ts";
import { commandError } from "../../src/session/errors.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("of several reasons the first in Redis's order is told", () => {
  using server = new EmbeddedServer([["requirepass", "secret"]]);
  const { gates, persistence, config } = server.server;
  persistence.writeError = () => commandError("MISCONF test");
  gates.set(GATE_LOADING, true);
  gates.set(GATE_MISCONF, true);
  const refusal = () => server.raw("SET", "key", "value").split(" ")[0];
  assertEquals(refusal(), "-NOAUTH");
  server.run("AUTH", "secret");
  assertEquals(refusal(), "-MISCONF");
  gates.set(GATE_MISCONF, false);
  assertEquals(refusal(), "-LOADING");
  gates.set(GATE_LOADING, false);
  config.maxmemory = 1;
  server.server.runCron();
  assertEquals(refusal(), "-OOM");
});

Deno.test("a command that needs nothing passes every gate", () => {
  using server = new EmbeddedServer();
  const { gates } = server.server;
  gates.set(GATE_LOADING, true);
  gates.set(GATE_MISCONF, true);
  assertEquals(server.run("CONFIG", "GET", "port"), ["port", "6379"]);
});
