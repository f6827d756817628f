/** SHUTDOWN: its words, and where it is refused. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("contradicting or unknown words are refused, ABORT finds nothing to abort", () => {
  using server = new EmbeddedServer();
  for (const words of ["NOPE", "SAVE NOSAVE", "ABORT NOW", "SAVE ABORT"]) {
    assertEquals(server.raw("SHUTDOWN", ...words.split(" ")), "-ERR syntax error\r\n", words);
  }
  assertEquals(server.raw("SHUTDOWN", "abort"), "-ERR No shutdown in progress.\r\n");
});

Deno.test("a transaction may not hold it", () => {
  using server = new EmbeddedServer();
  server.run("MULTI");
  assertEquals(server.raw("SHUTDOWN"), "-ERR Command not allowed inside a transaction\r\n");
});

Deno.test("it ends the process with code 0", () => {
  const codes: number[] = [];
  const exit = ((code: number) => void codes.push(code)) as (code: number) => never;
  using server = new EmbeddedServer([], { exit });
  server.server.log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  server.raw("SHUTDOWN", "NOSAVE", "NOW", "FORCE");
  assertEquals(codes, [0]);
});
