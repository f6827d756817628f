/**
 * MIGRATE: says which of the keys to be moved are here. Moving them to another server is not
 * possible yet.
 */
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import { type KeySpec, rangeSpec, type RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { INVALID_KEY_ARGUMENTS } from "../session/key_positions.ts";
import { notAvailable } from "./absent_commands.ts";
import { integerArgument } from "./arguments.ts";

const KEYS_SPEC: KeySpec = {
  flags: ["RW", "access", "delete", "incomplete"],
  begin: { keyword: "KEYS", from: -2 },
  find: { lastKey: -1, step: 1, limit: 0 },
};

// deno-fmt-ignore
export const migrateCommands: readonly RedisCommand[] = [
  { name: "migrate", arity: -6, flags: ["write", "movablekeys"], keys: [3, 3, 1],
    keySpecs: [rangeSpec("RW access delete", 3, 0), KEYS_SPEC], findKeys: findMigrateKeys,
    isSecret: isMigrateSecret, proc: migrateCommand, categories: ["@keyspace", "@dangerous"],
    tips: ["nondeterministic_output"], since: "2.6.0", group: "generic",
    complexity: "That of a DUMP and a DEL here and of a RESTORE there, and O(N) for the bytes sent",
    summary: "Moves keys to another server." },
];

const KEYS_AND_KEY = commandError(
  "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
);
const MIGRATE_NOT_AVAILABLE = notAvailable("MIGRATE is");

const KEY_INDEX = 3;
const FIRST_OPTION = 6;

interface MigrateOptions {
  /** Where the keys begin; all of the rest if they stand behind KEYS. */
  firstKey: number;
  keyCount: number;
  /** Arguments that are a user name or a password. */
  secrets: number[];
  /** What is wrong with the options, or "". */
  problem: "" | "syntax" | "two kinds of keys";
}

/** Reads the options up to the first that is wrong. */
function readOptions(argv: Argv): MigrateOptions {
  const options: MigrateOptions = { firstKey: KEY_INDEX, keyCount: 1, secrets: [], problem: "" };
  for (let index = FIRST_OPTION; index < argv.count; index++) {
    if (argv.is(index, "copy") || argv.is(index, "replace")) continue;
    if (argv.is(index, "keys")) {
      if (argv.lengths[KEY_INDEX] > 0) options.problem = "two kinds of keys";
      options.firstKey = index + 1;
      options.keyCount = argv.count - options.firstKey;
      return options;
    }
    const secretCount = argv.is(index, "auth") ? 1 : argv.is(index, "auth2") ? 2 : 0;
    if (secretCount === 0 || index + secretCount >= argv.count) {
      options.problem = "syntax";
      return options;
    }
    for (let count = 0; count < secretCount; count++) options.secrets.push(++index);
  }
  return options;
}

function isMigrateSecret(argv: Argv, index: number): boolean {
  return index > FIRST_OPTION && readOptions(argv).secrets.includes(index);
}

function findMigrateKeys(argv: Argv): number[] {
  const { firstKey, keyCount, problem } = readOptions(argv);
  if (problem === "two kinds of keys") throw INVALID_KEY_ARGUMENTS;
  // Redis: other mistakes are found by the command itself.
  return Array.from({ length: keyCount }, (_, place) => firstKey + place);
}

function migrateCommand({ argv, db, reply }: Client): void {
  const { firstKey, keyCount, problem } = readOptions(argv);
  if (problem === "two kinds of keys") throw KEYS_AND_KEY;
  if (problem === "syntax") throw SYNTAX_ERROR;
  const [databaseIndex, timeoutIndex] = [4, 5];
  integerArgument(argv, timeoutIndex);
  integerArgument(argv, databaseIndex);
  for (let index = firstKey; index < firstKey + keyCount; index++) {
    if (db.lookupForRead(argv, index) !== 0) throw MIGRATE_NOT_AVAILABLE;
  }
  reply.simple("NOKEY");
}
