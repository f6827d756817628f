/**
 * Loads that the benches put on a server: redis-benchmark, watched for the CPU time that it costs
 * the server, fillers, and batches of requests over one connection.
 */

import { latin1Bytes } from "../../src/base/bytes.ts";
import type { ServerProcess } from "../../tests/support/server_process.ts";
import { cpuMicroseconds } from "../../tests/support/process_stat.ts";
import { type Argument, encodeRequests, type RespClient } from "../../tests/support/resp_client.ts";
import { runTool } from "../../tests/support/tool_availability.ts";
import { concatBytes, fromLatin1 } from "../../tests/support/text.ts";

/** What one run of redis-benchmark tells of a server. */
export interface Sample {
  requestsPerSecond: number;
  /** Of the server's process, per request. */
  cpuMicroseconds: number;
  /** How long 99 of 100 requests took at most, in ms. */
  p99Ms: number;
}

/** Runs one test of redis-benchmark with `requests` requests. */
export async function runBenchmark(
  server: ServerProcess,
  args: readonly string[],
  requests: number,
): Promise<Sample> {
  const cpuBefore = cpuMicroseconds(server.pid);
  const { stdout } = await runTool("redis-benchmark", [
    ...["-p", String(server.port), "--csv", "-n", String(requests)],
    ...args,
  ], { timeoutMs: 600_000 });
  const cpu = cpuMicroseconds(server.pid) - cpuBefore;
  const { requestsPerSecond, p99Ms } = readBenchmark(stdout, requests);
  return { requestsPerSecond, cpuMicroseconds: cpu / requests, p99Ms };
}

/** What redis-benchmark's CSV says of one test. */
export interface BenchmarkRow {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  longestMs: number;
}

/**
 * Reads the last row of what `redis-benchmark --csv` has printed about a test of `requests`
 * requests. Its clock counts whole ms, and requests that took none of them have a rate of "inf":
 * they count as done in one ms. Throws an Error if there is no such row.
 */
export function readBenchmark(stdout: string, requests: number): BenchmarkRow {
  // test, requests per second, then latencies: mean, min, p50, p95, p99, max.
  const cells = stdout.trim().split("\n").at(-1)!.replaceAll('"', "").split(",");
  const [, rate, , , p50, , p99, longest] = cells;
  const requestsPerSecond = rate === "inf" ? requests * 1000 : Number(rate);
  if (cells.length !== 8 || !(requestsPerSecond > 0)) {
    throw new Error(`Cannot read what redis-benchmark says: ${stdout}`);
  }
  return {
    requestsPerSecond,
    p50Ms: Number(p50),
    p99Ms: Number(p99),
    longestMs: Number(longest),
  };
}

/** The key of an index: 16 bytes. */
export function benchKey(index: number): string {
  return `key:${String(index).padStart(12, "0")}`;
}

/** Sends requests number 0 to `count` - 1, 1,000 at a time, and waits until all are answered. */
export async function fill(
  client: RespClient,
  count: number,
  request: (index: number) => readonly Argument[],
): Promise<void> {
  const BATCH = 1000;
  for (let start = 0; start < count; start += BATCH) {
    const size = Math.min(BATCH, count - start);
    await runBatch(client, Array.from({ length: size }, (_, offset) => request(start + offset)));
  }
}

/** Sets `count` keys of 16 bytes to `value`. */
export function fillKeys(client: RespClient, count: number, value: string): Promise<void> {
  return fill(client, count, (index) => ["SET", benchKey(index), value]);
}

/** Letters that cannot be compressed much: it is not the compression that is measured. */
export function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return String.fromCharCode(...bytes.map((byte) => 33 + byte % 94));
}

/** A field of INFO, as a number. */
export async function infoNumber(
  client: RespClient,
  section: string,
  field: string,
): Promise<number> {
  const info = String(await client.expect("INFO", section));
  const match = new RegExp(`^${field}:(\\d+)`, "m").exec(info);
  if (match === null) throw new Error(`Cannot find ${field} in INFO ${section}`);
  return Number(match[1]);
}

const PING = latin1Bytes("*1\r\n$4\r\nPING\r\n");
const PONG = latin1Bytes("+PONG\r\n");

const MINUS = 0x2d;

/**
 * Sends requests in one piece, and waits until all are answered; returns the milliseconds that it
 * took. Replies are not looked at one by one, lest that be most of the time; but an error that
 * comes first is thrown.
 */
export async function runBatch(
  client: RespClient,
  requests: readonly (readonly Argument[])[],
): Promise<number> {
  const bytes = concatBytes([encodeRequests(requests), PING]);
  const begin = performance.now();
  // Read while writing, or both sides could wait for the other's buffer to empty.
  const writing = client.writeBytes(bytes);
  let isFirst = true;
  for (let tail = new Uint8Array(0); !endsWithPong(tail);) {
    const arrived = await client.readBytes();
    if (arrived === null) throw new Error("The server has closed the connection");
    if (isFirst && arrived[0] === MINUS) throw new Error(fromLatin1(arrived.subarray(0, 200)));
    isFirst = false;
    tail = concatBytes([tail, arrived.subarray(-PONG.length)]).slice(-PONG.length);
  }
  const elapsedMs = performance.now() - begin;
  await writing;
  return elapsedMs;
}

function endsWithPong(tail: Uint8Array): boolean {
  return tail.length === PONG.length && tail.every((byte, index) => byte === PONG[index]);
}
