/**
 * COMMANDLOG beside valkey-server 9.1.2 (variable VALKEY_9 names the program): which commands are
 * in the logs of large requests and large replies, with how many bytes, and what is wrong with it.
 *
 * Of commands in a transaction Valkey counts the bytes of EXEC and of all its replies so far, of
 * those in a script none, of inline requests the line; Redeno counts what each would be by itself.
 */
import { assertEquals } from "@std/assert";
import { missingPeer, startPeer } from "../support/replication_pair.ts";
import type { RespClient } from "../support/resp_client.ts";
import { until } from "../support/text.ts";
import { testUnless } from "../support/tool_availability.ts";

const LIMITS = ["commandlog-request-larger-than", "commandlog-reply-larger-than"];
const REQUESTS: readonly (readonly string[])[] = [
  ...[["SET", "k", "hello"], ["GET", "k"], ["GET", "none"], ["LPUSH", "k", "x"], [
    "APPEND",
    "k",
    "",
  ]],
  ...[["SET", "long", "x".repeat(5000)], ["GET", "long"], ["MGET", "k", "none", "long"]],
  ...[["RPUSH", "l", "a", "b", "c"], ["LRANGE", "l", "0", "-1"], ["HSET", "h", "f", "v"]],
  ...[["HGETALL", "h"], ["DEL", ...Array.from({ length: 40 }, (_, index) => `d${index}`)]],
  ...[["CONFIG", "SET", "requirepass", ""], ["NOSUCH"], ["GET"], ["PING"], ["ECHO", ""]],
];
const WRONG = [
  ...["GET", "GET 1", "GET x slow", "GET -2 none", "GET 1 none", "LEN none", "RESET none"],
  ...["RESET", "LEN", "none", "GET 1 slow x"],
];

async function logs(client: RespClient): Promise<unknown[]> {
  await client.expect("CONFIG", "SET", ...LIMITS.flatMap((name) => [name, "-1"]));
  const shown: unknown[] = [];
  for (const type of ["large-request", "LARGE-REPLY"]) {
    const entries = await client.expect("COMMANDLOG", "GET", "-1", type) as unknown[][];
    shown.push(entries.map(([, , bytes, words]) => [bytes, words]));
    shown.push(await client.expect("COMMANDLOG", "LEN", type));
    shown.push(await client.expect("COMMANDLOG", "RESET", type));
    shown.push(await client.expect("COMMANDLOG", "LEN", type));
  }
  return shown;
}

async function outcome(client: RespClient, other: RespClient, limit: string): Promise<unknown[]> {
  await client.expect("CONFIG", "SET", ...LIMITS.flatMap((name) => [name, limit]));
  for (const request of REQUESTS) await client.call(...request);
  await other.send("BLPOP", "waited", "0");
  await until(
    "the client waits",
    async () => String(await client.expect("INFO", "clients")).includes("blocked_clients:1"),
  );
  // INFO has been logged as often as it was asked, with replies of any size.
  const before = (await logs(client)).filter((_, index) => index % 4 === 0) as unknown[][];
  await client.expect("CONFIG", "SET", ...LIMITS.flatMap((name) => [name, limit]));
  await client.expect("RPUSH", "waited", "x");
  await other.receive();
  const isInfo = (entry: unknown) => String((entry as unknown[])[1]).startsWith("INFO");
  return [before.map((entries) => entries.filter((entry) => !isInfo(entry))), await logs(client)];
}

testUnless(missingPeer("valkey 9.1"), {
  name: "COMMANDLOG has the entries that valkey 9.1 has, and refuses what it refuses",
  fn: async () => {
    await using ours = await startPeer("redeno");
    await using theirs = await startPeer("valkey 9.1");
    using one = await ours.connect();
    using waiting = await ours.connect();
    using peer = await theirs.connect();
    using peerWaiting = await theirs.connect();
    for (const limit of ["0", "20", "31", "5000", "-1"]) {
      assertEquals(
        await outcome(one, waiting, limit),
        await outcome(peer, peerWaiting, limit),
        limit,
      );
    }
    for (const words of WRONG) {
      const request = ["COMMANDLOG", ...words.split(" ")];
      assertEquals(await one.call(...request), await peer.call(...request), words);
    }
  },
});
