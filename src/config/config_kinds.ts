/**
 * The kinds of configuration parameters: how each reads its arguments, prints its value for CONFIG
 * GET and writes itself for CONFIG REWRITE.
 *
 * A kind is made by a function that takes the bounds or words of one parameter – `integer(0, 100)`,
 * `choice("always", "everysec", "no")` – and knows nothing of names, defaults or of where the
 * value is kept: that is in config_table.ts and config_values.ts. Texts of errors, the arithmetic
 * of units and the oddities marked "Redis:" are those of redis-server 7.0.15, checked against it in
 * tests/config/config_differential_test.ts.
 */
import { latin1AsUtf8, utf8AsLatin1 } from "../base/bytes.ts";
import { ConfigValueError, quoteConfigWord } from "./config_lexer.ts";

export interface ConfigKind<T> {
  /** A parameter of several words: CONFIG SET splits its one argument at single spaces. */
  readonly takesManyWords: boolean;
  /** The value of these words. `current` is the value so far. Throws ConfigValueError. */
  parse(words: readonly string[], current: T): T;
  /** The value as CONFIG GET prints it. */
  format(value: T): string;
  /**
   * The lines of the file that say this value, without the name. `isForced` lines are written even
   * if the file did not mention the parameter; none at all means the file must not mention it.
   */
  rewrite(value: T, defaultValue: T): RewriteLine[];
}

export interface RewriteLine {
  readonly words: string;
  readonly isForced: boolean;
}

const INT32_MAX = 2147483647;
const INT64_MAX = (1n << 63n) - 1n;
const UINT64_MAX = (1n << 64n) - 1n;

/** The kinds of one word and one line share all but reading and printing. */
function singleWord<T>(
  parse: (word: string) => T,
  format: (value: T) => string,
  formatForFile = format,
): ConfigKind<T> {
  return {
    takesManyWords: false,
    parse: (words) => parse(words[0]!),
    format,
    rewrite: (value, defaultValue) => [
      { words: formatForFile(value), isForced: format(value) !== format(defaultValue) },
    ],
  };
}

// ---------------------------------------------------------------------------------- yes and no

export const yesNo: ConfigKind<boolean> = singleWord<boolean>(
  (word) => {
    const lower = word.toLowerCase();
    if (lower !== "yes" && lower !== "no") {
      throw new ConfigValueError("argument must be 'yes' or 'no'");
    }
    return lower === "yes";
  },
  (value) => value ? "yes" : "no",
);

// -------------------------------------------------------------------------------------- numbers

/**
 * Numbers up to 2^64. Those beyond 2^53 are bigints, so that CONFIG GET gives back the digits that
 * were set; `Config` rounds them for its fields, where nobody can tell such limits apart.
 */
export type ConfigNumber = number | bigint;

function toConfigNumber(value: bigint): ConfigNumber {
  const rounded = Number(value);
  return Number.isSafeInteger(rounded) ? rounded : value;
}

function assertWithin(value: bigint, min: bigint, max: bigint, base = 10): void {
  if (value >= min && value <= max) return;
  const range = `between ${min.toString(base)} and ${max.toString(base)} inclusive`;
  throw new ConfigValueError(`argument must be ${range}`);
}

/** A decimal as Redis's string2ll takes it: no plus sign, no leading zeros, no spaces; or null. */
function tryParseDecimal(word: string): bigint | null {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(word)) return null;
  const value = BigInt(word);
  return value <= INT64_MAX && value >= -INT64_MAX - 1n ? value : null;
}

/** An integer from `min` to `max`, both included. */
export function integer(min: ConfigNumber, max: ConfigNumber): ConfigKind<ConfigNumber> {
  return singleWord<ConfigNumber>((word) => {
    const value = tryParseDecimal(word);
    if (value === null) throw new ConfigValueError("argument couldn't be parsed into an integer");
    assertWithin(value, BigInt(min), BigInt(max));
    return toConfigNumber(value);
  }, String);
}

/** Redis: out of range is not refused but moved to the nearest bound (`hz`). */
export function clampedInteger(min: number, max: number): ConfigKind<ConfigNumber> {
  const anyInteger = integer(0, INT32_MAX);
  return {
    ...anyInteger,
    parse: (words, current) =>
      Math.min(Math.max(Number(anyInteger.parse(words, current)), min), max),
  };
}

const UNIT_BYTES: Readonly<Record<string, bigint>> = {
  "": 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000_000n,
  mb: 1024n ** 2n,
  g: 1000_000_000n,
  gb: 1024n ** 3n,
};

