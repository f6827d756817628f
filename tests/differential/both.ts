/**
 * Both: one script, two servers. Say a request once; it goes to redis-server and to the server
 * under test, and the replies must be the same.
 *
 *   await both.same("SET", "k", "v", "EX", "noint");     success and error alike, byte for byte
 *   await both.sameSorted("SMEMBERS", "s");               order-free
 *   await both.near(10, "PTTL", "k");                     within 10
 *   const second = await both.secondClient();             another connection at both servers
 *
 * With REDENO_TEST_TARGET=redis both sides are redis-server: the harness then proves itself.
 */

import type { Reply } from "../../src/protocol/reply_reader.ts";
import { datasetDifferences, readDataset } from "../support/digest.ts";
import { startRedis } from "../support/redis_process.ts";
import { startPeer } from "../support/replication_pair.ts";
import { type Argument, encodeRequests, RespClient } from "../support/resp_client.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { quoted } from "../support/text.ts";
import { type Law, replyDifference } from "./reply_laws.ts";

export class DifferenceError extends Error {}

/** A request as one would type it into redis-cli. */
export function showRequest(args: readonly Argument[]): string {
  return args.map((arg) => {
    if (arg instanceof Uint8Array) return quoted(arg);
    return /^[\w:.+*()\[\]-]+$/.test(String(arg))
      ? String(arg)
      : quoted(new TextEncoder().encode(String(arg)));
  }).join(" ");
}

/** Throws a DifferenceError unless two replies to a request agree under the law. */
export function assertAgreement(
  law: Law,
  args: readonly Argument[],
  expected: Reply,
  actual: Reply,
): void {
  const difference = replyDifference(law, expected, actual);
  if (difference === null) return;
  throw new DifferenceError(`${showRequest(args)}\n  redis | ours: ${difference}`);
}

/** One connection to each of the two servers. */
export class BothClients implements Disposable {
  constructor(readonly redis: RespClient, readonly ours: RespClient) {}

  /** Sends one request to both; throws a DifferenceError unless the replies agree under the law. */
  async compare(law: Law, ...args: Argument[]): Promise<Reply> {
    const [expected, actual] = await Promise.all([
      this.redis.exchange(...args),
      this.ours.exchange(...args),
    ]);
    assertAgreement(law, args, expected, actual);
    return expected;
  }

  /** Sends requests to both in one piece; returns the replies two by two, uncompared. */
  async exchangeMany(
    requests: readonly (readonly Argument[])[],
  ): Promise<[expected: Uint8Array, actual: Uint8Array][]> {
    const bytes = encodeRequests(requests);
    const [expected, actual] = await Promise.all([
      this.redis.exchangeBytes(bytes, requests.length),
      this.ours.exchangeBytes(bytes, requests.length),
    ]);
    return expected.map((reply, index) => [reply, actual[index]]);
  }

  same(...args: Argument[]): Promise<Reply> {
    return this.compare("same", ...args);
  }

  sameSorted(...args: Argument[]): Promise<Reply> {
    return this.compare("sorted", ...args);
  }

  near(distance: number, ...args: Argument[]): Promise<Reply> {
    return this.compare({ near: distance }, ...args);
  }

  /** Compares the next push message of both connections. */
  async samePush(): Promise<void> {
    const [expected, actual] = await Promise.all([this.redis.nextPush(), this.ours.nextPush()]);
    if (JSON.stringify(expected) !== JSON.stringify(actual)) {
      throw new DifferenceError(`push: ${JSON.stringify(expected)} | ${JSON.stringify(actual)}`);
    }
  }

  /** Compares the next reply of both connections: for requests that have been sent before. */
  async sameReceived(what: string): Promise<void> {
    const [expected, actual] = await Promise.all([this.redis.receive(), this.ours.receive()]);
    if (JSON.stringify(expected) !== JSON.stringify(actual)) {
      throw new DifferenceError(
        `${what}: ${JSON.stringify(expected)} | ${JSON.stringify(actual)}`,
      );
    }
  }

  async send(...args: Argument[]): Promise<void> {
    await Promise.all([this.redis.send(...args), this.ours.send(...args)]);
  }

  [Symbol.dispose](): void {
    this.redis.close();
    this.ours.close();
  }
}

/** The two servers and a first connection to each. */
export class Both extends BothClients implements AsyncDisposable {
  private constructor(
    readonly redisServer: ServerProcess,
    readonly ourServer: ServerProcess,
    redis: RespClient,
    ours: RespClient,
  ) {
    super(redis, ours);
  }

  /** Starts both servers with the same directives; `isStrict`, for ours, as in ServerOptions. */
  static async start(args: readonly string[] = [], isStrict = false): Promise<Both> {
    const options = { args: ["--enable-debug-command", "yes", ...args], isStrict };
    return await Both.#of([startRedis({ args }), startServer(options)]);
  }

  /** Starts redis-server 8.2 (`missingPeer` tells whether it is there), and ours as 7.4. */
  static async startNewer(args: readonly string[] = [], isStrict = false): Promise<Both> {
    const ownArgs = ["--enable-debug-command", "yes", ...args];
    const ours = { args: ownArgs, release: "7.4", isStrict } as const;
    return await Both.#of([startPeer("redis 8.2", { args }), startServer(ours)]);
  }

  static async #of(starting: readonly Promise<ServerProcess>[]): Promise<Both> {
    const [redis, ours] = await Promise.all(starting);
    return new Both(redis!, ours!, await redis!.connect(), await ours!.connect());
  }

  async secondClient(protocol: 2 | 3 = 2): Promise<BothClients> {
    const redis = await this.redisServer.connect();
    const ours = await this.ourServer.connect();
    if (protocol === 3) {
      await redis.expect("HELLO", 3);
      await ours.expect("HELLO", 3);
    }
    return new BothClients(redis, ours);
  }

  /** Throws a DifferenceError that names up to 20 keys unless both hold the same dataset. */
  async sameDataset(expiryToleranceMs = 0): Promise<void> {
    using readers = await this.secondClient();
    const expected = await readDataset(readers.redis);
    const actual = await readDataset(readers.ours);
    const differences = datasetDifferences(expected, actual, { expiryToleranceMs });
    if (differences.length > 0) {
      throw new DifferenceError(
        `datasets differ (redis | ours):\n${differences.slice(0, 20).join("\n")}`,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    await this.redisServer[Symbol.asyncDispose]();
    await this.ourServer[Symbol.asyncDispose]();
  }
}
