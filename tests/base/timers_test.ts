/** Timers: order, one timer of the runtime, a loop that drives them. */
import { assert, assertEquals } from "@std/assert";
import { Timers } from "../../src/base/timers.ts";
import { FakeTimer } from "../support/fake_timer.ts";

function setUp() {
  const runtime = new FakeTimer();
  const timers = new Timers(runtime);
  const events: string[] = [];
  const create = (name: string) => timers.create(() => events.push(`${name} ${runtime.timeMs}`));
  return { runtime, timers, events, create };
}

Deno.test("tasks run at their moments, the earliest first, each once", () => {
  const { runtime, events, create } = setUp();
  create("b").start(20);
  create("a").start(10);
  create("c").start(20);
  runtime.advance(9);
  assertEquals(events, []);
  runtime.advance(1000);
  assertEquals(events, ["a 1010", "b 1020", "c 1020"]);
  assertEquals(runtime.dueMs, null);
});

Deno.test("the runtime has one timer, set anew only for an earlier deadline", () => {
  const { runtime, create } = setUp();
  create("a").start(50);
  create("b").start(80);
  create("c").start(30);
  assertEquals(runtime.delaysMs, [50, 30]);
  runtime.advance(30);
  assertEquals(runtime.delaysMs, [50, 30, 20]);
});

Deno.test("a timer that is started again runs at the new moment only", () => {
  const { runtime, events, create } = setUp();
  const timer = create("a");
  timer.start(10);
  timer.start(30);
  assertEquals(timer.isRunning, true);
  runtime.advance(29);
  assertEquals(events, []);
  runtime.advance(1);
  assertEquals([events, timer.isRunning], [["a 1030"], false]);
});

Deno.test("a stopped timer does not run; with the last one the runtime's stops", () => {
  const { runtime, events, create } = setUp();
  const [one, other] = [create("one"), create("other")];
  one.start(10);
  other.start(20);
  one.stop();
  one.stop();
  runtime.advance(15);
  assertEquals(events, []);
  other.stop();
  assertEquals([runtime.dueMs, one.isRunning], [null, false]);
});

Deno.test("fractions of a millisecond are waited for: never early, never in circles", () => {
  const { runtime, events, create } = setUp();
  create("a").start(0.25);
  assertEquals(runtime.delaysMs, [1]);
  // The runtime's timer may be early by its own rounding.
  runtime.dueMs = 1000.125;
  runtime.advance(0.125);
  assertEquals([events, runtime.delaysMs], [[], [1, 1]]);
  runtime.advance(1);
  assertEquals(events, ["a 1001.125"]);
});

Deno.test("a deadline that has passed is due at once, one beyond the runtime's limit is kept", () => {
  const { runtime, events, create } = setUp();
  create("past").start(-5);
  runtime.advance(0);
  create("month").start(2 ** 32);
  assertEquals(runtime.delaysMs.at(-1), 2 ** 31 - 1);
  runtime.advance(2 ** 32 - 1);
  assertEquals(events, ["past 1000"]);
  runtime.advance(1);
  assertEquals(events, ["past 1000", "month 4294968296"]);
});

Deno.test("what a task starts waits for the next round, even with no delay", () => {
  const { runtime, timers, events } = setUp();
  let rounds = 0;
  const again = timers.create(() => {
    events.push(`again ${++rounds}`);
    if (rounds < 3) again.start(0);
  });
  again.start(0);
  for (let round = 1; round <= 3; round++) {
    timers.runDue(runtime.timeMs);
    assertEquals(events.length, round);
  }
  assertEquals(timers.nextDeadlineMs, Infinity);
});

Deno.test("a task may stop one that is due behind it", () => {
  const { runtime, timers, events, create } = setUp();
  const second = create("second");
  timers.create(() => second.stop()).start(5);
  second.start(5);
  runtime.advance(10);
  assertEquals(events, []);
});

Deno.test("a loop that drives the timers asks how long to wait; the runtime's timer stays off", () => {
  const { runtime, timers, events, create } = setUp();
  create("before").start(10);
  timers.isDriven = true;
  assertEquals(runtime.dueMs, null);
  create("a").start(4.5);
  assertEquals([runtime.dueMs, timers.waitMs, timers.nextDeadlineMs], [null, 5, 1004.5]);
  runtime.timeMs = 1006;
  assertEquals(timers.waitMs, 0);
  timers.runDue(runtime.nowMs());
  assertEquals([events, timers.waitMs, runtime.dueMs], [["a 1006"], 4, null]);
  timers.isDriven = false;
  assertEquals(runtime.dueMs, 1010);
  runtime.advance(4);
  assertEquals([events, timers.waitMs], [["a 1006", "before 1010"], Infinity]);
});

Deno.test("after a task that throws the others still run", () => {
  const { runtime, timers, events, create } = setUp();
  timers.create(() => {
    throw new Error("a mistake");
  }).start(1);
  create("next").start(2);
  let message = "";
  try {
    runtime.advance(1);
  } catch (error) {
    message = (error as Error).message;
  }
  assertEquals(message, "a mistake");
  runtime.advance(1);
  assertEquals(events, ["next 1002"]);
});

Deno.test("over the runtime's clock: sleeping, in order, not before the time", async () => {
  const timers = new Timers();
  const order: string[] = [];
  const startMs = performance.now();
  const sleep = async (ms: number) => {
    await timers.sleep(ms);
    assert(performance.now() - startMs >= ms);
    order.push(`${ms}`);
  };
  await Promise.all([sleep(12), sleep(3), sleep(0)]);
  assertEquals(order, ["0", "3", "12"]);
});
