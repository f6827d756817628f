/**
 * Command checks: why a command may not be carried out now, or queued, in Redis's order
 * (processCommand). Which of them concern a command says its row.
 */
import {
  type Client,
  REDIS_LIMITED_USER,
  REDIS_MONITOR,
  REDIS_MULTI,
  REDIS_PUBSUB,
  REDIS_REPLICA,
} from "../session/client.ts";
import {
  COMMAND_ALLOW_BUSY,
  COMMAND_ALLOWED_IN_SUBSCRIBE,
  COMMAND_DENYOOM,
  COMMAND_LOADING,
  COMMAND_MAY_REPLICATE,
  COMMAND_NEVER_QUEUED,
  COMMAND_NO_ASYNC_LOADING,
  COMMAND_NO_AUTH,
  COMMAND_NO_MULTI,
  COMMAND_PROTECTED,
  COMMAND_READONLY,
  COMMAND_REFUSED_WITHOUT_DISK,
  COMMAND_RUNS_QUEUE,
  COMMAND_STALE,
  COMMAND_WRITE,
  type CompiledCommand,
} from "../session/command.ts";
import {
  type CommandError,
  commandError,
  LOADING,
  MASTER_DOWN,
  NO_AUTH,
  NO_GOOD_REPLICAS,
  OUT_OF_MEMORY,
  READ_ONLY_REPLICA,
} from "../session/errors.ts";
import {
  GATE_BUSY,
  GATE_LOADING,
  GATE_LOADING_BESIDE,
  GATE_MASTER_DOWN,
  GATE_MEMORY,
  GATE_MISCONF,
  GATE_NO_REPLICAS,
  GATE_READ_ONLY,
} from "../session/gates.ts";
import { lacksRoom } from "../upkeep/address_space.ts";
import { protectionRefusal } from "./protected_commands.ts";

const TOUCHES_DATA = COMMAND_READONLY | COMMAND_WRITE | COMMAND_MAY_REPLICATE;

type Check = (client: Client, command: CompiledCommand) => CommandError | null;

/** In Redis's order; the first that objects refuses the command. */
const CHECKS: readonly Check[] = [
  checkProtected,
  checkAuthentication,
  checkMultiAllowed,
  checkPermission,
  checkMemory,
  checkDisk,
  checkReplicas,
  checkReadOnly,
  checkPubSub,
  checkMaster,
  checkLoading,
  checkLoadingBeside,
  checkBusy,
  checkFollower,
];

/** Why a client may not have the command in its `argv` carried out, or queued; null if it may. */
export function findRefusal(client: Client, command: CompiledCommand): CommandError | null {
  for (const check of CHECKS) {
    const error = check(client, command);
    if (error !== null) return error;
  }
  return null;
}

/** In a transaction they are refused before they are queued; else they do this by themselves. */
function checkProtected(client: Client, command: CompiledCommand): CommandError | null {
  if ((command.bits & COMMAND_PROTECTED) === 0) return null;
  return protectionRefusal(client, command.protectedBy!);
}

function checkAuthentication(client: Client, command: CompiledCommand): CommandError | null {
  return client.isAuthenticated || (command.bits & COMMAND_NO_AUTH) !== 0 ? null : NO_AUTH;
}

function checkMultiAllowed({ flags }: Client, command: CompiledCommand): CommandError | null {
  if ((flags & REDIS_MULTI) === 0 || (command.bits & COMMAND_NO_MULTI) === 0) return null;
  return commandError("ERR Command not allowed inside a transaction");
}

function checkPermission(client: Client, command: CompiledCommand): CommandError | null {
  return client.has(REDIS_LIMITED_USER) ? client.host.acl.refusal(client, command) : null;
}

