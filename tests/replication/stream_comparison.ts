/**
 * Stream comparison: the same requests at redis-server and at our server, and what each of them
 * sends its replica because of them.
 *
 * Times are the only thing that may differ: a moment near the present is shown as <now>, or as the
 * seconds before or behind it.
 */
import * as clock from "../../src/base/clock.ts";
import { startRedis } from "../support/redis_process.ts";
import { type Argument, RespClient } from "../support/resp_client.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { FakeReplica } from "../support/fake_replica.ts";

/** Directives of both servers: an image at once, and no PINGs in between. */
const ARGUMENTS = ["--repl-diskless-sync", "no", "--repl-ping-replica-period", "3600"];
/** A moment of these years in milliseconds, or in seconds. */
const MOMENT = /\b(\d{13})(?=\b|-)/g;
const NEAR_MS = 5000;

/** One server, a fake replica of it, and connections. */
export class Side implements AsyncDisposable {
  readonly #connections: RespClient[] = [];

  private constructor(readonly server: ServerProcess, readonly replica: FakeReplica) {}

  static async start(server: ServerProcess): Promise<Side> {
    return new Side(server, await FakeReplica.attach(server.port));
  }

  async client(index: number): Promise<RespClient> {
    return this.#connections[index] ??= await this.server.connect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection?.close();
    this.replica.close();
    await this.server[Symbol.asyncDispose]();
  }
}

export class StreamComparison implements AsyncDisposable {
  readonly #sides: readonly [redis: Side, ours: Side];
  #markNumber = 0;

  private constructor(sides: [Side, Side]) {
    this.#sides = sides;
  }

  static async start(args: readonly string[] = []): Promise<StreamComparison> {
    const all = [...ARGUMENTS, ...args];
    const redis = await Side.start(await startRedis({ args: all }));
    const ours = await Side.start(
      await startServer({
        target: "redeno",
        args: ["--enable-debug-command", "yes", ...all],
      }),
    );
    return new StreamComparison([redis, ours]);
  }

  /** Sends a request to both servers and waits for the replies. */
  async call(client: number, ...args: Argument[]): Promise<void> {
    await this.each(async (side) => {
      await (await side.client(client)).exchange(...args);
    });
  }

  /** Sends a request that is not answered yet. */
  async send(client: number, ...args: Argument[]): Promise<void> {
    await this.each(async (side) => await (await side.client(client)).send(...args));
  }

  /** Waits for a reply to such a request. */
  async receive(client: number): Promise<void> {
    await this.each(async (side) => {
      await (await side.client(client)).receive();
    });
  }

  async each(task: (side: Side) => Promise<void>): Promise<void> {
    await Promise.all(this.#sides.map(task));
  }

  /** What the replicas have been sent since the last call: that of redis-server, and ours. */
  async take(): Promise<[expected: string[], actual: string[]]> {
    const mark = `PUBLISH mark ${++this.#markNumber}`;
    await this.call(MARKING_CLIENT, ...mark.split(" "));
    const takeFrom = async ({ replica }: Side) => {
      const commands = await replica.takeUntil(mark);
      await replica.acknowledge();
      return withoutBookkeeping(commands.slice(0, -1)).map(withoutTimes);
    };
    return [await takeFrom(this.#sides[0]), await takeFrom(this.#sides[1])];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const side of this.#sides) await side[Symbol.asyncDispose]();
  }
}

const MARKING_CLIENT = 9;

/**
 * Redis tells replicas nothing of consumers that XREADGROUP has made, nor how many entries a group
 * has read; we do, so that a replica knows it. It stands in a unit with the claims.
 */
const BOOKKEEPING = /^xgroup (createconsumer |setid .* entriesread )/i;

function withoutBookkeeping(commands: readonly string[]): string[] {
  const kept: string[] = [];
  let unitStart = -1;
  for (const command of commands) {
    if (command === "MULTI") unitStart = kept.length;
    if (BOOKKEEPING.test(command)) continue;
    kept.push(command);
    if (command !== "EXEC" || unitStart < 0) continue;
    // What is left of a unit may be no more than one command, or none.
    const size = kept.length - unitStart - 2;
    if (size < 2) kept.splice(unitStart, size + 2, ...kept.slice(unitStart + 1, -1));
    unitStart = -1;
  }
  return kept;
}

function withoutTimes(command: string): string {
  const nowMs = clock.systemMs();
  return command.replace(MOMENT, (digits) => {
    const seconds = Math.round((Number(digits) - nowMs) / NEAR_MS);
    return Math.abs(seconds) > 1e6 ? digits : seconds === 0 ? "<now>" : "<time>";
  });
}
