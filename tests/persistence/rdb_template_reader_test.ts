/** Hashes of templates, as Redis 8.10 writes them, byte by byte; sound and damaged. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Crc64 } from "../../src/persistence/crc64.ts";
import { RdbFormatError } from "../../src/persistence/rdb_format.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { latin1 } from "../support/text.ts";
import { loadFromBytes, saveToBytes } from "./keyspace_contents.ts";

/** A string as a file holds it, of fewer than 64 bytes. */
function text(content: string): string {
  return String.fromCharCode(content.length) + content;
}

/** Elements of fewer than 64 bytes as a listpack; numbers up to 127 as integers. */
function listpack(...elements: (string | number)[]): string {
  const body = elements.map((element) =>
    typeof element === "number"
      ? String.fromCharCode(element, 1)
      : String.fromCharCode(0x80 | element.length) + element +
        String.fromCharCode(element.length + 1)
  ).join("");
  return text(
    `${String.fromCharCode(body.length + 7)}\0\0\0${
      String.fromCharCode(elements.length)
    }\0${body}\xff`,
  );
}

/** Template 7 with three fields; ids are no more than numbers, and may be large. */
const TEMPLATE = `\xf2\x07\x03${text("age")}${text("name")}${text("email")}`;
const LARGE_TEMPLATE = `\xf2\x81${"\xff".repeat(8)}\x01${text("f")}`;
const VALUES = `${text("Ann")}${text("a@b")}`;

const OWN_LISTPACK = `\x1d${text("own-lp")}\x00${listpack("age", "name")}${listpack(3, 42, "Ann")}`;
const OWN_STRINGS = `\x1d${text("own-raw")}\x01\x02${text("age")}${text("name")}` +
  listpack(3, "7", 9);
const REF_LISTPACK = `\x1e${text("ref-lp")}${listpack(7, 42, "Ann", "a@b")}`;
const OWN_ARRAY = `\x1f${text("own-array")}\x01\x02${text("age")}${text("name")}${text("1")}` +
  "\xc0\x2a";
const OWN_ARRAY_LISTPACK = `\x1f${text("array-lp")}\x00${listpack("age", "name")}${VALUES}`;
const REF_ARRAY = `\x20${text("ref-array")}\x07\xc0\x2a${VALUES}`;
const REF_LARGE = `\x20${text("ref-large")}\x81${"\xff".repeat(8)}${text("v")}`;

function file(...parts: string[]): Uint8Array {
  return latin1(`REDIS0016${parts.join("")}\xff${"\0".repeat(8)}`);
}

function refusal(...parts: string[]): string {
  using server = new EmbeddedServer();
  const error = assertThrows(() => loadFromBytes(server, file(...parts)), RdbFormatError);
  assertEquals(server.server.keyspace.reclaimer.pendingCount, 0);
  return error.reason;
}

const SOUND = [
  TEMPLATE,
  LARGE_TEMPLATE,
  OWN_LISTPACK,
  OWN_STRINGS,
  REF_LISTPACK,
  OWN_ARRAY,
  OWN_ARRAY_LISTPACK,
  REF_ARRAY,
  REF_LARGE,
];

Deno.test("hashes of a template become hashes, whichever of the four forms they have", () => {
  using server = new EmbeddedServer();
  assertEquals(loadFromBytes(server, file(...SOUND)).keyCount, 7);
  const full = ["age", "42", "name", "Ann", "email", "a@b"];
  assertEquals(server.run("HGETALL", "ref-lp"), full);
  assertEquals(server.run("HGETALL", "ref-array"), full);
  assertEquals(server.run("HGETALL", "own-lp"), ["age", "42", "name", "Ann"]);
  assertEquals(server.run("HGETALL", "own-raw"), ["age", "7", "name", "9"]);
  assertEquals(server.run("HGETALL", "own-array"), ["age", "1", "name", "42"]);
  assertEquals(server.run("HGETALL", "array-lp"), ["age", "Ann", "name", "a@b"]);
  assertEquals(server.run("HGETALL", "ref-large"), ["f", "v"]);
  assertEquals(server.run("OBJECT", "ENCODING", "ref-array"), "listpack");
  using again = new EmbeddedServer();
  loadFromBytes(again, saveToBytes(server));
  assertEquals(again.run("HGETALL", "ref-array"), full);
});

Deno.test("a hash of a template has the encoding that the limits ask for", () => {
  using server = new EmbeddedServer([["hash-max-listpack-entries", "2"]]);
  loadFromBytes(server, file(TEMPLATE, REF_ARRAY, REF_LISTPACK, OWN_LISTPACK));
  const encodings = ["ref-array", "ref-lp", "own-lp"].map((key) =>
    server.run("OBJECT", "ENCODING", key)
  );
  assertEquals(encodings, ["hashtable", "hashtable", "listpack"]);
});

