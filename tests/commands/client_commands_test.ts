/**
 * CLIENT: naming, listing, ending, pausing and unblocking connections, and who gets replies.
 */

import * as clock from "../../src/base/clock.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { settle } from "../support/text.ts";
import { RespError } from "../support/resp_reply.ts";

function errorText(reply: unknown): string {
  assert(reply instanceof RespError, `expected an error, got ${reply}`);
  return reply.message;
}

/** The fields of a line of CLIENT LIST. */
function fieldsOf(line: string): Map<string, string> {
  return new Map(
    line.trim().split(" ").map((field) => {
      const at = field.indexOf("=");
      return [field.slice(0, at), field.slice(at + 1)];
    }),
  );
}

Deno.test("CLIENT SETNAME and GETNAME keep a name without spaces", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("CLIENT", "GETNAME"), null);
  assertEquals(server.run("CLIENT", "SETNAME", "worker-1"), "OK");
  assertEquals(server.run("CLIENT", "GETNAME"), "worker-1");
  assertEquals(
    errorText(server.run("CLIENT", "SETNAME", "two words")),
    "ERR Client names cannot contain spaces, newlines or special characters.",
  );
  assertEquals(server.run("CLIENT", "SETNAME", ""), "OK");
  assertEquals(server.run("CLIENT", "GETNAME"), null);
});

Deno.test("CLIENT SETINFO shows the library at the end of the line", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("CLIENT", "SETINFO", "LIB-NAME", "ioredis"), "OK");
  assertEquals(server.run("CLIENT", "SETINFO", "lib-ver", "5.3.2"), "OK");
  assertMatch(server.run("CLIENT", "INFO") as string, / lib-name=ioredis lib-ver=5\.3\.2\n$/);
  const refused = server.run("CLIENT", "SETINFO", "Lib-Name", "a b");
  assertEquals(
    errorText(refused),
    "ERR Lib-Name cannot contain spaces, newlines or special characters.",
  );
  assertEquals(errorText(server.run("CLIENT", "SETINFO", "x", "y")), "ERR Unrecognized option 'x'");
});

Deno.test("CLIENT LIST chooses by type and by id", () => {
  using server = new EmbeddedServer();
  const listening = server.connect();
  listening.send("SUBSCRIBE", "x");
  const idsOf = (text: unknown) =>
    (text as string).trim().split("\n").filter((line) => line !== "")
      .map((line) => Number(fieldsOf(line).get("id")));
  const own = server.client.client.id;
  const { id } = listening.client;
  assertEquals(idsOf(server.run("CLIENT", "LIST", "TYPE", "pubsub")), [id]);
  assertEquals(idsOf(server.run("CLIENT", "LIST", "TYPE", "normal")), [own]);
  assertEquals(idsOf(server.run("CLIENT", "LIST", "TYPE", "replica")), []);
  assertEquals(idsOf(server.run("CLIENT", "LIST", "ID", id, 999, own)), [id, own]);
  const wrongType = server.run("CLIENT", "LIST", "TYPE", "x");
  assertEquals(errorText(wrongType), "ERR Unknown client type 'x'");
  assertEquals(errorText(server.run("CLIENT", "LIST", "ID", "x")), "ERR Invalid client ID");
  assertEquals(errorText(server.run("CLIENT", "LIST", "ID")), "ERR syntax error");
});

Deno.test("CLIENT KILL ends the connections that all filters accept", () => {
  using server = new EmbeddedServer();
  const first = server.connect();
  const second = server.connect();
  second.send("SUBSCRIBE", "x");
  assertEquals(server.run("CLIENT", "KILL", "ID", first.client.id, "TYPE", "pubsub"), 0);
  assertEquals(server.run("CLIENT", "KILL", "TYPE", "pubsub"), 1);
  assert(second.isClosed);
  assertEquals(server.run("CLIENT", "KILL", "ID", first.client.id), 1);
  assert(first.isClosed);
  const own = server.client.client.id;
  assertEquals(server.run("CLIENT", "KILL", "ID", own), 0);
  assertEquals(server.run("CLIENT", "KILL", "USER", "default", "LADDR", "1:1"), 0);
  assertEquals(
    errorText(server.run("CLIENT", "KILL", "ID", "0")),
    "ERR client-id should be greater than 0",
  );
  assertEquals(
    errorText(server.run("CLIENT", "KILL", "USER", "nobody")),
    "ERR No such user 'nobody'",
  );
  assertEquals(errorText(server.run("CLIENT", "KILL", "1.2.3.4:5")), "ERR No such client");
});

