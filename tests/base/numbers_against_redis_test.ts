/**
 * Numbers and patterns of src/base, compared with a real redis-server over random and hand-picked
 * cases: INCRBYFLOAT (long_double.ts), ZADD and ZSCORE (doubles.ts), INCRBY (integers.ts), KEYS and
 * COMMAND LIST (glob.ts). Skipped where redis-server 7.0.15 is not installed.
 */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import { formatScore, parseDouble } from "../../src/base/doubles.ts";
import { matchGlob } from "../../src/base/glob.ts";
import { isCanonicalInteger } from "../../src/base/integers.ts";
import { addFloatTexts, parseLongDouble } from "../../src/base/long_double.ts";
import { Random, randomSeed } from "../../src/base/random.ts";
import { startRedis } from "../support/redis_process.ts";
import type { RespClient } from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import { testWith } from "../support/tool_availability.ts";

const CASE_COUNT = 400;

/** Runs the body with a client of a fresh redis-server and a generator whose seed is reported. */
async function againstRedis(
  body: (client: RespClient, random: Random, hint: string) => Promise<void>,
): Promise<void> {
  await using server = await startRedis();
  using client = await server.connect();
  const seed = randomSeed();
  await body(client, new Random(seed), `seed ${seed}`);
}

function digits(random: Random, count: number): string {
  let text = "";
  for (let i = 0; i < count; i++) text += random.below(10);
  return text;
}

/** A number's text: mostly plain decimals, some with exponents, some hexadecimal, some wrong. */
function numberText(random: Random): string {
  const sign = ["", "", "", "-", "+"][random.below(5)];
  const integer = digits(random, random.below(2) === 0 ? 1 + random.below(4) : random.below(25));
  const fraction = random.below(4) === 0 ? "" : "." + digits(random, random.below(20));
  switch (random.below(12)) {
    case 0:
      return `${sign}${integer}${fraction}e${random.below(60) - 30}`;
    case 1:
      return `${sign}${integer}${fraction}e${random.below(800) - 400}`;
    case 2:
      return `${sign}0x${random.next32().toString(16)}.${random.next32().toString(16)}`;
    case 3:
      return `${sign}0x1.${random.next32().toString(16)}p${random.below(2400) - 1200}`;
    case 4:
      return `${sign}${["inf", "nan", "Infinity", "1e", ".", "0x", "1x", "-"][random.below(8)]}`;
    case 5:
      return `${sign}${1 + random.below(2 ** 20)}.${"5".padStart(1 + random.below(14), "0")}`;
    default:
      return `${sign}${integer}${fraction}`;
  }
}

function parseText<T>(parse: (b: Uint8Array, s: number, n: number) => T, text: string): T {
  return parse(latin1Bytes(text), 0, text.length);
}

testWith(
  ["redis-server"],
  "INCRBYFLOAT gives the sums of long_double.ts",
  () =>
    againstRedis(async (client, random, hint) => {
      for (let i = 0; i < CASE_COUNT; i++) {
        const first = numberText(random);
        const second = numberText(random);
        await client.call("SET", "f", first);
        const reply = await client.call("INCRBYFLOAT", "f", second);
        const a = latin1Bytes(first);
        const b = latin1Bytes(second);
        const sum = addFloatTexts(a, 0, a.length, b, 0, b.length);
        const ours = sum === null ? null : latin1Text(sum, 0, sum.length);
        const theirs = reply instanceof RespError ? null : String(reply);
        assertEquals(ours, theirs, `${first} + ${second}, ${hint}`);
      }
    }),
);

testWith(
  ["redis-server"],
  "a running INCRBYFLOAT never drifts from Redis",
  () =>
    againstRedis(async (client, random, hint) => {
      let ours = "0";
      for (let i = 0; i < CASE_COUNT; i++) {
        const step = `${random.below(2) === 0 ? "" : "-"}${random.below(500)}.${digits(random, 3)}`;
        const a = latin1Bytes(ours);
        const sum = addFloatTexts(a, 0, a.length, latin1Bytes(step), 0, step.length)!;
        ours = latin1Text(sum, 0, sum.length);
        assertEquals(ours, await client.call("INCRBYFLOAT", "f", step), `${step}, ${hint}`);
      }
    }),
);

