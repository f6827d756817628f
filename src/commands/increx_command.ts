/**
 * INCREX, a counter with bounds and an expiry: what a rate limiter needs, in one step. It adds to
 * the number at a key unless the outcome lies outside of the bounds, and replies with the outcome
 * and what was really added.
 *
 * Integers are reckoned in bigints, floats in the long doubles of INCRBYFLOAT; both do the same, in
 * terms of `Arithmetic`. The effect is recorded as a SET with an absolute expiry, which every
 * server understands.
 */
import { latin1Bytes, Slice } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import { INT64_MAX, INT64_MIN, INTEGER_TEXT_BYTES_MAX, parseInt64 } from "../base/integers.ts";
import {
  addLongDoubles,
  formatLongDouble,
  LARGEST_LONG_DOUBLE,
  type LongDouble,
  negated,
  parseLongDouble,
  ZERO,
} from "../base/long_double.ts";
import { scratch } from "../base/scratch.ts";
import { KEEP_EXPIRY } from "../keyspace/database.ts";
import { EVENT_GENERIC, EVENT_STRING } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import {
  type CommandError,
  commandError,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  SYNTAX_ERROR,
} from "../session/errors.ts";
import * as stringValue from "../values/string_value.ts";
import * as value from "../values/value.ts";
import { NO_EXPIRY, TYPE_STRING } from "../values/value.ts";
import { typedForWrite } from "./arguments.ts";
import { setFloat } from "./counter_commands.ts";
import { removeKey } from "./string_commands.ts";
import {
  expiryOperand,
  expiryText,
  OPTION_ANY_EXPIRY,
  OPTION_ANY_TIME,
  OPTION_KEEPTTL,
  OPTION_PERSIST,
  optionAt,
} from "./string_options.ts";

// deno-fmt-ignore
export const increxCommands: readonly RedisCommand[] = [
  { name: "increx", arity: -2, flags: ["write", "denyoom", "fast"], keys: [1, 1, 1],
    access: "RW access update", categories: ["@string"], since: "8.8.0", group: "string",
    complexity: "O(1)", proc: increxCommand,
    summary: "Adds to the number at a key within bounds, and sets when the key expires." },
];

const ENX_WITHOUT_TIME = commandError("ERR ENX flag requires an expiration (EX, PX, EXAT or PXAT)");
const BOUNDS_CROSSED = commandError("ERR LBOUND can't be greater than UBOUND");
const NO_INTEGER_INCREMENT = commandError("ERR Increment is not an integer or out of range");
const NO_FLOAT_INCREMENT = commandError("ERR Increment is not a valid float");
const INFINITE_INCREMENT = commandError("ERR BYFLOAT increment cannot be Infinity");
const INFINITE_VALUE = commandError("ERR value cannot be Infinity");
const APPLIED_OVERFLOW = commandError("ERR the applied increment would overflow");

/** What was asked for: places of operands, 0 if not given. */
interface IncrexOptions {
  increment: number;
  isFloat: boolean;
  lowerBound: number;
  upperBound: number;
  saturates: boolean;
  /** The option of the expiry (OPTION_…), and where its time stands. */
  expiry: number;
  expiryIndex: number;
  onlyWithoutExpiry: boolean;
}

/** What INCREX does with numbers of one kind. */
interface Arithmetic<N> {
  readonly zero: N;
  readonly one: N;
  readonly min: N;
  readonly max: N;
  readonly event: string;
  /** The number that a text spells; throws `error` if it is none. */
  parse(bytes: Uint8Array, start: number, length: number, error: CommandError): N;
  /** Throws if the increment, or the value of the key, cannot be reckoned with. */
  checkIncrement(increment: N): void;
  checkValue(stored: N): void;
  /** The error of an operand that is no such number: the increment ("") or a bound. */
  notANumber(name: string): CommandError;
  /** The error of a key whose string is no such number. */
  readonly notStored: CommandError;
  /** The sum; outside of `min` and `max` it need only be outside. */
  sum(a: N, b: N): N;
  isLess(a: N, b: N): boolean;
  /** What was added to `a` to get `b`; throws if it cannot be said. */
  applied(a: N, b: N): N;
  text(number: N): string;
  reply(reply: Reply, number: N): void;
}

const view = scratch(new Slice());

