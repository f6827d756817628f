/** Streams byte for byte as servers of three generations write them. */
import { assert, assertEquals } from "@std/assert";
import { Slice } from "../../src/base/bytes.ts";
import { ArraySource, RdbInput } from "../../src/persistence/rdb_input.ts";
import { RdbOutput } from "../../src/persistence/rdb_output.ts";
import * as streamNode from "../../src/values/stream_node.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import * as value from "../../src/values/value.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { fromLatin1, latin1 } from "../support/text.ts";
import { CollectingSink } from "./keyspace_contents.ts";
import { STREAM_PAYLOADS } from "./stream_payloads.ts";

/** What DUMP says of the key "s", in hexadecimal, without version and checksum. */
function dumped(server: EmbeddedServer): string {
  const raw = latin1(server.raw("DUMP", "s"));
  const start = raw.indexOf(10) + 1;
  return raw.subarray(start, raw.length - 12).toHex();
}

/** The server, with the stream of a payload of its own version. */
function restored(version: string, type: 15 | 19 | 21): EmbeddedServer {
  const server = new EmbeddedServer([["rdbcompression", "no"], ["rdb-version", version]]);
  const commands = [
    "XADD s 1-1 a 1",
    "XADD s 2-0 a x",
    "XADD s 2-5 b 2",
    "XADD s 3-3 a 1 b 2",
    "XDEL s 2-0",
    "XGROUP CREATE s g 0",
    "XGROUP CREATE s h 2-5",
    "XREADGROUP GROUP g alice COUNT 2 STREAMS s >",
    "XCLAIM s g bob 0 1-1 TIME 1700000000000 RETRYCOUNT 7",
    "XCLAIM s g alice 0 2-5 TIME 1700000000001 RETRYCOUNT 1",
  ];
  for (const command of commands) server.run(...command.split(" "));
  assertEquals(STREAM_PAYLOADS[type].startsWith(type.toString(16).padStart(2, "0")), true);
  return server;
}

/** Without the times at which consumers were seen, which are those of the test. */
function timeless(hex: string): string {
  return hex
    .replace(/(05616c696365)[0-9a-f]{16}([0-9a-f]{16})?01(?=0{15}20{15}5)/, "$1")
    .replace(/(03626f62)[0-9a-f]{16}([0-9a-f]{16})?01(?=0{15}10{15}1)/, "$1");
}

for (const [version, type] of [["9", 15], ["10", 19], ["11", 21]] as const) {
  Deno.test(`version ${version} holds streams as type ${type}`, () => {
    using server = restored(version, type);
    // A group that reads on behind deleted entries knows how many it has read from type 19 on.
    const expected = timeless(STREAM_PAYLOADS[type]);
    assertEquals(timeless(dumped(server)), expected);
  });
}

Deno.test("a stream that was dumped is restored as it was", () => {
  using server = restored("10", 19);
  const raw = latin1(server.raw("DUMP", "s"));
  const payload = raw.subarray(raw.indexOf(10) + 1, raw.length - 2);
  const before = fromLatin1(latin1(server.raw("XINFO", "STREAM", "s", "FULL")));
  server.run("DEL", "s");
  server.run("RESTORE", "s", "0", payload);
  assertEquals(server.raw("XINFO", "STREAM", "s", "FULL"), before);
  assertEquals(latin1(server.raw("DUMP", "s")).toHex(), raw.toHex());
});

/** The bytes that DUMP returns for a key. */
function payloadOf(server: EmbeddedServer, key: string): Uint8Array {
  const raw = latin1(server.raw("DUMP", key));
  return raw.slice(raw.indexOf(10) + 1, raw.length - 2);
}

function packedNodes({ server }: EmbeddedServer, key: string): number {
  const { arena, keyspace } = server;
  const entry = keyspace.databases[0].findRaw(latin1(key), 0, key.length);
  let count = 0;
  streamValue.forEachNode(arena, value.valueRef(arena, entry), (_id, node) => {
    if (streamNode.isPacked(arena, node)) count++;
  });
  return count;
}

function serverWithNodes(compression: string): EmbeddedServer {
  const server = new EmbeddedServer([["rdbcompression", compression]]);
  for (let i = 1; i <= 1000; i++) server.run("XADD", "s", `1-${i}`, "field", `value ${i % 9}`);
  return server;
}

for (const compression of ["yes", "no"]) {
  Deno.test(`packed nodes are written as others: rdbcompression ${compression}`, () => {
    using server = serverWithNodes(compression);
    const before = payloadOf(server, "s");
    while (server.server.streamPacker.packing.step(Infinity));
    assert(packedNodes(server, "s") > 5);
    assertEquals(payloadOf(server, "s").toHex(), before.toHex());
  });
}

/**
 * A payload whose nodes are compressed as no server would: the first letters of each, which stand
 * as they are, are told in two pieces.
 */
function compressedOtherwise(payload: Uint8Array): Uint8Array {
  const bodyBytes = payload.length - 11;
  const input = new RdbInput("", new ArraySource(payload, 1, bodyBytes), bodyBytes, false);
  const sink = new CollectingSink();
  const output = new RdbOutput(sink, true, true);
  const [id, node, lzf] = [new Slice(), new Slice(), new Slice()];
  output.writeByte(payload[0]);
  const count = input.readPlainLength();
  output.writeLength(count);
  for (let index = 0; index < count; index++) {
    input.readString(id);
    output.writeString(id.bytes, id.start, id.length);
    input.readStringAndLzf(node, lzf);
    const [literals, first, ...rest] = lzf.copy();
    assert(literals > 0 && literals < 32);
    const other = Uint8Array.of(0, first, literals - 1, ...rest);
    output.writeCompressed(other, 0, other.length, node.length);
  }
  const restStart = 1 + input.offset;
  output.writeRaw(payload, restStart, payload.length - 10 - restStart);
  output.finishPayload(10);
  return sink.bytes();
}

Deno.test("nodes that others have compressed are compressed afresh", () => {
  using server = serverWithNodes("yes");
  const payload = payloadOf(server, "s");
  const other = compressedOtherwise(payload);
  assert(other.length > payload.length + 5);
  assertEquals(server.run("RESTORE", "t", "0", other), "OK");
  assert(packedNodes(server, "t") > 5);
  assertEquals(payloadOf(server, "t").toHex(), payload.toHex());
  assertEquals(server.run("COPY", "t", "u"), 1);
  assert(packedNodes(server, "u") > 5);
  assertEquals(payloadOf(server, "u").toHex(), payload.toHex());
  assertEquals(server.raw("XRANGE", "u", "-", "+"), server.raw("XRANGE", "s", "-", "+"));
});
