/** Where the effects of commands go. */
import { assertEquals } from "@std/assert";
import type { EffectSink } from "../../src/persistence/effect_encoder.ts";
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
