/** XXH3: the values are those of the reference implementation (xxhash 0.8). */
import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { xxh3Text } from "../../src/base/xxh3.ts";

const KNOWN: readonly [text: string, hash: string][] = [
  ["", "2d06800538d394c2"],
  ["a", "e6c632b61e964e1f"],
  ["abc", "78af5f94892f3950"],
  ["12345", "f34099ede96b5581"],
  ["-999", "9d5a3ec4ad3f47e8"],
  ["0123456789", "6de3431b05f7c11f"],
  ["Hello world", "b6acb9d84a38ff74"],
  ["x".repeat(17), "89975e6b7d2f5a11"],
  ["x".repeat(128), "4ca37e83f6cddd17"],
  ["x".repeat(129), "e4f9742108fe27dc"],
  ["x".repeat(240), "3e16ca8a0c6ccb68"],
  ["x".repeat(241), "14da9e5c301a6a1d"],
  ["x".repeat(1025), "9cd2e05a61b8a761"],
  [
    "v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd",
    "00006c38adf31777",
  ],
];

Deno.test("XXH3 has the values of the reference for every range of lengths", () => {
  for (const [text, hash] of KNOWN) {
    const bytes = latin1Bytes(`ab${text}c`);
    assertEquals(xxh3Text(bytes, 2, text.length), hash, `${text.length} bytes`);
  }
});
