/** LATENCY: events and histograms as replies. */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { RespError } from "../support/resp_reply.ts";

function withEvents(test: (server: EmbeddedServer) => void): void {
  using server = new EmbeddedServer([["latency-monitor-threshold", "10"]]);
  try {
    clock.setTimeForTests(1_700_000_000_000);
    server.server.latency.add("command", 50);
    clock.advanceForTests(1000);
    server.server.latency.add("command", 20);
    server.server.latency.add("fork", 30);
    clock.advanceForTests(1000);
    test(server);
  } finally {
    clock.useRealTime();
  }
}

Deno.test("LATENCY LATEST and HISTORY show time and duration", () => {
  withEvents((server) => {
    assertEquals(server.run("LATENCY", "LATEST"), [
      ["command", 1_700_000_001, 20, 50],
      ["fork", 1_700_000_001, 30, 30],
    ]);
    assertEquals(server.run("LATENCY", "HISTORY", "command"), [
      [1_700_000_000, 50],
      [1_700_000_001, 20],
    ]);
    assertEquals(server.run("LATENCY", "HISTORY", "nosuch"), []);
  });
});

Deno.test("LATENCY GRAPH draws the samples with their age", () => {
  withEvents((server) => {
    assertEquals(
      server.run("LATENCY", "GRAPH", "command"),
      "command - high 50 ms, low 20 ms (all time high 50 ms)\n" + "-".repeat(80) +
        "\n# \n| \n| \n|_\n  \n21\nss\n",
    );
    const reply = server.run("LATENCY", "GRAPH", "nosuch") as RespError;
    assertEquals(reply.message, "ERR No samples available for event 'nosuch'");
  });
});

Deno.test("LATENCY RESET counts what it forgets", () => {
  withEvents((server) => {
    assertEquals(server.run("LATENCY", "RESET", "fork", "nosuch"), 1);
    assertEquals(server.run("LATENCY", "RESET"), 1);
    assertEquals(server.run("LATENCY", "LATEST"), []);
  });
});

Deno.test("LATENCY DOCTOR says what it has seen, or that nobody looked", () => {
  withEvents((server) => {
    const report = String(server.run("LATENCY", "DOCTOR"));
    assert(report.includes("1. command: 2 latency spikes (average 35ms, mean deviation 15ms"));
    assert(report.includes("2. fork: 1 latency spikes"));
  });
  using idle = new EmbeddedServer();
  assert(String(idle.run("LATENCY", "DOCTOR")).includes("disabled"));
});

Deno.test("a command that takes longer than the threshold becomes an event", () => {
  using server = new EmbeddedServer([
    ["latency-monitor-threshold", "1"],
    ["enable-debug-command", "yes"],
  ]);
  server.run("DEBUG", "SLEEP", "0.002");
  const [[name, , latencyMs]] = server.run("LATENCY", "LATEST") as [string, number, number][];
  assertEquals(name, "command");
  assert(latencyMs >= 2);
});

Deno.test("LATENCY HISTOGRAM shows commands that were called, with their subcommands", () => {
  using server = new EmbeddedServer();
  server.run("SET", "a", "1");
  server.run("SET", "a", "1");
  server.run("CONFIG", "GET", "port");
  const names = (...words: string[]) => {
    const reply = server.run("LATENCY", "HISTOGRAM", ...words) as string[];
    return reply.filter((_, index) => index % 2 === 0);
  };
  assertEquals(names("set", "get", "nosuch", "config"), ["set", "config|get"]);
  assertEquals(names("config|get"), ["config|get"]);
  const [, fields] = server.run("LATENCY", "HISTOGRAM", "set") as [string, unknown[]];
  assertEquals(fields.slice(0, 3), ["calls", 2, "histogram_usec"]);
  assertEquals((fields[3] as number[]).at(-1), 2);
  assert(names().includes("set"));
});
