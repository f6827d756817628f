/**
 * The two servers of the soak campaign: ours, whose data stand in an AOF and which is killed and
 * started again, and redis-server 7.0.15, which lives throughout and knows what the data must be.
 *
 * Whatever differs, or ends, is told with the last requests and with the end of our log.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { decodeReply } from "../../src/protocol/reply_reader.ts";
import { assertAgreement, BothClients, showRequest } from "../differential/both.ts";
import { datasetDifferences, readDataset } from "../support/digest.ts";
import { startRedis } from "../support/redis_process.ts";
import { type Argument, encodeRequests } from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import {
  freePort,
  type ServerProcess,
  startServer,
  TemporaryDirectory,
} from "../support/server_process.ts";
import { concatBytes, equalBytes, until, utf8 } from "../support/text.ts";
import { requestBytes, type SoakRequest } from "./soak_requests.ts";

const PIPELINE_BYTES = 512 * 1024;
const PIPELINE_LENGTH = 200;
/** Of a long argument the beginning is shown. */
const SHOWN_BYTES_MAX = 40;
const SHOWN_REQUESTS = 25;
const SHOWN_DIFFERENCES = 15;
const SHOWN_LOG = 3000;
const DATABASES = 16;
/** What a server of ours logs when something has gone wrong. */
const BAD_LINE = /ASSERTION|BUG REPORT|\berror\b|\bfail|FATAL|cannot be/i;

const DEBUG = ["--enable-debug-command", "yes"];
const OUR_ARGUMENTS = [
  ...DEBUG,
  ...["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"],
  ...["--repl-diskless-sync-delay", "0"],
];

export class SoakPair implements AsyncDisposable {
  requestCount = 0;
  /** The last requests, the newest at the end. */
  readonly #recent: SoakRequest[] = [];
  /** Where a redis-server listens that reads our files. */
  readonly #readerPort = freePort();
  readonly #settings = new Map<string, string>();
  #ours: ServerProcess;
  #clients: BothClients;
  /** How much of our log has been looked at. */
  #logEnd = 0;

  private constructor(
    readonly home: TemporaryDirectory,
    readonly redisServer: ServerProcess,
    ours: ServerProcess,
    clients: BothClients,
  ) {
    this.#ours = ours;
    this.#clients = clients;
  }

  static async start(): Promise<SoakPair> {
    const home = await TemporaryDirectory.create();
    const redis = await startRedis();
    const ours = await startServer({ directory: home.path, args: OUR_ARGUMENTS });
    const clients = new BothClients(await redis.connect(), await ours.connect());
    return new SoakPair(home, redis, ours, clients);
  }

  get ours(): ServerProcess {
    return this.#ours;
  }

  /** Has both carry out requests; throws if they do not answer alike. */
  async run(requests: Iterable<SoakRequest>): Promise<void> {
    let batch: SoakRequest[] = [];
    let bytes = 0;
    for (const request of requests) {
      batch.push(request);
      bytes += requestBytes(request);
      if (batch.length < PIPELINE_LENGTH && bytes < PIPELINE_BYTES) continue;
      await this.#exchange(batch);
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) await this.#exchange(batch);
  }

  async #exchange(batch: readonly SoakRequest[]): Promise<void> {
    this.#note(batch);
    const replies = await this.#clients.exchangeMany(batch.map(({ args }) => args));
    batch.forEach((request, index) => this.#compareReplies(request, ...replies[index]));
  }

