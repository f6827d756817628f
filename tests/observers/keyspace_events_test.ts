/**
 * Keyspace events of Redis 8.2 that tell of replaced values: overwritten (o) and type_changed (c).
 * What is expected is what redis-server 8.2.3 published for the same commands.
 */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Plain } from "../support/resp_reply.ts";

/** Commands, and the events of their keys, those of classes o and c marked by a capital. */
const COMMANDS: readonly [command: string, events: string][] = [
  ["SET s 1", "set"],
  ["SET s 2", "Overwritten set"],
  ["SET s 3 KEEPTTL", "Overwritten set"],
  ["GETSET s 4", "Overwritten set"],
  ["SETEX s 100 5", "Overwritten set expire"],
  ["PSETEX s 100000 5", "Overwritten set expire"],
  ["SET s 1 NX", ""],
  ["APPEND s 1", "append"],
  ["SETRANGE s 0 1", "setrange"],
  ["INCR s", "incrby"],
  ["INCRBYFLOAT s 1", "incrbyfloat"],
  ["SETBIT s 1 1", "setbit"],
  ["LPUSH l a", "lpush"],
  ["SET l 1", "Overwritten Type_changed set"],
  ["MSET l 2 n 1", "Overwritten set set"],
  ["BITOP OR n s", "Overwritten set"],
  ["SADD t a", "sadd"],
  ["SUNIONSTORE l t", "Overwritten Type_changed sunionstore"],
  ["SUNIONSTORE l t", "Overwritten sunionstore"],
  ["SORT t ALPHA STORE l", "Overwritten Type_changed sortstore"],
  ["ZADD z 1 a", "zadd"],
  ["ZUNIONSTORE l 1 z", "Overwritten Type_changed zunionstore"],
  ["SDIFFSTORE l none", "del"],
  ["RENAME z t", "rename_from rename_to Overwritten Type_changed"],
  ["COPY t s REPLACE", "copy_to Overwritten Type_changed"],
  ["COPY t s2", "copy_to"],
];

function eventsOf(classes: string, isShown: (event: string) => boolean): void {
  using server = new EmbeddedServer([["notify-keyspace-events", classes]]);
  const listener = server.connect();
  listener.run("PSUBSCRIBE", "__keyevent@0__:*");
  for (const [command, events] of COMMANDS) {
    server.run(...command.split(" "));
    const heard = listener.take().map((message) => {
      return String((message as Plain[])[2]).replace("__keyevent@0__:", "");
    });
    const expected = events.split(" ").filter((event) => event !== "" && isShown(event))
      .map((event) => event.toLowerCase());
    assertEquals(heard, expected, `${classes}: ${command}`);
  }
}

Deno.test("overwritten and type_changed are published if they are asked for", () => {
  eventsOf("EAoc", () => true);
  eventsOf("EA", (event) => !/^[A-Z]/.test(event));
  eventsOf("Eo", (event) => event === "Overwritten");
  eventsOf("Ec", (event) => event === "Type_changed");
});

Deno.test("CONFIG GET shows the classes o and c as Redis does", () => {
  using server = new EmbeddedServer();
  for (
    const [set, shown] of [["Koc", "ocK"], ["nocm", "nocm"], ["Aocnm", "Am"], ["KEA", "AKE"]]
  ) {
    server.run("CONFIG", "SET", "notify-keyspace-events", set);
    assertEquals(server.run("CONFIG", "GET", "notify-keyspace-events"), [
      "notify-keyspace-events",
      shown,
    ]);
  }
});

/** Commands about fields, and which fields their events name; "" where nothing changes. */
const FIELD_COMMANDS: readonly [command: string, events: readonly string[]][] = [
  ["HSET h a 1 bb 2", ["hset|1:a,2:bb"]],
  ["HMSET h c 3", ["hset|1:c"]],
  ["HSETNX h d 4", ["hset|1:d"]],
  ["HSETNX h d 5", []],
  ["HINCRBY h a 1", ["hincrby|1:a"]],
  ["HINCRBYFLOAT h a 1.5", ["hincrbyfloat|1:a"]],
  ["HEXPIRE h 100 FIELDS 3 a none bb", ["hexpire|1:a,2:bb"]],
  ["HPERSIST h FIELDS 2 bb c", ["hpersist|2:bb"]],
  ["HSETEX h EX 100 FIELDS 2 e 1 f 2", ["hset|1:e,1:f", "hexpire|1:e,1:f"]],
  ["HSETEX h FNX EX 100 FIELDS 2 e 1 g 2", []],
  ["HGETEX h PERSIST FIELDS 2 e none", ["hpersist|1:e"]],
  ["HGETEX h FIELDS 1 e", []],
  ["HGETDEL h FIELDS 2 e none", ["hdel|1:e"]],
  ["HEXPIRE h 0 FIELDS 2 f none", ["hdel|1:f"]],
  ["HDEL h d none c", ["hdel|1:d,1:c"]],
  ["HDEL h none", []],
  ["SET s v", []],
  ["DEL h", []],
];

