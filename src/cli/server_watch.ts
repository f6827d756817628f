/**
 * Modes that watch a server: `--stat` prints a line of figures now and then, `--latency` measures
 * how long a PING takes.
 *
 * Both run until they are interrupted, but `--latency` to a pipe ends after one line. A lost
 * connection is made anew, once a second.
 */
import { latin1Text } from "../base/bytes.ts";
import { monotonicUs } from "../base/clock.ts";
import type { Reply } from "../protocol/reply_reader.ts";
import { ConnectionError } from "./cli_connection.ts";
import { CliExit } from "./cli_output.ts";
import type { CliSession } from "./cli_session.ts";
import { formatBytes, formatFixed } from "./number_format.ts";

const LATENCY_SAMPLE_MS = 10;
const LATENCY_HISTORY_MS = 15_000;
const LATENCY_OUTPUT_MS = 1000;
const STAT_INTERVAL_MS = 1000;
const STAT_LINES_PER_HEADING = 20;
const CLEAR_LINE = "\r\x1b[0K";

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Sends a command, connecting again and again until it is answered. */
async function callForEver(session: CliSession, command: string): Promise<Reply> {
  for (let tries = 0;; tries++) {
    try {
      if (session.connection === null) throw new ConnectionError("Not connected");
      const reply = await session.connection.call(command);
      if (tries > 0) session.output.print(CLEAR_LINE);
      return reply;
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      session.output.print(`${CLEAR_LINE}Reconnecting... ${tries + 1}\r`);
      if (tries > 0) await sleep(1000);
      await session.connect(true);
    }
  }
}

/** A field of INFO as a number; NaN if it is not there. Fields of db lines as `db0:keys`. */
export function infoField(info: string, field: string): number {
  const [line, part] = field.split(":");
  const start = info.indexOf(`\n${line}:`);
  if (start < 0) return NaN;
  const text = info.slice(start + line!.length + 2, info.indexOf("\r", start + 1));
  if (part === undefined) return Number.parseInt(text, 10);
  const pair = text.split(",").find((each) => each.startsWith(`${part}=`));
  return pair === undefined ? NaN : Number.parseInt(pair.slice(part.length + 1), 10);
}

const STAT_HEADING =
  "------- data ------ --------------------- load -------------------- - child -\n" +
  "keys       mem      clients blocked requests            connections          \n";

/** What the last column shows: bit 0 saves, bit 1 rewrites the AOF, bit 2 loads. */
const CHILD_NAMES = ["", "SAVE", "AOF", "SAVE+AOF", "LOAD"];

/** One line of --stat; `requestsBefore` is 0 in the first. */
export function statLine(info: string, requestsBefore: number): string {
  let keys = 0;
  for (const match of info.matchAll(/\ndb\d+:keys=(\d+)/g)) keys += Number(match[1]);
  const requests = infoField(info, "total_commands_processed");
  const grown = requestsBefore === 0 ? 0 : requests - requestsBefore;
  const child = infoField(info, "rdb_bgsave_in_progress") |
    infoField(info, "aof_rewrite_in_progress") << 1 | infoField(info, "loading") << 2;
  return String(keys).padEnd(11) +
    formatBytes(infoField(info, "used_memory")).padEnd(8) +
    ` ${String(infoField(info, "connected_clients")).padEnd(8)}` +
    String(infoField(info, "blocked_clients")).padEnd(8) +
    `${requests} (+${grown})`.padEnd(19) +
    ` ${String(infoField(info, "total_connections_received")).padEnd(12)}` +
    `${CHILD_NAMES[child] ?? ""}\n`;
}

/** `--stat` */
export async function watchStatistics(session: CliSession): Promise<never> {
  let requests = 0;
  for (let line = 0;; line++) {
    const reply = await callForEver(session, "INFO");
    if (!("bytes" in reply)) throw new CliExit(1);
    const info = latin1Text(reply.bytes, 0, reply.bytes.length);
    if (reply.kind === "error") {
      session.output.printError(`ERROR: ${info}\n`);
      throw new CliExit(1);
    }
    if (line % STAT_LINES_PER_HEADING === 0) session.output.print(STAT_HEADING);
    session.output.print(statLine(info, requests));
    requests = infoField(info, "total_commands_processed");
    await sleep(session.options.intervalMs || STAT_INTERVAL_MS);
  }
}

/** Least, most and average of round trips, in whole milliseconds. */
class LatencyRange {
  min = 0;
  max = 0;
  total = 0;
  count = 0;

  add(latencyMs: number): void {
    this.min = this.count === 0 ? latencyMs : Math.min(this.min, latencyMs);
    this.max = Math.max(this.max, latencyMs);
    this.total += latencyMs;
    this.count++;
  }

  format(session: CliSession): string {
    const average = formatFixed(this.total / this.count);
    const { min, max, count } = this;
    switch (session.mode) {
      case "standard":
        return `min: ${min}, max: ${max}, avg: ${average} (${count} samples)`;
      case "csv":
        return `${min},${max},${average},${count}\n`;
      case "raw":
        return `${min} ${max} ${average} ${count}\n`;
      default:
        return `{"min": ${min}, "max": ${max}, "avg": ${average}, "count": ${count}}\n`;
    }
  }
}

/** `--latency` and `--latency-history` */
export async function watchLatency(session: CliSession): Promise<number> {
  const { options, output } = session;
  const isForPeople = session.mode === "standard";
  const rangeMs = options.intervalMs || LATENCY_HISTORY_MS;
  let range = new LatencyRange();
  let rangeStartUs = monotonicUs();
  const rangeAgeMs = () => (monotonicUs() - rangeStartUs) / 1000;
  for (;;) {
    const startUs = monotonicUs();
    await callForEver(session, "PING");
    range.add(Math.floor((monotonicUs() - startUs) / 1000));
    // A terminal's line is written over; a pipe gets whole lines.
    if (isForPeople) output.print(`\x1b[0G\x1b[2K${range.format(session)}`);
    else if (options.keepsLatencyHistory) output.print(range.format(session));
    else if (rangeAgeMs() > (options.intervalMs || LATENCY_OUTPUT_MS)) {
      output.print(range.format(session));
      return 0;
    }
    if (options.keepsLatencyHistory && rangeAgeMs() > rangeMs) {
      output.print(` -- ${formatFixed(rangeAgeMs() / 1000)} seconds range\n`);
      range = new LatencyRange();
      rangeStartUs = monotonicUs();
    }
    await sleep(LATENCY_SAMPLE_MS);
  }
}
