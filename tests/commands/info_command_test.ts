/** INFO: sections, their order, and that the numbers follow what happens. */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Cron } from "../../src/server/cron.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** The lines of INFO as [section or name, value]. */
function info(server: EmbeddedServer, ...sections: string[]): Map<string, string> {
  const text = String(server.run("INFO", ...sections));
  const lines = text.split("\r\n").filter((line) => line !== "");
  return new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1)];
  }));
}

function sectionsOf(fields: Map<string, string>): string[] {
  return [...fields.keys()].filter((name) => name.startsWith("# ")).map((name) => name.slice(2));
}

const DEFAULT_SECTIONS = [
  ...["Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules"],
  ...["Errorstats", "Cluster", "Keyspace"],
];

Deno.test("INFO shows the sections that are asked for, in the order of the server", () => {
  using server = new EmbeddedServer();
  assertEquals(sectionsOf(info(server)), DEFAULT_SECTIONS);
  assertEquals(sectionsOf(info(server, "default")), DEFAULT_SECTIONS);
  assertEquals(sectionsOf(info(server, "keyspace", "SERVER")), ["Server", "Keyspace"]);
  const all = sectionsOf(info(server, "all"));
  assertEquals(sectionsOf(info(server, "everything")), all);
  assert(all.includes("Commandstats") && all.includes("Latencystats"));
  assertEquals(server.run("INFO", "nosuch"), "");
  assertEquals(info(server, "latencystats", "default").has("# Latencystats"), true);
});

Deno.test("sections are separated by an empty line, and their lines end with CR LF", () => {
  using server = new EmbeddedServer();
  const text = String(server.run("INFO", "cluster", "keyspace"));
  assertEquals(text, "# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n");
});

Deno.test("INFO keyspace counts keys and expiries of databases that hold any", () => {
  using server = new EmbeddedServer();
  server.run("SET", "a", "1");
  server.run("SET", "b", "1", "EX", "100");
  server.run("SELECT", "5");
  server.run("SET", "c", "1");
  const fields = info(server, "keyspace");
  assertEquals(fields.get("db0"), "keys=2,expires=1,avg_ttl=0");
  assertEquals(fields.get("db5"), "keys=1,expires=0,avg_ttl=0");
  assertEquals(fields.size, 3);
});

Deno.test("INFO stats and commandstats count commands, hits and errors until RESETSTAT", () => {
  using server = new EmbeddedServer();
  server.run("SET", "a", "1");
  server.run("GET", "a");
  server.run("GET", "missing");
  server.run("LPUSH", "a", "1");
  server.run("GET");
  const stats = info(server, "everything");
  assertEquals(stats.get("keyspace_hits"), "1");
  assertEquals(stats.get("keyspace_misses"), "1");
  assertEquals(stats.get("total_error_replies"), "2");
  assertEquals(stats.get("errorstat_WRONGTYPE"), "count=1");
  assertEquals(stats.get("errorstat_ERR"), "count=1");
  const get = stats.get("cmdstat_get")!;
  assert(
    /^calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=1,failed_calls=0$/.test(get),
    get,
  );
  assert(stats.get("cmdstat_lpush")!.endsWith("failed_calls=1"));
  assert(/^p50=[\d.]+,p99=[\d.]+,p99\.9=[\d.]+$/.test(stats.get("latency_percentiles_usec_get")!));
  server.run("CONFIG", "RESETSTAT");
  const after = info(server, "everything");
  assertEquals(after.get("keyspace_hits"), "0");
  assertEquals(after.has("cmdstat_get"), false);
  assertEquals(after.has("latency_percentiles_usec_get"), false);
});

Deno.test("the code of an error is shown in its own bytes, whatever they are", () => {
  using server = new EmbeddedServer();
  server.run("EVAL", "return redis.error_reply('\\200\\255X text')", "0");
  const text = server.raw("INFO", "errorstats");
  assertEquals(
    text.slice(text.indexOf("#")),
    "# Errorstats\r\nerrorstat_\xc8\xffX:count=1\r\n\r\n",
  );
});

