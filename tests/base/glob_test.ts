/** Tests of src/base/glob.ts; see also numbers_against_redis_test.ts. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { matchesEverything, matchGlob } from "../../src/base/glob.ts";

function matches(pattern: string, text: string, ignoresCase = false): boolean {
  const inner = latin1Bytes(`*${pattern}*`);
  const outer = latin1Bytes(`x${text}x`);
  return matchGlob(inner, 1, pattern.length, outer, 1, text.length, ignoresCase);
}

Deno.test("literals, ? and * match as in a shell, across every byte", () => {
  assert(matches("abc", "abc"));
  assert(!matches("abc", "abcd"));
  assert(!matches("abcd", "abc"));
  assert(matches("a?c", "a\nc"));
  assert(!matches("a?", "a"));
  assert(matches("*", "a/.b"));
  assert(matches("a*c*e", "abcde"));
  assert(matches("*a*b", "xxabab"));
  assert(!matches("*a*b", "xxaba"));
  assert(matches("a**", "a"));
});

Deno.test("classes hold lists, ranges either way round, and negation", () => {
  assert(matches("[abc]", "b"));
  assert(!matches("[abc]", "d"));
  assert(matches("[a-c]x", "bx"));
  assert(matches("[c-a]", "b"));
  assert(matches("[^a-c]", "d"));
  assert(!matches("[^a-c]", "b"));
  assert(matches("[a\\]]", "]"));
  assert(matches("[a\\-c]", "-"));
  assert(!matches("[a\\-c]", "b"));
});

Deno.test("malformed patterns mean what they mean to Redis", () => {
  assert(matches("[abc", "b"));
  assert(!matches("[]", "a"));
  assert(matches("[^]", "a"));
  assert(matches("[^", "a"));
  assert(!matches("[", "["));
  assert(matches("a\\", "a\\"));
  assert(matches("[a-", "-"));
});

Deno.test("a backslash takes the next byte as itself", () => {
  assert(matches("\\*", "*"));
  assert(!matches("\\*", "a"));
  assert(matches("a\\?b\\[", "a?b["));
});

Deno.test("case is ignored on demand, but not for escaped bytes in a class", () => {
  assert(!matches("HELLO*", "hello you"));
  assert(matches("HELLO*", "hello you", true));
  assert(matches("[A-C]", "b", true));
  assert(!matches("[\\A]", "a", true));
  assert(matches("\\A", "a", true));
});

Deno.test("in a range, bytes above 127 come before the others, as C's chars do", () => {
  assert(matches("[\xff-a]", "\x05"));
  assert(!matches("[a-\xff]", "z"));
});

Deno.test("an empty text matches only an empty pattern", () => {
  assert(matches("", ""));
  assert(!matches("*", ""));
  assert(!matches("", "a"));
});

Deno.test("a pattern of many stars takes time proportional to pattern and text", () => {
  // Exponential behaviour would not return within the life of this process.
  assert(!matches("a*".repeat(50) + "b", "a".repeat(5000)));
  assert(matches("a*".repeat(50) + "b", "a".repeat(5000) + "b"));
});

Deno.test("matchesEverything knows the lone star", () => {
  assertEquals(matchesEverything(latin1Bytes("*"), 0, 1), true);
  assertEquals(matchesEverything(latin1Bytes("**"), 0, 2), false);
  assertEquals(matchesEverything(latin1Bytes("a"), 0, 1), false);
});
