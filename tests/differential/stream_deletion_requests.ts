/**
 * Random requests about deleting entries with regard to groups (Redis 8.2), for
 * newer_servers_test.ts: XDELEX, XACKDEL, and XADD and XTRIM with KEEPREF, DELREF and ACKED, right
 * and wrong, and what groups have pending meanwhile. No reply depends on the time.
 */
import type { Argument } from "../support/resp_client.ts";
import type { SeededRandom } from "../support/seeded_random.ts";

type Request = readonly Argument[];

const POLICIES: readonly Request[] = [[], ["KEEPREF"], ["DELREF"], ["ACKED"], ["delref"], [
  "ACKED",
]];
const WRONG_POLICIES: readonly Request[] = [["KEEPREF", "ACKED"], ["REF"], ["DELREF", "DELREF"]];

function entryId(random: SeededRandom): string {
  return random.oneIn(60) ? random.pick(["x", "-1", "1-1-1", ""]) : `1-${1 + random.below(40)}`;
}

function policy(random: SeededRandom): Request {
  return random.pick(random.oneIn(25) ? WRONG_POLICIES : POLICIES);
}

/** IDS with their number, which is wrong now and then. */
function ids(random: SeededRandom): Request {
  const list = Array.from({ length: 1 + random.below(4) }, () => entryId(random));
  const count = random.oneIn(30) ? random.pick(["0", "-1", "x", "5", "1"]) : String(list.length);
  return [random.oneIn(60) ? "ID" : "IDS", count, ...list];
}

/**
 * MAXLEN or MINID. Approximate ones only without regard to groups, for with it redis-server 8.2.3
 * removes nothing (redis/redis issue 14656).
 */
function trim(random: SeededRandom, isExact: boolean): Request {
  const how = random.pick(isExact ? [[], ["="]] : [[], ["="], ["~"]]);
  const limit = how[0] === "~" && random.oneIn(3) ? ["LIMIT", String(random.below(50))] : [];
  const isLength = random.oneIn(2);
  const threshold = isLength ? String(random.below(25)) : entryId(random);
  return [isLength ? "MAXLEN" : "MINID", ...how, threshold, ...limit];
}

/** One request. */
export function streamDeletion(random: SeededRandom): Request {
  const key = random.pick(["s0", "s1"]);
  const group = random.pick(["g", "h"]);
  const consumer = random.pick(["c", "d"]);
  // The policy may stand before the trim or behind it.
  const wanted = policy(random);
  const options = [wanted, trim(random, /^(delref|acked)$/i.test(String(wanted[0])))];
  if (random.oneIn(2)) options.reverse();
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
      return ["XADD", key, "1-*", "f", "v"];
    case 3:
      return ["XADD", key, ...options.flat(), random.pick(["1-*", entryId(random)]), "f", "v"];
    case 4:
      return ["XTRIM", key, ...options.flat()];
    case 5:
    case 6:
      return ["XDELEX", key, ...policy(random), ...ids(random)];
    case 7:
    case 8:
      return ["XACKDEL", key, group, ...policy(random), ...ids(random)];
    case 9:
    case 10: {
      const last = random.oneIn(4) ? entryId(random) : ">";
      return ["XREADGROUP", "GROUP", group, consumer, "COUNT", "3", "STREAMS", key, last];
    }
    case 11:
      return ["XACK", key, group, entryId(random), entryId(random)];
    case 12:
      return ["XPENDING", key, group];
    case 13:
      return random.oneIn(3)
        ? ["XGROUP", random.pick(["DESTROY", "CREATE"]), key, group, "0"]
        : ["XGROUP", "CREATE", key, group, "0", "MKSTREAM"];
    case 14:
      if (random.oneIn(25)) return random.pick([["DEL", key], ["SET", key, "text"]]);
      return random.pick([["XLEN", key], ["XINFO", "GROUPS", key], ["XDEL", key, entryId(random)]]);
    default:
      return ["XRANGE", key, "-", "+"];
  }
}
