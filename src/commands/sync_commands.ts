/**
 * Sync commands: what replicas send: who they are (REPLCONF), that they want the data (PSYNC,
 * SYNC), and how far they have come (REPLCONF ACK).
 */
import { latin1Text } from "../base/bytes.ts";
import { splitArguments } from "../protocol/inline_arguments.ts";
import { CAPABILITY_EOF, CAPABILITY_PSYNC2, type ReplicaOptions } from "../replication/replica.ts";
import { type Client, REDIS_MONITOR, REDIS_REPLICA } from "../session/client.ts";
import { clientLine } from "../session/client_listing.ts";
import type { RedisCommand } from "../session/command.ts";
import { CommandError, commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { integerArgument } from "./arguments.ts";

const NO_KEYS = [0, 0, 0] as const;
const STREAMS_DATA = ["admin", "noscript", "no_async_loading", "no_multi"] as const;

// deno-fmt-ignore
export const syncCommands: readonly RedisCommand[] = [
  { name: "replconf", arity: -1, flags: ["admin", "noscript", "loading", "stale", "allow_busy"],
    keys: NO_KEYS, proc: replconfCommand, categories: [], since: "3.0.0", group: "server",
    complexity: "O(1)", summary: "Arranges the replication between two servers." },
  { name: "psync", arity: -3, flags: STREAMS_DATA, keys: NO_KEYS, proc: psyncCommand,
    categories: [], since: "2.8.0", group: "server", complexity: "",
    summary: "Asks for all data, or for what was missed; sent by replicas." },
  { name: "sync", arity: 1, flags: STREAMS_DATA, keys: NO_KEYS, proc: syncCommand,
    categories: [], since: "1.0.0", group: "server", complexity: "",
    summary: "Asks for all data; sent by replicas." },
];

const NO_FILTERS = commandError("ERR Missing rdb-filter-only values");
const NOT_ZERO_OR_ONE = commandError("ERR value is out of range, value must between 0 and 1");
const FAILING_OVER = commandError("NOMASTERLINK Can't SYNC while failing over");
const NO_MASTER_LINK = commandError("NOMASTERLINK Can't SYNC while not connected with my master");
const PENDING_OUTPUT = commandError("ERR SYNC and PSYNC are invalid with pending output");
const FILTER_WITHOUT_MARK = commandError("ERR Filtered replica requires EOF capability");
const FAILOVER_TO_MASTER = commandError("ERR PSYNC FAILOVER can't be sent to a master.");
const FAILOVER_OTHER_ID = commandError("ERR PSYNC FAILOVER replid must match my replid.");
/** Beyond, a replica's address is refused. */
const ADDRESS_BYTES_MAX = 256;

function syncCommand(client: Client): void {
  // Redis: asked again, it is not answered.
  if (isFollower(client)) return;
  checkMayServe(client);
  attach(client, null);
}

function psyncCommand(client: Client): void {
  if (isFollower(client)) return;
  const { argv, host: { log } } = client;
  if (argv.count > 3 && argv.is(3, "failover")) takeOver(client);
  checkMayServe(client);
  let offset: number;
  try {
    offset = integerArgument(argv, 2);
  } catch (error) {
    if (error instanceof CommandError) {
      log.warning(`${client.transport.peerAddress} asks for data from a wrong offset on`);
    }
    throw error;
  }
  attach(client, { id: argv.text(1), offset });
}

/** Redis counts a client in MONITOR among the replicas. */
function isFollower({ flags }: Client): boolean {
  return (flags & (REDIS_REPLICA | REDIS_MONITOR)) !== 0;
}

/** The master asks this replica of it to take its place (FAILOVER). */
function takeOver(client: Client): void {
  const { argv, host: { log, masterLink, replication: { state } } } = client;
  const id = argv.text(1);
  log.warning(`A failover is asked for, with history ${id}`);
  if (!state.isReplica) throw FAILOVER_TO_MASTER;
  if (id.toLowerCase() !== state.replicationId) throw FAILOVER_OTHER_ID;
  masterLink.unfollow();
  log.notice(`This server is a master now, as a failover asks for: '${clientLine(client)}'`);
}

function checkMayServe({ reply, host: { masterLink, replication } }: Client): void {
  if (replication.failover.isUnderWay) throw FAILING_OVER;
  if (replication.state.isReplica && !masterLink.isConnected) throw NO_MASTER_LINK;
  if (reply.length > 0) throw PENDING_OUTPUT;
}

function attach(client: Client, from: { id: string; offset: number } | null): void {
  const { pubsub, replication, tracking } = client.host;
  const { capabilities, excludesData, excludesLibraries } = replication.optionsOf(client);
  const isFiltered = excludesData || excludesLibraries;
  if (isFiltered && (capabilities & CAPABILITY_EOF) === 0) throw FILTER_WITHOUT_MARK;
  // From now on nothing but the stream may be sent to it.
  pubsub.unsubscribeAll(client);
  tracking.disable(client);
  replication.attach(client, from);
}

/** Takes what a replica tells of itself. ACK and GETACK have no answer. */
function replconfCommand(client: Client): void {
  const { argv, host, reply } = client;
  if (argv.count % 2 === 0) throw SYNTAX_ERROR;
  const options = host.replication.optionsOf(client);
  for (let index = 1; index < argv.count; index += 2) {
    if (argv.is(index, "ack")) return acknowledge(client, index);
    if (argv.is(index, "getack")) return host.masterLink.sendAck();
    setReplicaOption(client, index, options);
  }
  reply.ok();
}

/** REPLCONF ACK offset [FACK offset]; the second one since Redis 7.2. */
function acknowledge(client: Client, index: number): void {
  const { argv, host: { replication } } = client;
  const replica = replication.replicaOf(client);
  if (replica === null) return;
  const offset = Number(argv.text(index + 1));
  if (!Number.isInteger(offset)) return;
  const hasSynced = index + 3 < argv.count && argv.is(index + 2, "fack");
  const synced = hasSynced ? Number(argv.text(index + 3)) : NaN;
  replication.acknowledge(replica, offset, Number.isInteger(synced) ? synced : null);
}

function setReplicaOption({ argv }: Client, index: number, options: ReplicaOptions): void {
  if (argv.is(index, "listening-port")) {
    options.listeningPort = integerArgument(argv, index + 1);
  } else if (argv.is(index, "ip-address")) {
    const length = argv.lengths[index + 1];
    if (length >= ADDRESS_BYTES_MAX) {
      throw commandError(
        `ERR REPLCONF ip-address provided by replica instance is too long: ${length} bytes`,
      );
    }
    options.address = argv.text(index + 1);
  } else if (argv.is(index, "capa")) {
    // What is not known is not used.
    if (argv.is(index + 1, "eof")) options.capabilities |= CAPABILITY_EOF;
    else if (argv.is(index + 1, "psync2")) options.capabilities |= CAPABILITY_PSYNC2;
  } else if (argv.is(index, "rdb-only")) {
    const number = integerArgument(argv, index + 1);
    if (number !== 0 && number !== 1) throw NOT_ZERO_OR_ONE;
    options.isRdbOnly = number === 1;
  } else if (argv.is(index, "rdb-filter-only")) {
    setFilter(argv.bytes.subarray(argv.starts[index + 1]), argv.lengths[index + 1], options);
  } else if (!argv.is(index, "version")) {
    throw commandError(`ERR Unrecognized REPLCONF option: ${argv.quoted(index)}`);
  }
}

/** What the words of rdb-filter-only do not name is left out of the data. */
function setFilter(bytes: Uint8Array, length: number, options: ReplicaOptions): void {
  const filters = splitArguments(bytes, 0, length);
  if (filters === null) throw NO_FILTERS;
  options.excludesData = true;
  options.excludesLibraries = true;
  for (const filter of filters) {
    const name = latin1Text(filter, 0, filter.length);
    if (name.toLowerCase() !== "functions") {
      throw commandError(`ERR Unsupported rdb-filter-only option: ${name}`);
    }
    options.excludesLibraries = false;
  }
}