Deno.test("latency-tracking no leaves the histograms alone", () => {
  using server = new EmbeddedServer([["latency-tracking", "no"]]);
  server.run("SET", "a", "1");
  assertEquals(info(server, "latencystats").size, 1);
  server.run("CONFIG", "SET", "latency-tracking", "yes");
  server.run("SET", "a", "1");
  assertEquals(info(server, "latencystats").has("latency_percentiles_usec_set"), true);
});

Deno.test("INFO memory follows what is stored", () => {
  using server = new EmbeddedServer();
  const used = () => Number(info(server, "memory").get("used_memory"));
  const before = used();
  server.run("SETRANGE", "big", 1_000_000, "x");
  const during = used();
  assert(during - before > 1_000_000 && during - before < 1_200_000);
  server.run("DEL", "big");
  server.reclaim();
  assert(used() < before + 1000);
  const fields = info(server, "memory");
  assert(Number(fields.get("used_memory_peak")) >= during);
  assert(Number(fields.get("used_memory_rss")) > during);
  assert(Number(fields.get("total_system_memory")) > 0);
});

Deno.test("INFO names what this server is", () => {
  using server = new EmbeddedServer();
  const fields = info(server, "server", "replication", "cpu");
  assertEquals(fields.get("redis_version"), "7.0.15");
  assert(/^\d+\.\d+\.\d+/.test(fields.get("redeno_version")!));
  assertEquals(fields.get("run_id")!.length, 40);
  assertEquals(fields.get("role"), "master");
  assert(Number(fields.get("used_cpu_user")) > 0);
});

Deno.test("INFO clients counts those who wait", () => {
  using server = new EmbeddedServer();
  const other = server.connect();
  other.send("BLPOP", "list", "0");
  other.send("ECHO", "unread");
  const third = server.connect();
  third.send("BLPOP", "list", "100");
  const fields = info(server, "clients");
  assertEquals(fields.get("connected_clients"), "3");
  assertEquals(fields.get("blocked_clients"), "2");
  assertEquals(fields.get("clients_in_timeout_table"), "1");
});

Deno.test("INFO clients counts those who subscribe and those who watch, each once until they end", () => {
  using server = new EmbeddedServer([["redis-version", "7.4"]]);
  const counts = () => {
    const fields = info(server, "clients");
    return [fields.get("pubsub_clients"), fields.get("watching_clients")];
  };
  const [first, second] = [server.connect(), server.connect()];
  first.run("WATCH", "a", "b");
  first.run("WATCH", "a");
  second.run("WATCH", "a");
  assertEquals(counts(), ["0", "2"]);
  first.run("MULTI");
  first.run("EXEC");
  first.run("UNWATCH");
  assertEquals(counts(), ["0", "1"]);
  first.run("SUBSCRIBE", "c");
  first.run("PSUBSCRIBE", "p*");
  first.run("SSUBSCRIBE", "s");
  second.run("SUBSCRIBE", "c");
  assertEquals(counts(), ["2", "1"]);
  first.run("UNSUBSCRIBE");
  first.run("PUNSUBSCRIBE");
  assertEquals(counts(), ["2", "1"]);
  first.run("RESET");
  assertEquals(counts(), ["1", "1"]);
  second.client.transport.close();
  assertEquals(counts(), ["0", "0"]);
});

Deno.test("INFO clients shows the largest buffers that a tick has seen, for some seconds", () => {
  using server = new EmbeddedServer();
  clock.setTimeForTests(1_000_000_000);
  try {
    const largest = () => info(server, "clients").get("client_recent_max_output_buffer");
    const slow = server.connect();
    slow.client.outputPendingBytes = 5000;
    const cron = new Cron(server.server);
    cron.tick();
    slow.client.outputPendingBytes = 0;
    assertEquals(largest(), "5000");
    clock.advanceForTests(7000);
    cron.tick();
    assertEquals(largest(), "5000");
    clock.advanceForTests(1000);
    assertEquals(largest(), "0");
  } finally {
    clock.useRealTime();
  }
});
