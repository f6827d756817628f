/** XACK, XPENDING, XCLAIM, XAUTOCLAIM; replies are those of redis-server 7.0.15. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, type Row } from "./sorted_set_suite.ts";

/** Four entries, all pending for a consumer. */
const DELIVERED: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 2-1 b 3", "$3 2-1"],
  ["XADD s 3-1 b 4", "$3 3-1"],
  ["XGROUP CREATE s g 0", "+OK"],
  [
    "XREADGROUP GROUP g c STREAMS s >",
    "*1 *2 $1 s *4 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *2 $1 a $1 2 *2 $3 2-1 *2 $1 b $1 3 *2 $3 3-1 *2 $1 b $1 4",
  ],
];

const ROWS_1: readonly Row[] = [
  ...DELIVERED,
  ["XACK s g 1-1 1-2 9-9", ":2"],
  ["XACK s g 1-1", ":0"],
  ["XACK s g 2-1 x", "-ERR Invalid stream ID specified as stream command argument"],
  ["XACK s none 1-1", ":0"],
  ["XACK s none x", ":0"],
  ["XACK none g 1-1", ":0"],
  ["XACK s g", "-ERR wrong number of arguments for 'xack' command"],
  ["XPENDING s g", "*4 :2 $3 2-1 $3 3-1 *1 *2 $1 c $1 2"],
  ["SET str x", "+OK"],
  ["XACK str g 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
];

Deno.test("XACK takes entries off the pending ones", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_1);
});

const ROWS_2: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 2-1 b 3", "$3 2-1"],
  ["XADD s 3-1 b 4", "$3 3-1"],
  ["XGROUP CREATE s g 0", "+OK"],
  ["XPENDING s g", "*4 :0 $-1 $-1 *-1"],
  ["XCLAIM s g c 0 1-1 TIME 1 FORCE JUSTID", "*1 $3 1-1"],
  ["XCLAIM s g d 0 1-2 2-1 TIME 1 FORCE RETRYCOUNT 7 JUSTID", "*2 $3 1-2 $3 2-1"],
  ["XPENDING s g", "*4 :3 $3 1-1 $3 2-1 *2 *2 $1 c $1 1 *2 $1 d $1 2"],
  ["XPENDING s g - + 0", "*0"],
  ["XPENDING s g - + -1", "*0"],
  ["XPENDING s g - + 10 none", "*0"],
  ["XPENDING s g IDLE 9000000000000 - + 10", "*0"],
  ["XPENDING s g (2-1 + 10", "*0"],
  ["XPENDING s g - (1-1 10", "*0"],
  ["XPENDING s g - + x", "-ERR value is not an integer or out of range"],
  ["XPENDING s g x + 1", "-ERR Invalid stream ID specified as stream command argument"],
  ["XPENDING s g - x 1", "-ERR Invalid stream ID specified as stream command argument"],
  ["XPENDING s g - +", "-ERR syntax error"],
  ["XPENDING s g IDLE x - + 1", "-ERR value is not an integer or out of range"],
  ["XPENDING s g IDLE 1 - +", "-ERR syntax error"],
  ["XPENDING s g IDLE 1 - + 1 c d", "-ERR syntax error"],
  ["XPENDING s none", "-NOGROUP No such key 's' or consumer group 'none'"],
  ["XPENDING s none - + 1", "-NOGROUP No such key 's' or consumer group 'none'"],
  ["XPENDING none g", "-NOGROUP No such key 'none' or consumer group 'g'"],
  ["SET str x", "+OK"],
  ["XPENDING str g", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
];

Deno.test("XPENDING sums up, and lists what it is asked for", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_2);
});

