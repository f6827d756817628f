/**
 * Isolation: servers in one process share nothing. One does not disturb the other, and of one that
 * was closed nothing stays alive, whatever it has done before.
 */
import { assert, assertEquals } from "@std/assert";
import { collectGarbage } from "../../src/base/garbage.ts";
import * as quicklist from "../../src/structures/quicklist.ts";
import * as quicklistNodes from "../../src/structures/quicklist_nodes.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** Commands of all families that read, write, walk and search, small values and large ones. */
const WORK = `
SET text hello-world EX 1000
APPEND text !
SETRANGE text 3 xyz
GETRANGE text 1 4
INCR number
INCRBYFLOAT number 1.5
MSET a 1 b 2 w_1 30 w_2 20 w_3 10
LCS text a
SETBIT bits 1000 1
BITOP NOT bits2 bits
BITCOUNT bits
BITPOS bits 1
BITFIELD bits SET u8 0 200
PFADD hll a b c
PFADD hll2 d
PFCOUNT hll hll2
PFMERGE hll3 hll hll2
RPUSH list 3 1 2 text
LINSERT list BEFORE 1 0
LPOS list 2
LREM list 1 text
LSET list 0 5
LMOVE list list2 LEFT RIGHT
LRANGE list 0 -1
SORT list BY w_* GET # GET w_* STORE sorted
SORT list
SADD ints 1 2 3
SADD set a b 17
SMOVE set ints a
SINTER set ints
SUNIONSTORE union set ints
SRANDMEMBER set -3
SPOP set
SSCAN union 0
HSET hash f v n 1
HINCRBY hash n 5
HINCRBYFLOAT hash n 1.5
HRANDFIELD hash 2 WITHVALUES
HSCAN hash 0
HGETALL hash
ZADD zset 1 a 2 b 3 c
ZINCRBY zset 5 a
ZRANGE zset 0 -1 REV WITHSCORES
ZRANGEBYSCORE zset 1 9
ZRANGEBYLEX zset - +
ZRANDMEMBER zset 2
ZUNIONSTORE zunion 2 zset ints WEIGHTS 1 2
ZPOPMIN zset
ZRANK zset c
ZSCAN zunion 0
GEOADD geo 13.36 38.11 Palermo 15.08 37.5 Catania
GEOSEARCH geo FROMLONLAT 15 37 BYRADIUS 200 km ASC
GEODIST geo Palermo Catania
COPY zset zset2
RENAME zset2 zset3
OBJECT ENCODING zset
SCAN 0 COUNT 100
KEYS *
RANDOMKEY
TTL text
DEBUG DIGEST
DEBUG DIGEST-VALUE list zset
DEBUG OBJECT list
DUMP zset
MEMORY USAGE zset
MEMORY STATS
INFO
`;

/** Does everything, and more of what has other encodings when it is large. */
function work(server: EmbeddedServer): void {
  for (const line of WORK.trim().split("\n")) server.run(...line.split(" "));
  for (let index = 0; index < 700; index++) {
    server.run("RPUSH", "list", `element:${index}`);
    server.run("LPUSH", "list", index);
    for (const set of ["set", "ints"]) server.run("SADD", set, `member:${index}`);
    server.run("HSET", "hash", `field:${index}`, "v".repeat(index));
    for (const zset of ["zset", "zunion"]) server.run("ZADD", zset, index, `member:${index}`);
  }
  for (const line of WORK.trim().split("\n")) server.run(...line.split(" "));
  server.run("RESTORE", "restored", "0", server.run("DUMP", "hll") as string | Uint8Array);
}

Deno.test("of a closed server neither its arena nor its memory stays alive", async () => {
  using other = new EmbeddedServer();
  const refs: WeakRef<object>[] = [];
  await (async () => {
    using server = new EmbeddedServer([["enable-debug-command", "yes"]]);
    work(server);
    const { activeDefrag, arena, fork } = server.server;
    for (let key = 0; key < 2000; key++) if (key % 7 !== 0) server.run("LPOP", "list");
    activeDefrag.defragmentation.begin();
    for (let step = 0; step < 4; step++) activeDefrag.defragmentation.step(0);
    fork.freeze();
    work(server);
    fork.release();
    refs.push(new WeakRef(arena));
    for (const { buffer } of arena.bytes) refs.push(new WeakRef(buffer));
    await server.server.close();
  })();
  // A WeakRef keeps its target until the end of the job in which it was made.
  for (let round = 0; round < 10 && refs.some((ref) => ref.deref() !== undefined); round++) {
    await new Promise((resolve) => setTimeout(resolve));
    collectGarbage();
  }
  assertEquals(refs.filter((ref) => ref.deref() !== undefined).length, 0);
  assertEquals(other.run("PING"), "PONG");
});

Deno.test("the walk through a list of one server does not disturb that of another", () => {
  using one = new EmbeddedServer();
  using two = new EmbeddedServer();
  const bytes = new Uint8Array(100);
  const walks = [one, two].map(({ server: { arena } }) => {
    const list = quicklist.create(arena);
    for (let index = 0; index < 200; index++) quicklist.pushTail(arena, list, bytes, 0, 100, -1);
    const node = quicklistNodes.nextNode(arena, quicklistNodes.firstNode(arena, list));
    quicklistNodes.setBookmark(arena, list, node);
    return { arena, list, node };
  });
  for (const { arena, list, node } of walks) {
    assertEquals(quicklistNodes.bookmarkIn(arena, list), node);
    const next = quicklistNodes.nextNode(arena, node);
    quicklistNodes.remove(arena, list, node);
    assertEquals(quicklistNodes.bookmarkIn(arena, list), next);
  }
});

Deno.test("DEBUG QUICKLIST-PACKED-THRESHOLD concerns one server only", () => {
  using one = new EmbeddedServer([["enable-debug-command", "yes"]]);
  using two = new EmbeddedServer([["enable-debug-command", "yes"]]);
  one.run("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "10b");
  const nodes = [one, two].map((server) => {
    for (let index = 0; index < 5; index++) server.run("RPUSH", "list", "longer than ten bytes");
    return /ql_nodes:(\d+)/.exec(String(server.run("DEBUG", "OBJECT", "list")))?.[1];
  });
  assertEquals(nodes, ["5", "1"]);
  one.run("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "0");
  one.run("RPUSH", "other", "longer than ten bytes", "longer than ten bytes");
  assert(String(one.run("DEBUG", "OBJECT", "other")).includes("ql_nodes:1 "));
});
