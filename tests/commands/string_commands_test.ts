/** String commands: options, errors, encodings, what goes to the AOF, and long values. */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { Random, randomSeed } from "../../src/base/random.ts";
import * as value from "../../src/values/value.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodingOf, RecordedEffects } from "../support/recorded_effects.ts";
import { RespError } from "../support/resp_reply.ts";

function errorOf(reply: unknown): string {
  assert(reply instanceof RespError, `no error: ${reply}`);
  return reply.message;
}

function atStandingClock(test: () => void): void {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    test();
  } finally {
    clock.useRealTime();
  }
}

Deno.test("GET returns what SET stored, whatever its length", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("GET", "missing"), null);
  for (const length of [0, 1, 44, 254, 255, 256, 16000, 16384, 262140, 262141, 600000]) {
    const text = "abcdefghij".repeat(Math.ceil(length / 10)).slice(0, length);
    assertEquals(server.run("SET", "key", text), "OK");
    assertEquals(server.run("GET", "key"), text);
    assertEquals(server.run("STRLEN", "key"), length);
  }
});

Deno.test("SET chooses the encoding by the text", () => {
  using server = new EmbeddedServer();
  const expected: [string, string][] = [
    ["0", "int"],
    ["-9223372036854775808", "int"],
    ["9223372036854775808", "embstr"],
    ["007", "embstr"],
    ["x".repeat(44), "embstr"],
    ["x".repeat(45), "raw"],
  ];
  for (const [text, encoding] of expected) {
    server.run("SET", "key", text);
    assertEquals(encodingOf(server, "key"), encoding, text);
  }
});

Deno.test("SET NX leaves an existing key alone, SET XX a missing one", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("SET", "key", "1", "XX"), null);
  assertEquals(server.run("SET", "key", "1", "NX"), "OK");
  assertEquals(server.run("SET", "key", "2", "NX"), null);
  assertEquals(server.run("SET", "key", "3", "XX"), "OK");
  assertEquals(server.run("GET", "key"), "3");
});

Deno.test("SET GET returns the old value and refuses other types", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("SET", "key", "1", "GET"), null);
  assertEquals(server.run("SET", "key", "2", "GET"), "1");
  assertEquals(server.run("SET", "key", "3", "NX", "GET"), "2");
  assertEquals(server.run("GET", "key"), "2");
  server.run("SADD", "set", "a");
  assert(errorOf(server.run("SET", "set", "1", "GET")).startsWith("WRONGTYPE"));
  assertEquals(server.run("SET", "set", "1"), "OK");
});

Deno.test("SET refuses contradicting options and bad times", () => {
  using server = new EmbeddedServer();
  const wrong = [
    ["NX", "XX"],
    ["EX", "1", "PX", "1"],
    ["KEEPTTL", "EX", "1"],
    ["EX"],
    ["PERSIST"],
    ["FOO"],
  ];
  for (const options of wrong) {
    assertEquals(errorOf(server.run("SET", "key", "1", ...options)), "ERR syntax error");
  }
  for (const time of ["0", "-1", "9223372036854775807"]) {
    const expected = "ERR invalid expire time in 'set' command";
    assertEquals(errorOf(server.run("SET", "key", "1", "EX", time)), expected);
  }
  const notInteger = "ERR value is not an integer or out of range";
  assertEquals(errorOf(server.run("SET", "key", "1", "EX", "ten")), notInteger);
  assertEquals(server.run("GET", "key"), null);
});

Deno.test("a relative expiry of SET, SETEX and GETEX goes to the AOF as an absolute one", () => {
  atStandingClock(() => {
    using server = new EmbeddedServer();
    const effects = new RecordedEffects(server);
    server.run("SET", "key", "1", "EX", "10");
    server.run("PSETEX", "key", "500", "2");
    server.run("GETEX", "key", "EX", "60");
    server.run("GETEX", "key", "PERSIST");
    server.run("GETEX", "key", "PERSIST");
    server.run("GETEX", "key");
    server.run("SET", "key", "3", "GET");
    server.run("GETEX", "key", "EXAT", "1");
    assertEquals(effects.takeLog(), [
      "SET key 1 PXAT 1700000010000",
      "SET key 2 PXAT 1700000000500",
      "PEXPIREAT key 1700000060000",
      "PERSIST key",
      "SET key 3",
      "DEL key",
    ]);
    assertEquals(server.run("GET", "key"), null);
  });
});

