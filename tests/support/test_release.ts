/**
 * The release as which the servers of tests answer, unless a test chooses another: 7.0, and not the
 * default, for the yardstick of most tests is redis-server 7.0.15.
 *
 * REDENO_TEST_RELEASE (7.2 or 7.4) runs tests with another one: what fails then is what differs.
 */
import type { RedisRelease } from "../../src/config/version.ts";

export function testRelease(): RedisRelease {
  const wanted = Deno.env.get("REDENO_TEST_RELEASE") ?? "7.0";
  if (wanted === "7.0" || wanted === "7.2" || wanted === "7.4") return wanted;
  throw new TypeError(`Cannot use REDENO_TEST_RELEASE: expected 7.0, 7.2 or 7.4: "${wanted}"`);
}