/**
 * Bytes with an optional unit, or null. Redis (memtoull): no digits at all mean 0, digits beyond
 * 2^64 mean 2^64 - 1, and the product with the unit wraps around at 2^64.
 */
export function tryParseBytes(word: string): bigint | null {
  const parts = /^([0-9]{0,127})([a-z]{0,2})$/i.exec(word);
  const unit = parts === null ? undefined : UNIT_BYTES[parts[2]!.toLowerCase()];
  if (parts === null || unit === undefined) return null;
  const digits = BigInt(parts[1]!);
  return BigInt.asUintN(64, (digits > UINT64_MAX ? UINT64_MAX : digits) * unit);
}

/** "64mb" rather than 67108864 where it comes out even; the way of CONFIG REWRITE. */
export function formatBytes(bytes: ConfigNumber): string {
  const exact = BigInt(bytes);
  if (exact === 0n) return "0";
  for (const unit of ["gb", "mb", "kb"]) {
    if (exact % UNIT_BYTES[unit]! === 0n) return `${exact / UNIT_BYTES[unit]!}${unit}`;
  }
  return String(exact);
}

/** A number of bytes, with or without unit; `isSigned` where Redis keeps it in a signed type. */
export function bytes(
  min: ConfigNumber,
  max: ConfigNumber = INT64_MAX,
  isSigned = false,
): ConfigKind<ConfigNumber> {
  return singleWord<ConfigNumber>(
    (word) => {
      const value = tryParseBytes(word);
      if (value === null) throw new ConfigValueError("argument must be a memory value");
      assertWithin(isSigned ? BigInt.asIntN(64, value) : value, BigInt(min), BigInt(max));
      return toConfigNumber(value);
    },
    String,
    formatBytes,
  );
}

/** As signed `bytes`. Redis: less than `least` is not refused but becomes `least`. */
export function bytesAtLeast(least: number, min: ConfigNumber): ConfigKind<ConfigNumber> {
  const anyBytes = bytes(min, INT64_MAX, true);
  return {
    ...anyBytes,
    parse(words, current) {
      const value = anyBytes.parse(words, current);
      return value < least ? least : value;
    },
  };
}

/** As `bytes`, without an upper bound but what 64 bits hold. */
export function unboundedBytes(): ConfigKind<ConfigNumber> {
  return bytes(0, UINT64_MAX);
}

/** Bytes, or a percentage (0 to 100) of maxmemory, which is kept as a negative number. */
export function bytesOrPercent(): ConfigKind<ConfigNumber> {
  const parse = (word: string): ConfigNumber => {
    const value = tryParseBytes(word);
    if (value !== null) {
      const signed = BigInt.asIntN(64, value);
      if (signed < -100n) {
        throw new ConfigValueError("percentage argument must be less or equal to 100");
      }
      return toConfigNumber(signed);
    }
    const percent = word.endsWith("%") ? tryParseDecimal(word.slice(0, -1)) : null;
    if (percent === null || percent < 0n) {
      throw new ConfigValueError("argument must be a memory or percent value");
    }
    if (percent > 100n) {
      throw new ConfigValueError("percentage argument must be less or equal to 100");
    }
    return percent === 0n ? 0 : -Number(percent);
  };
  const percentOr = (other: (value: ConfigNumber) => string) => (value: ConfigNumber) =>
    value < 0 ? `${-Number(value)}%` : other(value);
  return singleWord<ConfigNumber>(parse, percentOr(String), percentOr(formatBytes));
}

/** File permissions in octal digits. */
export function octal(min: number, max: number): ConfigKind<ConfigNumber> {
  return singleWord<ConfigNumber>((word) => {
    if (!/^(|[ \t-\r]*[+-]?[0-7]{1,20})$/.test(word)) {
      throw new ConfigValueError("argument couldn't be parsed as an octal number");
    }
    const value = Number.parseInt(word === "" ? "0" : word, 8);
    assertWithin(BigInt.asUintN(64, BigInt(value)), BigInt(min), BigInt(max), 8);
    return value;
  }, (value) => value.toString(8));
}

/**
 * A decimal as C's strtoll reads a whole word: spaces before and a plus sign are allowed, the empty
 * word is 0, what does not fit is the nearest int64. Null if anything follows the digits.
 */
function tryParseLoose(word: string): bigint | null {
  if (word === "") return 0n;
  if (!/^[ \t\n\v\f\r]*[+-]?[0-9]+$/.test(word)) return null;
  const value = BigInt(word.trim().replace("+", ""));
  if (value > INT64_MAX) return INT64_MAX;
  return value < -INT64_MAX - 1n ? -INT64_MAX - 1n : value;
}

