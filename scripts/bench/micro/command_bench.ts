/**
 * Command bench: nanoseconds per command inside the server: parser, dispatch, data, reply, without
 * sockets. What a change to the hot path costs is seen here before redis-benchmark can show it.
 *
 *   deno run -A scripts/bench/micro/command_bench.ts [requests, default 400000] [command …]
 */
import { Random } from "../../../src/base/random.ts";
import { BenchServer } from "../bench_server.ts";

const KEY_COUNT = 100_000;
/** Requests per batch, as one read of a pipeline might bring. */
const BATCH = 500;

const requests = Number(Deno.args[0] ?? 400_000);
const random = new Random(1);
const randomKey = () => `key:${String(random.below(KEY_COUNT)).padStart(12, "0")}`;

const COMMANDS: Record<string, () => string[]> = {
  ping: () => ["PING"],
  set: () => ["SET", randomKey(), "xxx"],
  get: () => ["GET", randomKey()],
  incr: () => ["INCR", `counter:${randomKey()}`],
  lpush: () => ["LPUSH", "list", "xxx"],
  rpush: () => ["RPUSH", "list", "xxx"],
  lpop: () => ["LPOP", "list"],
  sadd: () => ["SADD", "set", randomKey()],
  hset: () => ["HSET", "hash", randomKey(), "xxx"],
  hget: () => ["HGET", "hash", randomKey()],
  hsets: () => ["HSET", `small:${random.below(1000)}`, `f${random.below(10)}`, "xxx"],
  hgets: () => ["HGET", `small:${random.below(1000)}`, `f${random.below(10)}`],
  zadd: () => ["ZADD", "zset", String(random.below(1000)), randomKey()],
  zpopmin: () => ["ZPOPMIN", "zset"],
  spop: () => ["SPOP", "set"],
};

async function measure(server: BenchServer, name: string): Promise<void> {
  const batchCount = Math.ceil(requests / BATCH);
  let elapsedUs = 0;
  for (let batch = 0; batch < batchCount; batch++) {
    elapsedUs += server.run(Array.from({ length: BATCH }, COMMANDS[name]));
    await Promise.resolve();
  }
  const nanoseconds = (elapsedUs * 1000) / (batchCount * BATCH);
  const line = `${name.padEnd(8)} ${nanoseconds.toFixed(0).padStart(6)} ns\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

const server = new BenchServer();
const names = Deno.args.length > 1 ? Deno.args.slice(1) : Object.keys(COMMANDS);
for (const name of names) await measure(server, name);
