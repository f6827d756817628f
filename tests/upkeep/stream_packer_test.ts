/**
 * The stream packer: that a server packs its long streams by itself, and what share of the time
 * that gets.
 */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Timers } from "../../src/base/timers.ts";
import type { ServerOptions } from "../../src/server/server.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { FakeTimer } from "../support/fake_timer.ts";

function serverWithStream(options: Partial<ServerOptions> = {}): EmbeddedServer {
  const server = new EmbeddedServer([], options);
  for (let i = 0; i < 3000; i++) {
    server.run("XADD", "s", `1-${i + 1}`, "name", `somebody ${i % 50}`, "city", "somewhere");
  }
  return server;
}

Deno.test("a long stream takes less when timers have run for a while", async () => {
  using server = serverWithStream();
  const { arena, streamPacker, keyspace } = server.server;
  const before = arena.usedBytes;
  const digest = server.run("DUMP", "s");
  assertEquals(keyspace.streams.size, 1);
  streamPacker.tick();
  assertEquals(arena.usedBytes, before);
  while (streamPacker.packing.isRunning || keyspace.streams.size > 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert(arena.usedBytes < before * 0.7, `${arena.usedBytes} of ${before}`);
  assertEquals(server.run("DUMP", "s"), digest);
  assertEquals(server.run("XLEN", "s"), 3000);
  // Nothing is left to do.
  streamPacker.tick();
  streamPacker.stop();
});

Deno.test("cron begins it", () => {
  const runtime = new FakeTimer();
  using server = serverWithStream({ timers: new Timers(runtime) });
  const before = server.server.arena.usedBytes;
  server.server.runCron();
  runtime.advance(5000);
  assert(server.server.arena.usedBytes < before * 0.7);
  server.server.streamPacker.stop();
});

for (const [load, pause] of [["idle", 6], ["busy", 38]] as const) {
  Deno.test(`a server that is ${load} pauses between slices`, () => {
    const runtime = new FakeTimer();
    using server = serverWithStream({ timers: new Timers(runtime) });
    const { streamPacker, statistics } = server.server;
    for (let sample = 1; sample <= 20 && load === "busy"; sample++) {
      statistics.commandRate.sample(sample * 100_000, 1000 * sample);
    }
    clock.setTimeForTests(clock.nowMs());
    try {
      // A slice that takes two milliseconds and never comes to an end.
      streamPacker.packing.step = () => {
        clock.advanceForTests(2);
        return true;
      };
      streamPacker.tick();
      assertEquals(runtime.dueMs, runtime.timeMs);
      runtime.advance(0);
      assertEquals(runtime.dueMs! - runtime.timeMs, pause);
    } finally {
      clock.useRealTime();
      streamPacker.stop();
    }
    assertEquals(runtime.dueMs, null);
  });
}

Deno.test("it waits for an image to go, and for DEBUG PAUSE-CRON to end", () => {
  const runtime = new FakeTimer();
  using server = serverWithStream({ timers: new Timers(runtime) });
  const { arena, fork, process, streamPacker } = server.server;
  const before = arena.usedBytes;
  fork.freeze();
  streamPacker.tick();
  assertEquals(runtime.dueMs, null);
  fork.release();
  streamPacker.tick();
  process.isCronPaused = true;
  runtime.advance(5000);
  assertEquals(arena.usedBytes, before);
  process.isCronPaused = false;
  streamPacker.tick();
  fork.freeze();
  runtime.advance(5000);
  fork.release();
  assertEquals(arena.usedBytes, before);
  streamPacker.tick();
  runtime.advance(5000);
  assert(arena.usedBytes < before * 0.7);
});
