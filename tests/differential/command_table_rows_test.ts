/**
 * The command table against the original's COMMAND and COMMAND DOCS: arity, flags, keys, key specs,
 * ACL categories, tips, since, group, arguments and deprecation of every command. No command and
 * no subcommand of the original is missing, whether we have its family or not.
 */

import { assertEquals } from "@std/assert";
import { testWith } from "../support/tool_availability.ts";
import type { Reply } from "../../src/protocol/reply_reader.ts";
import type { Plain } from "../support/resp_reply.ts";
import { fromUtf8, utf8 } from "../support/text.ts";
import { assertAgreement, Both } from "./both.ts";
import {
  type CommandRow,
  isLater,
  namesIn,
  readCommandRows,
  rowDifferences,
} from "./command_rows.ts";

/** Commands of ours that came after the original, by what their rows say. */
function laterCommands(rows: ReadonlyMap<string, CommandRow>): Set<string> {
  const later = [...rows].filter(([, row]) => isLater(row.get("since") ?? ""));
  return new Set(later.map(([name]) => name));
}

/** With an argument of a later version: NOVALUES of 7.4. */
const LATER_ARGUMENTS: readonly string[] = ["hscan"];

const ASKED_NAMES = [
  ...["get", "SET", "config|get", "nosuch", "mset", "zunionstore", "xread", "cluster|slots"],
  ...["config|get|port", "get|key", "config|", "|get", "|", "", "Module|LOADEX"],
];

const GETKEYS_REQUESTS = [
  ...["xadd k * f v", "xread streams a b", "xread streams a b c", "xread streams a b c d"],
  ...["xread count 1 block 0 streams a 0", "xread count 1 a b", "xread streams a", "xlen k"],
  ...["xreadgroup group streams g streams a b", "xreadgroup group a b c d e streams"],
  ...["xreadgroup group a b noack streams k 0", "xreadgroup group a b count 1 d e"],
  ...["xinfo stream k", "xgroup create k g $", "xgroup help", "cluster keyslot k", "wait 0 0"],
  ...["migrate h 1 k 0 0", "migrate h 1 '' 0 0", "migrate h 1 '' 0 0 keys a b"],
  ...["migrate h 1 k 0 0 keys a", "migrate h 1 '' 0 0 auth keys a b"],
  ...["migrate h 1 '' 0 0 auth keys keys b", "migrate h 1 '' 0 0 copy auth2 u p keys a"],
  ...["restore-asking k 0 x", "replicaof no one", "eval s 1 a b", "eval s 0", "fcall f x a"],
  ...["sort k by store store secret", "sort k get store store d"],
  ...[
    "sort k limit store store store d",
    "sort k by w_* get # store d store e",
    "sort_ro k by w_*",
  ],
  ...["sort k", "sort k store", "sort k alpha store d desc", "sort k limit 0 1 by store"],
];

testWith(["redis-server"], "every row of the command table equals the original's", async () => {
  await using both = await Both.start();
  const original = await readCommandRows(both.redis);
  const ours = await readCommandRows(both.ours);
  const differences: string[] = [];
  const later = laterCommands(ours);
  for (const [name, row] of ours) {
    const expected = original.get(name);
    if (later.has(name)) continue;
    if (LATER_ARGUMENTS.includes(name)) row.set("arguments", expected?.get("arguments") ?? "");
    if (expected === undefined) differences.push(`${name}: unknown to redis-server`);
    else differences.push(...rowDifferences(expected, row).map((text) => `${name}: ${text}`));
  }
  assertEquals([...original.keys()].filter((name) => !ours.has(name)), []);
  assertEquals(differences, []);
});

