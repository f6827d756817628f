/** Sync gathering: whether a sync waits for more writers, by what was measured. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Timers } from "../../src/base/timers.ts";
import { SyncGathering } from "../../src/durability/sync_gathering.ts";
import { FakeTimer } from "../support/fake_timer.ts";

const CLIENTS = 16;
/** Rounds of a trial. */
const TRIAL = 16;

/** Clients that write again when they are answered, and a clock that stands. */
class Load {
  readonly timer = new FakeTimer();
  wakes = 0;
  readonly gathering = new SyncGathering(new Timers(this.timer), () => this.wakes++);
  readonly #syncMs: number;
  readonly #returnMs: number;
  #nextId = 0;

  /** A sync takes `syncMs`; `returnMs` is the time in which all clients come back. */
  constructor(syncMs: number, returnMs: number) {
    this.#syncMs = syncMs;
    this.#returnMs = returnMs;
    clock.setTimeForTests(1_000_000);
  }

  /** The writers of one round: as many as come before the sync begins. */
  round(): number {
    let count = 0;
    while (count < CLIENTS) {
      // Four come together, and not always the same.
      for (let each = 0; each < 4; each++) this.gathering.wrote(this.#nextId++ % CLIENTS);
      count += 4;
      if (!this.gathering.isWaiting()) break;
      clock.advanceForTests(this.#returnMs / 4);
    }
    this.gathering.began();
    clock.advanceForTests(this.#syncMs);
    this.gathering.ended();
    return count;
  }

  /** The most writers of a round in each of so many trials. */
  trials(count: number): number[] {
    return Array.from(
      { length: count },
      () => Math.max(...Array.from({ length: TRIAL }, () => this.round())),
    );
  }
}

function withClock(run: () => void): () => void {
  return () => {
    try {
      run();
    } finally {
      clock.useRealTime();
    }
  };
}

Deno.test(
  "where more are served by waiting, a sync waits; the other way is tried now and then",
  withClock(() => {
    // 4 writers in 4 ms, or 16 in 4.5.
    const [first, second, ...later] = new Load(4, 0.5).trials(30);
    assertEquals([first, second], [4, CLIENTS]);
    assertEquals(later.filter((most) => most === 4).length, 2);
  }),
);

Deno.test(
  "where clients come back too slowly, a sync does not wait",
  withClock(() => {
    // 4 writers in 1 ms, or 8 in 3.
    const [first, second, ...later] = new Load(1, 8).trials(30);
    assertEquals([first, second], [4, 8]);
    assertEquals(later.filter((most) => most > 4).length, 2);
  }),
);

Deno.test(
  "nobody comes any more: the end of the wait is told",
  withClock(() => {
    const load = new Load(4, 0.5);
    load.trials(2);
    load.gathering.wrote(1);
    assertEquals([load.gathering.isWaiting(), load.wakes], [true, 0]);
    load.timer.advance(1000);
    assertEquals([load.gathering.isWaiting(), load.wakes], [false, 1]);
  }),
);
