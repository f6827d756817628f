/** The queue of a transaction, and how it ends. */
import { assertEquals } from "@std/assert";
import {
  abortTransaction,
  discardTransaction,
  queueCommand,
} from "../../src/execution/transaction.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { REDIS_DIRTY_CAS, REDIS_DIRTY_EXEC, REDIS_MULTI } from "../../src/session/client.ts";
import { commandError } from "../../src/session/errors.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("a queued command keeps its arguments when the buffer is used again", () => {
  using server = new EmbeddedServer();
  const { client } = server.client;
  const bytes = new TextEncoder().encode("GETkey");
  client.argv = new Argv();
  client.argv.bytes = bytes;
  client.argv.count = 2;
  client.argv.starts = new Int32Array([0, 3]);
  client.argv.lengths = new Int32Array([3, 3]);
  queueCommand(client, server.server.commands.byName.get("get")!);
  bytes.fill(0);
  const { commands, count, argvBytes } = client.mstate;
  assertEquals([commands[0]!.argv.text(1), commands[0]!.argc, count], ["key", 2, 1]);
  assertEquals(argvBytes, commands[0]!.argv.totalBytes());
});

Deno.test("a transaction that is left forgets its queue, its watches and its flags", () => {
  using server = new EmbeddedServer();
  server.run("WATCH", "key");
  server.run("MULTI");
  server.run("GET", "key");
  const { client } = server.client;
  client.flags |= REDIS_DIRTY_CAS | REDIS_DIRTY_EXEC;
  discardTransaction(client);
  assertEquals(client.flags & (REDIS_MULTI | REDIS_DIRTY_CAS | REDIS_DIRTY_EXEC), 0);
  assertEquals([client.mstate.count, client.watchedKeys.length], [0, 0]);
  assertEquals(server.server.watch.watchCount, 0);
});

Deno.test("an error that refuses EXEC is told without its code if that is ERR", () => {
  using server = new EmbeddedServer();
  const { client } = server.client;
  const texts = ["ERR no way", "OOM no memory"].map((text) =>
    abortTransaction(client, commandError(text)).text
  );
  const prefix = "EXECABORT Transaction discarded because of: ";
  assertEquals(texts, [`${prefix}no way`, `${prefix}OOM no memory`]);
});
