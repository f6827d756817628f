/**
 * prometheus-redis-exporter: what monitoring sees. It asks INFO, CONFIG GET, SLOWLOG, LATENCY and
 * CLIENT LIST, and turns all of it into metrics; a field that is missing, or is no number where
 * one is expected, is an error in its log or a metric less than redis-server gives.
 */
import { assert, assertEquals } from "@std/assert";
import { startRedis } from "../support/redis_process.ts";
import { freePort, type ServerProcess, startServer } from "../support/server_process.ts";
import { fromUtf8, until } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";

interface Scrape {
  /** Metric to its value, labels included: `redis_commands_total{cmd="get"}`. */
  metrics: Map<string, number>;
  log: string;
}

/** Runs the exporter against a server, scrapes it once, and stops it. */
async function scrape(server: ServerProcess): Promise<Scrape> {
  const port = freePort();
  const child = new Deno.Command("prometheus-redis-exporter", {
    args: [
      ...["-redis.addr", `redis://127.0.0.1:${server.port}`],
      ...["-web.listen-address", `127.0.0.1:${port}`],
      ...["-check-keys", "db0=*", "-include-system-metrics", "-export-client-list", "-debug"],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  let text = "";
  try {
    await until("the exporter answers", async () => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null);
      text = await response?.text() ?? "";
      return text !== "";
    });
  } finally {
    child.kill("SIGTERM");
  }
  const { stderr } = await output;
  const metrics = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const space = line.lastIndexOf(" ");
    metrics.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return { metrics, log: fromUtf8(stderr) };
}

/** Something of every type, hits and misses, an error, and entries of the slow log. */
async function use(server: ServerProcess): Promise<void> {
  using client = await server.connect();
  await client.expect("CONFIG", "SET", "slowlog-log-slower-than", 0);
  await client.expectMany([
    ["SET", "text", "hello", "EX", 1000],
    ["RPUSH", "list", "a", "b"],
    ["SADD", "set", "a"],
    ["HSET", "hash", "f", "v"],
    ["ZADD", "zset", 1, "a"],
    ["GET", "text"],
    ["GET", "nosuch"],
  ]);
  await client.call("LPUSH", "text", "x");
}

/** Names of metrics, without those that only say how long something took. */
function namesOf({ metrics }: Scrape): string[] {
  const names = [...metrics.keys()].map((metric) => metric.replace(/\{.*/, ""));
  return [...new Set(names)].filter((name) => name.startsWith("redis_")).sort();
}

const NEEDS = ["prometheus-redis-exporter", "redis-server"] as const;

testWith(
  NEEDS,
  "the Prometheus exporter finds all the metrics that redis-server gives",
  async () => {
    await using redis = await startRedis();
    await using server = await startServer();
    await use(redis);
    await use(server);
    const expected = await scrape(redis);
    const actual = await scrape(server);
    assertEquals(namesOf(actual), namesOf(expected));
    assert(namesOf(actual).length > 100, "a scrape has many metrics");
    assertEquals(actual.log.split("\n").filter((line) => /level=(error|warning)/.test(line)), []);
    const valueOf = (metric: string) => actual.metrics.get(metric);
    assertEquals(valueOf("redis_up"), 1);
    assertEquals(valueOf('redis_exporter_last_scrape_error{err=""}'), 0);
    assertEquals(valueOf('redis_db_keys{db="db0"}'), 5);
    assertEquals(valueOf('redis_db_keys_expiring{db="db0"}'), 1);
    assertEquals(valueOf("redis_keyspace_misses_total"), 1);
    assertEquals(valueOf('redis_commands_total{cmd="get"}'), 2);
    assertEquals(valueOf('redis_commands_failed_calls_total{cmd="lpush"}'), 1);
    assertEquals(valueOf('redis_errors_total{err="WRONGTYPE"}'), 1);
  },
);
