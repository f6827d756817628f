/** Who hears of changes of keys. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import * as clock from "../../src/base/clock.ts";

Deno.test("a key that expires by itself is recorded as its deletion, in a unit of its own", () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    using server = new EmbeddedServer();
    const effects = new RecordedEffects(server);
    server.run("SET", "key", "value", "PX", "10");
    effects.takeLog();
    clock.setTimeForTests(1_700_000_000_011);
    server.server.expireCycle.run("slow");
    assertEquals(effects.takeLog(), ["DEL key"]);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("a change voids the watches of its key alone, FLUSHDB those of its database", () => {
  using server = new EmbeddedServer();
  const watching = server.connect();
  const outcome = (change: string[]): unknown => {
    watching.run("WATCH", "key");
    watching.run("MULTI");
    server.run(...change);
    return watching.run("EXEC");
  };
  server.run("SET", "key", "1");
  assertEquals(outcome(["SET", "other", "1"]), []);
  assertEquals(outcome(["SET", "key", "2"]), null);
  assertEquals(outcome(["FLUSHDB"]), null);
});
