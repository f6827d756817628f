/** The primitives of the format as they are written, byte for byte. */
import { assertEquals } from "@std/assert";
import { fromLatin1, latin1 } from "../support/text.ts";
import { RdbOutput } from "../../src/persistence/rdb_output.ts";
import { CollectingSink } from "./keyspace_contents.ts";

function written(write: (output: RdbOutput) => void, compresses = true): string {
  const sink = new CollectingSink();
  const output = new RdbOutput(sink, compresses, false);
  write(output);
  output.flush();
  return fromLatin1(sink.bytes());
}

Deno.test("a length takes the fewest bytes", () => {
  const cases: [number, string][] = [
    [0, "\x00"],
    [63, "\x3f"],
    [64, "\x40\x40"],
    [16383, "\x7f\xff"],
    [16384, "\x80\x00\x00\x40\x00"],
    [0xffffffff, "\x80\xff\xff\xff\xff"],
    [0x100000000, "\x81\x00\x00\x00\x01\x00\x00\x00\x00"],
  ];
  for (const [length, bytes] of cases) {
    assertEquals(written((output) => output.writeLength(length)), bytes);
  }
});

Deno.test("integers are written as such if Redis would do it", () => {
  const cases: [string, string][] = [
    ["0", "\xc0\x00"],
    ["-128", "\xc0\x80"],
    ["127", "\xc0\x7f"],
    ["128", "\xc1\x80\x00"],
    ["-32768", "\xc1\x00\x80"],
    ["32768", "\xc2\x00\x80\x00\x00"],
    ["-2147483648", "\xc2\x00\x00\x00\x80"],
    ["2147483647", "\xc2\xff\xff\xff\x7f"],
    ["2147483648", "\x0a2147483648"],
    ["-0", "\x02-0"],
    ["01", "\x0201"],
    ["+1", "\x02+1"],
    ["", "\x00"],
    ["1.5", "\x031.5"],
  ];
  for (const [text, bytes] of cases) {
    assertEquals(written((output) => output.writeText(text)), bytes, text);
  }
});

Deno.test("strings of more than 20 bytes are compressed if that pays", () => {
  const text = "a".repeat(20);
  assertEquals(written((output) => output.writeText(text)), "\x14" + text);
  const longer = "a".repeat(30);
  assertEquals(
    written((output) => output.writeText(longer)),
    "\xc3\x09\x1e\x01aa\xe0\x11\x00\x01aa",
  );
  assertEquals(written((output) => output.writeText(longer), false), "\x1e" + longer);
  const alphabet = "abcdefghijklmnopqrstuvwxyz";
  assertEquals(written((output) => output.writeText(alphabet)), "\x1a" + alphabet);
});

Deno.test("times and doubles are written lowest byte first", () => {
  assertEquals(
    written((output) => output.writeMilliseconds(0x0102030405)),
    "\x05\x04\x03\x02\x01\x00\x00\x00",
  );
  assertEquals(written((output) => output.writeDouble(1)), "\x00\x00\x00\x00\x00\x00\xf0\x3f");
});

Deno.test("what is longer than the buffer comes out whole, and is counted", () => {
  const bytes = new Uint8Array(700_000).map((_, index) => index * 7);
  const sink = new CollectingSink();
  const output = new RdbOutput(sink, false, false);
  output.writeRaw(bytes, 0, 300_000);
  for (let index = 300_000; index < 300_100; index++) output.writeByte(bytes[index]);
  output.writeRaw(bytes, 300_100, 399_900);
  assertEquals(output.offset, 700_000);
  output.flush();
  assertEquals(sink.bytes(), bytes);
});

Deno.test("a payload ends with version and checksum", () => {
  const sink = new CollectingSink();
  const output = new RdbOutput(sink, true, true);
  output.writeByte(0);
  output.writeText("a");
  output.finishPayload(10);
  assertEquals(sink.bytes(), latin1("\x00\x01a\x0a\x00\xbf\xfe\xef\x9b\x8f\x36\x7d\xb4"));
});

Deno.test("nothing is lost where the first, small buffer is full and a large one follows", () => {
  for (let before = 2000; before < 2060; before++) {
    const text = written((output) => {
      for (let count = 0; count < before; count++) output.writeByte(0x78);
      output.writeLength(0xffffffff);
      output.writeDouble(1);
      output.writeByte(0x79);
    });
    const end = "\x80\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\xf0\x3fy";
    assertEquals(text, "x".repeat(before) + end);
  }
});

Deno.test("what stands compressed already is written as it is", () => {
  const text = latin1("abc".repeat(8));
  const lzf = latin1("..\x03abca\xe0\x0a\x02\x00c");
  assertEquals(
    written((output) => output.writeCompressed(lzf, 2, lzf.length - 2, text.length)),
    written((output) => output.writeString(text, 0, text.length)),
  );
  assertEquals(
    [true, false].map((yes) => {
      let compresses = !yes;
      written((output) => compresses = output.compresses, yes);
      return compresses;
    }),
    [true, false],
  );
});
