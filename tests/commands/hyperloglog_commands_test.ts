/**
 * HyperLogLog commands. The bytes and estimates expected here were produced by redis-server 7.0.15
 * from the same commands.
 */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { RespError } from "../support/resp_reply.ts";

function errorOf(reply: unknown): string {
  assert(reply instanceof RespError, `no error: ${reply}`);
  return reply.message;
}

/** The value of a key: what stands between the header and the line end of the reply to GET. */
function valueOf(server: EmbeddedServer, key: string): Uint8Array {
  const reply = server.raw("GET", key);
  return latin1Bytes(reply.slice(reply.indexOf("\n") + 1, -2));
}

function hexOf(server: EmbeddedServer, key: string): string {
  return Array.from(valueOf(server, key), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** FNV-1a. */
function checksumOf(server: EmbeddedServer, key: string): number {
  let sum = 0x811c9dc5;
  for (const byte of valueOf(server, key)) sum = Math.imul(sum ^ byte, 0x01000193);
  return sum >>> 0;
}

function elements(prefix: string, from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `${prefix}${from + index}`);
}

Deno.test("PFADD makes the same sparse bytes as Redis", () => {
  const header = "48594c4c010000000000000000000080";
  const expected: [number, string][] = [
    [0, "7fff"],
    [1, "4525807ad8"],
    [2, "45258079258441b1"],
    [3, "452580782f8440f48441b1"],
    [10, "452580472e844fc9804412844a5184430d844103844eb984408880406a8441b1"],
  ];
  for (const [count, hex] of expected) {
    using server = new EmbeddedServer();
    assertEquals(server.run("PFADD", "h", ...elements("e", 0, count)), 1);
    assertEquals(hexOf(server, "h"), header + hex);
    assertEquals(server.run("PFADD", "h", ...elements("e", 0, count)), 0);
  }
});

Deno.test("elements of every length are hashed as in Redis", () => {
  using server = new EmbeddedServer();
  for (let length = 0; length < 30; length++) {
    const element = Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 255);
    server.run("PFADD", "h", element);
  }
  assertEquals(
    hexOf(server, "h").slice(32),
    "42138841178443bc8442578c408c8040bc8044e784414d80406f8840518c41f584407284419e8441998441f684" +
      "43478040ad801e8447c28442838c417a8c40cc80408f8043698844349843cf8040e38443f684404b80423c80" +
      "42be",
  );
});

Deno.test("PFCOUNT and the stored bytes equal those of Redis while the value becomes dense", () => {
  using server = new EmbeddedServer();
  const expected: [elements: number, count: number, bytes: number, checksum: number][] = [
    [100, 100, 285, 3430447642],
    [500, 506, 1068, 3817755659],
    [1000, 1008, 1906, 1823578125],
    [2000, 2000, 12304, 1227149043],
    [5000, 4968, 12304, 3676815095],
    [20000, 19901, 12304, 3285037461],
  ];
  let added = 0;
  for (const [total, count, byteCount, checksum] of expected) {
    for (; added < total; added = Math.min(total, added + 500)) {
      server.run("PFADD", "h", ...elements("e", added, Math.min(total, added + 500)));
    }
    assertEquals(server.run("PFCOUNT", "h"), count);
    assertEquals(server.run("STRLEN", "h"), byteCount);
    assertEquals(checksumOf(server, "h"), checksum);
    assertEquals(server.run("PFCOUNT", "h"), count, "the stored estimate");
  }
  assertEquals(server.run("PFDEBUG", "ENCODING", "h"), "dense");
});

Deno.test("PFMERGE and PFCOUNT of several keys unite them", () => {
  using server = new EmbeddedServer();
  server.run("PFADD", "a", ...elements("a", 0, 300));
  server.run("PFADD", "b", ...elements("b", 0, 300));
  assertEquals(server.run("PFMERGE", "c", "a", "b", "missing"), "OK");
  assertEquals(checksumOf(server, "c"), 2010881727);
  assertEquals(server.run("PFCOUNT", "c"), 603);
  assertEquals(server.run("PFCOUNT", "a", "b", "missing"), 603);
  assertEquals(server.run("PFDEBUG", "TODENSE", "a"), 1);
  assertEquals(server.run("PFDEBUG", "TODENSE", "a"), 0);
  assertEquals(server.run("PFMERGE", "d", "a", "b"), "OK");
  assertEquals(server.run("PFDEBUG", "ENCODING", "d"), "dense");
  assertEquals(server.run("PFCOUNT", "d"), 603);
});

