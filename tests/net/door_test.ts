/** Door: what is said of clients that cannot be let in. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Door } from "../../src/net/door.ts";
import type { Server } from "../../src/server/server.ts";

Deno.test("a shortage of files is told once, though single clients come in meanwhile", () => {
  const lines: string[] = [];
  const log = { warning: (line: string) => lines.push(line) };
  const door = new Door({ log } as unknown as Server, () => 0);
  clock.setTimeForTests(1_000_000);
  try {
    // Ten attempts a second for five minutes: a file is free now and then, and gone at once.
    for (let count = 0; count < 3000; count++) {
      door.failed("Too many open files", true);
      clock.advanceForTests(100);
    }
    assertEquals(lines, [
      "Error accepting a client connection: Too many open files. " +
      "Increase 'ulimit -n' or lower maxclients.",
    ]);
    clock.advanceForTests(60_000);
    door.failed("Cannot allocate memory", false);
    assertEquals(lines.slice(1), ["Error accepting a client connection: Cannot allocate memory"]);
  } finally {
    clock.useRealTime();
  }
});
