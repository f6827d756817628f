/** Hashes whose fields expire, in every form in which servers write them, byte by byte. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { ArraySource, RdbInput } from "../../src/persistence/rdb_input.ts";
import { RdbFormatError } from "../../src/persistence/rdb_format.ts";
import { RdbValueReader } from "../../src/persistence/rdb_value_reader.ts";
import { encodingLimits } from "../../src/durability/value_limits.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { latin1 } from "../support/text.ts";
import { contentsOf, loadFromBytes, saveToBytes } from "./keyspace_contents.ts";

const KEY = latin1("k");
/** 9999999999000 ms, and 1 and 2 more, as int64. */
const FAR = "\x18\x9crN\x18\x09\x00\x00";
const FAR_2 = "\x1a\x9crN\x18\x09\x00\x00";
const NONE = "\xff".repeat(8);
/** 9999999999002 as a length. */
const FAR_2_LENGTH = "\x81\x00\x00\x09\x18Nr\x9c\x1a";
const EXPECTED = '-1|"a"="1","b"="2","c"="3";"a"@9999999999000,"c"@9999999999002';

/** As redis-server 8.2.3 and valkey-server 9.1.2 write it: a, c and b, of which the last stays. */
const TRIPLES = "\x2c\x2c\x00\x00\x00\x09\x00" +
  `\x81a\x02\x01\x01\xf4${FAR}\x09\x81c\x02\x03\x01\xf4${FAR_2}\x09\x81b\x02\x02\x01\x00\x01\xff`;

const FORMS: [name: string, type: number, version: number, body: string][] = [
  ["hash-metadata", 24, 12, `${FAR}\x03\x00\x01b\x012\x01\x01a\x011\x03\x01c\x013`],
  ["hash-listpack-ex", 25, 12, `${FAR}${TRIPLES}`],
  ["hash-listpack-ex of a later version", 25, 16, `${FAR}${TRIPLES}`],
  ["hash-listpack-ex, pre-release", 23, 12, TRIPLES],
  [
    "hash-metadata, pre-release",
    22,
    12,
    `\x03\x00\x01b\x012\x81\x00\x00\x09\x18Nr\x9c\x18\x01a\x011${FAR_2_LENGTH}\x01c\x013`,
  ],
  ["Valkey's", 22, 80, `\x03\x01b\x012${NONE}\x01a\x011${FAR}\x01c\x013${FAR_2}`],
];

/** What a server says of key "k", read from such a value. */
function readValue(type: number, version: number, body: string): string {
  using server = new EmbeddedServer();
  const { keyspace, config } = server.server;
  const bytes = latin1(body);
  const input = new RdbInput("test", new ArraySource(bytes, 0, bytes.length), bytes.length, false);
  const reader = new RdbValueReader(input, keyspace, encodingLimits(config), true);
  reader.version = version;
  try {
    const entry = reader.read(type, KEY, 0, 1, -1);
    if (entry === 0) return "empty";
    keyspace.databases[0].insertEntry(entry);
    assertEquals(input.restBytes, 0);
    assertEquals(keyspace.databases[0].expiryOrder.count, 1);
    return contentsOf(server).get("0 k")!;
  } catch (error) {
    if (error instanceof RdbFormatError) return error.reason;
    throw error;
  }
}

Deno.test("every form of a hash whose fields expire is read, by the version it stands in", () => {
  for (const [name, type, version, body] of FORMS) {
    assertEquals(readValue(type, version, body), `hash|listpackex|${EXPECTED}`, name);
  }
});

Deno.test("impossible times, orders and counts are refused, and fields that come twice", () => {
  const refused = (type: number, version: number, body: string) => readValue(type, version, body);
  const triples = (text: string) =>
    `${FAR}${TRIPLES.replace(...text.split(">") as [string, string])}`;
  const impossible = "a field of a hash expires at an impossible time";
  const integrity = "Hash listpack integrity check failed";
  const beyond = "\x81\x00\x01\x00\x00\x00\x00\x00\x00";
  assertEquals(refused(24, 12, `${FAR}\x01${beyond}\x01a\x011`), impossible);
  assertEquals(refused(22, 80, "\x01\x01a\x011\xfe\xff\xff\xff\xff\xff\xff\xff"), impossible);
  assertEquals(
    refused(24, 12, `${FAR}\x02\x00\x01a\x011\x00\x01a\x012`),
    "a hash holds a field twice",
  );
  assertEquals(refused(25, 12, triples("\x81c>\x81a")), "a hash holds a field twice");
  assertEquals(
    refused(25, 12, triples(`${FAR_2}\x09>${FAR.replace("\x18", "\x17")}\x09`)),
    integrity,
  );
  assertEquals(
    refused(25, 12, triples("\x09\x00\x81a>\x08\x00\x81a")),
    integrity,
  );
  assertStringIncludes(refused(24, 12, `${FAR}\x7f\xff`), "more than the file holds");
  // To Valkey these types do not exist.
  assertStringIncludes(refused(25, 80, `${FAR}${TRIPLES}`), "unknown type 25");
});

Deno.test("a file of each version that has such hashes is read as it was written", () => {
  using server = new EmbeddedServer([["hash-max-listpack-entries", "8"]]);
  for (const key of ["small", "large"]) {
    for (let field = 0; field < (key === "small" ? 6 : 60); field++) {
      server.run("HSET", key, `f${field}`, `${field}`);
      if (field % 3 === 0) continue;
      server.run("HPEXPIREAT", key, 9_000_000_000_000 + field, "FIELDS", 1, `f${field}`);
    }
  }
  server.run("HSET", "once", "f", "v");
  server.run("HEXPIRE", "once", "100", "FIELDS", "1", "f");
  server.run("HPERSIST", "once", "FIELDS", "1", "f");
  const expected = contentsOf(server, false);
  for (const version of [12, 80] as const) {
    using loaded = new EmbeddedServer([["hash-max-listpack-entries", "8"]]);
    loadFromBytes(loaded, saveToBytes(server, { version }));
    assertEquals(contentsOf(loaded, false), expected, `${version}`);
    assertEquals(loaded.server.keyspace.databases[0].expiryOrder.count, 2);
  }
  for (const version of [9, 10, 11] as const) {
    using loaded = new EmbeddedServer();
    loadFromBytes(loaded, saveToBytes(server, { version }));
    assertEquals(loaded.run("HLEN", "large"), 60);
    assertEquals(loaded.server.keyspace.databases[0].expiryOrder.count, 0, `${version}`);
  }
});

Deno.test("fields that have expired are loaded, and go when their turn comes", () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    using server = new EmbeddedServer();
    server.run("HSET", "h", "a", "1", "b", "2");
    server.run("HPEXPIREAT", "h", "1700000000100", "FIELDS", "1", "a");
    server.run("HSETEX", "gone", "PXAT", "1700000000100", "FIELDS", "1", "a", "1");
    clock.advanceForTests(1000);
    const bytes = saveToBytes(server, { version: 12 });
    using loaded = new EmbeddedServer();
    loadFromBytes(loaded, bytes);
    assertEquals([loaded.run("HLEN", "h"), loaded.run("DBSIZE")], [2, 2]);
    const effects = new RecordedEffects(loaded);
    loaded.server.expireCycle.run("slow");
    assertEquals([loaded.run("HLEN", "h"), loaded.run("DBSIZE")], [1, 1]);
    assertEquals(effects.takeLog().sort(), ["HDEL gone a", "HDEL h a"]);
  } finally {
    clock.useRealTime();
  }
});
