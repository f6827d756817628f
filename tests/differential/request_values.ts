/**
 * The random arguments of the fuzzer, by name: keys of each type, values, numbers, ranges,
 * patterns.
 *
 * Few distinct keys and members, so that commands meet each other's data. Numbers that could make a
 * server allocate gigabytes are left out: they would find nothing but the machine's memory.
 */

import type { Argument } from "../support/resp_client.ts";
import type { SeededRandom } from "../support/seeded_random.ts";

/** Unix time in the year 2100, in seconds. */
const FAR_FUTURE_S = 4_102_444_800;

/** What DUMP of redis-server 7.0.15 gives for small values of each encoding, in hexadecimal. */
const DUMP_PAYLOADS: readonly string[] = [
  // int
  "00c139300a009d94ea2793fc08b9",
  // short
  "000568656c6c6f0a006372df766534200a",
  // lzf
  "00c30b40b40361626361e0a5020162630a002b5b6bac6c26c36d",
  // list
  "120102c31b2913290000000500816102816202dfff02cfff029478e00a000115ff0a00c8cde6bcae9d51b8",
  // intset
  "0b0e0200000003000000010002002c010a00e510b28e7b9529aa",
  // set
  "02030161016201630a00ad9b6c54ee4a24ad",
  // hash
  "1016160000000400826131030101826232038374776f04ff0a00eec2109fc569356d",
  // longhash
  "0401026131c3094041017979e034000179790a00b029e4184a7d4536",
  // zset
  "111c1c0000000600816102010181620283322e350481630283696e6604ff0a006b1ddedce8e2c399",
  // longzset
  "0501c3094041017a7ae03400017a7a000000000000f8bf0a008681d02e62b50639",
];

const KEY_LETTERS: Readonly<Record<string, string>> = {
  str: "s",
  num: "n",
  list: "l",
  hash: "h",
  set: "x",
  zset: "z",
  geo: "g",
  stream: "r",
};

/** Arguments that are wrong nearly everywhere. */
const ODD_VALUES: readonly Argument[] = [
  "",
  " ",
  "abc",
  "-1",
  "0",
  "00",
  "+1",
  " 1",
  "1 ",
  "1.5",
  "1e3",
  "nan",
  "inf",
  "-inf",
  "0x10",
  "9223372036854775807",
  "9223372036854775808",
  "-9223372036854775808",
  "-9223372036854775809",
  "1e400",
  "\r\n",
  Uint8Array.of(0, 255, 128),
  "*",
  "x".repeat(70),
];

/** Ids at the ends of what there is, and what is none. */
const ODD_IDS: readonly Argument[] = [
  "-",
  "+",
  "0-0",
  "0-1",
  "(",
  "5-",
  "-5",
  "1-2-3",
  "30-x",
  "+30-1",
  " 30-1",
  "030-01",
  "18446744073709551615",
  "18446744073709551615-18446744073709551615",
  "18446744073709551616-0",
  "9223372036854775808-9223372036854775808",
];

function entryId(random: SeededRandom): string {
  return `${random.pick([20, 30, 30])}-${random.below(random.pick([4, 40]))}`;
}

type Generator = (random: SeededRandom) => Argument;

function keyOf(type: string): Generator {
  const letters = Object.values(KEY_LETTERS);
  return (random) => {
    if (random.oneIn(200)) return random.pick<Argument>(["", Uint8Array.of(0, 10, 13, 255)]);
    const letter = random.oneIn(16) ? random.pick(letters) : KEY_LETTERS[type];
    return letter + random.below(5);
  };
}

function oneOf(...choices: Argument[]): Generator {
  return (random) => random.pick(choices);
}