const ROWS_3: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 2-1 b 3", "$3 2-1"],
  ["XADD s 3-1 b 4", "$3 3-1"],
  ["XGROUP CREATE s g 0", "+OK"],
  [
    "XREADGROUP GROUP g c COUNT 2 STREAMS s >",
    "*1 *2 $1 s *2 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *2 $1 a $1 2",
  ],
  ["XCLAIM s g d 0 1-1", "*1 *2 $3 1-1 *2 $1 a $1 1"],
  ["XCLAIM s g d 0 1-1 1-2 JUSTID", "*2 $3 1-1 $3 1-2"],
  ["XCLAIM s g d 0 2-1", "*0"],
  ["XCLAIM s g d 0 2-1 FORCE", "*1 *2 $3 2-1 *2 $1 b $1 3"],
  ["XCLAIM s g d 0 2-1 3-1 FORCE JUSTID", "*2 $3 2-1 $3 3-1"],
  ["XCLAIM s g e 100000 1-1", "*0"],
  ["XCLAIM s g e 0 9-9 FORCE", "*0"],
  ["XPENDING s g", "*4 :4 $3 1-1 $3 3-1 *1 *2 $1 d $1 4"],
  ["XDEL s 1-2", ":1"],
  ["XCLAIM s g e 0 1-2 FORCE", "*0"],
  ["XPENDING s g", "*4 :3 $3 1-1 $3 3-1 *1 *2 $1 d $1 3"],
  ["XCLAIM s g e 0 1-1 LASTID 9-9", "*1 *2 $3 1-1 *2 $1 a $1 1"],
  [
    "XINFO GROUPS s",
    "*1 *12 $4 name $1 g $9 consumers :3 $7 pending :3 $17 last-delivered-id $3 9-9 $12 entries-read :2 $3 lag :2",
  ],
  ["XCLAIM s g e 0 1-1 IDLE -5", "*1 *2 $3 1-1 *2 $1 a $1 1"],
  ["XCLAIM s g e 0 1-1 TIME 99999999999999999", "*1 *2 $3 1-1 *2 $1 a $1 1"],
  ["XCLAIM s g e -7 1-1 RETRYCOUNT 3", "*1 *2 $3 1-1 *2 $1 a $1 1"],
  ["XCLAIM s g e x 1-1", "-ERR Invalid min-idle-time argument for XCLAIM"],
  ["XCLAIM s g e 0 1-1 IDLE x", "-ERR Invalid IDLE option argument for XCLAIM"],
  ["XCLAIM s g e 0 1-1 TIME x", "-ERR Invalid TIME option argument for XCLAIM"],
  ["XCLAIM s g e 0 1-1 RETRYCOUNT x", "-ERR Invalid RETRYCOUNT option argument for XCLAIM"],
  ["XCLAIM s g e 0 1-1 LASTID x", "-ERR Invalid stream ID specified as stream command argument"],
  ["XCLAIM s g e 0 1-1 IDLE", "-ERR Unrecognized XCLAIM option 'IDLE'"],
  ["XCLAIM s g e 0 1-1 FOO", "-ERR Unrecognized XCLAIM option 'FOO'"],
  ["XCLAIM s g e 0 x", "-ERR Unrecognized XCLAIM option 'x'"],
  ["XCLAIM s none e 0 1-1", "-NOGROUP No such key 's' or consumer group 'none'"],
  ["XCLAIM none g e 0 1-1", "-NOGROUP No such key 'none' or consumer group 'g'"],
  ["SET str x", "+OK"],
  ["XCLAIM str g e 0 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
];

Deno.test("XCLAIM makes entries those of another consumer", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_3);
});

const ROWS_4: readonly Row[] = [
  ...DELIVERED,
  ["XAUTOCLAIM s g d 0 0 COUNT 1", "*3 $3 1-2 *1 *2 $3 1-1 *2 $1 a $1 1 *0"],
  ["XAUTOCLAIM s g d 0 1-2 COUNT 1 JUSTID", "*3 $3 2-1 *1 $3 1-2 *0"],
  ["XAUTOCLAIM s g d 100000 0", "*3 $3 0-0 *0 *0"],
  ["XDEL s 1-1 2-1", ":2"],
  ["XAUTOCLAIM s g d 100000 0", "*3 $3 0-0 *0 *2 $3 1-1 $3 2-1"],
  ["XAUTOCLAIM s g d 0 (1-2", "*3 $3 0-0 *1 *2 $3 3-1 *2 $1 b $1 4 *0"],
  ["XAUTOCLAIM s g d 0 -", "*3 $3 0-0 *2 *2 $3 1-2 *2 $1 a $1 2 *2 $3 3-1 *2 $1 b $1 4 *0"],
  ["XAUTOCLAIM s g d 0 +", "*3 $3 0-0 *0 *0"],
  ["XAUTOCLAIM s g d 0 4", "*3 $3 0-0 *0 *0"],
  ["XPENDING s g", "*4 :2 $3 1-2 $3 3-1 *1 *2 $1 d $1 2"],
  ["XAUTOCLAIM s g d x 0", "-ERR Invalid min-idle-time argument for XAUTOCLAIM"],
  ["XAUTOCLAIM s g d 0 x", "-ERR Invalid stream ID specified as stream command argument"],
  ["XAUTOCLAIM s g d 0 0 COUNT 0", "-ERR COUNT must be > 0"],
  ["XAUTOCLAIM s g d 0 0 COUNT x", "-ERR COUNT must be > 0"],
  ["XAUTOCLAIM s g d 0 0 COUNT", "-ERR syntax error"],
  ["XAUTOCLAIM s g d 0 0 FOO", "-ERR syntax error"],
  ["XAUTOCLAIM s none d 0 0", "-NOGROUP No such key 's' or consumer group 'none'"],
  ["XAUTOCLAIM none g d 0 0", "-NOGROUP No such key 'none' or consumer group 'g'"],
];

