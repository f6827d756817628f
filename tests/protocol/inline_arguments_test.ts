/** Inline arguments: words and quotes as Redis's sdssplitargs takes them. */
import { assertEquals } from "@std/assert";
import { splitArguments } from "../../src/protocol/inline_arguments.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

function split(line: string): string[] | null {
  // What stands around the range must not be looked at.
  const words = splitArguments(latin1(`"${line}"41`), 1, line.length);
  return words === null ? null : words.map(fromLatin1);
}

Deno.test("words are separated by any white space", () => {
  assertEquals(split(""), []);
  assertEquals(split(" \t \r\n\v\f "), []);
  assertEquals(split("  SET\tkey \v value\n"), ["SET", "key", "value"]);
  assertEquals(split("a\xe9b \xff"), ["a\xe9b", "\xff"]);
});

Deno.test("double quotes hold spaces and escapes", () => {
  assertEquals(split('"a b" ""'), ["a b", ""]);
  assertEquals(split('"\\n\\r\\t\\b\\a\\"\\\\\\q"'), ['\n\r\t\b\x07"\\q']);
  assertEquals(split('"\\x00\\xfF\\x41"'), ["\0\xffA"]);
  assertEquals(split('"\\xg1\\x4"'), ["xg1x4"]);
  assertEquals(split('"it\'s"'), ["it's"]);
});

Deno.test("single quotes hold everything but themselves", () => {
  assertEquals(split("'a \"b\" \\n' ''"), ['a "b" \\n', ""]);
  assertEquals(split("'it\\'s'"), ["it's"]);
  assertEquals(split("'\\x41'"), ["\\x41"]);
});

Deno.test("a quote may begin inside of a word, but must end it", () => {
  assertEquals(split('ab"c d"'), ["abc d"]);
  assertEquals(split("ab'c d' e"), ["abc d", "e"]);
  assertEquals(split('"a"b'), null);
  assertEquals(split("'a'b"), null);
  assertEquals(split("\"a\"'b'"), null);
});

Deno.test("an open quote is an error, even if it would be closed behind the line", () => {
  for (const line of ['"', '"abc', "'", "'abc", '"abc\\', '"abc\\"', "'abc\\'", '"\\x4']) {
    assertEquals(split(line), null, line);
  }
});

Deno.test("words have memory of their own", () => {
  const line = latin1("one two");
  const words = splitArguments(line, 0, line.length)!;
  line.fill(0);
  assertEquals(words.map(fromLatin1), ["one", "two"]);
});
