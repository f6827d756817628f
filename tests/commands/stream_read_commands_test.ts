/** XREAD and XREADGROUP, at once and after waiting; replies are those of redis-server 7.0.15. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { type EmbeddedClient, EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, repliesIn3, type Row } from "./sorted_set_suite.ts";

const ROWS_1: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 2-1 b 3", "$3 2-1"],
  ["XGROUP CREATE s g 0", "+OK"],
  ["XGROUP CREATE s h $", "+OK"],
  ["XADD t 5-5 x y", "$3 5-5"],
  [
    "XREAD STREAMS s 0",
    "*1 *2 $1 s *3 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *2 $1 a $1 2 *2 $3 2-1 *2 $1 b $1 3",
  ],
  ["XREAD COUNT 1 STREAMS s 1-1", "*1 *2 $1 s *1 *2 $3 1-2 *2 $1 a $1 2"],
  [
    "XREAD STREAMS s t 1-2 0",
    "*2 *2 $1 s *1 *2 $3 2-1 *2 $1 b $1 3 *2 $1 t *1 *2 $3 5-5 *2 $1 x $1 y",
  ],
  ["XREAD STREAMS s t 9 5-5", "*-1"],
  ["XREAD STREAMS s $", "*-1"],
  ["XREAD STREAMS none s 0 2", "*1 *2 $1 s *1 *2 $3 2-1 *2 $1 b $1 3"],
  ["XREAD COUNT 0 STREAMS s 1-2", "*1 *2 $1 s *1 *2 $3 2-1 *2 $1 b $1 3"],
  ["XREAD COUNT -1 STREAMS s 1-2", "*1 *2 $1 s *1 *2 $3 2-1 *2 $1 b $1 3"],
  ["XREAD BLOCK 1 STREAMS s 1-2", "*1 *2 $1 s *1 *2 $3 2-1 *2 $1 b $1 3"],
  [
    "XREAD STREAMS s >",
    "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
  ],
  ["XREAD STREAMS s -", "-ERR Invalid stream ID specified as stream command argument"],
  [
    "XREAD STREAMS s t 0",
    "-ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
  ],
  ["XREAD COUNT x STREAMS s 0", "-ERR value is not an integer or out of range"],
  ["XREAD BLOCK x STREAMS s 0", "-ERR timeout is not an integer or out of range"],
  ["XREAD BLOCK -1 STREAMS s 0", "-ERR timeout is negative"],
  [
    "XREAD BLOCK 9223372036854775807 STREAMS s 0",
    "*1 *2 $1 s *3 *2 $3 1-1 *2 $1 a $1 1 *2 $3 1-2 *2 $1 a $1 2 *2 $3 2-1 *2 $1 b $1 3",
  ],
  ["XREAD FOO STREAMS s 0", "-ERR syntax error"],
  ["XREAD COUNT 1 BLOCK 1", "-ERR syntax error"],
  [
    "XREAD GROUP g c STREAMS s 0",
    "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
  ],
  [
    "XREAD NOACK STREAMS s 0",
    "-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
  ],
  ["SET str x", "+OK"],
  ["XREAD STREAMS str 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
];

Deno.test("XREAD returns what is behind ids", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_1);
});

const ROWS_2: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD t 5-5 x y", "$3 5-5"],
  ["XREAD STREAMS s 0", "%1 $1 s *1 *2 $3 1-1 *2 $1 a $1 1"],
  ["XREAD STREAMS s t 0 0", "%2 $1 s *1 *2 $3 1-1 *2 $1 a $1 1 $1 t *1 *2 $3 5-5 *2 $1 x $1 y"],
  ["XREAD STREAMS s 7", "_"],
  ["MULTI", "+OK"],
  ["XREAD BLOCK 0 STREAMS s $", "+QUEUED"],
  ["EXEC", "*1 _"],
];

Deno.test("XREAD answers with a map in RESP3", () => {
  using server = new EmbeddedServer();
  repliesIn3(server, ROWS_2);
});

const ROWS_3: readonly Row[] = [
  ["XADD s 1-1 a 1", "$3 1-1"],
  ["XADD s 1-2 a 2", "$3 1-2"],
  ["XADD s 2-1 b 3", "$3 2-1"],
  ["XGROUP CREATE s g 0", "+OK"],
  ["XGROUP CREATE s h $", "+OK"],
  ["XREADGROUP GROUP g c1 COUNT 1 STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-1 *2 $1 a $1 1"],
  ["XREADGROUP GROUP g c2 COUNT 1 STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-2 *2 $1 a $1 2"],
  ["XREADGROUP GROUP g c1 NOACK STREAMS s >", "*1 *2 $1 s *1 *2 $3 2-1 *2 $1 b $1 3"],
  ["XREADGROUP GROUP g c1 STREAMS s >", "*-1"],
  ["XREADGROUP GROUP g c1 STREAMS s 0", "*1 *2 $1 s *1 *2 $3 1-1 *2 $1 a $1 1"],
  ["XREADGROUP GROUP g c1 STREAMS s 1-1", "*1 *2 $1 s *0"],
  ["XREADGROUP GROUP g c2 COUNT 5 STREAMS s 0", "*1 *2 $1 s *1 *2 $3 1-2 *2 $1 a $1 2"],
  ["XREADGROUP GROUP g c3 STREAMS s 0", "*1 *2 $1 s *0"],
  ["XDEL s 1-2", ":1"],
  ["XREADGROUP GROUP g c2 STREAMS s 0", "*1 *2 $1 s *1 *2 $3 1-2 *-1"],
  ["XREADGROUP GROUP h c1 STREAMS s s > 0", "*1 *2 $1 s *0"],
  ["XADD s 3-1 n w", "$3 3-1"],
  ["XREADGROUP GROUP h c1 STREAMS s s > >", "*1 *2 $1 s *1 *2 $3 3-1 *2 $1 n $1 w"],
  ["XPENDING s g", "*4 :2 $3 1-1 $3 1-2 *2 *2 $2 c1 $1 1 *2 $2 c2 $1 1"],
  ["XPENDING s h", "*4 :1 $3 3-1 $3 3-1 *1 *2 $2 c1 $1 1"],
  [
    "XINFO GROUPS s",
    "*2 *12 $4 name $1 g $9 consumers :3 $7 pending :2 $17 last-delivered-id $3 2-1 $12 entries-read :3 $3 lag :1 *12 $4 name $1 h $9 consumers :1 $7 pending :1 $17 last-delivered-id $3 3-1 $12 entries-read :4 $3 lag :0",
  ],
  [
    "XREADGROUP GROUP g c1 STREAMS s $",
    "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
  ],
  [
    "XREADGROUP GROUP g c1 STREAMS s x",
    "-ERR Invalid stream ID specified as stream command argument",
  ],
  [
    "XREADGROUP GROUP none c1 STREAMS s >",
    "-NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP option",
  ],
  [
    "XREADGROUP GROUP g c1 STREAMS none >",
    "-NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option",
  ],
  [
    "XREADGROUP GROUP g c1 STREAMS s s >",
    "-ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
  ],
  ["XREADGROUP COUNT 1 NOACK STREAMS s >", "-ERR Missing GROUP option for XREADGROUP"],
  ["XREADGROUP GROUP g c1 FOO STREAMS s >", "-ERR syntax error"],
  [
    "XREADGROUP GROUP g c1 STREAMS s 18446744073709551615-18446744073709551615",
    "*1 *2 $1 s *1 *2 $3 3-1 *2 $1 n $1 w",
  ],
  ["XGROUP SETID s g 0", "+OK"],
  [
    "XREADGROUP GROUP g c3 STREAMS s >",
    "*1 *2 $1 s *3 *2 $3 1-1 *2 $1 a $1 1 *2 $3 2-1 *2 $1 b $1 3 *2 $3 3-1 *2 $1 n $1 w",
  ],
  ["XPENDING s g", "*4 :4 $3 1-1 $3 3-1 *2 *2 $2 c2 $1 1 *2 $2 c3 $1 3"],
];

const TOP_BEFORE = "-ERR Invalid stream ID specified as stream command argument";
const TOP_SINCE =
  "-ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.";

Deno.test("XREADGROUP refuses the + of XREAD as the release does", () => {
  for (const [release, error] of [["7.0", TOP_BEFORE], ["7.2", TOP_BEFORE], ["7.4", TOP_SINCE]]) {
    using server = new EmbeddedServer([["redis-version", release]]);
    expectReplies(server, [
      ["XGROUP CREATE s g 0 MKSTREAM", "+OK"],
      ["XREADGROUP GROUP g c STREAMS s +", error],
    ]);
  }
});

Deno.test("XREADGROUP gives each entry to one consumer, and shows it again", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_3);
});

const ROWS_4: readonly Row[] = [
  ["COMMAND GETKEYS XREAD STREAMS a b 1 2", "*2 $1 a $1 b"],
  ["COMMAND GETKEYS XREAD COUNT 5 BLOCK 0 STREAMS a 1", "*1 $1 a"],
  ["COMMAND GETKEYS XREAD COUNT 11 inf r3 20-25", "-ERR Invalid arguments specified for command"],
  ["COMMAND GETKEYS XREAD STREAMS a b 1", "*1 $1 a"],
  ["COMMAND GETKEYS XREADGROUP GROUP STREAMS c STREAMS a b 1 2", "*2 $1 a $1 b"],
  ["COMMAND GETKEYS XREADGROUP GROUP g c COUNT 1 STREAMS a >", "*1 $1 a"],
  ["COMMAND GETKEYSANDFLAGS XREADGROUP GROUP g c COUNT 1 STREAMS a >", "*1 *2 $1 a *2 +RO +access"],
];

Deno.test("keys are found behind STREAMS, wherever that stands", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_4);
});

Deno.test("reading as a group is recorded as claims and the place of the group", () => {
  using server = new EmbeddedServer();
  server.run("XADD", "s", "1-1", "a", "b");
  server.run("XADD", "s", "1-2", "a", "b");
  server.run("XADD", "s", "1-3", "a", "b");
  server.run("XGROUP", "CREATE", "s", "g", "0");
  const effects = new RecordedEffects(server);
  clock.setTimeForTests(9000);
  try {
    server.run("XREADGROUP", "GROUP", "g", "c", "COUNT", "2", "STREAMS", "s", ">");
    server.run("XREADGROUP", "GROUP", "g", "d", "NOACK", "STREAMS", "s", ">");
    server.run("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "0");
    server.run("XREADGROUP", "GROUP", "g", "e", "STREAMS", "s", ">");
  } finally {
    clock.useRealTime();
  }
  assertEquals(effects.takeLog(), [
    "XGROUP CREATECONSUMER s g c",
    "XCLAIM s g c 0 1-1 TIME 9000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1",
    "XCLAIM s g c 0 1-2 TIME 9000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-2",
    "XGROUP SETID s g 1-2 ENTRIESREAD 2",
    "XGROUP CREATECONSUMER s g d",
    "XGROUP SETID s g 1-3 ENTRIESREAD 3",
  ]);
  assertEquals(effects.takeEvents(), ["xgroup-createconsumer s", "xgroup-createconsumer s"]);
});

/** What a client that waits is sent, as text without line ends. */
function taken(client: EmbeddedClient): string {
  return client.takeRaw().replaceAll("\r\n", " ").trimEnd();
}

