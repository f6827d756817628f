/** XINFO; replies are those of redis-server 7.0.15. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { expectReplies, repliesIn3, type Row } from "./sorted_set_suite.ts";

/** What is refused, in both protocols alike. */
const REFUSED: readonly Row[] = [
  [
    "XINFO STREAM s FOO",
    "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.",
  ],
  [
    "XINFO STREAM s FULL COUNT",
    "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.",
  ],
  [
    "XINFO STREAM s FULL FOO 1",
    "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.",
  ],
  ["XINFO STREAM s FULL COUNT x", "-ERR value is not an integer or out of range"],
  ["XINFO STREAM none", "-ERR no such key"],
  ["XINFO GROUPS none", "-ERR no such key"],
  ["XINFO CONSUMERS s none", "-NOGROUP No such consumer group 'none' for key name 's'"],
  ["XINFO FOO s", "-ERR unknown subcommand 'FOO'. Try XINFO HELP."],
  ["SET str x", "+OK"],
  ["XINFO STREAM str", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
];

const ROWS_1: readonly Row[] = [
  ["XGROUP CREATE s g 0 MKSTREAM", "+OK"],
  [
    "XINFO STREAM s",
    "*20 $6 length :0 $15 radix-tree-keys :0 $16 radix-tree-nodes :1 $17 last-generated-id $3 0-0 $20 max-deleted-entry-id $3 0-0 $13 entries-added :0 $23 recorded-first-entry-id $3 0-0 $6 groups :1 $11 first-entry $-1 $10 last-entry $-1",
  ],
  [
    "XINFO STREAM s FULL",
    "*18 $6 length :0 $15 radix-tree-keys :0 $16 radix-tree-nodes :1 $17 last-generated-id $3 0-0 $20 max-deleted-entry-id $3 0-0 $13 entries-added :0 $23 recorded-first-entry-id $3 0-0 $7 entries *0 $6 groups *1 *14 $4 name $1 g $17 last-delivered-id $3 0-0 $12 entries-read $-1 $3 lag :0 $9 pel-count :0 $7 pending *0 $9 consumers *0",
  ],
  [
    "XINFO GROUPS s",
    "*1 *12 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 0-0 $12 entries-read $-1 $3 lag :0",
  ],
  ["XINFO CONSUMERS s g", "*0"],
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 2-1 b 3", "$3 2-1"],
  [
    "XINFO STREAM s",
    "*20 $6 length :3 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $3 2-1 $20 max-deleted-entry-id $3 0-0 $13 entries-added :3 $23 recorded-first-entry-id $3 1-1 $6 groups :1 $11 first-entry *2 $3 1-1 *2 $1 a $1 1 $10 last-entry *2 $3 2-1 *2 $1 b $1 3",
  ],
  ["XGROUP CREATE s h $", "+OK"],
  ["XGROUP CREATE s i 1-1", "+OK"],
  ["XGROUP CREATE s j 9-9", "+OK"],
  [
    "XINFO GROUPS s",
    "*4 *12 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 0-0 $12 entries-read $-1 $3 lag :3 *12 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read $-1 $3 lag :0 *12 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read $-1 $3 lag :2 *12 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read $-1 $3 lag $-1",
  ],
  ["XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-1 *2 $1 a $1 1"],
  [
    "XINFO GROUPS s",
    "*4 *12 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read :1 $3 lag :2 *12 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read $-1 $3 lag :0 *12 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read $-1 $3 lag :2 *12 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read $-1 $3 lag $-1",
  ],
  ["XDEL s 2-1", ":1"],
  [
    "XINFO GROUPS s",
    "*4 *12 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read :1 $3 lag $-1 *12 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read $-1 $3 lag :0 *12 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read $-1 $3 lag $-1 *12 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read $-1 $3 lag $-1",
  ],
  ["XADD s 3-1 b 3", "$3 3-1"],
  ["XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-2 *2 $1 a $1 2"],
  [
    "XINFO GROUPS s",
    "*4 *12 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 1-2 $12 entries-read $-1 $3 lag $-1 *12 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read $-1 $3 lag $-1 *12 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read $-1 $3 lag $-1 *12 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read $-1 $3 lag $-1",
  ],
  ["XREADGROUP GROUP g c NOACK STREAMS s >", "*1 *2 $1 s *1 *2 $3 3-1 *2 $1 b $1 3"],
  [
    "XINFO GROUPS s",
    "*4 *12 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 3-1 $12 entries-read :4 $3 lag :0 *12 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read $-1 $3 lag $-1 *12 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read $-1 $3 lag $-1 *12 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read $-1 $3 lag $-1",
  ],
  ["XTRIM s MAXLEN 1", ":2"],
  [
    "XINFO GROUPS s",
    "*4 *12 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 3-1 $12 entries-read :4 $3 lag :0 *12 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read $-1 $3 lag :1 *12 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read $-1 $3 lag :1 *12 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read $-1 $3 lag $-1",
  ],
  [
    "XINFO STREAM s",
    "*20 $6 length :1 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $3 3-1 $20 max-deleted-entry-id $3 2-1 $13 entries-added :4 $23 recorded-first-entry-id $3 3-1 $6 groups :4 $11 first-entry *2 $3 3-1 *2 $1 b $1 3 $10 last-entry *2 $3 3-1 *2 $1 b $1 3",
  ],
  ...REFUSED,
];

Deno.test("XINFO tells of a stream and its groups", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_1);
});

