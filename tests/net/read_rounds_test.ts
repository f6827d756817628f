/** Read rounds: with few clients nobody waits; with many, all are read before any is read again. */
import { assert, assertEquals } from "@std/assert";
import { nextRound } from "../../src/base/timers.ts";
import type { Connection } from "../../src/net/connection.ts";
import { CROWD, type Reader, ReadRounds } from "../../src/net/read_rounds.ts";
import { RuntimeCarrier, type Socket } from "../../src/net/runtime_carrier.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespClient } from "../support/resp_client.ts";
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

/**
 * Sockets as the runtime's: there is always something to read, but so many reads and writes are
 * carried out in a round, and what is put off has its turn in the reverse order.
 */
class BudgetedRuntime {
  static readonly BUDGET = 128;
  #waiting: (() => void)[] = [];

  socket(): Socket {
    const operation = (count: number) => {
      return new Promise<number>((resolve) => this.#waiting.push(() => resolve(count)));
    };
    return { read: () => operation(1), write: ({ length }) => operation(length), close() {} };
  }

  async round(): Promise<void> {
    const putOff = this.#waiting.toReversed();
    this.#waiting = putOff.slice(BudgetedRuntime.BUDGET);
    for (const resolve of putOff.slice(0, BudgetedRuntime.BUDGET)) resolve();
    await nextRound();
  }
}

/** A client that sends as soon as it may: is answered, and is read again. */
function busyClient(carrier: RuntimeCarrier): { readCount: number } {
  const reply = new Uint8Array(5);
  const client = {
    readCount: 0,
    room: new Uint8Array(1),
    received: () => {
      client.readCount++;
      carrier.write(reply, 0, reply.length);
      carrier.read();
    },
    written: () => {},
  };
  carrier.open(client as unknown as Connection);
  carrier.read();
  return client;
}

/** The fewest and the most reads of a client among many, in so many rounds of the runtime. */
async function readsOfCrowd(
  rounds: ReadRounds | undefined,
): Promise<[least: number, most: number]> {
  const runtime = new BudgetedRuntime();
  const clients = Array.from({ length: 2 * CROWD }, () => {
    return busyClient(new RuntimeCarrier(runtime.socket(), rounds));
  });
  for (let round = 0; round < 1000; round++) await runtime.round();
  const counts = clients.map(({ readCount }) => readCount);
  return [Math.min(...counts), Math.max(...counts)];
}

Deno.test("of a crowd at work all are read before any is read again", async () => {
  const [least, most] = await readsOfCrowd(new ReadRounds());
  assert(least >= 5, `read ${least} times`);
  assert(most - least <= 1, `one was read ${least} times, and another ${most} times`);
});

Deno.test("without rounds the runtime would pass most of them over", async () => {
  // Each carrier has rounds of its own.
  assertEquals((await readsOfCrowd(undefined))[0], 0);
});

Deno.test("all sockets of a server take part in the same rounds", async () => {
  using server = new EmbeddedServer();
  const { listeners, log } = server.server;
  log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  const { request } = ReadRounds.prototype;
  const seen = new Map<ReadRounds, number>();
  ReadRounds.prototype.request = function (reader) {
    seen.set(this, this.openCount);
    request.call(this, reader);
  };
  try {
    listeners.openAnyPort();
    listeners.accept();
    const COUNT = 3;
    const connect = () => RespClient.connect(listeners.port);
    const clients = await Promise.all(Array.from({ length: COUNT }, connect));
    for (const client of clients) await client.expect("PING");
    assertEquals([...seen.values()], [COUNT]);
    for (const client of clients) client.close();
  } finally {
    ReadRounds.prototype.request = request;
  }
  await server.server.close();
});

Deno.test("many clients at work at once are all answered", async () => {
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