Deno.test("PFADD changes a dense value that is frozen in a copy", () => {
  using server = new EmbeddedServer();
  server.run("PFADD", "h", ...elements("e", 0, 10));
  server.run("PFDEBUG", "TODENSE", "h");
  server.server.fork.freeze();
  assertEquals(server.run("PFADD", "h", ...elements("f", 0, 10)), 1);
  assertEquals(server.run("PFCOUNT", "h"), 20);
  server.server.fork.release();
  assertEquals(server.run("PFCOUNT", "h"), 20);
});

Deno.test("PFCOUNT counts as a change only when it stores an estimate", () => {
  using server = new EmbeddedServer();
  const { keyspace } = server.server;
  server.run("PFADD", "h", "a", "b", "c");
  assertEquals(keyspace.dirty, 4);
  server.run("PFCOUNT", "h");
  assertEquals(keyspace.dirty, 5);
  server.run("PFCOUNT", "h");
  assertEquals(keyspace.dirty, 5);
});

Deno.test("other strings and corrupted values are refused", () => {
  using server = new EmbeddedServer();
  const notOne = "WRONGTYPE Key is not a valid HyperLogLog string value.";
  for (const text of ["", "HYLL", "HYLL\x02" + "\0".repeat(20), "HYLL\0" + "\0".repeat(20)]) {
    server.run("SET", "h", text);
    assertEquals(errorOf(server.run("PFADD", "h", "a")), notOne);
    assertEquals(errorOf(server.run("PFCOUNT", "h")), notOne);
  }
  const corrupted = "INVALIDOBJ Corrupted HLL object detected";
  const header = [0x48, 0x59, 0x4c, 0x4c, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80];
  const bodies = [[], [0], [0x7f], [0x7f, 0xff, 0xff], Array(300_000).fill(0)];
  for (const body of bodies) {
    server.run("SET", "h", new Uint8Array([...header, ...body]));
    assertEquals(errorOf(server.run("PFCOUNT", "h")), corrupted);
    assertEquals(errorOf(server.run("PFCOUNT", "h", "h")), corrupted);
    assertEquals(errorOf(server.run("PFMERGE", "to", "h")), corrupted);
  }
});

Deno.test("an estimate beyond int64 is what Redis makes of it", () => {
  using server = new EmbeddedServer();
  const dense = new Uint8Array(12304).fill(255);
  dense.set([0x48, 0x59, 0x4c, 0x4c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]);
  server.run("SET", "h", dense);
  assertEquals(server.raw("PFCOUNT", "h"), ":-9223372036854775808\r\n");
});

Deno.test("PFDEBUG shows registers and runs, PFSELFTEST passes", () => {
  using server = new EmbeddedServer();
  server.run("PFADD", "h", "e0");
  assertEquals(server.run("PFDEBUG", "DECODE", "h"), "Z:1318 v:1,1 Z:15065");
  const registers = server.run("PFDEBUG", "GETREG", "h") as number[];
  assertEquals(registers.length, 16384);
  assertEquals(registers.indexOf(1), 1318);
  const notSparse = "ERR HLL encoding is not sparse";
  assertEquals(errorOf(server.run("PFDEBUG", "DECODE", "h")), notSparse);
  const missing = "ERR The specified key does not exist";
  assertEquals(errorOf(server.run("PFDEBUG", "DECODE", "x")), missing);
  assertEquals(server.run("PFSELFTEST"), "OK");
});

Deno.test("HyperLogLog commands announce and count what Redis announces and counts", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  const expected: [command: string, changes: number, ...events: string[]][] = [
    ["PFADD h a b", 3, "new h", "pfadd h"],
    ["PFADD h a", 0],
    ["PFCOUNT h", 1],
    ["PFMERGE h2 h", 1, "keymiss h2", "new h2", "pfadd h2"],
    ["PFDEBUG TODENSE h", 1],
    ["PFCOUNT nosuch", 0, "keymiss nosuch"],
  ];
  for (const [command, changes, ...events] of expected) {
    server.run(...command.split(" "));
    assertEquals(effects.takeEvents(), events, command);
    assertEquals(effects.takeDirty(), changes, command);
  }
});

Deno.test("the estimate that PFCOUNT stores goes to the AOF, one that is there already does not", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  server.run("PFADD", "visitors", "a", "b");
  effects.takeLog();
  assertEquals(server.run("PFCOUNT", "visitors"), 2);
  assertEquals(effects.takeLog(), ["PFCOUNT visitors"]);
  assertEquals(server.run("PFCOUNT", "visitors"), 2);
  assertEquals(effects.takeLog(), []);
});
