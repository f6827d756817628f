/**
 * Redeno as replica of every master that there is: the same data after a full synchronization by
 * disk and without, under a load of all types, and after fifty broken links, nearly all of which
 * are mended without sending all data again.
 *
 * REDENO_REPLICATION_REQUESTS makes the loads longer.
 */
import { assert, assertEquals } from "@std/assert";
import {
  assertSameData,
  infoOf,
  missingPeer,
  type PeerKind,
  startPeer,
  untilBack,
  untilInSync,
} from "../support/replication_pair.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { testUnless } from "../support/tool_availability.ts";
import { WriteLoad } from "../support/write_load.ts";

const KINDS: readonly PeerKind[] = ["redeno", "redis 7.0", "redis 6.2", "redis 8.2", "valkey 9.1"];
const REQUESTS = Number(Deno.env.get("REDENO_REPLICATION_REQUESTS") ?? 1500);
const CUTS = 50;

/**
 * What parts a master of a kind from its replica. All but ours tell no replica of the key that a
 * BITFIELD makes if all of it fails (OVERFLOW FAIL). Redis 6.2 takes a DECRBY by -2^63 for an
 * increment, and 6.2.5 crashes at a FLUSHALL while data are on their way without the disk.
 */
function notOf(kind: PeerKind, isDiskless = false): RegExp {
  if (kind === "redeno") return /^$/;
  if (kind !== "redis 6.2") return /^bitfield$/i;
  return isDiskless ? /^(bitfield|decrby|flushall)$/i : /^(bitfield|decrby)$/i;
}

for (const kind of KINDS) {
  for (const isDiskless of ["no", "yes"]) {
    const name = `Redeno has the data of ${kind} while they change, diskless: ${isDiskless}`;
    testUnless(missingPeer(kind), {
      name,
      async fn() {
        const seed = testSeed();
        const master = await startPeer(kind, { args: ["--repl-diskless-sync", isDiskless] });
        await using _ = master;
        const leftOut = notOf(kind, isDiskless === "yes");
        const options = { seed, count: REQUESTS, leftOut };
        using load = await WriteLoad.create(master, options);
        await load.run(REQUESTS / 2);
        const args = ["--replicaof", `127.0.0.1 ${master.port}`];
        await using replica = await startPeer("redeno", { args });
        // It is loading, or has just begun to follow.
        await load.run();
        using above = await master.connect();
        using below = await replica.connect();
        await withReport(`seed ${seed}`, replica, () => assertSameData(above, below));
        const stats = await infoOf(below, "stats");
        assertEquals(stats.get("unexpected_error_replies"), "0", replica.log);
      },
    });
  }

  testUnless(missingPeer(kind), {
    name: `Redeno goes on with ${kind} after ${CUTS} broken links`,
    async fn() {
      const seed = testSeed();
      const random = new SeededRandom(seed);
      const master = await startPeer(kind, { args: ["--repl-backlog-size", "16mb"] });
      await using _ = master;
      using proxy = new TcpProxy(master.port);
      const args = ["--replicaof", `127.0.0.1 ${proxy.port}`];
      await using replica = await startPeer("redeno", { args });
      using above = await master.connect();
      using below = await replica.connect();
      await untilInSync(above, below);
      const options = { seed, count: CUTS * 60, leftOut: notOf(kind) };
      using load = await WriteLoad.create(master, options);
      await withReport(`seed ${seed}`, replica, async () => {
        for (let cut = 0; cut < CUTS; cut++) {
          const { cutCount, connectionCount } = proxy;
          proxy.cutAfter(1 + random.below(1500));
          await load.run(50);
          if (proxy.cutCount === cutCount) proxy.cut();
          await untilBack(below, proxy, connectionCount);
        }
        await assertSameData(above, below);
      });
      const stats = await infoOf(above, "stats");
      assertEquals(stats.get("sync_full"), "1", `seed ${seed}`);
      assert(Number(stats.get("sync_partial_ok")) >= CUTS * 0.8, `seed ${seed}`);
    },
  });
}

/** Adds what is needed to understand a failure. */
async function withReport(
  title: string,
  replica: { readonly log: string },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new Error(`${title}: ${error}\n${replica.log.slice(-3000)}`, { cause: error });
  }
}
