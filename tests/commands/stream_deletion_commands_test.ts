/** XDELEX, XACKDEL, KEEPREF, DELREF, ACKED and XREAD +; replies are those of redis-server 8.2.3. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, type Row } from "./sorted_set_suite.ts";

const ROWS_1: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 1-3 a 3", "$3 1-3"],
  ["XADD s 1-4 a 4", "$3 1-4"],
  ["XADD s 1-5 a 5", "$3 1-5"],
  ["XADD s 1-6 a 6", "$3 1-6"],
  ["XGROUP CREATE s g 0", "+OK"],
  ["XGROUP CREATE s h 0", "+OK"],
  [
    "XREADGROUP GROUP g c COUNT 4 STREAMS s >",
    "*1 *2 $1 s *4 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *2 $1 a $1 2 *2 $3 1-3 *2 $1 a $1 3 *2 $3 1-4 *2 $1 a $1 4",
  ],
  [
    "XREADGROUP GROUP h c COUNT 2 STREAMS s >",
    "*1 *2 $1 s *2 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *2 $1 a $1 2",
  ],
  ["XDELEX s IDS 1 1-6", "*1 :1"],
  ["XDELEX s ACKED IDS 2 1-1 1-5", "*2 :2 :2"],
  ["XACK s g 1-1", ":1"],
  ["XDELEX s ACKED IDS 1 1-1", "*1 :2"],
  ["XACK s h 1-1", ":1"],
  ["XDELEX s ACKED IDS 2 1-1 9-9", "*2 :1 :2"],
  ["XDELEX s DELREF IDS 1 1-2", "*1 :1"],
  ["XPENDING s g", "*4 :2 $3 1-3 $3 1-4 *1 *2 $1 c $1 2"],
  ["XPENDING s h", "*4 :0 $-1 $-1 *-1"],
  ["XDELEX s KEEPREF IDS 2 1-3 1-3", "*2 :1 :-1"],
  ["XPENDING s g", "*4 :2 $3 1-3 $3 1-4 *1 *2 $1 c $1 2"],
  ["XDELEX s DELREF IDS 1 1-3", "*1 :-1"],
  ["XPENDING s g", "*4 :1 $3 1-4 $3 1-4 *1 *2 $1 c $1 1"],
  ["XDELEX s IDS 1 1-5 ACKED", "*1 :2"],
  ["XDELEX s IDS 1 1-5 KEEPREF IDS 1 1-4", "*1 :1"],
  ["XRANGE s - +", "*1 *2 $3 1-5 *2 $1 a $1 5"],
  ["XDELEX none IDS 2 1-1 1-2", "*2 :-1 :-1"],
  ["XDELEX s IDS 0", "-ERR wrong number of arguments for 'xdelex' command"],
  ["XDELEX s IDS x 1-1", "-ERR Number of IDs must be a positive integer"],
  ["XDELEX s IDS -1 1-1", "-ERR Number of IDs must be a positive integer"],
  ["XDELEX s IDS 2 1-1", "-ERR The `numids` parameter must match the number of arguments"],
  ["XDELEX s IDS 1 1-1 1-2", "-ERR syntax error"],
  ["XDELEX s IDS 1 foo", "-ERR Invalid stream ID specified as stream command argument"],
  ["XDELEX s FOO IDS 1 1-1", "-ERR syntax error"],
  ["XDELEX s ACKED DELREF IDS 1 1-1", "-ERR syntax error"],
  ["SET str x", "+OK"],
  ["XDELEX str IDS 1 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
];

Deno.test("XDELEX deletes with regard to groups or without", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_1);
});

const ROWS_2: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 1-3 a 3", "$3 1-3"],
  ["XADD s 1-4 a 4", "$3 1-4"],
  ["XADD s 1-5 a 5", "$3 1-5"],
  ["XADD s 1-6 a 6", "$3 1-6"],
  ["XGROUP CREATE s g 0", "+OK"],
  ["XGROUP CREATE s h 0", "+OK"],
  [
    "XREADGROUP GROUP g c COUNT 6 STREAMS s >",
    "*1 *2 $1 s *6 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *2 $1 a $1 2 *2 $3 1-3 *2 $1 a $1 3 *2 $3 1-4 *2 $1 a $1 4 *2 $3 1-5 *2 $1 a $1 5 *2 $3 1-6 *2 $1 a $1 6",
  ],
  [
    "XREADGROUP GROUP h c COUNT 5 STREAMS s >",
    "*1 *2 $1 s *5 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *2 $1 a $1 2 *2 $3 1-3 *2 $1 a $1 3 *2 $3 1-4 *2 $1 a $1 4 *2 $3 1-5 *2 $1 a $1 5",
  ],
  ["XACKDEL s g ACKED IDS 3 1-1 1-6 7-7", "*3 :2 :2 :-1"],
  ["XACKDEL s h ACKED IDS 1 1-1", "*1 :1"],
  ["XACKDEL s g IDS 2 1-2 1-2", "*2 :1 :-1"],
  ["XPENDING s h", "*4 :4 $3 1-2 $3 1-5 *1 *2 $1 c $1 4"],
  ["XACKDEL s g DELREF IDS 1 1-3", "*1 :1"],
  ["XPENDING s h", "*4 :3 $3 1-2 $3 1-5 *1 *2 $1 c $1 3"],
  ["XDEL s 1-4", ":1"],
  ["XACKDEL s g KEEPREF IDS 1 1-4", "*1 :1"],
  ["XRANGE s - +", "*2 *2 $3 1-5 *2 $1 a $1 5 *2 $3 1-6 *2 $1 a $1 6"],
  [
    "XINFO GROUPS s",
    "*2 *12 $4 name $1 g $9 consumers :1 $7 pending :1 $17 last-delivered-id $3 1-6 $12 entries-read :6 $3 lag :0 *12 $4 name $1 h $9 consumers :1 $7 pending :3 $17 last-delivered-id $3 1-5 $12 entries-read :5 $3 lag :1",
  ],
  ["XACKDEL s none IDS 1 1-5", "*1 :-1"],
  ["XACKDEL none g IDS 2 1-5 1-6", "*2 :-1 :-1"],
  ["XACKDEL s g IDS 1", "-ERR wrong number of arguments for 'xackdel' command"],
  ["XACKDEL s g IDS 1 x", "-ERR Invalid stream ID specified as stream command argument"],
  ["SET str x", "+OK"],
  ["XACKDEL str g IDS 1 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
];

Deno.test("XACKDEL acknowledges, and deletes what nobody else needs", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_2);
});

const ROWS_3: readonly Row[] = [
  ["XREAD STREAMS s +", "*-1"],
  ["XADD s 1-1 a b", "$3 1-1"],
  ["XADD s 1-2 c d", "$3 1-2"],
  ["XREAD STREAMS s +", "*1 *2 $1 s *1 *2 $3 1-2 *2 $1 c $1 d"],
  ["XREAD COUNT 5 STREAMS s none + +", "*1 *2 $1 s *1 *2 $3 1-2 *2 $1 c $1 d"],
  ["XDEL s 1-2", ":1"],
  ["XREAD STREAMS s +", "*1 *2 $1 s *1 *2 $3 1-1 *2 $1 a $1 b"],
  ["XGROUP CREATE s g 0", "+OK"],
];

Deno.test("XREAD takes + for the last entry", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_3);
});

/** Eight entries, of which a group has got seven and acknowledged four. */
const HALF_DONE: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 1-3 a 3", "$3 1-3"],
  ["XADD s 1-4 a 4", "$3 1-4"],
  ["XADD s 1-5 a 5", "$3 1-5"],
  ["XADD s 1-6 a 6", "$3 1-6"],
  ["XADD s 1-7 a 7", "$3 1-7"],
  ["XADD s 1-8 a 8", "$3 1-8"],
  ["XGROUP CREATE s g 0", "+OK"],
  [
    "XREADGROUP GROUP g c COUNT 7 STREAMS s >",
    "*1 *2 $1 s *7 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *2 $1 a $1 2 *2 $3 1-3 *2 $1 a $1 3 *2 $3 1-4 *2 $1 a $1 4 *2 $3 1-5 *2 $1 a $1 5 *2 $3 1-6 *2 $1 a $1 6 *2 $3 1-7 *2 $1 a $1 7",
  ],
  ["XACK s g 1-2 1-4 1-6 1-7", ":4"],
];

