/**
 * What the wire benches share: the two servers side by side, medians and percentiles, a fast
 * filler, and tables in Markdown.
 */

import { latin1Bytes } from "../../src/base/bytes.ts";
import {
  type ServerProcess,
  type ServerTarget,
  startServer,
} from "../../tests/support/server_process.ts";
import { cpuSeconds } from "../../tests/support/process_stat.ts";
import { encodeRequests, type RespClient } from "../../tests/support/resp_client.ts";
import { runTool } from "../../tests/support/tool_availability.ts";
import { concatBytes, utf8 } from "../../tests/support/text.ts";

export const TARGETS: readonly ServerTarget[] = ["redis", "redeno"];

/** REDENO_TEST_TARGET=redis measures redis-server against itself: the noise of the method. */
const IS_SELF_CHECK = Deno.env.get("REDENO_TEST_TARGET") === "redis";

/** What tables call a server; never "Redeno" when the numbers are not Redeno's. */
export function nameOf(target: ServerTarget): string {
  if (target === "redis") return "redis-server";
  return IS_SELF_CHECK ? "redis-server again" : "Redeno";
}

/** What is really started in the place of a target. */
export function benchTarget(target: ServerTarget): ServerTarget {
  return IS_SELF_CHECK ? "redis" : target;
}

/** Starts one server as it is measured: no persistence unless `args` ask for it. */
export function startForBench(
  target: ServerTarget,
  args: readonly string[] = [],
): Promise<ServerProcess> {
  return startServer({ target: benchTarget(target), args });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The smallest value that `percent` of all values do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * percent / 100) - 1)];
}

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
  const cpuBefore = cpuSeconds(server.pid);
  const { stdout } = await runTool("redis-benchmark", [
    ...["-p", String(server.port), "--csv", "-n", String(requests)],
    ...args,
  ], { timeoutMs: 600_000 });
  const cpu = cpuSeconds(server.pid) - cpuBefore;
  // test, requests per second, then latencies: mean, min, p50, p95, p99, max.
  const [, rate, , , , , p99] = stdout.trim().split("\n").at(-1)!.replaceAll('"', "").split(",");
  if (!(Number(rate) > 0)) {
    throw new Error(`Cannot read the result of ${args.join(" ")}: ${stdout}`);
  }
  return {
    requestsPerSecond: Number(rate),
    cpuMicroseconds: cpu * 1e6 / requests,
    p99Ms: Number(p99),
  };
}

/** A Markdown table; the first column to the left, numbers to the right. */
export function markdownTable(header: readonly string[], rows: readonly string[][]): string {
  const rule = header.map((_, index) => index === 0 ? "---" : "--:");
  return [header, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** What to say about the machine above a table. */
export async function describeMachine(): Promise<string> {
  const cpu = Deno.build.os === "linux"
    ? /^model name\s*: (.*)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1] ?? "unknown CPU"
    : Deno.build.arch;
  return `${navigator.hardwareConcurrency} × ${cpu}, ${Deno.build.os}, Deno ${Deno.version.deno}`;
}

/** The key of an index: 16 bytes. */
export function benchKey(index: number): string {
  return `key:${String(index).padStart(12, "0")}`;
}

/** Sets `count` keys of 16 bytes to `value` in pipelines of 1,000. */
export async function fillKeys(client: RespClient, count: number, value: string): Promise<void> {
  const BATCH = 1000;
  const tail = `\r\n$${value.length}\r\n${value}\r\n`;
  for (let start = 0; start < count; start += BATCH) {
    const size = Math.min(BATCH, count - start);
    let batch = "";
    for (let i = start; i < start + size; i++) {
      batch += `*3\r\n$3\r\nSET\r\n$16\r\n${benchKey(i)}${tail}`;
    }
    await client.writeBytes(concatBytes([utf8(batch)]));
    for (let i = 0; i < size; i++) await client.receiveRaw();
  }
}

const PING = latin1Bytes("*1\r\n$4\r\nPING\r\n");
const PONG = latin1Bytes("+PONG\r\n");

/**
 * Sends requests in one piece, and waits until all are answered; returns the milliseconds that it
 * took. Replies are not looked at one by one, lest that be most of the time.
 */
export async function runBatch(
  client: RespClient,
  requests: readonly (readonly string[])[],
): Promise<number> {
  const bytes = concatBytes([encodeRequests(requests), PING]);
  const begin = performance.now();
  await client.writeBytes(bytes);
  for (let tail = new Uint8Array(0); !endsWithPong(tail);) {
    const arrived = await client.readBytes();
    if (arrived === null) throw new Error("The server has closed the connection");
    tail = concatBytes([tail, arrived]).slice(-PONG.length);
  }
  return performance.now() - begin;
}

function endsWithPong(tail: Uint8Array): boolean {
  return tail.length === PONG.length && tail.every((byte, index) => byte === PONG[index]);
}
