/** What may part a replica from its master is told, and ends the server if that is wanted. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Log } from "../../src/base/log.ts";
import { Divergence } from "../../src/replication/divergence.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** A server with these directives, its log, and what watches for divergence. */
function watched(directives: readonly (readonly [string, string])[]) {
  const lines: string[] = [];
  const log = new Log((line) => lines.push(line));
  const embedded = new EmbeddedServer(directives, { log });
  const divergence = new Divergence(embedded.server, (reason) => {
    throw new Error(reason);
  });
  return { embedded, lines, divergence };
}

Deno.test("a refused command is logged and counted", () => {
  const { embedded, lines, divergence } = watched([]);
  divergence.noteRefusal("WRONGTYPE Operation", "lpush");
  divergence.noteRefusal("ERR unknown command", "");
  assertStringIncludes(lines[0], "'lpush' of its master with an error");
  assertStringIncludes(lines[0], "WRONGTYPE Operation");
  assertStringIncludes(lines[1], "an unknown command of its master");
  assertEquals(embedded.server.statistics.unexpectedErrorReplies, 2);
  embedded[Symbol.dispose]();
});

for (const behavior of ["panic", "panic-on-replicas"]) {
  Deno.test(`a refused command ends the server: propagation-error-behavior ${behavior}`, () => {
    const { embedded, divergence } = watched([["propagation-error-behavior", behavior]]);
    assertThrows(() => divergence.noteRefusal("ERR no", "set"), Error, "ERR no");
    // Who lets clients write to a replica has parted it from its master already.
    embedded.run("CONFIG", "SET", "replica-read-only", "no");
    divergence.noteRefusal("ERR no", "set");
    embedded[Symbol.dispose]();
  });
}

Deno.test("a change that cannot be saved ends the server, or is logged now and then", () => {
  const { embedded, lines, divergence } = watched([["save", "900 1"]]);
  divergence.noteUnsafe();
  embedded.server.persistence.rdb.lastStatusOk = false;
  assertThrows(() => divergence.noteUnsafe(), Error, "replica-ignore-disk-write-errors");
  embedded.run("CONFIG", "SET", "replica-ignore-disk-write-errors", "yes");
  for (let count = 0; count < 3; count++) divergence.noteUnsafe();
  assertEquals(lines.filter((line) => line.includes("cannot save it")).length, 1);
  embedded[Symbol.dispose]();
});