function checkMemory(client: Client, command: CompiledCommand): CommandError | null {
  const { host, flags, argv } = client;
  if ((host.gates.bits & GATE_MEMORY) === 0) return null;
  if (lacksRoom(host.arena, command, argv)) return OUT_OF_MEMORY;
  // Nothing is evicted from under a command that runs.
  if ((host.gates.bits & GATE_BUSY) !== 0) return null;
  if (host.memoryLimit.freeMemoryIfNeeded()) return null;
  // Redis: a transaction takes memory while it is queued, whatever its commands do.
  const isQueued = (flags & REDIS_MULTI) !== 0 && (command.bits & COMMAND_NEVER_QUEUED) === 0;
  return isQueued || (client.bitsOf(command) & COMMAND_DENYOOM) !== 0 ? OUT_OF_MEMORY : null;
}

function checkDisk(client: Client, command: CompiledCommand): CommandError | null {
  const { host } = client;
  if ((host.gates.bits & GATE_MISCONF) === 0) return null;
  // Redis: PING is refused, too, but not an EXEC of it.
  const isRefused = (client.bitsOf(command) & COMMAND_WRITE) !== 0 ||
    (command.bits & COMMAND_REFUSED_WITHOUT_DISK) !== 0;
  return isRefused ? host.persistence.writeError() : null;
}

function checkReplicas(client: Client, command: CompiledCommand): CommandError | null {
  if ((client.host.gates.bits & GATE_NO_REPLICAS) === 0) return null;
  return (client.bitsOf(command) & COMMAND_WRITE) !== 0 ? NO_GOOD_REPLICAS : null;
}

function checkReadOnly(client: Client, command: CompiledCommand): CommandError | null {
  if ((client.host.gates.bits & GATE_READ_ONLY) === 0) return null;
  return (client.bitsOf(command) & COMMAND_WRITE) === 0 ? null : READ_ONLY_REPLICA;
}

function checkPubSub(client: Client, command: CompiledCommand): CommandError | null {
  const isLimited = (client.flags & REDIS_PUBSUB) !== 0 && client.reply.resp === 2;
  if (!isLimited || (command.bits & COMMAND_ALLOWED_IN_SUBSCRIBE) !== 0) return null;
  return commandError(
    `ERR Can't execute '${command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / ` +
      "RESET are allowed in this context",
  );
}

function checkMaster(client: Client, command: CompiledCommand): CommandError | null {
  if ((client.host.gates.bits & GATE_MASTER_DOWN) === 0) return null;
  // Of a script that says so itself.
  const isAllowed = (client.bitsOf(command) & commonBits(client, command) & COMMAND_STALE) !== 0;
  return isAllowed ? null : MASTER_DOWN;
}

function checkLoading(client: Client, command: CompiledCommand): CommandError | null {
  if ((client.host.gates.bits & GATE_LOADING) === 0) return null;
  return (command.bits & commonBits(client, command) & COMMAND_LOADING) === 0 ? LOADING : null;
}

/** The flags that all commands have which EXEC would run; all flags for any other command. */
function commonBits({ mstate }: Client, { bits }: CompiledCommand): number {
  return (bits & COMMAND_RUNS_QUEUE) !== 0 ? mstate.commonBits : ~0;
}

function checkLoadingBeside(client: Client, command: CompiledCommand): CommandError | null {
  if ((client.host.gates.bits & GATE_LOADING_BESIDE) === 0) return null;
  return (client.bitsOf(command) & COMMAND_NO_ASYNC_LOADING) === 0 ? null : LOADING;
}

/** A command that takes long has others served meanwhile: as far as they touch no data. */
function checkBusy({ host }: Client, command: CompiledCommand): CommandError | null {
  const isAllowed = (host.gates.bits & GATE_BUSY) === 0 ||
    (command.bits & COMMAND_ALLOW_BUSY) !== 0;
  return isAllowed ? null : host.yielding.busyError;
}

/** Redis counts a client in MONITOR among the replicas. */
function checkFollower(client: Client, command: CompiledCommand): CommandError | null {
  if ((client.flags & (REDIS_MONITOR | REDIS_REPLICA)) === 0) return null;
  const isTouching = (client.bitsOf(command) & TOUCHES_DATA) !== 0;
  return isTouching ? commandError("ERR Replica can't interact with the keyspace") : null;
}
