/**
 * redis-benchmark runs to its end without an error: the default tests, pipelined with random keys,
 * with 500 connections, with large values. Small numbers of requests: this is no measurement.
 */

import { assertEquals } from "@std/assert";
import { startServer } from "../support/server_process.ts";
import { runTool, testWith } from "../support/tool_availability.ts";

const DEFAULT_TESTS = [
  "PING_INLINE",
  "PING_MBULK",
  "SET",
  "GET",
  "INCR",
  "LPUSH",
  "RPUSH",
  "LPOP",
  "RPOP",
  "SADD",
  "HSET",
  "SPOP",
  "ZADD",
  "ZPOPMIN",
  "LPUSH (needed to benchmark LRANGE)",
  "LRANGE_100 (first 100 elements)",
  "LRANGE_300 (first 300 elements)",
  "LRANGE_500 (first 500 elements)",
  "LRANGE_600 (first 600 elements)",
  "MSET (10 keys)",
];

function benchmark(name: string, args: readonly string[]): void {
  testWith(["redis-benchmark"], `redis-benchmark ${name} ends without an error`, async () => {
    await using server = await startServer();
    const { stdout, stderr } = await runTool("redis-benchmark", [
      "-p",
      String(server.port),
      "--csv",
      ...args,
    ]);
    const rows = stdout.trim().split("\n").filter((line) => line.startsWith('"'));
    const tests = rows.map((row) => row.slice(1, row.indexOf('",')));
    assertEquals(tests.filter((test) => test !== "test"), DEFAULT_TESTS, stdout + stderr);
    // The benchmark's own advice on kernel settings, printed with -k 0, is no complaint.
    const complaints = (stdout + stderr).replace(/^WARNING: Keepalive disabled.*$/m, "");
    assertEquals(/error|warning/i.test(complaints), false, stdout + stderr);
  });
}

benchmark("with its default tests", ["-n", "2000"]);
benchmark("-P 16 -r 1000000", ["-n", "4000", "-P", "16", "-r", "1000000"]);
benchmark("-c 500", ["-n", "2000", "-c", "500"]);
// LRANGE_600 of such values is 6 MB for each request.
benchmark("-d 10000", ["-n", "40", "-c", "10", "-d", "10000"]);
benchmark("-3", ["-n", "500", "-3"]);
benchmark("-k 0, a connection for each request,", ["-n", "200", "-k", "0"]);
