/** Reading RDB files: what is refused, with which words, and that nothing hostile does harm. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Crc64 } from "../../src/persistence/crc64.ts";
import { RdbFormatError, RdbUnreadableError } from "../../src/persistence/rdb_format.ts";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { latin1 } from "../support/text.ts";
import { contentsOf, loadFromBytes, saveToBytes } from "./keyspace_contents.ts";

/** A file of these parts, with a right checksum. */
function rdbFile(parts: string, magic = "REDIS0010"): Uint8Array {
  const body = latin1(`${magic}${parts}\xff`);
  const bytes = new Uint8Array(body.length + 8);
  bytes.set(body);
  const crc = new Crc64();
  crc.update(body, 0, body.length);
  crc.store(bytes, body.length);
  return bytes;
}

function refusal(bytes: Uint8Array): RdbFormatError {
  using server = new EmbeddedServer();
  return assertThrows(() => loadFromBytes(server, bytes), RdbFormatError) as RdbFormatError;
}

Deno.test("an error names file, reason and offset", () => {
  const error = refusal(rdbFile("\x00\x01k\x7f\xffabc"));
  assertEquals(error.path, "test.rdb");
  assertEquals(error.offset, 14);
  assertEquals(error.reason, "string of 16383 bytes, more than the file holds");
  assertEquals(
    error.message,
    'Cannot load RDB file "test.rdb": string of 16383 bytes, more than the file holds at offset 14',
  );
});

Deno.test("files that are no RDB, or of unknown versions, are refused", () => {
  assertStringIncludes(refusal(latin1("REDI")).reason, "too short");
  assertStringIncludes(refusal(latin1("*1\r\n$4\r\nPING\r\n")).reason, "Wrong signature");
  assertEquals(
    refusal(rdbFile("", "REDIS0017")).reason,
    "Can't handle RDB format version 17, only 1 to 16 and 80",
  );
  assertStringIncludes(refusal(rdbFile("", "REDIS0080")).reason, "format version 80");
  assertStringIncludes(refusal(rdbFile("", "VALKEY012")).reason, "format version 12");
  assertStringIncludes(refusal(rdbFile("", "REDIS0000")).reason, "format version 0");
});

Deno.test("versions 1 to 16 and Valkey's 80 are read", () => {
  for (const magic of ["REDIS0001", "REDIS0006", "REDIS0012", "REDIS0016", "VALKEY080"]) {
    using server = new EmbeddedServer();
    assertEquals(loadFromBytes(server, rdbFile("\xfe\x00\x00\x01k\x01v", magic)).keyCount, 1);
    assertEquals(server.run("GET", "k"), "v");
  }
});

Deno.test("a file of version 4 ends without a checksum", () => {
  using server = new EmbeddedServer();
  loadFromBytes(server, latin1("REDIS0004\xfe\x00\x00\x01k\x01v\xff"));
  assertEquals(server.run("GET", "k"), "v");
});

Deno.test("a wrong checksum is refused, unless it is not to be looked at", () => {
  const bytes = rdbFile("\xfe\x00\x00\x01k\x01v");
  bytes[bytes.length - 3] ^= 1;
  assertStringIncludes(refusal(bytes).reason, "RDB CRC error");
  using server = new EmbeddedServer();
  assertEquals(loadFromBytes(server, bytes, { verifiesChecksum: false }).keyCount, 1);
});

Deno.test("types that cannot be read are refused with type, key and offset", () => {
  const error = refusal(rdbFile("\x07\x06events\x00"));
  assertEquals(
    error.reason,
    'key "events" has type module (7) with the name "AAAAAAAAA", which this version cannot read',
  );
  assert(error instanceof RdbUnreadableError);
  assert(!(refusal(rdbFile("\x08\x01m\x00")) instanceof RdbUnreadableError));
  assertStringIncludes(refusal(rdbFile("\x08\x01m\x00")).reason, "unknown type 8");
  assertStringIncludes(refusal(rdbFile("\x7f\x01m\x00")).reason, "unknown opcode 127");
  assertStringIncludes(refusal(rdbFile("\xf7\x01\x02\x02\x02\x01\x00")).reason, "module");
});

Deno.test("a key that comes twice, and a database that is not configured, are refused", () => {
  assertEquals(
    refusal(rdbFile("\x00\x01k\x01v\x00\x01k\x01v")).reason,
    'key "k" comes twice in database 0',
  );
  assertStringIncludes(refusal(rdbFile("\xfe\x10")).reason, "database 16");
});

Deno.test("collections without elements are passed over", () => {
  using server = new EmbeddedServer();
  const empty = "\x02\x01a\x00\x01\x01b\x00\x04\x01c\x00\x05\x01d\x00";
  const listpack = "\x10\x01e\x07\x07\x00\x00\x00\x00\x00\xff";
  const reader = loadFromBytes(server, rdbFile(`${empty}${listpack}\x00\x01k\x01v`));
  assertEquals([reader.keyCount, reader.emptyCount], [1, 5]);
  server.reclaim();
});

