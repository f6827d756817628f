/** Bitmap commands: single bits, ranges in bytes and bits, BITOP over strings of many chunks. */
import { assert, assertEquals } from "@std/assert";
import { latin1Text } from "../../src/base/bytes.ts";
import { Random, randomSeed } from "../../src/base/random.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { RespError } from "../support/resp_reply.ts";

function errorOf(reply: unknown): string {
  assert(reply instanceof RespError, `no error: ${reply}`);
  return reply.message;
}

Deno.test("SETBIT returns the old bit and lets the string grow", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("SETBIT", "bits", 7, 1), 0);
  assertEquals(server.run("SETBIT", "bits", 7, 0), 1);
  assertEquals(server.run("SETBIT", "bits", 3_000_000, 1), 0);
  assertEquals(server.run("GETBIT", "bits", 3_000_000), 1);
  assertEquals(server.run("GETBIT", "bits", 3_000_001), 0);
  assertEquals(server.run("STRLEN", "bits"), 375_001);
  assertEquals(server.run("GETBIT", "missing", 5), 0);
});

Deno.test("SETBIT counts as a change only if something changed", () => {
  using server = new EmbeddedServer();
  const { keyspace } = server.server;
  server.run("SETBIT", "bits", 7, 0);
  assertEquals(keyspace.dirty, 1);
  server.run("SETBIT", "bits", 6, 0);
  assertEquals(keyspace.dirty, 1);
  server.run("SETBIT", "bits", 6, 1);
  assertEquals(keyspace.dirty, 2);
});

Deno.test("SETBIT refuses bad offsets and bits before it looks at the key", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "set", "a");
  const badOffset = "ERR bit offset is not an integer or out of range";
  for (const offset of ["-1", "x", "4294967296", ""]) {
    assertEquals(errorOf(server.run("SETBIT", "set", offset, 1)), badOffset);
  }
  const badBit = "ERR bit is not an integer or out of range";
  assertEquals(errorOf(server.run("SETBIT", "set", 1, 2)), badBit);
  assert(errorOf(server.run("SETBIT", "set", 1, 1)).startsWith("WRONGTYPE"));
});

Deno.test("BITCOUNT and BITPOS agree with a count bit by bit, in bytes and bits", () => {
  using server = new EmbeddedServer();
  const bytes = Uint8Array.from({ length: 150 }, (_, index) => (index * 37) & 255);
  bytes.fill(0, 20, 100);
  bytes.fill(255, 100, 140);
  server.run("SET", "bits", bytes);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const count = (from: number, to: number) => bits.slice(from, to).replaceAll("0", "").length;
  for (let from = 0; from < bits.length; from += 97) {
    for (let to = from; to < bits.length; to += 89) {
      assertEquals(server.run("BITCOUNT", "bits", from, to, "BIT"), count(from, to + 1));
      for (const bit of ["0", "1"]) {
        const found = bits.slice(0, to + 1).indexOf(bit, from);
        assertEquals(server.run("BITPOS", "bits", bit, from, to, "BIT"), found);
      }
    }
  }
  assertEquals(server.run("BITCOUNT", "bits"), count(0, bits.length));
  assertEquals(server.run("BITCOUNT", "bits", 10, -20), count(80, (150 - 19) * 8));
  // A range that runs backward by 1, which no double can tell.
  const [low, high] = ["-9223372036854775808", "-9223372036854775807"];
  assertEquals(server.run("BITCOUNT", "bits", high, low), 0);
  assertEquals(server.run("BITCOUNT", "bits", low, high), count(0, 8));
});

Deno.test("BITPOS 0 finds a bit behind the string only if no end is given", () => {
  using server = new EmbeddedServer();
  server.run("SET", "ones", new Uint8Array([255, 255, 255]));
  assertEquals(server.run("BITPOS", "ones", 0), 24);
  assertEquals(server.run("BITPOS", "ones", 0, 1), 24);
  assertEquals(server.run("BITPOS", "ones", 0, 0, -1), -1);
  assertEquals(server.run("BITPOS", "ones", 1, 3), -1);
  assertEquals(server.run("BITPOS", "missing", 0), 0);
  assertEquals(server.run("BITPOS", "missing", 1), -1);
  const expected = "ERR The bit argument must be 1 or 0.";
  assertEquals(errorOf(server.run("BITPOS", "ones", 2)), expected);
});

