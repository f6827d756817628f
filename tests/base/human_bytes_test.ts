/** Tests of src/base/human_bytes.ts. */
import { assertEquals } from "@std/assert";
import { humanBytes } from "../../src/base/human_bytes.ts";

Deno.test("sizes are shown in the largest unit below them, with two decimals", () => {
  const cases: [number, string][] = [
    [0, "0B"],
    [1023, "1023B"],
    [1024, "1.00K"],
    [941_250, "919.19K"],
    [3 * 2 ** 20, "3.00M"],
    [2 ** 34, "16.00G"],
    [2 ** 50, "1.00P"],
    [2 ** 61, "2048.00P"],
  ];
  for (const [bytes, text] of cases) assertEquals(humanBytes(bytes), text);
});
