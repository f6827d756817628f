/** Cron: its pace. What it does is tested with those who do it. */
import { assertEquals } from "@std/assert";
import { Timers } from "../../src/base/timers.ts";
import { Cron } from "../../src/server/cron.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { FakeTimer } from "../support/fake_timer.ts";

Deno.test("cron keeps its pace although ticks are late, CONFIG SET hz changes it", () => {
  const runtime = new FakeTimer();
  using server = new EmbeddedServer([], { timers: new Timers(runtime) });
  const cron = new Cron(server.server);
  cron.start();
  runtime.advance(99);
  assertEquals(cron.ticks, 0);
  runtime.advance(1);
  assertEquals([cron.ticks, runtime.dueMs], [1, 1200]);
  // The loop was held up: this tick is 70 ms late, the next one is not.
  runtime.timeMs = 1270;
  runtime.advance(0);
  assertEquals([cron.ticks, runtime.dueMs], [2, 1300]);
  // Ticks that were missed altogether are not made up for.
  runtime.timeMs = 5000;
  runtime.advance(0);
  assertEquals([cron.ticks, runtime.dueMs], [3, 5100]);
  server.run("CONFIG", "SET", "hz", "50");
  runtime.advance(140);
  assertEquals([cron.ticks, runtime.dueMs], [6, 5160]);
  cron.stop();
  assertEquals(runtime.dueMs, null);
});