const INTEGERS: Arithmetic<bigint> = {
  zero: 0n,
  one: 1n,
  min: INT64_MIN,
  max: INT64_MAX,
  event: "incrby",
  parse(bytes, start, length, error) {
    const number = length > INTEGER_TEXT_BYTES_MAX ? null : parseInt64(bytes, start, length);
    if (number === null) throw error;
    return number;
  },
  checkIncrement() {},
  checkValue() {},
  notStored: NOT_AN_INTEGER,
  notANumber: (name) =>
    name === ""
      ? NO_INTEGER_INCREMENT
      : commandError(`ERR ${name} is not an integer or out of range`),
  sum: (a, b) => a + b,
  isLess: (a, b) => a < b,
  applied(a, b) {
    const difference = b - a;
    if (difference < INT64_MIN || difference > INT64_MAX) throw APPLIED_OVERFLOW;
    return difference;
  },
  text: String,
  reply: (reply, number) => reply.bigInteger(number),
};

const FLOATS: Arithmetic<LongDouble> = {
  zero: ZERO,
  one: { mantissa: 1n, exponent: 0, isInfinite: false },
  min: negated(LARGEST_LONG_DOUBLE),
  max: LARGEST_LONG_DOUBLE,
  event: "incrbyfloat",
  parse(bytes, start, length, error) {
    const number = parseLongDouble(bytes, start, length);
    if (number === null) throw error;
    return number;
  },
  checkIncrement(increment) {
    if (increment.isInfinite) throw INFINITE_INCREMENT;
  },
  checkValue(stored) {
    if (stored.isInfinite) throw INFINITE_VALUE;
  },
  notStored: NOT_A_FLOAT,
  notANumber: (name) =>
    name === "" ? NO_FLOAT_INCREMENT : commandError(`ERR ${name} is not a valid float`),
  sum: (a, b) => addLongDoubles(a, b)!,
  isLess(a, b) {
    const difference = addLongDoubles(a, negated(b));
    return difference !== null && difference.mantissa < 0n;
  },
  applied: (a, b) => addLongDoubles(b, negated(a))!,
  text: formatLongDouble,
  reply: (reply, number) => reply.doubleText(formatLongDouble(number)),
};

function increxCommand(client: Client): void {
  const options = parseIncrex(client.argv);
  if (options.isFloat) increase(client, options, FLOATS);
  else increase(client, options, INTEGERS);
}

function parseIncrex(argv: Argv): IncrexOptions {
  const options: IncrexOptions = {
    increment: 0,
    isFloat: false,
    lowerBound: 0,
    upperBound: 0,
    saturates: false,
    expiry: 0,
    expiryIndex: 0,
    onlyWithoutExpiry: false,
  };
  for (let index = 2; index < argv.count; index++) {
    if (!takeFlag(argv, index, options)) takeOperand(argv, index++, options);
  }
  if (options.onlyWithoutExpiry) {
    if (options.expiry === OPTION_PERSIST) throw SYNTAX_ERROR;
    if (options.expiry === 0) throw ENX_WITHOUT_TIME;
  }
  return options;
}

/** Takes an option that is one word; false if the argument is none. */
function takeFlag(argv: Argv, index: number, options: IncrexOptions): boolean {
  if (argv.is(index, "saturate")) {
    if (options.saturates) throw SYNTAX_ERROR;
    options.saturates = true;
  } else if (argv.is(index, "enx")) {
    if (options.onlyWithoutExpiry) throw SYNTAX_ERROR;
    options.onlyWithoutExpiry = true;
  } else if (argv.is(index, "persist")) {
    if (options.expiry !== 0) throw SYNTAX_ERROR;
    options.expiry = OPTION_PERSIST;
  } else {
    return false;
  }
  return true;
}

/** Takes an option with an operand behind it. */
function takeOperand(argv: Argv, index: number, options: IncrexOptions): void {
  const operand = index + 1;
  if (operand === argv.count) throw SYNTAX_ERROR;
  const isFloat = argv.is(index, "byfloat");
  if (isFloat || argv.is(index, "byint")) {
    if (options.increment !== 0) throw SYNTAX_ERROR;
    options.increment = operand;
    options.isFloat = isFloat;
  } else if (argv.is(index, "lbound")) {
    if (options.lowerBound !== 0) throw SYNTAX_ERROR;
    options.lowerBound = operand;
  } else if (argv.is(index, "ubound")) {
    if (options.upperBound !== 0) throw SYNTAX_ERROR;
    options.upperBound = operand;
  } else {
    const option = optionAt(argv, index) & OPTION_ANY_EXPIRY & ~OPTION_KEEPTTL;
    if (option === 0 || options.expiry !== 0) throw SYNTAX_ERROR;
    options.expiry = option;
    options.expiryIndex = operand;
  }
}

