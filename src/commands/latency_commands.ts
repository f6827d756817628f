/**
 * LATENCY: what held the server up, and how long commands take. The events are kept by
 * statistics/latency.ts, the histograms by statistics/duration_histogram.ts.
 */
import * as clock from "../base/clock.ts";
import type { Client } from "../session/client.ts";
import { type CompiledCommand, ON_ALL_NODES, type RedisCommand } from "../session/command.ts";
import type { DurationHistogram } from "../statistics/duration_histogram.ts";
import { commandError } from "../session/errors.ts";
import { type LatencyEvent, LatencyMonitor } from "../statistics/latency.ts";
import { sparkline } from "../statistics/sparkline.ts";
import { replyHelp } from "./help.ts";

const NO_KEYS = [0, 0, 0] as const;
const OPERATOR = ["admin", "noscript", "loading", "stale"] as const;
const PER_NODE = [
  "nondeterministic_output",
  "request_policy:all_nodes",
  "response_policy:special",
] as const;

// deno-fmt-ignore
export const latencyCommands: readonly RedisCommand[] = [
  { name: "latency", arity: -2, flags: [], keys: NO_KEYS, proc: latencyHelpCommand, categories: [],
    since: "2.8.13", group: "server", complexity: "That of the subcommand.",
    summary: "Shows what held the server up.", subcommands: [
      { name: "latency|doctor", arity: 2, flags: OPERATOR, keys: NO_KEYS,
        proc: latencyDoctorCommand, categories: [],
        tips: PER_NODE, since: "2.8.13", group: "server", complexity: "O(1)",
        summary: "Explains the events in words." },
      { name: "latency|graph", arity: 3, flags: OPERATOR, keys: NO_KEYS, proc: latencyGraphCommand,
        categories: [],
        tips: PER_NODE, since: "2.8.13", group: "server", complexity: "O(1)",
        summary: "Draws the samples of an event." },
      { name: "latency|histogram", arity: -2, flags: OPERATOR, keys: NO_KEYS,
        proc: latencyHistogramCommand, categories: [],
        tips: PER_NODE, since: "7.0.0", group: "server",
        complexity: "O(N), N: commands that have a histogram.",
        summary: "Tells how long calls of commands took." },
      { name: "latency|history", arity: 3, flags: OPERATOR, keys: NO_KEYS,
        proc: latencyHistoryCommand, categories: [],
        tips: PER_NODE, since: "2.8.13", group: "server", complexity: "O(1)",
        summary: "Returns the samples of an event." },
      { name: "latency|latest", arity: 2, flags: OPERATOR, keys: NO_KEYS,
        proc: latencyLatestCommand, categories: [],
        tips: PER_NODE, since: "2.8.13", group: "server", complexity: "O(1)",
        summary: "Returns the last sample of every event." },
      { name: "latency|reset", arity: -2, flags: OPERATOR, keys: NO_KEYS,
        proc: latencyResetCommand, categories: [],
        tips: ON_ALL_NODES, since: "2.8.13",
        changedIn: ["7.2", { tips: ["request_policy:all_nodes", "response_policy:agg_sum"] }],
        group: "server",
        complexity: "O(1)", summary: "Forgets events." },
      { name: "latency|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
        proc: latencyHelpCommand,
        categories: [], since: "2.8.13", group: "server", complexity: "O(1)",
        summary: "Lists the subcommands." },
    ] },
];

const HELP = [
  "DOCTOR",
  "    Explains in words what has been slow, and what might help.",
  "GRAPH <event>",
  "    Draws the samples of an event with characters.",
  "HISTORY <event>",
  "    Lists up to 160 samples of an event: when, and how many milliseconds.",
  "LATEST",
  "    Shows for each event its last sample and its worst.",
  "RESET [<event> ...]",
  "    Forgets the samples of these events, or without a name those of",
  "    every event.",
  "HISTOGRAM [COMMAND ...]",
  "    Counts the calls of these commands, or of all that were called, by how",
  "    many microseconds they took at most.",
];

const GRAPH_ROWS = 4;
const RULE = "-".repeat(80);

function latencyLatestCommand({ reply, host }: Client): void {
  const { events } = host.latency;
  reply.array(events.size);
  for (const { name, samples, maxMs } of events.values()) {
    const last = samples.at(-1)!;
    reply.array(4);
    reply.bulkText(name);
    reply.integer(last.timeSeconds);
    reply.integer(last.latencyMs);
    reply.integer(maxMs);
  }
}

