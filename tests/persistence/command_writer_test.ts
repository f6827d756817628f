/** The data set as commands: the same commands as Redis 7.0 writes, at most 64 items each. */
import { assertEquals } from "@std/assert";
import { fromLatin1 } from "../support/text.ts";
import { CommandWriter } from "../../src/persistence/command_writer.ts";
import { datasetRequests } from "../support/dataset.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { CollectingSink, contentsOf, rootsOf } from "./keyspace_contents.ts";

function written(server: EmbeddedServer): Uint8Array {
  const sink = new CollectingSink();
  new CommandWriter(server.server.arena, sink).writeDatabases(rootsOf(server));
  return sink.bytes();
}

/** Counts of the arguments of all commands with this name. */
function argumentCounts(text: string, command: string): number[] {
  const pattern = new RegExp(`\\*(\\d+)\\r\\n\\$${command.length}\\r\\n${command}\\r\\n`, "g");
  return [...text.matchAll(pattern)].map((match) => Number(match[1]));
}

Deno.test("the commands make the same data set again", () => {
  using source = new EmbeddedServer();
  for (const request of datasetRequests({ plainKeyCount: 100, largeBytes: 700_000 })) {
    source.run(...request);
  }
  using target = new EmbeddedServer();
  target.client.sendBytes(written(source));
  target.client.takeBytes();
  // A value that was changed in place comes back as if it had been set at once.
  assertEquals(contentsOf(target, false), contentsOf(source, false));
});

Deno.test("a collection of more than 64 items takes several commands", () => {
  using source = new EmbeddedServer();
  const items = Array.from({ length: 130 }, (_, index) => `item ${index}`);
  source.run("RPUSH", "l", ...items);
  source.run("SADD", "s", ...items);
  source.run("ZADD", "z", ...items.flatMap((item, index) => [index, item]));
  source.run("HSET", "h", ...items.flatMap((item) => [item, item]));
  const text = fromLatin1(written(source));
  assertEquals(argumentCounts(text, "RPUSH"), [66, 66, 4]);
  assertEquals(argumentCounts(text, "SADD"), [66, 66, 4]);
  assertEquals(argumentCounts(text, "ZADD"), [130, 130, 6]);
  assertEquals(argumentCounts(text, "HMSET"), [130, 130, 6]);
});

Deno.test("scores and expiries are written as Redis writes them", () => {
  using source = new EmbeddedServer();
  source.run("SELECT", 3);
  source.run("ZADD", "z", "0.1", "m");
  source.run("PEXPIREAT", "z", 4_102_444_800_000);
  assertEquals(
    fromLatin1(written(source)),
    "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n" +
      "*4\r\n$4\r\nZADD\r\n$1\r\nz\r\n$19\r\n0.10000000000000001\r\n$1\r\nm\r\n" +
      "*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nz\r\n$13\r\n4102444800000\r\n",
  );
});
