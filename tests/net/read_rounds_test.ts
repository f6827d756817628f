/** Read rounds: with few clients nobody waits; with many, all are read before any is read again. */
import { assertEquals } from "@std/assert";
import { nextRound } from "../../src/base/timers.ts";
import { CROWD, type Reader, ReadRounds } from "../../src/net/read_rounds.ts";
import { startServer } from "../support/server_process.ts";

class RecordingReader implements Reader {
  beginCount = 0;

  beginRead(): void {
    this.beginCount++;
  }
}

function roundsWith(openCount: number): ReadRounds {
  const rounds = new ReadRounds();
  rounds.openCount = openCount;
  return rounds;
}

Deno.test("with few clients a read begins at once", () => {
  const rounds = roundsWith(CROWD - 1);
  const reader = new RecordingReader();
  rounds.request(reader);
  rounds.arrived();
  rounds.request(reader);
  assertEquals(reader.beginCount, 2);
});

Deno.test("one of many that are silent waits for a round of the runtime only", async () => {
  const rounds = roundsWith(CROWD);
  const reader = new RecordingReader();
  rounds.request(reader);
  assertEquals(reader.beginCount, 0);
  await nextRound();
  assertEquals(reader.beginCount, 1);
});

Deno.test("while others are read, those who were read wait", async () => {
  const rounds = roundsWith(CROWD);
  const readers = Array.from({ length: CROWD }, () => new RecordingReader());
  for (const reader of readers) rounds.request(reader);
  for (let round = 0; round < 100; round++) {
    rounds.arrived();
    await nextRound();
  }
  assertEquals(readers.filter(({ beginCount }) => beginCount > 0).length, 0);
  for (let round = 0; readers.some(({ beginCount }) => beginCount === 0); round++) {
    assertEquals(round < 1000, true, "nothing comes any more, and nobody reads");
    await nextRound();
  }
  assertEquals(readers.every(({ beginCount }) => beginCount === 1), true);
});

Deno.test("of many clients at work at once none is passed over", async () => {
  await using server = await startServer({ args: ["--transport", "runtime"] });
  const clients = await Promise.all(Array.from({ length: 2 * CROWD }, () => server.connect()));
  try {
    for (let round = 1; round <= 20; round++) {
      const replies = await Promise.all(clients.map((client) => client.expect("INCR", "count")));
      assertEquals(replies.length, clients.length);
      assertEquals(Math.max(...replies.map(Number)), round * clients.length);
    }
  } finally {
    for (const client of clients) client.close();
  }
});