testWith(["redis-server"], "COMMAND COUNT, LIST and INFO agree with the table", async () => {
  await using both = await Both.start();
  using client = await both.ourServer.connect();
  const rows = await readCommandRows(client);
  const names = [...rows.keys()];
  assertEquals(((await client.call("COMMAND", "LIST")) as string[]).sort(), names.sort());
  const later = [...laterCommands(rows)].filter((name) => !name.includes("|")).length;
  const count = await both.redis.call("COMMAND", "COUNT") as number;
  assertEquals(await client.call("COMMAND", "COUNT"), count + later);
  const topLevel = names.filter((name) => !name.includes("|"));
  assertEquals(await client.call("COMMAND", "COUNT"), topLevel.length);
  for (const name of ASKED_NAMES) {
    await both.same("COMMAND", "INFO", name);
  }
});

testWith(
  ["redis-server"],
  "COMMAND LIST, ACL CAT and ACL rules know the same commands",
  async () => {
    await using both = await Both.start();
    const later = laterCommands(await readCommandRows(both.ours));
    const withoutLater = (reply: Plain) =>
      (reply as string[]).filter((name) => !later.has(name)).sort();
    const compare = async (...request: string[]) => {
      const expected = await both.redis.call(...request);
      assertEquals(
        withoutLater(await both.ours.call(...request)),
        withoutLater(expected),
        `${request}`,
      );
    };
    await compare("COMMAND", "LIST", "FILTERBY", "PATTERN", "*s*");
    for (const category of await both.redis.call("ACL", "CAT") as string[]) {
      await compare("ACL", "CAT", category);
      await compare("COMMAND", "LIST", "FILTERBY", "ACLCAT", category);
    }
    for (const name of await both.redis.call("COMMAND", "LIST") as string[]) {
      await both.same("ACL", "SETUSER", "bob", "+@all", `-${name}`);
      await both.same("ACL", "GETUSER", "bob");
    }
  },
);

testWith(
  ["redis-server"],
  "COMMAND GETKEYS finds the same keys, or none in the same words",
  async () => {
    await using both = await Both.start();
    for (const request of GETKEYS_REQUESTS) {
      const words = request.split(" ").map((word) => word === "''" ? "" : word);
      await both.same("COMMAND", "GETKEYS", ...words);
      await both.same("COMMAND", "GETKEYSANDFLAGS", ...words);
    }
  },
);

/** Whether an argument, or an entry of a history, tells of a version after the original's. */
function isLaterEntry(reply: Reply): boolean {
  if (!("items" in reply)) return false;
  const [first] = reply.items;
  const texts = reply.items.map((item) => item.kind === "bulk" ? fromUtf8(item.bytes) : "");
  if (reply.kind === "map") {
    return texts.some((text, i) => text === "since" && isLater(texts[i + 1]));
  }
  return reply.items.length === 2 && first.kind === "bulk" && isLater(texts[0]);
}

/** The same reply with our own sentences, and what depends on them, taken out. */
function withoutSentences(reply: Reply): Reply {
  if (!("items" in reply)) return reply;
  const items = reply.items.filter((item) => !isLaterEntry(item)).map(withoutSentences);
  if (reply.kind === "map") {
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      const name = key.kind === "bulk" ? fromUtf8(key.bytes) : "";
      const value = items[i + 1];
      if (name === "summary" || name === "complexity") items[i + 1] = { kind: "null" };
      if (name === "replaced_by" && value.kind === "bulk") {
        items[i + 1] = { kind: "bulk", bytes: utf8(namesIn(fromUtf8(value.bytes))) };
      }
      if (name === "history" && "items" in value) {
        for (const entry of value.items) if ("items" in entry) entry.items.splice(1, 1);
        // All of it was later.
        if (value.items.length === 0) {
          items.splice(i, 2);
          i -= 2;
        }
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
    const later = laterCommands(await readCommandRows(both.ours));
    const plainNames = await clients.ours.expect("COMMAND", "LIST") as Set<string>;
    let count = 0;
    for (const name of plainNames) {
      if (
        later.has(name) || LATER_ARGUMENTS.includes(name) ||
        [...plainNames].some((one) => one.startsWith(`${name}|`))
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
