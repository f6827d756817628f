/** Request scan: it finds the first arguments of complete requests and stops at anything else. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import { QueryBuffer } from "../../src/protocol/query_buffer.ts";
import { RequestScan, SCAN_REQUESTS_MAX } from "../../src/protocol/request_scan.ts";
import { encodeRequest } from "../support/resp_client.ts";
import { SeededRandom } from "../support/seeded_random.ts";

function scanned(...parts: (string | Uint8Array)[]): { requests: number; found: string[] } {
  const query = new QueryBuffer();
  for (const part of parts) query.append(typeof part === "string" ? latin1Bytes(part) : part);
  const scan = new RequestScan();
  const requests = scan.run(query);
  const found = Array.from(
    { length: scan.count },
    (_, index) => latin1Text(query.bytes, scan.starts[index], scan.lengths[index]),
  );
  return { requests, found };
}

Deno.test("a scan finds the first argument of each request of a pipeline", () => {
  const pipeline = [["SET", "one", "1"], ["GET", "two"], ["PING"], ["DEL", "three", "four"]];
  const { requests, found } = scanned(...pipeline.map(encodeRequest), "*1\r\n");
  assertEquals(requests, 4);
  assertEquals(found, ["one", "two", "three"]);
});

Deno.test("a scan sees no more than its maximum, and no request that is not whole", () => {
  const many = Array.from({ length: 40 }, (_, index) => encodeRequest(["GET", `key:${index}`]));
  assertEquals(scanned(...many).requests, SCAN_REQUESTS_MAX);
  const whole = encodeRequest(["GET", "some-key"]);
  const cut = encodeRequest(["SET", "other-key", "value"]);
  for (let length = 0; length < cut.length - 2; length++) {
    assertEquals(scanned(whole, cut.subarray(0, length)).requests, 1, `cut after ${length}`);
  }
});

Deno.test("a scan stops at inline requests, negative lengths and large counts", () => {
  const whole = encodeRequest(["GET", "some-key"]);
  for (
    const strange of ["PING one two three four", "*0\r\n*-1\r\n$-1\r\n", "*12\r\n$3\r\nDEL\r\n"]
  ) {
    assertEquals(scanned(whole, strange.padEnd(60, "x")), { requests: 1, found: ["some-key"] });
  }
  const negative = "*2\r\n$3\r\nGET\r\n$-5\r\nhello\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n";
  assertEquals(scanned(negative), { requests: 0, found: [] });
});

Deno.test("a long first argument is passed over", () => {
  const long = encodeRequest(["GET", "k".repeat(5000)]);
  const { requests, found } = scanned(long, encodeRequest(["GET", "short-key"]));
  assertEquals(requests, 2);
  assertEquals(found, ["short-key"]);
});

Deno.test("garbage makes a scan neither fail nor leave the buffer", () => {
  const random = new SeededRandom(7);
  const pieces = [
    "*2\r\n",
    "$3\r\n",
    "GET\r\n",
    "$",
    "\r",
    "\n",
    "9999999999",
    "*",
    "key",
    "\0\xff",
  ];
  for (let round = 0; round < 5000; round++) {
    const text = Array.from({ length: random.between(1, 40) }, () => random.pick(pieces)).join("");
    const query = new QueryBuffer();
    query.append(latin1Bytes(text));
    const scan = new RequestScan();
    scan.run(query);
    for (let index = 0; index < scan.count; index++) {
      const end = scan.starts[index] + scan.lengths[index];
      assert(scan.starts[index] >= 0 && end <= query.end, `seed 7, round ${round}: ${text}`);
    }
  }
});

Deno.test("a scan knows the most arguments that a request has", () => {
  const scan = new RequestScan();
  const query = new QueryBuffer();
  for (const request of [["ZPOPMIN", "zset"], ["ZPOPMIN", "zset"]]) {
    query.append(encodeRequest(request));
  }
  scan.run(query);
  assertEquals(scan.argumentsMax, 2);
  query.append(encodeRequest(["ZADD", "zset", "1", "member"]));
  query.append(encodeRequest(["ZPOPMIN", "zset"]));
  scan.run(query);
  assertEquals([scan.count, scan.argumentsMax], [4, 4]);
  query.position = query.end;
  scan.run(query);
  assertEquals([scan.count, scan.argumentsMax], [0, 0]);
});