Deno.test("what does not fit together is refused with a reason", () => {
  assertStringIncludes(refusal(REF_ARRAY), "no template of hashes has the id 7");
  assertStringIncludes(refusal(REF_LISTPACK), "no template of hashes has the id 7");
  assertStringIncludes(refusal(TEMPLATE, TEMPLATE), "template 7 of hashes comes twice");
  assertStringIncludes(refusal("\xf2\x07\x00"), "no fields");
  assertStringIncludes(refusal(`\x1d${text("k")}\x00${listpack()}`), "no fields");
  assertStringIncludes(refusal(`\x1d${text("k")}\x02`), "unknown form 2");
  assertStringIncludes(refusal("\xf2\x07\x80\xff\xff\xff\xff"), "more than the file holds");
  const count = "another number of values than fields";
  assertStringIncludes(refusal(TEMPLATE, `\x1e${text("k")}${listpack(7, 1, 2)}`), count);
  assertStringIncludes(refusal(TEMPLATE, `\x1e${text("k")}${listpack(7, 1, 2, 3, 4)}`), count);
  assertStringIncludes(refusal(TEMPLATE, `\x1e${text("k")}${listpack()}`), count);
  assertStringIncludes(refusal(TEMPLATE, `\x1e${text("k")}${listpack(7)}`), count);
  assertStringIncludes(refusal(`\x1d${text("k")}\x01\x01${text("f")}${listpack()}`), count);
  const broken = listpack(7, 1, 2, 3).replace("\x04\0", "\x05\0");
  assertStringIncludes(refusal(TEMPLATE, `\x1e${text("k")}${broken}`), "integrity check");
  const twice = `\xf2\x07\x02${text("f")}${text("f")}\x20${text("k")}\x07${VALUES}`;
  assertStringIncludes(refusal(twice), "a field twice");
});

Deno.test("to Valkey there are no templates", () => {
  using server = new EmbeddedServer();
  const valkey = latin1(`VALKEY080${TEMPLATE}\xff${"\0".repeat(8)}`);
  const error = assertThrows(() => loadFromBytes(server, valkey), RdbFormatError);
  assertStringIncludes(error.reason, "unknown opcode 242");
  const key = latin1(`VALKEY080${OWN_ARRAY}\xff${"\0".repeat(8)}`);
  const unknown = assertThrows(() => loadFromBytes(server, key), RdbFormatError);
  assertStringIncludes(unknown.reason, "unknown type 31");
});

/** A value with version 16 and its checksum, or the zeros that masters send to replicas. */
function payload(value: string, hasChecksum: boolean, version = 16): Uint8Array {
  const bytes = latin1(`${value}${String.fromCharCode(version)}\0${"\0".repeat(8)}`);
  if (!hasChecksum) return bytes;
  const crc = new Crc64();
  const end = bytes.length - 8;
  crc.update(bytes, 0, end);
  for (let index = 0; index < 4; index++) {
    bytes[end + index] = crc.low >>> (8 * index);
    bytes[end + 4 + index] = crc.high >>> (8 * index);
  }
  return bytes;
}

Deno.test("RESTORE takes them, also without a checksum, but no references", () => {
  using server = new EmbeddedServer();
  const value = `\x1f\x01\x02${text("age")}${text("name")}${text("1")}${text("Bo")}`;
  for (const hasChecksum of [true, false]) {
    assertEquals(server.run("RESTORE", "k", "0", payload(value, hasChecksum), "REPLACE"), "OK");
    assertEquals(server.run("HGETALL", "k"), ["age", "1", "name", "Bo"]);
  }
  const lp = `\x1d\x00${listpack("a", "b")}${listpack(1, "x", "y")}`;
  assertEquals(server.run("RESTORE", "l", "0", payload(lp, true)), "OK");
  assertEquals(server.run("HGETALL", "l"), ["a", "x", "b", "y"]);
  const bad = (bytes: Uint8Array) => String(server.run("RESTORE", "m", "0", bytes));
  assertStringIncludes(bad(payload(`\x20\x07${text("v")}`, true)), "Bad data format");
  assertStringIncludes(bad(payload(`\x1e${listpack(7, 1)}`, true)), "Bad data format");
  // An older server would not take it without, and so writes none.
  assertStringIncludes(bad(payload("\x00\x01v", false, 12)), "version or checksum are wrong");
  assertStringIncludes(bad(payload("\x00\x01v", false, 80)), "version or checksum are wrong");
});

const random = new SeededRandom(testSeed());
Deno.test(`2000 damaged files are refused or are hashes, seed ${random.seed}`, () => {
  using server = new EmbeddedServer();
  const sound = file(...SOUND);
  let accepted = 0;
  for (let round = 0; round < 2000; round++) {
    const bytes = sound.slice();
    for (let left = random.between(1, 3); left > 0; left--) {
      const at = random.between(9, bytes.length - 10);
      bytes[at] = random.oneIn(2) ? bytes[at] ^ (1 << random.below(8)) : random.below(256);
    }
    try {
      loadFromBytes(server, bytes);
      accepted++;
      assert(Number(server.run("DBSIZE")) > 0);
    } catch (error) {
      if (!(error instanceof RdbFormatError)) throw error;
    }
    server.run("FLUSHALL");
    server.reclaim();
  }
  assert(accepted > 100 && accepted < 1900, `${accepted} accepted`);
});
