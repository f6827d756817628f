/** Stream commands: adding, ranges, deleting; replies are those of redis-server 7.0.15. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, type Row } from "./sorted_set_suite.ts";

const ROWS_1: readonly Row[] = [
  ["XADD s 1-1 a b", "$3 1-1"],
  ["XADD s 1-* a c", "$3 1-2"],
  ["XADD s 5 a b c d", "$3 5-0"],
  [
    "XADD s 5-0 a b",
    "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
  ],
  [
    "XADD s 4-9 a b",
    "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
  ],
  ["XADD s 0-0 a b", "-ERR The ID specified in XADD must be greater than 0-0"],
  ["XADD s 0 a b", "-ERR The ID specified in XADD must be greater than 0-0"],
  ["XADD t 0-* a b", "$3 0-1"],
  ["XADD s 5-* 12 -7", "$3 5-1"],
  ["XADD s x a b", "-ERR Invalid stream ID specified as stream command argument"],
  ["XADD s - a b", "-ERR Invalid stream ID specified as stream command argument"],
  ["XADD s + a b", "-ERR Invalid stream ID specified as stream command argument"],
  ["XADD s 5-x a b", "-ERR Invalid stream ID specified as stream command argument"],
  [
    "XADD s 18446744073709551616-0 a b",
    "-ERR Invalid stream ID specified as stream command argument",
  ],
  ["XADD s * a", "-ERR wrong number of arguments for 'xadd' command"],
  ["XADD s * a b c", "-ERR wrong number of arguments for 'xadd' command"],
  ["XADD s *", "-ERR wrong number of arguments for 'xadd' command"],
  [
    "XADD s 18446744073709551615-18446744073709551615 z z",
    "$41 18446744073709551615-18446744073709551615",
  ],
  ["XADD s * a b", "-ERR The stream has exhausted the last possible ID, unable to add more items"],
  [
    "XRANGE s - +",
    "*5 *2 $3 1-1 *2 $1 a $1 b *2 $3 1-2 *2 $1 a $1 c *2 $3 5-0 *4 $1 a $1 b $1 c $1 d *2 $3 5-1 *2 $2 12 $2 -7 *2 $41 18446744073709551615-18446744073709551615 *2 $1 z $1 z",
  ],
  ["XLEN s", ":5"],
  ["XLEN none", ":0"],
  ["TYPE s", "+stream"],
  ["OBJECT ENCODING s", "$6 stream"],
];

Deno.test("XADD gives ids, takes ids, and refuses those that do not ascend", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_1);
});

const ROWS_2: readonly Row[] = [
  ["XADD none NOMKSTREAM * a b", "$-1"],
  ["EXISTS none", ":0"],
  ["SET str x", "+OK"],
  ["XADD str 1-1 a b", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  [
    "XADD str NOMKSTREAM 1-1 a b",
    "-WRONGTYPE Operation against a key holding the wrong kind of value",
  ],
  ["XLEN str", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["XRANGE str - +", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["XDEL str 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["XTRIM str MAXLEN 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["XSETID str 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["SORT none", "*0"],
  ["XADD s 1-1 a b", "$3 1-1"],
  ["SORT s", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["GET s", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["LPUSH s x", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
];

Deno.test("NOMKSTREAM makes no key, and another type is refused", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_2);
});

const ROWS_3: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2 b 3", "$3 1-2"],
  ["XADD s 2-1 a 3", "$3 2-1"],
  ["XADD s 3-0 c 4", "$3 3-0"],
  ["XRANGE s - + COUNT 2", "*2 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *4 $1 a $1 2 $1 b $1 3"],
  ["XRANGE s 1 1", "*2 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *4 $1 a $1 2 $1 b $1 3"],
  ["XRANGE s 2 +", "*2 *2 $3 2-1 *2 $1 a $1 3 *2 $3 3-0 *2 $1 c $1 4"],
  ["XRANGE s (1-1 (3-0", "*2 *2 $3 1-2 *4 $1 a $1 2 $1 b $1 3 *2 $3 2-1 *2 $1 a $1 3"],
  [
    "XRANGE s (1 2",
    "*3 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *4 $1 a $1 2 $1 b $1 3 *2 $3 2-1 *2 $1 a $1 3",
  ],
  ["XRANGE s 3 2", "*0"],
  ["XRANGE s - + COUNT 0", "*-1"],
  ["XRANGE s - + COUNT -3", "*-1"],
  ["XRANGE s - + COUNT", "-ERR syntax error"],
  ["XRANGE s - + COUNT x", "-ERR value is not an integer or out of range"],
  ["XRANGE s - + FOO 1", "-ERR syntax error"],
  ["XRANGE s x +", "-ERR Invalid stream ID specified as stream command argument"],
  ["XRANGE s (- +", "-ERR Invalid stream ID specified as stream command argument"],
  ["XRANGE s - (+", "-ERR Invalid stream ID specified as stream command argument"],
  ["XRANGE s - (", "-ERR Invalid stream ID specified as stream command argument"],
  [
    "XRANGE s (18446744073709551615-18446744073709551615 +",
    "-ERR invalid start ID for the interval",
  ],
  ["XRANGE s - (0-0", "-ERR invalid end ID for the interval"],
  ["XRANGE none - +", "*0"],
  ["XRANGE none - + COUNT 0", "*0"],
  [
    "XREVRANGE s + -",
    "*4 *2 $3 3-0 *2 $1 c $1 4 *2 $3 2-1 *2 $1 a $1 3 *2 $3 1-2 *4 $1 a $1 2 $1 b $1 3 *2 $3 1-1 *2 $1 a $1 1",
  ],
  ["XREVRANGE s + - COUNT 1", "*1 *2 $3 3-0 *2 $1 c $1 4"],
  ["XREVRANGE s (3-0 2", "*1 *2 $3 2-1 *2 $1 a $1 3"],
  ["XREVRANGE s - +", "*0"],
];

Deno.test("XRANGE and XREVRANGE take bounds in all their forms", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_3);
});

const ROWS_4: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 2-1 a 3", "$3 2-1"],
  ["XDEL s 1-2 9-9", ":1"],
  ["XDEL s 1-2", ":0"],
  ["XDEL s 1-1 x", "-ERR Invalid stream ID specified as stream command argument"],
  ["XRANGE s - +", "*2 *2 $3 1-1 *2 $1 a $1 1 *2 $3 2-1 *2 $1 a $1 3"],
  [
    "XINFO STREAM s",
    "*20 $6 length :2 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $3 2-1 $20 max-deleted-entry-id $3 1-2 $13 entries-added :3 $23 recorded-first-entry-id $3 1-1 $6 groups :0 $11 first-entry *2 $3 1-1 *2 $1 a $1 1 $10 last-entry *2 $3 2-1 *2 $1 a $1 3",
  ],
  ["XDEL s 1-1 2-1", ":2"],
  ["XLEN s", ":0"],
  ["EXISTS s", ":1"],
  [
    "XINFO STREAM s",
    "*20 $6 length :0 $15 radix-tree-keys :0 $16 radix-tree-nodes :1 $17 last-generated-id $3 2-1 $20 max-deleted-entry-id $3 2-1 $13 entries-added :3 $23 recorded-first-entry-id $3 0-0 $6 groups :0 $11 first-entry $-1 $10 last-entry $-1",
  ],
  ["XDEL none 1-1", ":0"],
  ["XDEL none x", ":0"],
];

Deno.test("XDEL removes entries, keeps the key, and remembers the greatest", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_4);
});

const ROWS_5: readonly Row[] = [
  ["CONFIG SET stream-node-max-entries 3", "+OK"],
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 1-3 a 3", "$3 1-3"],
  ["XADD s 2-1 a 4", "$3 2-1"],
  ["XADD s 2-2 a 5", "$3 2-2"],
  ["XADD s 2-3 a 6", "$3 2-3"],
  ["XADD s 3-1 a 7", "$3 3-1"],
  ["XTRIM s MAXLEN ~ 5", ":0"],
  ["XTRIM s MAXLEN ~ 4", ":3"],
  ["XTRIM s MAXLEN 3", ":1"],
  ["XRANGE s - +", "*3 *2 $3 2-2 *2 $1 a $1 5 *2 $3 2-3 *2 $1 a $1 6 *2 $3 3-1 *2 $1 a $1 7"],
  ["XTRIM s MINID ~ 3", ":2"],
  ["XTRIM s MINID = 2-3", ":0"],
  ["XTRIM s MINID 3", ":0"],
  ["XADD s MAXLEN 2 4-1 a 8", "$3 4-1"],
  ["XADD s MAXLEN = 2 4-2 a 9", "$3 4-2"],
  ["XADD s MINID ~ 4-2 LIMIT 1 4-3 a 10", "$3 4-3"],
  ["XADD s MAXLEN ~ 1 LIMIT 10 5-1 a 11", "$3 5-1"],
  ["XRANGE s - +", "*2 *2 $3 4-3 *2 $1 a $2 10 *2 $3 5-1 *2 $1 a $2 11"],
  ["XTRIM s MAXLEN 0", ":2"],
  ["XLEN s", ":0"],
  ["XTRIM s MAXLEN", "-ERR wrong number of arguments for 'xtrim' command"],
  ["XTRIM s MAXLEN x", "-ERR value is not an integer or out of range"],
  ["XTRIM s MAXLEN -1", "-ERR The MAXLEN argument must be >= 0."],
  ["XTRIM s MINID x", "-ERR Invalid stream ID specified as stream command argument"],
  [
    "XTRIM s MAXLEN 1 MINID 1",
    "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
  ],
  [
    "XTRIM s LIMIT 1",
    "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
  ],
  ["XTRIM s LIMIT 0", "-ERR syntax error, XTRIM must be called with a trimming strategy"],
  [
    "XTRIM s MAXLEN 1 LIMIT 1",
    "-ERR syntax error, LIMIT cannot be used without the special ~ option",
  ],
  ["XTRIM s MAXLEN ~ 1 LIMIT -1", "-ERR The LIMIT argument must be >= 0."],
  ["XTRIM s MAXLEN ~ 1 LIMIT x", "-ERR value is not an integer or out of range"],
  ["XTRIM s FOO 1", "-ERR syntax error"],
  [
    "XADD s LIMIT 1 * a b",
    "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
  ],
  ["XADD s LIMIT 0 * a b", "-ERR syntax error, LIMIT cannot be used without the special ~ option"],
  ["XADD s MAXLEN 1", "-ERR wrong number of arguments for 'xadd' command"],
  ["XTRIM none MAXLEN 1", ":0"],
];

Deno.test("XTRIM and XADD trim by length and by id, exactly or by nodes", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_5);
});

Deno.test("XSETID goes below no deleted entry from 7.2 on", () => {
  const refused = "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
  for (const [release, reply] of [["7.0", "+OK"], ["7.2", refused], ["7.4", refused]] as const) {
    using server = new EmbeddedServer([["redis-version", release]]);
    expectReplies(server, [
      ["XADD s 1-1 a 1", "$3 1-1"],
      ["XADD s 1-2 a 1", "$3 1-2"],
      ["XADD s 1-3 a 1", "$3 1-3"],
      ["XDEL s 1-2 1-3", ":2"],
      ["XSETID s 1-2", reply],
      ["XSETID s 1-2 ENTRIESADDED 3 MAXDELETEDID 1-1", reply],
      ["XSETID s 1-3", "+OK"],
    ]);
  }
});

const ROWS_6: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 2-1 a 2", "$3 2-1"],
  ["XSETID s 9-1 ENTRIESADDED 50 MAXDELETEDID 8-1", "+OK"],
  [
    "XINFO STREAM s",
    "*20 $6 length :2 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $3 9-1 $20 max-deleted-entry-id $3 8-1 $13 entries-added :50 $23 recorded-first-entry-id $3 1-1 $6 groups :0 $11 first-entry *2 $3 1-1 *2 $1 a $1 1 $10 last-entry *2 $3 2-1 *2 $1 a $1 2",
  ],
  ["XSETID s 7-0", "+OK"],
  ["XSETID s 1-0", "-ERR The ID specified in XSETID is smaller than the target stream top item"],
  [
    "XSETID s 7-0 ENTRIESADDED 1",
    "-ERR The entries_added specified in XSETID is smaller than the target stream length",
  ],
  ["XSETID s 7-0 ENTRIESADDED -1", "-ERR entries_added must be positive"],
  ["XSETID s 7-0 ENTRIESADDED x", "-ERR value is not an integer or out of range"],
  [
    "XSETID s 7-0 MAXDELETEDID 9-0",
    "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
  ],
  ["XSETID s x", "-ERR Invalid stream ID specified as stream command argument"],
  ["XSETID s 7-0 FOO 1", "-ERR syntax error"],
  ["XSETID s 7-0 ENTRIESADDED", "-ERR syntax error"],
  ["XSETID none 7-0", "-ERR no such key"],
  ["XTRIM s MAXLEN 0", ":2"],
  ["XSETID s 1-0", "+OK"],
  [
    "XADD s 1-0 a b",
    "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
  ],
  ["XADD s 1-1 a b", "$3 1-1"],
];

Deno.test("XSETID sets what is known of a stream", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_6);
});

Deno.test("ids are given by the clock, and never go back with it", () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(5000);
  try {
    assertEquals(server.run("XADD", "s", "*", "a", "b"), "5000-0");
    assertEquals(server.run("XADD", "s", "*", "a", "b"), "5000-1");
    clock.setTimeForTests(4000);
    assertEquals(server.run("XADD", "s", "*", "a", "b"), "5000-2");
    clock.setTimeForTests(6000);
    assertEquals(server.run("XADD", "s", "6000-*", "a", "b"), "6000-0");
    assertEquals(server.run("XADD", "s", "*", "a", "b"), "6000-1");
    server.run("XADD", "s", "6000-18446744073709551615", "a", "b");
    assertEquals(server.run("XADD", "s", "*", "a", "b"), "6001-0");
  } finally {
    clock.useRealTime();
  }
});

Deno.test("changes are announced, counted, and recorded with what they came to", () => {
  using server = new EmbeddedServer([["stream-node-max-entries", "2"]]);
  const effects = new RecordedEffects(server);
  clock.setTimeForTests(7000);
  try {
    server.run("XADD", "s", "*", "a", "b");
    server.run("XADD", "s", "7000-*", "a", "b");
    server.run("XADD", "s", "8-*", "a", "b");
    server.run("XADD", "s", "8000-0", "a", "b");
  } finally {
    clock.useRealTime();
  }
  assertEquals(effects.takeEvents(), ["new s", "xadd s", "xadd s", "xadd s"]);
  assertEquals(effects.takeLog(), ["XADD s 7000-0 a b", "XADD s 7000-1 a b", "XADD s 8000-0 a b"]);
  assertEquals(effects.takeDirty(), 3);
  server.run("XADD", "s", "MAXLEN", "~", "1", "8001-0", "a", "b");
  server.run("XADD", "s", "MINID", "~", "8001", "LIMIT", "5", "8002-0", "a", "b");
  server.run("XADD", "s", "MAXLEN", "2", "8003-0", "a", "b");
  assertEquals(effects.takeLog(), [
    "XADD s MAXLEN = 2 8001-0 a b",
    "XADD s MINID = 8000-0 LIMIT 5 8002-0 a b",
    "XADD s MAXLEN 2 8003-0 a b",
  ]);
  assertEquals(effects.takeEvents(), ["xadd s", "xtrim s", "xadd s", "xadd s", "xtrim s"]);
  server.run("XADD", "s", "8004-0", "a", "b");
  server.run("XTRIM", "s", "MAXLEN", "~", "1");
  server.run("XTRIM", "s", "MINID", "~", "9000");
  server.run("XDEL", "s", "8002-0", "8003-0", "9-9");
  server.run("XDEL", "s", "8003-0");
  server.run("XSETID", "s", "9000-0");
  assertEquals(effects.takeLog(), [
    "XADD s 8004-0 a b",
    "XTRIM s MAXLEN = 1",
    "XTRIM s MINID = 18446744073709551615-18446744073709551615",
    "XSETID s 9000-0",
  ]);
  assertEquals(effects.takeEvents(), ["xadd s", "xtrim s", "xtrim s", "xsetid s"]);
});

Deno.test("an entry beyond a block stands in a node of its own", () => {
  using server = new EmbeddedServer();
  const long = "x".repeat(300_000);
  server.run("XADD", "s", "1-1", "a", "b");
  server.run("XADD", "s", "1-2", long, long);
  server.run("XADD", "s", "1-3", "a", "b");
  server.run("XADD", "s", "1-4", "f", long);
  assertEquals(server.run("XRANGE", "s", "1-2", "1-4"), [
    ["1-2", [long, long]],
    ["1-3", ["a", "b"]],
    ["1-4", ["f", long]],
  ]);
  assertEquals(server.run("XDEL", "s", "1-2"), 1);
  assertEquals(server.run("XTRIM", "s", "MAXLEN", "1"), 2);
  assertEquals(server.run("XREVRANGE", "s", "+", "-"), [["1-4", ["f", long]]]);
  assertEquals(server.run("DEL", "s"), 1);
});