Deno.test("commands that read and write go to the AOF as their effect", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  server.run("GETSET", "key", "1.5");
  server.run("INCRBYFLOAT", "key", "0.25");
  server.run("GETDEL", "key");
  server.run("GETDEL", "key");
  assertEquals(effects.takeLog(), ["SET key 1.5", "SET key 1.75 KEEPTTL", "DEL key"]);
});

Deno.test("SET drops an expiry, KEEPTTL and INCR keep it", () => {
  atStandingClock(() => {
    using server = new EmbeddedServer();
    const expiryOf = (): number => {
      const db = server.server.keyspace.databases[0];
      return value.expiryOf(db.arena, db.findRaw(latin1Bytes("key"), 0, 3));
    };
    const expected = 1_700_000_100_000;
    server.run("SET", "key", "9", "EX", "100");
    server.run("SET", "key", "a longer text than before, in another block", "KEEPTTL");
    assertEquals(expiryOf(), expected);
    server.run("SET", "key", "9", "KEEPTTL");
    server.run("INCR", "key");
    server.run("APPEND", "key", "000000000000000000000000000000000000000");
    assertEquals(expiryOf(), expected);
    server.run("SET", "key", "9");
    assertEquals(expiryOf(), value.NO_EXPIRY);
  });
});

Deno.test("SET over an expired key begins anew", () => {
  atStandingClock(() => {
    using server = new EmbeddedServer();
    const effects = new RecordedEffects(server);
    server.run("SET", "key", "1", "PX", "10");
    clock.advanceForTests(11);
    assertEquals(server.run("SET", "key", "2", "KEEPTTL"), "OK");
    assertEquals(server.server.keyspace.expiredCount, 1);
    assertEquals(effects.takeLog().slice(1), ["DEL key", "SET key 2 KEEPTTL"]);
    clock.advanceForTests(1000);
    assertEquals(server.run("GET", "key"), "2");
  });
});

Deno.test("MSETNX sets all keys or none", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("MSETNX", "a", "1", "b", "2"), 1);
  assertEquals(server.run("MSETNX", "c", "3", "b", "4"), 0);
  server.run("SADD", "set", "x");
  assertEquals(server.run("MGET", "a", "b", "c", "set"), ["1", "2", null, null]);
  const arity = "ERR wrong number of arguments for 'mset' command";
  assertEquals(errorOf(server.run("MSET", "a", "1", "b")), arity);
});

Deno.test("GETRANGE counts from the end and never beyond it", () => {
  using server = new EmbeddedServer();
  server.run("SET", "key", "This is a string");
  const expected: [number | string, number | string, string][] = [
    [0, 3, "This"],
    [-3, -1, "ing"],
    [0, -1, "This is a string"],
    [10, 100, "string"],
    [-1, -3, ""],
    [5, 3, ""],
    [-100, 0, "T"],
    ["9223372036854775807", -1, ""],
  ];
  for (const [start, end, text] of expected) {
    assertEquals(server.run("GETRANGE", "key", start, end), text);
    assertEquals(server.run("SUBSTR", "key", start, end), text);
  }
});

Deno.test("SETRANGE and APPEND respect proto-max-bulk-len", () => {
  using server = new EmbeddedServer();
  const expected = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
  assertEquals(errorOf(server.run("SETRANGE", "key", 536870910, "abc")), expected);
  assertEquals(errorOf(server.run("SETRANGE", "key", -1, "abc")), "ERR offset is out of range");
  assertEquals(server.run("SETRANGE", "key", 536870910, ""), 0);
  assertEquals(server.run("GET", "key"), null);
});

Deno.test("SETRANGE at a far offset takes memory for the chunks once", () => {
  using server = new EmbeddedServer();
  const before = server.server.arena.usedBytes;
  assertEquals(server.run("SETRANGE", "key", 1_000_000, "end"), 1_000_003);
  assertEquals(server.run("GETRANGE", "key", 999_998, -1), "\0\0end");
  assertEquals(server.run("APPEND", "key", "!"), 1_000_004);
  server.run("GETDEL", "key");
  server.reclaim();
  assertEquals(server.server.arena.usedBytes, before);
});