function increase<N>(client: Client, options: IncrexOptions, numbers: Arithmetic<N>): void {
  const { argv, reply } = client;
  const increment = operandOf(argv, options.increment, numbers, "", numbers.one);
  numbers.checkIncrement(increment);
  const lower = operandOf(argv, options.lowerBound, numbers, "LBOUND", numbers.min);
  const upper = operandOf(argv, options.upperBound, numbers, "UBOUND", numbers.max);
  if (numbers.isLess(upper, lower)) throw BOUNDS_CROSSED;
  const hasTime = (options.expiry & OPTION_ANY_TIME) !== 0;
  const expiryMs = hasTime ? expiryOperand(client, options.expiry, options.expiryIndex) : NO_EXPIRY;
  const entry = typedForWrite(client, 1, TYPE_STRING);
  const current = entry === 0 ? numbers.zero : storedNumber(client, entry, numbers);
  const sum = numbers.sum(current, increment);
  const target = clamped(clamped(sum, lower, upper, numbers), numbers.min, numbers.max, numbers);
  if (!options.saturates && (numbers.isLess(sum, target) || numbers.isLess(target, sum))) {
    replyBoth(reply, numbers, current, numbers.zero);
    return;
  }
  const applied = numbers.applied(current, target);
  store(client, entry, numbers.text(target), numbers.event, options, expiryMs);
  replyBoth(reply, numbers, target, applied);
}

/** The number in an argument, or `otherwise` if the option was not given. */
function operandOf<N>(
  argv: Argv,
  index: number,
  numbers: Arithmetic<N>,
  name: string,
  otherwise: N,
): N {
  if (index === 0) return otherwise;
  return numbers.parse(
    argv.bytes,
    argv.starts[index],
    argv.lengths[index],
    numbers.notANumber(name),
  );
}

function storedNumber<N>({ db }: Client, entry: Ref, numbers: Arithmetic<N>): N {
  stringValue.read(db.arena, entry, view);
  const stored = numbers.parse(view.bytes, view.start, view.length, numbers.notStored);
  numbers.checkValue(stored);
  return stored;
}

function clamped<N>(number: N, lower: N, upper: N, numbers: Arithmetic<N>): N {
  if (numbers.isLess(number, lower)) return lower;
  return numbers.isLess(upper, number) ? upper : number;
}

/** Stores the outcome with the expiry that was asked for, and tells of it. */
function store(
  client: Client,
  entry: Ref,
  text: string,
  event: string,
  options: IncrexOptions,
  givenMs: number,
): void {
  const { db, argv } = client;
  const oldMs = entry === 0 ? NO_EXPIRY : value.expiryOf(db.arena, entry);
  const keepsOld = options.onlyWithoutExpiry && oldMs !== NO_EXPIRY;
  const setsTime = givenMs !== NO_EXPIRY && !keepsOld;
  if (setsTime && givenMs <= clock.nowMs()) return removeKey(client);
  const isPersist = options.expiry === OPTION_PERSIST;
  const bytes = latin1Bytes(text);
  const expiryMs = setsTime ? givenMs : isPersist ? NO_EXPIRY : KEEP_EXPIRY;
  if (options.isFloat) setFloat(client, bytes, expiryMs);
  else db.setString(argv, 1, bytes, 0, bytes.length, expiryMs);
  db.changed(argv, 1, EVENT_STRING, event);
  if (setsTime) db.alsoEvent(argv, 1, EVENT_GENERIC, "expire");
  else if (isPersist && oldMs !== NO_EXPIRY) db.alsoEvent(argv, 1, EVENT_GENERIC, "persist");
  if (!client.wantsEffects) return;
  const parts: (string | Uint8Array)[] = ["SET", argv.copy(1), bytes];
  if (setsTime) parts.push("PXAT", expiryText(givenMs));
  else if (!isPersist) parts.push("KEEPTTL");
  client.propagateAs(...parts);
}

function replyBoth<N>(reply: Reply, numbers: Arithmetic<N>, outcome: N, applied: N): void {
  reply.array(2);
  numbers.reply(reply, outcome);
  numbers.reply(reply, applied);
}
