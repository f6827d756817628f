/**
 * The request parser: requests cut at every byte, pipelines, limits, and what is not a request.
 */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import { Random, randomSeed } from "../../src/base/random.ts";
import { splitArguments } from "../../src/protocol/inline_arguments.ts";
import { QueryBuffer } from "../../src/protocol/query_buffer.ts";
import {
  REQUEST_COMPLETE,
  REQUEST_INVALID,
  REQUEST_PARTIAL,
  RequestParser,
} from "../../src/protocol/request_parser.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

/** Everything that can be parsed now; the outcome that ended it last. */
function drain(
  parser: RequestParser,
  query: QueryBuffer,
): { requests: string[][]; outcome: number } {
  const requests: string[][] = [];
  for (;;) {
    const outcome = parser.parse(query, true);
    if (outcome !== REQUEST_COMPLETE) return { requests, outcome };
    const { argv } = parser;
    if (argv.count > 0) {
      requests.push(Array.from({ length: argv.count }, (_, index) => argv.text(index)));
    }
  }
}

function parseAll(text: string): { requests: string[][]; outcome: number; error: string } {
  const parser = new RequestParser();
  const query = new QueryBuffer();
  query.append(latin1Bytes(text));
  return { ...drain(parser, query), error: parser.error };
}

function encode(request: string[]): string {
  return `*${request.length}\r\n` +
    request.map((argument) => `$${argument.length}\r\n${argument}\r\n`).join("");
}

const REQUESTS = [
  ["PING"],
  ["SET", "key", "a\r\nb"],
  ["SET", "", "\0\xff"],
  ["LPUSH", ...Array.from({ length: 30 }, (_, index) => `element ${index}`)],
  ["SET", "long", "x".repeat(1234)],
  ["LENGTHS", ...[0, 1, 9, 10, 11, 99, 100].map((length) => "y".repeat(length))],
  ["GET", "key"],
];

Deno.test("a request is understood wherever its bytes are cut", () => {
  const bytes = latin1Bytes(REQUESTS.map(encode).join(""));
  for (let cut = 0; cut <= bytes.length; cut++) {
    const parser = new RequestParser();
    const query = new QueryBuffer();
    query.append(bytes.subarray(0, cut));
    const before = drain(parser, query);
    query.append(bytes.subarray(cut));
    const after = drain(parser, query);
    assertEquals([...before.requests, ...after.requests], REQUESTS, `cut at ${cut}`);
    assertEquals(after.outcome, REQUEST_PARTIAL);
  }
});

Deno.test("requests of two clients that arrive byte by byte in turns do not mix", () => {
  const parser = new RequestParser();
  const bytes = latin1Bytes(REQUESTS.map(encode).join(""));
  const queries = [new QueryBuffer(), new QueryBuffer()];
  const seen: string[][][] = [[], []];
  for (let at = 0; at < bytes.length; at++) {
    for (const [index, query] of queries.entries()) {
      query.append(bytes.subarray(at, at + 1));
      seen[index].push(...drain(parser, query).requests);
    }
  }
  assertEquals(seen, [REQUESTS, REQUESTS]);
});

Deno.test("a stream of random requests in random pieces comes out as it went in", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  const requests = Array.from(
    { length: 300 },
    () =>
      Array.from({ length: 1 + random.below(12) }, () => {
        const length = random.below(20) === 0 ? random.below(200000) : random.below(40);
        return String.fromCharCode(33 + random.below(90)).repeat(length);
      }),
  );
  const bytes = latin1Bytes(requests.map(encode).join(""));
  const parser = new RequestParser();
  const query = new QueryBuffer();
  const seen: string[][] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random.below(random.below(2) === 0 ? 50 : 100000);
    query.append(bytes.subarray(at, at + size));
    at += size;
    seen.push(...drain(parser, query).requests);
  }
  assertEquals(seen, requests, `seed ${seed}`);
  assertEquals(query.pendingBytes, 0);
});

