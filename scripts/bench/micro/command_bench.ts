/**
 * Command bench: nanoseconds per command inside the server: parser, dispatch, data, reply, without
 * sockets. What a change to the hot path costs is seen here before redis-benchmark can show it.
 *
 *   deno run -A scripts/bench/micro/command_bench.ts [requests, default 400000] [command …]
 */
import { Log } from "../../../src/base/log.ts";
import { latin1Bytes } from "../../../src/base/bytes.ts";
import { monotonicUs } from "../../../src/base/clock.ts";
import { Random } from "../../../src/base/random.ts";
import { commandRows } from "../../../src/commands/table.ts";
import type { ClientTransport } from "../../../src/server/client.ts";
import { Config } from "../../../src/server/config.ts";
import { Server } from "../../../src/server/server.ts";

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
  zadd: () => ["ZADD", "zset", String(random.below(1000)), randomKey()],
  zpopmin: () => ["ZPOPMIN", "zset"],
  spop: () => ["SPOP", "set"],
};

const transport: ClientTransport = {
  peerAddress: "127.0.0.1:1",
  localAddress: "127.0.0.1:6379",
  close: () => {},
  requestFlush: () => {},
  resume: () => {},
};

function encode(args: string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}

function createServer(): Server {
  const config = new Config();
  config.setAtStart("save", [""]);
  return new Server({ config, rows: commandRows, log: new Log() });
}

async function measure(server: Server, name: string): Promise<void> {
  const client = server.addClient(transport);
  const batchCount = Math.ceil(requests / BATCH);
  let elapsedUs = 0;
  for (let batch = 0; batch < batchCount; batch++) {
    const text = Array.from({ length: BATCH }, () => encode(COMMANDS[name]())).join("");
    client.query.append(latin1Bytes(text));
    const startUs = monotonicUs();
    server.dispatcher.processQuery(client);
    elapsedUs += monotonicUs() - startUs;
    client.reply.rewind(0);
    await Promise.resolve();
  }
  const nanoseconds = (elapsedUs * 1000) / (batchCount * BATCH);
  const line = `${name.padEnd(8)} ${nanoseconds.toFixed(0).padStart(6)} ns\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

const server = createServer();
const names = Deno.args.length > 1 ? Deno.args.slice(1) : Object.keys(COMMANDS);
for (const name of names) await measure(server, name);
