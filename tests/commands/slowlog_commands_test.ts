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

Deno.test("COMMANDLOG shows, counts and empties each of the three logs", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "0"]]);
  try {
    clock.setTimeForTests(1_700_000_000_500);
    server.run("GET", "k");
    server.run("CONFIG", "SET", "slowlog-log-slower-than", "-1");
    assertEquals(
      server.run("COMMANDLOG", "GET", "-1", "slow"),
      server.run("SLOWLOG", "GET", "-1"),
    );
    server.run("CONFIG", "SET", "commandlog-request-larger-than", "22");
    server.run("GET", "none");
    server.run("CONFIG", "SET", "commandlog-request-larger-than", "-1");
    assertEquals(server.run("COMMANDLOG", "GET", "5", "LARGE-REQUEST"), [
      [1, 1_700_000_000, 23, ["GET", "none"], "127.0.0.1:50000", ""],
      [
        0,
        1_700_000_000,
        70,
        ["CONFIG", "SET", "commandlog-request-larger-than", "22"],
        "127.0.0.1:50000",
        "",
      ],
    ]);
  } finally {
    clock.useRealTime();
  }
  assertEquals(server.run("COMMANDLOG", "RESET", "large-request"), "OK");
  assertEquals(server.run("COMMANDLOG", "LEN", "large-request"), 0);
  assertEquals(server.run("COMMANDLOG", "LEN", "slow"), 1);
  assertEquals(server.run("SLOWLOG", "RESET"), "OK");
  assertEquals(server.run("COMMANDLOG", "LEN", "slow"), 0);
});

const COMMANDLOG_ERRORS = [
  ["GET", "ERR wrong number of arguments for 'commandlog|get' command"],
  ["GET 1", "ERR wrong number of arguments for 'commandlog|get' command"],
  ["GET x slow", "ERR count should be greater than or equal to -1"],
  ["GET -2 none", "ERR count should be greater than or equal to -1"],
  ["GET 1 none", "ERR type should be one of the following: slow, large-request, large-reply"],
  ["LEN none", "ERR type should be one of the following: slow, large-request, large-reply"],
  ["RESET none", "ERR type should be one of the following: slow, large-request, large-reply"],
  ["RESET", "ERR wrong number of arguments for 'commandlog|reset' command"],
  ["none", "ERR unknown subcommand 'none'. Try COMMANDLOG HELP."],
];

Deno.test("COMMANDLOG says what is wrong as Valkey does", () => {
  using server = new EmbeddedServer();
  for (const [words, error] of COMMANDLOG_ERRORS) {
    const reply = server.run("COMMANDLOG", ...words.split(" ")) as RespError;
    assertEquals(reply.message, error, words);
  }
});
