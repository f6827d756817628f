/** Streams byte for byte as servers of three generations write them. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { fromLatin1, latin1 } from "../support/text.ts";
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
