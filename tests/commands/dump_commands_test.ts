/** DUMP and RESTORE: round trips, options, errors, and the same payloads as redis-server. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import { Crc64 } from "../../src/persistence/crc64.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { startRedis } from "../support/redis_process.ts";
import type { Argument } from "../support/resp_client.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { fromLatin1, latin1 } from "../support/text.ts";
import { missingReason, testUnless } from "../support/tool_availability.ts";

const OK = "+OK\r\n";

/** A payload of this body, with a right footer. */
function payload(body: string, version = 10): Uint8Array {
  const bytes = latin1(`${body}${String.fromCharCode(version, 0)}${"\x00".repeat(8)}`);
  const crc = new Crc64();
  crc.update(bytes, 0, bytes.length - 8);
  crc.store(bytes, bytes.length - 8);
  return bytes;
}

function dump(server: EmbeddedServer, key: string): Uint8Array {
  const raw = server.raw("DUMP", key);
  return latin1(raw.slice(raw.indexOf("\r\n") + 2, -2));
}

Deno.test("DUMP of a missing key is nil", () => {
  using server = new EmbeddedServer();
  assertEquals(server.raw("DUMP", "none"), "$-1\r\n");
});

Deno.test("DUMP of a string is what Redis makes of it", () => {
  using server = new EmbeddedServer();
  server.run("SET", "k", "a");
  assertEquals(
    fromLatin1(dump(server, "k")),
    "\x00\x01a\x0a\x00\xbf\xfe\xef\x9b\x8f\x36\x7d\xb4",
  );
});

Deno.test("every type comes back from its payload, encoding included", () => {
  using server = new EmbeddedServer();
  const requests: [string, ...Argument[]][] = [
    ["SET", "text"],
    ["RPUSH", "a", 1, "b".repeat(70_000)],
    ["SADD", 1, 2, 3],
    ["SADD", "a", "b"],
    ["HSET", "f", "v"],
    ["HSET", "f", "v".repeat(100)],
    ["ZADD", 1, "a", "2.5", "b", "-inf", "c"],
    ["ZADD", 1, "m".repeat(100)],
  ];
  for (const [command, ...args] of requests) {
    server.run("DEL", "k", "copy");
    server.run(command, "k", ...(command === "SET" ? ["v".repeat(20_000)] : args));
    const bytes = dump(server, "k");
    assertEquals(server.raw("RESTORE", "copy", 0, bytes), OK);
    assertEquals(dump(server, "copy"), bytes, command);
    assertEquals(
      server.raw("OBJECT", "ENCODING", "copy"),
      server.raw("OBJECT", "ENCODING", "k"),
    );
  }
});

Deno.test("RESTORE refuses an existing key before it looks at anything else", () => {
  using server = new EmbeddedServer();
  server.run("SET", "k", "v");
  const busy = "-BUSYKEY Target key name already exists.\r\n";
  assertEquals(server.raw("RESTORE", "k", 0, "x"), busy);
  assertEquals(server.raw("RESTORE", "k", "no integer", "x"), busy);
  assertEquals(server.raw("RESTORE", "k", 0, "x", "FOO"), "-ERR syntax error\r\n");
});

Deno.test("RESTORE REPLACE takes the place of a key, whatever it was", () => {
  using server = new EmbeddedServer();
  server.run("RPUSH", "k", "a");
  assertEquals(server.raw("RESTORE", "k", 0, payload("\x00\x01a"), "REPLACE"), OK);
  assertEquals(server.run("GET", "k"), "a");
  assertEquals(server.run("DBSIZE"), 1);
});

Deno.test("RESTORE answers bad options as Redis does", () => {
  using server = new EmbeddedServer();
  const cases: [Argument[], string][] = [
    [[-1, "x"], "ERR Invalid TTL value, must be >= 0"],
    [["x", "x"], "ERR value is not an integer or out of range"],
    [[0, "x", "IDLETIME", -1], "ERR Invalid IDLETIME value, must be >= 0"],
    [[0, "x", "IDLETIME", "x"], "ERR value is not an integer or out of range"],
    [[0, "x", "IDLETIME"], "ERR syntax error"],
    [[0, "x", "FREQ", 256], "ERR Invalid FREQ value, must be >= 0 and <= 255"],
    [[0, "x", "FREQ", -1], "ERR Invalid FREQ value, must be >= 0 and <= 255"],
    [[0, "x", "IDLETIME", 1, "FREQ", 3], "ERR syntax error"],
    [[0, "x", "FREQ", 3, "FREQ", 4], "ERR DUMP payload version or checksum are wrong"],
  ];
  for (const [args, error] of cases) {
    assertEquals(server.raw("RESTORE", "k", ...args), `-${error}\r\n`, args.join(" "));
  }
});