  #compareReplies({ law, args }: SoakRequest, expected: Uint8Array, actual: Uint8Array): void {
    if (equalBytes(expected, actual)) return;
    assertAgreement(law, args.map(shortened), decodeReply(expected), decodeReply(actual));
  }

  #note(requests: readonly SoakRequest[]): void {
    this.requestCount += requests.length;
    this.#recent.push(...requests);
    this.#recent.splice(0, Math.max(0, this.#recent.length - SHOWN_REQUESTS));
  }

  /** CONFIG SET at both, and at ours again after each start. */
  async set(name: string, value: string): Promise<void> {
    this.#settings.set(name, value);
    await this.run([{ law: "same", args: ["CONFIG", "SET", name, value] }]);
  }

  /** A request to our server alone; an error is thrown. */
  ask(...args: Argument[]): Promise<unknown> {
    return this.#clients.ours.expect(...args);
  }

  /** The same; returns whether it was carried out. */
  async tell(...args: Argument[]): Promise<boolean> {
    return !(await this.#clients.ours.call(...args) instanceof RespError);
  }

  async info(field: string): Promise<string> {
    const info = String(await this.ask("INFO", "everything"));
    const value = new RegExp(`^${field}:(.*)\r$`, "m").exec(info)?.[1];
    assert(value !== undefined, `INFO has no field ${field}`);
    return value;
  }

  /** The digest of all databases of ours. */
  async digest(): Promise<string> {
    return String(await this.ask("DEBUG", "DIGEST"));
  }

  /** Throws unless both have the same data and our server is well. */
  async check(): Promise<void> {
    assert(this.#ours.isRunning, "our server has ended");
    const { redis, ours } = this.#clients;
    const [expected, actual] = await Promise.all([redis.expect("DEBUG", "DIGEST"), this.digest()]);
    if (expected !== actual) {
      const sets = [await readDataset(redis), await readDataset(ours)];
      const differences = datasetDifferences(sets[0], sets[1], { encodings: false });
      const shown = differences.slice(0, SHOWN_DIFFERENCES).join("\n");
      throw new Error(`${differences.length} differences (redis | ours):\n${shown}`);
    }
    const sizes = Array.from({ length: DATABASES }, (_, db) => [["SELECT", db], ["DBSIZE"]]).flat();
    assertEquals(await ours.callMany(sizes), await redis.callMany(sizes), "DBSIZE");
    await this.run([{ law: "same", args: ["SELECT", 0] }]);
    this.#checkLog();
  }

  #checkLog(): void {
    const lines = this.#ours.log.slice(this.#logEnd).split("\n");
    this.#logEnd = this.#ours.log.length;
    assertEquals(lines.filter((line) => BAD_LINE.test(line)), [], "the log");
  }

  /** Ends our server and starts it again in its directory. */
  async restart(isKilled: boolean): Promise<void> {
    this.#clients.ours.close();
    if (isKilled) await this.#ours.kill();
    else assertEquals(await this.#ours.stop("SIGTERM"), 0, "exit code");
    await this.#begin();
  }

  async #begin(): Promise<void> {
    const { port } = this.#ours;
    const directory = this.home.path;
    this.#logEnd = 0;
    this.#ours = await startServer({ port, directory, args: OUR_ARGUMENTS });
    this.#clients = new BothClients(this.#clients.redis, await this.#ours.connect());
    for (const [name, value] of this.#settings) await this.ask("CONFIG", "SET", name, value);
    await this.run([{ law: "same", args: ["SELECT", 0] }]);
  }

  /**
   * Sends units, each a transaction that notes its number (from 1 on) at `key`, and kills our
   * server when so many have been answered. After its next start these must be there, and
   * redis-server is sent as many as are there.
   */
  async killWithin(key: string, units: readonly SoakRequest[][], answered: number): Promise<void> {
    const requests = units.flat();
    this.#note(requests);
    const { ours } = this.#clients;
    const isOver = this.#ours.exited;
    // It ends in the middle of this, or does not come to its end.
    const writing = ours.writeBytes(encodeRequests(requests.map(({ args }) => args))).catch(
      () => {},
    );
    const replies: Uint8Array[] = [];
    const count = units.slice(0, answered).flat().length;
    while (replies.length < count) replies.push((await ours.receiveRaw()).slice());
    await Promise.all([this.#ours.kill(), isOver, writing]);
    ours.close();
    await this.#begin();
    const found = Number(await this.ask("GET", key));
    assert(found >= answered, `${answered} units were answered, ${found} are there`);
    const carriedOut = units.slice(0, found).flat();
    const bytes = encodeRequests(carriedOut.map(({ args }) => args));
    const expected = await this.#clients.redis.exchangeBytes(bytes, carriedOut.length);
    replies.forEach((reply, index) =>
      this.#compareReplies(requests[index], expected[index], reply)
    );
    await this.run(units.slice(found).flat());
  }

  /** The digest of what redis-server finds in a copy of our files. */
  async digestOfFiles(names: readonly string[], args: readonly string[]): Promise<string> {
    await using copy = await TemporaryDirectory.create();
    for (const name of names) await copyTree(join(this.home.path, name), join(copy.path, name));
    const port = this.#readerPort;
    await using server = await startRedis({ port, directory: copy.path, args });
    using client = await server.connect();
    return String(await client.expect("DEBUG", "DIGEST"));
  }

  /** Waits until no child is at work; throws if it has failed. */
  async untilSaved(): Promise<void> {
    await until("no child is at work", async () => {
      const info = String(await this.ask("INFO", "persistence"));
      assert(!/(?:bgsave|rewrite|write)_status:err/.test(info), info);
      return !/(?:_in_progress|_scheduled):1/.test(info);
    });
  }

  /** Waits until the files of earlier AOFs are gone, and named no more. */
  async untilTidy(): Promise<void> {
    const manifest = join(this.home.path, "appendonlydir", "appendonly.aof.manifest");
    await until("the files of earlier AOFs are gone", () => {
      return !Deno.readTextFileSync(manifest).includes("type h");
    });
  }

  /** What has happened of late, for a failure. */
  async account(): Promise<string> {
    if (!this.#ours.isRunning) await this.#ours.exited;
    const requests = this.#recent.map(({ args }) => `  ${showRequest(args.map(shortened))}`);
    return [
      "the last requests:",
      ...requests,
      "the log of our server:",
      this.#ours.log.slice(-SHOWN_LOG),
    ].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clients[Symbol.dispose]();
    await this.#ours[Symbol.asyncDispose]();
    await this.redisServer[Symbol.asyncDispose]();
    await this.home[Symbol.asyncDispose]();
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  if ((await Deno.stat(from)).isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copyTree(join(from, name), join(to, name));
}

function shortened(arg: Argument): Argument {
  if (typeof arg === "number" || typeof arg === "bigint" || arg.length <= SHOWN_BYTES_MAX) {
    return arg;
  }
  const start = arg.slice(0, SHOWN_BYTES_MAX);
  return concatBytes([
    typeof start === "string" ? utf8(start) : start,
    utf8(`... (${arg.length})`),
  ]);
}
