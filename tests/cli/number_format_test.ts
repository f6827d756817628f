/** Tests of src/cli/number_format.ts. */
import { assertEquals } from "@std/assert";
import { formatBytes, formatFixed, formatPercent } from "../../src/cli/number_format.ts";

Deno.test("numbers are written as printf writes them", () => {
  assertEquals([0, 6.5, 2.285].map(formatFixed), ["0.00", "6.50", "2.29"]);
  assertEquals([0, 9.5, 14.2857, 100].map(formatPercent), [
    "00.00%",
    "09.50%",
    "14.29%",
    "100.00%",
  ]);
});

Deno.test("bytes are told in the largest unit that leaves at least one", () => {
  assertEquals(
    [0, 1023, 1024, 1536, 1024 ** 2, 3.5 * 1024 ** 3, 2 * 1024 ** 4, -2048].map(formatBytes),
    ["0B", "1023B", "1.00K", "1.50K", "1.00M", "3.50G", "2.00T", "-2.00K"],
  );
});