const ROWS_4: readonly Row[] = [
  ...HALF_DONE,
  ["XTRIM s MAXLEN 6 ACKED", ":2"],
  [
    "XRANGE s - +",
    "*6 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-3 *2 $1 a $1 3 *2 $3 1-5 *2 $1 a $1 5 *2 $3 1-6 *2 $1 a $1 6 *2 $3 1-7 *2 $1 a $1 7 *2 $3 1-8 *2 $1 a $1 8",
  ],
  ["XTRIM s ACKED MINID 1-7", ":1"],
  [
    "XRANGE s - +",
    "*5 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-3 *2 $1 a $1 3 *2 $3 1-5 *2 $1 a $1 5 *2 $3 1-7 *2 $1 a $1 7 *2 $3 1-8 *2 $1 a $1 8",
  ],
  ["XTRIM s MAXLEN = 0 ACKED", ":1"],
  [
    "XRANGE s - +",
    "*4 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-3 *2 $1 a $1 3 *2 $3 1-5 *2 $1 a $1 5 *2 $3 1-8 *2 $1 a $1 8",
  ],
  ["XTRIM s MAXLEN ~ 0 ACKED", ":0"],
  ["XPENDING s g", "*4 :3 $3 1-1 $3 1-5 *1 *2 $1 c $1 3"],
  ["XTRIM s MAXLEN 1 ACKED DELREF", "-ERR syntax error"],
  ["XTRIM s MAXLEN 1 KEEPREF", ":3"],
  ["XPENDING s g", "*4 :3 $3 1-1 $3 1-5 *1 *2 $1 c $1 3"],
  ["XGROUP DESTROY s g", ":1"],
  ["XTRIM s MAXLEN 0 ACKED", ":1"],
];

