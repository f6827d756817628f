/** TIME, ROLE, LOLWUT. */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

Deno.test("TIME tells seconds and microseconds as bulk strings", () => {
  using server = new EmbeddedServer();
  try {
    clock.setTimeForTests(1_700_000_000_123);
    assertEquals(server.raw("TIME"), "*2\r\n$10\r\n1700000000\r\n$6\r\n123000\r\n");
  } finally {
    clock.useRealTime();
  }
});

Deno.test("ROLE says that the server is a master without replicas", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("ROLE"), ["master", 0, []]);
});

Deno.test("LOLWUT names the version, whatever it is asked to draw", () => {
  using server = new EmbeddedServer();
  for (const words of [[], ["VERSION", "5"], ["x"]]) {
    assert(String(server.run("LOLWUT", ...words)).includes("Redis ver. 7.0.15"));
  }
});

Deno.test("LOLWUT refuses a version, or a size of a picture, that is no number", () => {
  using server = new EmbeddedServer();
  for (const words of [["VERSION", "x"], ["VERSION", "5", "1", "x"], ["VERSION", "6", "x"]]) {
    const error = server.run("LOLWUT", ...words) as RespError;
    assertEquals(error.message, "ERR value is not an integer or out of range");
  }
  assert(!(server.run("LOLWUT", "VERSION", "7", "x") instanceof RespError));
});