Deno.test("BITOP combines strings of different lengths as if padded with zeros", () => {
  using server = new EmbeddedServer();
  server.run("SET", "a", new Uint8Array([0b1100, 0xff, 0x0f]));
  server.run("SET", "b", new Uint8Array([0b1010]));
  const bytesAt = (key: string) => server.raw("GET", key).slice(4, -2);
  assertEquals(server.run("BITOP", "AND", "to", "a", "b"), 3);
  assertEquals(bytesAt("to"), "\x08\0\0");
  assertEquals(server.run("BITOP", "OR", "to", "a", "b"), 3);
  assertEquals(bytesAt("to"), "\x0e\xff\x0f");
  assertEquals(server.run("BITOP", "XOR", "to", "a", "b", "missing"), 3);
  assertEquals(bytesAt("to"), "\x06\xff\x0f");
  assertEquals(server.run("BITOP", "NOT", "to", "a"), 3);
  assertEquals(bytesAt("to"), "\xf3\0\xf0");
  assertEquals(server.run("BITOP", "AND", "to", "a", "missing"), 3);
  assertEquals(bytesAt("to"), "\0\0\0");
  assertEquals(server.run("BITOP", "OR", "to", "missing"), 0);
  assertEquals(server.run("GET", "to"), null);
});

Deno.test("BITOP over long strings may store into one of its sources", () => {
  using server = new EmbeddedServer();
  const length = 700_001;
  const long = new Uint8Array(length).fill(0b0110);
  server.run("SET", "long", long);
  server.run("SET", "short", new Uint8Array(300_000).fill(0b0011));
  server.server.fork.freeze();
  assertEquals(server.run("BITOP", "XOR", "long", "long", "short"), length);
  server.server.fork.release();
  server.server.arena.freeDeferred(Infinity);
  assertEquals(server.run("BITCOUNT", "long"), length * 2);
  assertEquals(server.run("GETRANGE", "long", 299_999, 300_000), "\x05\x06");
  assertEquals(server.run("BITPOS", "long", 1, 299_999, -1), 299_999 * 8 + 5);
});

Deno.test("bitmap commands announce and count what Redis announces and counts", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  const expected: [command: string, changes: number, ...events: string[]][] = [
    ["SET a 1", 1, "new a", "set a"],
    ["SETBIT bits 7 1", 1, "new bits", "setbit bits"],
    ["SETBIT bits 7 1", 0],
    ["SETBIT nb 0 0", 1, "new nb", "setbit nb"],
    ["BITOP AND dest bits a", 1, "new dest", "set dest"],
    ["BITOP AND dest nokey", 1, "keymiss nokey", "del dest"],
    ["BITOP OR dest nokey", 0, "keymiss nokey"],
    ["BITCOUNT nosuch", 0, "keymiss nosuch"],
  ];
  for (const [command, changes, ...events] of expected) {
    server.run(...command.split(" "));
    assertEquals(effects.takeEvents(), events, command);
    assertEquals(effects.takeDirty(), changes, command);
  }
});

/** What the operations of Redis 8.2 make of sources, bit by bit: the number of bits set decides. */
const LATER_OPERATIONS: Readonly<Record<string, (bits: number[]) => boolean>> = {
  DIFF: ([first, ...others]) => first === 1 && !others.includes(1),
  DIFF1: ([first, ...others]) => first === 0 && others.includes(1),
  ANDOR: ([first, ...others]) => first === 1 && others.includes(1),
  ONE: (bits) => bits.filter((bit) => bit === 1).length === 1,
};

Deno.test("BITOP DIFF, DIFF1, ANDOR and ONE do what is said of them, bit by bit", () => {
  using server = new EmbeddedServer();
  const seed = randomSeed();
  const random = new Random(seed);
  for (let round = 0; round < 60; round++) {
    const sources = Array.from({ length: 2 + random.below(3) }, (_, index) => {
      const length = random.below(4) === 0 ? 0 : random.below(40);
      const bytes = Uint8Array.from({ length }, () => random.below(256));
      server.run("DEL", `s${index}`);
      if (length > 0) server.run("SET", `s${index}`, bytes);
      return bytes;
    });
    const length = Math.max(...sources.map((bytes) => bytes.length));
    const names = sources.map((_, index) => `s${index}`);
    for (const [operation, isSet] of Object.entries(LATER_OPERATIONS)) {
      const expected = Uint8Array.from({ length }, (_, at) => {
        let byte = 0;
        for (let bit = 7; bit >= 0; bit--) {
          const bits = sources.map((bytes) => ((bytes[at] ?? 0) >> bit) & 1);
          byte = byte * 2 + (isSet(bits) ? 1 : 0);
        }
        return byte;
      });
      const what = `seed ${seed}, round ${round}, ${operation}`;
      assertEquals(server.run("BITOP", operation, "target", ...names), length, what);
      const raw = server.raw("GET", "target");
      const text = length === 0 ? "" : raw.slice(raw.indexOf("\r\n") + 2, -2);
      assertEquals(text === latin1Text(expected, 0, length), true, what);
    }
  }
});

