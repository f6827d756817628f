/** Turn: durable first, then one write for each client. */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Statistics } from "../../src/statistics/statistics.ts";
import { Timers } from "../../src/base/timers.ts";
import { type Flushable, Turn } from "../../src/execution/turn.ts";
import { delay } from "../support/text.ts";

class Recorder {
  readonly events: string[] = [];
  isDurable = true;
  readonly turn = new Turn(new Statistics(), new Timers(), () => {
    this.events.push("durable");
    return this.isDurable;
  });

  readonly client = (name: string, onFlush = () => {}): Flushable => {
    return {
      flush: () => {
        this.events.push(name);
        onFlush();
      },
    };
  };

  take(): string[] {
    return this.events.splice(0);
  }
}

Deno.test("a client counts as the only one after some turns alone, until another one comes", () => {
  const { turn, client } = new Recorder();
  const [one, other] = [client("one"), client("other")];
  const serve = (...clients: Flushable[]) => {
    for (const each of clients) turn.add(each);
    turn.end();
    return turn.servesOne;
  };
  assertEquals(Array.from({ length: 9 }, () => serve(one)), [...Array(8).fill(false), true]);
  // A turn in which nobody had anything tells nothing.
  assertEquals([serve(), serve(one)], [true, true]);
  assertEquals([serve(other), serve(one), serve(one)], [false, false, false]);
  for (let turns = 0; turns < 20; turns++) serve(one);
  assertEquals([turn.servesOne, serve(one, other)], [true, false]);
});

Deno.test("replies leave in order behind what makes them durable, when the handlers are done", async () => {
  const recorder = new Recorder();
  recorder.turn.add(recorder.client("a"));
  queueMicrotask(() => recorder.events.push("handler before"));
  recorder.turn.add(recorder.client("b"));
  assertEquals(recorder.take(), []);
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(recorder.take(), ["durable", "a", "b", "handler before"]);
});

Deno.test("while the log is not durable nothing leaves; the end that comes later sends it all", () => {
  const recorder = new Recorder();
  recorder.isDurable = false;
  recorder.turn.add(recorder.client("a"));
  recorder.turn.end();
  recorder.turn.add(recorder.client("b"));
  recorder.turn.end();
  assertEquals(recorder.take(), ["durable", "durable"]);
  recorder.isDurable = true;
  recorder.turn.end();
  assertEquals(recorder.take(), ["durable", "a", "b"]);
  recorder.turn.end();
  assertEquals(recorder.take(), ["durable"]);
});

Deno.test("output that a flush brings about belongs to the next turn", async () => {
  const recorder = new Recorder();
  const { turn } = recorder;
  turn.add(recorder.client("a", () => turn.add(recorder.client("later"))));
  turn.add(recorder.client("b"));
  turn.end();
  assertEquals(recorder.take(), ["durable", "a", "b"]);
  await delay(0);
  assertEquals(recorder.take().slice(-2), ["durable", "later"]);
});

Deno.test("whatever an end of a turn asks for, no other end follows before the next events", async () => {
  let ends = 0;
  let flushes = 0;
  const insistent: Flushable = {
    flush() {
      flushes++;
      if (ends === 4) return;
      turn.add(insistent);
      turn.schedule();
      turn.open();
    },
  };
  const turn = new Turn(new Statistics(), new Timers(), () => {
    ends++;
    assert(ends <= 4, "ends follow from each other");
    turn.schedule();
    return true;
  });
  turn.add(insistent);
  for (let events = 1; events <= 4; events++) {
    for (let microtask = 0; microtask < 100; microtask++) await Promise.resolve();
    assertEquals([ends, flushes], [events, events]);
    await delay(0);
  }
});

Deno.test("what waits for the events runs in the order of the calls, once, and not in this turn", async () => {
  const { turn, events } = new Recorder();
  turn.afterwards(() => events.push("one"));
  turn.afterwards(() => {
    events.push("two");
    turn.afterwards(() => events.push("three"));
  });
  turn.schedule();
  for (let microtask = 0; microtask < 10; microtask++) await Promise.resolve();
  assertEquals(events.splice(0), ["durable"]);
  await delay(0);
  await delay(0);
  assertEquals(events, ["one", "two", "three"]);
});

Deno.test("a turn is opened once, and ends by itself", async () => {
  const recorder = new Recorder();
  assertEquals([recorder.turn.open() > 0, recorder.turn.open()], [true, 0]);
  recorder.turn.schedule();
  await Promise.resolve();
  await Promise.resolve();
  assertEquals([recorder.take(), recorder.turn.open() > 0], [["durable"], true]);
  await Promise.resolve();
});

Deno.test("turns with requests are counted with their time, others are not", async () => {
  const statistics = new Statistics();
  const turn = new Turn(statistics, new Timers(), () => true);
  turn.schedule();
  await Promise.resolve();
  assertEquals([statistics.turns, statistics.turnsUs], [0, 0]);
  const beganUs = turn.open();
  turn.end();
  const tookUs = clock.monotonicUs() - beganUs;
  assertEquals(statistics.turns, 1);
  assertEquals(statistics.turnsUs >= 0 && statistics.turnsUs <= tookUs, true);
});
