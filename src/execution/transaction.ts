/** Transaction: the queue between MULTI and EXEC, and how it ends (Redis: multi.c). */
import {
  type Client,
  emptyMultiState,
  type MultiCmd,
  REDIS_DIRTY_CAS,
  REDIS_DIRTY_EXEC,
  REDIS_MULTI,
} from "../session/client.ts";
import { Argv } from "../protocol/argv.ts";
import type { CompiledCommand } from "../session/command.ts";
import { type CommandError, commandError } from "../session/errors.ts";

/** Arguments of queues that have run, for the next ones: so many, and none with more bytes. */
const SPARE_MAX = 256;
const SPARE_BYTES_MAX = 1024;
const spare: Argv[] = [];

/** A queue has run, and nobody has its arguments any more. */
export function recycleQueue(commands: readonly MultiCmd[]): void {
  for (const { argv } of commands) {
    if (spare.length < SPARE_MAX && argv.bytes.length <= SPARE_BYTES_MAX) spare.push(argv);
  }
}

/** Appends the command in the client's `argv` to its queue. */
export function queueCommand(client: Client, cmd: CompiledCommand): void {
  const { mstate } = client;
  const argv = (spare.pop() ?? new Argv()).copyFrom(client.argv);
  mstate.commands.push({ argv, argc: argv.count, cmd });
  mstate.count++;
  mstate.argvBytes += argv.totalBytes();
  const bits = client.bitsOf(cmd);
  mstate.anyBits |= bits;
  mstate.commonBits &= bits;
  client.command = cmd;
}

/** Leaves the transaction: drops its queue and the watches. */
export function discardTransaction(client: Client): void {
  client.mstate = emptyMultiState();
  client.flags &= ~(REDIS_MULTI | REDIS_DIRTY_CAS | REDIS_DIRTY_EXEC);
  client.host.watch.unwatchAll(client);
}

/** EXEC was refused: the transaction is dropped. Returns the error that becomes its outcome. */
export function abortTransaction(client: Client, error: CommandError): CommandError {
  discardTransaction(client);
  const text = error.text.replace(/^ERR /, "");
  return commandError(`EXECABORT Transaction discarded because of: ${text}`);
}
