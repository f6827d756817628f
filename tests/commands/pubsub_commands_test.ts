/**
 * SUBSCRIBE and its kin, PUBLISH, PUBSUB, keyspace events.
 */

import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

Deno.test("SUBSCRIBE answers once for each channel, with the number of subscriptions", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.send("SUBSCRIBE", "a", "b", "a");
  client.send("PSUBSCRIBE", "p*");
  client.send("SSUBSCRIBE", "s");
  assertEquals(client.take(), [
    ["subscribe", "a", 1],
    ["subscribe", "b", 2],
    ["subscribe", "a", 2],
    ["psubscribe", "p*", 3],
    ["ssubscribe", "s", 1],
  ]);
  client.send("UNSUBSCRIBE", "nope");
  client.send("UNSUBSCRIBE");
  client.send("PUNSUBSCRIBE");
  client.send("SUNSUBSCRIBE");
  client.send("UNSUBSCRIBE");
  assertEquals(client.take(), [
    ["unsubscribe", "nope", 3],
    ["unsubscribe", "a", 2],
    ["unsubscribe", "b", 1],
    ["punsubscribe", "p*", 0],
    ["sunsubscribe", "s", 0],
    ["unsubscribe", null, 0],
  ]);
});

Deno.test("PUBLISH reaches channels and patterns, and counts the receivers", () => {
  using server = new EmbeddedServer();
  const exact = server.connect();
  const pattern = server.connect();
  exact.send("SUBSCRIBE", "news.sport");
  pattern.send("PSUBSCRIBE", "news.*", "*sport");
  exact.takeRaw();
  pattern.takeRaw();
  assertEquals(server.run("PUBLISH", "news.sport", "goal"), 3);
  assertEquals(exact.take(), [["message", "news.sport", "goal"]]);
  assertEquals(pattern.take(), [
    ["pmessage", "news.*", "news.sport", "goal"],
    ["pmessage", "*sport", "news.sport", "goal"],
  ]);
  assertEquals(server.run("PUBLISH", "other", "x"), 0);
});

Deno.test("messages are pushes in RESP3 and arrays in RESP2", () => {
  using server = new EmbeddedServer();
  const old = server.connect();
  const modern = server.connect();
  modern.run("HELLO", "3");
  old.raw("SUBSCRIBE", "c");
  assertEquals(
    modern.raw("SUBSCRIBE", "c"),
    ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n",
  );
  server.run("PUBLISH", "c", "m");
  const message = "3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n";
  assertEquals(old.takeRaw(), `*${message}`);
  assertEquals(modern.takeRaw(), `>${message}`);
});

Deno.test("shard channels are apart from channels", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.raw("SSUBSCRIBE", "c");
  assertEquals(server.run("PUBLISH", "c", "m"), 0);
  assertEquals(server.run("SPUBLISH", "c", "m"), 1);
  assertEquals(client.take(), [["smessage", "c", "m"]]);
  assertEquals(server.run("PUBSUB", "SHARDCHANNELS"), ["c"]);
  assertEquals(server.run("PUBSUB", "SHARDNUMSUB", "c", "d"), ["c", 1, "d", 0]);
  assertEquals(server.run("PUBSUB", "CHANNELS"), []);
});

Deno.test("a RESP2 subscriber may only subscribe, ping and leave", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.raw("SUBSCRIBE", "c");
  const refused = client.run("GET", "key");
  assert(refused instanceof RespError);
  assertEquals(
    refused.message,
    "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are " +
      "allowed in this context",
  );
  assertEquals(client.run("PING"), ["pong", ""]);
  assertEquals(client.run("PING", "x"), ["pong", "x"]);
});

Deno.test("a RESP3 subscriber publishing to itself gets the message before the reply", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.run("HELLO", "3");
  client.raw("SUBSCRIBE", "c");
  client.raw("PSUBSCRIBE", "c*");
  assertEquals(
    client.raw("PUBLISH", "c", "m"),
    ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n" +
      ">4\r\n$8\r\npmessage\r\n$2\r\nc*\r\n$1\r\nc\r\n$1\r\nm\r\n:2\r\n",
  );
});

