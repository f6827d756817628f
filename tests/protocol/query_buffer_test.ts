/**
 * Query buffer: what it keeps, where it lets the next bytes go, and how much memory it takes. The
 * requests in it are cut up in all ways in request_parser_test.ts.
 */
import { assert, assertEquals } from "@std/assert";
import { Argv } from "../../src/protocol/argv.ts";
import { QueryBuffer } from "../../src/protocol/query_buffer.ts";
import {
  REQUEST_COMPLETE,
  REQUEST_PARTIAL,
  RequestParser,
} from "../../src/protocol/request_parser.ts";
import { encodeRequest } from "../support/resp_client.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

function pending(query: QueryBuffer): string {
  return fromLatin1(query.bytes.subarray(query.position, query.end));
}

Deno.test("bytes come out in order, whatever is consumed between", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const query = new QueryBuffer();
  let model = "";
  for (let step = 0; step < 2000; step++) {
    const text = fromLatin1(random.bytes(random.below(random.oneIn(20) ? 9000 : 300)));
    query.append(latin1(text));
    model += text;
    const consumed = random.oneIn(4) ? model.length : random.below(Math.min(600, model.length + 1));
    query.position += consumed;
    model = model.slice(consumed);
    assertEquals(query.pendingBytes, model.length);
    if (step % 20 === 0) assertEquals(pending(query), model, `seed ${seed}`);
  }
});

Deno.test("there is always room for reading", () => {
  const query = new QueryBuffer();
  for (let step = 0; step < 12; step++) {
    const target = query.writable();
    assert(target.length > 0);
    query.end += target.length;
    if (step % 3 === 0) query.position += 1500;
    if (step === 8) query.position = query.end;
  }
});

Deno.test("when all is consumed, the buffer is used again from its start", () => {
  const query = new QueryBuffer();
  const { buffer } = query.bytes;
  for (let round = 0; round < 100; round++) {
    query.append(latin1("x".repeat(1000)));
    query.position = query.end;
  }
  assert(query.bytes.buffer === buffer);
});

Deno.test("the arguments of a request that is not complete move with their bytes", () => {
  const query = new QueryBuffer();
  query.append(latin1("old".repeat(600)));
  query.position = query.end;
  query.append(latin1("keyvalue"));
  const partial = new Argv();
  partial.bytes = query.bytes;
  partial.add(query.position, 3);
  partial.add(query.position + 3, 5);
  query.partial = partial;
  query.position = query.end;
  assertEquals(query.heldBytes, 8);
  for (let round = 0; round < 10; round++) query.append(latin1("y".repeat(1000)));
  assertEquals([partial.text(0), partial.text(1)], ["key", "value"]);
  assert(partial.bytes === query.bytes);
  assertEquals(query.heldBytes, 10_008);
});

Deno.test("reads that fill the room get more of it, up to 64 KiB, and an idle client little", () => {
  const query = new QueryBuffer();
  for (let round = 0; round < 20; round++) query.growAfterFullRead();
  assertEquals(query.writable().length, 64 * 1024);
  query.append(latin1("pending"));
  query.shrink();
  assertEquals([query.bytes.length, pending(query)], [64 * 1024, "pending"]);
  query.position = query.end;
  query.shrink();
  assertEquals([query.bytes.length, query.pendingBytes], [2048, 0]);
});

Deno.test("an announced argument takes memory only as it arrives, and then no more than it has", () => {
  const query = new QueryBuffer();
  const parser = new RequestParser();
  const value = "v".repeat(1_000_000);
  const request = encodeRequest(["SET", "key", value]);
  query.append(request.subarray(0, 40));
  assertEquals(parser.parse(query, true), REQUEST_PARTIAL);
  assert(query.bytes.length <= 4096, `${query.bytes.length} bytes are reserved`);
  let largest = 0;
  for (let at = 40; at < request.length; at += 3000) {
    query.append(request.subarray(at, at + 3000));
    const outcome = parser.parse(query, true);
    if (outcome === REQUEST_PARTIAL) largest = Math.max(largest, query.bytes.length);
    else assertEquals(outcome, REQUEST_COMPLETE);
  }
  assertEquals(parser.argv.text(2), value);
  assert(largest < 1_100_000, `${largest} bytes for an argument of ${value.length}`);
});

Deno.test("an argument whose length is known is read into room of its size, and not moved again", () => {
  for (const [length, moves] of [[10_000, 1], [1_000_000, 1], [40_000_000, 2]]) {
    const query = new QueryBuffer();
    const parser = new RequestParser();
    const request = encodeRequest(["SET", "key", new Uint8Array(length).fill(7)]);
    const arrays = new Set<Uint8Array>();
    let outcome = REQUEST_PARTIAL;
    let at = 0;
    for (; outcome === REQUEST_PARTIAL; outcome = parser.parse(query, true)) {
      const room = query.writable();
      arrays.add(query.bytes);
      const size = Math.min(room.length, request.length - at, 64 * 1024);
      room.set(request.subarray(at, at + size));
      query.end += size;
      at += size;
    }
    assertEquals([outcome, at, parser.argv.lengths[2]], [REQUEST_COMPLETE, request.length, length]);
    assertEquals(arrays.size, 1 + moves, `${length} bytes`);
    const step = length < 256 * 1024 ? 64 : 64 * 1024;
    assert(query.bytes.length <= at + step, "hardly more than the request has");
    const { bytes } = query;
    query.append(request);
    assertEquals(parser.parse(query, true), REQUEST_COMPLETE);
    assert(query.bytes === bytes, "the next one of this kind needs no other room");
  }
});

