/** CLUSTER and its kin on a server that is no node of a cluster. */
import { assertEquals } from "@std/assert";
import { clusterCommands } from "../../src/commands/cluster_commands.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("every command of the family says that there is no cluster", () => {
  using server = new EmbeddedServer();
  const rows = clusterCommands.flatMap((row) => row.subcommands ?? [row]);
  assertEquals(rows.length, 31);
  for (const { name, arity } of rows) {
    const words = name.split("|");
    while (words.length < Math.abs(arity)) words.push("1");
    const expected = "-ERR This instance has cluster support disabled\r\n";
    assertEquals(server.raw(...words), expected, name);
  }
});
