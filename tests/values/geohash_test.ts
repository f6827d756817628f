/**
 * Geohash: scores, texts and distances as redis-server 7.0.15 gives them, the covering of shapes,
 * and decoding of any number.
 */
import { assert, assertEquals } from "@std/assert";
import { formatHuman } from "../../src/base/doubles.ts";
import * as geohash from "../../src/values/geohash.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const palermo = { longitude: 13.361389, latitude: 38.115556 };
const catania = { longitude: 15.087269, latitude: 37.502669 };

function decode(score: number): geohash.Place {
  const place = new geohash.Place();
  geohash.decodeScore(score, place);
  return place;
}

function shown(score: number): [string, string] {
  const { longitude, latitude } = decode(score);
  return [formatHuman(longitude), formatHuman(latitude)];
}

Deno.test("places have Redis's scores, digits and texts", () => {
  assertEquals(geohash.scoreOf(palermo.longitude, palermo.latitude), 3479099956230698);
  assertEquals(geohash.scoreOf(catania.longitude, catania.latitude), 3479447370796909);
  assertEquals(shown(3479099956230698), ["13.36138933897018433", "38.11555639549629859"]);
  assertEquals(geohash.textOf(decode(3479099956230698)), "sqc8b49rny0");
  assertEquals(geohash.textOf(decode(3479447370796909)), "sqdtr74hyu0");
});

Deno.test("the distance of two places is that of a sphere", () => {
  const from = decode(3479099956230698);
  const to = decode(3479447370796909);
  const { distance } = geohash;
  const meters = distance(from.longitude, from.latitude, to.longitude, to.latitude);
  assertEquals(meters.toFixed(4), "166274.1516");
  assertEquals(distance(10, 20, 10, 20), 0);
  assertEquals(distance(10, 20, 10, 21).toFixed(4), "111226.3000");
});

Deno.test("decoding a score and encoding its place gives the score", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 2000; round++) {
    const score = random.next() * 2 ** 20 + random.below(2 ** 20);
    const { longitude, latitude } = decode(score);
    assertEquals(geohash.scoreOf(longitude, latitude), score, `seed ${seed}`);
  }
});

Deno.test("any number can be decoded, as a cast to uint64 would read it", () => {
  assertEquals(shown(-1), ["180", "85.0511287799999991"]);
  assertEquals(shown(Infinity), ["-179.99999731779098511", "-85.05112751263942528"]);
  assertEquals(shown(-Infinity), ["180", "-85.05112751263942528"]);
  assertEquals(shown(3.7), ["-179.99999195337295532", "-85.05112497791824921"]);
});

Deno.test("the cells that cover a shape hold every place within it", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const degrees = (max: number) => (random.next() / 2 ** 32 - 0.5) * 2 * max;
  let insideCount = 0;
  for (let round = 0; round < 3000; round++) {
    const center = { longitude: degrees(170), latitude: degrees(70) };
    const size = random.below(1e6) + 1;
    const isBox = random.oneIn(2);
    const shape = { center, isBox, radius: size, width: size * 2, height: size };
    const place = {
      longitude: center.longitude + degrees(5),
      latitude: center.latitude + degrees(5),
    };
    if (geohash.distanceWithin(shape, place) < 0) continue;
    insideCount++;
    const score = geohash.scoreOf(place.longitude, place.latitude);
    const isCovered = geohash.cover(shape).some((cell) => {
      const { first, end } = geohash.scoreRange(cell);
      return score >= first && score < end;
    });
    assert(isCovered, `seed ${seed} round ${round}`);
  }
  assert(insideCount > 300);
});

Deno.test("a small circle is covered by small cells, the whole earth by large ones", () => {
  const center = { longitude: 10, latitude: 10 };
  const small = { center, isBox: false, radius: 10, width: 0, height: 0 };
  assert(geohash.cover(small).every((cell) => cell.steps >= 18));
  const all = { ...small, radius: 2e7 };
  assertEquals(geohash.cover(all)[0].steps, 1);
});
