/** The frames of commands in progress. */
import { assertEquals } from "@std/assert";
import { Argv } from "../../src/protocol/argv.ts";
import type { CompiledCommand } from "../../src/session/command.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

function row(server: EmbeddedServer, name: string): CompiledCommand {
  return server.server.commands.byName.get(name)!;
}

Deno.test("a call inside of another gives back the arguments and the command of the outer", () => {
  using server = new EmbeddedServer();
  const { calls } = server.server;
  const { client } = server.client;
  const outerArgv = client.argv = Argv.of("EXEC");
  const outer = calls.enter(client, row(server, "exec"));
  client.argv = Argv.of("GET", "key");
  const inner = calls.enter(client, row(server, "get"));
  assertEquals([calls.depth, calls.isNested, calls.current === inner], [2, true, true]);
  assertEquals(client.command?.name, "get");
  calls.leave(inner);
  assertEquals([client.argv === outerArgv, client.command?.name], [true, "exec"]);
  assertEquals([client.call === outer, calls.isNested], [true, false]);
  calls.leave(outer);
  assertEquals([client.call, calls.current, calls.depth], [null, null, 0]);
});

Deno.test("a call of another client leaves the arguments of the outer one alone", () => {
  using server = new EmbeddedServer();
  const { calls } = server.server;
  const other = server.connect().client;
  const outer = calls.enter(server.client.client, row(server, "exec"));
  const argv = other.argv = Argv.of("BLPOP", "list", "0");
  const inner = calls.enter(other, row(server, "blpop"));
  assertEquals([calls.isRunning(other), calls.isRunning(server.client.client)], [true, true]);
  calls.leave(inner);
  assertEquals([other.argv === argv, other.call, calls.isRunning(other)], [true, null, false]);
  calls.leave(outer);
});

Deno.test("effects of a call are its own, and there are none while nobody records them", () => {
  using server = new EmbeddedServer();
  const { calls } = server.server;
  const { client } = server.client;
  const outer = calls.enter(client, row(server, "exec"));
  assertEquals(client.wantsEffects, false);
  client.propagateAs("DEL", "key");
  assertEquals(outer.effects, []);
  calls.wantedTargets = 1;
  const inner = calls.enter(client, row(server, "spop"));
  client.propagateAs("SREM", "set", "a");
  assertEquals([inner.effects?.length, outer.effects], [1, []]);
  calls.leave(inner);
  calls.leave(outer);
  assertEquals(calls.enter(client, row(server, "get")).effects, null);
});
