/** Info data: its numbers follow what is stored. */
import { assert, assertEquals } from "@std/assert";
import { keyspaceFields, memoryFields, persistenceFields } from "../../src/server/info_data.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("memory, persistence and keyspace tell of the data that there are", () => {
  using server = new EmbeddedServer();
  const before = new Map(memoryFields(server.server)).get("used_memory");
  server.run("SET", "a", "x".repeat(100_000));
  server.run("SET", "b", "1", "EX", "100");
  const memory = new Map(memoryFields(server.server));
  assert(Number(memory.get("used_memory")) - Number(before) > 100_000);
  assertEquals(new Map(persistenceFields(server.server)).get("rdb_changes_since_last_save"), 2);
  assertEquals(keyspaceFields(server.server).map(([name]) => name), ["db0"]);
});