Deno.test("RESTORE refuses wrong versions and checksums, and reads older versions", () => {
  using server = new EmbeddedServer();
  const refused = "-ERR DUMP payload version or checksum are wrong\r\n";
  for (const version of [0, 17, 79, 81, 255]) {
    assertEquals(server.raw("RESTORE", "k", 0, payload("\x00\x01a", version)), refused);
  }
  const damaged = payload("\x00\x01a");
  damaged[2] ^= 1;
  assertEquals(server.raw("RESTORE", "k", 0, damaged), refused);
  assertEquals(server.raw("RESTORE", "k", 0, ""), refused);
  for (const version of [6, 11, 12, 16, 80]) {
    const sound = payload("\x00\x01a", version);
    assertEquals(server.raw("RESTORE", "k", 0, sound, "REPLACE"), OK, `${version}`);
  }
});

Deno.test("RESTORE refuses values that are none and leaves nothing behind", () => {
  using server = new EmbeddedServer();
  const { arena } = server.server;
  server.run("SET", "other", "v");
  const usedBytes = arena.usedBytes;
  const bodies = ["", "\x02\x00", "\x63\x00", "\xfb\x01\x01", "\x11\x01x", "\x02\x02\x01a\x01a"];
  bodies.push("\x01\x03\x01a\x01b", "\x04\x02\x01f\x01v\x01f", "\x05\x01\x01a\x01b", "\x0f\x01a");
  for (const body of bodies) {
    assertEquals(server.raw("RESTORE", "k", 0, payload(body)), "-ERR Bad data format\r\n");
  }
  server.reclaim();
  assertEquals(arena.usedBytes, usedBytes);
  assertEquals(server.run("EXISTS", "k"), 0);
});

Deno.test("a damaged payload is told in the log as Redis tells it, below the usual level", () => {
  const lines: string[] = [];
  const log = new Log((line) => lines.push(line));
  using server = new EmbeddedServer([["loglevel", "verbose"]], { log });
  server.run("RESTORE", "k", 0, payload("\x10\x03abc"));
  assertStringIncludes(lines.join(""), "-> Listpack integrity check failed.");
});

