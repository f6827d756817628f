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

Deno.test("what a window leaves out is not within its shape; the rest is decoded as ever", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const any = (max: number) => (random.next() / 2 ** 32 * 2 - 1) * max;
  let outside = 0;
  for (let round = 0; round < 3000; round++) {
    const length = () => random.oneIn(20) ? 0 : 10 ** (random.next() / 2 ** 32 * 8);
    const shape = {
      center: { longitude: any(180), latitude: any(geohash.LATITUDE_MAX) },
      isBox: random.oneIn(2),
      radius: length(),
      width: length(),
      height: length(),
    };
    if (random.oneIn(10)) shape.center.longitude = random.pick([-180, 180, 0]);
    if (random.oneIn(10)) shape.center.latitude = random.pick([-1, 1]) * geohash.LATITUDE_MAX;
    const window = new geohash.Window(shape);
    const reach = shape.isBox ? Math.max(shape.width, shape.height) / 1.9 : shape.radius * 1.05;
    for (let index = 0; index < 30; index++) {
      // About as far as the shape reaches, in any direction; or anywhere.
      const share = reach / 111_000 /
        (random.oneIn(3) ? 1 : Math.cos(shape.center.latitude / 57.3));
      const isNear = !random.oneIn(5);
      let longitude = isNear ? shape.center.longitude + any(share) : any(180);
      if (random.oneIn(3) && isNear) longitude = shape.center.longitude + any(reach / 111_000);
      longitude = ((longitude + 180) % 360 + 360) % 360 - 180;
      const latitude = isNear ? shape.center.latitude + any(reach / 111_000) : any(85);
      if (Math.abs(latitude) > geohash.LATITUDE_MAX) continue;
      const score = geohash.scoreOf(longitude, latitude);
      const expected = new geohash.Place();
      geohash.decodeScore(score, expected);
      const found = new geohash.Place();
      const note = `seed ${seed}, round ${round}, ${JSON.stringify(shape)}`;
      if (window.decode(score, found)) assertEquals(found, expected, note);
      else {
        outside++;
        assertEquals(geohash.distanceWithin(shape, expected), -1, note);
      }
    }
  }
  assert(outside > 10_000);
});
