/**
 * The commands on the expiry of fields, in both encodings: replies, errors, events, and what goes
 * to the AOF; all are those of redis-server 8.2.3.
 */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodingOf, RecordedEffects } from "../support/recorded_effects.ts";
import { type Plain, RespError } from "../support/resp_reply.ts";

const START_MS = 1_700_000_000_000;
const FAR = "9000000000000";

function shown(reply: Plain): Plain {
  return reply instanceof RespError ? `-${reply.message}` : reply;
}

/** A row: request, reply, and optionally the events and the effects. */
type Row = [request: string, reply: Plain, events?: string, effects?: string[]];

function expectRows(directives: [string, string][], rows: Row[], setup: string[] = []): void {
  clock.setTimeForTests(START_MS);
  try {
    using server = new EmbeddedServer(directives);
    for (const request of setup) server.run(...request.split(" "));
    const effects = new RecordedEffects(server);
    for (const [request, reply, events, log] of rows) {
      assertEquals(shown(server.run(...request.split(" "))), reply, request);
      const seen = effects.takeEvents().filter((event) => !/^(new|keymiss) /.test(event)).join(
        ", ",
      );
      const recorded = effects.takeLog();
      if (events !== undefined) assertEquals(seen, events, request);
      if (log !== undefined) assertEquals(recorded, log, request);
    }
  } finally {
    clock.useRealTime();
  }
}

const FORMS: [string, [string, string][]][] = [
  ["listpackex", []],
  ["hashtable", [["hash-max-listpack-entries", "0"]]],
];

function inBothForms(name: string, rows: Row[], setup: string[] = []): void {
  for (const [form, directives] of FORMS) {
    Deno.test(`${name} (${form})`, () => expectRows(directives, rows, setup));
  }
}

const HASH = ["HSET h a 1 b 2 c 3", `HPEXPIREAT h ${FAR} FIELDS 1 a`];
const SOON = String(START_MS + 100_000);

inBothForms("HEXPIRE and its kin set what a condition allows, and record the moment", [
  ["HEXPIRE h 100 FIELDS 2 a zz", [1, -2], "hexpire h", [`HPEXPIREAT h ${SOON} FIELDS 1 a`]],
  ["HEXPIRE h 100 nx FIELDS 3 a b zz", [0, 1, -2], "hexpire h", [
    `HPEXPIREAT h ${SOON} nx FIELDS 1 b`,
  ]],
  ["HPEXPIRE h 100001 XX FIELDS 2 a c", [1, 0], "hexpire h", [
    `HPEXPIREAT h ${START_MS + 100_001} XX FIELDS 1 a`,
  ]],
  [`HPEXPIREAT h ${SOON} GT FIELDS 2 a c`, [0, 0], "", []],
  [`hpexpireat h ${SOON} LT FIELDS 2 a c`, [1, 1], "hexpire h", [
    `hpexpireat h ${SOON} LT FIELDS 2 a c`,
  ]],
  [`HPEXPIREAT h ${SOON} LT FIELDS 1 a`, [0], "", []],
  ["HEXPIREAT h 9000000000 GT FIELDS 2 a a", [1, 0], "hexpire h", [
    `HPEXPIREAT h ${FAR} GT FIELDS 1 a`,
  ]],
  ["HEXPIRE missing 100 FIELDS 2 a b", [-2, -2], "", []],
], HASH);

inBothForms("a time that has passed removes fields, and the hash with its last", [
  ["HEXPIREAT h 1 FIELDS 3 a zz a", [2, -2, -2], "hdel h", ["HDEL h a"]],
  ["HEXPIRE h 0 FIELDS 2 b c", [2, 2], "hdel h, del h", ["HDEL h b", "HDEL h c"]],
  ["EXISTS h", 0],
], HASH);

inBothForms("times are told in seconds, rounded up, and in milliseconds", [
  [`HPEXPIREAT h ${START_MS + 1500} FIELDS 1 a`, [1]],
  ["HTTL h FIELDS 3 a b zz", [2, -1, -2], "", []],
  ["HPTTL h FIELDS 1 a", [1500]],
  ["HEXPIRETIME h FIELDS 2 a b", [1_700_000_002, -1]],
  ["HPEXPIRETIME h FIELDS 1 a", [START_MS + 1500]],
  ["HTTL missing FIELDS 1 a", [-2]],
], HASH);

inBothForms("HPERSIST drops expiries, and is recorded as it came if it did", [
  ["HPERSIST h FIELDS 3 a b zz", [1, -1, -2], "hpersist h", ["HPERSIST h FIELDS 3 a b zz"]],
  ["HPERSIST h FIELDS 1 a", [-1], "", []],
  ["HPERSIST missing FIELDS 1 a", [-2], "", []],
], HASH);

