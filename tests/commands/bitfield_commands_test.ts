/** Bitfield commands: widths, offsets, overflow, and what counts as a change. */
import { assert, assertEquals } from "@std/assert";
import { Random, randomSeed } from "../../src/base/random.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { RespError } from "../support/resp_reply.ts";

function errorOf(reply: unknown): string {
  assert(reply instanceof RespError, `no error: ${reply}`);
  return reply.message;
}

Deno.test("BITFIELD carries out its operations in order", () => {
  using server = new EmbeddedServer();
  const reply = server.run(
    ...["BITFIELD", "key", "SET", "u8", "0", "255", "INCRBY", "i5", "100", "1", "GET", "u4", "0"],
  );
  assertEquals(reply, [0, 1, 15]);
  assertEquals(server.run("BITFIELD", "key", "GET", "u8", "#0", "GET", "i8", "#0"), [255, -1]);
  assertEquals(server.run("BITFIELD", "missing", "GET", "u8", "#7"), [0]);
  assertEquals(server.run("BITFIELD", "missing"), []);
  assertEquals(server.run("STRLEN", "missing"), 0);
});

Deno.test("BITFIELD wraps, saturates or fails on overflow", () => {
  using server = new EmbeddedServer();
  const increment = (overflow: string, type: string, start: string, amount: string) => {
    server.run("BITFIELD", "key", "SET", type, "3", start);
    const commands = ["OVERFLOW", overflow, "INCRBY", type, "3", amount];
    const reply = server.raw("BITFIELD", "key", ...commands);
    return reply.slice(4).trim();
  };
  assertEquals(increment("WRAP", "u8", "250", "10"), ":4");
  assertEquals(increment("SAT", "u8", "250", "10"), ":255");
  assertEquals(increment("SAT", "u8", "5", "-10"), ":0");
  assertEquals(increment("FAIL", "u8", "250", "10"), "$-1");
  assertEquals(increment("WRAP", "i8", "127", "1"), ":-128");
  assertEquals(increment("SAT", "i8", "-100", "-100"), ":-128");
  assertEquals(increment("WRAP", "i64", "9223372036854775807", "1"), ":-9223372036854775808");
  assertEquals(
    increment("SAT", "i64", "9223372036854775800", "9223372036854775807"),
    ":9223372036854775807",
  );
  assertEquals(increment("WRAP", "u63", "9223372036854775807", "1"), ":0");
});

Deno.test("BITFIELD refuses types, offsets and overflow words it does not know", () => {
  using server = new EmbeddedServer();
  const type = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not " +
    "supported but i64 is.";
  for (const name of ["u64", "i65", "x8", "u", "u0", ""]) {
    assertEquals(errorOf(server.run("BITFIELD", "key", "GET", name, 0)), type, name);
  }
  const offset = "ERR bit offset is not an integer or out of range";
  assertEquals(errorOf(server.run("BITFIELD", "key", "GET", "u8", "-1")), offset);
  assertEquals(errorOf(server.run("BITFIELD", "key", "GET", "u8", "#x")), offset);
  const overflow = "ERR Invalid OVERFLOW type specified";
  assertEquals(errorOf(server.run("BITFIELD", "key", "OVERFLOW", "never")), overflow);
  assertEquals(errorOf(server.run("BITFIELD", "key", "GET", "u8")), "ERR syntax error");
  const readOnly = "ERR BITFIELD_RO only supports the GET subcommand";
  assertEquals(errorOf(server.run("BITFIELD_RO", "key", "SET", "u8", 0, 1)), readOnly);
});

Deno.test("BITFIELD counts each operation that changed something", () => {
  using server = new EmbeddedServer();
  const { keyspace } = server.server;
  server.run("BITFIELD", "key", "SET", "u8", 0, 1, "SET", "u8", 8, 0);
  assertEquals(keyspace.dirty, 2);
  server.run("BITFIELD", "key", "SET", "u8", 0, 1, "SET", "u8", 8, 7);
  assertEquals(keyspace.dirty, 3);
  server.run("BITFIELD", "key", "GET", "u8", 0);
  assertEquals(keyspace.dirty, 3);
});

Deno.test("fields of every width and offset keep their value and their neighbours", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  using server = new EmbeddedServer();
  let bits = "0".repeat(320);
  server.run("SETBIT", "key", 319, 0);
  for (let step = 0; step < 600; step++) {
    const width = 1 + random.below(63);
    const offset = random.below(256);
    const number = BigInt.asUintN(width, BigInt(random.next32()) * BigInt(random.next32()));
    server.run("BITFIELD", "key", "SET", `u${width}`, offset, number);
    const digits = number.toString(2).padStart(width, "0");
    bits = bits.slice(0, offset) + digits + bits.slice(offset + width);
    const at = random.below(256);
    const expected = BigInt.asIntN(width, BigInt(`0b${bits.slice(at, at + width)}`));
    const reply = server.raw("BITFIELD", "key", "GET", `i${width}`, at);
    assertEquals(reply, `*1\r\n:${expected}\r\n`, `seed ${seed}, step ${step}`);
  }
});

Deno.test("BITFIELD announces what Redis announces, and counts all that changes", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  const expected: [command: string, changes: number, ...events: string[]][] = [
    ["BITFIELD bf SET u8 0 1", 1, "new bf", "setbit bf"],
    ["BITFIELD bf SET u8 0 1", 0],
    // Redis does not count that the string grows; its replicas then lack it.
    ["BITFIELD bf OVERFLOW FAIL INCRBY u8 100 300", 1],
    ["BITFIELD bf OVERFLOW FAIL INCRBY u8 100 300", 0],
  ];
  for (const [command, changes, ...events] of expected) {
    server.run(...command.split(" "));
    assertEquals(effects.takeEvents(), events, command);
    assertEquals(effects.takeDirty(), changes, command);
  }
});