Deno.test("expired keys are passed over, but kept in an AOF base", () => {
  const expired = "\xfc\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01k\x01v";
  const inSeconds = "\xfd\x01\x00\x00\x00\x00\x01s\x01v";
  const future = "\xfc\x00\x00\x00\x00\xff\x0f\x00\x00\x00\x01f\x01v";
  const bytes = rdbFile(expired + inSeconds + future);
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  const reader = loadFromBytes(server, bytes);
  assertEquals([reader.keyCount, reader.expiredCount], [1, 2]);
  assertEquals(effects.takeLog(), ["DEL k", "DEL s"], "replicas may have them");
  assertEquals(server.run("PEXPIRETIME", "f"), 0xfff * 2 ** 32);
  using other = new EmbeddedServer();
  assertEquals(loadFromBytes(other, bytes, { keepsExpired: true }).keyCount, 3);
});

Deno.test("a long load stops every few bytes for the event loop", () => {
  using source = new EmbeddedServer();
  for (let index = 0; index < 40; index++) source.run("SETRANGE", `k${index}`, 100_000, "x");
  using target = new EmbeddedServer();
  const bytes = saveToBytes(source, { compresses: false });
  loadFromBytes(target, bytes);
  assertEquals(contentsOf(target), contentsOf(source));
});

/** One small value of every type byte, with expiry, idle time and integers in all forms. */
function corpus(): Uint8Array {
  using server = new EmbeddedServer();
  server.run("SET", "string", "x".repeat(60), "PXAT", 4_102_444_800_000);
  server.run("SET", "integer", "123456");
  server.run("RPUSH", "list", "a", "70000", "b".repeat(70));
  server.run("SADD", "intset", 1, 2, 70000);
  server.run("SADD", "set", "m", "n", "12");
  server.run("HSET", "hash", "f", "v", "g", "12");
  server.run("HSET", "large", "f", "v".repeat(65));
  server.run("ZADD", "zset", 1, "a", 2.5, "b");
  server.run("ZADD", "longzset", 1, "m".repeat(65));
  const own = saveToBytes(server, { access: "idle" });
  const legacy =
    "\xfe\x01\x0c\x01z\x11\x11\x00\x00\x00\x0e\x00\x00\x00\x02\x00\x00\x02ab\x04\xf2\xff" +
    "\x0d\x01h\x11\x11\x00\x00\x00\x0e\x00\x00\x00\x02\x00\x00\x02ab\x04\xf2\xff" +
    "\x09\x01m\x09\x01\x02ab\x02\x00cd\xff" +
    "\x0e\x01q\x01\x11\x11\x00\x00\x00\x0e\x00\x00\x00\x02\x00\x00\x02ab\x04\xf2\xff" +
    "\x14\x01s\x0b\x0b\x00\x00\x00\x02\x00\x01\x01\x02\x01\xff\x03\x01Z\x01\x01a\x033.5";
  return new Uint8Array([...own.subarray(0, -9), ...latin1(legacy), 255, ...new Uint8Array(8)]);
}

Deno.test("the corpus itself is sound", () => {
  using server = new EmbeddedServer();
  assertEquals(loadFromBytes(server, corpus()).keyCount, 15);
});

Deno.test("a file damaged at any offset is loaded or refused, never more than that", () => {
  const sound = corpus();
  using server = new EmbeddedServer();
  for (let offset = 0; offset < sound.length; offset++) {
    for (const change of [0x01, 0xc0]) {
      const bytes = sound.slice();
      bytes[offset] ^= change;
      tryLoad(server, bytes);
    }
  }
});

Deno.test("a file cut off at any offset is refused", () => {
  const sound = corpus();
  using server = new EmbeddedServer();
  for (let length = 0; length < sound.length; length++) {
    const error = tryLoad(server, sound.slice(0, length));
    assert(error !== null, `${length} bytes were taken for a whole file`);
  }
});

/** Loads what may be damaged, reads everything that was loaded, and frees it again. */
function tryLoad(server: EmbeddedServer, bytes: Uint8Array): RdbFormatError | null {
  const { keyspace, arena } = server.server;
  const usedBytes = arena.usedBytes;
  let failure: RdbFormatError | null = null;
  try {
    loadFromBytes(server, bytes);
  } catch (error) {
    if (!(error instanceof RdbFormatError)) throw error;
    failure = error;
  }
  contentsOf(server);
  for (const db of keyspace.databases) db.clear();
  server.reclaim();
  assertEquals(arena.usedBytes, usedBytes, "blocks were lost");
  return failure;
}

Deno.test("a count beyond all bounds is refused before anything is allocated", () => {
  for (const type of ["\x01", "\x02", "\x03", "\x04", "\x05", "\x0e", "\x12"]) {
    const count = "\x81\x00\x0f\xff\xff\xff\xff\xff\xff";
    assertStringIncludes(
      refusal(rdbFile(`${type}\x01k${count}`)).reason,
      "more than the file holds",
    );
  }
  assertStringIncludes(
    refusal(rdbFile("\x00\x01k\x80\x7f\xff\xff\xff")).reason,
    "more than the file holds",
  );
  assertStringIncludes(
    refusal(rdbFile("\x00\x01k\xc3\x04\x80\x7f\xff\xff\xffabcd")).reason,
    "impossible length",
  );
});

Deno.test("the clock of the loader is the server's", () => {
  clock.setTimeForTests(1000);
  try {
    using server = new EmbeddedServer();
    const bytes = rdbFile("\xfc\xd0\x07\x00\x00\x00\x00\x00\x00\x00\x01k\x01v");
    assertEquals(loadFromBytes(server, bytes).keyCount, 1);
  } finally {
    clock.useRealTime();
  }
});
