/** FAILOVER and SHUTDOWN with real servers: who is the master then, and that nothing is lost. */
import { assertEquals, assertMatch } from "@std/assert";
import {
  assertSameData,
  infoOf,
  missingPeer,
  startPeer,
  untilInSync,
} from "../support/replication_pair.ts";
import type { RespClient } from "../support/resp_client.ts";
import { until } from "../support/text.ts";
import { testUnless } from "../support/tool_availability.ts";

const NO_DELAY = ["--repl-diskless-sync-delay", "0"];

async function untilRole(client: RespClient, role: string, link = "up"): Promise<void> {
  await until(`the role is ${role}`, async () => {
    const fields = await infoOf(client, "replication");
    const isLinked = role === "master" || fields.get("master_link_status") === link;
    return fields.get("role") === role && isLinked;
  });
}

for (const kind of ["redis 7.0", "redeno"] as const) {
  testUnless(missingPeer(kind), {
    name: `FAILOVER: Redeno gives its place to ${kind}, and gets it back`,
    async fn() {
      await using first = await startPeer("redeno", { args: NO_DELAY });
      const args = [...NO_DELAY, "--replicaof", "127.0.0.1", String(first.port)];
      await using second = await startPeer(kind, { args });
      using ours = await first.connect();
      using other = await second.connect();
      await ours.expect("SET", "key", "1");
      await untilInSync(ours, other);
      assertEquals(await ours.expect("FAILOVER", "TO", "127.0.0.1", String(second.port)), "OK");
      // A write that comes meanwhile waits, and is then for the new master.
      assertMatch(String(await ours.call("SET", "key", "2")), /READONLY/);
      await untilRole(other, "master");
      await untilRole(ours, "slave");
      await other.expect("SET", "key", "3");
      await assertSameData(other, ours);
      assertEquals(await other.expect("FAILOVER", "TIMEOUT", "10000"), "OK");
      await untilRole(ours, "master");
      await untilRole(other, "slave");
      await ours.expect("SET", "key", "4");
      await assertSameData(ours, other);
      const stats = await infoOf(ours, "stats");
      assertEquals([stats.get("sync_full"), stats.get("sync_partial_err")], ["1", "0"]);
      assertEquals((await infoOf(ours, "replication")).get("master_failover_state"), "no-failover");
    },
  });
}

testUnless(missingPeer("redis 7.0"), {
  name: "FAILOVER that is not done in time, or is given up, leaves all as it was",
  async fn() {
    await using master = await startPeer("redeno", { args: NO_DELAY });
    const args = ["--replicaof", "127.0.0.1", String(master.port)];
    await using replica = await startPeer("redis 7.0", { args });
    using client = await master.connect();
    using below = await replica.connect();
    await client.expect("SET", "key", "1");
    await untilInSync(client, below);
    Deno.kill(replica.pid, "SIGSTOP");
    try {
      await client.expect("FAILOVER", "TIMEOUT", "300");
      // It waits until the failover has ended.
      assertEquals(await client.expect("SET", "key", "2"), "OK");
      await client.expect("FAILOVER");
      assertMatch(String(await client.call("FAILOVER")), /FAILOVER already in progress/);
      assertMatch(String(await client.call("REPLICAOF", "host", "1")), /while failing over/);
      assertEquals(await client.expect("FAILOVER", "ABORT"), "OK");
      assertEquals(await client.expect("SET", "key", "3"), "OK");
    } finally {
      Deno.kill(replica.pid, "SIGCONT");
    }
    await assertSameData(client, below);
  },
});

testUnless(missingPeer("redis 7.0"), {
  name: "SHUTDOWN hands over, if that is configured, and what was acknowledged is there",
  async fn() {
    const handsOver = [...NO_DELAY, "--shutdown-hands-over", "yes"];
    await using master = await startPeer("redeno", { args: handsOver });
    const args = ["--replicaof", "127.0.0.1", String(master.port)];
    await using replica = await startPeer("redis 7.0", { args });
    using client = await master.connect();
    using below = await replica.connect();
    await client.expect("SET", "key", "1");
    await untilInSync(client, below);
    for (let index = 0; index < 500; index++) await client.expect("RPUSH", "list", String(index));
    await client.send("SHUTDOWN");
    assertEquals(await master.ended(), 0);
    await untilRole(below, "master");
    assertEquals(await below.expect("LLEN", "list"), 500);
    assertEquals(await below.expect("SET", "key", "2"), "OK");
  },
});
