/** Dispatch: the checks and their order, statistics, transactions, and replies that are dropped. */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { GATE_LOADING } from "../../src/session/gates.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

const ABORTED = "-EXECABORT Transaction discarded because of previous errors.\r\n";

function statisticsOf(server: EmbeddedServer, name: string): [number, number, number] {
  const command = server.server.commands.byName.get(name)!;
  return [command.calls, command.rejectedCalls, command.failedCalls];
}

Deno.test("what does not exist is told with the beginning of its arguments", () => {
  using server = new EmbeddedServer();
  assertEquals(
    server.raw("nope", "a", "b\0c", "x".repeat(200)),
    `-ERR unknown command 'nope', with args beginning with: 'a' 'b' '${"x".repeat(120)}' \r\n`,
  );
  assertEquals(
    server.raw("CONFIG", "nope"),
    "-ERR unknown subcommand 'nope'. Try CONFIG HELP.\r\n",
  );
});

Deno.test("the number of arguments is checked under the full name", () => {
  using server = new EmbeddedServer();
  assertEquals(server.raw("GET"), "-ERR wrong number of arguments for 'get' command\r\n");
  assertEquals(server.raw("get", "a", "b"), "-ERR wrong number of arguments for 'get' command\r\n");
  assertEquals(server.raw("CONFIG"), "-ERR wrong number of arguments for 'config' command\r\n");
  assertEquals(
    server.raw("CONFIG", "GET"),
    "-ERR wrong number of arguments for 'config|get' command\r\n",
  );
});

Deno.test("existence and arity come before authentication, authentication before all else", () => {
  using server = new EmbeddedServer([["requirepass", "secret"]]);
  assert(server.raw("NOPE").startsWith("-ERR unknown command"));
  assert(server.raw("GET").startsWith("-ERR wrong number"));
  server.server.gates.set(GATE_LOADING, true);
  assertEquals(server.raw("GET", "a"), "-NOAUTH Authentication required.\r\n");
  assertEquals(server.raw("AUTH", "secret"), "+OK\r\n");
  assertEquals(server.raw("GET", "a"), "-LOADING Redis is loading the dataset in memory\r\n");
  assertEquals(server.raw("ECHO", "a"), "$1\r\na\r\n");
});

Deno.test("whether a transaction may hold a command is asked before the permission", () => {
  using server = new EmbeddedServer();
  server.run("ACL", "SETUSER", "u", "on", "nopass", "+@all", "-shutdown", "-get", "~*");
  const client = server.connect();
  client.run("AUTH", "u", "x");
  client.run("MULTI");
  assertEquals(client.raw("SHUTDOWN"), "-ERR Command not allowed inside a transaction\r\n");
  assert(client.raw("GET", "a").startsWith("-NOPERM"));
  assertEquals(client.raw("EXEC"), ABORTED);
});

Deno.test("memory is checked before loading, and only for those who need more", () => {
  using server = new EmbeddedServer([["maxmemory", "1"]]);
  server.server.runCron();
  assertEquals(server.raw("GET", "a"), "$-1\r\n");
  server.server.gates.set(GATE_LOADING, true);
  assert(server.raw("SET", "a", "1").startsWith("-OOM "));
  assert(server.raw("GET", "a").startsWith("-LOADING "));
});

Deno.test("a queued command takes memory, whatever it does", () => {
  using server = new EmbeddedServer([["maxmemory", "1"]]);
  server.server.runCron();
  server.run("MULTI");
  assert(server.raw("GET", "a").startsWith("-OOM "));
  assertEquals(server.raw("EXEC"), ABORTED);
});

Deno.test("any refused command spoils the transaction, EXEC with arguments ends it", () => {
  using server = new EmbeddedServer();
  for (const refused of [["NOPE"], ["GET"], ["CONFIG", "nope"], ["MONITOR", "x"]]) {
    server.run("MULTI");
    server.run(...refused);
    assertEquals(server.raw("SET", "a", "1"), "+QUEUED\r\n");
    assertEquals(server.raw("EXEC"), ABORTED);
  }
  assertEquals(server.run("EXISTS", "a"), 0);
  server.run("MULTI");
  assertEquals(
    server.raw("EXEC", "x"),
    "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n",
  );
  assertEquals(server.raw("EXEC"), "-ERR EXEC without MULTI\r\n");
});

Deno.test("calls, refusals and failures are counted apart, for each command of EXEC too", () => {
  using server = new EmbeddedServer();
  server.run("SET", "s", "text");
  server.run("GET", "s");
  server.run("GET");
  server.run("LPUSH", "s", "x");
  assertEquals(statisticsOf(server, "get"), [1, 1, 0]);
  assertEquals(statisticsOf(server, "lpush"), [1, 0, 1]);
  server.run("MULTI");
  server.run("GET", "s");
  server.run("LPUSH", "s", "x");
  assertEquals(statisticsOf(server, "get"), [1, 1, 0]);
  server.run("EXEC");
  assertEquals(statisticsOf(server, "get"), [2, 1, 0]);
  assertEquals(statisticsOf(server, "lpush"), [2, 0, 2]);
  assertEquals(statisticsOf(server, "exec"), [1, 0, 0]);
  assertEquals([...server.server.statistics.errorsByCode], [["ERR", 1], ["WRONGTYPE", 2]]);
});

Deno.test("the time of a run of equal commands is charged to it, also around and inside EXEC", () => {
  using server = new EmbeddedServer();
  server.client.sendBytes(new TextEncoder().encode(
    "SET a 1\r\nSET b 2\r\nGET a\r\nMULTI\r\nKEYS *\r\nSET c 3\r\nEXEC\r\nGET b\r\n",
  ));
  const { byName } = server.server.commands;
  for (const [name, calls] of [["set", 3], ["get", 2], ["keys", 1], ["exec", 1]] as const) {
    const command = byName.get(name)!;
    assertEquals(command.calls, calls, name);
    assert(command.microseconds > 0, `${name} took no time`);
  }
  assertEquals(server.client.take().length, 8);
});

Deno.test("a failed command takes back what it had replied", () => {
  using server = new EmbeddedServer();
  server.run("SET", "s", "text");
  server.client.send("PING");
  server.client.send("SORT", "s");
  assertEquals(
    server.client.takeRaw(),
    "+PONG\r\n-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
  );
});

Deno.test("CLIENT REPLY drops replies of commands, errors and transactions alike", () => {
  using server = new EmbeddedServer();
  assertEquals(server.raw("CLIENT", "REPLY", "SKIP"), "");
  assertEquals(server.raw("NOPE"), "");
  assertEquals(server.raw("PING"), "+PONG\r\n");
  assertEquals(server.raw("CLIENT", "REPLY", "OFF"), "");
  for (const command of [["MULTI"], ["SET", "a", "1"], ["EXEC"], ["GET"]]) {
    assertEquals(server.raw(...command), "");
  }
  assertEquals(server.raw("CLIENT", "REPLY", "ON"), "+OK\r\n");
  assertEquals(server.raw("GET", "a"), "$1\r\n1\r\n");
});

Deno.test("a command sees one moment of time, a later turn a later one", () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(1_700_000_000_000);
  try {
    assertEquals(server.run("TIME"), ["1700000000", "0"]);
    clock.advanceForTests(1500);
    server.run("PING");
    assertEquals(server.client.client.lastInteractionMs, 1_700_000_001_500);
  } finally {
    clock.useRealTime();
  }
});
