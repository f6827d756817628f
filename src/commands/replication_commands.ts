/**
 * Replication commands: what a master answers that has no replicas. It cannot become a replica, or
 * serve one, yet.
 */
import { latin1Text } from "../base/bytes.ts";
import { splitArguments } from "../protocol/inline_arguments.ts";
import { type Client, REDIS_DENY_BLOCKING } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { answersNotAvailable } from "./absent_commands.ts";
import { integerArgument } from "./arguments.ts";

const NO_KEYS = [0, 0, 0] as const;
const STREAMS_DATA = ["admin", "noscript", "no_async_loading", "no_multi"] as const;
const syncCommand = answersNotAvailable("Replication is");

// deno-fmt-ignore
export const replicationCommands: readonly RedisCommand[] = [
  { name: "failover", arity: -1, flags: ["admin", "noscript", "stale"], keys: NO_KEYS,
    proc: failoverCommand, categories: [], since: "6.2.0", group: "server", complexity: "O(1)",
    summary: "Makes a replica the master, without loss of data." },
  { name: "replconf", arity: -1, flags: ["admin", "noscript", "loading", "stale", "allow_busy"],
    keys: NO_KEYS, proc: replconfCommand, categories: [], since: "3.0.0", group: "server",
    complexity: "O(1)", summary: "Arranges the replication between two servers." },
  { name: "psync", arity: -3, flags: STREAMS_DATA, keys: NO_KEYS, proc: syncCommand,
    categories: [], since: "2.8.0", group: "server", complexity: "",
    summary: "Asks for all data, or for what was missed; sent by replicas." },
  { name: "sync", arity: 1, flags: STREAMS_DATA, keys: NO_KEYS, proc: syncCommand,
    categories: [], since: "1.0.0", group: "server", complexity: "",
    summary: "Asks for all data; sent by replicas." },
  { name: "wait", arity: 3, flags: ["noscript"], keys: NO_KEYS, proc: waitCommand,
    categories: ["@connection"],
    tips: ["request_policy:all_shards", "response_policy:agg_min"],
    since: "3.0.0", group: "generic", complexity: "O(1)",
    summary: "Waits until replicas have received what this connection wrote." },
];

const FAILOVER_TIMEOUT = commandError("ERR FAILOVER timeout must be greater than 0");
const NO_FAILOVER = commandError("ERR No failover in progress.");
const NO_REPLICAS = commandError("ERR FAILOVER requires connected replicas.");
const NO_FILTERS = commandError("ERR Missing rdb-filter-only values");
const NOT_ZERO_OR_ONE = commandError("ERR value is out of range, value must between 0 and 1");
const TIMEOUT_NOT_AN_INTEGER = commandError("ERR timeout is not an integer or out of range");
const TIMEOUT_NEGATIVE = commandError("ERR timeout is negative");
/** Beyond, a replica's address is refused. */
const ADDRESS_BYTES_MAX = 1024;

function failoverCommand({ argv }: Client): void {
  const given = { abort: false, timeout: false, to: false, force: false };
  for (let index = 1; index < argv.count; index++) {
    if (argv.is(index, "abort") && argv.count === 2) {
      given.abort = true;
    } else if (argv.is(index, "timeout") && index + 1 < argv.count && !given.timeout) {
      if (integerArgument(argv, ++index) <= 0) throw FAILOVER_TIMEOUT;
      given.timeout = true;
    } else if (argv.is(index, "to") && index + 2 < argv.count && !given.to) {
      integerArgument(argv, index + 2);
      index += 2;
      given.to = true;
    } else if (argv.is(index, "force") && !given.force) {
      given.force = true;
    } else {
      throw SYNTAX_ERROR;
    }
  }
  throw given.abort ? NO_FAILOVER : NO_REPLICAS;
}

/** Takes what a replica tells of itself, and forgets it. ACK and GETACK have no answer. */
function replconfCommand(client: Client): void {
  const { argv, reply } = client;
  if (argv.count % 2 === 0) throw SYNTAX_ERROR;
  for (let index = 1; index < argv.count; index += 2) {
    if (argv.is(index, "ack") || argv.is(index, "getack")) return;
    checkReplicaOption(client, index);
  }
  reply.ok();
}

function checkReplicaOption({ argv }: Client, index: number): void {
  if (argv.is(index, "listening-port")) {
    integerArgument(argv, index + 1);
  } else if (argv.is(index, "ip-address")) {
    const length = argv.lengths[index + 1];
    if (length > ADDRESS_BYTES_MAX) {
      throw commandError(
        `ERR REPLCONF ip-address provided by replica instance is too long: ${length} bytes`,
      );
    }
  } else if (argv.is(index, "rdb-only")) {
    const number = integerArgument(argv, index + 1);
    if (number !== 0 && number !== 1) throw NOT_ZERO_OR_ONE;
  } else if (argv.is(index, "rdb-filter-only")) {
    const filters = splitArguments(argv.bytes, argv.starts[index + 1], argv.lengths[index + 1]);
    if (filters === null) throw NO_FILTERS;
    const names = filters.map((filter) => latin1Text(filter, 0, filter.length));
    const unknown = names.find((name) => name.toLowerCase() !== "functions");
    if (unknown !== undefined) {
      throw commandError(`ERR Unsupported rdb-filter-only option: ${unknown}`);
    }
  } else if (!argv.is(index, "capa")) {
    throw commandError(`ERR Unrecognized REPLCONF option: ${argv.quoted(index)}`);
  }
}

/** There is no replica, so nobody but the clock can end the wait for one. */
function waitCommand(client: Client): void {
  const { argv, reply, host } = client;
  const wanted = integerArgument(argv, 1);
  const timeoutMs = integerArgument(argv, 2, TIMEOUT_NOT_AN_INTEGER);
  if (timeoutMs < 0) throw TIMEOUT_NEGATIVE;
  if (wanted <= 0 || client.has(REDIS_DENY_BLOCKING)) return reply.integer(0);
  const neverServed = () => false;
  host.blocking.block(client, [], 0, timeoutMs, neverServed, (waiting) => {
    waiting.reply.integer(0);
  });
}
