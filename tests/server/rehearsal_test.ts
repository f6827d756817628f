/** Rehearsal: a PING that nobody sees. */
import { assertEquals } from "@std/assert";
import { commandRows } from "../../src/commands/table.ts";
import { rehearse } from "../../src/server/rehearsal.ts";
import { fromLatin1 } from "../support/text.ts";

Deno.test("the rehearsal goes from a request to its reply, and ends", async () => {
  assertEquals(fromLatin1(await rehearse(commandRows)), "+PONG\r\n");
});
