/**
 * Failover group: a master and its replicas, each behind a proxy by whose port all others know it,
 * so that a test can part any of them from the rest, and three sentinels that watch them.
 *
 * A server is called by the port of its proxy. Its own port is for the test, and for clients that
 * stay on the server's side when it is parted.
 */
import { assertSameData, infoOf, type PeerKind, startPeer } from "../support/replication_pair.ts";
import { ConnectionClosed, type RespClient } from "../support/resp_client.ts";
import { freePort, type ServerProcess } from "../support/server_process.ts";
import { type SentinelOptions, Sentinels } from "../support/sentinels.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/text.ts";

const BACKLOG_BYTES = 1024 * 1024;
/** Backlogs let go of whole pieces; ours are a sixteenth. */
const HISTORY_BYTES_MAX = BACKLOG_BYTES + BACKLOG_BYTES / 8;
/** Data that a full synchronization takes a while with, so that it can be cut in the middle. */
const FILLER_COUNT = 1000;
const FILLER_BYTES = 700;

/** One server and the way to it. */
export class Member implements AsyncDisposable {
  readonly proxy: TcpProxy;
  readonly #kind: PeerKind;
  readonly #ownPort = freePort();
  #server: ServerProcess | null = null;
  #directory: string | undefined;

  constructor(kind: PeerKind) {
    this.#kind = kind;
    this.proxy = new TcpProxy(this.#ownPort);
  }

  get port(): number {
    return this.proxy.port;
  }

  get server(): ServerProcess {
    return this.#server!;
  }

  /** Starts it, again after a kill: empty, as a master or as the replica of another. */
  async start(masterPort = 0): Promise<void> {
    const announce = ["--replica-announce-ip", "127.0.0.1"];
    announce.push("--replica-announce-port", String(this.port));
    const follow = masterPort === 0 ? [] : ["--replicaof", `127.0.0.1 ${masterPort}`];
    this.#directory ??= await Deno.makeTempDir({ prefix: "redeno_test_" });
    this.#server = await startPeer(this.#kind, {
      port: this.#ownPort,
      directory: this.#directory,
      args: [...announce, ...follow, "--repl-backlog-size", String(BACKLOG_BYTES)],
    });
  }

  /** A client of the server's own port. */
  connect(): Promise<RespClient> {
    return this.server.connect();
  }

  /**
   * Asks over a connection of its own, again if that is closed: Sentinel closes the clients of a
   * server whose role it changes.
   */
  async ask<T>(question: (client: RespClient) => Promise<T>): Promise<T> {
    for (;;) {
      using client = await this.connect();
      try {
        return await question(client);
      } catch (error) {
        if (!(error instanceof ConnectionClosed)) throw error;
      }
    }
  }

  /** INFO replication; null while it cannot be asked. */
  async replication(): Promise<Map<string, string> | null> {
    try {
      using client = await this.connect();
      return await infoOf(client, "replication");
    } catch {
      return null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.proxy[Symbol.dispose]();
    if (this.#directory === undefined) return;
    // If somebody has removed it, that is not what a failure should report.
    await Deno.remove(this.#directory, { recursive: true }).catch(() => {});
  }
}

export class FailoverGroup implements AsyncDisposable {
  readonly members: readonly Member[];
  readonly sentinels: Sentinels;

  private constructor(members: readonly Member[], sentinels: Sentinels) {
    this.members = members;
    this.sentinels = sentinels;
  }

  /** Starts servers of these kinds, the first as master, and the sentinels. */
  static async start(
    kinds: readonly PeerKind[],
    options: SentinelOptions,
  ): Promise<FailoverGroup> {
    const members = kinds.map((kind) => new Member(kind));
    const [master, ...replicas] = members;
    await master.start();
    using client = await master.connect();
    const fill = (_: unknown, index: number) => [
      "SET",
      `filler:${index}`,
      // Of random bytes, or an RDB would have them in a few.
      crypto.getRandomValues(new Uint8Array(FILLER_BYTES)),
    ];
    await client.expectMany(Array.from({ length: FILLER_COUNT }, fill));
    for (const replica of replicas) await replica.start(master.port);
    const group = new FailoverGroup(members, new Sentinels(master.port, options));
    await group.sentinels.untilServing();
    return group;
  }

  member(port: number): Member {
    return this.members.find((member) => member.port === port)!;
  }

  /** All but one. */
  others(port: number): Member[] {
    return this.members.filter((member) => member.port !== port);
  }

  /**
   * Waits until all servers follow the master that all sentinels name, and the sentinels know it.
   * Returns the master's port.
   */
  async untilConverged(): Promise<number> {
    let port = 0;
    await until("all servers follow the master that all sentinels name", async () => {
      port = await this.sentinels.masterPort();
      if (port === 0) return false;
      for (const other of this.others(port)) {
        const fields = await other.replication();
        if (fields?.get("master_port") !== String(port)) return false;
        if (fields.get("master_link_status") !== "up") return false;
      }
      return (await this.member(port).replication())?.get("role") === "master";
    });
    await this.sentinels.untilWatching(this.members.length - 1);
    return port;
  }

  /**
   * Waits until all servers follow one master, and asserts that they have its data; returns its
   * port. Nobody may write meanwhile. If it is replaced meanwhile, the next one counts.
   */
  async untilSameData(): Promise<number> {
    for (;;) {
      const port = await this.untilConverged();
      try {
        await this.#assertSameData(port);
        return port;
      } catch (error) {
        if (await this.sentinels.masterPort() === port) throw error;
      }
    }
  }

  async #assertSameData(port: number): Promise<void> {
    for (const other of this.others(port)) {
      await this.member(port).ask((master) =>
        other.ask((replica) => assertSameData(master, replica))
      );
    }
  }

  /** The most that a server of ours uses, in bytes. Throws if a backlog is too large. */
  async memoryInUse(): Promise<number> {
    let most = 0;
    for (const member of this.members) {
      const [replication, memory] = await member.ask(async (client) => [
        await infoOf(client, "replication"),
        await infoOf(client, "memory"),
      ]);
      const length = Number(replication.get("repl_backlog_histlen"));
      if (length > HISTORY_BYTES_MAX) throw new Error(`a backlog has ${length} bytes`);
      if (member.server.target !== "redeno") continue;
      most = Math.max(most, Number(memory.get("used_memory")));
    }
    return most;
  }

  /** What they have printed, for a report. */
  get logs(): string {
    const logs = this.members.map(({ port, server }) => `${port}:\n${server.log.slice(-4000)}`);
    return [this.sentinels.log.slice(-4000), ...logs].join("\n-----\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sentinels[Symbol.asyncDispose]();
    for (const member of this.members) await member[Symbol.asyncDispose]();
  }
}
