/** rename-command: the name under which a command is called changes, and nothing of what it is. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { renameCommands } from "../../src/server/config_effects.ts";
import { ConfigFileError, loadConfig } from "../../src/config/config_file.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { type Plain, RespError } from "../support/resp_reply.ts";
import { commandRows } from "../../src/commands/table.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { GATE_MISCONF } from "../../src/session/gates.ts";
import { commandError } from "../../src/session/errors.ts";

function errorText(reply: Plain): string {
  assert(reply instanceof RespError, String(reply));
  return reply.message;
}

/** A server on which every command is called `x-` and its name. */
function renamedServer(directives: readonly (readonly [string, string])[] = []): EmbeddedServer {
  const server = new EmbeddedServer(directives);
  for (const { name } of commandRows) server.server.commands.rename(name, `X-${name}`);
  return server;
}

Deno.test("commands are called by the new name only, and known by their own", () => {
  using server = renamedServer();
  assertStringIncludes(errorText(server.run("GET", "k")), "unknown command 'GET'");
  assertEquals(server.run("x-get", "k"), null);
  assertEquals(errorText(server.run("X-GET")), "ERR wrong number of arguments for 'get' command");
  const unknown = errorText(server.run("x-config", "nosuch"));
  assertEquals(unknown, "ERR unknown subcommand 'nosuch'. Try X-CONFIG HELP.");
  assertEquals(server.run("x-command", "info", "get", "x-config|get|x"), [null, null]);
  const [row, subcommand] = server.run("x-command", "info", "x-get", "X-CONFIG|get") as Plain[][];
  assertEquals([row[0], subcommand[0]], ["get", "config|get"]);
  assertStringIncludes(String(server.run("x-info", "commandstats")), "cmdstat_get:calls=1");
  assertStringIncludes(String(server.run("x-client", "list")), "cmd=client|list");
});

