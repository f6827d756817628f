/** Process times: the C library's and the runtime's are the same, and grow. */
import { assert, assertEquals } from "@std/assert";
import { openLibc } from "../../src/net/libc.ts";
import {
  type ProcessTimes,
  processTimes,
  timesOfLibc,
  timesOfRuntime,
} from "../../src/server/process_times.ts";
import { testWith } from "../support/tool_availability.ts";

/** All six numbers, in a fixed order. */
function numbersOf({ own, children, mainThread }: ProcessTimes): number[] {
  return [own, children, mainThread].flatMap(({ system, user }) => [system, user]);
}

/** Keeps the processor busy for some hundredths of a second. */
function work(): void {
  const start = timesOfRuntime().own.user;
  while (timesOfRuntime().own.user < start + 0.05) JSON.stringify(new Array(1000).fill(1.5));
}

testWith(["epoll"], "the C library and the runtime tell the same times", () => {
  work();
  const libc = openLibc()!;
  const before = numbersOf(timesOfRuntime());
  const told = numbersOf(timesOfLibc(libc));
  const after = numbersOf(timesOfRuntime());
  // The files count in hundredths of a second, and share them out among system and user.
  const TOLERANCE_SECONDS = 0.05;
  told.forEach((seconds, index) => {
    assert(seconds >= before[index] - TOLERANCE_SECONDS, `${index}: ${seconds}, ${before}`);
    assert(seconds <= after[index] + TOLERANCE_SECONDS, `${index}: ${seconds}, ${after}`);
  });
});

Deno.test("what the process has taken grows, and its main thread took part of it", () => {
  const before = processTimes();
  work();
  const { own, mainThread } = processTimes();
  assert(own.user > before.own.user);
  assert(mainThread.user <= own.user + 0.05);
});

Deno.test("fields of the C library's structure are read where they are", () => {
  const getrusage = (who: number, usage: unknown) => {
    const words = usage as Int32Array;
    words.set([who + 10, 0, 500_000, 0, who + 20, 0, 250_000, 0, 1, 2, 3]);
    return 0;
  };
  const times = timesOfLibc({ getrusage });
  assertEquals(times.own, { system: 20.25, user: 10.5 });
  assertEquals(times.children, { system: 19.25, user: 9.5 });
  assertEquals(times.mainThread, { system: 21.25, user: 11.5 });
});