Deno.test("DEBUG SET-SKIP-CHECKSUM-VALIDATION lets payloads pass whose checksum is wrong", () => {
  using server = new EmbeddedServer([["enable-debug-command", "yes"]]);
  const wrong = latin1("\x00\x01a\x0a\0xxxxxxxx");
  const refused = "-ERR DUMP payload version or checksum are wrong\r\n";
  assertEquals(server.raw("RESTORE", "k", 0, wrong), refused);
  assertEquals(server.run("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1"), "OK");
  assertEquals(server.raw("RESTORE", "k", 0, wrong), OK);
  assertEquals(server.raw("RESTORE", "k2", 0, latin1("\x00\x01a\x11\0xxxxxxxx")), refused);
  assertEquals(server.run("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "0"), "OK");
  assertEquals(server.raw("RESTORE", "k3", 0, wrong), refused);
});

Deno.test("RESTORE sets relative and absolute expiries", () => {
  clock.setTimeForTests(1_000_000);
  try {
    using server = new EmbeddedServer();
    const value = payload("\x00\x01a");
    server.run("RESTORE", "relative", 5000, value);
    assertEquals(server.run("PEXPIRETIME", "relative"), 1_005_000);
    server.run("RESTORE", "absolute", 1_700_000, value, "ABSTTL");
    assertEquals(server.run("PEXPIRETIME", "absolute"), 1_700_000);
    server.run("RESTORE", "none", 0, value, "ABSTTL");
    assertEquals(server.run("PEXPIRETIME", "none"), -1);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("RESTORE with an expiry that has passed makes no key and removes the replaced one", () => {
  using server = new EmbeddedServer();
  const value = payload("\x00\x01a");
  server.run("SET", "k", "v");
  assertEquals(server.raw("RESTORE", "k", 1, value, "ABSTTL", "REPLACE"), OK);
  assertEquals(server.run("EXISTS", "k"), 0);
  assertEquals(server.raw("RESTORE", "k", "9223372036854775807", value), OK);
  assertEquals(server.run("EXISTS", "k"), 0);
});

Deno.test("RESTORE IDLETIME sets the access clock", () => {
  using server = new EmbeddedServer();
  server.run("RESTORE", "k", 0, payload("\x00\x01a"), "IDLETIME", 1000);
  assertEquals(server.run("OBJECT", "IDLETIME", "k"), 1000);
  // More than the clock of 24 bits has is counted round by round.
  const idle = (seconds: string) => {
    server.run("RESTORE", "k", 0, payload("\x00\x01a"), "REPLACE", "IDLETIME", seconds);
    return server.run("OBJECT", "IDLETIME", "k") as number;
  };
  for (const [seconds, shown] of [["16777215", 0], ["2147483648", 1], ["9007199254740991", 0]]) {
    assert(Math.abs(idle(String(seconds)) - Number(shown)) <= 1, String(seconds));
  }
});

Deno.test("RESTORE wakes a client that waits for the key", () => {
  using server = new EmbeddedServer();
  const waiting = server.connect();
  waiting.send("BLPOP", "k", "0");
  server.run("RESTORE", "k", 0, payload("\x01\x01\x01a"));
  assertEquals(waiting.take(), [["k", "a"]]);
});

testUnless(missingReason("redis-server"), {
  name: "payloads are byte for byte those of redis-server",
  async fn() {
    await using redis = await startRedis();
    using client = await redis.connect();
    using server = new EmbeddedServer();
    const random = new SeededRandom(3);
    const requests: Argument[][] = [];
    for (let index = 0; index < 300; index++) {
      const letters = random.between(1, 40);
      const bytes = random.bytes(random.between(0, 900)).map((byte) => 97 + byte % letters);
      requests.push(["SET", `s${index}`, bytes]);
    }
    for (const number of ["0", "-1", "127", "128", "-129", "40000", "2147483648", "-0", "007"]) {
      requests.push(["SET", `n${number}`, number]);
    }
    const many = Array.from({ length: 100 }, (_, index) => `element number ${index % 7}`);
    requests.push(["RPUSH", "l", ...many], ["RPUSH", "large", "a".repeat(9000), "b"]);
    requests.push(["SADD", "i", 1, 2, 3, 70000], ["SADD", "set", "single"]);
    requests.push(["HSET", "h", ...many.slice(0, 20).flatMap((text, index) => [index, text])]);
    requests.push(["HSET", "h2", "field", "v".repeat(100)]);
    requests.push(["ZADD", "z", 1, "a", "0.1", "b", "-inf", "c", 1e300, "d"]);
    requests.push(["ZADD", "z2", ...many.flatMap((_, index) => [index / 3, `m${index}`])]);
    requests.push(["ZADD", "z3", ...many.flatMap((_, i) => [i / 3, `m${i}`, i, `n${i}`])]);
    for (const request of requests) {
      await client.call(...request);
      server.run(...request);
      const theirs = await client.callBytes("DUMP", request[1]) as Uint8Array;
      const ours = dump(server, String(request[1]));
      assertEquals(ours, theirs, String(request[1]));
      assertEquals(await client.call("RESTORE", "copy", 0, ours, "REPLACE"), "OK");
      assertEquals(server.raw("RESTORE", "copy", 0, theirs, "REPLACE"), OK);
    }
    assert(requests.length > 300);
  },
});

Deno.test("DUMP follows rdb-version, so that an older server can read it", () => {
  using server = new EmbeddedServer([["rdb-version", "9"]]);
  server.run("HSET", "h", "f", "v");
  assert(fromLatin1(dump(server, "h")).startsWith("\x04\x01\x01f\x01v\x09\x00"));
});

Deno.test("what RESTORE takes and others could not read is recorded as this server writes it", () => {
  const string = (version: number) => payload("\x00\x01a", version);
  // A hash as Redis 7.0 writes it, which 6.2 does not know.
  const hash = (version: number) =>
    payload("\x10\x0d\x0d\0\0\0\x02\0\x81f\x02\x81v\x02\xff", version);
  const oldHash = payload("\x04\x01\x01f\x01v", 9);
  const cases: [rdbVersion: string, given: Uint8Array, recorded: Uint8Array][] = [
    ["auto", string(9), string(9)],
    ["auto", hash(10), hash(10)],
    ["auto", string(12), string(10)],
    ["auto", hash(80), hash(10)],
    ["11", string(11), string(11)],
    ["11", string(12), string(11)],
    ["9", string(9), string(9)],
    ["9", hash(10), oldHash],
    ["80", string(11), string(11)],
    ["80", string(12), string(80)],
    ["80", string(80), string(80)],
  ];
  for (const [rdbVersion, given, recorded] of cases) {
    using server = new EmbeddedServer([["rdb-version", rdbVersion]]);
    const effects = new RecordedEffects(server);
    const rest = (bytes: Uint8Array) => `${fromLatin1(bytes)} REPLACE IDLETIME 3`;
    assertEquals(server.run("RESTORE", "k", "0", given, "REPLACE", "IDLETIME", "3"), "OK");
    assertEquals(effects.takeLog(), [`RESTORE k 0 ${rest(recorded)}`], rdbVersion);
    assertEquals(server.run("RESTORE", "k", "9999999999999", given, "ABSTTL", "REPLACE"), "OK");
    assertEquals(effects.takeLog(), [
      `RESTORE k 9999999999999 ${fromLatin1(recorded)} ABSTTL REPLACE`,
    ]);
  }
});

Deno.test("a relative time to live is recorded as a moment, whatever the payload", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  for (const version of [10, 12]) {
    server.run("RESTORE", "k", "5000000", payload("\x00\x01a", version), "REPLACE");
    const [words] = effects.takeLog();
    const expiry = server.run("PEXPIRETIME", "k");
    assertEquals(words, `RESTORE k ${expiry} ${fromLatin1(payload("\x00\x01a"))} REPLACE ABSTTL`);
  }
});
