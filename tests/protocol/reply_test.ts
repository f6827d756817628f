/** Reply: the bytes of every kind, in both versions, and how the output grows. */
import { assert, assertEquals } from "@std/assert";
import { recycle, Reply } from "../../src/protocol/reply.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

const POOLED_BYTES = 16 * 1024;

function written(build: (reply: Reply) => void, resp: 2 | 3): string {
  const reply = new Reply();
  reply.resp = resp;
  build(reply);
  const { length } = reply;
  return fromLatin1(reply.detach().subarray(0, length));
}

function assertBytes(build: (reply: Reply) => void, resp2: string, resp3 = resp2): void {
  assertEquals(written(build, 2), resp2);
  assertEquals(written(build, 3), resp3);
}

Deno.test("status and errors are lines", () => {
  assertBytes((reply) => reply.ok(), "+OK\r\n");
  assertBytes((reply) => reply.simple("QUEUED"), "+QUEUED\r\n");
  assertBytes((reply) => reply.error("ERR no such key"), "-ERR no such key\r\n");
  assertBytes((reply) => reply.error("ERR a\r\nb\nc"), "-ERR a  b c\r\n");
});

Deno.test("integers have all their digits", () => {
  for (const value of [0, 9, 10, -1, -9, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, -(2 ** 53 - 1)]) {
    assertBytes((reply) => reply.integer(value), `:${value}\r\n`);
  }
  for (const value of [0n, -(2n ** 63n), 2n ** 63n - 1n]) {
    assertBytes((reply) => reply.bigInteger(value), `:${value}\r\n`);
  }
});

Deno.test("bulk strings hold any bytes, of any length", () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, index) => index & 255);
  for (const length of [0, 1, 9, 10, 63, 64, 65, 200]) {
    const content = fromLatin1(bytes.subarray(50, 50 + length));
    assertBytes((reply) => reply.bulk(bytes, 50, length), `$${length}\r\n${content}\r\n`);
  }
  assertBytes((reply) => reply.bulkText("caf\xe9"), "$4\r\ncaf\xe9\r\n");
});

Deno.test("a bulk string may come in pieces", () => {
  const bytes = latin1("abcdef");
  assertBytes((reply) => {
    reply.bulkHeader(5);
    reply.raw(bytes, 0, 2);
    reply.raw(bytes, 3, 3);
    reply.bulkEnd();
  }, "$5\r\nabdef\r\n");
});

Deno.test("nothing is a bulk string or an array in RESP2, and null in RESP3", () => {
  assertBytes((reply) => reply.nil(), "$-1\r\n", "_\r\n");
  assertBytes((reply) => reply.nilArray(), "*-1\r\n", "_\r\n");
});

Deno.test("doubles and booleans have types of their own in RESP3", () => {
  assertBytes((reply) => reply.double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n");
  assertBytes((reply) => reply.double(-3), "$2\r\n-3\r\n", ",-3\r\n");
  assertBytes((reply) => reply.double(Infinity), "$3\r\ninf\r\n", ",inf\r\n");
  assertBytes((reply) => reply.double(-Infinity), "$4\r\n-inf\r\n", ",-inf\r\n");
  assertBytes((reply) => reply.doubleText("2.50"), "$4\r\n2.50\r\n", ",2.50\r\n");
  assertBytes((reply) => reply.boolean(true), ":1\r\n", "#t\r\n");
  assertBytes((reply) => reply.boolean(false), ":0\r\n", "#f\r\n");
});

Deno.test("an integer is written as a double of its digits, but -0 keeps its sign", () => {
  const integers = [0, 7, -1, 10, 99, 100, 12345678, -123456789, 2 ** 53 - 1, 1 - 2 ** 53, 2 ** 53];
  for (const value of integers) {
    const text = String(value);
    const bulk = `$${text.length}\r\n${text}\r\n`;
    assertBytes((reply) => reply.double(value), bulk, `,${text}\r\n`);
    assertBytes((reply) => reply.bulkDouble(value), bulk, bulk);
  }
  assertBytes((reply) => reply.double(-0), "$2\r\n-0\r\n", ",-0\r\n");
  assertBytes((reply) => reply.bulkDouble(-0), "$2\r\n-0\r\n", "$2\r\n-0\r\n");
});

Deno.test("verbatim text that was gathered piece by piece is as any other", () => {
  const gathered = (...pieces: string[]) => (reply: Reply) => {
    const lines = new Reply();
    for (const piece of pieces) lines.rawText(piece);
    reply.verbatimFrom(lines);
    assertEquals(lines.length, 0);
  };
  assertBytes(gathered(), "$0\r\n\r\n", "=4\r\ntxt:\r\n");
  assertBytes(gathered("hel", "lo\xff"), "$6\r\nhello\xff\r\n", "=10\r\ntxt:hello\xff\r\n");
  const long = "x".repeat(100_000);
  assertBytes(gathered(long, "y"), `$100001\r\n${long}y\r\n`, `=100005\r\ntxt:${long}y\r\n`);
});

Deno.test("verbatim text names its format, and counts it, in RESP3", () => {
  assertBytes((reply) => reply.verbatim("hello"), "$5\r\nhello\r\n", "=9\r\ntxt:hello\r\n");
  assertBytes((reply) => reply.verbatim("#", "mkd"), "$1\r\n#\r\n", "=5\r\nmkd:#\r\n");
});

Deno.test("aggregates announce elements, or pairs where RESP3 has maps", () => {
  assertBytes((reply) => reply.array(0), "*0\r\n");
  assertBytes((reply) => reply.array(12), "*12\r\n");
  assertBytes((reply) => reply.map(7), "*14\r\n", "%7\r\n");
  assertBytes((reply) => reply.set(3), "*3\r\n", "~3\r\n");
  assertBytes((reply) => reply.push(3), "*3\r\n", ">3\r\n");
});

Deno.test("a deferred header goes in front of what follows its mark", () => {
  for (const count of [0, 1, 9, 10, 12345]) {
    const elements = (reply: Reply) => {
      for (let index = 0; index < count; index++) reply.integer(index);
    };
    const body = Array.from({ length: count }, (_, index) => `:${index}\r\n`).join("");
    const build = (end: (reply: Reply, mark: number) => void) => (reply: Reply) => {
      reply.ok();
      const mark = reply.deferArray();
      elements(reply);
      end(reply, mark);
      reply.ok();
    };
    const framed = (header: string) => `+OK\r\n${header}\r\n${body}+OK\r\n`;
    assertBytes(build((reply, mark) => reply.endDeferredArray(mark, count)), framed(`*${count}`));
    assertBytes(
      build((reply, mark) => reply.endDeferredSet(mark, count)),
      framed(`*${count}`),
      framed(`~${count}`),
    );
    assertBytes(
      build((reply, mark) => reply.endDeferredMap(mark, count)),
      framed(`*${count * 2}`),
      framed(`%${count}`),
    );
  }
});

Deno.test("deferred aggregates nest", () => {
  assertBytes(
    (reply) => {
      const outer = reply.deferArray();
      reply.integer(1);
      const inner = reply.deferArray();
      reply.integer(2);
      reply.endDeferredSet(inner, 1);
      reply.endDeferredMap(outer, 1);
    },
    "*2\r\n:1\r\n*1\r\n:2\r\n",
    "%1\r\n:1\r\n~1\r\n:2\r\n",
  );
});

Deno.test("output grows over the pooled size at any point without loss", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 60; round++) {
    const reply = new Reply();
    let model = "";
    const filler = latin1("f".repeat(POOLED_BYTES - 40 + random.below(60)));
    reply.raw(filler, 0, filler.length);
    model += fromLatin1(filler);
    for (let step = 0; step < 20; step++) {
      const bytes = random.bytes(random.below(random.oneIn(8) ? 40_000 : 90));
      reply.bulk(bytes, 0, bytes.length);
      reply.bulkText("text");
      reply.integer(step);
      reply.ok();
      model += `$${bytes.length}\r\n${fromLatin1(bytes)}\r\n$4\r\ntext\r\n:${step}\r\n+OK\r\n`;
    }
    const { length } = reply;
    assertEquals(length, model.length, `seed ${seed}`);
    assert(fromLatin1(reply.detach().subarray(0, length)) === model, `seed ${seed}`);
  }
});

