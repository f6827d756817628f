/**
 * Number requests: requests with extreme numbers where a command takes a number, made from the
 * syntax of COMMAND DOCS (src/commands/command_syntax.ts), so that a new command is tried without
 * anybody thinking of it.
 *
 * A template is a request with holes: the places of its numbers. Of each command there is one per
 * number and per way to write the rest: with no option but those that lead to the number, and with
 * all of them.
 */
import { commandDocument, documentedCommands } from "../../src/commands/command_syntax.ts";
import type { CommandArgument } from "../../src/commands/command_syntax.ts";
import type { Argument } from "../support/resp_client.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { latin1 } from "../support/text.ts";
import { isLater } from "./command_rows.ts";

/** What is written into a hole: the ends of all widths, and what is hardly a number. */
export const EXTREME_NUMBERS: readonly string[] = [
  ...[0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n]
    .flatMap((size) => size === 0n ? ["0"] : [`${size}`, `-${size}`]),
  ...["2147483647", "4294967295", "9007199254740991", "-9007199254740991", "357913941"],
  ...["9223372036854775807", "-9223372036854775807", "4611686018427387903", "18446744073709551615"],
  ...["18446744073709551616", "-18446744073709551616", "-9223372036854775809", "1e18", "1e19"],
  ...["1e308", "-1e308", "1.8e308", "1e-320", "-0", "-0.0", "0.5", "nan", "-nan", "inf", "-inf"],
  ...["+inf", "infinity", "", " ", " 1", "1 ", "01", "-01", "+1", "0x10", "1.", ".5", "1\x002"],
  ...["(1", "(inf", "(nan", "[1", "#1", "#9223372036854775807", "8388607", "8388608"],
  "9".repeat(400),
];

export interface NumberTemplate {
  /** The command as COMMAND LIST names it. */
  command: string;
  /** The request; a hole holds the number that it has while it is not tried. */
  words: readonly string[];
  /** Indexes of the numbers in `words`; the first is the one that the template is made for. */
  holes: readonly number[];
}

/** Commands that end or redirect the connection or the server, or run for ever if told to. */
const LEFT_OUT = new Set(["shutdown", "debug", "client|pause", "client|reply"]);

/** Templates that no syntax gives. */
const WRITTEN_OUT = [
  "CLIENT PAUSE <0> WRITE",
  "DEBUG HTSTATS <0>",
  "DEBUG SET-ACTIVE-EXPIRE <0>",
  "DEBUG REPLYBUFFER PEAK-RESET-TIME <0>",
  "DEBUG OBJECT k",
  "ZADD k INCR <1> m1",
  "ZADD k GT CH <1> m1 <2> m2",
  "ZRANGE k <0> <1> BYSCORE LIMIT <0> <1> WITHSCORES",
  "ZRANGE k <1> <0> BYSCORE REV LIMIT <0> <1>",
  "ZRANGE k - + BYLEX LIMIT <0> <1>",
  "ZRANGE k <0> <1> REV WITHSCORES",
  "ZRANGESTORE k2 k <0> <1> BYSCORE LIMIT <0> <1>",
  "ZRANGESTORE k2 k <0> <1>",
  "ZUNION 2 k k2 WEIGHTS <1> <2> WITHSCORES",
  "ZUNIONSTORE k3 2 k k2 WEIGHTS <1> <2> AGGREGATE MIN",
  "ZINTERSTORE k3 2 k k WEIGHTS <1> <2>",
  "BITFIELD k SET u64 <0> 1",
  "BITFIELD k OVERFLOW SAT INCRBY i64 0 <1> INCRBY u63 0 <1>",
  "BITFIELD k OVERFLOW FAIL INCRBY i5 3 <1> GET u8 <0>",
  "BITPOS k 1 <0> <-1> BIT",
  "BITCOUNT k <0> <-1> BIT",
  "SORT k LIMIT <0> <1> STORE k3",
  "LPOS k m1 RANK <1> COUNT <0> MAXLEN <0>",
  "GEOADD k <1> <1> m1",
  "GEOSEARCH k FROMLONLAT <1> <1> BYBOX <1> <1> KM COUNT <1> ANY WITHDIST",
].map(writtenTemplate);

function writtenTemplate(text: string): NumberTemplate {
  const words = text.split(" ");
  const isHole = (word: string) => /^<.*>$/.test(word);
  const isContained = ["CLIENT", "DEBUG"].includes(words[0]);
  return {
    command: words.slice(0, isContained ? 2 : 1).join("|").toLowerCase(),
    words: words.map((word) => isHole(word) ? word.slice(1, -1) : word),
    holes: words.flatMap((word, index) => isHole(word) ? [index] : []),
  };
}

/** Values of arguments that are no numbers, by their names. */
const WORDS: Readonly<Record<string, string>> = {
  encoding: "u8",
  operation: "AND",
  member: "m1",
  field: "m1",
  element: "1",
  pivot: "1",
  "yes/no": "yes",
  parameter: "maxmemory-samples",
  pattern: "*",
  type: "string",
  subcommand: "ENCODING",
};
const NUMBER_TYPES = ["integer", "double", "unix-time"];
/** Strings by type that may be numbers: the bounds of ZRANGE. */
const BOUND_NAMES = ["start", "stop", "min", "max"];
const FAR_FUTURE_SECONDS = "4102444800";