Deno.test("events of fields name those that have changed", () => {
  using server = new EmbeddedServer([["notify-keyspace-events", "hS"]]);
  const listener = server.connect();
  listener.run("PSUBSCRIBE", "*");
  for (const [command, events] of FIELD_COMMANDS) {
    server.run(...command.split(" "));
    const heard = (listener.take() as Plain[][]).map((message) => message.slice(2));
    assertEquals(heard, events.map((event) => ["__subkeyspace@0__:h", event]), command);
  }
});

Deno.test("fields that expire are named by the event of their expiry", () => {
  using server = new EmbeddedServer([
    ["notify-keyspace-events", "hST"],
    ["enable-debug-command", "yes"],
  ]);
  const listener = server.connect();
  server.run("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  server.run(..."HSET h a 1 b 2 c 3 d 4".split(" "));
  const expiryMs = clock.nowMs() + 5000;
  server.run("HPEXPIREAT", "h", expiryMs, "FIELDS", "3", "a", "b", "c");
  listener.run("PSUBSCRIBE", "*");
  try {
    clock.setTimeForTests(expiryMs + 1);
    assertEquals(server.run("HGET", "h", "a"), null);
    assertEquals(server.run("HMGET", "h", "b", "c", "d"), [null, null, "4"]);
  } finally {
    clock.useRealTime();
  }
  assertEquals((listener.take() as Plain[][]).map((message) => message.slice(2)), [
    ["__subkeyspace@0__:h", "hexpired|1:a"],
    ["__subkeyevent@0__:hexpired", "1:h|1:a"],
    ["__subkeyspace@0__:h", "hexpired|1:b,1:c"],
    ["__subkeyevent@0__:hexpired", "1:h|1:b,1:c"],
  ]);
});

const FIELD_CHANNELS: readonly [classes: string, messages: string[][]][] = [
  ["hS", [["__subkeyspace@0__:key", "hset|3:one,1:2"]]],
  ["hT", [["__subkeyevent@0__:hset", "3:key|3:one,1:2"]]],
  ["hI", [["__subkeyspaceitem@0__:key\none", "hset"], ["__subkeyspaceitem@0__:key\n2", "hset"]]],
  ["hV", [["__subkeyspaceevent@0__:hset|key", "3:one,1:2"]]],
  // Each kind of channel is asked for by itself, and only with the class of hashes.
  ["S", []],
  ["KEA", [["__keyspace@0__:key", "hset"], ["__keyevent@0__:hset", "key"]]],
  ["EAV", [["__keyevent@0__:hset", "key"], ["__subkeyspaceevent@0__:hset|key", "3:one,1:2"]]],
];

Deno.test("each of the four channels of fields is switched on by its letter", () => {
  for (const [classes, messages] of FIELD_CHANNELS) {
    using server = new EmbeddedServer([["notify-keyspace-events", classes]]);
    const listener = server.connect();
    listener.run("PSUBSCRIBE", "*");
    server.run("HSET", "key", "one", "1", "2", "2");
    const heard = (listener.take() as Plain[][]).map((message) => message.slice(2));
    assertEquals(heard, messages, classes);
  }
});

Deno.test("CONFIG GET and REWRITE keep the letters of fields", () => {
  using server = new EmbeddedServer();
  server.run("CONFIG", "SET", "notify-keyspace-events", "VSTIhK");
  assertEquals(server.run("CONFIG", "GET", "notify-keyspace-events"), [
    "notify-keyspace-events",
    "hKSTIV",
  ]);
});

Deno.test("channels have whole names, short after long ones, and those of their database", () => {
  using server = new EmbeddedServer([["notify-keyspace-events", "KEA"]]);
  const listener = server.connect();
  listener.run("PSUBSCRIBE", "*");
  for (const length of [300, 1, 241, 242, 257, 0, 70_000, 3]) {
    for (const database of ["3", "0", "12"]) {
      const key = "k".repeat(length);
      server.run("SELECT", database);
      server.run("SET", key, "1");
      server.run("DEL", key);
      const heard = (listener.take() as Plain[][]).map((message) => message.slice(2));
      assertEquals(heard, [
        [`__keyspace@${database}__:${key}`, "set"],
        [`__keyevent@${database}__:set`, key],
        [`__keyspace@${database}__:${key}`, "del"],
        [`__keyevent@${database}__:del`, key],
      ]);
    }
  }
});