Deno.test("what was added since a mark can be taken back", () => {
  assertBytes((reply) => {
    reply.ok();
    const mark = reply.length;
    reply.array(2);
    reply.integer(1);
    reply.rewind(mark);
    reply.error("ERR no");
  }, "+OK\r\n-ERR no\r\n");
});

Deno.test("a reply that was detached holds nothing, and its array is used again", () => {
  const reply = new Reply();
  reply.ok();
  const bytes = reply.detach();
  assertEquals([reply.length, reply.bytes.length, bytes.length], [0, 0, POOLED_BYTES]);
  recycle(bytes);
  const other = new Reply();
  other.integer(5);
  assert(other.bytes === bytes);
  assertEquals(fromLatin1(other.bytes.subarray(0, other.length)), ":5\r\n");
});

Deno.test("arrays of large replies are used again for large replies", () => {
  const reply = new Reply();
  const large = new Uint8Array(100_000).fill(0x61);
  reply.bulk(large, 0, large.length);
  const bytes = reply.detach();
  recycle(bytes);
  reply.ok();
  assert(reply.bytes !== bytes, "a small reply takes a small array");
  const other = new Reply();
  other.bulk(large.fill(0x62), 0, 90_000);
  assert(other.bytes === bytes);
  assertEquals(
    fromLatin1(other.bytes.subarray(0, other.length)),
    `$90000\r\n${"b".repeat(90_000)}\r\n`,
  );
  reply.bulk(large, 0, large.length);
  assert(reply.bytes !== bytes, "it is in use");
});

Deno.test("output beyond the limit is dropped, and nothing is written after it", () => {
  const reply = new Reply();
  reply.bytesMax = 50_000;
  const bytes = new Uint8Array(20_000);
  reply.bulk(bytes, 0, bytes.length);
  reply.bulk(bytes, 0, bytes.length);
  assertEquals(reply.isOverflown, false);
  const mark = reply.deferArray();
  reply.bulk(bytes, 0, bytes.length);
  reply.endDeferredArray(mark, 1);
  assert(reply.isOverflown);
  for (let round = 0; round < 100; round++) reply.raw(bytes, 0, bytes.length);
  assert(reply.bytes.length <= 100_000, `${reply.bytes.length} bytes are held`);
});

Deno.test("a long string that comes in pieces has room for all of them from the start", () => {
  const reply = new Reply();
  const piece = new Uint8Array(16_000).fill(0x61);
  reply.bulkHeader(10 * piece.length);
  const { bytes } = reply;
  for (let count = 0; count < 10; count++) reply.raw(piece, 0, piece.length);
  reply.bulkEnd();
  assert(reply.bytes === bytes, "it was not moved");
  assertEquals(reply.length, "$160000\r\n".length + 160_000 + 2);
});
