/**
 * Active defragmentation: when a pass begins, how much of the time it gets, what INFO tells of it,
 * and that the server sees it through by itself.
 */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Timers } from "../../src/base/timers.ts";
import type { ServerOptions } from "../../src/server/server.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { FakeTimer } from "../support/fake_timer.ts";

type Directives = readonly (readonly [string, string])[];

const LOWEST: Directives = [
  ["activedefrag", "yes"],
  ["active-defrag-ignore-bytes", "1mb"],
];

/** A server with `mebibytes` of keys, of which all but one in `keptOneIn` were deleted again. */
function fragmentedServer(
  mebibytes: number,
  directives: Directives = [],
  keptOneIn = 10,
  options: Partial<ServerOptions> = {},
): EmbeddedServer {
  const server = new EmbeddedServer(directives, options);
  const value = "v".repeat(4000);
  for (let key = 0; key < mebibytes * 250; key++) server.run("SET", `key:${key}`, value);
  for (let key = 0; key < mebibytes * 250; key++) {
    if (key % keptOneIn !== 0) server.run("DEL", `key:${key}`);
  }
  server.server.arena.trim();
  return server;
}

function infoField(server: EmbeddedServer, section: string, name: string): number {
  const text = String(server.run("INFO", section));
  return Number(new RegExp(`^${name}:(.*)\\r$`, "m").exec(text)![1]);
}

