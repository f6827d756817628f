/**
 * Hash expiry arguments: what the commands on the expiry of fields read in the same way: a time, a
 * condition, and the list "FIELDS number field …". The order of the checks is that of Redis 8.2.
 */
import * as clock from "../base/clock.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import { commandError, invalidExpireTime, wrongArity } from "../session/errors.ts";
import { ELEMENT_EXPIRY_MAX } from "../values/element_expiry.ts";
import * as value from "../values/value.ts";
import { integerArgument } from "./arguments.ts";

const NEGATIVE_TIME = commandError("ERR invalid expire time, must be >= 0");
const FIELDS_MISSING = commandError(
  "ERR Mandatory argument FIELDS is missing or not at the right position",
);
const COUNT_MISMATCH = commandError(
  "ERR The `numfields` parameter must match the number of arguments",
);
const COUNT_NOT_POSITIVE = commandError("ERR Number of fields must be a positive integer");
/** Redis: the commands that set an expiry word it in another way. */
export const PARAMETER_NOT_POSITIVE = commandError(
  "ERR Parameter `numFields` should be greater than 0",
);
const SETEX_COUNT = commandError("ERR invalid number of fields");
const TWO_CONDITIONS = commandError(
  "ERR Only one of FXX or FNX arguments can be specified",
);
const TWO_EXPIRIES = commandError(
  "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
);

export type ExpiryCondition = "nx" | "xx" | "gt" | "lt" | "";

/**
 * The time in argument `index` as Unix time in ms; `unitMs` is 1000 or 1, a relative one counts
 * from now. It may have passed.
 */
export function fieldExpiryArgument(
  client: Client,
  index: number,
  unitMs: number,
  isRelative: boolean,
): number {
  const time = integerArgument(client.argv, index);
  if (time < 0) throw NEGATIVE_TIME;
  const expiryMs = time * unitMs + (isRelative ? clock.nowMs() : 0);
  if (expiryMs > ELEMENT_EXPIRY_MAX) throw invalidExpireTime(client.commandName);
  return expiryMs;
}

/** The condition in argument `index`, or "" if there is none. */
export function conditionArgument(argv: Argv, index: number): ExpiryCondition {
  for (const word of ["nx", "xx", "gt", "lt"] as const) if (argv.is(index, word)) return word;
  return "";
}

/**
 * Checks that the arguments from `index` on are FIELDS, the number of fields, and so many fields;
 * returns the index of the first.
 */
export function fieldListArgument(
  client: Client,
  index: number,
  notPositive = COUNT_NOT_POSITIVE,
): number {
  const { argv } = client;
  if (index + 1 >= argv.count) throw wrongArity(client.commandName);
  if (!argv.is(index, "fields")) throw FIELDS_MISSING;
  const fields = integerArgument(argv, index + 1, notPositive);
  if (fields < 1) throw notPositive;
  if (fields !== argv.count - index - 2) throw COUNT_MISMATCH;
  return index + 2;
}

/** What a command says of the expiry of fields beside naming them. */
export interface FieldExpiryOption {
  kind: "none" | "set" | "persist" | "keep";
  /** Unix time in ms, of "set"; may have passed. */
  expiryMs: number;
  /** Index of the word, which the time follows. */
  index: number;
}

const UNITS: readonly (readonly [word: string, unitMs: number, isRelative: boolean])[] = [
  ["ex", 1000, true],
  ["px", 1, true],
  ["exat", 1000, false],
  ["pxat", 1, false],
];

/** The expiry that begins in argument `index`: EX, PX, EXAT or PXAT with a time; null if none. */
function timeOption(client: Client, index: number): FieldExpiryOption | null {
  const { argv } = client;
  for (const [word, unitMs, isRelative] of UNITS) {
    if (!argv.is(index, word)) continue;
    if (index + 1 >= argv.count) throw wrongArity(client.commandName);
    const expiryMs = fieldExpiryArgument(client, index + 1, unitMs, isRelative);
    return { kind: "set", expiryMs, index };
  }
  return null;
}

/** The option of HGETEX, and the index of the first field. */
export function getexArguments(client: Client): { option: FieldExpiryOption; first: number } {
  const { argv } = client;
  const option = timeOption(client, 2) ??
    { kind: argv.is(2, "persist") ? "persist" : "none", expiryMs: value.NO_EXPIRY, index: 2 };
  const length = option.kind === "set" ? 2 : option.kind === "persist" ? 1 : 0;
  return { option, first: fieldListArgument(client, 2 + length) };
}

export interface SetexArguments {
  option: FieldExpiryOption;
  condition: "fnx" | "fxx" | "";
  /** Index of the first field, which its value follows. */
  first: number;
}

/** The options of HSETEX, in any order before FIELDS, and the index of the first field. */
export function setexArguments(client: Client): SetexArguments {
  const { argv } = client;
  let option: FieldExpiryOption = { kind: "none", expiryMs: value.NO_EXPIRY, index: 0 };
  let condition: SetexArguments["condition"] = "";
  for (let index = 2; index < argv.count; index++) {
    if (argv.is(index, "fields")) {
      return { option, condition, first: pairListArgument(client, index) };
    }
    if (argv.is(index, "fnx") || argv.is(index, "fxx")) {
      if (condition !== "") throw TWO_CONDITIONS;
      condition = argv.is(index, "fnx") ? "fnx" : "fxx";
      continue;
    }
    if (!isExpiryWord(argv, index)) {
      throw commandError(`ERR unknown argument: ${argv.quoted(index)}`);
    }
    if (option.kind !== "none") throw TWO_EXPIRIES;
    option = timeOption(client, index) ??
      { kind: "keep", expiryMs: value.NO_EXPIRY, index };
    if (option.kind === "set") index++;
  }
  throw wrongArity(client.commandName);
}

function isExpiryWord(argv: Argv, index: number): boolean {
  return argv.is(index, "keepttl") || UNITS.some(([word]) => argv.is(index, word));
}

/** Checks that behind FIELDS at `index` stand the number of pairs, and so many; see above. */
function pairListArgument(client: Client, index: number): number {
  const { argv } = client;
  if (index + 1 >= argv.count) throw wrongArity(client.commandName);
  const fields = integerArgument(argv, index + 1, SETEX_COUNT);
  if (fields < 1) throw SETEX_COUNT;
  if (fields * 2 !== argv.count - index - 2) throw wrongArity(client.commandName);
  return index + 2;
}
