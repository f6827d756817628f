/**
 * MEMORY: where the memory is. Sizes are those of blocks in the arena, by their classes; what the
 * runtime needs beside it shows in the resident set size only.
 */
import * as dict from "../structures/dict.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { SYNTAX_ERROR } from "../session/errors.ts";
import { humanBytes } from "../base/human_bytes.ts";
import {
  fragmentationOf,
  keyBytes,
  type MemoryReport,
  memoryReport,
  tableBytesOf,
} from "../upkeep/memory_report.ts";
import { integerArgument } from "./arguments.ts";
import { replyHelp } from "./help.ts";

const NO_KEYS = [0, 0, 0] as const;
const PER_SHARD = [
  "nondeterministic_output",
  "request_policy:all_shards",
  "response_policy:special",
] as const;

// deno-fmt-ignore
export const memoryCommands: readonly RedisCommand[] = [
  { name: "memory", arity: -2, flags: [], keys: NO_KEYS, proc: memoryHelpCommand, categories: [],
    since: "4.0.0", group: "server", complexity: "That of the subcommand.",
    summary: "Shows where the memory is.", subcommands: [
      { name: "memory|doctor", arity: 2, flags: [], keys: NO_KEYS, proc: memoryDoctorCommand,
        categories: [],
        tips: PER_SHARD, since: "4.0.0", group: "server", complexity: "O(1)",
        summary: "Reports what is unusual about the memory." },
      { name: "memory|malloc-stats", arity: 2, flags: [], keys: NO_KEYS,
        proc: memoryMallocStatsCommand, categories: [],
        tips: PER_SHARD, since: "4.0.0", group: "server",
        complexity: "Grows with the memory that the server holds.",
        summary: "Shows the size classes of the allocator." },
      { name: "memory|purge", arity: 2, flags: [], keys: NO_KEYS, proc: memoryPurgeCommand,
        categories: [],
        tips: ["request_policy:all_shards", "response_policy:all_succeeded"], since: "4.0.0",
        group: "server",
        complexity: "Grows with the memory that the server holds.",
        summary: "Gives unused memory back to the system." },
      { name: "memory|stats", arity: 2, flags: [], keys: NO_KEYS, proc: memoryStatsCommand,
        categories: [],
        tips: PER_SHARD, since: "4.0.0", group: "server", complexity: "O(1)",
        summary: "Returns the figures of the memory." },
      { name: "memory|usage", arity: -3, flags: ["readonly"], keys: [2, 2, 1], access: "RO",
        proc: memoryUsageCommand, categories: [], since: "4.0.0", group: "server",
        complexity: "O(N), N: elements that are sampled.",
        summary: "Tells how much memory a key takes." },
      { name: "memory|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
        proc: memoryHelpCommand,
        categories: [], since: "4.0.0", group: "server", complexity: "O(1)",
        summary: "Lists the subcommands." },
    ] },
];

const HELP = [
  "DOCTOR",
  "    Looks at the figures and says in words what is wrong, if anything.",
  "MALLOC-STATS",
  "    Shows what the allocator holds, by segment and size of block.",
  "PURGE",
  "    Moves blocks together and returns what becomes free to the system.",
  "STATS",
  "    Shows where memory goes, in bytes.",
  "USAGE <key> [SAMPLES <count>]",
  "    Estimates the bytes that a key and its value take. Of large values",
  "    <count> elements are looked at (default: 5; 0: each of them).",
];

const DEFAULT_SAMPLES = 5;

function memoryUsageCommand({ argv, reply, db }: Client): void {
  let samples = DEFAULT_SAMPLES;
  for (let index = 3; index < argv.count; index += 2) {
    if (!argv.is(index, "samples") || index + 1 === argv.count) throw SYNTAX_ERROR;
    samples = integerArgument(argv, index + 1);
    if (samples < 0) throw SYNTAX_ERROR;
  }
  const entry = db.findRaw(argv.bytes, argv.starts[2], argv.lengths[2]);
  if (entry === 0) reply.nil();
  else reply.integer(keyBytes(db, entry, samples));
}

/** A field of MEMORY STATS: a count of bytes, or a ratio. */
type StatsField = readonly [name: string, value: number, kind?: "ratio"];

function memoryStatsCommand({ reply, host }: Client): void {
  const report = memoryReport(host);
  const used = host.keyspace.databases.filter((db) => db.size > 0);
  const keyCount = used.reduce((count, db) => count + db.size, 0);
  const before = fieldsBefore(report, host);
  const after = fieldsAfter(report, keyCount);
  reply.map(before.length + used.length + after.length);
  replyFields(reply, before);
  for (const db of used) {
    const { keys, expires } = tableBytesOf(db);
    reply.bulkText(`db.${db.index}`);
    reply.map(3);
    replyFields(reply, [
      ["overhead.hashtable.main", keys],
      ["overhead.hashtable.expires", dict.count(db.arena, db.expires) === 0 ? 0 : expires],
      ["overhead.hashtable.slot-to-keys", 0],
    ]);
  }
  replyFields(reply, after);
}

function replyFields(reply: Client["reply"], fields: readonly StatsField[]): void {
  for (const [name, value, kind] of fields) {
    reply.bulkText(name);
    if (kind === "ratio") reply.double(value);
    else reply.integer(value);
  }
}

