/** Quoting: what people see of bytes. */
import { assertEquals } from "@std/assert";
import { quoteBytes } from "../../src/base/quoting.ts";
import { splitArguments } from "../../src/protocol/inline_arguments.ts";
import { latin1 } from "../support/text.ts";

Deno.test("printable bytes stand as they are, the others are escaped", () => {
  const quote = (text: string) => quoteBytes(latin1(text), 0, text.length);
  assertEquals(quote(""), '""');
  assertEquals(quote("a b~"), '"a b~"');
  assertEquals(quote('say "x" \\'), '"say \\"x\\" \\\\"');
  assertEquals(quote("\x07\b\t\n\r"), '"\\a\\b\\t\\n\\r"');
  assertEquals(quote("\0\x1f\x7f\x80\xff"), '"\\x00\\x1f\\x7f\\x80\\xff"');
});

Deno.test("only the range is quoted", () => {
  assertEquals(quoteBytes(latin1("abcdef"), 2, 3), '"cde"');
});

Deno.test("every byte is read back by the rules of inline requests", () => {
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);
  const quoted = latin1(quoteBytes(all, 0, 256));
  assertEquals(splitArguments(quoted, 0, quoted.length), [all]);
});
