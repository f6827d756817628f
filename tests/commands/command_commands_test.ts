/** COMMAND: the table as clients see it. Row by row it is compared with redis-server elsewhere. */
import { assertEquals } from "@std/assert";
import { commandRows } from "../../src/commands/table.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Plain } from "../support/resp_reply.ts";
import type { RespError } from "../support/resp_reply.ts";

const GET_INFO = [
  ...["get", 2, ["readonly", "fast"], 1, 1, 1, ["@read", "@string", "@fast"], []],
  [[
    ...["flags", ["RO", "access"]],
    ...["begin_search", ["type", "index", "spec", ["index", 1]]],
    ...["find_keys", ["type", "range", "spec", ["lastkey", 0, "keystep", 1, "limit", 0]]],
  ]],
  [],
];

Deno.test("COMMAND INFO tells all of a row, and nil for what does not exist", () => {
  using server = new EmbeddedServer();
  const reply = server.run("COMMAND", "INFO", "GET", "nosuch", "config|get", "config|nosuch");
  assertEquals((reply as Plain[])[0], GET_INFO as Plain);
  assertEquals((reply as Plain[])[1], null);
  assertEquals((reply as Plain[][])[2][0], "config|get");
  assertEquals((reply as Plain[])[3], null);
});

Deno.test("COMMAND INFO uses maps and sets in RESP3, but an array for subcommands", () => {
  using server = new EmbeddedServer();
  server.run("HELLO", "3");
  const get = server.raw("COMMAND", "INFO", "get");
  assertEquals(
    get,
    "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n~2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n" +
      "~3\r\n+@read\r\n+@string\r\n+@fast\r\n~0\r\n~1\r\n%3\r\n$5\r\nflags\r\n~2\r\n+RO\r\n+access\r\n" +
      "$12\r\nbegin_search\r\n%2\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n%1\r\n$5\r\nindex\r\n:1\r\n" +
      "$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n%3\r\n$7\r\nlastkey\r\n:0\r\n" +
      "$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n~0\r\n",
  );
  assertEquals(server.raw("COMMAND", "INFO", "config").includes("~0\r\n*5\r\n*10\r\n"), true);
});

Deno.test("COMMAND and COMMAND COUNT count commands, COMMAND LIST subcommands too", () => {
  using server = new EmbeddedServer();
  assertEquals((server.run("COMMAND") as Plain[]).length, commandRows.length);
  assertEquals(server.run("COMMAND", "COUNT"), commandRows.length);
  const subcommands = commandRows.flatMap((row) => row.subcommands ?? [])
    .filter(({ enabledBy }) => enabledBy === undefined);
  const names = [...commandRows, ...subcommands].map(({ name }) => name);
  assertEquals((server.run("COMMAND", "LIST") as string[]).sort(), names.sort());
});

Deno.test("COMMAND LIST filters by module, category and pattern", () => {
  using server = new EmbeddedServer();
  const filtered = (...words: string[]) => {
    return (server.run("COMMAND", "LIST", "FILTERBY", ...words) as string[]).sort();
  };
  assertEquals(filtered("PATTERN", "CONFIG|RE*"), ["config|resetstat", "config|rewrite"]);
  const transaction = ["discard", "exec", "multi", "unwatch", "watch"];
  assertEquals(filtered("ACLCAT", "transaction"), transaction);
  assertEquals(filtered("ACLCAT", "nosuch"), []);
  assertEquals(filtered("MODULE", "any"), []);
  for (const words of [["x"], ["FILTERBY", "x"], ["FILTERBY", "x", "y"]]) {
    const reply = server.run("COMMAND", "LIST", ...words) as RespError;
    assertEquals(reply.message, "ERR syntax error");
  }
});

Deno.test("COMMAND DOCS leaves out what does not exist, and documents subcommands", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("COMMAND", "DOCS", "nosuch"), []);
  const [name, fields] = server.run("COMMAND", "DOCS", "get") as [string, string[]];
  assertEquals(name, "get");
  assertEquals(fields.filter((_, index) => index % 2 === 0), [
    ...["summary", "since", "group", "complexity", "arguments"],
  ]);
  const [, slowlog] = server.run("COMMAND", "DOCS", "slowlog") as [string, Plain[]];
  const subcommands = slowlog[slowlog.indexOf("subcommands") + 1] as string[];
  assertEquals(subcommands.filter((_, index) => index % 2 === 0).length, 4);
});

Deno.test("COMMAND GETKEYS returns the arguments that are keys", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2"), ["a", "b"]);
  assertEquals(server.run("COMMAND", "GETKEYS", "OBJECT", "encoding", "k"), ["k"]);
});