/** Lets timers run until the pass is over. */
async function waitForPass({ server: { activeDefrag } }: EmbeddedServer): Promise<void> {
  while (activeDefrag.defragmentation.isRunning) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test("beyond 1.3 memory is defragmented by itself, to its end, though activedefrag is no", async () => {
  using server = fragmentedServer(24);
  const before = infoField(server, "memory", "allocator_frag_ratio");
  assert(before > 5);
  assertEquals(server.run("CONFIG", "GET", "activedefrag"), ["activedefrag", "no"]);
  assertEquals(infoField(server, "memory", "active_defrag_running"), 0);
  server.server.activeDefrag.tick();
  assertEquals(infoField(server, "memory", "active_defrag_running"), 25);
  await waitForPass(server);
  assertEquals(infoField(server, "memory", "active_defrag_running"), 0);
  assert(infoField(server, "memory", "allocator_frag_ratio") < before / 2);
  const keys = Number(server.run("DBSIZE"));
  assertEquals(
    infoField(server, "stats", "active_defrag_key_hits") +
      infoField(server, "stats", "active_defrag_key_misses"),
    keys,
  );
  const hits = infoField(server, "stats", "active_defrag_hits");
  const misses = infoField(server, "stats", "active_defrag_misses");
  assert(hits > keys / 2 && hits + misses >= keys);
  assertEquals(infoField(server, "stats", "current_active_defrag_time"), 0);
  server.run("CONFIG", "RESETSTAT");
  assertEquals(infoField(server, "stats", "active_defrag_hits"), 0);
  assertEquals(infoField(server, "stats", "total_active_defrag_time"), 0);
  for (let key = 0; key < 24 * 250; key += 10) {
    assertEquals(server.run("STRLEN", `key:${key}`), 4000);
  }
});

Deno.test("a slice is followed by the pause that its share of the time asks for", () => {
  const runtime = new FakeTimer();
  const directives: Directives = [...LOWEST, ["active-defrag-cycle-min", "20"]];
  using server = fragmentedServer(24, directives, 10, { timers: new Timers(runtime) });
  const { activeDefrag } = server.server;
  const pauses: number[] = [];
  const nextPause = () => runtime.dueMs! - runtime.timeMs;
  clock.setTimeForTests(clock.nowMs());
  try {
    // A slice that takes two milliseconds and never comes to an end.
    activeDefrag.defragmentation.step = () => clock.advanceForTests(2);
    for (const cycleMax of [80, 25, 20]) {
      server.run("CONFIG", "SET", "active-defrag-cycle-max", String(cycleMax));
      activeDefrag.tick();
      assertEquals(activeDefrag.runningPercent, cycleMax);
      pauses.push(nextPause());
      runtime.advance(nextPause());
    }
    pauses.push(nextPause());
    // At once; then of 100 parts of the time 80, 25 and 20. No pause is shorter than a timer's.
    assertEquals(pauses, [0, 1, 6, 8]);
    assertEquals(activeDefrag.usedUs, 6000);
  } finally {
    clock.useRealTime();
    activeDefrag.stop();
  }
});

Deno.test("a busy server gives a pass that nobody asked for the smallest share", () => {
  using server = fragmentedServer(24);
  const { statistics, activeDefrag } = server.server;
  // Two samples of the rate, of many commands each.
  for (let sample = 1; sample <= 20; sample++) {
    statistics.commandRate.sample(sample * 100_000, 1000 * sample);
  }
  activeDefrag.tick();
  assertEquals(activeDefrag.runningPercent, 1);
  activeDefrag.stop();
});

Deno.test("active-defrag-threshold-auto 0 leaves everything where it is", () => {
  using server = fragmentedServer(24, [["active-defrag-threshold-auto", "0"]]);
  server.server.activeDefrag.tick();
  assert(!server.server.activeDefrag.defragmentation.isRunning);
});

Deno.test("little memory is not worth a pass, unless activedefrag asks for it", () => {
  using server = fragmentedServer(5);
  const { activeDefrag } = server.server;
  activeDefrag.tick();
  assert(!activeDefrag.defragmentation.isRunning);
  for (const [name, text] of LOWEST) server.run("CONFIG", "SET", name, text);
  activeDefrag.tick();
  assertEquals(activeDefrag.runningPercent, 25);
  activeDefrag.stop();
});

Deno.test("activedefrag yes keeps to its thresholds", () => {
  const auto: Directives = [["active-defrag-threshold-auto", "0"]];
  using server = fragmentedServer(12, [...LOWEST, ...auto], 3);
  const { activeDefrag } = server.server;
  server.run("CONFIG", "SET", "active-defrag-ignore-bytes", "100mb");
  activeDefrag.tick();
  assertEquals(activeDefrag.runningPercent, 0);
  server.run("CONFIG", "SET", "active-defrag-ignore-bytes", "1mb");
  server.run("CONFIG", "SET", "active-defrag-threshold-upper", "1000");
  server.run("CONFIG", "SET", "active-defrag-threshold-lower", "1000");
  activeDefrag.tick();
  assertEquals(activeDefrag.runningPercent, 0);
  server.run("CONFIG", "SET", "active-defrag-threshold-lower", "10");
  activeDefrag.tick();
  // Some hundred percent: between the two shares.
  assert(activeDefrag.runningPercent > 1 && activeDefrag.runningPercent < 25);
  server.run("CONFIG", "SET", "activedefrag", "no");
  activeDefrag.tick();
  assertEquals(activeDefrag.runningPercent, 0);
});

Deno.test("a pass is not begun while a frozen image exists", () => {
  using server = fragmentedServer(24);
  const { activeDefrag, fork } = server.server;
  fork.freeze();
  activeDefrag.tick();
  assert(!activeDefrag.defragmentation.isRunning);
  fork.release();
  activeDefrag.tick();
  assert(activeDefrag.defragmentation.isRunning);
  activeDefrag.stop();
});

Deno.test("active-defrag-max-scan-fields reaches the walk", () => {
  using server = new EmbeddedServer([["active-defrag-max-scan-fields", "7"]]);
  assertEquals(server.server.activeDefrag.defragmentation.scanFieldsMax, 7);
  server.run("CONFIG", "SET", "active-defrag-max-scan-fields", "9");
  assertEquals(server.server.activeDefrag.defragmentation.scanFieldsMax, 9);
});

Deno.test("MEMORY PURGE empties buffers that are hardly used, in slices", async () => {
  using server = new EmbeddedServer([["active-defrag-threshold-auto", "0"]]);
  const { arena } = server.server;
  // Every fourth segment stays in use, so that no buffer is idle as a whole.
  const value = "v".repeat(200_000);
  for (let key = 0; key < 400; key++) server.run("SET", `key:${key}`, value);
  for (let key = 0; key < 400; key++) if (key % 4 !== 0) server.run("DEL", `key:${key}`);
  arena.closeEmptySlabs();
  const before = arena.statistics();
  assertEquals(server.run("MEMORY", "PURGE"), "OK");
  assertEquals(server.server.activeDefrag.defragmentation.isRunning, true);
  // Asked for by hand, so the configuration does not end it.
  server.server.activeDefrag.tick();
  await waitForPass(server);
  const after = arena.statistics();
  assertEquals(after.segmentBytes, before.segmentBytes);
  assert(after.reservedBytes < before.reservedBytes * 0.6);
  for (let key = 0; key < 400; key += 4) assertEquals(server.run("GET", `key:${key}`), value);
});
