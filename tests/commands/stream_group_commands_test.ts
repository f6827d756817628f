/** XGROUP; replies are those of redis-server 7.0.15. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, type Row } from "./sorted_set_suite.ts";

const ROWS_1: readonly Row[] = [
  [
    "XGROUP CREATE s g $",
    "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
  ],
  ["XGROUP CREATE s g $ MKSTREAM", "+OK"],
  ["XGROUP CREATE s g 0", "-BUSYGROUP Consumer Group name already exists"],
  ["XADD s 1-1 a b", "$3 1-1"],
  ["XADD s 1-2 a b", "$3 1-2"],
  ["XGROUP CREATE s h $ ENTRIESREAD 2", "+OK"],
  ["XGROUP CREATE s i 1-1 ENTRIESREAD -1", "+OK"],
  ["XGROUP CREATE s j 1-1 ENTRIESREAD -2", "-ERR value for ENTRIESREAD must be positive or -1"],
  ["XGROUP CREATE s j 1-1 ENTRIESREAD x", "-ERR value is not an integer or out of range"],
  ["XGROUP CREATE s j x", "-ERR Invalid stream ID specified as stream command argument"],
  ["XGROUP CREATE s j +", "-ERR Invalid stream ID specified as stream command argument"],
  [
    "XGROUP CREATE s j 0 FOO",
    "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
  ],
  [
    "XGROUP CREATE s j 0 ENTRIESREAD",
    "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
  ],
  [
    "XGROUP CREATE s j 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM",
    "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
  ],
  [
    "XINFO GROUPS s",
    "*3 *12 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 0-0 $12 entries-read $-1 $3 lag :2 *12 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-2 $12 entries-read :2 $3 lag :0 *12 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read $-1 $3 lag :1",
  ],
  ["XGROUP SETID s g 1-1 ENTRIESREAD 1", "+OK"],
  ["XGROUP SETID s h $", "+OK"],
  ["XGROUP SETID s i +", "+OK"],
  ["XGROUP SETID s i -", "+OK"],
  ["XGROUP SETID s none 0", "-NOGROUP No such consumer group 'none' for key name 's'"],
  [
    "XGROUP SETID none g 0",
    "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
  ],
  ["XGROUP SETID s g x", "-ERR Invalid stream ID specified as stream command argument"],
  [
    "XGROUP SETID s g 0 MKSTREAM",
    "-ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.",
  ],
  [
    "XGROUP SETID s g 0 ENTRIESREAD 1 ENTRIESREAD 1",
    "-ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.",
  ],
  [
    "XINFO GROUPS s",
    "*3 *12 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read :1 $3 lag :1 *12 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-2 $12 entries-read $-1 $3 lag :0 *12 $4 name $1 i $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 0-0 $12 entries-read $-1 $3 lag :2",
  ],
  ["XGROUP DESTROY s g", ":1"],
  ["XGROUP DESTROY s g", ":0"],
  [
    "XGROUP DESTROY none g",
    "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
  ],
  ["XGROUP FOO s g", "-ERR unknown subcommand 'FOO'. Try XGROUP HELP."],
  ["XGROUP CREATE s", "-ERR wrong number of arguments for 'xgroup|create' command"],
  ["SET str x", "+OK"],
  ["XGROUP CREATE str g 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["XGROUP DESTROY str g", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
];

Deno.test("XGROUP makes, moves and removes groups", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_1);
});

const ROWS_2: readonly Row[] = [
  ["XGROUP CREATE s g 0 MKSTREAM", "+OK"],
  ["XGROUP CREATECONSUMER s g c", ":1"],
  ["XGROUP CREATECONSUMER s g c", ":0"],
  ["XGROUP CREATECONSUMER s none c", "-NOGROUP No such consumer group 'none' for key name 's'"],
  [
    "XGROUP CREATECONSUMER none g c",
    "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
  ],
  ["XADD s 1-1 a b", "$3 1-1"],
  ["XADD s 1-2 a b", "$3 1-2"],
  [
    "XREADGROUP GROUP g d STREAMS s >",
    "*1 *2 $1 s *2 *2 $3 1-1 *2 $1 a $1 b *2 $3 1-2 *2 $1 a $1 b",
  ],
  ["XGROUP DELCONSUMER s g d", ":2"],
  ["XGROUP DELCONSUMER s g d", ":0"],
  ["XGROUP DELCONSUMER s none d", "-NOGROUP No such consumer group 'none' for key name 's'"],
  ["XPENDING s g", "*4 :0 $-1 $-1 *-1"],
  [
    "XINFO GROUPS s",
    "*1 *12 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 1-2 $12 entries-read :2 $3 lag :0",
  ],
];

Deno.test("XGROUP makes and removes consumers", () => {
  using server = new EmbeddedServer();
  expectReplies(server, ROWS_2);
});

Deno.test("groups are announced and recorded; watches of the key stay good", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  const watcher = server.connect();
  server.run("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
  watcher.run("WATCH", "s");
  server.run("XGROUP", "SETID", "s", "g", "5-5");
  server.run("XGROUP", "CREATECONSUMER", "s", "g", "c");
  server.run("XGROUP", "CREATECONSUMER", "s", "g", "c");
  server.run("XGROUP", "DELCONSUMER", "s", "g", "c");
  server.run("XGROUP", "DESTROY", "s", "g");
  watcher.run("MULTI");
  assertEquals(watcher.run("EXEC"), []);
  assertEquals(effects.takeEvents(), [
    "new s",
    "xgroup-create s",
    "xgroup-setid s",
    "xgroup-createconsumer s",
    "xgroup-delconsumer s",
    "xgroup-destroy s",
  ]);
  assertEquals(effects.takeDirty(), 5);
  assertEquals(effects.takeLog().length, 5);
});

Deno.test("a destroyed group with many pending entries is given back in steps", () => {
  using server = new EmbeddedServer();
  server.run("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM");
  for (let i = 1; i <= 5000; i++) server.run("XADD", "s", `1-${i}`, "a", "b");
  const { arena, reclaimer } = server.server.keyspace;
  const before = arena.usedBytes;
  server.run("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">");
  assertEquals(server.run("XGROUP", "DESTROY", "s", "g"), 1);
  assertEquals(reclaimer.pendingCount, 1);
  server.reclaim();
  assert(arena.usedBytes <= before);
  assertEquals(server.run("XINFO", "GROUPS", "s"), []);
});

Deno.test("XGROUP HELP and XINFO HELP name the forms of all subcommands", () => {
  using server = new EmbeddedServer();
  const forms = (container: string): string[] =>
    (server.run(container, "HELP") as string[]).filter((line) => !line.startsWith(" ")).slice(1);
  assertEquals(forms("XGROUP"), [
    "CREATE <key> <groupname> <id|$> [option]",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "DELCONSUMER <key> <groupname> <consumer>",
    "DESTROY <key> <groupname>",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "HELP",
  ]);
  const info = ["CONSUMERS <key> <groupname>", "GROUPS <key>"];
  assertEquals(forms("XINFO"), [...info, "STREAM <key> [FULL [COUNT <count>]", "HELP"]);
});
