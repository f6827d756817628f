/**
 * PING, ECHO, SELECT, AUTH, HELLO, QUIT, RESET.
 */

import { assert, assertEquals } from "@std/assert";
import { REDIS_CLOSE_AFTER_REPLY } from "../../src/session/client.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("PING and ECHO answer", () => {
  using server = new EmbeddedServer();
  assertEquals(server.raw("PING"), "+PONG\r\n");
  assertEquals(server.raw("ping", "a\r\nb"), "$4\r\na\r\nb\r\n");
  assertEquals(server.raw("ECHO", "x"), "$1\r\nx\r\n");
  assertEquals(
    server.raw("PING", "a", "b"),
    "-ERR wrong number of arguments for 'ping' command\r\n",
  );
});

Deno.test("SELECT changes the database of this connection alone", () => {
  using server = new EmbeddedServer();
  const other = server.connect();
  assertEquals(server.run("SELECT", "3"), "OK");
  server.run("SET", "key", "1");
  assertEquals(other.run("GET", "key"), null);
  assertEquals(server.raw("SELECT", "16"), "-ERR DB index is out of range\r\n");
  assertEquals(server.raw("SELECT", "-1"), "-ERR DB index is out of range\r\n");
  assertEquals(server.raw("SELECT", "x"), "-ERR value is not an integer or out of range\r\n");
  assertEquals(server.run("GET", "key"), "1");
});

Deno.test("HELLO chooses the protocol and tells about the server", () => {
  using server = new EmbeddedServer();
  const { id } = server.client.client;
  const fields = (proto: number) =>
    "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n" +
    `:${proto}\r\n$2\r\nid\r\n:${id}\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n` +
    "$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n";
  assertEquals(server.raw("HELLO"), `*14\r\n${fields(2)}`);
  assertEquals(server.raw("HELLO", "3"), `%7\r\n${fields(3)}`);
  assertEquals(server.raw("GET", "none"), "_\r\n");
  assertEquals(server.raw("HELLO", "4"), "-NOPROTO unsupported protocol version\r\n");
  assertEquals(
    server.raw("HELLO", "x"),
    "-ERR Protocol version is not an integer or out of range\r\n",
  );
  assertEquals(
    server.raw("HELLO", "3", "nope"),
    "-ERR Syntax error in HELLO option 'nope'\r\n",
  );
});

Deno.test("HELLO can authenticate and name the connection in one step", () => {
  using server = new EmbeddedServer([["requirepass", "secret"]]);
  assert(server.raw("HELLO", "3").startsWith("-NOAUTH HELLO must be called with the client"));
  assertEquals(
    server.raw("HELLO", "3", "AUTH", "default", "wrong"),
    "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
  );
  const reply = server.raw("HELLO", "3", "AUTH", "default", "secret", "SETNAME", "me");
  assert(reply.startsWith("%7\r\n"));
  assertEquals(server.run("CLIENT", "GETNAME"), "me");
});

Deno.test("AUTH without a password to check is an error", () => {
  using server = new EmbeddedServer();
  assertEquals(
    server.raw("AUTH", "x"),
    "-ERR AUTH <password> called without any password configured for the default user. Are you " +
      "sure your configuration is correct?\r\n",
  );
  assertEquals(server.raw("AUTH", "default", "any"), "+OK\r\n");
  assertEquals(server.raw("AUTH", "a", "b", "c"), "-ERR syntax error\r\n");
});

Deno.test("QUIT answers and ends the connection", () => {
  using server = new EmbeddedServer();
  assertEquals(server.raw("QUIT"), "+OK\r\n");
  assert(server.client.client.has(REDIS_CLOSE_AFTER_REPLY));
});

Deno.test("RESET ends a transaction and goes back to database 0 and RESP2", () => {
  using server = new EmbeddedServer();
  server.run("HELLO", "3");
  server.run("SELECT", "2");
  server.run("WATCH", "key");
  server.run("MULTI");
  server.run("SET", "key", "1");
  assertEquals(server.raw("RESET"), "+RESET\r\n");
  assertEquals(server.raw("GET", "key"), "$-1\r\n");
  assertEquals(server.raw("EXEC"), "-ERR EXEC without MULTI\r\n");
  assertEquals(server.server.watch.watchCount, 0);
});