Deno.test("a message to oneself within EXEC does not tear its answer apart", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.run("HELLO", "3");
  client.raw("SUBSCRIBE", "c");
  client.run("MULTI");
  client.run("PUBLISH", "c", "m");
  client.run("PING");
  assertEquals(
    client.raw("EXEC"),
    "*2\r\n:1\r\n+PONG\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n",
  );
});

Deno.test("SUBSCRIBE within a transaction answers in its place", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  for (let round = 0; round < 2; round++) {
    client.run("MULTI");
    client.run("SUBSCRIBE", "c");
    client.run("PING");
    assertEquals(client.run("EXEC"), [["subscribe", "c", 1], ["pong", ""]]);
    client.raw("UNSUBSCRIBE");
  }
});

Deno.test("PUBSUB tells about channels and subscribers", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.send("SUBSCRIBE", "abc", "abd", "x");
  client.send("PSUBSCRIBE", "p*", "q*");
  assertEquals(server.run("PUBSUB", "CHANNELS", "ab*"), ["abc", "abd"]);
  assertEquals(server.run("PUBSUB", "NUMSUB", "abc", "none"), ["abc", 1, "none", 0]);
  assertEquals(server.run("PUBSUB", "NUMSUB"), []);
  assertEquals(server.run("PUBSUB", "NUMPAT"), 2);
  client.close();
  assertEquals(server.run("PUBSUB", "CHANNELS"), []);
  assertEquals(server.run("PUBSUB", "NUMPAT"), 0);
});

Deno.test("channels may be any bytes", () => {
  using server = new EmbeddedServer();
  const channel = new Uint8Array([0, 255, 13, 10]);
  const client = server.connect();
  client.raw("SUBSCRIBE", channel);
  assertEquals(server.run("PUBLISH", channel, channel), 1);
  assertEquals(
    client.takeRaw(),
    "*3\r\n$7\r\nmessage\r\n$4\r\n\0\xff\r\n\r\n$4\r\n\0\xff\r\n\r\n",
  );
});

/** Events that commands cause, as "channel=message". */
function eventsOf(classes: string, ...commands: string[][]): string[] {
  using server = new EmbeddedServer([["notify-keyspace-events", classes]]);
  const listener = server.connect();
  listener.raw("PSUBSCRIBE", "__key*");
  for (const command of commands) server.run(...command);
  return listener.take().map((message) => {
    const [, , channel, content] = message as string[];
    return `${channel}=${content}`;
  });
}

Deno.test("keyspace events go to the channels and for the classes that are switched on", () => {
  assertEquals(eventsOf("KEA", ["SET", "a", "1", "EX", "9"], ["DEL", "a"]), [
    "__keyspace@0__:a=set",
    "__keyevent@0__:set=a",
    "__keyspace@0__:a=expire",
    "__keyevent@0__:expire=a",
    "__keyspace@0__:a=del",
    "__keyevent@0__:del=a",
  ]);
  assertEquals(eventsOf("Kg", ["SET", "a", "1"], ["DEL", "a"]), ["__keyspace@0__:a=del"]);
  assertEquals(eventsOf("E$", ["SET", "a", "1"], ["DEL", "a"]), ["__keyevent@0__:set=a"]);
  assertEquals(eventsOf("A", ["SET", "a", "1"]), []);
  assertEquals(eventsOf("", ["SET", "a", "1"]), []);
});

Deno.test("keyspace events have a class for each type, for new keys and for misses", () => {
  const commands = [
    ["RPUSH", "l", "1"],
    ["SADD", "s", "1"],
    ["HSET", "h", "f", "1"],
    ["ZADD", "z", "1", "m"],
    ["GET", "none"],
  ];
  assertEquals(eventsOf("El", ...commands), ["__keyevent@0__:rpush=l"]);
  assertEquals(eventsOf("Es", ...commands), ["__keyevent@0__:sadd=s"]);
  assertEquals(eventsOf("Eh", ...commands), ["__keyevent@0__:hset=h"]);
  assertEquals(eventsOf("Ez", ...commands), ["__keyevent@0__:zadd=z"]);
  assertEquals(eventsOf("Em", ...commands), ["__keyevent@0__:keymiss=none"]);
  assertEquals(
    eventsOf("En", ...commands),
    ["l", "s", "h", "z"].map((key) => `__keyevent@0__:new=${key}`),
  );
});