Deno.test("XAUTOCLAIM claims what has been idle, step by step", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_4);
});

Deno.test("an id of XCLAIM is recorded as it was written", () => {
  using server = new EmbeddedServer();
  server.run("XADD", "s", "3-0", "a", "b");
  server.run("XGROUP", "CREATE", "s", "g", "0");
  clock.setTimeForTests(9000);
  try {
    server.run("XGROUP", "CREATECONSUMER", "s", "g", "c");
    const effects = new RecordedEffects(server);
    server.run("XCLAIM", "s", "g", "c", "0", "3", "FORCE", "JUSTID");
    server.run("XAUTOCLAIM", "s", "g", "c", "0", "3", "JUSTID");
    assertEquals(effects.takeLog(), [
      "XCLAIM s g c 0 3 TIME 9000 RETRYCOUNT 1 FORCE JUSTID LASTID 0-0",
      "XCLAIM s g c 0 3-0 TIME 9000 RETRYCOUNT 1 FORCE JUSTID LASTID 0-0",
    ]);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("claims are recorded as what they came to", () => {
  using server = new EmbeddedServer();
  server.run("XADD", "s", "1-1", "a", "b");
  server.run("XADD", "s", "1-2", "a", "b");
  server.run("XGROUP", "CREATE", "s", "g", "0");
  clock.setTimeForTests(9000);
  try {
    server.run("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">");
    clock.setTimeForTests(12_000);
    const effects = new RecordedEffects(server);
    server.run("XCLAIM", "s", "g", "d", "5000", "1-1");
    server.run("XCLAIM", "s", "g", "d", "1000", "1-1", "LASTID", "1-9");
    server.run("XDEL", "s", "1-2");
    server.run("XAUTOCLAIM", "s", "g", "d", "0", "0", "JUSTID");
    server.run("XCLAIM", "s", "g", "d", "0", "7-7", "LASTID", "2-2");
    server.run("XACK", "s", "g", "1-1", "1-2");
    assertEquals(effects.takeLog(), [
      "XGROUP CREATECONSUMER s g d",
      "XCLAIM s g d 0 1-1 TIME 12000 RETRYCOUNT 2 FORCE JUSTID LASTID 1-9",
      "XDEL s 1-2",
      "XCLAIM s g d 0 1-1 TIME 12000 RETRYCOUNT 2 FORCE JUSTID LASTID 1-9",
      "XCLAIM s g c 0 1-2 TIME 9000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-9",
      "XGROUP SETID s g 2-2 ENTRIESREAD 2",
      "XACK s g 1-1 1-2",
    ]);
    assertEquals(effects.takeEvents(), ["xgroup-createconsumer s", "xdel s"]);
    assertEquals(effects.takeDirty(), 7);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("idle times count from the last delivery", () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(1000);
  try {
    server.run("XADD", "s", "1-1", "a", "b");
    server.run("XGROUP", "CREATE", "s", "g", "0");
    server.run("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">");
    clock.setTimeForTests(1700);
    assertEquals(server.run("XPENDING", "s", "g", "-", "+", "9"), [["1-1", "c", 700, 1]]);
    assertEquals(server.run("XPENDING", "s", "g", "IDLE", "701", "-", "+", "9"), []);
    assertEquals(server.run("XPENDING", "s", "g", "IDLE", "700", "-", "+", "9", "c"), [
      ["1-1", "c", 700, 1],
    ]);
    server.run("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "0");
    assertEquals(server.run("XPENDING", "s", "g", "-", "+", "9"), [["1-1", "c", 0, 2]]);
    server.run("XCLAIM", "s", "g", "c", "0", "1-1", "IDLE", "300", "RETRYCOUNT", "9");
    assertEquals(server.run("XPENDING", "s", "g", "-", "+", "9"), [["1-1", "c", 300, 9]]);
  } finally {
    clock.useRealTime();
  }
});