// ----------------------------------------------------------------------------------------- text

/** Any text that `check` has no objection (a reason) to. */
export function text(check: (value: string) => string | null = () => null): ConfigKind<string> {
  return singleWord<string>(
    (word) => {
      const objection = check(word);
      if (objection !== null) throw new ConfigValueError(objection);
      return word;
    },
    (value) => value,
    quoteConfigWord,
  );
}

/** Text that is absent by default: when empty, CONFIG REWRITE leaves no line of it in the file. */
export function optionalText(check?: (value: string) => string | null): ConfigKind<string> {
  return {
    ...text(check),
    rewrite: (value) => value === "" ? [] : [{ words: quoteConfigWord(value), isForced: true }],
  };
}

export const NOT_A_PATH = "paths must be valid UTF-8: the runtime cannot name other files";

/**
 * A path, or a name of a file, that `check` has no objection to. The value is ordinary text, as the
 * file system of the runtime takes it.
 */
export function filePath(
  check: (path: string) => string | null = () => null,
): ConfigKind<string> {
  return singleWord<string>(
    (word) => {
      const path = latin1AsUtf8(word);
      const objection = path === null ? NOT_A_PATH : check(path);
      if (objection !== null) throw new ConfigValueError(objection);
      return path!;
    },
    utf8AsLatin1,
    (path) => quoteConfigWord(utf8AsLatin1(path)),
  );
}

/** A path that is absent by default, as `optionalText`. */
export function optionalFilePath(
  check?: (path: string) => string | null,
): ConfigKind<string> {
  const kind = filePath(check);
  return { ...kind, rewrite: (path) => path === "" ? [] : kind.rewrite(path, "") };
}

/** One of `words`, in any case. */
export function choice<W extends string>(...words: readonly W[]): ConfigKind<W> {
  return synonymChoice({}, ...words);
}

/** `choice` with words that later releases have added; the error names those of 7.0 alone. */
export function choiceWithLater<W extends string, L extends string>(
  words: readonly W[],
  later: readonly L[],
): ConfigKind<W | L> {
  const base = choice<W>(...words);
  return singleWord<W | L>((word) => {
    const lower = word.toLowerCase();
    return later.find((candidate) => candidate === lower) ?? base.parse([word], words[0]!);
  }, (value) => value);
}

/** As `choice`, but a word of `synonyms` is kept as the word it stands for. */
export function synonymChoice<W extends string>(
  synonyms: Readonly<Record<string, W>>,
  ...words: readonly W[]
): ConfigKind<W> {
  return singleWord<W>((word) => {
    const lower = word.toLowerCase();
    const chosen = words.find((candidate) => candidate === lower);
    if (chosen === undefined) throw notOneOf(words);
    return synonyms[chosen] ?? chosen;
  }, (value) => value);
}

function notOneOf(words: readonly string[]): ConfigValueError {
  const list = words.join(", ");
  return new ConfigValueError(`argument(s) must be one of the following: ${list}`);
}

export type ShutdownWord = "save" | "nosave" | "now" | "force";

/** What a signal makes SHUTDOWN do: `default` alone, or several of the other words. */
export const shutdownWords: ConfigKind<readonly ShutdownWord[]> = {
  takesManyWords: true,
  parse(words) {
    const known: readonly ShutdownWord[] = ["save", "nosave", "now", "force"];
    const given = words.map((word) => word.toLowerCase());
    const isKnown = (word: string) => word === "default" || known.some((one) => one === word);
    if (given.length === 0 || !given.every(isKnown)) throw notOneOf(["default", ...known]);
    if (given.includes("save") && given.includes("nosave")) {
      throw new ConfigValueError("shutdown options SAVE and NOSAVE can't be used simultaneously");
    }
    return known.filter((word) => given.includes(word));
  },
  format: (value) => value.length === 0 ? "default" : value.join(" "),
  rewrite(value, defaultValue) {
    const words = this.format(value);
    return [{ words, isForced: words !== this.format(defaultValue) }];
  },
};

// ------------------------------------------------------------------------------ the special ones

/** Save if at least `changes` happened within `seconds`. */
export interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

