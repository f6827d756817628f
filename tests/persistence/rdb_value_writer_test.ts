/** Under which type each encoding is written, and what it looks like. */
import { assertEquals } from "@std/assert";
import { RdbOutput } from "../../src/persistence/rdb_output.ts";
import { RdbValueWriter } from "../../src/persistence/rdb_value_writer.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Argument } from "../support/resp_client.ts";
import { fromLatin1, latin1 } from "../support/text.ts";
import { CollectingSink } from "./keyspace_contents.ts";

/** Type byte and value of what a command makes of the key "k". */
function written(request: [string, ...Argument[]], version: 9 | 10 = 10): [number, string] {
  using server = new EmbeddedServer();
  const [command, ...args] = request;
  server.run(command, "k", ...args);
  const { arena, keyspace } = server.server;
  const entry = keyspace.databases[0].findRaw(latin1("k"), 0, 1);
  const sink = new CollectingSink();
  const output = new RdbOutput(sink, false, false);
  const writer = new RdbValueWriter(arena, output, version);
  const type = writer.typeByte(entry);
  writer.write(entry);
  output.flush();
  return [type, fromLatin1(sink.bytes())];
}

const LONG = "x".repeat(65);

Deno.test("small collections are written as they stand in memory", () => {
  const hash = "\x0b\x00\x00\x00\x02\x00\x81f\x02\x07\x01\xff";
  assertEquals(written(["HSET", "f", 7]), [16, `\x0c\x0c${hash.slice(1)}`]);
  const scores = "\x0c\x00\x00\x00\x02\x00\x81m\x02\x01\x01\xff";
  assertEquals(written(["ZADD", 1, "m"]), [17, `\x0c${scores}`]);
  assertEquals(written(["SADD", 5, 300]), [11, "\x0c\x02\0\0\0\x02\0\0\0\x05\0\x2c\x01"]);
  const list = "\x0a\x00\x00\x00\x01\x00\x81a\x02\xff";
  assertEquals(written(["RPUSH", "a"]), [18, `\x01\x02\x0a${list}`]);
});

Deno.test("large collections are written element by element", () => {
  assertEquals(written(["SADD", "a"]), [2, "\x01\x01a"]);
  assertEquals(written(["HSET", "f", LONG]), [4, `\x01\x01f\x40\x41${LONG}`]);
  const highestFirst = `\x02\x40\x41${LONG}\0\0\0\0\0\0\x00\x40\x01a\0\0\0\0\0\0\xf0\x3f`;
  assertEquals(written(["ZADD", 1, "a", 2, LONG]), [5, highestFirst]);
});

Deno.test("version 9 has no listpacks", () => {
  assertEquals(written(["HSET", "f", 7], 9), [4, "\x01\x01f\xc0\x07"]);
  assertEquals(written(["ZADD", 1, "m"], 9), [5, "\x01\x01m\0\0\0\0\0\0\xf0\x3f"]);
  assertEquals(written(["RPUSH", "a", 300], 9), [1, "\x02\x01a\xc1\x2c\x01"]);
  assertEquals(written(["SADD", 5], 9)[0], 11);
});

Deno.test("a list element that stands alone is a node of one entry, as Redis packs it", () => {
  const element = "e".repeat(100_000);
  const [type, bytes] = written(["RPUSH", element]);
  const listpack = `\xaf\x86\x01\x00\x01\x00\xf0\xa0\x86\x01\x00${element}\x06\x8d\xa5\xff`;
  assertEquals([type, bytes], [18, `\x01\x02\x80\x00\x01\x86\xaf${listpack}`]);
  assertEquals(written(["RPUSH", element], 9)[1], `\x01\x80\x00\x01\x86\xa0${element}`);
});

Deno.test("the pieces of a list's first node are written as one", () => {
  const elements = Array.from({ length: 300 }, (_, index) => `element ${index}`);
  const pushed = written(["LPUSH", ...elements]);
  assertEquals(pushed, written(["RPUSH", ...elements.reverse()]));
  assertEquals(pushed[1][0], "\x01", "one node");
});
