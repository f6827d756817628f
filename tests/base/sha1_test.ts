/** SHA-1 against the runtime's own, around the block size and in pieces. */
import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { Sha1, SHA1_BYTES } from "../../src/base/sha1.ts";

Deno.test("SHA-1 equals the runtime's for every length around the block size", () => {
  const sha1 = new Sha1();
  const bytes = Uint8Array.from({ length: 300 }, (_, index) => (index * 31 + 7) & 255);
  const hash = new Uint8Array(SHA1_BYTES);
  for (let length = 0; length <= 260; length++) {
    sha1.reset().update(bytes, 3, length).digest(hash);
    const expected = createHash("sha1").update(bytes.subarray(3, 3 + length)).digest("hex");
    assertEquals(hash.toHex(), expected, `length ${length}`);
  }
});

Deno.test("SHA-1 of pieces is the SHA-1 of the whole", () => {
  const bytes = new Uint8Array(1000).fill(97);
  const whole = new Uint8Array(SHA1_BYTES);
  new Sha1().update(bytes, 0, 1000).digest(whole);
  const sha1 = new Sha1();
  for (let at = 0; at < 1000; at += 37) sha1.update(bytes, at, Math.min(37, 1000 - at));
  const pieces = new Uint8Array(SHA1_BYTES);
  sha1.digest(pieces);
  assertEquals(pieces, whole);
  assertEquals(whole.toHex(), "291e9a6c66994949b57ba5e650361e98fc36b1ba");
});
