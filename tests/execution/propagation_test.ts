/** Where the effects of commands go. */
import { assertEquals } from "@std/assert";
import type { EffectSink } from "../../src/persistence/effect_encoder.ts";
import { PROPAGATE_AOF, PROPAGATE_REPL } from "../../src/session/command.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { commandsOf } from "../support/unit_reader.ts";

class Sink implements EffectSink {
  #units: string[] = [];

  takeUnit(bytes: Uint8Array, length: number): void {
    this.#units.push(commandsOf(bytes, length).map((words) => words.join(" ")).join(", "));
  }

  /** The units since the last call. */
  take(): string[] {
    return this.#units.splice(0);
  }
}

Deno.test("every sink gets every effect while it is attached", () => {
  using server = new EmbeddedServer();
  const { propagation } = server.server;
  const [first, second] = [new Sink(), new Sink()];
  propagation.attach(first);
  propagation.attach(first);
  server.run("SET", "a", "1");
  propagation.attach(second);
  server.run("SET", "b", "2");
  propagation.detach(first);
  server.run("SET", "c", "3");
  propagation.detach(second);
  server.run("SET", "d", "4");
  assertEquals(first.take(), ["SELECT 0, SET a 1", "SELECT 0, SET b 2"]);
  assertEquals(second.take(), ["SELECT 0, SET b 2", "SET c 3"]);
});

Deno.test("a transaction is one unit, and commands that change nothing are in none", () => {
  using server = new EmbeddedServer();
  const sink = new Sink();
  server.server.propagation.attach(sink);
  server.run("GET", "a");
  for (const words of ["MULTI", "SET a 1", "GET a", "SELECT 2", "SPOP none", "SET b 2", "EXEC"]) {
    server.run(...words.split(" "));
  }
  assertEquals(sink.take(), ["SELECT 0, MULTI, SET a 1, SELECT 2, SET b 2, EXEC"]);
});

Deno.test("a blocked client that is served inside of another's command has a unit of its own", () => {
  using server = new EmbeddedServer();
  const sink = new Sink();
  server.server.propagation.attach(sink);
  const waiting = server.connect();
  waiting.send("BLPOP", "list", "0");
  server.run("RPUSH", "list", "a", "b");
  assertEquals(sink.take(), ["SELECT 0, RPUSH list a b", "LPOP list"]);
});

Deno.test("the queue of EXEC sees its own arguments, and EXEC its own again", () => {
  using server = new EmbeddedServer();
  server.run("MULTI");
  server.run("SET", "a", "1");
  server.run("CLIENT", "INFO");
  const [, info] = server.run("EXEC") as [string, string];
  assertEquals(/cmd=(\S+)/.exec(info)?.[1], "client|info");
  assertEquals(server.server.clients.size, 1);
  assertEquals(server.client.client.command?.name, "exec");
});

/** A server with a sink of each kind. */
function withBothKinds(): { server: EmbeddedServer; aof: Sink; replicas: Sink } {
  const server = new EmbeddedServer();
  const [aof, replicas] = [new Sink(), new Sink()];
  server.server.propagation.attach(aof, PROPAGATE_AOF);
  server.server.propagation.attach(replicas, PROPAGATE_REPL);
  return { server, aof, replicas };
}

Deno.test("a message goes to replicas, in its place of a transaction, and not to the AOF", () => {
  const { server, aof, replicas } = withBothKinds();
  using _ = server;
  server.run("PUBLISH", "c", "1");
  assertEquals([aof.take(), replicas.take()], [[], ["SELECT 0, PUBLISH c 1"]]);
  for (const words of ["MULTI", "SET a 1", "PUBLISH c 2", "SPUBLISH s 3", "EXEC"]) {
    server.run(...words.split(" "));
  }
  assertEquals(aof.take(), ["SELECT 0, MULTI, SET a 1, EXEC"]);
  assertEquals(replicas.take(), ["MULTI, SET a 1, PUBLISH c 2, SPUBLISH s 3, EXEC"]);
  server.run("SET", "a", "2");
  assertEquals([aof.take(), replicas.take()], [["SET a 2"], ["SET a 2"]]);
});

Deno.test("what a script keeps from one kind of sinks leaves the other's stream whole", () => {
  const { server, aof, replicas } = withBothKinds();
  using _ = server;
  const script = `redis.set_repl(redis.REPL_AOF) redis.call('set', 'a', 1)
    redis.set_repl(redis.REPL_REPLICA) redis.call('set', 'b', 2)
    redis.set_repl(redis.REPL_NONE) redis.call('set', 'c', 3)`;
  server.run("SELECT", "2");
  server.run("EVAL", script, "0");
  // Redis: what is a unit of several effects for one is so for all.
  assertEquals(aof.take(), ["SELECT 2, MULTI, set a 1, EXEC"]);
  assertEquals(replicas.take(), ["SELECT 2, MULTI, set b 2, EXEC"]);
  server.run("EVAL", "redis.set_repl(redis.REPL_AOF) redis.call('set', 'a', 1)", "0");
  assertEquals([aof.take(), replicas.take()], [["set a 1"], []]);
});

Deno.test("each kind of sinks is told the database when it needs to know", () => {
  const { server, aof, replicas } = withBothKinds();
  using _ = server;
  const { propagation } = server.server;
  server.run("SET", "a", "1");
  assertEquals(propagation.selectedDb(PROPAGATE_REPL), 0);
  propagation.selectAgain(PROPAGATE_REPL);
  assertEquals(propagation.selectedDb(PROPAGATE_REPL), -1);
  server.run("SET", "a", "2");
  server.run("SET", "a", "3");
  assertEquals(aof.take(), ["SELECT 0, SET a 1", "SET a 2", "SET a 3"]);
  assertEquals(replicas.take(), ["SELECT 0, SET a 1", "SELECT 0, SET a 2", "SET a 3"]);
  propagation.detach(replicas);
  server.run("SELECT", "1");
  server.run("SET", "a", "4");
  propagation.attach(replicas, PROPAGATE_REPL);
  server.run("SET", "a", "5");
  assertEquals(aof.take(), ["SELECT 1, SET a 4", "SET a 5"]);
  assertEquals(replicas.take(), ["SELECT 1, SET a 5"]);
});
