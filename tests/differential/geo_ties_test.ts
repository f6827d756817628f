/**
 * Members at the same place: which of them GEOSEARCH … COUNT returns, and in which order, is that
 * of Redis, whose partial sort decides it.
 */

import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { testWith } from "../support/tool_availability.ts";
import { Both, DifferenceError } from "./both.ts";

const SIZES = [2, 3, 6, 7, 8, 20, 40, 41, 60, 300, 1500];
const SEARCHES_PER_SIZE = 25;

testWith(["redis-server"], "members of equal distance come in the same order", async () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  await using both = await Both.start();
  for (const size of SIZES) {
    await both.same("DEL", "g");
    const places = Array.from(
      { length: 1 + random.below(12) },
      () => [random.below(60), random.below(60)],
    );
    const members = Array.from({ length: size }, () => [...random.pick(places), random.word(8)]);
    await both.same("GEOADD", "g", ...members.flat());
    for (let search = 0; search < SEARCHES_PER_SIZE; search++) {
      const order = random.pick([[], ["ASC"], ["DESC"]]);
      const circle = ["FROMLONLAT", 30, 30, "BYRADIUS", random.between(2000, 9000), "km"];
      const request = ["GEOSEARCH", "g", ...circle, ...order, "COUNT", 1 + random.below(size + 2)];
      try {
        await both.same(...request);
      } catch (error) {
        if (!(error instanceof DifferenceError)) throw error;
        throw new Error(`seed ${seed}, ${size} members: ${error.message.slice(0, 1000)}`);
      }
    }
  }
});