function latencyHistoryCommand({ argv, reply, host }: Client): void {
  const samples = host.latency.events.get(argv.text(2))?.samples ?? [];
  reply.array(samples.length);
  for (const { timeSeconds, latencyMs } of samples) {
    reply.array(2);
    reply.integer(timeSeconds);
    reply.integer(latencyMs);
  }
}

function latencyResetCommand({ argv, reply, host }: Client): void {
  let count = 0;
  if (argv.count === 2) count = host.latency.reset();
  for (let index = 2; index < argv.count; index++) count += host.latency.reset(argv.text(index));
  reply.integer(count);
}

function latencyGraphCommand({ argv, reply, host }: Client): void {
  const event = host.latency.events.get(argv.text(2));
  if (event === undefined) {
    throw commandError(`ERR No samples available for event '${argv.quoted(2)}'`);
  }
  reply.verbatim(graphOf(event));
}

function graphOf({ name, samples, maxMs }: LatencyEvent): string {
  const latencies = samples.map(({ latencyMs }) => latencyMs);
  const nowSeconds = Math.floor(clock.nowMs() / 1000);
  const labels = samples.map(({ timeSeconds }) => age(nowSeconds - timeSeconds));
  const range = `high ${Math.max(...latencies)} ms, low ${Math.min(...latencies)} ms`;
  const head = `${name} - ${range} (all time high ${maxMs} ms)`;
  return `${head}\n${RULE}\n${sparkline(latencies, labels, GRAPH_ROWS)}`;
}

/** A time span in its largest whole unit: "59s", "3m". */
function age(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}

/** What may be done about each kind of event. */
const ADVICE: Readonly<Record<string, string>> = {
  "command": "Look into SLOWLOG for commands that walk over much data, and replace KEYS by SCAN, " +
    "large ranges by smaller ones.",
  "fast-command": "Commands that should be fast were held up by something else: look at the load " +
    "of the machine and at swapping.",
  "expire-cycle": "Many keys expire at the same time: spread their expiry.",
  "eviction-cycle": "Room is made for much new data at once: leave more distance to maxmemory.",
  "fork": "Freezing the data for a child took long: the machine is short of memory or CPU.",
  "aof-write": "The disk is slow to take the append-only file: look for other writers on it.",
};

function latencyDoctorCommand({ reply, host }: Client): void {
  const { events } = host.latency;
  if (host.config.latencyMonitorThreshold === 0) {
    reply.verbatim(
      "Latency monitoring is disabled in this instance. " +
        'Use "CONFIG SET latency-monitor-threshold <milliseconds>" to enable it.\n',
    );
  } else if (events.size === 0) {
    reply.verbatim("No latency spike has been observed since the monitoring began.\n");
  } else {
    const lines = [...events.values()].map((event, index) => `${index + 1}. ${diagnosis(event)}`);
    reply.verbatim(`Latency spikes have been observed:\n\n${lines.join("\n")}\n`);
  }
}

function diagnosis(event: LatencyEvent): string {
  const { samples, average, deviation, period, allTimeHigh } = LatencyMonitor.summary(event);
  const advice = ADVICE[event.name] ?? (event.name.startsWith("aof") ? ADVICE["aof-write"] : "");
  return `${event.name}: ${samples} latency spikes (average ${average}ms, mean deviation ` +
    `${deviation}ms, period ${
      period.toFixed(2)
    } sec). Worst all time event ${allTimeHigh}ms. ${advice}`;
}

function latencyHistogramCommand({ argv, reply, host }: Client): void {
  const { commands, durations } = host;
  let wanted: CompiledCommand[] = commands.all;
  if (argv.count > 2) {
    wanted = [];
    for (let index = 2; index < argv.count; index++) {
      const command = commands.findByText(argv.text(index));
      if (command === null) continue;
      wanted.push(command, ...command.subcommandTable?.values() ?? []);
    }
  }
  const mark = reply.deferArray();
  let count = 0;
  for (const command of wanted) {
    const histogram = durations.of(command);
    if (histogram === null) continue;
    count++;
    reply.bulkText(command.name);
    replyHistogram(reply, histogram);
  }
  reply.endDeferredMap(mark, count);
}

function replyHistogram(reply: Client["reply"], histogram: DurationHistogram): void {
  const steps = histogram.steps();
  reply.map(2);
  reply.bulkText("calls");
  reply.integer(histogram.total);
  reply.bulkText("histogram_usec");
  reply.map(steps.length);
  for (const [us, count] of steps) {
    reply.integer(us);
    reply.integer(count);
  }
}

function latencyHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}
