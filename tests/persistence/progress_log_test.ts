/** The progress log: a line every five seconds, none for what is done sooner. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { ProgressLog } from "../../src/persistence/progress_log.ts";
import { KeptLog } from "./aof_toy_server.ts";

Deno.test("a long job tells every five seconds how far and how fast it has come", () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    const log = new KeptLog();
    const progress = new ProgressLog(log, "Loading /data/dump.rdb");
    const MIB = 1024 * 1024;
    for (let second = 1; second <= 12; second++) {
      clock.advanceForTests(1000);
      progress.update(clock.nowMs(), second, 12, second * 10 * MIB);
    }
    assertEquals(log.lines, [
      "Loading /data/dump.rdb: 41 %, 10.0 MB/s",
      "Loading /data/dump.rdb: 83 %, 10.0 MB/s",
    ]);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("a job of nothing is done", () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    const log = new KeptLog();
    const progress = new ProgressLog(log, "Saving");
    progress.update(clock.nowMs() + 5000, 0, 0, 0);
    assertEquals(log.lines, ["Saving: 100 %, 0.0 MB/s"]);
  } finally {
    clock.useRealTime();
  }
});
