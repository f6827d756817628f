/** Arguments put together in memory that is used again. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { ArgvWriter } from "../../src/protocol/argv_writer.ts";

function textsOf({ argv }: ArgvWriter): string[] {
  return Array.from({ length: argv.count }, (_, index) => argv.text(index));
}

Deno.test("texts, ranges, numbers and rooms become arguments", () => {
  const writer = new ArgvWriter();
  writer.begin();
  writer.text("XCLAIM");
  writer.bytes(latin1Bytes("a\0key!"), 0, 5);
  writer.bytes(latin1Bytes(""), 0, 0);
  for (const number of [0, 9, 10, 1795853897620, Number.MAX_SAFE_INTEGER]) writer.integer(number);
  const start = writer.room(2);
  writer.argv.bytes.set(latin1Bytes("ok"), start);
  assertEquals(textsOf(writer), [
    ...["XCLAIM", "a\0key", "", "0", "9", "10", "1795853897620", "9007199254740991", "ok"],
  ]);
});

Deno.test("arguments that outgrow the buffer keep those before them", () => {
  const writer = new ArgvWriter();
  const words = Array.from({ length: 100 }, (_, index) => `${index}`.repeat(20));
  for (let round = 0; round < 2; round++) {
    writer.begin();
    for (const word of words) writer.text(word);
    assertEquals(textsOf(writer), words);
  }
});

Deno.test("the buffer is used again, unless it is very long", () => {
  const writer = new ArgvWriter();
  writer.begin();
  writer.text("a".repeat(1000));
  const { bytes } = writer.argv;
  writer.begin();
  writer.text("b".repeat(1000));
  assertStrictEquals(writer.argv.bytes, bytes);
  writer.text("c".repeat(100_000));
  const longBytes = writer.argv.bytes;
  writer.begin();
  assert(writer.argv.bytes !== longBytes);
  assertEquals(textsOf(writer), []);
});
