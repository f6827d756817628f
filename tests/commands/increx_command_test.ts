/** INCREX: integers and floats within bounds, with an expiry; rules are those of Redis 8.8. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Random, randomSeed } from "../../src/base/random.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodingOf, RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, repliesIn3, type Row } from "./sorted_set_suite.ts";

const INTEGERS: readonly Row[] = [
  ["INCREX k", "*2 :1 :1"],
  ["INCREX k BYINT -5", "*2 :-4 :-5"],
  ["INCREX k BYINT 0", "*2 :-4 :0"],
  ["INCREX k UBOUND -4", "*2 :-4 :0"],
  ["INCREX k UBOUND -3", "*2 :-3 :1"],
  ["INCREX k BYINT 10 UBOUND 5 SATURATE", "*2 :5 :8"],
  ["INCREX k BYINT -10 LBOUND 1", "*2 :5 :0"],
  ["INCREX k BYINT -10 LBOUND 1 SATURATE", "*2 :1 :-4"],
  // Outside of the bounds already: it may come inside, or is moved to the bound.
  ["SET k 100", "+OK"],
  ["INCREX k UBOUND 50", "*2 :100 :0"],
  ["INCREX k BYINT -60 UBOUND 50", "*2 :40 :-60"],
  ["SET k 100", "+OK"],
  ["INCREX k BYINT 1 UBOUND 50 SATURATE", "*2 :50 :-50"],
  ["SET k 9223372036854775807", "+OK"],
  ["INCREX k", "*2 :9223372036854775807 :0"],
  ["INCREX k SATURATE", "*2 :9223372036854775807 :0"],
  ["INCREX k BYINT -9223372036854775808", "*2 :-1 :-9223372036854775808"],
  ["SET k -9223372036854775808", "+OK"],
  [
    "INCREX k BYINT 1 LBOUND 9223372036854775807 SATURATE",
    "-ERR the applied increment would overflow",
  ],
  ["INCREX none UBOUND 0", "*2 :0 :0"],
  ["EXISTS none", ":0"],
  ["INCREX k BYINT x", "-ERR Increment is not an integer or out of range"],
  ["INCREX k BYINT 1.5", "-ERR Increment is not an integer or out of range"],
  ["INCREX k BYINT 9223372036854775808", "-ERR Increment is not an integer or out of range"],
  ["INCREX k LBOUND x", "-ERR LBOUND is not an integer or out of range"],
  ["INCREX k UBOUND 1.5", "-ERR UBOUND is not an integer or out of range"],
  ["INCREX k LBOUND 2 UBOUND 1", "-ERR LBOUND can't be greater than UBOUND"],
  ["SET k x", "+OK"],
  ["INCREX k", "-ERR value is not an integer or out of range"],
  ["INCREX k BYFLOAT 1", "-ERR value is not a valid float"],
  ["LPUSH l 1", ":1"],
  ["INCREX l", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["INCREX", "-ERR wrong number of arguments for 'increx' command"],
];

Deno.test("INCREX counts within bounds", () => {
  using server = new EmbeddedServer();
  expectReplies(server, INTEGERS);
});

const SYNTAX_ERRORS = [
  ...["FOO", "BYINT", "BYINT 1 BYINT 2", "BYINT 1 BYFLOAT 1", "LBOUND 1 LBOUND 1", "UBOUND"],
  ...["SATURATE SATURATE", "EX 1 PX 1", "EX 1 EX 1", "EX 1 PERSIST", "PERSIST PERSIST", "EX"],
  ...["PERSIST ENX", "EX 1 ENX ENX", "KEEPTTL", "NX", "GET", "IFEQ 1", "1"],
];

Deno.test("INCREX refuses options that are unknown, repeated or exclude each other", () => {
  using server = new EmbeddedServer();
  for (const options of SYNTAX_ERRORS) {
    expectReplies(server, [[`INCREX k ${options}`, "-ERR syntax error"]]);
  }
  expectReplies(server, [
    ["INCREX k ENX", "-ERR ENX flag requires an expiration (EX, PX, EXAT or PXAT)"],
    ["INCREX k EX 0", "-ERR invalid expire time in 'increx' command"],
    ["INCREX k PX -1", "-ERR invalid expire time in 'increx' command"],
    ["INCREX k EX x", "-ERR value is not an integer or out of range"],
    ["EXISTS k", ":0"],
  ]);
});

const FLOATS: readonly Row[] = [
  ["INCREX f BYFLOAT 10.5", "*2 $4 10.5 $4 10.5"],
  ["INCREX f BYFLOAT -0.25 LBOUND 10.25", "*2 $5 10.25 $5 -0.25"],
  ["INCREX f BYFLOAT -0.25 LBOUND 10.25", "*2 $5 10.25 $1 0"],
  ["INCREX f BYFLOAT 5 UBOUND 12.5 SATURATE", "*2 $4 12.5 $4 2.25"],
  ["INCREX f BYFLOAT x", "-ERR Increment is not a valid float"],
  ["INCREX f BYFLOAT nan", "-ERR Increment is not a valid float"],
  ["INCREX f BYFLOAT inf", "-ERR BYFLOAT increment cannot be Infinity"],
  ["INCREX f BYFLOAT 1 LBOUND x", "-ERR LBOUND is not a valid float"],
  ["INCREX f BYFLOAT 1 LBOUND 2 UBOUND 1.5", "-ERR LBOUND can't be greater than UBOUND"],
  ["INCREX f BYFLOAT 1 LBOUND -inf UBOUND inf", "*2 $4 13.5 $1 1"],
  ["SET f inf", "+OK"],
  ["INCREX f BYFLOAT 1", "-ERR value cannot be Infinity"],
  ["SET f 3.0e3", "+OK"],
  ["INCREX f BYFLOAT 200.1", "*2 $22 3200.10000000000000009 $21 200.10000000000000009"],
];

Deno.test("INCREX BYFLOAT reckons as INCRBYFLOAT does", () => {
  using server = new EmbeddedServer();
  expectReplies(server, FLOATS);
  server.run("SET", "f", "1e4932");
  const [outcome, applied] = server.run("INCREX", "f", "BYFLOAT", "1e4932") as string[];
  assertEquals([outcome.length, applied], [4933, "0"]);
  const [most] = server.run("INCREX", "f", "BYFLOAT", "1e4932", "SATURATE") as string[];
  assertEquals(most.slice(0, 20), "11897314953572317650");
  server.run("INCREX", "whole", "BYFLOAT", "3");
  assertEquals(encodingOf(server, "whole"), "embstr");
  server.run("INCREX", "integer", "BYINT", "3");
  assertEquals(encodingOf(server, "integer"), "int");
});

Deno.test("INCREX replies doubles in RESP3, and integers as ever", () => {
  using server = new EmbeddedServer();
  repliesIn3(server, [
    ["INCREX f BYFLOAT 1.5", "*2 ,1.5 ,1.5"],
    ["INCREX f BYFLOAT 1.5 UBOUND 2", "*2 ,1.5 ,0"],
    ["INCREX k", "*2 :1 :1"],
  ]);
});

Deno.test("INCREX keeps, sets, drops an expiry, or sets it only where there is none", () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    using server = new EmbeddedServer();
    expectReplies(server, [
      ["INCREX k EX 100 ENX", "*2 :1 :1"],
      ["INCREX k EX 50 ENX", "*2 :2 :1"],
      ["TTL k", ":100"],
      ["INCREX k", "*2 :3 :1"],
      ["TTL k", ":100"],
      ["INCREX k PX 5000", "*2 :4 :1"],
      ["TTL k", ":5"],
      ["INCREX k EX 500 UBOUND 4", "*2 :4 :0"],
      ["TTL k", ":5"],
      ["INCREX k EX 500 UBOUND 4 SATURATE", "*2 :4 :0"],
      ["TTL k", ":500"],
      ["INCREX k PERSIST", "*2 :5 :1"],
      ["TTL k", ":-1"],
      ["INCREX k EX 9 EXAT 1", "-ERR syntax error"],
      ["INCREX k EXAT 1700000900", "*2 :6 :1"],
      ["INCREX k EXAT 1 ENX", "*2 :7 :1"],
      ["INCREX k EXAT 1", "*2 :8 :1"],
      ["EXISTS k", ":0"],
      ["INCREX k PXAT 1", "*2 :1 :1"],
      ["EXISTS k", ":0"],
    ]);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("INCREX is recorded as a SET, and announces what it did", () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    using server = new EmbeddedServer();
    const effects = new RecordedEffects(server);
    server.run("INCREX", "k", "EX", "100", "ENX");
    server.run("INCREX", "k", "EX", "100", "ENX");
    server.run("INCREX", "k", "UBOUND", "1");
    server.run("INCREX", "k", "BYFLOAT", "0.5", "PERSIST");
    server.run("INCREX", "k", "BYFLOAT", "0.5", "PERSIST");
    server.run("INCREX", "k", "PXAT", "1");
    server.run("INCREX", "k", "PXAT", "1");
    assertEquals(effects.takeLog(), [
      "SET k 1 PXAT 1700000100000",
      "SET k 2 KEEPTTL",
      "SET k 2.5",
      "SET k 3",
      "DEL k",
    ]);
    assertEquals(effects.takeEvents(), [
      ...["new k", "incrby k", "expire k", "incrby k"],
      ...["incrbyfloat k", "persist k", "incrbyfloat k", "del k"],
    ]);
    assertEquals(effects.takeDirty(), 5);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("INCREX with random bounds does what plain arithmetic says", () => {
  using server = new EmbeddedServer();
  const seed = randomSeed();
  const random = new Random(seed);
  let current = 0n;
  for (let round = 0; round < 2000; round++) {
    const draw = () => BigInt(random.below(41) - 20) * (random.below(9) === 0 ? 2n ** 58n : 1n);
    const [increment, a, b] = [draw(), draw(), draw()];
    const [lower, upper] = a < b ? [a, b] : [b, a];
    const saturates = random.below(2) === 0;
    const words = ["BYINT", `${increment}`, "LBOUND", `${lower}`, "UBOUND", `${upper}`];
    const reply = server.raw("INCREX", "k", ...words, ...(saturates ? ["SATURATE"] : []));
    const sum = current + increment;
    const inside = sum < lower ? lower : sum > upper ? upper : sum;
    const before = current;
    if (saturates || inside === sum) current = inside;
    const expected = inside - before >= 2n ** 63n || inside - before < -(2n ** 63n)
      ? null
      : `*2\r\n:${current}\r\n:${current - before}\r\n`;
    if (expected === null && saturates) current = before;
    else assertEquals(reply, expected ?? `*2\r\n:${before}\r\n:0\r\n`, `seed ${seed}, ${round}`);
  }
});