Deno.test("random string commands agree with a model, frozen or not", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  using server = new EmbeddedServer();
  const { fork, arena } = server.server;
  const usedBefore = arena.usedBytes;
  const model = new Map<string, string>();
  const lengths = [0, 1, 10, 40, 250, 260, 4000, 16350, 16400, 262144];
  for (let step = 0; step < 1500; step++) {
    const key = `key${random.below(8)}`;
    const old = model.get(key) ?? "";
    const text = String.fromCharCode(97 + random.below(26)).repeat(
      lengths[random.below(random.below(20) === 0 ? lengths.length : 6)],
    );
    const offset = random.below(300);
    switch (random.below(4)) {
      case 0:
        server.run("SET", key, text);
        model.set(key, text);
        break;
      case 1:
        assertEquals(server.run("APPEND", key, text), old.length + text.length, `seed ${seed}`);
        model.set(key, old + text);
        break;
      case 2: {
        server.run("SETRANGE", key, offset, text);
        if (text === "") break;
        const padded = old.padEnd(offset, "\0");
        model.set(key, padded.slice(0, offset) + text + padded.slice(offset + text.length));
        break;
      }
      default:
        server.run("GETDEL", key);
        model.delete(key);
    }
    assertEquals(server.run("GET", key), model.get(key) ?? null, `seed ${seed}, step ${step}`);
    if (random.below(40) === 0) {
      if (arena.isFrozen) {
        fork.release();
        arena.freeDeferred(Infinity);
      } else {
        fork.freeze();
      }
    }
  }
  if (arena.isFrozen) fork.release();
  arena.freeDeferred(Infinity);
  for (const key of model.keys()) server.run("GETDEL", key);
  assertEquals(arena.usedBytes, usedBefore, `seed ${seed}`);
});

Deno.test("string commands announce and count what Redis announces and counts", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  const expected: [command: string, changes: number, ...events: string[]][] = [
    ["SET a 1", 1, "new a", "set a"],
    ["SET a 2", 1, "set a"],
    ["SET a 3 EX 100", 1, "set a", "expire a"],
    ["SET a 4 NX", 0],
    ["SET a 4 GET", 1, "set a"],
    ["SETEX b 100 x", 1, "new b", "set b", "expire b"],
    ["SETNX b y", 0],
    ["SETNX c y", 1, "new c", "set c"],
    ["GETSET c z", 1, "set c"],
    ["GETEX c EX 100", 1, "expire c"],
    ["GETEX c PERSIST", 1, "persist c"],
    ["GETEX c PERSIST", 0],
    ["GETEX c EXAT 1", 1, "del c"],
    ["MSET a 1 b 2", 2, "set a", "set b"],
    ["MSETNX a 1 d 2", 0],
    ["MSETNX e 1 f 2", 2, "new e", "set e", "new f", "set f"],
    ["APPEND a xx", 1, "append a"],
    ["APPEND newk xx", 1, "new newk", "append newk"],
    ["INCR n", 1, "new n", "incrby n"],
    ["DECRBY n 5", 1, "incrby n"],
    ["INCRBYFLOAT n 1.5", 1, "incrbyfloat n"],
    ["SETRANGE a 3 foo", 1, "setrange a"],
    ["SETRANGE zz 3 foo", 1, "new zz", "setrange zz"],
    ["GETDEL a", 1, "del a"],
    ["GETDEL a", 0, "keymiss a"],
    ["GET nosuch", 0, "keymiss nosuch"],
    ["MGET nosuch a b", 0, "keymiss nosuch", "keymiss a"],
  ];
  for (const [command, changes, ...events] of expected) {
    server.run(...command.split(" "));
    assertEquals(effects.takeEvents(), events, command);
    assertEquals(effects.takeDirty(), changes, command);
  }
});

Deno.test("overwriting a key keeps its frequency and counts as one use", () => {
  using server = new EmbeddedServer();
  server.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu", "lfu-log-factor", 0);
  server.run("SET", "k", "v");
  for (let use = 0; use < 10; use++) server.run("GET", "k");
  assertEquals(server.run("OBJECT", "FREQ", "k"), 15);
  const long = "x".repeat(20_000);
  const overwrites = [["SET", "k", long], ["SETEX", "k", 100, "v"], ["SET", "k", "w", "XX"]];
  for (const [index, request] of overwrites.entries()) {
    server.run(request[0] as string, ...request.slice(1));
    assertEquals(server.run("OBJECT", "FREQ", "k"), 16 + index, request.join(" ").slice(0, 40));
  }
});
