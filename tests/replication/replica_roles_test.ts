/**
 * A replica's life beside redis-server: restarts, promotions, chains, the AOF, passwords and TLS.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Certificates } from "../support/certificates.ts";
import {
  assertSameData,
  assertSameKeys,
  infoOf,
  type PeerKind,
  startPeer,
  untilInSync,
} from "../support/replication_pair.ts";
import type { RespClient } from "../support/resp_client.ts";
import {
  freePort,
  type ServerProcess,
  startServer,
  TemporaryDirectory,
} from "../support/server_process.ts";
import { delay, until } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";
import { WriteLoad } from "../support/write_load.ts";

const REDIS = ["redis-server"] as const;

function following({ port }: ServerProcess, ...args: string[]): { args: string[] } {
  return { args: ["--replicaof", `127.0.0.1 ${port}`, ...args] };
}

async function fill(server: ServerProcess, seed = 1): Promise<void> {
  // Redis tells no replica of the key that a BITFIELD makes if all of it fails.
  using load = await WriteLoad.create(server, { seed, count: 600, leftOut: /^bitfield$/i });
  await load.run();
}

async function statistic(client: RespClient, name: string): Promise<number> {
  return Number((await infoOf(client, "stats")).get(name));
}

testWith(REDIS, "a replica that was shut down goes on where it was", async () => {
  await using directory = await TemporaryDirectory.create();
  await using master = await startPeer("redis 7.0");
  using above = await master.connect();
  const options = {
    ...following(master, "--appendonly", "no"),
    directory: directory.path,
    save: "900 1",
  };
  {
    await using replica = await startPeer("redeno", options);
    await fill(master);
    using below = await replica.connect();
    await assertSameData(above, below);
    assertEquals(await replica.stop(), 0, replica.log);
  }
  await fill(master, 2);
  await using replica = await startPeer("redeno", options);
  using below = await replica.connect();
  await assertSameData(above, below);
  assertEquals(await statistic(above, "sync_full"), 1, replica.log);
  assertEquals(await statistic(above, "sync_partial_ok"), 1);
});

for (const kind of ["redeno", "redis 7.0"] as const) {
  const name = `keys that expire while the master is down are gone from its replica ${kind}, too`;
  testWith(REDIS, name, async () => {
    await using directory = await TemporaryDirectory.create();
    const options = { directory: directory.path, save: "900 1", port: freePort() };
    const first = await startPeer("redeno", options);
    await using replica = await startPeer(kind, following(first));
    using below = await replica.connect();
    {
      await using master = first;
      using above = await master.connect();
      await above.expect("DEBUG", "SET-ACTIVE-EXPIRE", "0");
      for (let index = 0; index < 200; index++) {
        await above.expect("SELECT", String(index % 16));
        await above.expect("SET", `key:${index}`, "value", "PX", "30");
        await above.expect("SET", `lasting:${index}`, "value");
      }
      await untilInSync(above, below);
      assertEquals(await master.stop(), 0, master.log);
    }
    await delay(40);
    await using master = await startPeer("redeno", options);
    using above = await master.connect();
    await untilInSync(above, below);
    assertEquals(await statistic(above, "sync_partial_ok"), 1, master.log);
    const info = await infoOf(above, "persistence");
    assertEquals(info.get("rdb_last_load_keys_expired"), "200");
    await assertSameData(above, below);
    assertEquals(await below.expect("DBSIZE"), Math.ceil(200 / 16));
  });
}

const FAMILIES: readonly (readonly [PeerKind, PeerKind, PeerKind])[] = [
  ["redis 7.0", "redeno", "redis 7.0"],
  ["redis 7.0", "redis 7.0", "redeno"],
  ["redeno", "redeno", "redeno"],
];

for (const [parent, heir, sibling] of FAMILIES) {
  const name = `${sibling} goes on with its sibling ${heir} when ${parent} is gone`;
  testWith(REDIS, name, async () => {
    await using first = await startPeer(parent);
    await using next = await startPeer(heir, following(first));
    await using other = await startPeer(sibling, following(first));
    using top = await first.connect();
    using above = await next.connect();
    using below = await other.connect();
    await untilInSync(top, above);
    await untilInSync(top, below);
    await fill(first);
    await assertSameData(top, above);
    await assertSameData(top, below);
    await first.kill();
    await above.expect("REPLICAOF", "NO", "ONE");
    await above.expect("SET", "promoted", "1");
    await below.expect("REPLICAOF", "127.0.0.1", next.port);
    await assertSameData(above, below);
    assertEquals(await statistic(above, "sync_full"), 0, next.log);
    assertEquals(await statistic(above, "sync_partial_ok"), 1);
  });
}

testWith(REDIS, "a chain passes on the stream of its top, and survives its middle", async () => {
  await using first = await startPeer("redis 7.0");
  await using middle = await startPeer("redeno", following(first));
  await using last = await startPeer("redis 7.0", following(middle));
  using top = await first.connect();
  using between = await middle.connect();
  using below = await last.connect();
  await untilInSync(top, between);
  await untilInSync(between, below);
  await fill(first);
  await assertSameData(top, between);
  await assertSameData(top, below);
  // The middle loses its master and comes back; the last one need not notice.
  await between.expect("CLIENT", "KILL", "TYPE", "master");
  await fill(first, 2);
  await assertSameData(top, between);
  await assertSameData(top, below);
  assertEquals(await statistic(between, "sync_full"), 1);
  // With the middle out of the way the last one goes on with the top.
  await below.expect("REPLICAOF", "127.0.0.1", first.port);
  await assertSameData(top, below);
  assertEquals(await statistic(top, "sync_full"), 1);
});

testWith(REDIS, "a replica becomes a master and a replica again", async () => {
  await using master = await startPeer("redis 7.0");
  await using replica = await startPeer("redeno", following(master));
  using above = await master.connect();
  using below = await replica.connect();
  await fill(master);
  await assertSameData(above, below);
  for (let round = 0; round < 3; round++) {
    await below.expect("REPLICAOF", "NO", "ONE");
    await below.expect("SET", "mine", round);
    await fill(master, 10 + round);
    await below.expect("REPLICAOF", "127.0.0.1", master.port);
    await assertSameData(above, below);
  }
});

testWith(REDIS, "the AOF of a replica begins anew with the data of its master", async () => {
  await using directory = await TemporaryDirectory.create();
  await using master = await startPeer("redis 7.0");
  using above = await master.connect();
  const storage = { directory: directory.path };
  const recording = ["--appendonly", "yes", "--enable-debug-command", "yes"];
  {
    await using replica = await startServer({ ...storage, target: "redeno", args: recording });
    using below = await replica.connect();
    await below.expect("SET", "own", "1");
    await fill(master);
    await below.expect("REPLICAOF", "127.0.0.1", master.port);
    await untilInSync(above, below);
    await until("the base of the AOF is written", async () => {
      const fields = await infoOf(below, "persistence");
      return fields.get("aof_enabled") === "1" && fields.get("aof_rewrite_in_progress") === "0" &&
        fields.get("aof_rewrite_scheduled") === "0";
    });
    await fill(master, 2);
    await assertSameData(above, below);
    await until("the AOF has all", async () => {
      return (await infoOf(below, "persistence")).get("aof_buffer_length") === "0";
    });
    await replica.kill();
  }
  await using replica = await startServer({ ...storage, target: "redeno", args: recording });
  using below = await replica.connect();
  assertEquals(await below.expect("EXISTS", "own"), 0, replica.log);
  await assertSameKeys(above, below);
});

testWith(REDIS, "a replica waits for its password, and takes one that is set later", async () => {
  await using master = await startPeer("redis 7.0", { args: ["--requirepass", "secret"] });
  await using replica = await startPeer("redeno", following(master));
  using above = await master.connect();
  await above.expect("AUTH", "secret");
  using below = await replica.connect();
  await below.expect("SET", "x", "1").catch(() => {});
  await until("the log says why", () => /the master .*NOAUTH/.test(replica.log));
  await below.expect("CONFIG", "SET", "masterauth", "wrong");
  await until("the log says why", () => /our password: WRONGPASS/.test(replica.log));
  await below.expect("CONFIG", "SET", "masterauth", "secret");
  await untilInSync(above, below);
  await above.expect("ACL", "SETUSER", "repl", "on", ">pw", "+psync", "+replconf", "+ping");
  await below.expect("CONFIG", "SET", "masteruser", "repl", "masterauth", "pw");
  await below.expect("CLIENT", "KILL", "TYPE", "master");
  await above.expect("SET", "y", "2");
  await assertSameData(above, below);
});

testWith(["redis-server", "openssl"], "a replica follows its master by TLS", async () => {
  await using certificates = await Certificates.create();
  const files = (name: string) => [
    ...["--tls-cert-file", certificates.path(`${name}.crt`)],
    ...["--tls-key-file", certificates.path(`${name}.key`)],
    ...["--tls-ca-cert-file", certificates.path("ca.crt")],
  ];
  for (const kind of ["redis 7.0", "redeno"] as const) {
    const tlsPort = freePort();
    const secured = ["--tls-port", String(tlsPort), ...files("server")];
    await using master = await startPeer(kind, { args: secured });
    const args = ["--tls-replication", "yes", ...files("client"), "--tls-port", String(freePort())];
    await using replica = await startPeer("redeno", { args });
    using above = await master.connect();
    using below = await replica.connect();
    await below.expect("REPLICAOF", "127.0.0.1", tlsPort);
    await untilInSync(above, below);
    await fill(master);
    await assertSameData(above, below);
    await below.expect("CONFIG", "SET", "tls-ca-cert-file", certificates.path("stranger.crt"));
    await below.expect("CLIENT", "KILL", "TYPE", "master");
    await until("the log says why", () => /certificate|self.signed|issuer/i.test(replica.log));
  }
});

testWith(
  REDIS,
  "with repl-diskless-load swapdb the old data are served until the new are there",
  async () => {
    await using master = await startPeer("redis 7.0");
    await using replica = await startPeer("redeno", {
      args: [
        "--repl-diskless-load",
        "swapdb",
        "--key-load-delay",
        "300",
        "--loading-process-events-interval-bytes",
        "1024",
      ],
    });
    using above = await master.connect();
    using below = await replica.connect();
    await above.expect("DEBUG", "POPULATE", "3000");
    await below.expect("SET", "old", "1");
    await below.expect("REPLICAOF", "127.0.0.1", master.port);
    await until("the new data are being loaded", async () => {
      return (await infoOf(below, "persistence")).get("async_loading") === "1";
    });
    assertEquals(await below.expect("GET", "old"), "1");
    assertStringIncludes(String(await below.call("REPLICAOF", "NO", "ONE")), "LOADING");
    await assertSameData(above, below);
    assertEquals((await infoOf(below, "persistence")).get("async_loading"), "0");
    assertEquals(await below.expect("GET", "old"), null);
  },
);

testWith(REDIS, "a replica that is not read only removes what expired when it writes", async () => {
  await using master = await startPeer("redis 7.0");
  await using replica = await startPeer("redeno", following(master, "--replica-read-only", "no"));
  using above = await master.connect();
  using below = await replica.connect();
  await untilInSync(above, below);
  assertEquals(await below.expect("SET", "own", "1"), "OK");
  assertEquals(await below.expect("GET", "own"), "1");
  await above.expect("SET", "own", "2");
  await untilInSync(above, below);
  assertEquals(await below.expect("GET", "own"), "2");
  assert(!replica.log.includes("CRITICAL"));
});
