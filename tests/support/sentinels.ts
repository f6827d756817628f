/**
 * Three real redis-sentinel processes that watch a master on this machine, and what they say of it.
 */
import { RespClient } from "./resp_client.ts";
import { freePort } from "./server_process.ts";
import { fromUtf8, until } from "./text.ts";

/** The name under which the master is watched. */
export const MASTER_NAME = "mymaster";
const COUNT = 3;
const QUORUM = 2;

/** How they watch; what is not given is as the tests of single failovers need it. */
export interface SentinelOptions {
  /** How long a master may be silent. */
  readonly downAfterMs?: number;
  /** How long a failover may take before another is tried. */
  readonly failoverTimeoutMs?: number;
  /** Parameters of SENTINEL DEBUG, names and milliseconds, for those that are in a hurry. */
  readonly periods?: readonly (string | number)[];
}

class SentinelProcess implements AsyncDisposable {
  readonly port = freePort();
  readonly #directory = Deno.makeTempDirSync({ prefix: "redeno_test_" });
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<unknown>;
  log = "";

  constructor(masterPort: number, options: SentinelOptions) {
    const { downAfterMs = 1500, failoverTimeoutMs = 6000 } = options;
    const path = `${this.#directory}/sentinel.conf`;
    Deno.writeTextFileSync(
      path,
      [
        `port ${this.port}`,
        "bind 127.0.0.1",
        `dir ${this.#directory}`,
        `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} ${QUORUM}`,
        `sentinel down-after-milliseconds ${MASTER_NAME} ${downAfterMs}`,
        `sentinel failover-timeout ${MASTER_NAME} ${failoverTimeoutMs}`,
        `sentinel parallel-syncs ${MASTER_NAME} 2`,
      ].join("\n"),
    );
    this.#child = new Deno.Command("redis-sentinel", {
      args: [path],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#output = this.#collect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await this.#output;
    await Deno.remove(this.#directory, { recursive: true });
  }

  async #collect(): Promise<void> {
    for await (const chunk of this.#child.stdout) this.log += fromUtf8(chunk);
  }
}

export class Sentinels implements AsyncDisposable {
  readonly #processes: readonly SentinelProcess[];
  readonly #periods: readonly (string | number)[];

  constructor(masterPort: number, options: SentinelOptions = {}) {
    this.#processes = Array.from({ length: COUNT }, () => new SentinelProcess(masterPort, options));
    this.#periods = options.periods ?? [];
  }

  /** Where clients ask for the master. */
  get ports(): number[] {
    return this.#processes.map(({ port }) => port);
  }

  /** Waits until all of them serve, and tells them how often they are to look. */
  async untilServing(): Promise<void> {
    for (let index = 0; index < COUNT; index++) {
      await until("a sentinel serves", async () => {
        return await this.#ask(index, "DEBUG", ...this.#periods.map(String)) !== null;
      });
    }
  }

  /** Asks one of them; null while it cannot be asked. */
  async #ask(index: number, ...words: string[]): Promise<unknown> {
    try {
      using client = await RespClient.connect(this.#processes[index].port);
      return await client.call("SENTINEL", ...words);
    } catch {
      return null;
    }
  }

  /** The port of the master, as the first of them names it to clients; 0 if it does not. */
  async namedPort(index = 0): Promise<number> {
    const address = await this.#ask(index, "GET-MASTER-ADDR-BY-NAME", MASTER_NAME);
    return Array.isArray(address) ? Number(address[1]) : 0;
  }

  /** The port of the master, if all of them name the same one; else 0. */
  async masterPort(): Promise<number> {
    const ports = new Set<number>();
    for (let index = 0; index < COUNT; index++) ports.add(await this.namedPort(index));
    const [port] = ports;
    return ports.size === 1 ? port : 0;
  }

  /** Waits until all know each other and so many replicas, none of which is taken for down. */
  async untilWatching(replicaCount: number): Promise<void> {
    await until(`all sentinels know ${replicaCount} replicas and each other`, async () => {
      for (let index = 0; index < COUNT; index++) {
        const replicas = await this.#ask(index, "REPLICAS", MASTER_NAME) as string[][] | null;
        const others = await this.#ask(index, "SENTINELS", MASTER_NAME) as string[][] | null;
        if (replicas?.length !== replicaCount || others?.length !== COUNT - 1) return false;
        if (!replicas.every((fields) => valueOf(fields, "flags") === "slave")) return false;
        if (!replicas.every((fields) => valueOf(fields, "master-link-status") === "ok")) {
          return false;
        }
      }
      return true;
    });
  }

  /** SENTINEL FAILOVER, as an operator asks for it. */
  async failover(): Promise<void> {
    await until("a failover begins", async () => {
      return await this.#ask(0, "FAILOVER", MASTER_NAME) === "OK";
    });
  }

  /** Waits until all of them name another master than this one; returns its port. */
  async untilMasterIsNot(port: number): Promise<number> {
    let next = 0;
    await until("the sentinels agree on another master", async () => {
      next = await this.masterPort();
      return next !== 0 && next !== port;
    });
    return next;
  }

  /** How often one of them has chosen a replica to be the next master. */
  get choiceCount(): number {
    return this.log.split("+selected-slave").length - 1;
  }

  get log(): string {
    return this.#processes.map(({ log }) => log).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) await process[Symbol.asyncDispose]();
  }
}

function valueOf(fields: readonly string[], name: string): string {
  const at = fields.indexOf(name);
  return at < 0 ? "" : fields[at + 1];
}