export const savePoints: ConfigKind<readonly SavePoint[]> = {
  takesManyWords: true,
  parse(words) {
    const list = words.length === 1 && words[0] === "" ? [] : words;
    const numbers = list.map(tryParseLoose);
    const isGood = (value: bigint | null, i: number) =>
      value !== null && value >= (i % 2 === 0 ? 1n : 0n);
    if (list.length % 2 !== 0 || !numbers.every(isGood)) {
      throw new ConfigValueError("Invalid save parameters");
    }
    const points: SavePoint[] = [];
    for (let i = 0; i < numbers.length; i += 2) {
      // Redis: the number of changes is cut to 32 bits.
      const changes = Number(BigInt.asIntN(32, numbers[i + 1]!));
      points.push({ seconds: Number(numbers[i]!), changes });
    }
    return points;
  },
  // Through BigInt, so that 2^63 - 1 is not printed in scientific notation; it is rounded, though.
  format: (points) => points.map((one) => `${BigInt(one.seconds)} ${one.changes}`).join(" "),
  rewrite(points) {
    if (points.length === 0) return [{ words: '""', isForced: true }];
    return points.map((point) => ({ words: this.format([point]), isForced: true }));
  },
};

/** Of one class of clients: closed at `hardBytes`, or after `softSeconds` above `softBytes`. */
export interface OutputBufferLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}

export interface OutputBufferLimits {
  readonly normal: OutputBufferLimit;
  readonly replica: OutputBufferLimit;
  readonly pubsub: OutputBufferLimit;
}

const CLIENT_CLASSES = ["normal", "replica", "pubsub"] as const;

export const outputBufferLimits: ConfigKind<OutputBufferLimits> = {
  takesManyWords: true,
  parse(words, current) {
    // Redis: CONFIG SET with an empty text changes nothing and answers OK.
    if (words.length % 4 !== 0) {
      throw new ConfigValueError("Wrong number of arguments in buffer limit configuration.");
    }
    const limits = { ...current };
    for (let i = 0; i < words.length; i += 4) {
      const word = words[i]!.toLowerCase();
      const clientClass = CLIENT_CLASSES.find((one) =>
        one === (word === "slave" ? "replica" : word)
      );
      if (clientClass === undefined) {
        const problem = "Invalid client class specified in buffer limit configuration.";
        throw new ConfigValueError(problem);
      }
      limits[clientClass] = parseBufferLimit(words[i + 1]!, words[i + 2]!, words[i + 3]!);
    }
    return limits;
  },
  format: (limits) =>
    CLIENT_CLASSES.map((one) => {
      const { hardBytes, softBytes, softSeconds } = limits[one];
      const name = one === "replica" ? "slave" : one;
      return `${name} ${BigInt(hardBytes)} ${BigInt(softBytes)} ${softSeconds}`;
    }).join(" "),
  rewrite: (limits, defaults) =>
    CLIENT_CLASSES.map((one) => ({
      words: `${one} ${formatBufferLimit(limits[one])}`,
      isForced: formatBufferLimit(limits[one]) !== formatBufferLimit(defaults[one]),
    })),
};

function parseBufferLimit(hard: string, soft: string, seconds: string): OutputBufferLimit {
  const hardBytes = tryParseBytes(hard);
  const softBytes = tryParseBytes(soft);
  const exactSeconds = tryParseLoose(seconds);
  const softSeconds = exactSeconds === null ? -1 : Number(BigInt.asIntN(32, exactSeconds));
  if (hardBytes === null || softBytes === null || softSeconds < 0) {
    throw new ConfigValueError(
      "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
    );
  }
  return { hardBytes: Number(hardBytes), softBytes: Number(softBytes), softSeconds };
}

function formatBufferLimit({ hardBytes, softBytes, softSeconds }: OutputBufferLimit): string {
  return `${formatBytes(hardBytes)} ${formatBytes(softBytes)} ${softSeconds}`;
}

/** Addresses to listen at; a `-` before one means: do not mind if it is not available. */
export const addresses: ConfigKind<readonly string[]> = {
  takesManyWords: true,
  parse(words) {
    if (words.length > 16) throw new ConfigValueError("Too many bind addresses specified.");
    return words.length === 1 && words[0] === "" ? [] : [...words];
  },
  format: (list) => list.join(" "),
  rewrite(list, defaults) {
    const words = list.length === 0 ? '""' : this.format(list);
    return [{ words, isForced: words !== this.format(defaults) }];
  },
};

export interface MasterAddress {
  readonly host: string;
  readonly port: number;
}

/** The master to follow; null for a master. `no one` in the file means null, too. */
export const masterAddress: ConfigKind<MasterAddress | null> = {
  takesManyWords: true,
  parse(words) {
    if (words.length !== 2) throw new ConfigValueError("wrong number of arguments");
    const [host, portWord] = words as [string, string];
    if (host.toLowerCase() === "no" && portWord.toLowerCase() === "one") return null;
    const port = tryParseLoose(portWord);
    if (port === null || port < 0n || port > 65535n) {
      throw new ConfigValueError("Invalid master port");
    }
    return { host, port: Number(port) };
  },
  format: (master) => master === null ? "" : `${master.host} ${master.port}`,
  rewrite(master) {
    return master === null ? [] : [{ words: this.format(master), isForced: true }];
  },
};

