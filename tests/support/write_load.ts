/**
 * Write load: the random requests of the differential fuzzer, scripts, functions and messages, sent
 * to one server. Always the same requests for a seed; replies are not looked at.
 */
import { COMMAND_SHAPES } from "../differential/command_shapes.ts";
import { type Step, stepsOfSeed } from "../differential/command_stream.ts";
import { encodeRequests, type RespClient } from "./resp_client.ts";
import { SeededRandom } from "./seeded_random.ts";

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

export class WriteLoad {
  readonly #steps: Step[];
  readonly #clients: readonly RespClient[];
  #at = 0;

  /** `count` requests for two clients of a server. */
  constructor(clients: readonly [RespClient, RespClient], seed: number, count: number) {
    const random = new SeededRandom(seed);
    this.#clients = clients;
    this.#steps = stepsOfSeed(seed, COMMAND_SHAPES, count)
      .filter(({ args }) => !LEFT_OUT.test(String(args[0])))
      .flatMap((step) =>
        random.oneIn(12) ? [step, { ...step, args: scriptRequest(random) }] : [step]
      );
  }

  get isDone(): boolean {
    return this.#at >= this.#steps.length;
  }

  /** Sends the next requests, about `count`, and waits for their replies. */
  async run(count = Infinity): Promise<void> {
    const end = Math.min(this.#steps.length, this.#at + count);
    while (this.#at < end) {
      const { client } = this.#steps[this.#at];
      let next = this.#at;
      const limit = Math.min(end, this.#at + PIPELINE_LENGTH);
      while (next < limit && this.#steps[next].client === client) next++;
      const requests = this.#steps.slice(this.#at, next).map(({ args }) => args);
      await this.#clients[client].exchangeBytes(encodeRequests(requests), requests.length);
      this.#at = next;
    }
  }

  /** Ends transactions that are open. */
  async finish(): Promise<void> {
    for (const client of this.#clients) await client.call("DISCARD");
  }
}