class Renderer {
  readonly words: string[] = [];
  readonly holes: number[] = [];
  #keyCount = 0;

  constructor(
    /** The way to the number that the template is for, from the outermost argument on. */
    readonly path: readonly CommandArgument[],
    readonly hasAllOptions: boolean,
  ) {}

  all(list: readonly CommandArgument[]): void {
    for (const argument of list) {
      const isOptional = argument.flags.includes("optional");
      // The original does not know what came after it.
      const isAdded = this.hasAllOptions && !isLater(argument.since);
      if (!isOptional || isAdded || this.path.includes(argument)) this.one(argument);
    }
  }

  one(argument: CommandArgument): void {
    if (argument.token !== null && argument.token !== "") this.words.push(argument.token);
    if (argument.type === "pure-token") return;
    if (argument.type === "oneof") {
      const parts = argument.arguments;
      this.one(parts.find((part) => this.path.includes(part)) ?? parts[0]);
    } else if (argument.type === "block") {
      this.all(argument.arguments);
    } else {
      this.words.push(this.#value(argument));
    }
  }

  #value(argument: CommandArgument): string {
    if (isNumber(argument)) {
      const index = this.words.length;
      if (argument === this.path.at(-1)) this.holes.unshift(index);
      else if (argument.name !== "numkeys") this.holes.push(index);
      return argument.type === "unix-time" ? FAR_FUTURE_SECONDS : "1";
    }
    if (argument.type === "key") {
      this.#keyCount++;
      return this.#keyCount === 1 ? "k" : `k${this.#keyCount}`;
    }
    return WORDS[argument.name] ?? "1";
  }
}

function isNumber({ type, name, token }: CommandArgument): boolean {
  return NUMBER_TYPES.includes(type) ||
    (type === "string" && token === null && BOUND_NAMES.includes(name));
}

function numberPaths(list: readonly CommandArgument[]): CommandArgument[][] {
  return list.flatMap((argument) => {
    if (argument.arguments.length === 0) return isNumber(argument) ? [[argument]] : [];
    return numberPaths(argument.arguments).map((path) => [argument, ...path]);
  });
}

/** The templates of all documented commands that take a number. */
export function numberTemplates(): NumberTemplate[] {
  const templates = [...WRITTEN_OUT];
  for (const command of documentedCommands()) {
    if (LEFT_OUT.has(command)) continue;
    const list = commandDocument(command)!.arguments;
    for (const path of numberPaths(list)) {
      const texts = new Set<string>();
      for (const hasAllOptions of [false, true]) {
        const renderer = new Renderer(path, hasAllOptions);
        renderer.words.push(...command.toUpperCase().split("|"));
        renderer.all(list);
        const { words, holes } = renderer;
        if (texts.has(words.join(" "))) continue;
        texts.add(words.join(" "));
        templates.push({ command, words, holes });
      }
    }
  }
  return templates;
}

/** A request from a template: `number` in its first hole, now and then another one elsewhere. */
export function fill(template: NumberTemplate, number: string, random: SeededRandom): Argument[] {
  const words: Argument[] = [...template.words];
  template.holes.forEach((hole, index) => {
    if (index > 0 && !random.oneIn(4)) return;
    words[hole] = latin1(index === 0 ? number : random.pick(EXTREME_NUMBERS));
  });
  return words;
}

function manyWords(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}`);
}

/** Requests that make `key`: a value of each type and encoding, and those at the ends of int64. */
export const KEY_STATES: Readonly<Record<string, (key: string) => string[][]>> = {
  none: () => [],
  embstr: (key) => [["SET", key, "text"]],
  int: (key) => [["SET", key, "10"]],
  "largest int": (key) => [["SET", key, "9223372036854775807"]],
  "smallest int": (key) => [["SET", key, "-9223372036854775808"]],
  float: (key) => [["SET", key, "1.7e308"]],
  raw: (key) => [["SET", key, "x".repeat(300)]],
  hll: (key) => [["PFADD", key, "1", "2"]],
  "small list": (key) => [["RPUSH", key, "1", "2", "m1"]],
  "large list": (key) => [["RPUSH", key, ...manyWords(300), "y".repeat(9000)]],
  intset: (key) => [["SADD", key, "1", "-9223372036854775808", "9223372036854775807"]],
  "hash table set": (key) => [["SADD", key, "m1", "m2", "3"]],
  "small hash": (key) => [["HSET", key, "m1", "9223372036854775807", "m2", "1"]],
  "large hash": (key) => [["HSET", key, "m1", "-1.7e308", "m2", "z".repeat(100)]],
  "small zset": (key) => [["ZADD", key, "1", "m1", "inf", "m2", "-9007199254740993", "m3"]],
  "large zset": (key) => [["ZADD", key, "-inf", "m1", "1.7e308", "q".repeat(100), "3", "m3"]],
  geo: (key) => [["GEOADD", key, "13.4", "52.5", "m1", "-180", "85.05", "m2"]],
};
