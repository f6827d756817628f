/** Small values become blocks as they stand; what is wrong with them is told, nothing is left. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type EncodingLimits,
  isSmallType,
  RdbSmallReader,
} from "../../src/persistence/rdb_small_reader.ts";
import * as format from "../../src/persistence/rdb_format.ts";
import { ArraySource, RdbInput } from "../../src/persistence/rdb_input.ts";
import { encodingLimits } from "../../src/durability/value_limits.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { latin1 } from "../support/text.ts";
import { listpackOf } from "../structures/listpack_bytes.ts";
import { contentsOf } from "./keyspace_contents.ts";

const { RDB_HASH_LISTPACK, RDB_SET_INTSET, RDB_ZSET_LISTPACK, RdbFormatError } = format;

/** A string of the file, of 14 bits of length. */
function stringOf(body: Uint8Array): Uint8Array {
  return Uint8Array.of(0x40 | (body.length >> 8), body.length & 255, ...body);
}

/** Reads a value; what the server then says of the key, "empty", or what was wrong. */
function read(type: number, body: Uint8Array, narrow: boolean): string {
  using server = new EmbeddedServer([]);
  const { keyspace, config } = server.server;
  const before = keyspace.arena.usedBytes;
  const bytes = stringOf(body);
  const input = new RdbInput("test", new ArraySource(bytes, 0, bytes.length), bytes.length, false);
  const limits: EncodingLimits = encodingLimits(config);
  if (narrow) {
    limits.hash = { ...limits.hash, listpackEntriesMax: 1 };
    limits.sortedSet = { ...limits.sortedSet, listpackEntriesMax: 1 };
    limits.set = { ...limits.set, intsetEntriesMax: 1 };
  }
  const reader = new RdbSmallReader(input, keyspace, limits);
  const load = () => reader.read(type, latin1("k"), 0, 1, -1);
  try {
    const entry = load();
    if (entry === 0) return "empty";
    keyspace.databases[0].insertEntry(entry);
    return contentsOf(server).get("0 k")!;
  } catch (error) {
    if (!(error instanceof RdbFormatError)) throw error;
    assertEquals(keyspace.arena.usedBytes, before, "nothing is left behind");
    return error.reason;
  }
}

const INTSET = latin1("\x02\0\0\0\x02\0\0\0\x01\0\x05\0");

Deno.test("values are kept as they stand, or converted where the limits ask for it", () => {
  const cases: [number, Uint8Array, string, string, string][] = [
    [RDB_HASH_LISTPACK, listpackOf(["f", "1", "g", "2"]), "hash", "listpack", '"f"="1","g"="2"'],
    [
      RDB_ZSET_LISTPACK,
      listpackOf(["a", "1", "b", "2.5"]),
      "zset",
      "listpack",
      '"a","1","b","2.5"',
    ],
    [RDB_SET_INTSET, INTSET, "set", "intset", '"1","5"'],
  ];
  for (const [type, body, kind, encoding, content] of cases) {
    assertEquals(isSmallType(type), true);
    assertEquals(read(type, body, false), `${kind}|${encoding}|-1|${content}`);
    const large = kind === "zset" ? "skiplist" : "hashtable";
    assertEquals(read(type, body, true), `${kind}|${large}|-1|${content}`);
  }
  assertEquals(isSmallType(format.RDB_STRING), false);
});

Deno.test("no elements, no key; and what is wrong is told", () => {
  const damaged = listpackOf(["f", "1"]);
  damaged[7] ^= 1;
  const cases: [number, Uint8Array, string][] = [
    [RDB_HASH_LISTPACK, listpackOf([]), "empty"],
    [RDB_ZSET_LISTPACK, listpackOf([]), "empty"],
    [RDB_HASH_LISTPACK, damaged.slice(0, -1), "Listpack integrity check failed"],
    [RDB_ZSET_LISTPACK, damaged.slice(0, -1), "Listpack integrity check failed"],
    [RDB_HASH_LISTPACK, listpackOf(["f", "1", "f", "2"]), "a hash holds a field twice"],
    [RDB_HASH_LISTPACK, listpackOf(["f", "1", "g"]), "Hash listpack integrity check failed"],
    [RDB_HASH_LISTPACK, listpackOf(["f", "1", "f"]), "a hash holds a field twice"],
    [RDB_ZSET_LISTPACK, listpackOf(["f", "1", "f", "2"]), "Zset listpack integrity check failed"],
    [RDB_ZSET_LISTPACK, listpackOf(["f", "2", "g", "1"]), "Zset listpack integrity check failed"],
    [RDB_ZSET_LISTPACK, listpackOf(["f", "x"]), "Zset listpack integrity check failed"],
    [RDB_SET_INTSET, latin1("\x02\0\0\0\x02\0\0\0\x01\0\x01\0"), "Intset integrity check failed"],
  ];
  for (const [type, body, expected] of cases) {
    for (const narrow of [false, true]) assertEquals(read(type, body, narrow), expected);
  }
});

Deno.test("a value that the file does not hold as a whole is refused", () => {
  using server = new EmbeddedServer([]);
  const { keyspace, config } = server.server;
  const bytes = stringOf(listpackOf(["f", "1"])).slice(0, -1);
  const input = new RdbInput("test", new ArraySource(bytes, 0, bytes.length), bytes.length, false);
  const reader = new RdbSmallReader(input, keyspace, encodingLimits(config));
  assertThrows(() => reader.read(RDB_HASH_LISTPACK, latin1("k"), 0, 1, -1), RdbFormatError);
});
