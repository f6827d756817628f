/** The primitives of the format as they are read, however the bytes trickle in. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { latin1Text, Slice } from "../../src/base/bytes.ts";
import { RdbFormatError } from "../../src/persistence/rdb_format.ts";
import { type ByteSource, RdbInput } from "../../src/persistence/rdb_input.ts";
import { RdbOutput } from "../../src/persistence/rdb_output.ts";
import { latin1 } from "../support/text.ts";
import { CollectingSink } from "./keyspace_contents.ts";

/** Gives at most so many bytes at a time. */
class TricklingSource implements ByteSource {
  #at = 0;

  constructor(readonly content: Uint8Array, readonly step: number) {}

  read(bytes: Uint8Array, start: number, length: number): number {
    const count = Math.min(length, this.step, this.content.length - this.#at);
    bytes.set(this.content.subarray(this.#at, this.#at + count), start);
    this.#at += count;
    return count;
  }
}

function inputOf(content: Uint8Array | string, step = 1): RdbInput {
  const bytes = typeof content === "string" ? latin1(content) : content;
  return new RdbInput("test", new TricklingSource(bytes, step), bytes.length, true);
}

function readText(input: RdbInput): string {
  const out = new Slice();
  input.readString(out);
  return latin1Text(out.bytes, out.start, out.length);
}

function reason(content: string, read: (input: RdbInput) => void): string {
  return (assertThrows(() => read(inputOf(content)), RdbFormatError) as RdbFormatError).reason;
}

Deno.test("what the output writes, the input reads", () => {
  const sink = new CollectingSink();
  const output = new RdbOutput(sink, true, true);
  const lengths = [0, 63, 64, 16383, 16384, 0xffffffff, 0x100000000, 2 ** 53 - 1];
  const texts = ["", "0", "-129", "70000", "-2147483648", "2147483648", "x".repeat(5000), "é"];
  for (const length of lengths) output.writeLength(length);
  for (const text of texts) output.writeText(text);
  for (const number of [0, -1.5, Infinity, 5e-324]) output.writeDouble(number);
  output.writeMilliseconds(4_102_444_800_123);
  output.writeByte(255);
  output.finishFile();
  for (const step of [1, 3, 1000]) {
    const input = inputOf(sink.bytes(), step);
    assertEquals(lengths.map(() => input.readPlainLength()), lengths);
    assertEquals(texts.map(() => readText(input)), texts);
    assertEquals([0, 1, 2, 3].map(() => input.readDouble()), [0, -1.5, Infinity, 5e-324]);
    assertEquals(input.readInt64(), 4_102_444_800_123);
    assertEquals(input.readByte(), 255);
    assertEquals(input.readChecksum(), true);
    assertEquals(input.restBytes, 0);
    assertEquals(input.offset, sink.bytes().length);
  }
});

Deno.test("a string longer than the buffer comes in pieces or whole", () => {
  const content = new Uint8Array(3_000_000).map((_, index) => index * 31);
  const sink = new CollectingSink();
  const output = new RdbOutput(sink, false, true);
  for (let round = 0; round < 2; round++) {
    output.writeLength(content.length);
    output.writeRaw(content, 0, content.length);
  }
  output.finishFile();
  const input = inputOf(sink.bytes(), 100_000);
  const out = new Slice();
  input.readString(out);
  assertEquals(out.copy(), content);
  assertEquals(input.readStringOrLength(1000, out), content.length);
  const joined = new Uint8Array(content.length);
  for (let at = 0; at < joined.length; at += out.length) {
    input.readPiece(joined.length - at, out);
    joined.set(out.copy(), at);
  }
  assertEquals(joined, content);
  assertEquals(input.readChecksum(), true);
});

Deno.test("a short string is read whole where pieces are allowed", () => {
  const out = new Slice();
  assertEquals(inputOf("\x03abc").readStringOrLength(10, out), -1);
  assertEquals(latin1Text(out.bytes, out.start, out.length), "abc");
});

Deno.test("what cannot be is refused", () => {
  assertStringIncludes(reason("", (input) => input.readByte()), "Unexpected EOF");
  assertStringIncludes(reason("\x80\x01", (input) => input.readLength()), "Unexpected EOF");
  assertStringIncludes(reason("\x82", (input) => input.readLength()), "length encoding 130");
  const huge = "\x81\xff\xff\xff\xff\xff\xff\xff\xff";
  assertStringIncludes(reason(huge, (input) => input.readLength()), "beyond all bounds");
  assertStringIncludes(reason("\xc0", (input) => input.readPlainLength()), "expected a length");
  assertStringIncludes(reason("\xc4", readText), "string encoding 196");
  assertStringIncludes(reason("\x05abc", readText), "more than the file holds");
  assertStringIncludes(reason("\xc3\x02\x09ab", readText), "damaged compressed");
  assertStringIncludes(reason("\xc3\x02\x00ab", readText), "impossible length");
  assertStringIncludes(reason("\x09ab", (input) => input.readCount(1)), "more than the file");
});

Deno.test("what stands in an array is read where it stands, and no byte before or behind it", () => {
  const bytes = Uint8Array.of(9, 9, 3, 97, 98, 99, 0xc0, 5, 9, 9);
  const input = RdbInput.over("payload", bytes, 2, 6);
  const out = new Slice();
  assertEquals([input.offset, input.restBytes], [0, 6]);
  input.readString(out);
  assertEquals([out.bytes === bytes, out.start, out.length], [true, 3, 3]);
  input.readString(out);
  assertEquals(String.fromCharCode(...out.copy()), "5");
  assertEquals([input.offset, input.restBytes], [6, 0]);
  assertThrows(() => input.readByte(), RdbFormatError);
});

Deno.test("a source that ends early is noticed", () => {
  const input = new RdbInput("test", new TricklingSource(latin1("ab"), 10), 100, true);
  input.readByte();
  input.readByte();
  assertThrows(() => input.readByte(), RdbFormatError);
});

Deno.test("a compressed string is read with the LZF that it stood as, others without", () => {
  const sink = new CollectingSink();
  const output = new RdbOutput(sink, true, true);
  for (const text of ["x".repeat(100), "short", "12", "y".repeat(70)]) output.writeText(text);
  output.finishFile();
  for (const step of [1, 1000]) {
    const input = inputOf(sink.bytes(), step);
    const [out, lzf] = [new Slice(), new Slice()];
    const found: [string, string][] = [];
    for (let index = 0; index < 4; index++) {
      input.readStringAndLzf(out, lzf);
      found.push([latin1Text(out.bytes, out.start, out.length), lzf.copy().toHex()]);
    }
    assertEquals(found, [
      ["x".repeat(100), "017878e0570001" + "7878"],
      ["short", ""],
      ["12", ""],
      ["y".repeat(70), "017979e0390001" + "7979"],
    ]);
  }
});

Deno.test("a compressed string is unpacked to where the caller wants it, others are left", () => {
  const sink = new CollectingSink();
  const output = new RdbOutput(sink, true, true);
  const texts = ["x".repeat(100), "short", "y".repeat(70)];
  for (const text of texts) output.writeText(text);
  output.finishFile();
  for (const step of [1, 1000]) {
    const input = inputOf(sink.bytes(), step);
    const target = new Uint8Array(200);
    assertEquals(input.readPacked(), 100);
    assertEquals(input.unpack(target, 50, 99), false);
    assertEquals(input.unpack(target, 50, 100), true);
    assertEquals(latin1Text(target, 49, 102), `\0${texts[0]}\0`);
    assertEquals(input.readPacked(), 0);
    assertEquals(readText(input), "short");
    const out = new Slice();
    input.unpackString(input.readPacked(), out);
    assertEquals(latin1Text(out.bytes, out.start, out.length), texts[2]);
  }
});
