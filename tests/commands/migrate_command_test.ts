/** MIGRATE: which keys are here, which arguments are keys, which are secrets. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("MIGRATE says so if no key is here, and else that it cannot move them yet", () => {
  using server = new EmbeddedServer();
  assertEquals(server.raw("MIGRATE", "host", "1", "k", "0", "1"), "+NOKEY\r\n");
  server.run("SET", "k", "v");
  const expected = "-ERR MIGRATE is not available in this version of Redeno\r\n";
  assertEquals(server.raw("MIGRATE", "host", "1", "k", "0", "1"), expected);
  assertEquals(server.raw("MIGRATE", "h", "1", "", "0", "1", "COPY", "KEYS", "a", "k"), expected);
  assertEquals(server.run("GET", "k"), "v");
});

Deno.test("MIGRATE reads its options as the original", () => {
  using server = new EmbeddedServer();
  const answer = (...words: string[]) => server.raw("MIGRATE", "h", "1", "k", "0", "1", ...words);
  for (const words of [["x"], ["AUTH"], ["AUTH2", "u"], ["COPY", "REPLACE", "nosuch"]]) {
    assertEquals(answer(...words), "-ERR syntax error\r\n");
  }
  assertEquals(answer("COPY", "REPLACE", "AUTH", "p"), "+NOKEY\r\n");
  assertStringIncludes(answer("KEYS", "a"), "When using MIGRATE KEYS option");
  const notInteger = "-ERR value is not an integer or out of range\r\n";
  assertEquals(server.raw("MIGRATE", "h", "1", "k", "x", "1"), notInteger);
  assertEquals(server.raw("MIGRATE", "h", "1", "k", "0", "x"), notInteger);
});

Deno.test("passwords of MIGRATE are shown to nobody", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "0"]]);
  const options = ["KEYS", "auth", "shown"];
  server.run("MIGRATE", "h", "1", "", "0", "1", "AUTH2", "HIDDEN", "HIDDEN", "COPY", ...options);
  server.run("MIGRATE", "h", "1", "k", "0", "1", "AUTH", "HIDDEN");
  const entries = JSON.stringify(server.run("SLOWLOG", "GET"));
  assertEquals(entries.includes("HIDDEN"), false);
  assertStringIncludes(entries, '"COPY","KEYS","auth","shown"');
});