/** Three numbers, as the kernel's oom_score_adj takes them: of master, replica and child. */
export const oomScores: ConfigKind<readonly number[]> = {
  takesManyWords: true,
  parse(words) {
    if (words.length !== 3) throw new ConfigValueError("wrong number of arguments");
    return words.map((word) => {
      const score = tryParseLoose(word);
      if (score === null || score < -2000n || score > 2000n) {
        throw new ConfigValueError(
          "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
        );
      }
      return Number(score);
    });
  },
  format: (scores) => scores.join(" "),
  rewrite(scores, defaults) {
    const words = this.format(scores);
    return [{ words, isForced: words !== this.format(defaults) }];
  },
};

/** Which percentiles INFO latencystats prints. */
export const percentiles: ConfigKind<readonly number[]> = {
  takesManyWords: true,
  parse(words) {
    const list = words.length === 1 && words[0] === "" ? [] : words;
    return list.map((word) => {
      const value = parseDouble(word);
      if (Number.isNaN(value)) {
        throw new ConfigValueError("Invalid latency-tracking-info-percentiles parameters");
      }
      if (value < 0 || value > 100) {
        const problem =
          "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
        throw new ConfigValueError(problem);
      }
      return value;
    });
  },
  // Redis prints them with %f and drops the zeros at the end.
  format: (list) => list.map((one) => one.toFixed(6).replace(/\.?0+$/, "")).join(" "),
  rewrite(list) {
    return [{ words: list.length === 0 ? '""' : this.format(list), isForced: true }];
  },
};

/** A number as C's strtod reads it, hexadecimal integers and "inf" included; or NaN. */
function parseDouble(word: string): number {
  if (/^[+-]?inf(inity)?$/i.test(word)) return word.startsWith("-") ? -Infinity : Infinity;
  const isNumber = /^[+-]?(0x[0-9a-f]+|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?)$/i.test(word);
  if (!isNumber) return NaN;
  const magnitude = Number(word.replace(/^[+-]/, ""));
  return word.startsWith("-") ? -magnitude : magnitude;
}

/**
 * The letters of notify-keyspace-events and their bits, Redis's NOTIFY_… numbers. `A` stands for
 * all of `g$lshzxetd`. `K` and `E` choose the channels, keyspace and keyevent; `S`, `T`, `I` and
 * `V` those of fields of hashes.
 */
export const NOTIFY_BITS: Readonly<Record<string, number>> = {
  K: 1,
  E: 2,
  g: 4,
  $: 8,
  l: 16,
  s: 32,
  h: 64,
  z: 128,
  x: 256,
  e: 512,
  t: 1024,
  m: 2048,
  d: 8192,
  n: 16384,
  o: 32768,
  c: 65536,
  S: 131072,
  T: 262144,
  I: 524288,
  V: 1048576,
};
export const NOTIFY_ALL = sumOfBits("g$lshzxetd");

function sumOfBits(letters: string): number {
  return [...letters].reduce((bits, letter) => bits | NOTIFY_BITS[letter]!, 0);
}

export const notifyEvents: ConfigKind<number> = singleWord<number>(
  (word) => {
    let bits = 0;
    for (const letter of word) {
      const bit = letter === "A" ? NOTIFY_ALL : NOTIFY_BITS[letter];
      if (bit === undefined) {
        const problem = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
        throw new ConfigValueError(problem);
      }
      bits |= bit;
    }
    return bits;
  },
  (bits) => formatNotifyEvents(bits, false),
  (bits) => quoteConfigWord(formatNotifyEvents(bits, true)),
);

/** Redis: CONFIG GET does not print `n`, `o` and `c` beside `A`; the file must not lose them. */
function formatNotifyEvents(bits: number, isForFile: boolean): string {
  const lettersOf = (letters: string) =>
    [...letters].filter((letter) => (bits & NOTIFY_BITS[letter]!) !== 0).join("");
  const isAll = (bits & NOTIFY_ALL) === NOTIFY_ALL;
  const classes = isAll ? "A" + (isForFile ? lettersOf("noc") : "") : lettersOf("g$lshzxetdnoc");
  return classes + lettersOf("KE") + lettersOf("m") + lettersOf("STIV");
}
