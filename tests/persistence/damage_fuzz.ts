/**
 * Damaged payloads and files: they are refused, or what they hold is sound: it can grow, be saved,
 * and is there again after the file has been loaded.
 *
 *   deno run -A tests/persistence/damage_fuzz.ts [--minutes N] [--seed S]
 */
import { parseArgs } from "@std/cli";
import { RdbFormatError } from "../../src/persistence/rdb_format.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Argument } from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import { freshSeed, SeededRandom } from "../support/seeded_random.ts";
import { concatBytes, latin1, printLine, quoted } from "../support/text.ts";
import { contentsOf, loadFromBytes, saveToBytes } from "./keyspace_contents.ts";
import { soundPayloads } from "./payload_builder.ts";

const DIRECTIVES = [["enable-debug-command", "yes"]] as const;
/** More elements than any small encoding takes. */
const GROWN_COUNT = 150;

export interface DamageCounts {
  refused: number;
  accepted: number;
}

/** The bytes of a reply to DUMP, without version and checksum. */
function dumpBody(server: EmbeddedServer, key: string): Uint8Array {
  const raw = server.raw("DUMP", key);
  return latin1(raw.slice(raw.indexOf("\r\n") + 2, -2 - 10));
}

/** A payload that passes while checksums are skipped. */
export function unsigned(body: Uint8Array, version = 10): Uint8Array {
  return concatBytes([body, latin1(String.fromCharCode(version) + "\0" + "\0".repeat(8))]);
}

/** Values of all types, small and large, compressible and not. */
function fillWithValues(server: EmbeddedServer, random: SeededRandom): void {
  const words = Array.from({ length: 40 }, () => random.word(random.between(0, 12)));
  const numbers = Array.from({ length: 20 }, () => `${random.between(-300, 70_000)}`);
  const requests: Argument[][] = [
    ["SET", "int", "12345"],
    ["SET", "text", words.join(" ")],
    ["SET", "repeated", "ab".repeat(400)],
    ["RPUSH", "list", ...words, ...numbers],
    ["RPUSH", "large list", "x".repeat(9000), ...words],
    ["SADD", "intset", ...numbers],
    ["SADD", "set", ...words],
    ["HSET", "hash", ...words],
    ["HSET", "large hash", ...words, "field", "v".repeat(100)],
    ["ZADD", "zset", ...words.flatMap((word, index) => [`${index / 4}`, word])],
    ["ZADD", "large zset", "-inf", "m".repeat(100), ...words.flatMap((word) => ["1", word])],
    ["PFADD", "hll", ...words],
  ];
  for (const request of requests) server.run(...request);
  fillWithExpiringFields(server, words);
  server.run("PEXPIREAT", "zset", "4102444800000");
}

/** Hashes of both forms, of whose fields some expire. */
function fillWithExpiringFields(server: EmbeddedServer, words: readonly string[]): void {
  server.run("HSET", "expiring hash", ...words, "field", "value");
  server.run("HSET", "large expiring hash", ...words, "field", "v".repeat(100));
  for (const key of ["expiring hash", "large expiring hash"]) {
    const fields = server.run("HKEYS", key) as Argument[];
    fields.forEach((field, index) => {
      const expiryMs = 4_102_444_800_000 + (index % 5) * 1000;
      if (index % 3 > 0) server.run("HPEXPIREAT", key, expiryMs, "FIELDS", 1, field);
    });
  }
}

/** Changes some bytes; may return what it was given. */
export function damage(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  let copy = bytes.slice();
  for (let times = random.oneIn(3) ? random.between(2, 6) : 1; times > 0; times--) {
    const at = random.below(Math.max(1, copy.length));
    const end = Math.min(copy.length, at + random.between(1, 8));
    switch (random.below(8)) {
      case 0:
        copy[at] ^= 1 << random.below(8);
        break;
      case 1:
        copy[at] = random.pick([0, 1, 2, 127, 128, 192, 240, 254, 255]);
        break;
      case 2:
        copy[at] += random.pick([1, 255]);
        break;
      case 3:
        copy = concatBytes([copy.subarray(0, at), copy.subarray(end)]);
        break;
      case 4:
        copy = concatBytes([copy.subarray(0, at), random.bytes(end - at), copy.subarray(at)]);
        break;
      case 5:
        copy = concatBytes([copy.subarray(0, end), copy.subarray(at)]);
        break;
      case 6:
        copy = copy.slice(0, Math.max(1, at));
        break;
      default:
        copy.copyWithin(at, random.below(Math.max(1, copy.length)), copy.length);
    }
  }
  return copy;
}

