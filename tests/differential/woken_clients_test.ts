/**
 * Clients that waited and are woken, as release 7.2 and later do it: their command is looked at
 * anew, with the permissions, the memory and the keys of that moment. Beside redis-server 8.2.3 and
 * valkey-server 9.1.2 (variables REDIS_8 and VALKEY_9 name the programs).
 */
import { assertEquals } from "@std/assert";
import { infoOf, missingPeer, type PeerKind, startPeer } from "../support/replication_pair.ts";
import type { RespClient } from "../support/resp_client.ts";
import { toPlain } from "../support/resp_reply.ts";
import { decodeReply } from "../../src/protocol/reply_reader.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { until } from "../support/text.ts";
import { testUnless } from "../support/tool_availability.ts";

interface Scenario {
  before?: string[];
  /** The request that waits, by a user of its own, "ann". */
  waiting: string;
  then: string[];
  /** It waits on: so it is unblocked at the end. */
  waitsOn?: true;
}

/** Begins a transaction, which may write after all. */
const PAUSED = ["MULTI", "CLIENT PAUSE 60000 WRITE"];
const LIMIT_ON = "CONFIG SET maxmemory 1";

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "a command that is forbidden meanwhile": {
    waiting: "BLPOP k 0",
    then: ["ACL SETUSER ann -blpop", "RPUSH k a"],
  },
  "a key that is forbidden meanwhile": {
    waiting: "BLMOVE k other LEFT LEFT 0",
    then: ["ACL SETUSER ann resetkeys ~k", "RPUSH k a"],
  },
  "a member of a sorted set": {
    waiting: "BZPOPMIN z 0",
    then: ["ACL SETUSER ann -@sortedset", "ZADD z 1 a"],
  },
  "a stream": {
    waiting: "XREAD BLOCK 0 STREAMS s $",
    then: ["ACL SETUSER ann resetkeys", "XADD s 1-1 a b"],
  },
  "a group whose stream is gone": {
    before: ["XGROUP CREATE s g $ MKSTREAM"],
    waiting: "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
    then: ["ACL SETUSER ann -xreadgroup", "DEL s"],
  },
  "memory that is used up, for a command that takes some": {
    before: ["RPUSH source a"],
    waiting: "BLMOVE k other LEFT LEFT 0",
    then: [LIMIT_ON, "RENAME source k"],
  },
  "memory that is used up, for one that takes none": {
    before: ["RPUSH source a"],
    waiting: "BLPOP k 0",
    then: [LIMIT_ON, "RENAME source k"],
  },
  "two keys at once: the one that stands first": {
    waiting: "BLPOP a b 0",
    then: ["MULTI", "RPUSH b x", "RPUSH a y", "EXEC"],
  },
  "two sorted sets at once": {
    waiting: "BZPOPMAX a b 0",
    then: ["MULTI", "ZADD b 1 x", "ZADD a 2 y", "EXEC"],
  },
  "BLMPOP of two lists at once": {
    waiting: "BLMPOP 0 2 a b LEFT COUNT 5",
    then: ["MULTI", "RPUSH b x", "RPUSH a y z", "EXEC"],
  },
  "the key that stands first is of another type": {
    waiting: "BLPOP a b 0",
    then: ["SET a x", "RPUSH b x"],
  },
  "a key that stands later is of another type": {
    waiting: "BLPOP a b 0",
    then: ["SET b x", "RPUSH a x"],
  },
  "another type alone": { waiting: "BLPOP a b 0", then: ["SET a x"], waitsOn: true },
  "the target is of another type": {
    waiting: "BLMOVE k t LEFT LEFT 0",
    then: ["SET t x", "RPUSH k a"],
  },
  "two streams at once": {
    waiting: "XREAD BLOCK 0 STREAMS s t $ $",
    then: ["MULTI", "XADD t 1-1 a b", "XADD s 2-1 c d", "EXEC"],
  },
  "two streams of a group at once": {
    before: ["XGROUP CREATE s g $ MKSTREAM", "XGROUP CREATE t g $ MKSTREAM"],
    waiting: "XREADGROUP GROUP g c BLOCK 0 STREAMS s t > >",
    then: ["MULTI", "XADD t 1-1 a b", "XADD s 2-1 c d", "EXEC"],
  },
  "a stream of a group that is deleted": {
    before: ["XGROUP CREATE s g $ MKSTREAM"],
    waiting: "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
    then: ["DEL s"],
  },
  "a stream of a group that becomes a string": {
    before: ["XGROUP CREATE s g $ MKSTREAM"],
    waiting: "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
    then: ["SET s x"],
  },
  "a group that is destroyed": {
    before: ["XGROUP CREATE s g $ MKSTREAM"],
    waiting: "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
    then: ["XGROUP DESTROY s g"],
  },
  "a group that is set back": {
    before: ["XADD s 1-1 a b", "XGROUP CREATE s g $ MKSTREAM"],
    waiting: "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
    then: ["XGROUP SETID s g 0", "XADD s 2-1 c d"],
  },
  "a stream that was deleted and begins again lower": {
    before: ["XADD s 5-1 a b"],
    waiting: "XREAD BLOCK 0 STREAMS s $",
    then: ["DEL s", "XADD s 1-1 a b", "XADD s 6-1 c d"],
  },
  "the last entry of a stream that has none yet": {
    waiting: "XREAD BLOCK 0 STREAMS s +",
    then: ["MULTI", "XADD s 1-1 a b", "XADD s 1-2 a b", "EXEC"],
  },
  "a list that is gone again": {
    waiting: "BLPOP k 0",
    then: ["MULTI", "RPUSH k a", "DEL k", "EXEC", "RPUSH k b"],
  },
  "a pause of writers, for a command that takes away": {
    waiting: "BLPOP k 9",
    then: [...PAUSED, "RPUSH k a", "EXEC", "LLEN k", "CLIENT UNPAUSE"],
  },
  "a pause of writers, for a command that reads": {
    waiting: "XREAD BLOCK 0 STREAMS s $",
    then: [...PAUSED, "XADD s 1-1 a b", "EXEC", "CLIENT UNPAUSE"],
  },
  "a pause of writers, during which another user is forbidden it": {
    waiting: "BLPOP k 0",
    then: [...PAUSED, "RPUSH k a", "EXEC", "ACL SETUSER ann -blpop", "LLEN k", "CLIENT UNPAUSE"],
  },
  "a pause of writers, and a list that is another one at its end": {
    waiting: "BLMOVE k t LEFT RIGHT 0",
    then: [...PAUSED, "RPUSH k a", "DEL k", "RPUSH k b", "EXEC", "LLEN k", "CLIENT UNPAUSE"],
  },
};

