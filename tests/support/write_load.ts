/**
 * Write load: the random requests of the differential fuzzer, scripts, functions and messages, sent
 * to one server. Always the same requests for a seed; replies are not looked at.
 */
import { COMMAND_SHAPES } from "../differential/command_shapes.ts";
import { type Step, stepsOfSeed } from "../differential/command_stream.ts";
import { type Argument, ConnectionClosed, encodeRequests } from "./resp_client.ts";
import { SeededRandom } from "./seeded_random.ts";
import { fromLatin1 } from "./text.ts";

const PIPELINE_LENGTH = 32;
/** These would stop the load, or the link of a replica, instead of changing data. */
const LEFT_OUT = /^(debug|config|client|monitor|subscribe|psubscribe|ssubscribe|shutdown|hello)$/i;

const LIBRARY = `#!lua name=load
redis.register_function('add', function(keys, args)
  redis.call('RPUSH', keys[1], args[1])
  redis.call('SET', keys[1] .. ':last', args[1])
  return redis.call('INCR', 'count')
end)
redis.register_function('peek', function(keys)
  return redis.call('LLEN', keys[1])
end)`;

/** Requests that no shape of the fuzzer has. */
function scriptRequest(random: SeededRandom): string[] {
  const key = `script:${random.below(5)}`;
  const value = String(random.below(1000));
  return random.pick([
    [
      "EVAL",
      "redis.call('SADD', KEYS[1], ARGV[1]); return redis.call('SPOP', KEYS[1])",
      "1",
      `${key}:set`,
      value,
    ],
    [
      "EVAL",
      "for i = 1, 5 do redis.call('HINCRBY', KEYS[1], i, ARGV[1]) end",
      "1",
      `${key}:hash`,
      value,
    ],
    [
      "EVAL",
      "redis.call('SELECT', 3); redis.call('SET', KEYS[1], ARGV[1], 'PX', 100000)",
      "1",
      key,
      value,
    ],
    ["EVAL", "redis.call('INCR', KEYS[1]); return redis.error_reply('ERR no')", "1", `${key}:n`],
    ["EVAL", "return redis.call('GET', KEYS[1])", "1", key],
    ["FUNCTION", "LOAD", "REPLACE", LIBRARY],
    ["FCALL", "add", "1", `${key}:list`, value],
    ["FCALL", "peek", "1", `${key}:list`],
    ["PUBLISH", "channel", value],
  ]);
}

export interface LoadOptions {
  readonly seed: number;
  /** How many requests, about. */
  readonly count: number;
  /** Commands that are left out, by their names. */
  readonly leftOut?: RegExp;
}

/**
 * One of its connections. What is answered is read and dropped, for some replies of newer servers
 * are not what RESP is; only the echo at the end of a run is looked for.
 */
class LoadConnection {
  readonly #connection: Deno.TcpConn;
  #echoCount = 0;
  /** The end of what was received, and who waits for what in it. */
  #received = "";
  #waiting: { text: string; resolve(): void; reject(error: Error): void } | null = null;
  #isOver = false;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#read();
  }

  async send(requests: readonly (readonly Argument[])[]): Promise<void> {
    const bytes = encodeRequests(requests);
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /**
   * Ends a transaction that is open, and resolves when all that was sent has been carried out.
   * Rejects if the connection ends before.
   */
  async finish(): Promise<void> {
    const text = `echo-${++this.#echoCount}-of-the-load`;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting = { text, resolve, reject };
    if (this.#isOver) reject(new ConnectionClosed());
    // It may be rejected while the requests are still being sent.
    promise.catch(() => {});
    await this.send([["DISCARD"], ["ECHO", text]]);
    await promise;
  }

  close(): void {
    this.#connection.close();
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(16 * 1024);
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null) break;
        this.#received = (this.#received + fromLatin1(buffer.subarray(0, count))).slice(-32_000);
        const waiting = this.#waiting;
        if (waiting === null || !this.#received.includes(waiting.text)) continue;
        this.#waiting = null;
        waiting.resolve();
      }
    } catch {
      // It was closed here, or the server is gone.
    }
    this.#isOver = true;
    this.#waiting?.reject(new ConnectionClosed());
  }
}

export class WriteLoad implements Disposable {
  readonly #steps: readonly Step[];
  readonly #connections: readonly LoadConnection[];
  #at = 0;

  private constructor(connections: readonly LoadConnection[], options: LoadOptions) {
    const { seed, count, leftOut = /^$/ } = options;
    const random = new SeededRandom(seed);
    const isWanted = (name: string) => !LEFT_OUT.test(name) && !leftOut.test(name);
    this.#connections = connections;
    this.#steps = stepsOfSeed(seed, COMMAND_SHAPES, count)
      .filter(({ args }) => isWanted(String(args[0])))
      .flatMap((step) =>
        random.oneIn(12) ? [step, { ...step, args: scriptRequest(random) }] : [step]
      )
      .filter(({ args }) => isWanted(String(args[0])));
  }

  /** Connects the two clients that send it to a server on this machine. */
  static async create({ port }: { port: number }, options: LoadOptions): Promise<WriteLoad> {
    const connect = async () =>
      new LoadConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
    return new WriteLoad([await connect(), await connect()], options);
  }

  get isDone(): boolean {
    return this.#at >= this.#steps.length;
  }

  /** Sends the next requests, about `count`, and waits until they have been carried out. */
  async run(count = Infinity): Promise<void> {
    const end = Math.min(this.#steps.length, this.#at + count);
    while (this.#at < end) {
      const { client } = this.#steps[this.#at];
      let next = this.#at;
      const limit = Math.min(end, this.#at + PIPELINE_LENGTH);
      while (next < limit && this.#steps[next].client === client) next++;
      await this.#connections[client].send(
        this.#steps.slice(this.#at, next).map(({ args }) => args),
      );
      this.#at = next;
    }
    for (const connection of this.#connections) await connection.finish();
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.close();
  }
}