/** Works with a key of any type until it is large. */
export function grow(server: EmbeddedServer, key: Argument): void {
  const type = server.run("TYPE", key);
  const many = (make: (index: number) => string[]) =>
    Array.from({ length: GROWN_COUNT }, (_, index) => make(index)).flat();
  switch (type) {
    case "string":
      server.run("APPEND", key, "more");
      server.run("PFADD", key, "a", "b");
      server.run("SETBIT", key, "1000", "1");
      break;
    case "list":
      server.run("LINSERT", key, "BEFORE", "a", "b");
      server.run("LREM", key, "1", "1");
      server.run("RPUSH", key, ...many((index) => [`${index}`]));
      server.run("LPUSH", key, ...many((index) => [`e${index}`]));
      server.run("LTRIM", key, "1", "-2");
      break;
    case "set":
      server.run("SREM", key, "1", "a");
      server.run("SADD", key, ...many((index) => [`${index}`, `e${index}`]));
      break;
    case "hash":
      server.run("HDEL", key, "a");
      server.run("HPERSIST", key, "FIELDS", "1", "1");
      server.run("HPEXPIREAT", key, "4102444800000", "FIELDS", "2", "7", "field");
      server.run("HINCRBY", key, "7", "1");
      server.run("HSET", key, ...many((index) => [`${index}`, "v"]));
      break;
    case "zset":
      server.run("ZINCRBY", key, "1", "a");
      server.run("ZPOPMIN", key);
      server.run("ZADD", key, ...many((index) => [`${index}`, `${index}`]));
      server.run("ZADD", key, "5", "x".repeat(100));
  }
}

/** Whatever a server holds must be there again after a save and a load. */
export function assertSurvives(server: EmbeddedServer, what: string): void {
  const expected = contentsOf(server, false);
  const file = saveToBytes(server, { version: 12 });
  using second = new EmbeddedServer([...DIRECTIVES]);
  try {
    loadFromBytes(second, file, { keepsExpired: true });
  } catch (error) {
    throw new Error(`${what}: what was saved does not load`, { cause: error });
  }
  const actual = contentsOf(second, false);
  for (const [key, text] of expected) {
    if (actual.get(key) === text) continue;
    throw new Error(`${what}: key ${quoted(key)} was ${text}, and is ${actual.get(key)}`);
  }
  if (actual.size !== expected.size) throw new Error(`${what}: keys have come from nowhere`);
}

/** Damages each payload `times` times. */
export function fuzzPayloads(seed: number, times: number): DamageCounts {
  const random = new SeededRandom(seed);
  const counts: DamageCounts = { refused: 0, accepted: 0 };
  using source = new EmbeddedServer();
  fillWithValues(source, random);
  const bodies: [body: Uint8Array, version: number][] = soundPayloads().map(({ body }) => {
    return [body, 10];
  });
  for (const compresses of ["yes", "no"]) {
    source.run("CONFIG", "SET", "rdbcompression", compresses);
    for (const key of source.run("KEYS", "*") as string[]) bodies.push([dumpBody(source, key), 12]);
    source.run("CONFIG", "SET", "rdb-version", "80");
    for (const key of ["expiring hash", "large expiring hash"]) {
      bodies.push([dumpBody(source, key), 80]);
    }
    source.run("CONFIG", "SET", "rdb-version", "auto");
  }
  using server = new EmbeddedServer([...DIRECTIVES]);
  server.run("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1");
  for (const [body, version] of bodies) {
    for (let time = 0; time < times; time++) {
      const bytes = unsigned(damage(body, random), version);
      const what = `seed ${seed}, RESTORE k 0 ${quoted(bytes)}`;
      const isTaken = attempt(what, () => {
        const reply = server.run("RESTORE", "k", "0", bytes, "REPLACE");
        if (reply instanceof RespError) return false;
        grow(server, "k");
        return true;
      });
      if (isTaken) attempt(what, () => assertSurvives(server, what));
      isTaken ? counts.accepted++ : counts.refused++;
      server.run("FLUSHALL");
    }
  }
  return counts;
}

/** Damages a file `times` times. */
export function fuzzFiles(seed: number, times: number): DamageCounts {
  const random = new SeededRandom(seed);
  const counts: DamageCounts = { refused: 0, accepted: 0 };
  using source = new EmbeddedServer();
  fillWithValues(source, random);
  const files = ([10, 12, 80] as const).flatMap((version) =>
    [true, false].map((compresses) => {
      const access = random.pick(["none", "idle", "frequency"] as const);
      return saveToBytes(source, { version, compresses, access });
    })
  );
  for (let time = 0; time < times; time++) {
    const bytes = damage(random.pick(files), random);
    const what = `seed ${seed}, file ${time}`;
    using server = new EmbeddedServer([...DIRECTIVES]);
    const isTaken = attempt(what, () => {
      try {
        loadFromBytes(server, bytes, { verifiesChecksum: false });
      } catch (error) {
        if (error instanceof RdbFormatError) return false;
        throw error;
      }
      for (const key of server.run("KEYS", "*") as Argument[]) {
        server.run("PERSIST", key);
        grow(server, key);
      }
      return true;
    });
    if (isTaken) attempt(what, () => assertSurvives(server, what));
    isTaken ? counts.accepted++ : counts.refused++;
  }
  return counts;
}

/** Names the case in whatever goes wrong with it. */
function attempt<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Error(what, { cause: error });
  }
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["minutes", "seed"] });
  let seed = args.seed === undefined ? freshSeed() : Number(args.seed);
  const deadlineMs = performance.now() + Number(args.minutes ?? 1) * 60_000;
  const total: DamageCounts = { refused: 0, accepted: 0 };
  printLine(`seed ${seed}`);
  do {
    for (const counts of [fuzzPayloads(seed, 20), fuzzFiles(seed, 200)]) {
      total.refused += counts.refused;
      total.accepted += counts.accepted;
    }
    seed++;
  } while (performance.now() < deadlineMs);
  printLine(`${total.refused} refused, ${total.accepted} accepted, grown, saved and loaded`);
}
