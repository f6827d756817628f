/** Commands of an AOF, run without a connection. */
import { assertEquals } from "@std/assert";
import { Replay } from "../../src/execution/replay.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("recorded commands run whatever a client could not do, and never block", () => {
  using server = new EmbeddedServer([["requirepass", "secret"]]);
  const replay = new Replay(server.server);
  assertEquals(replay.execute(Argv.of("SELECT", "3")), "done");
  assertEquals(replay.execute(Argv.of("BLPOP", "none", "0")), "done");
  assertEquals(replay.execute(Argv.of("SET", "key", "value")), "done");
  assertEquals(replay.execute(Argv.of("NOSUCHCOMMAND")), "unknown command");
  server.run("AUTH", "secret");
  server.run("SELECT", "3");
  assertEquals(server.run("GET", "key"), "value");
  assertEquals(server.server.clients.size, 1);
});

Deno.test("a transaction that is discarded has done nothing", () => {
  using server = new EmbeddedServer();
  const replay = new Replay(server.server);
  for (const words of ["MULTI", "SET key value"]) replay.execute(Argv.of(...words.split(" ")));
  replay.discard();
  assertEquals(server.run("GET", "key"), null);
  replay.execute(Argv.of("SET", "key", "later"));
  assertEquals(server.run("GET", "key"), "later");
});
