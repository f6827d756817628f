/**
 * Confirmed writes: clients that write to whoever the sentinels name, each key once, ask with WAIT
 * how many replicas have it, and keep what they are told. They follow every failover.
 */
import type { Argument } from "../support/resp_client.ts";
import { RespClient } from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { delay, until } from "../support/text.ts";
import type { FailoverGroup } from "./failover_group.ts";

const WRITES_MAX = 5;
const WAIT_MS = 200;
const LOOK_MS = 100;
/** No other client uses it. */
const DATABASE = 9;

/** A key, and how many replicas have it, as WAIT said. */
interface Confirmation {
  readonly key: string;
  readonly count: number;
}

/** Which of some keys a server does not have, and what role it had when it was asked. */
export interface Absence {
  readonly missing: Set<string>;
  /** The port of its master; 0 if it is one. */
  readonly masterPort: number;
}

/** Which of the keys a server does not have. The role is asked for behind the data. */
export async function absenceOf(client: RespClient, keys: readonly string[]): Promise<Absence> {
  await client.expect("SELECT", DATABASE);
  const values = keys.length === 0 ? [] : await client.expect("MGET", ...keys) as unknown[];
  const role = await client.expect("ROLE") as unknown[];
  return {
    missing: new Set(keys.filter((_, index) => values[index] === null)),
    masterPort: role[0] === "slave" ? Number(role[2]) : 0,
  };
}

class Writer {
  readonly confirmed: Confirmation[] = [];
  acknowledgedCount = 0;
  readonly #name: string;
  readonly #random: SeededRandom;
  #number = 0;
  #client: RespClient | null = null;
  #isOver = false;
  readonly #running: Promise<void>;

  constructor(
    name: string,
    random: SeededRandom,
    readonly target: () => number,
    readonly replicaCount: number,
  ) {
    this.#name = name;
    this.#random = random;
    this.#running = this.#run();
  }

  /** Gives up the connection, whatever is going on there; it takes the next target. */
  interrupt(): void {
    this.#client?.close();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.interrupt();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        const port = this.target();
        using client = await RespClient.connect(port);
        this.#client = client;
        // Or it would hold on to a master that was parted while this one connected.
        if (this.#isOver || this.target() !== port) continue;
        await client.expect("SELECT", DATABASE);
        while (!this.#isOver && this.target() === port) await this.#write(client);
      } catch {
        // The master is gone, or is none any more.
        await delay(10);
      }
    }
  }

  async #write(client: RespClient): Promise<void> {
    const keys = Array.from({ length: this.#random.between(1, WRITES_MAX) }, () => {
      return `${this.#name}:${++this.#number}`;
    });
    const requests: Argument[][] = keys.map((key) => ["SET", key, key]);
    const wanted = this.#random.between(1, this.replicaCount);
    const replies = await client.callMany([...requests, ["WAIT", wanted, WAIT_MS]]);
    const refusal = replies.find((reply) => reply instanceof RespError);
    if (refusal !== undefined) throw refusal;
    this.acknowledgedCount += keys.length;
    const count = Number(replies.at(-1));
    if (count > 0) this.confirmed.push(...keys.map((key) => ({ key, count })));
  }
}

/** Two clients: one comes by the network, one sits on the master's own machine. */
export class ConfirmedWrites implements AsyncDisposable {
  readonly #group: FailoverGroup;
  readonly #writers: readonly Writer[];
  readonly #following: Promise<void>;
  #port: number;
  #isOver = false;

  constructor(group: FailoverGroup, round: number, masterPort: number, seed: number) {
    this.#group = group;
    this.#port = masterPort;
    const replicaCount = group.members.length - 1;
    const targets = [() => this.#port, () => group.member(this.#port).server.port];
    this.#writers = targets.map((target, index) => {
      const random = new SeededRandom(seed + index);
      return new Writer(`confirmed:${round}:${index}`, random, target, replicaCount);
    });
    this.#following = this.#follow();
  }

  get acknowledgedCount(): number {
    return this.#writers.reduce((sum, writer) => sum + writer.acknowledgedCount, 0);
  }

  /** Keys that at least so many replicas have, as WAIT said. */
  keys(count: number): string[] {
    return this.#writers.flatMap(({ confirmed }) =>
      confirmed.filter((one) => one.count >= count).map(({ key }) => key)
    );
  }

  /** Waits until so many more writes are acknowledged by whoever is the master. */
  async untilAcknowledged(count: number): Promise<void> {
    const goal = this.acknowledgedCount + count;
    await until("more writes are acknowledged", () => this.acknowledgedCount >= goal);
  }

  /** Waits until so many more writes are confirmed by a replica. */
  async untilConfirmed(count: number): Promise<void> {
    const goal = this.keys(1).length + count;
    await until("more writes are confirmed", () => this.keys(1).length >= goal);
  }

  /** Ends the clients. What they were told stays. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#following;
    for (const writer of this.#writers) await writer.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Asks a sentinel, as clients do, and has the writers change over. */
  async #follow(): Promise<void> {
    while (!this.#isOver) {
      const port = await this.#group.sentinels.namedPort();
      if (port !== 0 && port !== this.#port) {
        this.#port = port;
        for (const writer of this.#writers) writer.interrupt();
      }
      await delay(LOOK_MS);
    }
  }
}