testWith(
  ["redis-server"],
  "long doubles that Redis refuses are refused",
  () =>
    againstRedis(async (client) => {
      const texts = ["", " 1", "1 ", "1\0", "nan", "-inf", "inf", "1e4932", "1e4933", "1e-4950"];
      texts.push(
        "1e-4951",
        "1e-4952",
        "0x1p16383",
        "0x1p16384",
        "0x1p-16445",
        "0x1p-16446",
        "0e9999",
      );
      texts.push("0x1p-16447", "0x.1p-99999999999999999999", "0x0p99999999999999999999");
      texts.push("0".repeat(5119) + "1", "0".repeat(5118) + "1", "0".repeat(5117) + "1");
      for (const text of texts) {
        await client.call("SET", "f", text);
        const reply = await client.call("INCRBYFLOAT", "f", "1");
        const isRefused = reply instanceof RespError && reply.message.includes("not a valid float");
        assertEquals(parseText(parseLongDouble, text) === null, isRefused, text.slice(0, 40));
      }
    }),
);

testWith(
  ["redis-server"],
  "ZADD and ZSCORE read and print the doubles of doubles.ts",
  () =>
    againstRedis(async (client, random, hint) => {
      const texts = [
        "",
        " 1",
        "1 ",
        "1\0",
        "-inf",
        "1e308",
        "1.8e308",
        "4.9e-324",
        "2e-324",
        "1e-5",
      ];
      texts.push("12345.0001220703125", "12345.0003662109375", "1e17", "99999999999999999", "1e16");
      while (texts.length < CASE_COUNT) texts.push(numberText(random));
      for (const text of texts) {
        const added = await client.call("ZADD", "z", text, "member");
        const ours = parseText(parseDouble, text);
        assertEquals(Number.isNaN(ours), added instanceof RespError, `${text}, ${hint}`);
        if (Number.isNaN(ours)) continue;
        const score = await client.call("ZSCORE", "z", "member");
        assertEquals(formatScore(ours + 0), score, `${text}, ${hint}`);
      }
    }),
);

testWith(
  ["redis-server"],
  "INCRBY takes for integers what isCanonicalInteger takes",
  () =>
    againstRedis(async (client, random, hint) => {
      for (let i = 0; i < CASE_COUNT; i++) {
        const sign = ["", "", "-", "+", " "][random.below(5)]!;
        const text = sign + digits(random, random.below(4) === 0 ? 19 : random.below(22));
        await client.call("SET", "n", text);
        const isRefused = await client.call("INCRBY", "n", 0) instanceof RespError;
        assertEquals(parseText(isCanonicalInteger, text), !isRefused, `"${text}", ${hint}`);
      }
    }),
);

function randomText(random: Random, alphabet: string, lengthMax: number): string {
  let text = "";
  for (let n = random.below(lengthMax + 1); n > 0; n--) {
    text += alphabet.charAt(random.below(alphabet.length));
  }
  return text;
}

function matches(pattern: string, text: string, ignoresCase: boolean): boolean {
  const [p, t] = [latin1Bytes(pattern), latin1Bytes(text)];
  return matchGlob(p, 0, p.length, t, 0, t.length, ignoresCase);
}

testWith(
  ["redis-server"],
  "KEYS matches the keys that glob.ts matches",
  () =>
    againstRedis(async (client, random, hint) => {
      const keys = new Set(["", "a", "-", "]", "\\", "^"]);
      while (keys.size < 60) keys.add(randomText(random, "aabbc-^]\\[", 6));
      await client.expectMany([...keys].map((key) => ["SET", key, "1"]));
      for (let i = 0; i < 2 * CASE_COUNT; i++) {
        const pattern = randomText(random, "aabbc***?[[]]^-\\", 8);
        // Redis answers KEYS * without asking the matcher.
        if (pattern === "*") continue;
        const theirs = (await client.call("KEYS", pattern) as string[]).toSorted();
        const ours = [...keys].filter((key) => matches(pattern, key, false)).toSorted();
        assertEquals(ours, theirs, `pattern ${JSON.stringify(pattern)}, ${hint}`);
      }
    }),
);

testWith(
  ["redis-server"],
  "COMMAND LIST FILTERBY PATTERN ignores case as glob.ts does",
  () =>
    againstRedis(async (client, random, hint) => {
      const names = await client.call("COMMAND", "LIST") as string[];
      for (let i = 0; i < CASE_COUNT; i++) {
        const pattern = randomText(random, "sSgGeEtT***?[[]]^-\\a|", 8);
        const reply = await client.call("COMMAND", "LIST", "FILTERBY", "PATTERN", pattern);
        const ours = names.filter((name) => matches(pattern, name, true)).toSorted();
        const text = `pattern ${JSON.stringify(pattern)}, ${hint}`;
        assertEquals(ours, (reply as string[]).toSorted(), text);
      }
    }),
);
