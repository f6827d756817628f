/** Cron: its pace. What it does is tested with those who do it. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
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

/** Ticks within so many ms. */
function ticksWithin(
  { cron, runtime }: { cron: Cron; runtime: FakeTimer },
  durationMs: number,
): number {
  const before = cron.ticks;
  runtime.advance(durationMs);
  return cron.ticks - before;
}

Deno.test("a server that nobody needs ticks less often, until somebody comes", () => {
  const runtime = new FakeTimer();
  using server = new EmbeddedServer([], { timers: new Timers(runtime) });
  const host = server.server;
  const { client } = server.client;
  const cron = new Cron(host);
  host.clientLife.onFirst = () => cron.wake();
  cron.start();
  const within = (durationMs: number) => ticksWithin({ cron, runtime }, durationMs);
  host.clients.delete(client.id);
  assertEquals(within(5000), 50);
  within(1000);
  assertEquals(within(10_000), 20);
  // Whatever there is to see must be there in time.
  server.run("SET", "k", "v", "EX", "100");
  within(500);
  assertEquals(within(10_000), 100);
  server.run("PERSIST", "k");
  within(6000);
  assertEquals(within(10_000), 20);
  // In the middle of a long pause.
  within(250);
  const another = host.clientLife.add(client.transport);
  assertEquals(within(1000), 10);
  host.clientLife.remove(another);
  assertEquals(within(5000), 50);
  cron.stop();
});

Deno.test("what is done once a second is done although the clock was set back", () => {
  const HOUR_MS = 3_600_000;
  clock.setTimeForTests(1_700_000_000_000);
  try {
    using server = new EmbeddedServer();
    const { memoryReturn, masterLink } = server.server;
    let count = 0;
    memoryReturn.tick = () => void count++;
    masterLink.tick = () => void count++;
    server.server.runCron();
    assertEquals(count, 2);
    clock.advanceForTests(-HOUR_MS);
    server.server.runCron();
    assertEquals(count, 4);
    clock.advanceForTests(500);
    server.server.runCron();
    assertEquals(count, 4);
    clock.advanceForTests(500);
    server.server.runCron();
    assertEquals(count, 6);
  } finally {
    clock.useRealTime();
  }
});