const AFTERWARDS = ["DBSIZE", "LRANGE k 0 -1", "LRANGE a 0 -1", "LRANGE b 0 -1"];

/** What the waiting client and everybody after it are answered. */
async function outcome(server: ServerProcess, scenario: Scenario): Promise<unknown[]> {
  using main = await server.connect();
  using waiting = await server.connect();
  await main.expectMany([["CONFIG", "SET", "maxmemory", "0"], ["FLUSHALL"]]);
  await main.expect("ACL", "SETUSER", "ann", "reset", "on", "nopass", "~*", "&*", "+@all");
  await main.expect("ACL", "LOG", "RESET");
  await run(main, scenario.before ?? []);
  await main.expect("CONFIG", "RESETSTAT");
  await waiting.expect("AUTH", "ann", "any");
  await waiting.send(...scenario.waiting.split(" "));
  await until(
    "the client waits",
    async () => (await infoOf(main, "clients")).get("blocked_clients") === "1",
  );
  const replies = await run(main, scenario.then);
  if (scenario.waitsOn) {
    const id = /\bid=(\d+).*\buser=ann\b/.exec(String(await main.expect("CLIENT", "LIST")))![1];
    await main.expect("CLIENT", "UNBLOCK", id);
  }
  const reply = toPlain(decodeReply((await waiting.receiveRaw()).slice()));
  const log = await main.expect("ACL", "LOG") as unknown[];
  await main.expect("CONFIG", "SET", "maxmemory", "0");
  const name = scenario.waiting.split(" ")[0].toLowerCase();
  const statistics = (await infoOf(main, "commandstats")).get(`cmdstat_${name}`) ?? "";
  return [
    replies,
    String(reply),
    reply,
    log.length,
    statistics.replace(/usec.*?,(?=rej)/, ""),
    await run(main, AFTERWARDS),
  ];
}

async function run(client: RespClient, commands: readonly string[]): Promise<unknown[]> {
  const replies: unknown[] = [];
  for (const command of commands) replies.push(String(await client.call(...command.split(" "))));
  return replies;
}

for (const kind of ["redis 8.2", "valkey 9.1"] satisfies PeerKind[]) {
  testUnless(missingPeer(kind), {
    name: `as release 7.4, clients that are woken are answered as ${kind} does`,
    fn: async () => {
      await using ours = await startPeer("redeno", { release: "7.4" });
      await using theirs = await startPeer(kind);
      for (const [what, scenario] of Object.entries(SCENARIOS)) {
        assertEquals(await outcome(ours, scenario), await outcome(theirs, scenario), what);
      }
    },
  });
}
