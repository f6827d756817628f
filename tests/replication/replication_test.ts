/** Replication: where the stream comes from. */
import { assertEquals } from "@std/assert";
import type { BacklogCursor } from "../../src/replication/backlog.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
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
