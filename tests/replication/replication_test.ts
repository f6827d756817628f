/** Replication: where the stream comes from. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import type { BacklogCursor } from "../../src/replication/backlog.ts";
import { ChildInPlace } from "../crash/crash_run.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";
import { commandsOf } from "../support/unit_reader.ts";
import { latin1 } from "../support/text.ts";

/** The commands that a cursor has before it. */
function take(cursor: BacklogCursor): string[] {
  const commands: string[] = [];
  for (let piece = cursor.next(); piece !== null; piece = cursor.next()) {
    commands.push(...commandsOf(piece, piece.length).map((words) => words.join(" ")));
    cursor.advance(piece.length);
  }
  return commands;
}

Deno.test("a master's effects are the stream as soon as there is a backlog", () => {
  using server = new EmbeddedServer();
  const { replication, propagation } = server.server;
  server.run("SET", "a", "1");
  assertEquals([replication.state.offset, propagation.isWanted], [0, false]);
  replication.createBacklog();
  const cursor = replication.backlog!.cursorAt(1);
  server.run("SET", "b", "2");
  server.run("GET", "b");
  assertEquals(take(cursor), ["SELECT 0", "SET b 2"]);
  assertEquals(replication.state.offset, replication.backlog!.endOffset);
  replication.freeBacklog();
  assertEquals(propagation.isWanted, false);
});

Deno.test("a master's history goes on where its file ends, with what vanished while it loaded", () => {
  using server = new EmbeddedServer();
  const { keyspace, replication } = server.server;
  replication.expectHistory();
  const key = latin1("gone");
  keyspace.listener.keyVanishes(keyspace.databases[3], key, 0, key.length, false);
  replication.beginHistory({ replicationId: "a".repeat(40), offset: 500, streamDb: 0 });
  const { state } = replication;
  assertEquals([state.secondId, state.secondOffset], ["a".repeat(40), 501]);
  assertEquals(take(replication.backlog!.cursorAt(501)), ["SELECT 3", "DEL gone"]);
  server.run("SET", "b", "2");
  assertEquals(state.offset, replication.backlog!.endOffset);
});

Deno.test("memory of the stream is the backlog's, unless it is kept for replicas", () => {
  using server = new EmbeddedServer([["repl-backlog-size", "16384"]]);
  const { replication } = server.server;
  const fieldsOf = () => {
    const text = String(server.run("INFO", "memory"));
    return ["replication_backlog", "total_replication_buffers", "clients_slaves"].map((name) =>
      Number(new RegExp(`^mem_${name}:(\\d+)`, "m").exec(text)![1])
    );
  };
  assertEquals(fieldsOf(), [0, 0, 0]);
  replication.createBacklog();
  const cursor = replication.backlog!.cursorAt(1);
  server.run("SET", "a", "x".repeat(100_000));
  const held = replication.backlog!.heldBytes;
  assertEquals(held > 100_000, true);
  assertEquals(fieldsOf(), [held, held, 0], "there is no replica");
  assertEquals(replication.memory(), { backlogBytes: held, replicaBytes: 0 });
  const client = server.connect();
  client.send("PSYNC", "?", "-1");
  assertEquals(replication.memory(), { backlogBytes: 16384, replicaBytes: held - 16384 });
  const stats = server.run("MEMORY", "STATS") as unknown[];
  assertEquals(stats[stats.indexOf("clients.slaves") + 1], held - 16384);
  cursor.release();
});

Deno.test("a master without a history has none after the start", () => {
  using server = new EmbeddedServer();
  const { keyspace, replication, propagation } = server.server;
  replication.expectHistory();
  const key = latin1("gone");
  keyspace.listener.keyVanishes(keyspace.databases[0], key, 0, key.length, false);
  replication.beginHistory(null);
  assertEquals([replication.backlog, replication.state.offset], [null, 0]);
  assertEquals(propagation.isWanted, false);
});

Deno.test("the stream of a replica is that of its master, not its own effects", () => {
  using server = new EmbeddedServer();
  const { replication } = server.server;
  replication.createBacklog();
  const cursor = replication.backlog!.cursorAt(1);
  replication.becomeReplica();
  server.run("SET", "a", "1");
  const bytes = latin1("*1\r\n$4\r\nPING\r\n");
  replication.feed(bytes, 0, bytes.length);
  assertEquals(take(cursor), ["PING"]);
  assertEquals(replication.state.offset, bytes.length);
  replication.becomeMaster();
  server.run("SET", "a", "2");
  assertEquals(take(cursor), ["SELECT 0", "SET a 2"]);
});

Deno.test("no image is made for those who wait for it while only a part of the data is there", () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    const child = new ChildInPlace(new SimulatedFiles());
    using server = new EmbeddedServer([], { createChild: () => child });
    const { keyspace, persistence, replication } = server.server;
    server.run("SET", "a", "1");
    const replica = server.connect();
    replica.run("REPLCONF", "capa", "eof");
    replica.send("PSYNC", "?", "-1");
    keyspace.isLoading = true;
    clock.advanceForTests(60_000);
    replication.tick(clock.nowMs());
    assertEquals(persistence.child.isRunning, false);
    keyspace.isLoading = false;
    // A clock that was set back does not keep them waiting.
    replication.tick(clock.nowMs() - 30_000);
    assertEquals(persistence.child.isRunning, true);
    persistence.child.close();
  } finally {
    clock.useRealTime();
  }
});
