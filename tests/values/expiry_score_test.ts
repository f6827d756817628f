/** Scores of what expires: exact up to the last time that there is, in the order of times. */
import { assert, assertEquals } from "@std/assert";
import { ELEMENT_EXPIRY_MAX } from "../../src/values/element_expiry.ts";
import { expiryOfScore, expiryScore } from "../../src/values/expiry_score.ts";

Deno.test("a score holds its millisecond, and what expires earlier is below it", () => {
  for (const expiryMs of [1, 1_700_000_000_000, ELEMENT_EXPIRY_MAX - 1, ELEMENT_EXPIRY_MAX]) {
    const scores = new Set<number>();
    for (let hash = -200; hash < 200; hash++) {
      const score = expiryScore(expiryMs, hash);
      assertEquals(expiryOfScore(score), expiryMs);
      assert(score >= expiryMs && score < expiryMs + 1);
      scores.add(score);
    }
    assertEquals(scores.size, 128);
  }
});
