/**
 * Real Sentinel (7.0.15) watches Redeno and redis-server in one group: three failovers in a row,
 * for three reasons, and the old master comes back as a replica each time. Nothing that WAIT has
 * confirmed may be missing from the new master.
 *
 * Sentinel takes its time: one mix of servers is tested unless REDENO_SENTINEL_MIXES is "all".
 */
import { assertEquals } from "@std/assert";
import { assertSameData, infoOf, type PeerKind, startPeer } from "../support/replication_pair.ts";
import { RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { Sentinels } from "../support/sentinels.ts";
import { until } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";

const MIXES: readonly (readonly [PeerKind, PeerKind, PeerKind])[] = [
  ["redeno", "redeno", "redis 7.0"],
  ["redis 7.0", "redeno", "redeno"],
];
const WRITES_EACH = 50;

/** The servers of a group, and what has been written to whoever was its master. */
class Group implements AsyncDisposable {
  readonly #servers = new Map<number, ServerProcess>();
  readonly #kinds = new Map<number, PeerKind>();
  #written = 0;

  static async start(kinds: readonly PeerKind[]): Promise<Group> {
    const group = new Group();
    let master: ServerProcess | null = null;
    for (const kind of kinds) {
      const args: string[] = master === null ? [] : ["--replicaof", `127.0.0.1 ${master.port}`];
      const server: ServerProcess = await startPeer(kind, { args });
      group.#servers.set(server.port, server);
      group.#kinds.set(server.port, kind);
      master ??= server;
    }
    return group;
  }

  get ports(): number[] {
    return [...this.#servers.keys()];
  }

  server(port: number): ServerProcess {
    return this.#servers.get(port)!;
  }

  /** Starts a server again that was killed, as it was first: as a master. */
  async restart(port: number): Promise<void> {
    const { directory } = this.server(port);
    this.#servers.set(port, await startPeer(this.#kinds.get(port)!, { port, directory }));
  }

  /** Writes to a master and waits until a replica has confirmed it. */
  async write(port: number): Promise<void> {
    using client = await RespClient.connect(port);
    for (let count = 0; count < WRITES_EACH; count++) {
      await client.expect("RPUSH", "written", ++this.#written);
    }
    assertEquals(Number(await client.expect("WAIT", 1, 60_000)) >= 1, true);
  }

  /** Asserts that a new master has all that was confirmed. */
  async assertComplete(port: number): Promise<void> {
    using client = await RespClient.connect(port);
    const elements = await client.expect("LRANGE", "written", 0, -1) as string[];
    assertEquals(elements, Array.from({ length: this.#written }, (_, index) => String(index + 1)));
  }

  /** Waits until all others follow this master, and asserts that they have its data. */
  async assertFollowed(port: number): Promise<void> {
    for (const other of this.ports.filter((one) => one !== port)) {
      await until(`${other} follows ${port}`, async () => {
        const fields = await replicationOf(other);
        return fields?.get("master_port") === String(port) &&
          fields.get("master_link_status") === "up";
      });
      using master = await RespClient.connect(port);
      using client = await RespClient.connect(other);
      await assertSameData(master, client);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.values()) await server[Symbol.asyncDispose]();
  }
}

/** INFO replication of a server; null while Sentinel closes the clients of an old master. */
async function replicationOf(port: number): Promise<Map<string, string> | null> {
  try {
    using client = await RespClient.connect(port);
    return await infoOf(client, "replication");
  } catch {
    return null;
  }
}

/** Brings a master down in some way; the function that is returned brings it back. */
type Mishap = (group: Group, sentinels: Sentinels, port: number) => Promise<() => Promise<void>>;

const MISHAPS: readonly Mishap[] = [
  async function isAskedFor(_group, sentinels) {
    await sentinels.failover();
    return () => Promise.resolve();
  },
  async function isKilled(group, _sentinels, port) {
    await group.server(port).kill();
    return () => group.restart(port);
  },
  function isStopped(group, _sentinels, port) {
    group.server(port).child.kill("SIGSTOP");
    return Promise.resolve(() => {
      group.server(port).child.kill("SIGCONT");
      return Promise.resolve();
    });
  },
];

for (const mix of Deno.env.get("REDENO_SENTINEL_MIXES") === "all" ? MIXES : MIXES.slice(0, 1)) {
  const name = `Sentinel fails over a group of ${mix.join(", ")}, and WAIT keeps its word`;
  testWith(["redis-server", "redis-sentinel"], name, async () => {
    await using group = await Group.start(mix);
    let [port] = group.ports;
    await using sentinels = new Sentinels(port);
    try {
      for (const mishap of MISHAPS) {
        await sentinels.untilWatching(mix.length - 1);
        await group.assertFollowed(port);
        await group.write(port);
        const repair = await mishap(group, sentinels, port);
        const next = await sentinels.untilMasterIsNot(port);
        await group.assertComplete(next);
        await repair();
        await group.assertFollowed(next);
        port = next;
      }
    } catch (error) {
      const logs = group.ports.map((one) => `${one}:\n${group.server(one).log}`);
      throw new Error([String(error), sentinels.log.slice(-4000), ...logs].join("\n-----\n"));
    }
  });
}
