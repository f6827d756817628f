/** Read ahead: it only looks, so commands in a pipeline do what they do one by one. */
import { assert, assertEquals } from "@std/assert";
import { hashBytes } from "../../src/base/hash.ts";
import { QueryBuffer } from "../../src/protocol/query_buffer.ts";
import { REQUEST_COMPLETE, RequestParser } from "../../src/protocol/request_parser.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodeRequest } from "../support/resp_client.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
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

Deno.test("a pipeline of ZPOPMINs touches the members that it takes out", () => {
  using server = filledServer();
  const pairs = Array.from({ length: KEY_COUNT }, (_, index) => [`${index}`, `member:${index}`]);
  for (let from = 0; from < KEY_COUNT; from += 1000) {
    server.run("ZADD", "zset", ...pairs.slice(from, from + 1000).flat());
  }
  const { client } = server.client;
  const seenAfter = (...commands: string[][]): boolean => {
    const readAhead = new ReadAhead();
    client.query.position = client.query.end;
    for (const command of commands) client.query.append(encodeRequest(command));
    assertEquals(readAhead.run(client), commands.length);
    return readAhead.seen !== 0;
  };
  const pop = ["ZPOPMIN", "zset"];
  const other = ["ZPOPMAX", "zset"];
  assertEquals(seenAfter(pop, pop, pop, other), true);
  assertEquals(seenAfter(pop, pop, ["ZPOPMIN", "zset", "2"], pop), false, "not one by one");
  server.run("SET", "text", "x".repeat(50_000));
  for (const key of ["key:1", "text", "missing-key"]) {
    const request = ["ZPOPMIN", key];
    assertEquals(seenAfter(request, request, request, request), false, key);
  }
});

Deno.test("ZPOPMINs of a pipeline take what is first when they run, whatever happens in between", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  using server = filledServer();
  const scores = new Map<string, number>();
  for (let index = 0; index < KEY_COUNT; index++) scores.set(`m:${index}`, index % 1000);
  const pairs = [...scores].flatMap(([member, score]) => [`${score}`, member]);
  for (let from = 0; from < pairs.length; from += 2000) {
    server.run("ZADD", "zset", ...pairs.slice(from, from + 2000));
  }
  const compare = (a: string, b: string) => a < b ? -1 : 1;
  const sorted = [...scores.keys()].sort((a, b) =>
    scores.get(a)! - scores.get(b)! || compare(a, b)
  );
  const pipeline: number[] = [];
  const expected: unknown[] = [];
  for (let step = 0; step < 300; step++) {
    for (let count = random.between(1, 20); count > 0; count--) {
      const member = sorted.shift()!;
      pipeline.push(...encodeRequest(["ZPOPMIN", "zset"]));
      expected.push([member, `${scores.get(member)}`]);
    }
    if (random.below(3) !== 0) continue;
    // What has been touched goes, or is not the first any more.
    sorted.splice(2, 1).forEach((gone) => pipeline.push(...encodeRequest(["ZREM", "zset", gone])));
    scores.set(`new:${step}`, -1 - step);
    sorted.unshift(`new:${step}`);
    pipeline.push(...encodeRequest(["ZADD", "zset", `${-1 - step}`, `new:${step}`]));
    expected.push(1, 1);
  }
  server.client.sendBytes(Uint8Array.from(pipeline));
  assertEquals(server.client.take(), expected as never, `seed ${seed}`);
  assertEquals(server.run("ZCARD", "zset"), sorted.length);
});

Deno.test("members that were touched may be gone when their ZPOPMIN runs, or it may not run at all", () => {
  using server = filledServer();
  const fill = () => {
    for (let from = 0; from < KEY_COUNT; from += 1000) {
      const pairs = Array.from({ length: 1000 }, (_, at) => [`${from + at}`, `m:${from + at}`]);
      server.run("ZADD", "zset", ...pairs.flat());
    }
  };
  const pop = ["ZPOPMIN", "zset"];
  const other = server.connect();
  const send = (...requests: string[][]): unknown[] => {
    const bytes = requests.flatMap((request) => [...encodeRequest(request)]);
    other.sendBytes(Uint8Array.from(bytes));
    return other.take();
  };
  fill();
  assertEquals(send(["MULTI"], pop, pop, ["DISCARD"], pop, ["DEL", "zset"], pop) as never, [
    ...["OK", "QUEUED", "QUEUED", "OK", ["m:0", "0"], 1, []],
  ]);
  fill();
  assertEquals(send(pop, pop, ["MULTI"], pop, pop, ["EXEC"]) as never, [
    ...[["m:0", "0"], ["m:1", "1"], "OK", "QUEUED", "QUEUED", [["m:2", "2"], ["m:3", "3"]]],
  ]);
  const cut = [pop, pop].flatMap((request) => [...encodeRequest(request)]);
  for (const byte of cut) other.sendBytes(Uint8Array.of(byte));
  assertEquals(other.take() as never, [["m:4", "4"], ["m:5", "5"]]);
  assertEquals(send(pop, pop, ["QUIT"], pop, pop) as never, [["m:6", "6"], ["m:7", "7"], "OK"]);
  assertEquals(server.run("ZCARD", "zset"), KEY_COUNT - 8);
  server.client.sendBytes(
    Uint8Array.from([pop, ["FLUSHALL"], pop, pop].flatMap((one) => [...encodeRequest(one)])),
  );
  assertEquals(server.client.take() as never, [["m:8", "8"], "OK", [], []]);
});
