/**
 * Client listing: the fields of a line of CLIENT LIST, and that they are true.
 */

import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** The fields of a line of CLIENT LIST. */
function fieldsOf(line: string): Map<string, string> {
  return new Map(
    line.trim().split(" ").map((field) => {
      const at = field.indexOf("=");
      return [field.slice(0, at), field.slice(at + 1)];
    }),
  );
}

Deno.test("CLIENT INFO has the fields of Redis 7.0 in their order", () => {
  using server = new EmbeddedServer();
  const line = server.run("CLIENT", "INFO") as string;
  assert(line.endsWith("\n"));
  assertEquals(
    [...fieldsOf(line).keys()].join(" "),
    "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem " +
      "multi-mem rbs rbp obl oll omem tot-mem events cmd user redir resp",
  );
  const fields = fieldsOf(line);
  assertEquals(fields.get("cmd"), "client|info");
  assertEquals(fields.get("flags"), "N");
  assertEquals(fields.get("multi"), "-1");
  assertEquals(fields.get("argv-mem"), "10");
  assertEquals(fields.get("redir"), "-1");
});

Deno.test("CLIENT LIST shows a transaction, subscriptions and a blocked client", () => {
  using server = new EmbeddedServer();
  const queuing = server.connect();
  queuing.run("MULTI");
  queuing.run("SET", "a", "b");
  const listening = server.connect();
  listening.send("SUBSCRIBE", "x");
  listening.send("PSUBSCRIBE", "y*");
  const waiting = server.connect();
  waiting.send("BLPOP", "nokey", "0");
  const lines = (server.run("CLIENT", "LIST") as string).trimEnd().split("\n").map(fieldsOf);
  const shown = (index: number, ...names: string[]) =>
    names.map((name) => lines[index].get(name)).join(" ");
  assertEquals(lines.length, 4);
  // A queued command counts for 24 bytes beside its arguments.
  assertEquals(shown(1, "flags", "multi", "multi-mem", "cmd"), "x 1 29 set");
  assertEquals(shown(2, "flags", "sub", "psub", "cmd"), "P 1 1 psubscribe");
  assertEquals(shown(3, "flags", "argv-mem", "cmd"), "b 11 blpop");
});