function fieldsBefore(report: MemoryReport, host: Client["host"]): StatsField[] {
  const { backlogBytes, replicaBytes } = host.replication.memory();
  return [
    ["peak.allocated", report.peakBytes],
    ["total.allocated", report.usedBytes],
    ["startup.allocated", report.startupBytes],
    ["replication.backlog", backlogBytes],
    ["clients.slaves", replicaBytes],
    ["clients.normal", report.clientBytes],
    ["cluster.links", 0],
    ["aof.buffer", host.persistence.aof.writer.bufferedBytes],
    ["lua.caches", host.scripting.cache.usedBytes],
    ["functions.caches", host.scripting.functions.usedBytes],
  ];
}

function fieldsAfter(report: MemoryReport, keyCount: number): StatsField[] {
  const { usedBytes } = report;
  const fragmentation = fragmentationOf(report);
  const sinceStart = Math.max(0, usedBytes - report.startupBytes);
  const ratio = (part: number, whole: number) => part / Math.max(1, whole);
  return [
    ["overhead.total", report.overheadBytes],
    ["keys.count", keyCount],
    ["keys.bytes-per-key", keyCount === 0 ? 0 : Math.floor(sinceStart / keyCount)],
    ["dataset.bytes", report.datasetBytes],
    ["dataset.percentage", report.datasetShare * 100, "ratio"],
    ["peak.percentage", ratio(usedBytes, report.peakBytes) * 100, "ratio"],
    ["allocator.allocated", fragmentation.allocatedBytes],
    ["allocator.active", fragmentation.activeBytes],
    ["allocator.resident", fragmentation.residentBytes],
    ["allocator-fragmentation.ratio", fragmentation.allocatorFragmentation.ratio, "ratio"],
    ["allocator-fragmentation.bytes", fragmentation.allocatorFragmentation.bytes],
    ["allocator-rss.ratio", fragmentation.allocatorRss.ratio, "ratio"],
    ["allocator-rss.bytes", fragmentation.allocatorRss.bytes],
    ["rss-overhead.ratio", fragmentation.rssOverhead.ratio, "ratio"],
    ["rss-overhead.bytes", fragmentation.rssOverhead.bytes],
    ["fragmentation", fragmentation.total.ratio, "ratio"],
    ["fragmentation.bytes", fragmentation.total.bytes],
  ];
}

const MIB = 1024 * 1024;
/** Below this, ratios say nothing. */
const DATA_BYTES_MIN = 5 * MIB;
const WASTE_BYTES_MIN = 10 * MIB;

function memoryDoctorCommand({ reply, host }: Client): void {
  const report = memoryReport(host);
  if (report.usedBytes < DATA_BYTES_MIN) {
    reply.verbatim("This instance is empty or holds very little data: there is nothing to say.\n");
    return;
  }
  const findings = findingsOf(report);
  reply.verbatim(
    findings.length === 0
      ? "No problem was found in the use of memory.\n"
      : findings.map((finding, index) => `${index + 1}. ${finding}\n`).join(""),
  );
}

function findingsOf(
  { usedBytes, peakBytes, rssBytes, clientBytes, arena }: MemoryReport,
): string[] {
  const findings: string[] = [];
  if (peakBytes / usedBytes > 1.5) {
    findings.push(
      `Peak memory: ${humanBytes(peakBytes)} were in use in the past, more than 150% of what is ` +
        "in use now. MEMORY PURGE gives back what is idle.",
    );
  }
  const unusedBytes = arena.segmentBytes - usedBytes;
  if (arena.segmentBytes / usedBytes > 1.4 && unusedBytes > WASTE_BYTES_MIN) {
    findings.push(
      `Fragmentation: ${humanBytes(unusedBytes)} of the segments in use are free but scattered, ` +
        "as happens when many values of one size were deleted. Active defragmentation moves them " +
        "together, unless active-defrag-threshold-auto and activedefrag forbid it.",
    );
  }
  const idleBytes = arena.reservedBytes - arena.segmentBytes;
  if (arena.reservedBytes / arena.segmentBytes > 1.1 && idleBytes > WASTE_BYTES_MIN) {
    findings.push(`Reserve: ${humanBytes(idleBytes)} are kept for new data or a running save.`);
  }
  const runtimeBytes = rssBytes - arena.reservedBytes;
  if (rssBytes / arena.reservedBytes > 1.5 && runtimeBytes > 200 * MIB) {
    findings.push(`Runtime: ${humanBytes(runtimeBytes)} are used beside the data.`);
  }
  if (clientBytes > 100 * MIB) {
    findings.push(
      `Clients: their buffers take ${humanBytes(clientBytes)}. CLIENT LIST shows whose; ` +
        "client-output-buffer-limit and maxmemory-clients limit them.",
    );
  }
  return findings;
}

function memoryPurgeCommand({ reply, host }: Client): void {
  host.activeDefrag.purge();
  host.memoryReturn.purge();
  reply.ok();
}

function memoryMallocStatsCommand({ reply, host }: Client): void {
  const { arena } = host;
  const { usedBytes, segmentBytes, reservedBytes, deferredBytes } = arena.statistics();
  const lines = [
    "Segments of 256 KiB, each with blocks of one size.",
    `used ${usedBytes}, segments ${segmentBytes}, reserved ${reservedBytes}, ` +
    `deferred ${deferredBytes}`,
    "",
    "block bytes   segments       blocks",
  ];
  for (const { classBytes, slabCount, blockCount } of arena.classStatistics()) {
    const [bytes, slabs, blocks] = [classBytes, slabCount, blockCount].map(String);
    lines.push(`${bytes.padStart(11)}${slabs.padStart(11)}${blocks.padStart(13)}`);
  }
  reply.verbatim(lines.join("\n") + "\n");
}

function memoryHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}
