/** Coordinates, lengths and units of geo commands. */
import { assertEquals, assertThrows } from "@std/assert";
import { lengthArgument, placeArgument, unitArgument } from "../../src/commands/geo_arguments.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { NOT_A_FLOAT, OUT_OF_RANGE } from "../../src/session/errors.ts";
import { Place } from "../../src/values/geohash.ts";

Deno.test("units are known in letters of either case", () => {
  assertEquals(["m", "KM", "ft", "Mi"].map((unit) => unitArgument(Argv.of(unit), 0)), [
    ...[1, 1000, 0.3048, 1609.34],
  ]);
  assertThrows(() => unitArgument(Argv.of("meters"), 0));
});

Deno.test("places are read up to the ends of the map", () => {
  const place = new Place();
  placeArgument(Argv.of("-180", "85.05112878"), 0, place);
  assertEquals([place.longitude, place.latitude], [-180, 85.05112878]);
  for (const [longitude, latitude] of [["180.1", "0"], ["0", "-85.06"], ["x", "0"]]) {
    assertThrows(() => placeArgument(Argv.of(longitude, latitude), 0, place));
  }
});

Deno.test("lengths are not negative", () => {
  const read = (text: string) => lengthArgument(Argv.of(text), 0, NOT_A_FLOAT, OUT_OF_RANGE);
  assertEquals([read("0"), read("1.5"), read("inf")], [0, 1.5, Infinity]);
  assertEquals(assertThrownBy(() => read("-1")), OUT_OF_RANGE);
  assertEquals(assertThrownBy(() => read("x")), NOT_A_FLOAT);
});

function assertThrownBy(run: () => void): unknown {
  try {
    run();
  } catch (thrown) {
    return thrown;
  }
  throw new Error("nothing was thrown");
}
