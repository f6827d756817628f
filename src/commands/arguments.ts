/**
 * Arguments: what several command families read from their arguments in the same way: numbers,
 * expiry options, and the value of a key with its type checked. All functions throw CommandError.
 */
import { parseDouble, scanNumber } from "../base/doubles.ts";
import * as clock from "../base/clock.ts";
import { INT64_MAX, isCanonicalInteger, parseInt64, parseSafeInteger } from "../base/integers.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import { OUTPUT_BYTES_MAX } from "../protocol/reply.ts";
import type { Client } from "../session/client.ts";
import type { KeyFinder } from "../session/command.ts";
import {
  type CommandError,
  commandError,
  DB_INDEX_OUT_OF_RANGE,
  invalidExpireTime,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  OUT_OF_RANGE,
  WRONG_TYPE,
} from "../session/errors.ts";
import { INVALID_KEY_ARGUMENTS } from "../session/key_positions.ts";
import * as value from "../values/value.ts";

/**
 * The integer that an argument spells. Redis accepts all of int64; beyond 2^53 the nearest double
 * is returned, which is exact enough for ranges, counts and limits, where it only has to be huge.
 */
export function integerArgument(
  argv: Argv,
  index: number,
  error: CommandError = NOT_AN_INTEGER,
): number {
  const { bytes } = argv;
  const start = argv.starts[index];
  const length = argv.lengths[index];
  const number = parseSafeInteger(bytes, start, length);
  if (number === number) return number;
  if (!isCanonicalInteger(bytes, start, length)) throw error;
  return Number(parseInt64(bytes, start, length));
}

/** An integer argument between `min` and `max`. */
export function boundedIntegerArgument(
  argv: Argv,
  index: number,
  min: number,
  max: number,
  error: CommandError,
): number {
  const number = integerArgument(argv, index, error);
  if (number < min || number > max) throw error;
  return number;
}

const SIGNED_COUNT_OUT_OF_RANGE = commandError(
  `ERR value is out of range, value must between ${-INT64_MAX} and ${INT64_MAX}`,
);

/**
 * A number whose sign means something by itself, such as whether elements may repeat (SRANDMEMBER,
 * HRANDFIELD, ZRANDMEMBER): any int64 that has a negative. Rounded as by `integerArgument`.
 */
export function signedCountArgument(argv: Argv, index: number): number {
  const number = integerArgument(argv, index);
  if (!Number.isSafeInteger(number) && bigIntegerArgument(argv, index) < -INT64_MAX) {
    throw SIGNED_COUNT_OUT_OF_RANGE;
  }
  return number;
}

/** Redis: twice a count of pairs must still be a long (WITHVALUES, WITHSCORES). */
export function checkPairCount(argv: Argv, index: number): void {
  const count = bigIntegerArgument(argv, index);
  if (count > INT64_MAX / 2n || count < -INT64_MAX / 2n) throw OUT_OF_RANGE;
}

/** The fewest bytes that a bulk string takes in a reply. */
const BULK_BYTES_MIN = 6;
/** Elements that no reply can hold, however short they are. */
const DRAWN_COUNT_MAX = Math.floor(OUTPUT_BYTES_MAX / BULK_BYTES_MIN);

/**
 * How many elements a count below 0 asks for, which may repeat. Redis tries to send any number of
 * them; what no output can hold is refused here before it is begun.
 */
export function repeatedCount(count: number): number {
  if (-count > DRAWN_COUNT_MAX) throw OUT_OF_RANGE;
  return -count;
}

/** The exact int64 that an argument spells. */
export function bigIntegerArgument(argv: Argv, index: number): bigint {
  const number = parseInt64(argv.bytes, argv.starts[index], argv.lengths[index]);
  if (number === null) throw NOT_AN_INTEGER;
  return number;
}

/**
 * Whether the range whose bounds are the integers in arguments `index` and `index + 1` is empty
 * before it is counted from the end, both being negative: then Redis does not look at the string.
 */
export function isBackwardRange(argv: Argv, index: number): boolean {
  const start = integerArgument(argv, index);
  const end = integerArgument(argv, index + 1);
  if (start >= 0 || end >= 0 || start < end) return false;
  // Beyond 2^53 different integers become the same number.
  return start > end || bigIntegerArgument(argv, index) > bigIntegerArgument(argv, index + 1);
}

/** The double that an argument spells; infinities are allowed, NaN is not. */
export function doubleArgument(
  argv: Argv,
  index: number,
  error: CommandError = NOT_A_FLOAT,
): number {
  const number = parseDouble(argv.bytes, argv.starts[index], argv.lengths[index]);
  if (number !== number) throw error;
  return number;
}