Deno.test("HELP and errors show every container as it was called", () => {
  using server = renamedServer();
  const containers = commandRows.filter(({ subcommands }) => subcommands !== undefined);
  assert(containers.length > 10);
  for (const { name, subcommands } of containers) {
    if (!subcommands!.some((row) => row.name === `${name}|help`)) continue;
    // Redis: without cluster support CLUSTER does not even help.
    if (name === "cluster") continue;
    const lines = server.run(`x-${name}`, "help");
    assertEquals(
      (lines as string[])[0],
      `X-${name.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    );
  }
  assertEquals(
    errorText(server.run("x-acl", "cat", "a", "b")),
    "ERR unknown subcommand or wrong number of arguments for 'cat'. Try X-ACL HELP.",
  );
  assertEquals(
    errorText(server.run("x-pubsub", "channels", "a", "b")),
    "ERR unknown subcommand or wrong number of arguments for 'channels'. Try X-PUBSUB HELP.",
  );
});

Deno.test("a name of any length and of any bytes is found", () => {
  using server = new EmbeddedServer();
  const { commands } = server.server;
  const long = "b840fc02d524045429941cc15f59e41cb7be6c52";
  const name = "\xc0\xe0\xdf";
  commands.rename("echo", long);
  commands.rename("get", name);
  assertEquals(server.run(long.toUpperCase(), "here"), "here");
  assertEquals(commands.find(Argv.of(name), 0)?.name, "get");
  assertEquals(commands.find(Argv.of("\xe0\xe0\xdf"), 0), null);
});

Deno.test("ACL asks for the channels of a renamed command, and knows it by its own name", () => {
  using server = renamedServer();
  const rules = ["nopass", "on", "+@all", "-config", "&allowed", "~*"];
  assertEquals(server.run("x-acl", "setuser", "bob", ...rules), "OK");
  assertStringIncludes(
    errorText(server.run("x-acl", "setuser", "bob", "-x-get")),
    "Unknown command or category name in ACL",
  );
  assertStringIncludes((server.run("x-acl", "list") as string[])[0], "-config");
  const bob = server.connect();
  bob.run("x-auth", "bob", "any");
  for (const name of ["publish", "spublish"]) {
    assertStringIncludes(errorText(bob.run(`x-${name}`, "secret", "m")), "channels");
    assertEquals(bob.run(`x-${name}`, "allowed", "m"), 0);
  }
  for (const name of ["subscribe", "ssubscribe", "psubscribe"]) {
    assertStringIncludes(errorText(bob.run(`x-${name}`, "secret")), "channels");
  }
  const refusal = "NOPERM this user has no permissions to run the 'config|get' command";
  assertEquals(errorText(bob.run("x-config", "get", "port")), refusal);
});

Deno.test("secrets of renamed commands are shown to nobody", () => {
  using server = renamedServer([["slowlog-log-slower-than", "0"]]);
  const monitor = server.connect();
  monitor.run("x-monitor");
  server.run("x-auth", "SECRET");
  server.run("x-hello", "2", "AUTH", "default", "SECRET");
  server.run("x-acl", "setuser", "bob", ">SECRET");
  server.run("x-config", "set", "maxmemory", "0", "masterauth", "SECRET");
  const entries = JSON.stringify(server.run("x-slowlog", "get", "-1"));
  assertEquals(entries.match(/\(redacted\)/g)?.length, 6);
  const shown = monitor.takeRaw();
  assertStringIncludes(shown, '"x-hello" "2" "AUTH" "(redacted)" "(redacted)"');
  assert(!entries.includes("SECRET") && !shown.includes("SECRET"));
});

Deno.test("renamed commands keep their part in MULTI, subscriptions and after failed saves", () => {
  using server = renamedServer();
  assertEquals(server.run("x-multi"), "OK");
  assertStringIncludes(errorText(server.run("x-watch", "k")), "WATCH inside MULTI");
  assertEquals(server.run("x-ping"), "QUEUED");
  assertStringIncludes(errorText(server.run("nosuch")), "unknown command");
  assertStringIncludes(errorText(server.run("x-exec")), "EXECABORT");
  const subscriber = server.connect();
  for (const name of ["x-subscribe", "x-psubscribe", "x-ssubscribe"]) {
    assertEquals((subscriber.run(name, "c") as Plain[])[1], "c");
  }
  assertEquals(subscriber.run("x-ping"), ["pong", ""]);
  assertStringIncludes(errorText(subscriber.run("x-get", "k")), "Can't execute 'get'");
  assertEquals(subscriber.run("x-reset"), "RESET");
  server.server.gates.set(GATE_MISCONF, true);
  server.server.persistence.writeError = () => commandError("MISCONF test");
  assertEquals(errorText(server.run("x-ping")), "MISCONF test");
  assertEquals(server.run("x-get", "k"), null);
});

Deno.test("EXEC and CLIENT CACHING are told from others when renamed", () => {
  using server = renamedServer();
  server.run("x-hello", "3");
  server.run("x-client", "tracking", "on", "optin");
  server.run("x-client", "caching", "yes");
  server.run("x-client", "id");
  server.run("x-get", "k");
  server.connect().run("x-set", "k", "1");
  assertStringIncludes(server.client.takeRaw(), "invalidate");
  server.run("x-client", "pause", "60000", "write");
  const writer = server.connect();
  writer.run("x-multi");
  writer.run("x-get", "k");
  assertEquals(writer.run("x-exec"), ["1"]);
  server.run("x-client", "unpause");
});

Deno.test("TOUCH touches after CLIENT NO-TOUCH, renamed or in a transaction", () => {
  using server = renamedServer();
  const { keyspace } = server.server;
  let touched = 0;
  const { touch } = keyspace;
  keyspace.touch = function (entry) {
    if (!this.isTouchPaused) touched++;
    touch.call(this, entry);
  };
  server.run("x-set", "k", "v");
  server.run("x-client", "no-touch", "on");
  server.run("x-get", "k");
  const before = touched;
  server.run("x-get", "k");
  assertEquals(touched, before);
  server.run("x-touch", "k");
  assertEquals(touched, before + 1);
  for (const request of [["x-multi"], ["x-touch", "k"], ["x-get", "k"], ["x-exec"]]) {
    server.run(...request);
  }
  assertEquals(touched, before + 2);
});

Deno.test("what the server writes by itself can be replayed when the command is renamed", () => {
  using server = renamedServer();
  server.run("x-set", "k", "v");
  const { client } = server.client;
  client.argv = Argv.of("DEL", "k");
  assert(server.server.dispatcher.replay(client));
  assertEquals(server.run("x-exists", "k"), 0);
});

/** The commands that can be called after these directives, of a few; or what is wrong. */
function renamedBy(...lines: string[]): string {
  const config = loadConfig({ file: null, standardInput: lines.join("\n"), directives: [] });
  using server = new EmbeddedServer([], { config });
  try {
    renameCommands(server.server);
  } catch (error) {
    assert(error instanceof ConfigFileError);
    return `${error.source?.lineNumber}: ${error.message}`;
  }
  const names = ["get", "set", "a", "\xe0", "migrate", "xadd", "module"];
  return names.filter((name) => server.server.commands.byName.has(name)).join(" ");
}

Deno.test("rename-command: in any order, also of commands we do not have", () => {
  assertEquals(renamedBy(), "get set migrate xadd module");
  assertEquals(renamedBy('rename-command MIGRATE ""', "rename-command XADD a"), "get set a module");
  assertEquals(renamedBy("rename-command GET GET"), "get set migrate xadd module");
  assertEquals(renamedBy("rename-command GET \xe0"), "set \xe0 migrate xadd module");
  const exchanged = ["rename-command GET a", "rename-command SET get", "rename-command a set"];
  assertEquals(renamedBy(...exchanged), "get set migrate xadd module");
  assertEquals(
    renamedBy("port 1", "rename-command GET set"),
    "2: Target command name already exists",
  );
  assertEquals(renamedBy("rename-command nosuch a"), "1: No such command in rename-command");
  assertEquals(renamedBy("rename-command config|get a"), "1: No such command in rename-command");
});
