/** How long automatic rewrites wait after failures. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import { RewritePause } from "../../src/durability/rewrite_pause.ts";

/** Minutes of the pauses that follow on failure after failure. */
function pausesOf(isUrgent: boolean, count: number): number[] {
  const lines: string[] = [];
  const pause = new RewritePause(new Log((line) => lines.push(line)));
  clock.setTimeForTests(1_700_000_000_000);
  try {
    for (pause.failuresInRow = 1; pause.failuresInRow < 3; pause.failuresInRow++) {
      assertEquals(pause.isPaused(isUrgent), false, "not yet");
    }
    return Array.from({ length: count }, () => {
      assertEquals(pause.isPaused(isUrgent), true);
      let minutes = 0;
      while (pause.isPaused(isUrgent)) {
        clock.advanceForTests(60_000);
        minutes++;
      }
      assertEquals(lines.pop()?.includes(`the next is tried in ${minutes} minutes`), true);
      return minutes;
    });
  } finally {
    clock.useRealTime();
  }
}

Deno.test("pauses double up to an hour; when it is urgent they stay at a minute", () => {
  assertEquals(pausesOf(false, 8), [1, 2, 4, 8, 16, 32, 60, 60]);
  assertEquals(pausesOf(true, 3), [1, 1, 1]);
});
