/** Tests of src/cli/terminal_keys.ts. */
import { assertEquals } from "@std/assert";
import { decodeKey } from "../../src/cli/terminal_keys.ts";
import { utf8 } from "../support/text.ts";

Deno.test("bytes of a terminal are decoded to keys", () => {
  const names = (text: string) => {
    const found: string[] = [];
    for (let bytes = utf8(text); bytes.length > 0;) {
      const decoded = decodeKey(bytes)!;
      found.push(decoded.key === null ? "?" : decoded.key.text || decoded.key.name);
      bytes = bytes.subarray(decoded.length);
    }
    return found;
  };
  assertEquals(names("aé日\r"), ["a", "é", "日", "enter"]);
  assertEquals(names("\x1b[A\x1bOH\x1b[3~\x1b[1;5C\x1bb"), [
    "up",
    "home",
    "delete",
    "word-right",
    "word-left",
  ]);
  assertEquals(names("\x1b[200~x\x1b"), ["?", "x", "escape"]);
  assertEquals(names("\x01\x7f\x12\x00"), ["home", "backspace", "search", "?"]);
  assertEquals(decodeKey(utf8("日").subarray(0, 2)), null);
});