const GENERATORS: Readonly<Record<string, Generator>> = {
  str: keyOf("str"),
  num: keyOf("num"),
  list: keyOf("list"),
  hash: keyOf("hash"),
  set: keyOf("set"),
  zset: keyOf("zset"),
  // Only by commands that keep it well-formed: PFADD of many elements to a broken one is among the
  // deliberate differences.
  hll: (random) => "p" + random.below(5),
  geo: keyOf("geo"),
  stream: keyOf("stream"),
  // Without groups, whose times DUMP tells, so that it need not be the same.
  plainstream: (random) => "q" + random.below(3),
  newid: (random) => {
    if (random.oneIn(40)) return random.pick(ODD_IDS);
    if (random.oneIn(60)) return `${random.between(30, 100_000)}-*`;
    return random.oneIn(4) ? `30-${random.below(500)}` : `${random.oneIn(2) ? 30 : 20}-*`;
  },
  entryid: (random) => {
    if (random.oneIn(30)) return random.pick(ODD_IDS);
    if (random.oneIn(6)) return random.pick(["0", "30", "20", "1-1", "30-500"]);
    return entryId(random);
  },
  // Without `+`, which Redis 7.4 and we take for the last entry.
  readid: (random) => random.oneIn(30) ? random.pick(ODD_IDS.slice(2)) : entryId(random),
  startid: (random) => random.oneIn(3) ? "-" : (random.oneIn(3) ? "(" : "") + entryId(random),
  endid: (random) => random.oneIn(3) ? "+" : (random.oneIn(3) ? "(" : "") + entryId(random),
  group: (random) => "g" + random.below(2),
  consumer: (random) => "c" + random.below(3),
  // No entry is of an age between those.
  idle: oneOf(0, 0, 100_000_000, -1, 1_000_000_000_000_000, "x"),
  nodelimit: oneOf(0, 1, 3, 3, 10, 100, "x"),
  // Below 512, redis-server 7.0.15 crashes on nodes for which it has allocated too little.
  nodebytes: oneOf(0, 512, 4096, "x"),
  // Members of one score, always: Redis leaves lexicographic ranges over several scores
  // undefined, and what it answers then depends on the random levels of its skiplist.
  lex: (random) => "y" + random.below(5),
  key: (random) => keyOf(random.pick(Object.keys(KEY_LETTERS)))(random),
  value: (random) => {
    switch (random.below(8)) {
      case 0:
        return random.between(-20, 1000);
      case 1:
        return random.bytes(random.between(0, 12));
      case 2:
        return random.word(random.between(40, 70));
      case 3:
        return random.pick(ODD_VALUES);
      default:
        return random.oneIn(3) ? random.word(random.between(0, 3)) : random.word(1);
    }
  },
  member: (random) => {
    if (random.oneIn(10)) return random.pick(ODD_VALUES);
    if (random.oneIn(4)) return random.oneIn(3) ? random.between(-5, 600) : random.below(12);
    return random.oneIn(5) ? random.word(2) : random.word(1);
  },
  field: (random) => {
    if (random.oneIn(20)) return random.pick(ODD_VALUES);
    if (random.oneIn(3)) return random.between(100, 140);
    return random.pick(["a", "b", "c", "d"]) + random.below(4);
  },
  int: (random) => random.oneIn(12) ? random.pick(ODD_VALUES) : random.between(-100, 100),
  count: (random) => random.oneIn(12) ? random.pick(ODD_VALUES) : random.between(0, 12),
  smallcount: (random) => random.between(-4, 6),
  index: (random) => random.between(-12, 12),
  offset: (random) => random.oneIn(30) ? random.pick(ODD_VALUES) : random.between(0, 300),
  bit: oneOf(0, 1, 1, 0, 2),
  float: (random) =>
    random.oneIn(10)
      ? random.pick(ODD_VALUES)
      : random.between(-400, 400) / random.pick([1, 8, 10]),
  score: (random) =>
    random.oneIn(12)
      ? random.pick<Argument>(["inf", "-inf", "nan", "1e308", "x", "-0"])
      : random.between(-20, 20) / random.pick([1, 1, 4, 10]),
  weight: oneOf(1, 2, 0.5, -1, 0, "x"),
  scoremin: (random) => random.pick(["-inf", "(", ""]) + random.between(-20, 5) / 2,
  scoremax: (random) =>
    random.oneIn(4) ? "+inf" : random.pick(["(", ""]) + random.between(-5, 20) / 2,
  lexmin: (random) => random.oneIn(3) ? "-" : random.pick(["[", "(", "["]) + random.word(1),
  lexmax: (random) => random.oneIn(3) ? "+" : random.pick(["[", "(", ""]) + random.word(1),
  seconds: (random) => random.oneIn(15) ? random.pick(ODD_VALUES) : random.between(1000, 100_000),
  milliseconds: (random) =>
    random.oneIn(15) ? random.pick(ODD_VALUES) : random.between(1_000_000, 90_000_000),
  unixtime: (random) => random.oneIn(15) ? 1 : FAR_FUTURE_S + random.below(1000),
  unixtimems: (random) => random.oneIn(15) ? 1 : FAR_FUTURE_S * 1000 + random.below(1000),
  pattern: oneOf("*", "s*", "?0", "[a-m]*", "[^a]*", "\\*", "nothing", "*[0-3]", ""),
  db: oneOf(0, 1, 2, 2, 16, "x"),
  type: oneOf("string", "list", "set", "zset", "hash", "stream", "nonsense"),
  bitop: oneOf("AND", "OR", "XOR", "NOT"),
  bittype: oneOf("u8", "i8", "u1", "i64", "u63", "i5", "u64", "x8"),
  bitoffset: oneOf(0, 1, 7, 100, "#0", "#3", "#x", -1),
  place: (random) => {
    if (random.oneIn(20)) return random.pick(ODD_VALUES);
    return random.oneIn(2) ? random.between(10_000, 10_040) : "place" + random.below(12);
  },
  longitude: (random) => random.between(-1810, 1810) / 10,
  latitude: (random) => random.between(-852, 852) / 10,
  distance: oneOf(0, 1, 1000, 5000, 20000, 9000, 400.5, 1000000, 3000, -1, "x"),
  unit: oneOf("m", "km", "km", "km", "ft", "mi", "mi", "KM", "parsec"),
  dump: (random) => {
    const payload = Uint8Array.fromHex(random.pick(DUMP_PAYLOADS));
    if (random.oneIn(4)) payload[random.below(payload.length)] ^= 1 << random.below(8);
    return random.oneIn(10) ? payload.subarray(0, random.below(payload.length)) : payload;
  },
  bypattern: oneOf("w_*", "h*->f", "w_*", "w_*->f", "h*->2", "none*", "*", "h*->", "*->f"),
  weightkey: (random) => "w_" + random.between(-4, 6),
  weighthash: (random) => "h" + random.below(5),
  name: oneOf(
    "a",
    "b",
    "news",
    "default",
    "nosuch",
    "x y",
    "",
    "a\r\nb",
    Uint8Array.of(97, 0, 255),
  ),
  limit: oneOf(0, 1, 2, 8, 64, 128, 512, 10_000, -1, "x"),
  commandname: oneOf("get", "SET", "zunionstore", "config|get", "sort", "nosuch", "acl|x", "lmpop"),
  word: (random) => random.word(random.between(1, 5)),
  // Those to which no later release has added commands that are ours, too.
  category: oneOf("geo", "hyperloglog", "sortedset", "transaction", "nosuch", ""),
};

/** A random argument of the named kind. */
export function valueOf(name: string, random: SeededRandom): Argument {
  const generator = GENERATORS[name];
  if (generator === undefined) throw new SyntaxError(`Cannot make a value: "${name}"`);
  return generator(random);
}

/** Spoils a request: an argument too few, one too many, or one replaced by something odd. */
export function spoil(args: Argument[], random: SeededRandom): Argument[] {
  let odd = random.pick(ODD_VALUES);
  // The id of an entry would tell the time.
  if (odd === "*" && /^xadd$/i.test(String(args[0]))) odd = "**";
  switch (random.below(4)) {
    case 0:
      return args.length > 1 ? args.slice(0, -1) : args;
    case 1:
      return [...args, odd];
    default: {
      if (args.length < 2) return args;
      const spoilt = [...args];
      spoilt[random.between(1, args.length - 1)] = odd;
      return spoilt;
    }
  }
}