Deno.test("BITOP DIFF and its kin go through strings of any length", () => {
  using server = new EmbeddedServer();
  const [length, other] = [300_000, 270_000];
  server.run("SET", "a", new Uint8Array(length).fill(0xff));
  server.run("SET", "b", new Uint8Array(other).fill(0x0f));
  const expected: [operation: string, head: number, tail: number][] = [
    ["DIFF", 0xf0, 0xff],
    ["DIFF1", 0, 0],
    ["ANDOR", 0x0f, 0],
    ["ONE", 0xf0, 0xff],
  ];
  for (const [operation, head, tail] of expected) {
    assertEquals(server.run("BITOP", operation, "target", "a", "b"), length);
    const byteAt = (at: number) => server.run("BITFIELD", "target", "GET", "u8", String(at * 8));
    for (const at of [0, 262_143, 262_144, other - 1]) assertEquals(byteAt(at), [head], operation);
    for (const at of [other, length - 1]) assertEquals(byteAt(at), [tail], operation);
  }
});

const SOURCES_OF_ALL: [operation: string, combine: (bytes: number[]) => number][] = [
  ["AND", (bytes) => bytes.reduce((a, b) => a & b)],
  ["OR", (bytes) => bytes.reduce((a, b) => a | b)],
  ["XOR", (bytes) => bytes.reduce((a, b) => a ^ b)],
  ["ONE", ([a, b, c]) => (a ^ b ^ c) & ~(a & b & c)],
  ["DIFF", ([a, b, c]) => a & ~(b | c)],
  ["DIFF1", ([a, b, c]) => (b | c) & ~a],
  ["ANDOR", ([a, b, c]) => a & (b | c)],
];

Deno.test("BITOP fills its outcome whatever stood in that memory, and whichever source is short", () => {
  using server = new EmbeddedServer();
  for (const [longest, shorter] of [[20_003, 17_001], [262_150, 30_000], [600_001, 262_144]]) {
    const bytesOf = new Map([["long", 0b1110], ["short", 0b0111], ["missing", 0]]);
    const lengthOf = new Map([["long", longest], ["short", shorter], ["missing", 0]]);
    server.run("SET", "long", new Uint8Array(longest).fill(0b1110));
    server.run("SET", "short", new Uint8Array(shorter).fill(0b0111));
    const orders = [["long", "short", "missing"], ["missing", "long", "short"]];
    orders.push(["short", "missing", "long"], ["short", "long", "short"]);
    for (const [operation, combine] of SOURCES_OF_ALL) {
      for (const names of orders) {
        server.run("SET", "rubbish", new Uint8Array(longest).fill(0xff));
        server.run("DEL", "rubbish");
        assertEquals(server.run("BITOP", operation, "target", ...names), longest);
        for (const at of [0, shorter - 1, shorter, longest - 1]) {
          const byteAt = (name: string) => at < lengthOf.get(name)! ? bytesOf.get(name)! : 0;
          const expected = combine(names.map(byteAt)) & 0xff;
          const found = server.run("BITFIELD", "target", "GET", "u8", String(at * 8));
          assertEquals(found, [expected], `${operation} ${names.join()} ${longest} ${at}`);
        }
      }
    }
  }
});

Deno.test("BITOP DIFF, DIFF1 and ANDOR need two sources, ONE does with one", () => {
  using server = new EmbeddedServer();
  for (const operation of ["diff", "DIFF1", "AndOr"]) {
    assertEquals(
      server.raw("BITOP", operation, "target", "a"),
      `-ERR BITOP ${operation.toUpperCase()} must be called with at least two source keys.\r\n`,
    );
  }
  server.run("SET", "a", "abc");
  assertEquals(server.run("BITOP", "one", "target", "a"), 3);
  assertEquals(server.run("BITOP", "ONE", "target", "a", "a"), 3);
  assertEquals(server.run("GET", "target"), "\0\0\0");
});

Deno.test("operations of 8.2 are recorded as a SET of their outcome", () => {
  using server = new EmbeddedServer();
  server.run("MSET", "a", "abc", "b", "a");
  const effects = new RecordedEffects(server);
  server.run("BITOP", "DIFF", "t", "a", "b");
  server.run("BITOP", "ONE", "t", "none");
  server.run("BITOP", "ONE", "t", "none");
  server.run("BITOP", "OR", "t", "a", "b");
  assertEquals(effects.takeLog(), ["SET t \0bc", "DEL t", "BITOP OR t a b"]);
});

Deno.test("an outcome of BITOP has nothing of the one before", () => {
  using server = new EmbeddedServer();
  server.run("SET", "long", "\xff".repeat(600));
  server.run("SET", "short", "ab");
  for (const operation of ["AND", "OR", "XOR"]) {
    server.run("BITOP", "NOT", "to", "short");
    server.run("BITOP", "OR", "to", "long", "short");
    assertEquals(server.run("BITOP", operation, "to", "short", "missing"), 2);
    assertEquals(server.run("GET", "to"), operation === "AND" ? "\0\0" : "ab");
    server.run("SET", "other", "a" + "b".repeat(300));
    assertEquals(server.run("BITOP", operation, "to", "short", "other"), 301);
    const expected = operation === "AND" ? "ab" : operation === "OR" ? "ab" : "\0\0";
    const rest = operation === "AND" ? "\0" : "b";
    assertEquals(server.run("GET", "to"), expected + rest.repeat(299));
  }
});
