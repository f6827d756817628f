/** SLOWLOG: the shape of its replies; what is logged: tests/statistics/slowlog_test.ts. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Plain, RespError } from "../support/resp_reply.ts";

Deno.test("SLOWLOG GET returns the newest entries with all six fields", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "0"]]);
  try {
    clock.setTimeForTests(1_700_000_000_500);
    server.client.client.name = "tester";
    for (let index = 0; index < 12; index++) server.run("SET", "k", index);
    server.run("CONFIG", "SET", "slowlog-log-slower-than", "-1");
    assertEquals((server.run("SLOWLOG", "GET") as Plain[]).length, 10);
    assertEquals((server.run("SLOWLOG", "GET", "-1") as Plain[]).length, 12);
    assertEquals(server.run("SLOWLOG", "GET", "0"), []);
    assertEquals(server.run("SLOWLOG", "GET", "1"), [
      [11, 1_700_000_000, 0, ["SET", "k", "11"], "127.0.0.1:50000", "tester"],
    ]);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("SLOWLOG LEN counts entries, RESET removes them", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "0"]]);
  server.run("PING");
  server.run("PING");
  server.run("CONFIG", "SET", "slowlog-log-slower-than", "-1");
  assertEquals(server.run("SLOWLOG", "LEN"), 2);
  assertEquals(server.run("SLOWLOG", "RESET"), "OK");
  assertEquals(server.run("SLOWLOG", "LEN"), 0);
});

Deno.test("SLOWLOG GET refuses bad counts", () => {
  using server = new EmbeddedServer();
  for (const count of ["-2", "x"]) {
    const reply = server.run("SLOWLOG", "GET", count) as RespError;
    assertEquals(reply.message, "ERR count should be greater than or equal to -1");
  }
  const reply = server.run("SLOWLOG", "GET", "1", "2") as RespError;
  const expected =
    "ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.";
  assertEquals(reply.message, expected);
});
