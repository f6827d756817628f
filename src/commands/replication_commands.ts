/**
 * Replication commands: what clients ask of a master that has replicas: that their writes are safe
 * (WAIT, WAITAOF), that one of the replicas takes its place (FAILOVER).
 */
import type { MasterAddress } from "../config/config_kinds.ts";
import type { Argv } from "../protocol/argv.ts";
import type { FailoverRequest } from "../replication/failover.ts";
import { type Client, REDIS_DENY_BLOCKING } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, MUST_BE_POSITIVE, SYNTAX_ERROR } from "../session/errors.ts";
import { integerArgument } from "./arguments.ts";

const NO_KEYS = [0, 0, 0] as const;

// deno-fmt-ignore
export const replicationCommands: readonly RedisCommand[] = [
  { name: "failover", arity: -1, flags: ["admin", "noscript", "stale"], keys: NO_KEYS,
    proc: failoverCommand, categories: [], since: "6.2.0", group: "server", complexity: "O(1)",
    summary: "Makes a replica the master, without loss of data." },
  { name: "wait", arity: 3, flags: ["noscript"], keys: NO_KEYS, proc: waitCommand,
    changedIn: ["7.2", { flags: ["blocking"] }],
    categories: ["@connection"],
    tips: ["request_policy:all_shards", "response_policy:agg_min"],
    since: "3.0.0", group: "generic", complexity: "O(1)",
    summary: "Waits until replicas have received what this connection wrote." },
  { name: "waitaof", arity: 4, flags: ["noscript"], keys: NO_KEYS, proc: waitaofCommand,
    changedIn: ["7.2", { flags: ["blocking"] }],
    categories: ["@connection"],
    tips: ["request_policy:all_shards", "response_policy:agg_min"],
    since: "7.2.0", group: "generic", complexity: "O(1)",
    summary: "Waits until what this connection wrote is on disks, here and of replicas." },
];

const FAILOVER_TIMEOUT = commandError("ERR FAILOVER timeout must be greater than 0");
const NO_FAILOVER = commandError("ERR No failover in progress.");
const FAILOVER_UNDER_WAY = commandError("ERR FAILOVER already in progress.");
const FAILOVER_OF_REPLICA = commandError("ERR FAILOVER is not valid when server is a replica.");
const FORCE_NEEDS_MORE = commandError(
  "ERR FAILOVER with force option requires both a timeout and target HOST and IP.",
);
const NOT_A_REPLICA = commandError("ERR FAILOVER target HOST and PORT is not a replica.");
const NOT_ONLINE = commandError("ERR FAILOVER target replica is not online.");
const NO_REPLICAS = commandError("ERR FAILOVER requires connected replicas.");
const WAIT_ON_REPLICA = commandError(
  "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a " +
    "replica is configured to be writable (which is not the default) writes to replicas are just " +
    "local and are not propagated.",
);
const NOT_ZERO_OR_ONE = commandError("ERR value is out of range, value must between 0 and 1");
const WAITAOF_ON_REPLICA = commandError(
  "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas " +
    "are just local and are not propagated.",
);
const WAITAOF_WITHOUT_AOF = commandError(
  "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
);
const TIMEOUT_NOT_AN_INTEGER = commandError("ERR timeout is not an integer or out of range");
const TIMEOUT_NEGATIVE = commandError("ERR timeout is negative");

function failoverCommand(client: Client): void {
  const { argv, reply, host: { replication } } = client;
  const { failover, replicas, state } = replication;
  const request = failoverRequest(argv);
  if (request === "abort") {
    if (!failover.isUnderWay) throw NO_FAILOVER;
    failover.abort("as asked for");
    return reply.ok();
  }
  if (failover.isUnderWay) throw FAILOVER_UNDER_WAY;
  if (state.isReplica) throw FAILOVER_OF_REPLICA;
  if (replicas.size === 0) throw NO_REPLICAS;
  const { target, timeoutMs, isForced } = request;
  if (isForced && (timeoutMs === 0 || target === null)) throw FORCE_NEEDS_MORE;
  if (target !== null) {
    const replica = failover.find(target);
    if (replica === null) throw NOT_A_REPLICA;
    if (replica.phase !== "online") throw NOT_ONLINE;
  }
  failover.start(request);
  reply.ok();
}

function failoverRequest(argv: Argv): FailoverRequest | "abort" {
  let timeoutMs = 0;
  let target: MasterAddress | null = null;
  let isForced = false;
  for (let index = 1; index < argv.count; index++) {
    if (argv.is(index, "timeout") && index + 1 < argv.count && timeoutMs === 0) {
      timeoutMs = integerArgument(argv, ++index);
      if (timeoutMs <= 0) throw FAILOVER_TIMEOUT;
    } else if (argv.is(index, "to") && index + 2 < argv.count && target === null) {
      target = { host: argv.text(index + 1), port: integerArgument(argv, index + 2) };
      index += 2;
    } else if (argv.is(index, "abort") && argv.count === 2) {
      return "abort";
    } else if (argv.is(index, "force") && !isForced) {
      isForced = true;
    } else {
      throw SYNTAX_ERROR;
    }
  }
  return { target, timeoutMs, isForced };
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

/** Waits until what this client wrote is on the disk here, and on those of so many replicas. */
function waitaofCommand(client: Client): void {
  const { argv, host: { config, persistence, propagation, replication } } = client;
  const wantedHere = integerArgument(argv, 1);
  if (wantedHere !== 0 && wantedHere !== 1) throw NOT_ZERO_OR_ONE;
  const wanted = integerArgument(argv, 2);
  if (wanted < 0) throw MUST_BE_POSITIVE;
  const timeoutMs = waitTimeout(argv, 3);
  if (replication.state.isReplica) throw WAITAOF_ON_REPLICA;
  if (wantedHere > 0 && !config.appendonly) throw WAITAOF_WITHOUT_AOF;
  const { writeOffset, aofOffset } = client;
  // Units may have gone elsewhere while the AOF was off.
  const ahead = propagation.aofBytes - persistence.aof.writer.takenBytes;
  const countHere = () => persistence.aof.writer.safeBytes + ahead >= aofOffset ? 1 : 0;
  const count = () => replication.countSynced(writeOffset);
  const wait = {
    isFulfilled: () => countHere() >= wantedHere && count() >= wanted,
    answer: (waiting: Client) => {
      waiting.reply.array(2);
      waiting.reply.integer(config.appendonly ? countHere() : 0);
      waiting.reply.integer(count());
    },
  };
  if (wait.isFulfilled() || client.has(REDIS_DENY_BLOCKING)) return wait.answer(client);
  replication.waits.add(client, wait, timeoutMs);
  replication.requestAcks();
}

function waitTimeout(argv: Argv, index: number): number {
  const timeoutMs = integerArgument(argv, index, TIMEOUT_NOT_AN_INTEGER);
  if (timeoutMs < 0) throw TIMEOUT_NEGATIVE;
  return timeoutMs;
}
