/** Listpack encoding: what is prepared is what is stored. */
import { assertEquals, assertThrows } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import * as encoding from "../../src/structures/listpack_encoding.ts";

Deno.test("only the element that was prepared last can be stored, and once", () => {
  const target = new Uint8Array(32);
  const bytes = latin1Bytes("element");
  const size = encoding.encode(bytes, 0, bytes.length);
  encoding.encodeInteger(0, 1);
  assertThrows(() => encoding.store(target, 0, size, bytes, 0, bytes.length));
  const again = encoding.encode(bytes, 0, bytes.length);
  assertEquals(encoding.store(target, 0, again, bytes, 0, bytes.length), again + 1);
  assertThrows(() => encoding.store(target, 0, again, bytes, 0, bytes.length));
});
