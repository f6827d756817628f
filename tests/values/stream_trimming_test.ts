/** What goes of a stream when groups have a say, node by node: two entries are one here. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** Entries 1-1 to 1-6 in nodes of two; a group has acknowledged 1-1, 1-2 and 1-5. */
function withGroup(): EmbeddedServer {
  const server = new EmbeddedServer([["stream-node-max-entries", "2"]]);
  for (let i = 1; i <= 6; i++) server.run("XADD", "s", `1-${i}`, "f", "v");
  server.run("XGROUP", "CREATE", "s", "g", "0");
  server.run("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">");
  server.run("XACK", "s", "g", "1-1", "1-2", "1-5");
  return server;
}

function idsOf(server: EmbeddedServer): string[] {
  return (server.run("XRANGE", "s", "-", "+") as [string, unknown][]).map(([id]) => id);
}

const ROWS: readonly [trim: string, removed: number, left: string][] = [
  ["MINID ~ 1-5 ACKED", 2, "1-3 1-4 1-5 1-6"],
  ["MINID ~ 1-6 ACKED", 2, "1-3 1-4 1-5 1-6"],
  ["MINID ~ 2 ACKED", 3, "1-3 1-4 1-6"],
  ["MINID = 1-6 ACKED", 3, "1-3 1-4 1-6"],
  ["MINID ~ 1-6 DELREF", 4, "1-5 1-6"],
  ["MINID = 1-6 DELREF", 5, "1-6"],
  ["MAXLEN ~ 3 ACKED", 2, "1-3 1-4 1-5 1-6"],
  ["MAXLEN = 3 ACKED", 3, "1-3 1-4 1-6"],
  ["MAXLEN ~ 3 DELREF", 2, "1-3 1-4 1-5 1-6"],
  ["MAXLEN = 3 DELREF", 3, "1-4 1-5 1-6"],
  ["MAXLEN ~ 0 LIMIT 3 DELREF", 2, "1-3 1-4 1-5 1-6"],
  ["MAXLEN ~ 0 LIMIT 1 DELREF", 0, "1-1 1-2 1-3 1-4 1-5 1-6"],
];

for (const [trim, removed, left] of ROWS) {
  Deno.test(`XTRIM s ${trim}`, () => {
    using server = withGroup();
    assertEquals(server.run("XTRIM", "s", ...trim.split(" ")), removed);
    assertEquals(idsOf(server), left.split(" "));
    assertEquals(server.run("XLEN", "s"), 6 - removed);
  });
}

Deno.test("entries that are deleted already are passed over", () => {
  using server = withGroup();
  server.run("XDEL", "s", "1-1", "1-3");
  assertEquals(server.run("XTRIM", "s", "MAXLEN", "2", "DELREF"), 2);
  assertEquals(idsOf(server), ["1-5", "1-6"]);
});

for (const [release, nodes] of [["7.0", 1], ["7.4", 0]] as const) {
  Deno.test(`as ${release}, ${nodes} nodes are left when all that lived was trimmed`, () => {
    using server = new EmbeddedServer([["redis-version", release]]);
    for (const id of ["1-0", "2-0", "3-0"]) server.run("XADD", "s", id, "f", "v");
    server.run("XDEL", "s", "2-0", "3-0");
    // The deleted ones may stay, by their ids.
    assertEquals(server.run("XTRIM", "s", "MINID", "2-0"), 1);
    const info = server.run("XINFO", "STREAM", "s") as unknown[];
    assertEquals(info[info.indexOf("radix-tree-keys") + 1], nodes);
    assertEquals(server.run("XADD", "s", "4-0", "f", "v"), "4-0");
    assertEquals(idsOf(server), ["4-0"]);
  });
}
