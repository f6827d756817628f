/** Values of all types that older and newer servers wrote, and the encodings they get here. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { RdbFormatError } from "../../src/persistence/rdb_format.ts";
import { ArraySource, RdbInput } from "../../src/persistence/rdb_input.ts";
import { RdbValueReader } from "../../src/persistence/rdb_value_reader.ts";
import { encodingLimits } from "../../src/durability/value_limits.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { latin1 } from "../support/text.ts";
import { contentsOf } from "./keyspace_contents.ts";

const KEY = latin1("k");

/** Reads a value into key "k" of a server; what the server then says of it. */
function readValue(type: number, body: string, directives: [string, string][] = []): string {
  using server = new EmbeddedServer(directives);
  const { keyspace, config } = server.server;
  const bytes = latin1(body);
  const input = new RdbInput("test", new ArraySource(bytes, 0, bytes.length), bytes.length, false);
  const reader = new RdbValueReader(input, keyspace, encodingLimits(config), true);
  const entry = reader.read(type, KEY, 0, 1, -1);
  if (entry === 0) return "empty";
  keyspace.databases[0].insertEntry(entry);
  assertEquals(input.restBytes, 0);
  return contentsOf(server).get("0 k")!;
}

function refusal(type: number, body: string): string {
  const error = assertThrows(() => readValue(type, body), RdbFormatError);
  return (error as RdbFormatError).reason;
}

/** "ab", 1 as a ziplist. */
const ZIPLIST = "\x11\x11\x00\x00\x00\x0e\x00\x00\x00\x02\x00\x00\x02ab\x04\xf2\xff";
/** 1, "b" as a listpack. */
const LISTPACK = "\x0c\x0c\x00\x00\x00\x02\x00\x01\x01\x81b\x02\xff";
/** "b", 1 as a listpack. */
const SCORED = "\x0c\x0c\x00\x00\x00\x02\x00\x81b\x02\x01\x01\xff";

Deno.test("every type is read", () => {
  const cases: [number, string, string][] = [
    [0, "\xc1\x2c\x01", 'string|int|-1|"300"'],
    [1, "\x02\x01a\xc0\x05", 'list|quicklist|-1|"a","5"'],
    [2, "\x02\x01a\x01b", 'set|hashtable|-1|"a","b"'],
    [2, "\x02\xc0\x01\xc0\x02", 'set|intset|-1|"1","2"'],
    [3, "\x02\x01a\x031.5\x01b\xfe", 'zset|listpack|-1|"a","1.5","b","inf"'],
    [3, "\x01\x01a\xff", 'zset|listpack|-1|"a","-inf"'],
    [4, "\x01\x01f\x01v", 'hash|listpack|-1|"f"="v"'],
    [5, "\x01\x01a\x00\x00\x00\x00\x00\x00\xf0\x3f", 'zset|listpack|-1|"a","1"'],
    [9, "\x0b\x01\x03foo\x03\x00bar\xff", 'hash|listpack|-1|"foo"="bar"'],
    [10, ZIPLIST, 'list|quicklist|-1|"ab","1"'],
    [11, "\x0a\x02\0\0\0\x01\0\0\0\x07\0", 'set|intset|-1|"7"'],
    [12, ZIPLIST, 'zset|listpack|-1|"ab","1"'],
    [13, ZIPLIST, 'hash|listpack|-1|"ab"="1"'],
    [14, `\x02${ZIPLIST}${ZIPLIST}`, 'list|quicklist|-1|"ab","1","ab","1"'],
    [16, SCORED, 'hash|listpack|-1|"b"="1"'],
    [17, SCORED, 'zset|listpack|-1|"b","1"'],
    [18, `\x02\x02${LISTPACK}\x01\x01x`, 'list|quicklist|-1|"1","b","x"'],
    [20, LISTPACK, 'set|hashtable|-1|"1","b"'],
  ];
  for (const [type, body, expected] of cases) assertEquals(readValue(type, body), expected);
});

Deno.test("encodings follow the limits of the present configuration", () => {
  const cases: [number, string, string, string][] = [
    [4, "\x02\x01f\x01v\x01g\x01w", "hash-max-listpack-entries", "hash|hashtable"],
    [16, SCORED, "hash-max-listpack-entries", "hash|listpack"],
    [2, "\x02\xc0\x01\xc0\x02", "set-max-intset-entries", "set|hashtable"],
    [11, "\x0c\x02\0\0\0\x02\0\0\0\x07\0\x08\0", "set-max-intset-entries", "set|hashtable"],
    [3, "\x02\x01a\x011\x01b\x012", "zset-max-listpack-entries", "zset|skiplist"],
  ];
  for (const [type, body, name, expected] of cases) {
    assertEquals(readValue(type, body, [[name, "1"]]).startsWith(expected), true, name);
  }
  const long = "x".repeat(70);
  assertEquals(readValue(4, `\x01\x01f\x40\x46${long}`).startsWith("hash|hashtable"), true);
});

Deno.test("members and fields that come twice are refused", () => {
  assertStringIncludes(refusal(2, "\x02\x01a\x01a"), "twice");
  assertStringIncludes(refusal(4, "\x02\x01a\x01b\x01a\x01b"), "twice");
  assertStringIncludes(refusal(3, "\x02\x01a\x011\x01a\x011"), "twice");
  const twice = "\x0f\x0f\0\0\0\x04\0\x01\x01\x01\x01\x01\x01\x01\x01\xff";
  assertStringIncludes(refusal(16, twice), "a hash holds a field twice");
  assertStringIncludes(refusal(20, "\x0b\x0b\0\0\0\x02\0\x01\x01\x01\x01\xff"), "twice");
});

Deno.test("damaged structures are refused by name", () => {
  assertStringIncludes(refusal(3, "\x01\x01a\xfd"), "not a number");
  assertStringIncludes(refusal(3, "\x01\x01a\x02xx"), "not a number");
  assertStringIncludes(refusal(10, "\x03abc"), "Ziplist integrity check failed");
  assertStringIncludes(refusal(9, "\x03abc"), "Zipmap integrity check failed");
  assertStringIncludes(refusal(11, "\x03abc"), "Intset integrity check failed");
  assertStringIncludes(refusal(16, "\x03abc"), "Listpack integrity check failed");
  assertStringIncludes(refusal(17, LISTPACK), "Zset listpack integrity check failed");
  assertStringIncludes(refusal(18, "\x01\x01\x00"), "a list node without bytes");
  assertStringIncludes(refusal(18, "\x01\x03\x01a"), "unknown list container 3");
  const odd = "\x09\x09\0\0\0\x01\0\x01\x01\xff";
  assertStringIncludes(refusal(16, odd), "Hash listpack integrity check failed");
});

Deno.test("empty collections of every kind are told apart", () => {
  const listpack = "\x07\x07\0\0\0\0\0\xff";
  const ziplist = "\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff";
  for (const type of [1, 2, 3, 4, 5, 14, 18]) assertEquals(readValue(type, "\x00"), "empty");
  for (const type of [16, 17, 20]) assertEquals(readValue(type, listpack), "empty");
  for (const type of [10, 12, 13]) assertEquals(readValue(type, ziplist), "empty");
});
