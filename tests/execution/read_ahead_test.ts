/** Read ahead: it only looks, so commands in a pipeline do what they do one by one. */
import { assert, assertEquals } from "@std/assert";
import { hashBytes } from "../../src/base/hash.ts";
import { QueryBuffer } from "../../src/protocol/query_buffer.ts";
import { REQUEST_COMPLETE, RequestParser } from "../../src/protocol/request_parser.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodeRequest } from "../support/resp_client.ts";
import { ReadAhead } from "../../src/execution/read_ahead.ts";

const KEY_COUNT = 40_000;

function filledServer(): EmbeddedServer {
  const server = new EmbeddedServer();
  for (let index = 0; index < KEY_COUNT; index++) server.run("SET", `key:${index}`, `${index}`);
  return server;
}

Deno.test("read ahead touches the keys of a pipeline in a large keyspace only", () => {
  using small = new EmbeddedServer();
  const pipeline = Array.from({ length: 10 }, (_, index) => encodeRequest(["GET", `key:${index}`]));
  for (const bytes of pipeline) small.client.client.query.append(bytes);
  assertEquals(new ReadAhead().run(small.client.client), 0);

  using large = filledServer();
  const { client } = large.client;
  const readAhead = new ReadAhead();
  client.query.append(pipeline[0]);
  assertEquals(readAhead.run(client), 0, "one request is no pipeline");
  for (const bytes of pipeline.slice(1)) client.query.append(bytes);
  assertEquals(readAhead.run(client), 10);
  assert(readAhead.seen !== 0, "memory was read");
});

Deno.test("the hashes of what was touched are left to the requests that ask for it, in order", () => {
  using server = filledServer();
  const { client } = server.client;
  const requests = [["GET", "key:1"], ["PING"], ["GET", "k".repeat(300)], ["SET", "key:2", "x"]];
  for (const request of requests) client.query.append(encodeRequest(request));
  const readAhead = new ReadAhead();
  assertEquals(readAhead.run(client), requests.length);
  const parser = new RequestParser();
  const known: boolean[] = [];
  while (parser.parse(client.query, true) === REQUEST_COMPLETE) {
    const { argv } = parser;
    readAhead.recall(new QueryBuffer(), argv);
    assertEquals(argv.hashedIndex, -1, "another client's request");
    readAhead.recall(client.query, argv);
    known.push(argv.hashedIndex === 1);
    if (argv.hashedIndex !== 1) continue;
    assertEquals(argv.hash, hashBytes(argv.bytes, argv.starts[1], argv.lengths[1]));
  }
  assertEquals(known, [true, false, false, true]);
});

Deno.test("a key that comes again and again has its hash each time", () => {
  using server = filledServer();
  const { client } = server.client;
  const keys = ["key:1", "key:1", "key:1", "key:2", "key:2", "key:20", "key:1"];
  for (const key of keys) client.query.append(encodeRequest(["RPUSH", key, "x"]));
  const readAhead = new ReadAhead();
  assertEquals(readAhead.run(client), keys.length);
  const parser = new RequestParser();
  for (const key of keys) {
    assertEquals(parser.parse(client.query, true), REQUEST_COMPLETE);
    const { argv } = parser;
    readAhead.recall(client.query, argv);
    assertEquals(argv.hashedIndex, 1, key);
    assertEquals(argv.hash, hashBytes(argv.bytes, argv.starts[1], argv.lengths[1]), key);
  }
});

Deno.test("a pipeline whose commands change what was touched gets the right replies", () => {
  using server = filledServer();
  const requests: string[][] = [];
  const expected: unknown[] = [];
  for (let index = 0; index < 200; index++) {
    const key = `key:${index * 7}`;
    requests.push(["GET", key], ["DEL", key], ["GET", key], ["SET", key, "x".repeat(200)]);
    expected.push(String(index * 7), 1, null, "OK");
    requests.push(["RENAME", key, `new:${index}`], ["GET", `new:${index}`], ["EXISTS", key]);
    expected.push("OK", "x".repeat(200), 0);
  }
  const pipeline = requests.flatMap((request) => [...encodeRequest(request)]);
  server.client.sendBytes(Uint8Array.from(pipeline));
  assertEquals(server.client.take(), expected as never);
});
