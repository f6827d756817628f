/**
 * The command table against the original's COMMAND and COMMAND DOCS: arity, flags, keys, key specs,
 * ACL categories, tips, since, group, arguments and deprecation of every command both know. What is
 * missing altogether is printed by scripts/command_coverage.ts.
 */

import { assertEquals } from "@std/assert";
import { testWith } from "../support/tool_availability.ts";
import type { Reply } from "../../src/protocol/reply_reader.ts";
import { fromUtf8 } from "../support/text.ts";
import { assertAgreement, Both } from "./both.ts";
import { readCommandRows, rowDifferences } from "./command_rows.ts";

/** Of Redis 7.2: client libraries send them at connect time. Of 8.2: what streams lacked. */
const LATER_COMMANDS: readonly string[] = [
  "client|setinfo",
  "client|no-touch",
  "xackdel",
  "xdelex",
];

testWith(["redis-server"], "every row of the command table equals the original's", async () => {
  await using both = await Both.start();
  const original = await readCommandRows(both.redis);
  const ours = await readCommandRows(both.ours);
  const differences: string[] = [];
  for (const [name, row] of ours) {
    const expected = original.get(name);
    if (LATER_COMMANDS.includes(name)) continue;
    if (expected === undefined) differences.push(`${name}: unknown to redis-server`);
    else differences.push(...rowDifferences(expected, row).map((text) => `${name}: ${text}`));
  }
  assertEquals(ours.size > 0, true);
  assertEquals(differences, []);
});

testWith(["redis-server"], "COMMAND COUNT, LIST and INFO agree with the table", async () => {
  await using both = await Both.start();
  using client = await both.ourServer.connect();
  const rows = await readCommandRows(client);
  const names = [...rows.keys()];
  assertEquals(((await client.call("COMMAND", "LIST")) as string[]).sort(), names.sort());
  const topLevel = names.filter((name) => !name.includes("|"));
  assertEquals(await client.call("COMMAND", "COUNT"), topLevel.length);
  for (const name of ["get", "SET", "config|get", "nosuch", "mset", "zunionstore"]) {
    await both.same("COMMAND", "INFO", name);
  }
});

/** The same reply with our own sentences, and what depends on them, taken out. */
function withoutSentences(reply: Reply): Reply {
  if (!("items" in reply)) return reply;
  const items = reply.items.map(withoutSentences);
  if (reply.kind === "map") {
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      const name = key.kind === "bulk" ? fromUtf8(key.bytes) : "";
      const value = items[i + 1];
      if (name === "summary" || name === "complexity") items[i + 1] = { kind: "null" };
      if (name === "history" && "items" in value) {
        for (const entry of value.items) if ("items" in entry) entry.items.splice(1, 1);
      }
    }
  }
  return { kind: reply.kind, items };
}

testWith(
  ["redis-server"],
  "COMMAND DOCS has maps, sets and arrays where the original has",
  async () => {
    await using both = await Both.start();
    using clients = await both.secondClient(3);
    const plainNames = await clients.ours.expect("COMMAND", "LIST") as Set<string>;
    let count = 0;
    for (const name of plainNames) {
      if (
        LATER_COMMANDS.includes(name) || [...plainNames].some((one) => one.startsWith(`${name}|`))
      ) {
        continue;
      }
      const request = ["COMMAND", "DOCS", name];
      const expected = withoutSentences(await clients.redis.exchange(...request));
      const actual = withoutSentences(await clients.ours.exchange(...request));
      assertAgreement("same", request, expected, actual);
      count++;
    }
    assertEquals(count > 200, true);
  },
);
