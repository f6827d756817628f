/**
 * Keyspace events of Redis 8.2 that tell of replaced values: overwritten (o) and type_changed (c).
 * What is expected is what redis-server 8.2.3 published for the same commands.
 */
import { assertEquals } from "@std/assert";
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
