/**
 * DEBUG: what tests and tools need to look inside and to bring about what seldom happens. Allowed
 * only if `enable-debug-command` says so. Subcommands that crash the server on purpose, or concern
 * what Redeno does not have (jemalloc, replication, cluster), are unknown here.
 */
import { latin1Bytes, latin1Text, readableText, Slice } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import { pause } from "../base/pause.ts";
import { parseDouble } from "../base/doubles.ts";
import { datasetDigest, hexText, valueDigest } from "../keyspace/dataset_digest.ts";
import type { Ref } from "../memory/memory.ts";
import { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { type CommandError, commandError, NO_SUCH_KEY } from "../session/errors.ts";
import { protectionRefusal } from "../execution/protected_commands.ts";
import { BUSY_MODULE } from "../execution/yielding.ts";
import { userLines } from "../access/acl_file.ts";
import { rewriteConfigFile } from "../config/config_rewrite.ts";
import { tryParseBytes } from "../config/config_kinds.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as listpack from "../structures/listpack.ts";
import * as rawListpack from "../structures/raw_listpack.ts";
import * as quicklist from "../structures/quicklist.ts";
import * as quicklistNodes from "../structures/quicklist_nodes.ts";
import * as listValue from "../values/list_value.ts";
import * as stringValue from "../values/string_value.ts";
import * as hashValue from "../values/hash_value.ts";
import * as value from "../values/value.ts";
import { boundedIntegerArgument, integerArgument } from "./arguments.ts";
import { dumpPayload } from "./dump_commands.ts";
import { DEBUG_HELP } from "./debug_commands_help.ts";
import { replyProtocolSample } from "./debug_commands_protocol.ts";
import { replyHelp, wrongSubcommandArity } from "./help.ts";
import { encodingName } from "./key_commands.ts";
import { hashTableReport } from "./debug_commands_tables.ts";

// deno-fmt-ignore
export const debugCommands: readonly RedisCommand[] = [
  { name: "debug", arity: -2, flags: ["admin", "noscript", "loading", "stale"],
    keys: [0, 0, 0], protectedBy: "debug",
    proc: debugCommand, categories: [], since: "1.0.0", group: "server",
    complexity: "That of the subcommand.",
    summary: "Looks inside the server; for tests." },
];

/** Name, and the least and the largest number of arguments, the two names included. */
type Subcommand = readonly [
  name: string,
  argumentsMin: number,
  argumentsMax: number,
  proc: (client: Client) => void,
];

const SUBCOMMANDS: readonly Subcommand[] = [
  ["aof-flush-sleep", 3, 3, setAofFlushSleep],
  ["change-repl-id", 2, 2, changeReplicationId],
  ["config-rewrite-force-all", 2, 2, rewriteWholeConfig],
  ["digest", 2, 2, digest],
  ["digest-value", 2, Infinity, digestValue],
  ["error", 3, 3, replyGivenError],
  ["help", 2, 2, (client) => replyHelp(client, DEBUG_HELP)],
  ["htstats", 3, 4, tableStatistics],
  ["htstats-key", 3, 4, keyTableStatistics],
  ["listpack", 3, 3, showListpack],
  ["loadaof", 2, 2, loadAof],
  ["log", 3, 3, writeLog],
  ["object", 3, 4, describeObject],
  ["pause-cron", 3, 3, pauseCron],
  ["populate", 3, 5, populate],
  ["protocol", 3, 3, replyProtocolSample],
  ["quicklist", 3, 4, showQuicklist],
  ["quicklist-packed-threshold", 3, 3, setPackedThreshold],
  ["reload", 2, Infinity, reload],
  ["replicate", 3, Infinity, replicate],
  ["replybuffer", 4, 4, setReplyBuffer],
  ["sdslen", 3, 3, stringLengths],
  ["set-active-expire", 3, 3, setActiveExpire],
  ["set-skip-checksum-validation", 3, 3, setSkipChecksumValidation],
  ["sleep", 3, 3, sleep],
  ["sleep-yielding", 3, 3, sleepYielding],
];

const NOT_A_LISTPACK = commandError("ERR Not a listpack encoded object.");
const NOT_A_QUICKLIST = commandError("ERR Not a quicklist encoded object.");
const NOT_A_STRING = commandError("ERR Not an sds encoded string.");
const NOT_A_TABLE = commandError(
  "ERR The value stored at the specified key is not represented using an hash table",
);
const OUT_OF_RANGE_DATABASE = commandError("ERR Out of range database");
const MUST_BE_POSITIVE = commandError("ERR value is out of range, must be positive");
const INVALID_THRESHOLD = commandError(
  "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
);
const INVALID_RELOAD_OPTION = commandError(
  "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
);

function debugCommand(client: Client): void {
  const refusal = protectionRefusal(client, "debug");
  if (refusal !== null) throw refusal;
  const { argv } = client;
  const subcommand = SUBCOMMANDS.find(([name]) => argv.is(1, name));
  const count = argv.count;
  if (subcommand === undefined || count < subcommand[1] || count > subcommand[2]) {
    throw wrongSubcommandArity(argv);
  }
  subcommand[3](client);
}

/** The entry of the key in argument 2 as it is, expired or not. */
function entryOf({ db, argv }: Client, error: CommandError = NO_SUCH_KEY): Ref {
  const entry = db.findRaw(argv.bytes, argv.starts[2], argv.lengths[2]);
  if (entry === 0) throw error;
  return entry;
}

/** An argument as C's atoi reads it: what is no number counts as 0. */
function looseInteger({ argv }: Client, index: number): number {
  return Math.trunc(Number.parseInt(argv.text(index), 10)) || 0;
}

function changeReplicationId({ host, reply }: Client): void {
  host.log.notice("DEBUG CHANGE-REPL-ID: the replication ID is a new one");
  host.replication.state.changeId();
  host.replication.state.clearSecondId();
  reply.ok();
}

/** CONFIG REWRITE that leaves nothing out, whether it differs from the default or not. */
function rewriteWholeConfig({ host, reply }: Client): void {
  const error = rewriteConfigFile(host.config, userLines(host.acl), host.files, true);
  if (error !== null) {
    throw commandError(`ERR CONFIG-REWRITE-FORCE-ALL failed: ${error.replace(/^ERR /, "")}`);
  }
  reply.ok();
}

/** Sends a command to the replicas alone, so that they differ. There are none, so none gets it. */
function replicate({ reply }: Client): void {
  reply.ok();
}

function digest({ host, reply }: Client): void {
  reply.simple(hexText(datasetDigest(host.keyspace)));
}

function digestValue({ db, argv, reply }: Client): void {
  reply.array(argv.count - 2);
  for (let index = 2; index < argv.count; index++) {
    const entry = db.findRaw(argv.bytes, argv.starts[index], argv.lengths[index]);
    reply.simple(entry === 0 ? "0".repeat(40) : hexText(valueDigest(db, entry)));
  }
}

/** Makes each write to the AOF wait before it is made, as a slow disk does. */
function setAofFlushSleep(client: Client): void {
  client.host.persistence.aof.writer.flushSleepUs = looseInteger(client, 2);
  client.reply.ok();
}

function replyGivenError({ argv, reply }: Client): void {
  reply.error(argv.text(2));
}

function writeLog({ argv, reply, host }: Client): void {
  host.log.warning(`DEBUG LOG: ${readableText(argv.text(2))}`);
  reply.ok();
}

function tableStatistics(client: Client): void {
  const { argv, reply, host } = client;
  const index = integerArgument(argv, 2);
  const db = host.keyspace.databases[index];
  if (db === undefined) throw OUT_OF_RANGE_DATABASE;
  reply.verbatim(
    `[Dictionary HT]\n${hashTableReport(db.arena, db.keys)}` +
      `[Expires HT]\n${hashTableReport(db.arena, db.expires)}`,
  );
}

function keyTableStatistics(client: Client): void {
  const { arena } = client.db;
  const entry = entryOf(client);
  // Sets of this encoding are kept as hashes are.
  const table = hashValue.tableOfKey(arena, entry);
  if (table === 0) throw NOT_A_TABLE;
  client.reply.verbatim(hashTableReport(arena, table));
}

function showListpack(client: Client): void {
  const { arena } = client.db;
  const entry = entryOf(client);
  const encoding = value.encodingOf(arena, entry);
  if (encoding !== value.ENCODING_LISTPACK && encoding !== value.ENCODING_LISTPACK_EX) {
    throw NOT_A_LISTPACK;
  }
  const ref = value.valueRef(arena, entry);
  const raw = new Slice();
  listpack.rawSlice(arena, ref, raw);
  const { log } = client.host;
  log.notice(`Listpack of ${raw.length} bytes:`);
  rawListpack.forEach(raw.bytes, raw.start, (bytes, start, length) => {
    log.notice(`  ${JSON.stringify(latin1Text(bytes, start, length))}`);
  });
  client.reply.simple("Listpack structure printed on stdout");
}

function showQuicklist(client: Client): void {
  const { arena } = client.db;
  const entry = entryOf(client);
  if (value.typeOf(arena, entry) !== value.TYPE_LIST) throw NOT_A_QUICKLIST;
  const { log } = client.host;
  quicklist.forEachNode(arena, value.valueRef(arena, entry), (node) => {
    const form = quicklistNodes.isPlain(arena, node) ? "plain" : "packed";
    const count = quicklistNodes.entryCount(arena, node);
    log.notice(`Quicklist node: ${form}, ${count} entries`);
  });
  client.reply.simple("Quicklist structure printed on stdout");
}

function describeObject(client: Client): void {
  const { db, reply, host } = client;
  if (client.argv.count === 4 && !client.argv.is(3, "fast")) {
    throw wrongSubcommandArity(client.argv);
  }
  const entry = entryOf(client);
  const { arena } = db;
  const encoding = value.encodingOf(arena, entry);
  const idleSeconds = Math.floor(host.keyspace.idleMs(entry) / 1000);
  let text = `Value at:0x${entry.toString(16)} refcount:1 ` +
    `encoding:${encodingName(client, entry)} serializedlength:${serializedBytes(client, entry)}` +
    ` lru:${value.accessClock(arena, entry)} lru_seconds_idle:${idleSeconds}`;
  if (encoding === value.ENCODING_QUICKLIST) {
    const list = value.valueRef(arena, entry);
    const nodeCount = listValue.nodeCount(arena, list);
    const mean = listValue.length(arena, list) / nodeCount;
    text += ` ql_nodes:${nodeCount} ql_avg_node:${mean.toFixed(2)}` +
      ` ql_listpack_max:${host.config.listMaxListpackSize} ql_compressed:0` +
      ` ql_uncompressed_size:${quicklist.contentBytes(arena, list)}`;
  }
  reply.simple(text);
}

/** Bytes of the value in an RDB file, without the byte that tells its type. */
function serializedBytes({ host }: Client, entry: Ref): number {
  const typeAndFooterBytes = 1 + 10;
  return dumpPayload(host, entry).byteCount - typeAndFooterBytes;
}

function stringLengths(client: Client): void {
  const { arena } = client.db;
  const entry = entryOf(client);
  const encoding = value.encodingOf(arena, entry);
  const isText = encoding === value.ENCODING_EMBSTR || encoding === value.ENCODING_RAW;
  if (value.typeOf(arena, entry) !== value.TYPE_STRING || !isText) throw NOT_A_STRING;
  const keyBytes = dictEntry.keyBytes(arena, entry);
  const valueBytes = stringValue.byteLength(arena, entry);
  const outsideBytes = stringValue.memoryBytes(arena, entry);
  const blockBytes = arena.blockBytes(entry);
  client.reply.simple(
    `key_sds_len:${keyBytes}, key_sds_avail:0, key_zmalloc: ${blockBytes}, ` +
      `val_sds_len:${valueBytes}, val_sds_avail:0, val_zmalloc: ${outsideBytes}`,
  );
}

/** Creates keys as `key:0` = "value:0", without propagating them; those that exist are left. */
function populate(client: Client): void {
  const { argv, db, reply } = client;
  const keyCount = boundedIntegerArgument(argv, 2, 0, Number.MAX_SAFE_INTEGER, MUST_BE_POSITIVE);
  const prefix = argv.count > 3 ? argv.text(3) : "key";
  let valueBytes = 0;
  if (argv.count === 5) {
    valueBytes = boundedIntegerArgument(
      argv,
      4,
      0,
      client.host.config.protoMaxBulkLen,
      MUST_BE_POSITIVE,
    );
  }
  const key = new Argv();
  for (let index = 0; index < keyCount; index++) {
    const name = latin1Bytes(`${prefix}:${index}`);
    if (db.findRaw(name, 0, name.length) !== 0) continue;
    db.arena.requireRoom(name.length + valueBytes);
    let bytes = latin1Bytes(`value:${index}`);
    if (valueBytes > 0) {
      const padded = new Uint8Array(valueBytes);
      padded.set(bytes.subarray(0, valueBytes));
      bytes = padded;
    }
    db.setString(key.point(name, 0, name.length), 0, bytes, 0, bytes.length, value.NO_EXPIRY);
  }
  client.propagateNothing();
  reply.ok();
}

function setActiveExpire(client: Client): void {
  client.host.expireCycle.isEnabled = looseInteger(client, 2) !== 0;
  client.reply.ok();
}

function setSkipChecksumValidation(client: Client): void {
  client.host.persistence.rdb.skipsChecksums = looseInteger(client, 2) !== 0;
  client.reply.ok();
}

function pauseCron(client: Client): void {
  client.host.process.isCronPaused = looseInteger(client, 2) !== 0;
  client.reply.ok();
}

/** The largest wait that a timer of the system takes. */
const SLEEP_MS_MAX = 2 ** 31 - 1;
/** Pause between two rounds in which others are served. */
const YIELD_PERIOD_US = 1000;

/** Stops everything for a while, as a slow command does. */
function sleep({ argv, reply }: Client): void {
  pause(sleepMs(argv) * 1000);
  reply.ok();
}

function sleepMs(argv: Argv): number {
  const seconds = parseDouble(argv.bytes, argv.starts[2], argv.lengths[2]);
  return seconds > 0 ? Math.min(seconds * 1000, SLEEP_MS_MAX) : 0;
}

/** Others are served meanwhile, where the sockets allow it: as while a script runs long. */
function sleepYielding({ argv, reply, host }: Client): void {
  const endUs = clock.monotonicUs() + sleepMs(argv) * 1000;
  while (clock.monotonicUs() < endUs) {
    host.yielding.serveOthers(BUSY_MODULE);
    pause(YIELD_PERIOD_US);
  }
  reply.ok();
}

function setPackedThreshold({ argv, reply, db }: Client): void {
  const bytes = tryParseBytes(argv.text(2));
  if (bytes === null || bytes > 2n ** 32n) throw INVALID_THRESHOLD;
  quicklistNodes.setPackedLimit(db.arena, Number(bytes));
  reply.ok();
}

/** Redis keeps reply buffers between replies and shrinks them; here they go back at once. */
function setReplyBuffer({ argv, reply }: Client): void {
  if (argv.is(2, "peak-reset-time")) {
    if (!argv.is(3, "never") && !argv.is(3, "reset")) integerArgument(argv, 3);
  } else if (!argv.is(2, "resizing")) {
    throw wrongSubcommandArity(argv);
  }
  reply.ok();
}

function reload(client: Client): void {
  const { argv, host } = client;
  const options = { saves: true, flushes: true, merges: false };
  for (let index = 2; index < argv.count; index++) {
    if (argv.is(index, "nosave")) options.saves = false;
    else if (argv.is(index, "noflush")) options.flushes = false;
    else if (argv.is(index, "merge")) options.merges = true;
    else throw INVALID_RELOAD_OPTION;
  }
  host.persistence.reload(client, options);
}

function loadAof(client: Client): void {
  client.host.persistence.reloadAof(client);
}
