/**
 * A small address space: every way to fill it ends with an OOM error or a refused load, never with
 * an assertion; what was there stays, and room that is made can be used again.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AddressSpaceFull } from "../../src/memory/arena.ts";
import { SEGMENT_BYTES } from "../../src/memory/memory.ts";
import { ChildInPlace, KeptLog } from "../crash/crash_run.ts";
import { loadFromBytes, saveToBytes } from "../persistence/keyspace_contents.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Argument } from "../support/resp_client.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";
import { concatBytes, latin1 } from "../support/text.ts";

const SEGMENTS = 256;
const MIB = 1024 * 1024;
const OOM = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const TEXT = "x".repeat(MIB);

function smallServer(directives: [string, string][] = []): EmbeddedServer {
  const options = { segmentCountMax: SEGMENTS };
  return new EmbeddedServer([["enable-debug-command", "yes"], ...directives], options);
}

/** Sets strings of one segment until no more than `mebibytes`, at least 1, are left for data. */
function fillUntil(server: EmbeddedServer, mebibytes: number): void {
  const { arena } = server.server;
  for (let index = 0; arena.roomBytes - arena.reserveBytes > mebibytes * MIB; index++) {
    assertEquals(server.raw("SET", `fill:${index}`, "x".repeat(SEGMENT_BYTES - 1000)), "+OK\r\n");
  }
}

/** The request must be refused, change nothing, and leave nothing behind. */
function assertRefused(server: EmbeddedServer, ...args: Argument[]): void {
  server.reclaim();
  const size = server.run("DBSIZE");
  const { usedBytes } = server.server.arena;
  assertEquals(server.raw(...args), OOM, String(args[0]));
  server.reclaim();
  assertEquals(server.server.arena.usedBytes, usedBytes, String(args[0]));
  assertEquals(server.run("DBSIZE"), size, String(args[0]));
}

Deno.test("writers are refused near the end; readers and DEL are not, and make room", () => {
  using server = smallServer();
  let count = 0;
  while (server.raw("SET", `k${count}`, TEXT) === "+OK\r\n") count++;
  assert(count > SEGMENTS / 8 && count < SEGMENTS / 4, `${count} MiB`);
  for (let index = 0; server.raw("SET", `small${index}`, "x".repeat(9000)) === "+OK\r\n";) index++;
  assertRefused(server, "SET", "more", "x");
  assertRefused(server, "RPUSH", "more", "x");
  assertEquals(server.run("STRLEN", "k0"), MIB);
  for (let index = 0; index < 10; index++) server.run("DEL", `k${index}`);
  server.reclaim();
  assertEquals(server.raw("SET", "more", TEXT), "+OK\r\n");
});

Deno.test("one request whose arguments do not fit is refused as a whole", () => {
  using server = smallServer();
  fillUntil(server, 1);
  assertRefused(server, "MSET", ...Array.from({ length: 40 }, (_, i) => i % 2 === 0 ? i : TEXT));
  // Few bytes, but many members.
  assertRefused(server, "SADD", "set", ...new Array<string>(30_000).fill("x"));
  assertEquals(server.raw("SET", "k", "x"), "+OK\r\n");
});

Deno.test("one large SETBIT, SETRANGE, BITFIELD, APPEND or BITOP is refused", () => {
  using server = smallServer();
  assertRefused(server, "SETBIT", "k", "4294967295", "1");
  assertRefused(server, "SETRANGE", "k", "500000000", "x");
  assertRefused(server, "BITFIELD", "k", "SET", "u8", "4000000000", "1");
  assertEquals(server.run("SETBIT", "k", 20 * 8 * MIB, 1), 0);
  fillUntil(server, 12);
  assertRefused(server, "BITOP", "NOT", "target", "k");
  assertRefused(server, "COPY", "k", "target");
  assertRefused(server, "SETRANGE", "k", `${40 * MIB}`, "x");
  assertEquals(server.run("GETBIT", "k", 20 * 8 * MIB), 1);
});

Deno.test("what is made of other keys is refused when it does not fit", () => {
  using server = smallServer();
  const numbers = Array.from({ length: 60_000 }, (_, index) => `member:${index}`);
  for (let first = 0; first < numbers.length; first += 1000) {
    const some = numbers.slice(first, first + 1000);
    server.run("SADD", "set", ...some);
    server.run("ZADD", "zset", ...some.flatMap((name, index) => [`${first + index}`, name]));
  }
  const few = ["a", "b", "c", "d"];
  for (const name of few) server.run("SADD", name, `member of ${name}`);
  fillUntil(server, 1);
  const { arena } = server.server;
  // Of what could still be made, nothing is left.
  while (arena.hasRoomFor(SEGMENT_BYTES * 4)) arena.allocate(SEGMENT_BYTES);
  const results: Argument[][] = [
    ["SUNION", "set", ...few],
    ["SDIFF", "set", ...few],
    ["ZUNION", "1", "zset"],
    ["ZINTER", "2", "zset", "set"],
    ["ZDIFF", "1", "zset"],
  ];
  for (const request of results) assertRefused(server, ...request);
  // What is replied as it is found needs no room.
  assertEquals((server.run("SUNION", "set", "a") as string[]).length, numbers.length + 1);
  assertEquals((server.run("SDIFF", "set", "a") as string[]).length, numbers.length);
});

