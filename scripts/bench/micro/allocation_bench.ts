/**
 * Allocation bench: bytes of objects that a million calls of each of the commonest commands leave
 * to the garbage collector: parser, dispatch, data, reply, without sockets. What is not nothing
 * here costs a collection now and then, which is a pause.
 *
 *   deno run -A scripts/bench/micro/allocation_bench.ts [requests, default 200000] [command …]
 *
 * V8's heap is read before and after each pipeline; those within which the collector came are left
 * out. Growth of tables of the server's own (a dict of JavaScript, an output buffer) is in the
 * numbers of those pipelines in which it happens.
 */
import { Random } from "../../../src/base/random.ts";
import { printLine } from "../../../tests/support/text.ts";
import { BenchServer } from "../bench_server.ts";
import { markdownTable } from "../spread.ts";

const KEY_COUNT = 20_000;
/** Requests per pipeline, as one read might bring. */
const PIPELINE = 250;
/** Pipelines that warm up, so that code is compiled before anything is counted. */
const WARM_UP_MAX = 400;
const SCRIPT = "return redis.call('GET', KEYS[1])";
const SCRIPT_SHA1 = "d3c21d0c2b9ca22f82737626a27bcaf5d288f99f";

const random = new Random(1);
const key = () => `key:${String(random.below(KEY_COUNT)).padStart(12, "0")}`;
const numbered = (name: string, count: number) => `${name}:${random.below(count)}`;

let calls = 0;
let lastKey = "";
/** The first of two commands in turn, with a key that the second one gets too. */
function isFirst(): boolean {
  const first = calls++ % 2 === 0;
  if (first) lastKey = key();
  return first;
}

const COMMANDS: Record<string, () => string[]> = {
  "PING": () => ["PING"],
  "SET": () => ["SET", key(), "xxx"],
  "SET, new and longer values": () => ["SET", key(), "x".repeat(random.below(300))],
  "SET EX": () => ["SET", key(), "xxx", "EX", "100"],
  "GET": () => ["GET", key()],
  "INCR": () => ["INCR", `counter:${key()}`],
  "EXISTS": () => ["EXISTS", key()],
  "SET, DEL": () => isFirst() ? ["SET", lastKey, "xxx"] : ["DEL", lastKey],
  "SET, EXPIRE": () => isFirst() ? ["SET", lastKey, "xxx"] : ["EXPIRE", lastKey, "100"],
  "TTL": () => ["TTL", key()],
  "MSET of 10": () => ["MSET", ...Array.from({ length: 10 }, () => [key(), "xxx"]).flat()],
  "MGET of 10": () => ["MGET", ...Array.from({ length: 10 }, key)],
  "LPUSH": () => ["LPUSH", "list", "xxx"],
  "RPUSH": () => ["RPUSH", "list", "xxx"],
  "LRANGE of 100": () => ["LRANGE", "list", "0", "99"],
  "LPOP": () => ["LPOP", "list"],
  "RPOP": () => ["RPOP", "list"],
  "SADD": () => ["SADD", "set", key()],
  "SISMEMBER": () => ["SISMEMBER", "set", key()],
  "SPOP": () => ["SPOP", "set"],
  "HSET": () => ["HSET", "hash", key(), "xxx"],
  "HGET": () => ["HGET", "hash", key()],
  "HSET, small": () => ["HSET", numbered("small", 1000), numbered("field", 10), "xxx"],
  "HGETALL, small": () => ["HGETALL", numbered("small", 1000)],
  "HINCRBY": () => ["HINCRBY", "counts", numbered("field", 1000), "1"],
  "ZADD": () => ["ZADD", "zset", String(random.below(1000)), key()],
  "ZINCRBY": () => ["ZINCRBY", "zset", "1", key()],
  "ZSCORE": () => ["ZSCORE", "zset", key()],
  "ZRANGE of 10": () => ["ZRANGE", "zset", "0", "9"],
  "ZPOPMIN": () => ["ZPOPMIN", "zset"],
  "XADD": () => ["XADD", "stream", "*", "field", "value"],
  "EVALSHA of a GET": () => ["EVALSHA", SCRIPT_SHA1, "1", key()],
};

/** Bytes per command; NaN if the collector came in every pipeline. */
async function measure(server: BenchServer, name: string): Promise<number> {
  let bytes = 0;
  let counted = 0;
  const counting = Math.ceil(requests / PIPELINE);
  const warmUp = Math.min(WARM_UP_MAX, counting);
  for (let pipeline = 0; pipeline < warmUp + counting; pipeline++) {
    server.run(Array.from({ length: PIPELINE }, COMMANDS[name]));
    if (pipeline >= warmUp && server.garbageBytes >= 0) {
      bytes += server.garbageBytes;
      counted += PIPELINE;
    }
    // The end of the turn.
    await Promise.resolve();
  }
  // Asking for the size of the heap makes objects, too: as many each time.
  return bytes / counted;
}

const requests = Number(Deno.args[0] ?? 200_000);
const server = new BenchServer();
server.run([["SCRIPT", "LOAD", SCRIPT]]);
const names = Deno.args.length > 1 ? Deno.args.slice(1) : Object.keys(COMMANDS);
const rows: string[][] = [];
const asking = await measureNothing(server);
for (const name of names) {
  const perCommand = await measure(server, name) - asking / PIPELINE;
  const perMillion = Math.round(Math.max(0, perCommand) * 1e6 / 1024);
  rows.push([name, perCommand.toFixed(1), perMillion.toLocaleString("en")]);
}
printLine(markdownTable(["command", "bytes per call", "KiB per million calls"], rows));

/** Bytes that the method itself makes per pipeline. */
async function measureNothing(server: BenchServer): Promise<number> {
  const found: number[] = [];
  for (let round = 0; round < 2000; round++) {
    server.run([]);
    found.push(server.garbageBytes);
    await Promise.resolve();
  }
  return found.toSorted((a, b) => a - b)[found.length >> 1];
}