inBothForms("HGETEX returns values, and changes when the fields expire", [
  ["HGETEX h FIELDS 2 a zz", ["1", null], "", []],
  ["HGETEX h EX 100 FIELDS 3 a b zz", ["1", "2", null], "hexpire h", [
    `HPEXPIREAT h ${SOON} FIELDS 3 a b zz`,
  ]],
  ["HGETEX h PERSIST FIELDS 2 a c", ["1", "3"], "hpersist h", ["HPERSIST h FIELDS 2 a c"]],
  ["HGETEX h PERSIST FIELDS 1 c", ["3"], "", []],
  ["HGETEX h PX 5 FIELDS 1 zz", [null], "", []],
  ["HGETEX h PXAT 1 FIELDS 3 b b c", ["2", null, "3"], "hdel h", ["HDEL h b", "HDEL h c"]],
  ["HGETEX h EXAT 1 FIELDS 1 a", ["1"], "hdel h, del h", ["HDEL h a"]],
  ["HGETEX h FIELDS 1 a", [null], "", []],
], HASH);

inBothForms("HGETDEL returns values and removes the fields", [
  ["HGETDEL h FIELDS 3 a zz a", ["1", null, null], "hdel h", ["HDEL h a zz a"]],
  ["HGETDEL h FIELDS 1 zz", [null], "", []],
  ["HGETDEL h FIELDS 2 b c", ["2", "3"], "hdel h, del h", ["HDEL h b c"]],
  ["HGETDEL h FIELDS 1 b", [null], "", []],
], HASH);

inBothForms("HSETEX sets fields and their expiry, if its condition is met", [
  ["HSETEX h FIELDS 2 a 5 n 6", 1, "hset h", ["HSETEX h FIELDS 2 a 5 n 6"]],
  ["HPTTL h FIELDS 1 a", [-1]],
  ["HSETEX h EX 100 FIELDS 1 a 5", 1, "hset h, hexpire h", [`HSETEX h PXAT ${SOON} FIELDS 1 a 5`]],
  ["HSETEX h KEEPTTL FIELDS 1 a 6", 1, "hset h", ["HSETEX h KEEPTTL FIELDS 1 a 6"]],
  ["HPTTL h FIELDS 1 a", [100_000]],
  ["HSETEX h FNX FIELDS 2 x 1 a 1", 0, "", []],
  ["HSETEX h FXX FIELDS 2 a 1 x 1", 0, "", []],
  ["HSETEX h EXAT 9000000000 fxx FIELDS 2 a 7 b 8", 1, "hset h, hexpire h", [
    `HSETEX h PXAT ${FAR} fxx FIELDS 2 a 7 b 8`,
  ]],
  ["HSETEX h PXAT 1 FIELDS 2 a 1 new 2", 1, "hset h, hdel h", ["HDEL h a", "HDEL h new"]],
  ["HMGET h a b c new n", [null, "8", "3", null, "6"]],
  ["HSETEX fresh PX 100000 FNX FIELDS 1 f v", 1, "hset fresh, hexpire fresh", [
    `HSETEX fresh PXAT ${SOON} FNX FIELDS 1 f v`,
  ]],
  ["HSETEX none FXX FIELDS 1 f v", 0, "", []],
  ["HSETEX none EX 0 FIELDS 1 f v", 1, "hset none, hdel none, del none", ["HDEL none f"]],
], HASH);

inBothForms("other commands keep an expiry, or drop it", [
  ["HINCRBY h a 1", 2, "hincrby h", ["HINCRBY h a 1"]],
  ["HINCRBYFLOAT h a 1.5", "3.5", "hincrbyfloat h", ["HSETEX h KEEPTTL FIELDS 1 a 3.5"]],
  ["HINCRBYFLOAT h b 1.5", "3.5", "hincrbyfloat h", ["HSET h b 3.5"]],
  ["HPEXPIRETIME h FIELDS 1 a", [Number(FAR)]],
  ["COPY h copy", 1],
  ["RENAME copy renamed", "OK"],
  ["HPEXPIRETIME renamed FIELDS 1 a", [Number(FAR)]],
  ["HSET h a 1", 0],
  ["HPEXPIRETIME h FIELDS 1 a", [-1]],
  ["HDEL renamed a", 1],
  ["HSET renamed a 1", 1],
  ["HPEXPIRETIME renamed FIELDS 1 a", [-1]],
], HASH);

const INTEGER = "-ERR value is not an integer or out of range";
const TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const MISSING = "-ERR Mandatory argument FIELDS is missing or not at the right position";
const MATCH = "-ERR The `numfields` parameter must match the number of arguments";
const COUNT = "-ERR Number of fields must be a positive integer";
const NEGATIVE = "-ERR invalid expire time, must be >= 0";
const arity = (name: string) => `-ERR wrong number of arguments for '${name}' command`;
const time = (name: string) => `-ERR invalid expire time in '${name}' command`;