const ROWS_2: readonly Row[] = [
  ["XGROUP CREATE s g 0 MKSTREAM", "+OK"],
  [
    "XINFO STREAM s",
    "%10 $6 length :0 $15 radix-tree-keys :0 $16 radix-tree-nodes :1 $17 last-generated-id $3 0-0 $20 max-deleted-entry-id $3 0-0 $13 entries-added :0 $23 recorded-first-entry-id $3 0-0 $6 groups :1 $11 first-entry _ $10 last-entry _",
  ],
  [
    "XINFO STREAM s FULL",
    "%9 $6 length :0 $15 radix-tree-keys :0 $16 radix-tree-nodes :1 $17 last-generated-id $3 0-0 $20 max-deleted-entry-id $3 0-0 $13 entries-added :0 $23 recorded-first-entry-id $3 0-0 $7 entries *0 $6 groups *1 %7 $4 name $1 g $17 last-delivered-id $3 0-0 $12 entries-read _ $3 lag :0 $9 pel-count :0 $7 pending *0 $9 consumers *0",
  ],
  [
    "XINFO GROUPS s",
    "*1 %6 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 0-0 $12 entries-read _ $3 lag :0",
  ],
  ["XINFO CONSUMERS s g", "*0"],
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 2-1 b 3", "$3 2-1"],
  [
    "XINFO STREAM s",
    "%10 $6 length :3 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $3 2-1 $20 max-deleted-entry-id $3 0-0 $13 entries-added :3 $23 recorded-first-entry-id $3 1-1 $6 groups :1 $11 first-entry *2 $3 1-1 *2 $1 a $1 1 $10 last-entry *2 $3 2-1 *2 $1 b $1 3",
  ],
  ["XGROUP CREATE s h $", "+OK"],
  ["XGROUP CREATE s i 1-1", "+OK"],
  ["XGROUP CREATE s j 9-9", "+OK"],
  [
    "XINFO GROUPS s",
    "*4 %6 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 0-0 $12 entries-read _ $3 lag :3 %6 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read _ $3 lag :0 %6 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read _ $3 lag :2 %6 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read _ $3 lag _",
  ],
  ["XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >", "%1 $1 s *1 *2 $3 1-1 *2 $1 a $1 1"],
  [
    "XINFO GROUPS s",
    "*4 %6 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read :1 $3 lag :2 %6 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read _ $3 lag :0 %6 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read _ $3 lag :2 %6 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read _ $3 lag _",
  ],
  ["XDEL s 2-1", ":1"],
  [
    "XINFO GROUPS s",
    "*4 %6 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read :1 $3 lag _ %6 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read _ $3 lag :0 %6 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read _ $3 lag _ %6 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read _ $3 lag _",
  ],
  ["XADD s 3-1 b 3", "$3 3-1"],
  ["XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >", "%1 $1 s *1 *2 $3 1-2 *2 $1 a $1 2"],
  [
    "XINFO GROUPS s",
    "*4 %6 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 1-2 $12 entries-read _ $3 lag _ %6 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read _ $3 lag _ %6 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read _ $3 lag _ %6 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read _ $3 lag _",
  ],
  ["XREADGROUP GROUP g c NOACK STREAMS s >", "%1 $1 s *1 *2 $3 3-1 *2 $1 b $1 3"],
  [
    "XINFO GROUPS s",
    "*4 %6 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 3-1 $12 entries-read :4 $3 lag :0 %6 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read _ $3 lag _ %6 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read _ $3 lag _ %6 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read _ $3 lag _",
  ],
  ["XTRIM s MAXLEN 1", ":2"],
  [
    "XINFO GROUPS s",
    "*4 %6 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 3-1 $12 entries-read :4 $3 lag :0 %6 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-1 $12 entries-read _ $3 lag :1 %6 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read _ $3 lag :1 %6 $4 name $1 j $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 9-9 $12 entries-read _ $3 lag _",
  ],
  [
    "XINFO STREAM s",
    "%10 $6 length :1 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $3 3-1 $20 max-deleted-entry-id $3 2-1 $13 entries-added :4 $23 recorded-first-entry-id $3 3-1 $6 groups :4 $11 first-entry *2 $3 3-1 *2 $1 b $1 3 $10 last-entry *2 $3 3-1 *2 $1 b $1 3",
  ],
  ...REFUSED,
];

Deno.test("XINFO answers with maps in RESP3", () => {
  using server = new EmbeddedServer();
  repliesIn3(server, ROWS_2);
});

/** Maps as objects. */
function plain(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  if (!(reply instanceof Map)) return reply;
  return Object.fromEntries([...reply].map(([name, value]) => [String(name), plain(value)]));
}

Deno.test("FULL lists entries and pending ones as far as COUNT goes", () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(5000);
  try {
    for (let i = 1; i <= 12; i++) server.run("XADD", "s", `1-${i}`, "a", String(i));
    server.run("XGROUP", "CREATE", "s", "g", "0");
    server.run("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">");
    clock.setTimeForTests(5400);
    assertEquals(server.run("XINFO", "CONSUMERS", "s", "g"), [
      ["name", "c", "pending", 12, "idle", 400],
    ]);
    server.run("HELLO", "3");
    const full = (...count: string[]) =>
      plain(server.run("XINFO", "STREAM", "s", "FULL", ...count)) as Record<string, unknown>;
    const shown = full("COUNT", "1");
    assertEquals(shown.entries, [["1-1", ["a", "1"]]]);
    assertEquals(shown.groups, [{
      name: "g",
      "last-delivered-id": "1-12",
      "entries-read": 12,
      lag: 0,
      "pel-count": 12,
      pending: [["1-1", "c", 5000, 1]],
      consumers: [{
        name: "c",
        "seen-time": 5000,
        "pel-count": 12,
        pending: [["1-1", 5000, 1]],
      }],
    }]);
    assertEquals((full().entries as unknown[]).length, 10);
    assertEquals((full("COUNT", "0").entries as unknown[]).length, 12);
  } finally {
    clock.useRealTime();
  }
});
