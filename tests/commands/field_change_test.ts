/** What a command changes of fields: counted, announced once, in step with the order of keys. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";

const START_MS = 1_700_000_000_000;

Deno.test("changes of one command are one event, and as many changes as fields", () => {
  clock.setTimeForTests(START_MS);
  try {
    using server = new EmbeddedServer();
    server.run("HSET", "h", "a", "1", "b", "2", "c", "3", "d", "4");
    const effects = new RecordedEffects(server);
    const counted = (...request: string[]) => {
      server.run(...request);
      return [effects.takeEvents().join(" "), effects.takeDirty()];
    };
    assertEquals(counted("HEXPIRE", "h", "9", "FIELDS", "3", "a", "b", "zz"), ["hexpire h", 2]);
    assertEquals(counted("HPERSIST", "h", "FIELDS", "3", "a", "b", "c"), ["hpersist h", 2]);
    assertEquals(counted("HPERSIST", "h", "FIELDS", "1", "a"), ["", 0]);
    assertEquals(counted("HGETEX", "h", "FIELDS", "1", "a"), ["", 0]);
    assertEquals(counted("HGETDEL", "h", "FIELDS", "2", "a", "zz"), ["hdel h", 1]);
    assertEquals(counted("HEXPIRE", "h", "0", "FIELDS", "3", "b", "c", "d"), ["hdel h del h", 3]);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("a field that had expired is recorded first, though others are changed before it", () => {
  clock.setTimeForTests(START_MS);
  try {
    using server = new EmbeddedServer();
    server.run("HSET", "h", "a", "1", "b", "2");
    server.run("HPEXPIREAT", "h", START_MS + 5, "FIELDS", 1, "b");
    clock.advanceForTests(100);
    const effects = new RecordedEffects(server);
    assertEquals(server.run("HGETDEL", "h", "FIELDS", 2, "a", "b"), ["1", null]);
    assertEquals(effects.takeLog(), ["HDEL h b", "HDEL h a b"]);
    assertEquals(server.run("EXISTS", "h"), 0);
    assertEquals(server.server.keyspace.databases[0].expiryOrder.count, 0);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("while loading, a time that has passed is set, and removes nothing", () => {
  using server = new EmbeddedServer();
  const { keyspace } = server.server;
  server.run("HSET", "h", "a", "1", "b", "2");
  keyspace.isLoading = true;
  assertEquals(server.run("HPEXPIREAT", "h", 0, "FIELDS", 1, "a"), [1]);
  assertEquals(server.run("HSETEX", "h", "PXAT", 5, "FIELDS", 1, "b", "3"), 1);
  assertEquals(server.run("HMGET", "h", "a", "b"), ["1", "3"]);
  keyspace.isLoading = false;
  assertEquals(server.run("HMGET", "h", "a", "b"), [null, null]);
});