/** Reads as a connection does, at most `readMax` bytes at a time, and parses; returns the reads. */
function readPipeline(
  query: QueryBuffer,
  pipeline: Uint8Array,
  readMax: number,
  onRequest: (argv: Argv) => void,
): number {
  const parser = new RequestParser();
  let reads = 0;
  for (let at = 0; at < pipeline.length; reads++) {
    const room = query.writable();
    const size = Math.min(room.length, readMax, pipeline.length - at);
    room.set(pipeline.subarray(at, at + size));
    query.end += size;
    at += size;
    while (parser.parse(query, true) === REQUEST_COMPLETE) onRequest(parser.argv);
    if (size === room.length) query.growAfterFullRead();
  }
  return reads;
}

Deno.test("a pipeline is read in few pieces, whatever its requests' size is to that of the room", () => {
  for (const length of [3, 100, 700, 1000, 3000, 10_000]) {
    const request = encodeRequest(["SET", "key", new Uint8Array(length).fill(7)]);
    const count = Math.ceil(1_000_000 / request.length);
    const pipeline = new Uint8Array(request.length * count);
    for (let index = 0; index < count; index++) pipeline.set(request, index * request.length);
    let complete = 0;
    const reads = readPipeline(new QueryBuffer(), pipeline, Infinity, () => complete++);
    assertEquals(complete, count);
    // What a read of 64 KiB brings, but for the first ones.
    assert(reads <= pipeline.length / (64 * 1024) + 10, `${reads} reads, ${length} bytes`);
  }
});

Deno.test("a large room that is given back is the next one's, if it is of about the right size", () => {
  const filled = (length: number) => {
    const query = new QueryBuffer();
    const parser = new RequestParser();
    query.append(encodeRequest(["SET", "key", "v".repeat(length)]));
    assertEquals(parser.parse(query, true), REQUEST_COMPLETE);
    return query;
  };
  const first = filled(700_000);
  const room = first.bytes;
  const second = filled(700_000);
  assert(second.bytes !== room, "it is in use");
  first.shrink();
  assertEquals([first.bytes.length, first.pendingBytes], [2048, 0]);
  const third = new QueryBuffer();
  const parser = new RequestParser();
  const request = encodeRequest(["SET", "key", "w".repeat(690_000)]);
  const rooms = new Set<Uint8Array>();
  for (let at = 0, outcome = REQUEST_PARTIAL; outcome === REQUEST_PARTIAL; at += 2000) {
    third.append(request.subarray(at, at + 2000));
    outcome = parser.parse(third, true);
    rooms.add(third.bytes);
    if (outcome === REQUEST_COMPLETE) assertEquals(parser.argv.text(2), "w".repeat(690_000));
  }
  assert(rooms.has(room), "the room was taken again");
});

Deno.test("the room of a client that is gone is another's, unless it may still be written to", () => {
  const [gone, leaving] = [new QueryBuffer(), new QueryBuffer()];
  const [room, busyRoom] = [gone.bytes, leaving.bytes];
  gone.append(latin1("secret"));
  gone.release(true);
  leaving.release(false);
  assertEquals([gone.bytes.length, gone.pendingBytes, leaving.bytes.length], [0, 0, 0]);
  const next = new QueryBuffer();
  assert(next.bytes === room && next.pendingBytes === 0);
  for (let count = 0; count < 300; count++) assert(new QueryBuffer().bytes !== busyRoom);
  const large = new QueryBuffer();
  large.growAfterFullRead();
  const { bytes } = large;
  large.release(true);
  assert(new QueryBuffer().bytes !== bytes);
});

function concatenated(requests: readonly string[][]): Uint8Array {
  return Uint8Array.from(requests.flatMap((request) => [...encodeRequest(request)]));
}

Deno.test("requests are what they were, wherever the room grows under them", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 60; round++) {
    const requests = Array.from({ length: random.between(1, 60) }, () => {
      const count = random.between(1, 30);
      const part = () => random.word(random.oneIn(20) ? random.below(5000) : random.below(40));
      return Array.from({ length: count }, part);
    });
    const found: string[][] = [];
    const onRequest = (argv: Argv) =>
      found.push(Array.from({ length: argv.count }, (_, index) => argv.text(index)));
    const readMax = random.oneIn(2) ? Infinity : random.between(1, 3000);
    const query = new QueryBuffer();
    readPipeline(query, concatenated(requests), readMax, onRequest);
    assertEquals(found, requests, `seed ${seed}, round ${round}`);
    assertEquals(query.pendingBytes, 0);
  }
});
