/**
 * Key positions: which arguments of a command are keys, and what the command does to each (Redis:
 * getKeysFromCommandWithSpecs). COMMAND GETKEYS shows it, ACL decides by it.
 *
 * The key specs of a row tell it. Where they cannot (a spec is incomplete, its flags depend on the
 * options, or the arguments do not fit it), the row's `findKeys` and `findAccess` do, if it has
 * them.
 */
import { equalsIgnoreCase } from "../base/bytes.ts";
import { parseSafeInteger } from "../base/integers.ts";
import type { Argv } from "../protocol/argv.ts";
import type { KeyFinder, KeySpec, RedisCommand } from "./command.ts";
import { commandError } from "./errors.ts";

export const INVALID_KEY_ARGUMENTS = commandError("ERR Invalid arguments specified for command");

/** An argument that is a key, and the flags of the spec that covers it. */
export interface KeyPosition {
  index: number;
  flags: readonly string[];
}

const derivedSpecs = new WeakMap<RedisCommand, readonly KeySpec[]>();

/** The key specs of a row: its own, or the one that follows from `keys` and `access`. */
export function keySpecsOf(command: RedisCommand): readonly KeySpec[] {
  if (command.keySpecs !== undefined) return command.keySpecs;
  let specs = derivedSpecs.get(command);
  if (specs === undefined) derivedSpecs.set(command, specs = deriveSpecs(command));
  return specs;
}

function deriveSpecs({ keys: [first, last, step], access = "" }: RedisCommand): KeySpec[] {
  if (first === 0) return [];
  return [{
    flags: access.split(" "),
    begin: { index: first },
    find: { lastKey: last < 0 ? last : last - first, step, limit: 0 },
  }];
}

/** Whether some arguments of the command are keys: specs of channels (not_key) do not count. */
export function hasKeys(command: RedisCommand): boolean {
  if (command.findKeys !== undefined) return true;
  return keySpecsOf(command).some((spec) => !spec.flags.includes("not_key"));
}

/**
 * The keys among the arguments, in the order of the specs; none if the command has no keys, or if
 * they are optional and not there. Throws INVALID_KEY_ARGUMENTS if the arguments are malformed. The
 * caller has checked the arity.
 */
export function keyPositions(command: RedisCommand, argv: Argv): KeyPosition[] {
  const specs = keySpecsOf(command);
  const { findKeys, findAccess } = command;
  if (specs.length > 0) {
    const found: KeyPosition[] = [];
    // A keyword that is missing finds nothing, and is no option of a command that needs keys.
    if (addAll(specs, argv, found) && (found.length > 0 || findKeys === undefined)) {
      if (findAccess === undefined) return found;
      const flags = findAccess(argv).split(" ");
      return found.map(({ index }) => ({ index, flags }));
    }
  }
  if (findKeys !== undefined) return positionsFound(findKeys, specs, argv);
  if (specs.length === 0 || command.flags.includes("no_mandatory_keys")) return [];
  throw INVALID_KEY_ARGUMENTS;
}

/** Adds what each spec finds; false if one of them cannot tell or does not fit the arguments. */
function addAll(specs: readonly KeySpec[], argv: Argv, found: KeyPosition[]): boolean {
  for (const spec of specs) {
    if (spec.flags.includes("not_key")) continue;
    if (!addSpec(spec, argv, found) || spec.flags.includes("incomplete")) return false;
  }
  return true;
}

function addSpec(spec: KeySpec, argv: Argv, found: KeyPosition[]): boolean {
  const begin = firstArgument(spec, argv);
  if (begin < 0) return false;
  // The keyword is an option that was not given.
  if (begin === 0) return true;
  const { find } = spec;
  if (find === "unknown") return false;
  let first = begin;
  let last: number;
  if ("keyNumberIndex" in find) {
    const countIndex = begin + find.keyNumberIndex;
    if (countIndex >= argv.count) return false;
    const start = argv.starts[countIndex];
    const keyCount = parseSafeInteger(argv.bytes, start, argv.lengths[countIndex]);
    if (!(keyCount >= 0)) return false;
    first = begin + find.firstKey;
    last = first + (keyCount - 1) * find.step;
  } else if (find.lastKey >= 0) {
    last = first + find.lastKey;
  } else if (find.limit === 0) {
    last = argv.count + find.lastKey;
  } else {
    last = first + Math.trunc((argv.count - first) / find.limit) + find.lastKey;
  }
  if (last >= argv.count || last < first || first >= argv.count) return false;
  for (let index = first; index <= last; index += find.step) {
    found.push({ index, flags: spec.flags });
  }
  return true;
}

/** Where a spec begins: an argument index, 0 if its keyword is missing, -1 if it cannot tell. */
function firstArgument({ begin }: KeySpec, argv: Argv): number {
  if (begin === "unknown") return -1;
  if ("index" in begin) return begin.index;
  const keyword = begin.keyword.toLowerCase();
  const isForward = begin.from > 0;
  const from = isForward ? begin.from : argv.count + begin.from;
  const end = isForward ? argv.count - 1 : 1;
  for (let index = from; index !== end; index += isForward ? 1 : -1) {
    if (index >= argv.count || index < 1) break;
    if (equalsIgnoreCase(argv.bytes, argv.starts[index], argv.lengths[index], keyword)) {
      return index + 1;
    }
  }
  return 0;
}

/**
 * The keys that the row's own finder names. Each has the flags of the spec that covers it, or else
 * those of the spec that begins nobody knows where (the STORE option of SORT).
 */
function positionsFound(
  findKeys: KeyFinder,
  specs: readonly KeySpec[],
  argv: Argv,
): KeyPosition[] {
  // Redis: a finder that goes by the number of keys (ZUNIONSTORE …) knows no flags.
  if (specs.some(({ find }) => find !== "unknown" && "keyNumberIndex" in find)) {
    return findKeys(argv).map((index) => ({ index, flags: [] }));
  }
  const covered: KeyPosition[] = [];
  for (const spec of specs) addSpec(spec, argv, covered);
  const open = specs.findLast((spec) => spec.begin === "unknown" || spec.find === "unknown");
  const openFlags = (open?.flags ?? []).filter((flag) => flag !== "incomplete");
  return findKeys(argv).map((index) => {
    const flags = covered.find((position) => position.index === index)?.flags ?? openFlags;
    return { index, flags };
  });
}
