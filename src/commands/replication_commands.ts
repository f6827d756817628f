/**
 * Replication commands: what clients ask of a master that has replicas: that their writes are safe
 * (WAIT), that one of the replicas takes its place (FAILOVER).
 */
import type { Argv } from "../protocol/argv.ts";
import { type Client, REDIS_DENY_BLOCKING } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { integerArgument } from "./arguments.ts";

const NO_KEYS = [0, 0, 0] as const;

// deno-fmt-ignore
export const replicationCommands: readonly RedisCommand[] = [
  { name: "failover", arity: -1, flags: ["admin", "noscript", "stale"], keys: NO_KEYS,
    proc: failoverCommand, categories: [], since: "6.2.0", group: "server", complexity: "O(1)",
    summary: "Makes a replica the master, without loss of data." },
  { name: "wait", arity: 3, flags: ["noscript"], keys: NO_KEYS, proc: waitCommand,
    categories: ["@connection"],
    tips: ["request_policy:all_shards", "response_policy:agg_min"],
    since: "3.0.0", group: "generic", complexity: "O(1)",
    summary: "Waits until replicas have received what this connection wrote." },
];

const FAILOVER_TIMEOUT = commandError("ERR FAILOVER timeout must be greater than 0");
const NO_FAILOVER = commandError("ERR No failover in progress.");
const NO_REPLICAS = commandError("ERR FAILOVER requires connected replicas.");
const WAIT_ON_REPLICA = commandError(
  "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a " +
    "replica is configured to be writable (which is not the default) writes to replicas are just " +
    "local and are not propagated.",
);
const TIMEOUT_NOT_AN_INTEGER = commandError("ERR timeout is not an integer or out of range");
const TIMEOUT_NEGATIVE = commandError("ERR timeout is negative");

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

/** Waits until so many replicas have what this client wrote. */
function waitCommand(client: Client): void {
  const { argv, reply, host: { replication } } = client;
  if (replication.state.isReplica) throw WAIT_ON_REPLICA;
  const wanted = integerArgument(argv, 1);
  const timeoutMs = waitTimeout(argv, 2);
  const offset = client.writeOffset;
  const count = () => replication.countAcknowledged(offset);
  if (count() >= wanted || client.has(REDIS_DENY_BLOCKING)) return reply.integer(count());
  const wait = {
    isFulfilled: () => count() >= wanted,
    answer: (waiting: Client) => waiting.reply.integer(count()),
  };
  replication.waits.add(client, wait, timeoutMs);
  replication.requestAcks();
}

function waitTimeout(argv: Argv, index: number): number {
  const timeoutMs = integerArgument(argv, index, TIMEOUT_NOT_AN_INTEGER);
  if (timeoutMs < 0) throw TIMEOUT_NEGATIVE;
  return timeoutMs;
}
