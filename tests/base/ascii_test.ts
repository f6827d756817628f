/** ASCII: letters and white space of bytes, for all 256 of them. */
import { assertEquals } from "@std/assert";
import {
  asciiLower,
  asciiUpper,
  hasSpace,
  trimSpace,
  trimSpaceBefore,
  trimSpaceBehind,
} from "../../src/base/ascii.ts";

const BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

Deno.test("only the letters of ASCII have another case", () => {
  for (const [byte, character] of BYTES.entries()) {
    const isCapital = byte >= 65 && byte <= 90;
    const isSmall = byte >= 97 && byte <= 122;
    assertEquals(asciiLower(character).charCodeAt(0), isCapital ? byte + 32 : byte);
    assertEquals(asciiUpper(character).charCodeAt(0), isSmall ? byte - 32 : byte);
    assertEquals([asciiLower(character).length, asciiUpper(character).length], [1, 1]);
  }
  assertEquals([asciiLower("aBC-\xc0D"), asciiUpper("aBc-\xe0\xdfd")], [
    "abc-\xc0d",
    "ABC-\xe0\xdfD",
  ]);
});

Deno.test("only the white space of ASCII is white space: A0 ends many letters of UTF-8", () => {
  const spaces = BYTES.filter((character) => hasSpace(`a${character}b`));
  assertEquals(spaces, ["\t", "\n", "\v", "\f", "\r", " "]);
  for (const character of BYTES) {
    const isSpace = [" ", "\t", "\r", "\n"].includes(character);
    const framed = `${character}a ${character}b${character}`;
    assertEquals(trimSpace(framed), isSpace ? `a ${character}b` : framed);
    assertEquals(trimSpaceBefore(framed).length, framed.length - (isSpace ? 1 : 0));
    assertEquals(trimSpaceBehind(framed).length, framed.length - (isSpace ? 1 : 0));
  }
  assertEquals([trimSpace(" \t "), trimSpace("")], ["", ""]);
});
