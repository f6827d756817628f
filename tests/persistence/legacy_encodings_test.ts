/** Ziplists and zipmaps: all kinds of entries, and what is not one. */
import { assertEquals } from "@std/assert";
import { latin1Text } from "../../src/base/bytes.ts";
import * as legacy from "../../src/persistence/legacy_encodings.ts";
import { latin1 } from "../support/text.ts";

/** A ziplist of these entries, each without the length of its predecessor. */
function ziplist(entries: string[], count = entries.length): Uint8Array {
  let body = "";
  let previous = 0;
  for (const entry of entries) {
    const head = previous < 254 ? String.fromCharCode(previous) : "\xfe" + littleEndian(previous);
    body += head + entry;
    previous = head.length + entry.length;
  }
  const total = 10 + body.length + 1;
  const counted = String.fromCharCode(count & 255, count >>> 8);
  return latin1(littleEndian(total) + littleEndian(total - 1 - previous) + counted + body + "\xff");
}

function littleEndian(word: number): string {
  return String.fromCharCode(word & 255, (word >>> 8) & 255, (word >>> 16) & 255, word >>> 24);
}

function elements(bytes: Uint8Array): string[] | null {
  const found: string[] = [];
  const isSound = legacy.forEachInZiplist(bytes, 0, bytes.length, (source, start, length) => {
    found.push(latin1Text(source, start, length));
  });
  return isSound ? found : null;
}

Deno.test("a ziplist gives its strings and integers", () => {
  const long = "x".repeat(300);
  const list = ziplist([
    "\x02ab",
    "\x41\x2c" + long,
    "\x80\x00\x00\x01\x2c" + long,
    "\xf1",
    "\xfd",
    "\xfe\x80",
    "\xc0\x00\x80",
    "\xf0\x00\x00\x80",
    "\xd0\x00\x00\x00\x80",
    "\xe0\x00\x00\x00\x00\x00\x00\x00\x80",
    "\x00",
  ]);
  assertEquals(elements(list), [
    "ab",
    long,
    long,
    "0",
    "12",
    "-128",
    "-32768",
    "-8388608",
    "-2147483648",
    "-9223372036854775808",
    "",
  ]);
});

Deno.test("a ziplist may leave its entries uncounted", () => {
  assertEquals(elements(ziplist(["\x01a", "\x01b"], 65535)), ["a", "b"]);
  assertEquals(elements(ziplist(["\x01a", "\x01b"], 3)), null);
});

Deno.test("an empty ziplist has no elements", () => {
  assertEquals(elements(ziplist([])), []);
});

Deno.test("ziplists with wrong sizes, kinds or ends are refused", () => {
  const sound = ziplist(["\x02ab", "\xfe\x05"]);
  assertEquals(elements(sound), ["ab", "5"]);
  assertEquals(elements(sound.subarray(0, sound.length - 1)), null);
  assertEquals(elements(new Uint8Array(0)), null);
  assertEquals(elements(ziplist(["\xff"])), null);
  assertEquals(elements(ziplist(["\x3fab"])), null);
  assertEquals(elements(ziplist(["\x81\x00\x00\x00\x01a"])), null);
  assertEquals(elements(ziplist(["\x80\xff\xff\xff\xffa"])), null);
});

Deno.test("ziplists whose entries do not tell the length of the former, or the last place, are refused", () => {
  const sound = ziplist(["\x02ab", "\xfe\x05", "\x01c"]);
  const tail = sound.slice();
  tail[4]--;
  assertEquals(elements(tail), null);
  for (const at of [10, 14, 17]) {
    const former = sound.slice();
    former[at]++;
    assertEquals(elements(former), null, `${at}`);
  }
});

function pairs(text: string): string[] | null {
  const found: string[] = [];
  const bytes = latin1(text);
  const isSound = legacy.forEachInZipmap(bytes, 0, bytes.length, (source, start, length) => {
    found.push(latin1Text(source, start, length));
  });
  return isSound ? found : null;
}

Deno.test("a zipmap gives keys and values, free bytes passed over", () => {
  assertEquals(pairs("\x02\x03foo\x03\x00bar\x05hello\x05\x02world..\xff"), [
    "foo",
    "bar",
    "hello",
    "world",
  ]);
  assertEquals(pairs("\x01\xfe\x03\x00\x00\x00foo\x00\x00\xff"), ["foo", ""]);
});

Deno.test("zipmaps with wrong lengths or ends are refused", () => {
  assertEquals(pairs("\x01\x03foo\x03\x00ba\xff"), null);
  assertEquals(pairs("\x01\x03foo\xff"), null);
  assertEquals(pairs("\x02\x03foo\x03\x00bar\xff"), null);
  assertEquals(pairs("\x01\xfe\xff\xff\xff\xfffoo\xff"), null);
  assertEquals(pairs("\xff"), null);
});