Deno.test("the results of STORE commands are refused on the way, and freed", () => {
  using server = smallServer();
  const names = Array.from({ length: 150_000 }, (_, index) => `member number ${index}`);
  for (let first = 0; first < names.length; first += 1000) {
    const some = names.slice(first, first + 1000);
    server.run("SADD", "set", ...some);
    server.run("RPUSH", "list", ...some);
  }
  fillUntil(server, 1);
  assertRefused(server, "SUNIONSTORE", "target", "set");
  assertRefused(server, "SINTERSTORE", "target", "set", "set");
  assertRefused(server, "SDIFFSTORE", "target", "set");
  assertRefused(server, "ZUNIONSTORE", "target", "1", "set");
  assertRefused(server, "ZINTERSTORE", "target", "2", "set", "set");
  assertRefused(server, "ZDIFFSTORE", "target", "1", "set");
  assertRefused(server, "SORT", "list", "ALPHA", "STORE", "target");
  assertRefused(server, "COPY", "set", "target");
});

Deno.test("EXEC refuses those of its commands for which there is no room any more", () => {
  using server = smallServer();
  server.run("MULTI");
  for (let index = 0; index < 100; index++) {
    server.run("SETRANGE", `k${index}`, `${MIB}`, "x");
  }
  const raw = server.raw("EXEC");
  assert(raw.startsWith(`*100\r\n:${MIB + 1}\r\n`), raw.slice(0, 100));
  assert(raw.endsWith(OOM), raw.slice(-100));
  assertEquals(server.run("STRLEN", "k0"), MIB + 1);
});

Deno.test("RESTORE of what does not fit is refused while it is read, and freed", () => {
  using source = new EmbeddedServer();
  // Their payloads are a tenth of what they become, and pass the check of the arguments.
  const names = Array.from({ length: 30_000 }, (_, index) => `${"long".repeat(60)}:${index}`);
  for (let first = 0; first < names.length; first += 1000) {
    const some = names.slice(first, first + 1000);
    source.run("SADD", "set", ...some);
    source.run("HSET", "hash", ...some.flatMap((name) => [name, "v"]));
    source.run("ZADD", "zset", ...some.flatMap((name) => ["1", name]));
  }
  using server = smallServer();
  fillUntil(server, 3);
  for (const key of ["set", "hash", "zset"]) {
    const raw = source.raw("DUMP", key);
    const payload = latin1(raw.slice(raw.indexOf("\r\n") + 2, -2));
    assert(payload.length < 1.4 * MIB, `${payload.length} bytes`);
    assertRefused(server, "RESTORE", key, "0", payload);
  }
});

Deno.test("RESTORE of a well compressed string is refused while it is read", () => {
  using server = smallServer();
  const source = new EmbeddedServer();
  source.run("SETRANGE", "k", 30 * MIB, "x");
  const raw = source.raw("DUMP", "k");
  const payload = latin1(raw.slice(raw.indexOf("\r\n") + 2, -2));
  assert(payload.length < 2 * MIB, `${payload.length} bytes`);
  fillUntil(server, 16);
  assertRefused(server, "RESTORE", "k", "0", payload);
  source[Symbol.dispose]();
});

Deno.test("DEBUG POPULATE ends with an error, and so do EXPIREs before the last reserve ends", () => {
  using server = smallServer();
  assertEquals(server.raw("DEBUG", "POPULATE", "100000000", "key"), OOM);
  const count = server.run("DBSIZE") as number;
  const replies = new Set<string>();
  for (let index = 0; index < count && !replies.has(OOM); index++) {
    replies.add(server.raw("PEXPIREAT", `key:${index}`, "4102444800000"));
  }
  assertEquals(replies.has(OOM), true);
  assert(server.server.arena.roomBytes > 0);
  assertEquals(server.run("FLUSHALL"), "OK");
  server.reclaim();
  assertEquals(server.raw("SET", "k", TEXT), "+OK\r\n");
});

Deno.test("a file that does not fit is refused by the loader", () => {
  using source = new EmbeddedServer();
  for (let index = 0; index < 100; index++) source.run("SET", index, TEXT);
  source.run("DEBUG", "POPULATE", "1000");
  const file = saveToBytes(source, { compresses: false });
  using server = smallServer();
  const error = assertThrows(() => loadFromBytes(server, file), AddressSpaceFull);
  assertEquals(error.message, "the data do not fit into the address space of 0.0625 GiB");
});

Deno.test("a table that a file announces, but that does not fit, is refused", () => {
  const count = "\x80\x00\xff\xff\xff";
  const head = latin1(`REDIS0010\xfe\x00\xfb${count}${count}`);
  using server = smallServer();
  const file = concatBytes([head, new Uint8Array(60 * MIB)]);
  assertThrows(() => loadFromBytes(server, file), AddressSpaceFull);
});

function respOf(...args: string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}

for (const isTransaction of [false, true]) {
  const what = isTransaction ? "an AOF with one large transaction" : "an AOF";
  Deno.test(`${what} that does not fit is refused, and nothing of it is cut off`, async () => {
    const files = new SimulatedFiles();
    files.syncsAtOnce = true;
    const commands = Array.from(
      { length: 300 },
      (_, i) => respOf("SETRANGE", `${i}`, "500000", "x"),
    );
    const text = isTransaction
      ? [respOf("MULTI"), ...commands, respOf("EXEC")].join("")
      : commands.join("");
    const log = new KeptLog();
    const options = { files, log, createChild: () => new ChildInPlace(files) };
    using server = new EmbeddedServer([["appendonly", "yes"]], {
      ...options,
      segmentCountMax: SEGMENTS,
    });
    server.server.config.dir = "/data";
    const path = "/data/appendonlydir/appendonly.aof.1.incr.aof";
    files.put(
      "/data/appendonlydir/appendonly.aof.manifest",
      latin1(
        "file appendonly.aof.1.incr.aof seq 1 type i\n",
      ),
    );
    files.put(path, latin1(text));
    await assertRejects(() => server.server.persistence.loadAtStart(), Error, "address space");
    assertEquals(files.content(path).length, text.length);
  });
}