const TIMEOUT_NOT_A_FLOAT = commandError("ERR timeout is not a float or out of range");
const TIMEOUT_NEGATIVE = commandError("ERR timeout is negative");

/** How long a command may block: an argument in seconds as ms, rounded up; 0 means for ever. */
export function timeoutArgument(argv: Argv, index: number): number {
  const { bytes } = argv;
  const start = argv.starts[index];
  const length = argv.lengths[index];
  const seconds = parseDouble(bytes, start, length);
  if (seconds !== seconds && scanNumber(bytes, start, length) === null) throw TIMEOUT_NOT_A_FLOAT;
  const timeoutMs = Math.ceil(seconds * 1000);
  // Redis: what does not fit an int64 wraps around and counts as negative.
  if (!(timeoutMs >= 0 && timeoutMs < 2 ** 63)) throw TIMEOUT_NEGATIVE;
  return timeoutMs;
}

/**
 * Finds keys whose number stands in argument `countIndex`, right before them (SINTERCARD, ZUNION
 * …), as COMMAND GETKEYS and ACL need them.
 */
export function keysByNumber(countIndex: number): KeyFinder {
  return (argv) => {
    // Redis: here C's atoi reads the number, and "+1" or "1.5" is good enough.
    const keyCount = Number.parseInt(argv.text(countIndex), 10);
    if (!(keyCount >= 1 && keyCount <= argv.count - countIndex - 1)) throw INVALID_KEY_ARGUMENTS;
    return Array.from({ length: keyCount }, (_, index) => countIndex + 1 + index);
  };
}

/** The entry of a key that must be of `type` if it exists, for reading; or 0. */
export function typedForRead({ db, argv }: Client, index: number, type: number): Ref {
  const entry = db.lookupForRead(argv, index);
  if (entry !== 0 && value.typeOf(db.arena, entry) !== type) throw WRONG_TYPE;
  return entry;
}

/** The entry of a key that must be of `type` if it exists, for changing it; or 0. */
export function typedForWrite({ db, argv }: Client, index: number, type: number): Ref {
  const entry = db.lookupForWrite(argv, index);
  if (entry !== 0 && value.typeOf(db.arena, entry) !== type) throw WRONG_TYPE;
  return entry;
}

/** Expiries up to this many seconds (30,000 years) are reckoned without bigints. */
const PLAIN_EXPIRY_MAX = 1e12;

/**
 * An expiry argument as Unix time in ms. `unitMs` is 1000 or 1; a relative one counts from now.
 * Redis: zero and negative values are refused by SET and GETEX (`mustBePositive`), but not by
 * EXPIRE.
 */
export function expiryArgument(
  client: Client,
  index: number,
  unitMs: number,
  isRelative: boolean,
  mustBePositive: boolean,
): number {
  const { argv } = client;
  const plain = parseSafeInteger(argv.bytes, argv.starts[index], argv.lengths[index]);
  if (plain > 0 && plain <= PLAIN_EXPIRY_MAX) {
    return plain * unitMs + (isRelative ? clock.nowMs() : 0);
  }
  const amount = bigIntegerArgument(client.argv, index);
  if (mustBePositive && amount <= 0n) throw invalidExpireTime(client.commandName);
  const limit = 2n ** 63n - 1n;
  const unit = BigInt(unitMs);
  if (amount > limit / unit || amount < (-limit - 1n) / unit) {
    throw invalidExpireTime(client.commandName);
  }
  const expiry = amount * unit + (isRelative ? BigInt(clock.nowMs()) : 0n);
  if (expiry > limit) throw invalidExpireTime(client.commandName);
  return Number(expiry);
}

const INT32_OUT_OF_RANGE = commandError(
  "ERR value is out of range, value must between -2147483648 and 2147483647",
);

/** An integer of 32 bits; `error` replaces both messages about what is none. */
export function int32Argument(argv: Argv, index: number, error?: CommandError): number {
  const number = integerArgument(argv, index, error);
  if (number !== (number | 0)) throw error ?? INT32_OUT_OF_RANGE;
  return number;
}

/** The database whose number an argument spells. */
export function databaseArgument({ host, argv }: Client, index: number): Database {
  return databaseAt(host.keyspace, int32Argument(argv, index));
}

/** The database of a number, if there are so many. */
export function databaseAt(keyspace: Keyspace, index: number): Database {
  const db = keyspace.databases[index];
  if (db === undefined) throw DB_INDEX_OUT_OF_RANGE;
  return db;
}