Deno.test("errors come in Redis's order and words", () => {
  const parameter = "-ERR Parameter `numFields` should be greater than 0";
  const twoConditions = "-ERR Only one of FXX or FNX arguments can be specified";
  const twoTimes = "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
  expectRows([], [
    ["HEXPIRE s x y z w", TYPE],
    ["HEXPIRE h abc foo 1 a", INTEGER],
    ["HEXPIRE h -1 fields 0 a", NEGATIVE],
    ["HEXPIRE h 10 nx xx fields 1 a", MISSING],
    ["HEXPIRE h 10 fields 0 a b c", parameter],
    ["HEXPIRE h 10 fields x a", parameter],
    ["HEXPIRE h 10 fields 2 a", MATCH],
    ["HEXPIRE h 10 fields 1 a nx", MATCH],
    ["HEXPIRE nokey 10 fields 2 a", MATCH],
    ["HEXPIRE h 10 nx fields", arity("hexpire")],
    ["HEXPIRE h 9223372036854775807 fields 1 a", time("hexpire")],
    ["HPEXPIREAT h 70368744177664 fields 1 a", time("hpexpireat")],
    ["HPEXPIREAT h 70368744177663 fields 1 a", [1]],
    ["HTTL s fields x a", TYPE],
    ["HTTL h foo 1 a", MISSING],
    ["HTTL nokey fields x a", COUNT],
    ["HPERSIST h fields 1 a b", MATCH],
    ["HGETEX s foo 1 a", TYPE],
    ["HGETEX h ex fields 1 a", INTEGER],
    ["HGETEX h ex 10 persist fields 1 a", MISSING],
    ["HGETEX h ex -1 fields 0 a", NEGATIVE],
    ["HGETEX h ex 10 fields", arity("hgetex")],
    ["HGETEX h ex 10 fields 1", MATCH],
    ["HGETEX h pxat 70368744177664 fields 1 a", time("hgetex")],
    ["HGETDEL h fields 0 a", COUNT],
    ["HGETDEL h fields 1 a b", MATCH],
    ["HSETEX s ex abc fields 1 a 1", INTEGER],
    ["HSETEX s fields 1 a 1", TYPE],
    ["HSETEX h foo 1 a 1", "-ERR unknown argument: foo"],
    ["HSETEX h fnx fxx ex abc fields 1 a 1", twoConditions],
    ["HSETEX h ex 10 keepttl fields 1 a 1", twoTimes],
    ["HSETEX h fields 0 a 1", "-ERR invalid number of fields"],
    ["HSETEX h fields 2 a 1", arity("hsetex")],
    ["HSETEX h fnx ex 10 fields", arity("hsetex")],
    ["HSETEX nokey fxx ex abc fields 1 a 1", INTEGER],
    ["HSCAN h 0 novalues match a* count 10", ["0", ["a"]]],
    ["SCAN 0 novalues", "-ERR NOVALUES option can only be used in HSCAN"],
    ["HGETALL h", ["a", "1", "b", "2"]],
  ], ["SET s x", "HSET h b 2 a 1"]);
});

Deno.test("a small hash is listpackex from its first HEXPIRE on, met or not, and never goes back", () => {
  using server = new EmbeddedServer();
  server.run("HSET", "h", "a", "1");
  server.run("HEXPIRE", "h", "10", "FIELDS", "1", "zz");
  assertEquals(encodingOf(server, "h"), "listpackex");
  server.run("HSETEX", "fresh", "FIELDS", "1", "f", "v");
  assertEquals(encodingOf(server, "fresh"), "listpack");
  server.run("HSETEX", "fresh", "EX", "10", "FIELDS", "1", "f", "v");
  server.run("HPERSIST", "fresh", "FIELDS", "1", "f");
  assertEquals(encodingOf(server, "fresh"), "listpackex");
  server.run("HSET", "fresh", "f", "v".repeat(100));
  assertEquals(encodingOf(server, "fresh"), "hashtable");
});

Deno.test("INFO counts hashes with such fields, and fields that expired; the digest sees them", () => {
  clock.setTimeForTests(START_MS);
  try {
    using server = new EmbeddedServer([["enable-debug-command", "yes"], ["redis-version", "7.4"]]);
    server.run("HSET", "h", "a", "1");
    const digest = () => (server.run("DEBUG", "DIGEST-VALUE", "h") as string[])[0];
    assertEquals(digest(), "626a7b57a269f8f179a44902458ecb2f5920d35d");
    server.run("HPEXPIREAT", "h", START_MS + 10, "FIELDS", "1", "a");
    assertEquals(digest(), "ce98eed535a9bd6c62403cf0d79da44325cdc96f");
    const info = () => String(server.run("INFO", "everything"));
    assertEquals(/^db0:keys=1,expires=0,avg_ttl=0,subexpiry=1\r$/m.test(info()), true);
    clock.advanceForTests(100);
    server.run("HGET", "h", "a");
    assertEquals(/^expired_subkeys:1\r$/m.test(info()), true);
    assertEquals(info().includes("db0:"), false);
    server.run("CONFIG", "RESETSTAT");
    assertEquals(/^expired_subkeys:0\r$/m.test(info()), true);
  } finally {
    clock.useRealTime();
  }
});
