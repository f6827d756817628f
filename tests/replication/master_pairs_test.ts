/**
 * Redeno as master of every replica that there is: the same data after a full synchronization by
 * disk and without, under a load of all types, after fifty broken links, and through a replica in
 * between.
 *
 * REDENO_REPLICATION_REQUESTS makes the loads longer.
 */
import { assert } from "@std/assert";
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

const KINDS: readonly PeerKind[] = ["redis 7.0", "redis 6.2", "redis 8.2", "valkey 9.1"];
const REQUESTS = Number(Deno.env.get("REDENO_REPLICATION_REQUESTS") ?? 1500);
const CUTS = 50;

/**
 * What a replica of a kind does not understand, or takes for something else: options, libraries;
 * Redis 6.2.5 keeps what GEOSEARCHSTORE and its relatives are to replace if there is no source.
 */
function notFor(kind: PeerKind): RegExp {
  return kind === "redis 6.2"
    ? /^(p?expire(at)?|x.*|function|fcall|spublish|decrby|georadius(bymember)?|geosearchstore)$/i
    : /^$/;
}

/** Redis 6.2 reads version 9 of the format. */
function argsFor(kind: PeerKind): string[] {
  return kind === "redis 6.2" ? ["--rdb-version", "9"] : [];
}

for (const kind of KINDS) {
  for (const isDiskless of ["no", "yes"]) {
    testUnless(missingPeer(kind), {
      name: `${kind} has the data of Redeno while they change, diskless: ${isDiskless}`,
      async fn() {
        const seed = testSeed();
        const args = ["--repl-diskless-sync", isDiskless, "--repl-diskless-sync-delay", "0"];
        const master = await startPeer("redeno", { args: [...args, ...argsFor(kind)] });
        await using _ = master;
        const options = { seed, count: REQUESTS, leftOut: notFor(kind) };
        using load = await WriteLoad.create(master, options);
        await load.run(REQUESTS / 2);
        await using replica = await startPeer(kind, {
          args: ["--replicaof", "127.0.0.1", String(master.port)],
        });
        await load.run();
        using above = await master.connect();
        using below = await replica.connect();
        await withReport(`seed ${seed}`, replica, () => assertSameData(above, below));
      },
    });
  }

  testUnless(missingPeer(kind), {
    name: `${kind} goes on with Redeno after ${CUTS} broken links`,
    async fn() {
      const seed = testSeed();
      const random = new SeededRandom(seed);
      const args = ["--repl-backlog-size", "16mb", "--repl-diskless-sync-delay", "0"];
      const master = await startPeer("redeno", { args: [...args, ...argsFor(kind)] });
      await using _ = master;
      using proxy = new TcpProxy(master.port);
      await using replica = await startPeer(kind, {
        args: ["--replicaof", "127.0.0.1", String(proxy.port)],
      });
      using above = await master.connect();
      using below = await replica.connect();
      await untilInSync(above, below);
      using load = await WriteLoad.create(master, {
        seed,
        count: CUTS * 60,
        leftOut: notFor(kind),
      });
      await withReport(`seed ${seed}`, master, async () => {
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
      // A cut within the handshake makes some replicas ask for all data.
      const report = `seed ${seed}\n${master.log.slice(-3000)}\n${replica.log.slice(-9000)}`;
      assert(Number(stats.get("sync_full")) <= 1 + CUTS / 10, report);
      assert(Number(stats.get("sync_partial_ok")) >= CUTS / 2, report);
    },
  });
}

for (const kinds of [["redis 7.0", "redeno"], ["redeno", "redis 7.0"]] as const) {
  testUnless(missingPeer("redis 7.0"), {
    name: `a chain: Redeno above ${kinds.join(" above ")}`,
    async fn() {
      const seed = testSeed();
      const args = ["--repl-diskless-sync-delay", "0"];
      await using top = await startPeer("redeno", { args });
      const follow = (port: number) => ["--replicaof", `127.0.0.1 ${port}`];
      await using middle = await startPeer(kinds[0], { args: [...args, ...follow(top.port)] });
      await using bottom = await startPeer(kinds[1], { args: follow(middle.port) });
      using load = await WriteLoad.create(top, { seed, count: REQUESTS });
      await load.run();
      using above = await top.connect();
      using between = await middle.connect();
      using below = await bottom.connect();
      await withReport(`seed ${seed}`, top, async () => {
        await assertSameData(above, between);
        await assertSameData(above, below);
      });
    },
  });
}

/** Adds what is needed to understand a failure. */
async function withReport(
  title: string,
  server: { readonly log: string },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new Error(`${title}: ${error}\n${server.log.slice(-3000)}`, { cause: error });
  }
}
