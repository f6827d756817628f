/**
 * Errors: every reply that tells a client it is wrong, in Redis's words. The texts are API.
 *
 * A procedure throws; `dispatch.ts` has the only catch and writes the reply. The constants are
 * built once and carry no stack, since throwing a prebuilt object costs a sixth of making an Error.
 * The rule that makes throwing safe: no throw after the first change.
 */
import type { Argv } from "../protocol/argv.ts";

/** So much of what a client sent is shown in an error. */
export const SHOWN_ARGUMENT_BYTES_MAX = 128;

/** What a client did wrong; `text` is the reply without its leading "-". */
export class CommandError {
  constructor(readonly text: string) {}
}

function error(text: string): CommandError {
  return new CommandError(text);
}

export const SYNTAX_ERROR = error("ERR syntax error");
export const WRONG_TYPE = error(
  "WRONGTYPE Operation against a key holding the wrong kind of value",
);
export const NOT_AN_INTEGER = error("ERR value is not an integer or out of range");
export const NOT_A_FLOAT = error("ERR value is not a valid float");
export const OUT_OF_RANGE = error("ERR value is out of range");
export const MUST_BE_POSITIVE = error("ERR value is out of range, must be positive");
export const NO_SUCH_KEY = error("ERR no such key");
export const INDEX_OUT_OF_RANGE = error("ERR index out of range");
export const INCREMENT_OVERFLOW = error("ERR increment or decrement would overflow");
export const NAN_OR_INFINITY = error("ERR increment would produce NaN or Infinity");
export const INVALID_CURSOR = error("ERR invalid cursor");
export const STRING_TOO_LONG = error(
  "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
);
export const OUT_OF_MEMORY = error("OOM command not allowed when used memory > 'maxmemory'.");
export const NO_AUTH = error("NOAUTH Authentication required.");
export const NO_GOOD_REPLICAS = error("NOREPLICAS Not enough good replicas to write.");
export const READ_ONLY_REPLICA = commandError(
  "READONLY You can't write against a read only replica.",
);
export const MASTER_DOWN = commandError(
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
);
export const LOADING = error("LOADING Redis is loading the dataset in memory");
export const EXEC_ABORT = error("EXECABORT Transaction discarded because of previous errors.");
export const EXEC_WITHOUT_MULTI = error("ERR EXEC without MULTI");
export const DISCARD_WITHOUT_MULTI = error("ERR DISCARD without MULTI");
export const NESTED_MULTI = error("ERR MULTI calls can not be nested");
export const WATCH_INSIDE_MULTI = error("ERR WATCH inside MULTI is not allowed");
export const DB_INDEX_OUT_OF_RANGE = error("ERR DB index is out of range");

/** "wrong number of arguments"; `name` is the full name, "config|get" for a subcommand. */
export function wrongArity(name: string): CommandError {
  return error(`ERR wrong number of arguments for '${name}' command`);
}

/** "invalid expire time"; `name` is the command's full name. */
export function invalidExpireTime(name: string): CommandError {
  return error(`ERR invalid expire time in '${name}' command`);
}

/** A command that does not exist, with the beginning of its arguments. */
export function unknownCommand(argv: Argv): CommandError {
  let shown = "";
  for (let index = 1; index < argv.count && shown.length < SHOWN_ARGUMENT_BYTES_MAX; index++) {
    shown += `'${argv.quoted(index, SHOWN_ARGUMENT_BYTES_MAX - shown.length)}' `;
  }
  const name = argv.quoted(0, SHOWN_ARGUMENT_BYTES_MAX);
  return error(`ERR unknown command '${name}', with args beginning with: ${shown}`);
}

/**
 * A subcommand that does not exist, as it is to be shown; `name` is the container's name in
 * capitals.
 */
export function unknownSubcommand(subcommand: string, name: string): CommandError {
  return error(`ERR unknown subcommand '${subcommand}'. Try ${name} HELP.`);
}

/** An error with a text of its own, for messages that only one command has. */
export function commandError(text: string): CommandError {
  return error(text);
}
