/** Replication commands on a master without replicas; the texts are redis-server's. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("WAIT waits out its timeout and answers 0; with nothing to wait for it does not", async () => {
  using server = new EmbeddedServer();
  const { blocking } = server.server;
  for (const wanted of ["0", "-1"]) assertEquals(server.run("WAIT", wanted, "0"), 0);
  const waiting = server.connect();
  waiting.send("WAIT", "1", "60000");
  waiting.send("PING");
  assertEquals(blocking.blockedCount, 1);
  const forEver = server.connect();
  forEver.send("WAIT", "1", "0");
  try {
    blocking.expireWaiting();
    assertEquals([waiting.take(), forEver.take()], [[], []]);
    // As if the minute were over.
    waiting.client.blocked!.deadlineMs = clock.nowMs();
    blocking.expireWaiting();
    await new Promise<void>((resolve) => server.server.turn.afterwards(resolve));
    assertEquals(waiting.take(), [0, "PONG"]);
    assertEquals(forEver.take(), []);
    assertEquals(server.run("CLIENT", "UNBLOCK", String(forEver.client.id)), 1);
    assertEquals(forEver.take(), [0]);
  } finally {
    // The timer for the deadlines must not outlive the test.
    await server.server.close();
  }
});

Deno.test("WAIT does not wait in a transaction, and refuses what is no time", () => {
  using server = new EmbeddedServer();
  server.run("MULTI");
  server.run("WAIT", "1", "0");
  assertEquals(server.run("EXEC"), [0]);
  const answers = [["x", "1"], ["1", "x"], ["1", "-1"]].map((words) =>
    server.raw("WAIT", ...words)
  );
  assertEquals(answers, [
    "-ERR value is not an integer or out of range\r\n",
    "-ERR timeout is not an integer or out of range\r\n",
    "-ERR timeout is negative\r\n",
  ]);
});

Deno.test("FAILOVER finds no replicas, after it has read its options", () => {
  using server = new EmbeddedServer();
  const answer = (words: string) => server.raw("FAILOVER", ...words.split(" ").slice(1));
  const cases: readonly [string, string][] = [
    ["", "FAILOVER requires connected replicas."],
    [" TO host 1 FORCE TIMEOUT 1", "FAILOVER requires connected replicas."],
    [" ABORT", "No failover in progress."],
    [" TIMEOUT 0", "FAILOVER timeout must be greater than 0"],
    [" TO host x", "value is not an integer or out of range"],
    [" ABORT FORCE", "syntax error"],
    [" FORCE FORCE", "syntax error"],
  ];
  for (const [words, text] of cases) assertEquals(answer(words), `-ERR ${text}\r\n`);
});