Deno.test("XTRIM with ACKED passes over what groups need", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_4);
});

const ROWS_5: readonly Row[] = [
  ...HALF_DONE,
  ["XTRIM s MAXLEN 6 DELREF", ":2"],
  ["XPENDING s g", "*4 :2 $3 1-3 $3 1-5 *1 *2 $1 c $1 2"],
  ["XADD s DELREF MAXLEN 5 2-1 a b", "$3 2-1"],
  ["XPENDING s g", "*4 :1 $3 1-5 $3 1-5 *1 *2 $1 c $1 1"],
  ["XADD s ACKED MAXLEN 2 2-2 a b", "$3 2-2"],
  ["XADD s KEEPREF 2-3 a b", "$3 2-3"],
  ["XADD s ACKED DELREF 2-4 a b", "-ERR Invalid stream ID specified as stream command argument"],
  [
    "XRANGE s - +",
    "*5 *2 $3 1-5 *2 $1 a $1 5 *2 $3 1-8 *2 $1 a $1 8 *2 $3 2-1 *2 $1 a $1 b *2 $3 2-2 *2 $1 a $1 b *2 $3 2-3 *2 $1 a $1 b",
  ],
  ["XTRIM s MINID 3 DELREF", ":5"],
  ["XPENDING s g", "*4 :0 $-1 $-1 *-1"],
  ["XLEN s", ":0"],
];

Deno.test("XTRIM and XADD with DELREF make groups forget what goes", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_5);
});

Deno.test("deletions are announced once, and recorded in the words of older servers", () => {
  using server = new EmbeddedServer();
  for (let i = 1; i <= 4; i++) server.run("XADD", "s", `1-${i}`, "a", "b");
  server.run("XGROUP", "CREATE", "s", "g", "0");
  server.run("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">");
  const effects = new RecordedEffects(server);
  server.run("XDELEX", "s", "DELREF", "IDS", "3", "1-1", "1-2", "9-9");
  server.run("XACKDEL", "s", "g", "IDS", "2", "1-3", "9-9");
  server.run("XDELEX", "s", "IDS", "1", "9-9");
  assertEquals(effects.takeLog(), [
    "XACK s g 1-1 1-2",
    "XDEL s 1-1 1-2",
    "XACK s g 1-3",
    "XDEL s 1-3",
  ]);
  assertEquals(effects.takeEvents(), ["xdel s", "xdel s"]);
  assertEquals(effects.takeDirty(), 6);
  server.run("XADD", "s", "MAXLEN", "1", "DELREF", "2-1", "a", "b");
  server.run("XTRIM", "s", "MAXLEN", "0", "ACKED");
  server.run("XREADGROUP", "GROUP", "g", "c", "NOACK", "STREAMS", "s", ">");
  effects.takeLog();
  server.run("XTRIM", "s", "MAXLEN", "0", "ACKED");
  assertEquals(effects.takeLog(), ["XDEL s 2-1"]);
});

Deno.test("what is trimmed of a stream without groups is counted, announced and recorded", () => {
  using server = new EmbeddedServer();
  for (let i = 1; i <= 4; i++) server.run("XADD", "s", `1-${i}`, "a", "b");
  const effects = new RecordedEffects(server);
  assertEquals(server.run("XADD", "s", "ACKED", "MAXLEN", "3", "2-1", "a", "b"), "2-1");
  assertEquals(effects.takeLog(), ["XADD s 2-1 a b", "XTRIM s MAXLEN = 3"]);
  assertEquals(effects.takeEvents(), ["xadd s", "xtrim s"]);
  assertEquals(effects.takeDirty(), 3);
  assertEquals(server.run("XTRIM", "s", "MINID", "2", "DELREF"), 2);
  assertEquals(effects.takeLog(), ["XTRIM s MAXLEN = 1"]);
  assertEquals(effects.takeEvents(), ["xtrim s"]);
  assertEquals(effects.takeDirty(), 2);
  assertEquals(server.run("XTRIM", "s", "MAXLEN", "1", "DELREF"), 0);
  assertEquals([...effects.takeLog(), ...effects.takeEvents()], []);
});