Deno.test("an inline request is split like a shell would", () => {
  const { requests } = parseAll(
    `PING\r\nset  key "a b\\x41\\n"\nget 'it\\'s' ""\r\n\r\n  \r\necho "\\q"\r\n`,
  );
  assertEquals(requests, [["PING"], ["set", "key", "a bA\n"], ["get", "it's", ""], [
    "echo",
    "q",
  ]]);
});

Deno.test("inline requests in a pipeline, split anywhere, are those of splitArguments", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const pieces = ["a", "bc", " ", "  ", "\t", '"x y"', "'z'", "\r", "\v", "0", "\x80", "key:1"];
  const lines = Array.from({ length: 300 }, () => {
    const count = random.below(8);
    // Asterisks would make it another kind of request.
    return Array.from({ length: count }, () => pieces[random.below(pieces.length)]).join("") + "q";
  });
  const expected = lines.map((line) => splitArguments(latin1Bytes(line), 0, line.length));
  const good = lines.filter((_, index) => expected[index] !== null);
  const bytes = latin1Bytes(
    good.map((line) => line + (random.oneIn(2) ? "\r\n" : "\n")).join(""),
  );
  const query = new QueryBuffer();
  const parser = new RequestParser();
  const seen: string[][] = [];
  for (let at = 0; at < bytes.length;) {
    const size = random.oneIn(3) ? random.below(400) : random.below(6);
    query.append(bytes.subarray(at, at + size));
    at += size;
    seen.push(...drain(parser, query).requests);
  }
  const words = expected.filter((line) => line !== null);
  assertEquals(
    seen,
    words.map((line) => line.map((word) => latin1Text(word, 0, word.length))),
    `seed ${seed}`,
  );
});

Deno.test("empty and negative multibulk counts are no request", () => {
  assertEquals(parseAll("*0\r\n*-1\r\n*-10\r\n*1\r\n$4\r\nPING\r\n").requests, [["PING"]]);
});

Deno.test("what is not a request is answered in Redis's words", () => {
  const cases: [string, string][] = [
    ["*abc\r\n", "invalid multibulk length"],
    ["*2147483648\r\n", "invalid multibulk length"],
    ["*1\r\nPING\r\n", "expected '$', got 'P'"],
    ["*1\r\n$-1\r\n", "invalid bulk length"],
    ["*1\r\n$536870913\r\n", "invalid bulk length"],
    ["*1\r\n$x\r\n", "invalid bulk length"],
    ["*1\r\n$007\r\n", "invalid bulk length"],
    [`get "a\r\n`, "unbalanced quotes in request"],
    [`get "a"b\r\n`, "unbalanced quotes in request"],
    ["x".repeat(70000), "too big inline request"],
    [`*${"1".repeat(70000)}`, "too big mbulk count string"],
    [`*1\r\n$${"1".repeat(70000)}`, "too big bulk count string"],
  ];
  for (const [text, error] of cases) {
    const result = parseAll(text);
    assertEquals([result.outcome, result.error], [REQUEST_INVALID, error], text.slice(0, 20));
  }
});

Deno.test("a client that has not authenticated may send small requests only", () => {
  const cases: [string, string][] = [
    ["*11\r\n", "unauthenticated multibulk length"],
    ["*2\r\n$3\r\nSET\r\n$16385\r\n", "unauthenticated bulk length"],
  ];
  for (const [text, error] of cases) {
    const parser = new RequestParser();
    const query = new QueryBuffer();
    query.append(latin1Bytes(text));
    assertEquals([parser.parse(query, false), parser.error], [REQUEST_INVALID, error]);
  }
});

Deno.test("an announced argument takes no memory before it arrives", () => {
  const parser = new RequestParser();
  const query = new QueryBuffer();
  query.append(latin1Bytes("*2\r\n$3\r\nGET\r\n$500000000\r\nabc"));
  assertEquals(parser.parse(query, true), REQUEST_PARTIAL);
  query.writable();
  assertEquals(query.bytes.length < 100000, true);
});