Deno.test("CLIENT REPLY OFF and SKIP drop replies, but no messages", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.send("CLIENT", "REPLY", "SKIP");
  client.send("PING");
  client.send("PING");
  assertEquals(client.takeRaw(), "+PONG\r\n");
  client.send("CLIENT", "REPLY", "OFF");
  client.send("PING");
  client.send("SUBSCRIBE", "news");
  server.run("PUBLISH", "news", "hello");
  assertEquals(client.take(), [["subscribe", "news", 1], ["message", "news", "hello"]]);
  client.send("UNSUBSCRIBE");
  client.takeRaw();
  assertEquals(client.run("CLIENT", "REPLY", "ON"), "OK");
});

Deno.test("CLIENT UNBLOCK ends a wait as a timeout or as an error", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  const { id } = client.client;
  client.send("BLPOP", "nokey", "0");
  assertEquals(server.run("CLIENT", "UNBLOCK", id), 1);
  assertEquals(client.takeRaw(), "*-1\r\n");
  client.send("BLPOP", "nokey", "0");
  assertEquals(server.run("CLIENT", "UNBLOCK", id, "ERROR"), 1);
  assertEquals(client.takeRaw(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
  assertEquals(server.run("CLIENT", "UNBLOCK", id), 0);
  assertEquals(
    errorText(server.run("CLIENT", "UNBLOCK", id, "x")),
    "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
  );
});

Deno.test("CLIENT UNBLOCK lets the requests that waited go on", async () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.send("BLPOP", "nokey", "0");
  client.send("PING");
  server.run("CLIENT", "UNBLOCK", client.client.id);
  await settle();
  assertEquals(client.takeRaw(), "*-1\r\n+PONG\r\n");
});

Deno.test("CLIENT NO-TOUCH leaves the access clock of keys alone", () => {
  using server = new EmbeddedServer([["maxmemory-policy", "allkeys-lfu"]]);
  // The frequency falls by itself when a minute begins.
  clock.setTimeForTests(1_700_000_000_000);
  server.run("SET", "key", "value");
  const frequency = () => Number(server.run("OBJECT", "FREQ", "key"));
  const before = frequency();
  const client = server.connect();
  assertEquals(client.run("CLIENT", "NO-TOUCH", "ON"), "OK");
  for (let i = 0; i < 2000; i++) client.run("GET", "key");
  assertEquals(frequency(), before);
  assertEquals(client.run("CLIENT", "NO-TOUCH", "OFF"), "OK");
  for (let i = 0; i < 2000; i++) client.run("GET", "key");
  assert(frequency() > before);
  clock.useRealTime();
});

Deno.test("RESET ends monitoring, tracking, subscriptions and the name", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.run("HELLO", "3");
  client.run("CLIENT", "SETNAME", "x");
  client.run("CLIENT", "TRACKING", "ON");
  client.send("SUBSCRIBE", "news");
  client.send("MONITOR");
  client.takeRaw();
  client.send("RESET");
  assert(client.takeRaw().startsWith("+RESET\r\n"));
  server.run("PUBLISH", "news", "x");
  assertEquals(client.takeRaw(), "");
  assertEquals(client.run("CLIENT", "GETNAME"), null);
  assertEquals(client.run("CLIENT", "GETREDIR"), -1);
  assertEquals(server.server.tracking.clientCount, 0);
});

Deno.test("CLIENT KILL MAXAGE closes those who came long ago", () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    using server = new EmbeddedServer();
    const old = server.connect();
    clock.setTimeForTests(1_700_000_010_000);
    const young = server.connect();
    assertEquals(young.run("CLIENT", "KILL", "MAXAGE", "11"), 0);
    assertEquals(young.run("CLIENT", "KILL", "MAXAGE", "10", "ID", String(old.client.id)), 1);
    assertEquals([old.isClosed, young.isClosed], [true, false]);
    for (
      const [age, error] of [
        ["x", "ERR maxage is not an integer or out of range"],
        ["0", "ERR maxage should be greater than 0"],
        ["-1", "ERR maxage should be greater than 0"],
      ]
    ) {
      assertEquals(young.raw("CLIENT", "KILL", "MAXAGE", age), `-${error}\r\n`);
    }
  } finally {
    clock.useRealTime();
  }
});

Deno.test("CLIENT MAINT_NOTIFICATIONS is unknown, or accepted where the directive says so", () => {
  const words = ["CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "none"];
  using server = new EmbeddedServer();
  assertEquals(
    server.raw(...words),
    "-ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.\r\n",
  );
  assertEquals(server.run("COMMAND", "INFO", "client|maint_notifications"), [null]);
  using accepting = new EmbeddedServer([["accept-maint-notifications", "yes"]]);
  assertEquals(accepting.run(...words), "OK");
  assertEquals(accepting.run("CLIENT", "maint_notifications", "off"), "OK");
  assertEquals(accepting.raw("CLIENT", "MAINT_NOTIFICATIONS", "x"), "-ERR syntax error\r\n");
});
