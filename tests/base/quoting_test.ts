/**
 * Quoting: bytes as Redis shows them to people.
 */

import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { quoteBytes } from "../../src/base/quoting.ts";

function quoted(text: string): string {
  return quoteBytes(latin1Bytes(text), 0, text.length);
}

Deno.test("printable ASCII stays, quotes and backslashes are escaped", () => {
  assertEquals(quoted("plain text ~!"), '"plain text ~!"');
  assertEquals(quoted('a"b\\c'), '"a\\"b\\\\c"');
});

Deno.test("control characters have names or numbers, as other bytes have", () => {
  assertEquals(quoted("\x07\b\t\n\r"), '"\\a\\b\\t\\n\\r"');
  assertEquals(quoted("\0\x1f\x7f\xff"), '"\\x00\\x1f\\x7f\\xff"');
});

Deno.test("only the range is quoted", () => {
  assertEquals(quoteBytes(latin1Bytes("abcd"), 1, 2), '"bc"');
});
