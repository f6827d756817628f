/**
 * What commands that run scripts and functions have in common: their flags and keys, the number of
 * keys that they are given.
 */
import type { CommandFlag, CommandTrait, KeySpec } from "../session/command.ts";
import { type CommandError, commandError } from "../session/errors.ts";
import type { Argv } from "../protocol/argv.ts";
import { integerArgument } from "./arguments.ts";

export const NO_KEYS = [0, 0, 0] as const;
export const ALL_SHARDS = ["request_policy:all_shards", "response_policy:all_succeeded"] as const;
export const ONE_SHARD = ["request_policy:all_shards", "response_policy:one_succeeded"] as const;
export const SCRIPTING = ["@scripting"] as const;
export const RUNS: readonly CommandFlag[] = [
  "noscript",
  "stale",
  "skip_monitor",
  "no_mandatory_keys",
  "movablekeys",
];
export const RUNS_READING: readonly CommandFlag[] = ["readonly", ...RUNS];
export const RUNS_SCRIPT: readonly CommandTrait[] = ["runs_script"];
export const WRITE_NOTE = "`RW` `UPDATE`: a script may do anything with its keys";
export const READ_NOTE = "`RO` `ACCESS`: a script may read its keys";

const NEGATIVE_KEYS = commandError("ERR Number of keys can't be negative");
const TOO_MANY_KEYS = commandError("ERR Number of keys can't be greater than number of args");

/** The keys of EVAL and its kin: their number stands behind the script. */
export function scriptKeys(flags: string, notes?: string): readonly KeySpec[] {
  const spec: KeySpec = {
    flags: flags.split(" "),
    begin: { index: 2 },
    find: { keyNumberIndex: 0, firstKey: 1, step: 1 },
  };
  return [notes === undefined ? spec : { ...spec, notes }];
}

/**
 * The number of keys that argument 2 gives, if there are so many; throws a CommandError, `error` if
 * it is no integer.
 */
export function keyCountArgument(argv: Argv, error: CommandError): number {
  const keyCount = integerArgument(argv, 2, error);
  if (keyCount > argv.count - 3) throw TOO_MANY_KEYS;
  if (keyCount < 0) throw NEGATIVE_KEYS;
  return keyCount;
}

/** Whether the arguments of a FLUSH say no more than ASYNC or SYNC. */
export function isFlushMode(argv: Argv): boolean {
  return argv.count === 2 || (argv.count === 3 && (argv.is(2, "async") || argv.is(2, "sync")));
}