const GONE = "-UNBLOCKED the stream key no longer exists";
const NO_GROUP = "-NOGROUP the consumer group this client was blocked on no longer exists";
const ENTRY = "*1 *2 $1 s *1 *2 $3 1-1 *2 $1 a $1 b";

/** Three clients: one waits for new entries, two as consumers of a group. */
function withWaiting(): { server: EmbeddedServer; clients: EmbeddedClient[] } {
  const server = new EmbeddedServer();
  server.run("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
  const clients = [server.connect(), server.connect(), server.connect()];
  clients[0].send("XREAD", "BLOCK", "0", "STREAMS", "s", "none", "$", "$");
  clients[1].send("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">");
  clients[2].send("XREADGROUP", "GROUP", "g", "d", "BLOCK", "0", "STREAMS", "s", ">");
  return { server, clients };
}

Deno.test("an entry wakes all who read, and of a group the one who waits longest", () => {
  const { server, clients } = withWaiting();
  using _server = server;
  server.run("XADD", "s", "1-1", "a", "b");
  assertEquals(clients.map(taken), [ENTRY, ENTRY, ""]);
  server.run("XADD", "s", "1-2", "a", "b");
  assertEquals(clients.map(taken), ["", "", ENTRY.replace("1-1", "1-2")]);
  assertEquals(server.server.blocking.blockedCount, 0);
});

const WAKING: [name: string, commands: string[], expected: string[]][] = [
  ["a transaction", ["MULTI", "XADD s 1-1 a b", "EXEC"], [ENTRY, ENTRY, ""]],
  ["DEL", ["DEL s"], ["", GONE, GONE]],
  ["SET over the stream", ["SET s x"], ["", GONE, GONE]],
  ["a set in its place", ["SADD z 1", "SUNIONSTORE s z"], ["", GONE, GONE]],
  ["RENAME away", ["RENAME s t"], ["", GONE, GONE]],
  ["MOVE", ["MOVE s 1"], ["", GONE, GONE]],
  ["FLUSHALL", ["FLUSHALL"], ["", GONE, GONE]],
  ["SWAPDB", ["SWAPDB 0 1"], ["", GONE, GONE]],
  ["an expiry that has passed", ["PEXPIREAT s 1"], ["", GONE, GONE]],
  ["XGROUP DESTROY", ["XGROUP DESTROY s g"], ["", NO_GROUP, NO_GROUP]],
  ["another stream in its place", ["XADD t 1-1 a b", "RENAME t s"], [ENTRY, NO_GROUP, NO_GROUP]],
  ["COPY over it", ["XADD t 1-1 a b", "COPY t s REPLACE"], [ENTRY, NO_GROUP, NO_GROUP]],
  ["entries that are gone again", ["MULTI", "XADD s 1-1 a b", "XDEL s 1-1", "EXEC"], [
    "*1 *2 $1 s *0",
    "*1 *2 $1 s *0",
    "*1 *2 $1 s *0",
  ]],
];

for (const [name, commands, expected] of WAKING) {
  Deno.test(`who waits is answered after ${name}`, () => {
    const { server, clients } = withWaiting();
    using _server = server;
    for (const command of commands) server.run(...command.split(" "));
    assertEquals(clients.map(taken), expected);
  });
}

Deno.test("the expiry cycle wakes who reads a stream as a group", async () => {
  const { server, clients } = withWaiting();
  using _server = server;
  server.run("PEXPIRE", "s", "1000");
  clock.advanceForTests(2000);
  try {
    server.server.expireCycle.run("slow");
    server.server.turn.schedule();
    await Promise.resolve();
  } finally {
    clock.useRealTime();
  }
  assertEquals(clients.map(taken), ["", GONE, GONE]);
});

Deno.test("what a consumer is served after waiting is recorded", () => {
  const { server } = withWaiting();
  using _server = server;
  const effects = new RecordedEffects(server);
  clock.setTimeForTests(9000);
  try {
    server.run("XADD", "s", "1-1", "a", "b");
  } finally {
    clock.useRealTime();
  }
  assertEquals(effects.takeLog(), [
    "XADD s 1-1 a b",
    "XGROUP CREATECONSUMER s g c",
    "XCLAIM s g c 0 1-1 TIME 9000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1",
    "XGROUP SETID s g 1-1 ENTRIESREAD 1",
  ]);
});

Deno.test("CLIENT UNBLOCK and a timeout answer nil, or an error if so wished", () => {
  const { server, clients } = withWaiting();
  using _server = server;
  server.run("CLIENT", "UNBLOCK", String(clients[0].client.id));
  server.run("CLIENT", "UNBLOCK", String(clients[1].client.id), "ERROR");
  assertEquals(clients.map(taken), [
    "*-1",
    "-UNBLOCKED client unblocked via CLIENT UNBLOCK",
    "",
  ]);
  const client = server.connect();
  client.send("XREAD", "BLOCK", "5", "STREAMS", "s", "$");
  clock.advanceForTests(10_000);
  server.server.blocking.expireWaiting();
  clock.useRealTime();
  assertEquals(taken(client), "*-1");
});

Deno.test("a waiting reader gets at most a thousand entries if it asked for no number", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.send("XREAD", "BLOCK", "0", "STREAMS", "s", "$");
  server.run("MULTI");
  for (let i = 1; i <= 1200; i++) server.run("XADD", "s", `1-${i}`, "a", "b");
  server.run("EXEC");
  const [[[, entries]]] = client.take() as [[[string, unknown[]]]];
  assertEquals(entries.length, 1000);
});
