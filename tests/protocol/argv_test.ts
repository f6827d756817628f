/** Argv: views of arguments, and copies that outlive them. */
import { assertEquals } from "@std/assert";
import { Slice } from "../../src/base/bytes.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

/** The arguments as they arrive: one behind the other in a buffer with other things around. */
function received(...words: string[]): Argv {
  const argv = new Argv();
  argv.bytes = latin1(`<<${words.join("|")}>>`);
  let at = 2;
  for (const word of words) {
    argv.add(at, word.length);
    at += word.length + 1;
  }
  return argv;
}

function texts(argv: Argv): string[] {
  return Array.from({ length: argv.count }, (_, index) => argv.text(index));
}

Deno.test("arguments are ranges of the buffer, any bytes, empty ones too", () => {
  const words = ["SET", "", "\0\xff\r\n", "x".repeat(300)];
  assertEquals(texts(received(...words)), words);
  assertEquals(received(...words).totalBytes(), 3 + 4 + 300);
  const slice = new Slice();
  received(...words).slice(2, slice);
  const { bytes, start, length } = slice;
  assertEquals(fromLatin1(bytes.subarray(start, start + length)), words[2]);
});

Deno.test("an argv of words and bytes owns them", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const argv = Argv.of("SET", bytes, "é", "");
  bytes.fill(0);
  assertEquals(texts(argv), ["SET", "\x01\x02\x03", "\xe9", ""]);
});

Deno.test("there may be any number of arguments", () => {
  const words = Array.from({ length: 1000 }, (_, index) => `argument:${index}`);
  assertEquals(texts(received(...words)), words);
  assertEquals(texts(received(...words).clone()), words);
});

Deno.test("copies stay when the buffer is used again", () => {
  const argv = received("RPUSH", "key", "value");
  const copy = argv.copy(1);
  const clone = argv.clone();
  argv.bytes.fill(0xa5);
  argv.starts.fill(0);
  argv.lengths.fill(1);
  assertEquals(fromLatin1(copy), "key");
  assertEquals(texts(clone), ["RPUSH", "key", "value"]);
  assertEquals(clone.totalBytes(), 13);
});

Deno.test("a clone may grow, without a change of its original", () => {
  const argv = received("A", "b");
  const clone = argv.clone();
  clone.add(0, 1);
  assertEquals([texts(clone), texts(argv)], [["A", "b", "A"], ["A", "b"]]);
});

Deno.test("a copy of others' arguments takes the memory that is there, if it is enough", () => {
  const argv = received("SET", "key", "a long value");
  const copy = argv.clone();
  const { bytes, starts } = copy;
  assertEquals(texts(copy.copyFrom(received("GET", "k"))), ["GET", "k"]);
  assertEquals([copy.bytes === bytes, copy.starts === starts], [true, true]);
  const words = Array.from({ length: 100 }, (_, index) => `argument:${index}`);
  assertEquals(texts(copy.copyFrom(received(...words))), words);
  assertEquals(texts(argv), ["SET", "key", "a long value"]);
});

Deno.test("a word is recognized in either case, as a whole", () => {
  const argv = received("LiMiT", "limi", "limits", "lim\x49t", "@imit");
  assertEquals([0, 1, 2, 3, 4].map((index) => argv.is(index, "limit")), [
    true,
    false,
    false,
    true,
    false,
  ]);
  assertEquals(received("\x40").is(0, "`"), false);
});

Deno.test("an argument is quoted up to the limit or its first zero byte", () => {
  const argv = received("ab\0cd", "abcdef", "\0");
  assertEquals([argv.quoted(0), argv.quoted(1, 4), argv.quoted(1)], ["ab", "abcd", "abcdef"]);
  assertEquals([argv.quoted(0, 1), argv.quoted(2)], ["a", ""]);
});

Deno.test("an Argv can be pointed at one argument, and lets it go", () => {
  const argv = Argv.of("some", "more").point(new Uint8Array([0, 65, 66, 0]), 1, 2);
  assertEquals(argv.count, 1);
  assertEquals(argv.text(0), "AB");
  argv.forget();
  assertEquals(argv.count, 0);
  assertEquals(argv.bytes.length, 0);
});
