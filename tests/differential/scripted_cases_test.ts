/**
 * The scripted cases of all families, at both servers, in RESP2 and in RESP3; and what does not
 * fit on a line: pushes, blocked clients, key events.
 */

import { assertEquals } from "@std/assert";
import { testWith } from "../support/tool_availability.ts";
import { until } from "../support/text.ts";
import { Both, type BothClients } from "./both.ts";
import { parseScript, runCase } from "./case_script.ts";
import { GENERIC_SCRIPT } from "./generic_cases.ts";
import { COLLECTION_SCRIPT } from "./collection_cases.ts";
import { EDGE_SCRIPT } from "./edge_cases.ts";

const scripts: Readonly<Record<string, string>> = {
  "strings, keys, errors, transactions": GENERIC_SCRIPT,
  "lists, hashes, sets, sorted sets": COLLECTION_SCRIPT,
  "edges that the fuzzer found": EDGE_SCRIPT,
};

for (const [name, script] of Object.entries(scripts)) {
  for (const protocol of [2, 3] as const) {
    testWith(["redis-server"], `scripted: ${name}, RESP${protocol}`, async (context) => {
      await using both = await Both.start();
      for (const scriptCase of parseScript(script)) {
        await context.step(scriptCase.name, () => runCase(both, scriptCase, protocol));
      }
    });
  }
}

testWith(["redis-server"], "scripted: subscriptions and messages, RESP2 and RESP3", async () => {
  await using both = await Both.start();
  for (const protocol of [2, 3] as const) {
    using subscriber = await both.secondClient(protocol);
    const next = (what: string) =>
      protocol === 3 ? subscriber.samePush() : subscriber.sameReceived(what);
    await subscriber.send("SUBSCRIBE", "one", "two");
    await next("subscribe one");
    await next("subscribe two");
    await subscriber.send("PSUBSCRIBE", "n*");
    await next("psubscribe");
    await both.same("PUBLISH", "one", "hello");
    await next("message");
    await both.same("PUBLISH", "news", "hello");
    await next("pmessage");
    await both.same("PUBLISH", "three", "nobody");
    await both.sameSorted("PUBSUB", "CHANNELS");
    await both.same("PUBSUB", "NUMSUB", "one", "none");
    await both.same("PUBSUB", "NUMPAT");
    await subscriber.send("UNSUBSCRIBE", "one");
    await next("unsubscribe one");
    await subscriber.send("PUNSUBSCRIBE");
    await next("punsubscribe all");
    if (protocol === 2) await subscriber.same("GET", "not allowed here");
  }
});

testWith(["redis-server"], "scripted: blocked clients are served alike", async () => {
  await using both = await Both.start();
  const blocking: [request: string[], wake: string[]][] = [
    [["BLPOP", "a", "b", "0"], ["RPUSH", "b", "1", "2"]],
    [["BRPOP", "a", "0"], ["RPUSH", "a", "1", "2"]],
    [["BLMOVE", "a", "c", "LEFT", "RIGHT", "0"], ["RPUSH", "a", "x"]],
    [["BLMPOP", "0", "2", "a", "b", "LEFT", "COUNT", "2"], ["RPUSH", "b", "x", "y", "z"]],
    [["BZPOPMIN", "z", "0"], ["ZADD", "z", "1", "m", "2", "n"]],
    [["BZMPOP", "0", "1", "z", "MAX"], ["ZADD", "z", "1", "m", "2", "n"]],
  ];
  for (const [request, wake] of blocking) {
    await both.same("FLUSHALL");
    using waiting = await both.secondClient();
    await waiting.send(...request);
    await untilBlocked(both);
    await both.same(...wake);
    await waiting.sameReceived(request.join(" "));
    await both.sameDataset();
  }
});

testWith(["redis-server"], "scripted: keyspace notifications arrive alike", async () => {
  await using both = await Both.start(["--notify-keyspace-events", "KEA"]);
  using listener = await both.secondClient();
  await listener.send("PSUBSCRIBE", "__key*__:*");
  await listener.sameReceived("psubscribe");
  const requests = [
    "SET k v EX 100",
    "APPEND k x",
    "RENAME k l",
    "DEL l",
    "RPUSH list a b",
    "LPOP list 2",
    "HSET h f v",
    "HDEL h f",
    "SADD s m",
    "SREM s m",
    "ZADD z 1 m",
    "ZINCRBY z 1 m",
    "ZREM z m",
    "XGROUP CREATE x g $ MKSTREAM",
    "XADD x 1-1 a b",
    "XREADGROUP GROUP g c STREAMS x >",
    "XADD x MAXLEN 1 1-2 a b",
    "XGROUP SETID x g 0",
    "XCLAIM x g d 0 1-2 FORCE",
    "XGROUP DELCONSUMER x g d",
    "XDEL x 1-2",
    "XSETID x 9-9",
    "XGROUP DESTROY x g",
    "EXPIRE none 10",
    "SETEX t 100 v",
    "PERSIST t",
    "EXPIRE t -1",
  ];
  for (const request of requests) await both.same(...request.split(" "));
  await both.same("PUBLISH", "__key__:end", "end");
  for (let isEnd = false; !isEnd;) {
    const [expected, actual] = await Promise.all([
      listener.redis.receive(),
      listener.ours.receive(),
    ]);
    assertEquals(actual, expected);
    isEnd = (expected as string[])[3] === "end";
  }
});

testWith(
  ["redis-server"],
  "scripted: long unknown commands are cut alike in the error",
  async () => {
    await using both = await Both.start();
    await both.same("nosuch", "a".repeat(200), "b");
    await both.same("n".repeat(200), "a", "b".repeat(100), "c".repeat(100));
    await both.same("CONFIG", "n".repeat(200));
  },
);

async function untilBlocked(both: BothClients): Promise<void> {
  for (const client of [both.redis, both.ours]) {
    await until(
      "a client is blocked",
      async () => /blocked_clients:1\r/.test(String(await client.call("INFO", "clients"))),
    );
  }
}
