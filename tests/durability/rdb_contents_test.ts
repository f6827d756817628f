/** What an RDB says of its place in a history. */
import { assertEquals } from "@std/assert";
import { historyOf, streamDbOf } from "../../src/durability/rdb_contents.ts";

const ID = "0123456789abcdef".repeat(3).slice(0, 40);

function aux(fields: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(fields));
}

Deno.test("a place in a history is an id and an offset, and the database selected there", () => {
  const fields = { "repl-id": ID, "repl-offset": "12", "repl-stream-db": "3" };
  assertEquals(historyOf(aux(fields)), { replicationId: ID, offset: 12, streamDb: 3 });
  assertEquals(historyOf(aux({ ...fields, "repl-id": "?" })), null);
  assertEquals(historyOf(aux({ "repl-id": ID })), null);
  assertEquals(historyOf(aux({ ...fields, "repl-offset": "many" })), null);
});

Deno.test("the database that a stream has selected is the first one if that is not said", () => {
  assertEquals(streamDbOf(aux({})), 0);
  assertEquals(streamDbOf(aux({ "repl-stream-db": "-1" })), 0);
  assertEquals(streamDbOf(aux({ "repl-stream-db": "7" })), 7);
});
