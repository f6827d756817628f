/** Clients that wait for replicas, or for the disk. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { settle } from "../support/text.ts";

Deno.test("those are answered who have got what they want, the others wait on", async () => {
  using server = new EmbeddedServer();
  const { waits } = server.server.replication;
  let reached = 0;
  const clients = [1, 2].map((wanted) => {
    const client = server.connect();
    // Any command may wait; it is the one that runs.
    client.run("PING");
    const wait = {
      isFulfilled: () => reached >= wanted,
      answer: ({ reply }: typeof client.client) => reply.integer(reached),
    };
    waits.add(client.client, wait, 0);
    return client;
  });
  waits.serve();
  assertEquals(clients.map((client) => client.takeRaw()), ["", ""]);
  reached = 1;
  waits.serve();
  assertEquals(clients.map((client) => client.takeRaw()), [":1\r\n", ""]);
  assertEquals(server.server.blocking.blockedCount, 1);
  assertEquals(server.run("CLIENT", "UNBLOCK", String(clients[1].client.id), "ERROR"), 1);
  reached = 2;
  waits.serve();
  assertEquals(clients[1].takeRaw(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
  await settle();
});

Deno.test("WAITAOF names what it cannot do, and answers at once if nothing was written", () => {
  using server = new EmbeddedServer();
  const cases: readonly [string, string][] = [
    ["2 0 1", "-ERR value is out of range, value must between 0 and 1\r\n"],
    ["x 0 1", "-ERR value is not an integer or out of range\r\n"],
    ["0 -1 1", "-ERR value is out of range, must be positive\r\n"],
    ["0 0 x", "-ERR timeout is not an integer or out of range\r\n"],
    ["0 0 -1", "-ERR timeout is negative\r\n"],
    [
      "1 0 0",
      "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n",
    ],
    ["0 0 0", "*2\r\n:0\r\n:0\r\n"],
  ];
  for (const [words, expected] of cases) {
    assertEquals(server.raw("WAITAOF", ...words.split(" ")), expected, words);
  }
  server.run("MULTI");
  server.run("WAITAOF", "0", "1", "0");
  assertEquals(server.run("EXEC"), [[0, 0]]);
});

Deno.test("WAIT and WAITAOF are for masters", () => {
  using server = new EmbeddedServer();
  server.server.replication.becomeReplica();
  for (const words of [["WAIT", "1", "0"], ["WAITAOF", "0", "1", "0"]]) {
    assertEquals(
      server.raw(...words as [string]).slice(0, 50).includes("cannot be used with"),
      true,
    );
  }
});
