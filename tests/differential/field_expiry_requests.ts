/**
 * Random requests about fields that expire, for newer_servers_test.ts: setters with every option,
 * right and wrong, getters, and what else touches hashes. Times are far apart, so that the
 * moments at which two servers carry them out make no difference; what expires at once does so
 * while both servers sleep.
 */
import type { Argument } from "../support/resp_client.ts";
import type { SeededRandom } from "../support/seeded_random.ts";

type Request = readonly Argument[];

const KEYS = ["h0", "h1", "h2", "text"];
const FIELDS = ["a", "b", "c", "d", "1", ""];
const VALUES = ["", "1", "12", "-5", "value", "x".repeat(64), "y".repeat(65)];
const SETTERS = ["HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT"];
const GETTERS = ["HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME", "HPERSIST"];
/** Replies that are times, or are in part: they may differ by what passes between two servers. */
export const TIME_COMMANDS: ReadonlySet<string> = new Set([...GETTERS, "TTL"]);

const WRONG_TIMES = ["-1", "x", "", "9223372036854775807", "70368744177664", "1.5"];
const WRONG_OPTIONS: readonly Request[] = [["KEEPTTL"], ["PERSIST"], ["x"]];
/** The last ones are wrong. */
const CONDITIONS: readonly Request[] = [[], [], ["NX"], ["XX"], ["GT"], ["lt"], ["NX", "XX"], [
  "q",
]];

/** A time as a command wants it: in the past, far away, or wrong. */
function time(random: SeededRandom, isRight: boolean, isMs: boolean, isAbsolute: boolean): string {
  if (random.oneIn(25) && !isRight) return random.pick(WRONG_TIMES);
  if (random.oneIn(12)) return isAbsolute ? "1" : "0";
  // Hardly ever the same twice: what is later must be so at both servers.
  const seconds = 2000 + 1000 * random.below(50_000_000) + (isAbsolute ? 4_000_000_000 : 0);
  return isMs ? `${seconds}000` : String(seconds);
}

/** FIELDS with a count that is right, or nearly always. */
function fields(random: SeededRandom, isRight: boolean, withValues = false): Request {
  const count = 1 + random.below(3);
  const named = Array.from({ length: count }, () => {
    const field = random.pick(FIELDS);
    return withValues ? [field, random.pick(VALUES)] : [field];
  }).flat();
  if (random.oneIn(40) && !isRight) {
    return ["FIELDS", random.pick(["0", "-1", "x", "4", "99"]), ...named];
  }
  if (random.oneIn(60) && !isRight) return [random.pick(["FIELD", "NX"]), String(count), ...named];
  return ["FIELDS", String(count), ...named];
}

function timeOptions(random: SeededRandom, isRight: boolean, others: readonly Request[]): Request {
  const name = random.pick(["EX", "PX", "EXAT", "PXAT"]);
  const option = [name, time(random, isRight, name[0] === "P", name.endsWith("AT"))];
  if (random.oneIn(30) && !isRight) return [...option, ...random.pick(others)];
  return random.oneIn(2) ? option : random.pick(others);
}

function change(random: SeededRandom, key: string): Request {
  switch (random.below(8)) {
    case 0:
    case 1:
      return ["HSET", key, random.pick(FIELDS), random.pick(VALUES), random.pick(FIELDS), "v"];
    case 2:
      return ["HDEL", key, random.pick(FIELDS), random.pick(FIELDS)];
    case 3:
      return ["HINCRBY", key, random.pick(FIELDS), "3"];
    case 4:
      return ["HSETNX", key, random.pick(FIELDS), random.pick(VALUES)];
    case 5:
      return ["HINCRBYFLOAT", key, random.pick(FIELDS), "1.5"];
    case 6:
      return [random.pick(["RENAME", "COPY"]), random.pick(KEYS), random.pick(KEYS.slice(0, 3))];
    default:
      if (random.oneIn(3)) return ["EXPIRE", key, "100000"];
      return random.oneIn(3)
        ? ["SET", "text", "x"]
        : random.oneIn(2)
        ? ["DEL", key]
        : ["PERSIST", key];
  }
}

function look(random: SeededRandom, isRight: boolean, key: string): Request {
  switch (random.below(9)) {
    case 0:
      return ["HGET", key, random.pick(FIELDS)];
    case 1:
      return ["HMGET", key, random.pick(FIELDS), random.pick(FIELDS)];
    case 2:
      return ["HEXISTS", key, random.pick(FIELDS)];
    case 3:
      return ["HSTRLEN", key, random.pick(FIELDS)];
    case 4:
      return ["HLEN", key];
    case 5:
      // Redis: HSETEX FNX in place of the last field, which has expired, sometimes keeps the expiry
      // of the key, though its replicas are told HDEL before; ours never.
      return [random.pick(isRight ? ["EXISTS", "TTL"] : ["EXISTS", "TYPE"]), key];
    default:
      return [random.pick(["HGETALL", "HKEYS", "HVALS"]), key];
  }
}

/** What both servers are to do after a request whose fields expire in a moment; else null. */
export function pauseAfter([command, , ms]: Request): Request | null {
  return command === "HPEXPIRE" && ms === "1" ? ["DEBUG", "SLEEP", "0.003"] : null;
}

/**
 * One request. `isRight`: only such as Redis and Valkey agree on, who differ in what they refuse.
 */
export function fieldExpiry(random: SeededRandom, isRight: boolean): Request {
  const key = random.pick(KEYS);
  switch (random.below(13)) {
    case 0:
    case 1:
    case 2: {
      const command = random.pick(SETTERS);
      // To be gone with the next sleep. Redis then lets a new time bring it back, Valkey does not.
      const soon = random.oneIn(100) && !isRight;
      const when = time(random, isRight, command[1] === "P", command.endsWith("AT"));
      const name = soon ? "HPEXPIRE" : command;
      const condition = random.pick(isRight ? CONDITIONS.slice(0, 6) : CONDITIONS);
      return [name, key, soon ? "1" : when, ...condition, ...fields(random, isRight)];
    }
    case 3:
    case 4:
      return [random.pick(GETTERS), key, ...fields(random, isRight)];
    case 5: {
      const options = timeOptions(random, isRight, [
        ["PERSIST"],
        [],
        ...(isRight ? [] : WRONG_OPTIONS),
      ]);
      return ["HGETEX", key, ...options, ...fields(random, isRight)];
    }
    case 6:
    case 7: {
      const condition = random.pick([
        [],
        [],
        ["FNX"],
        ["FXX"],
        ...(isRight ? [] : [["fnx", "FXX"]]),
      ]);
      const options = timeOptions(random, isRight, [
        ["KEEPTTL"],
        [],
        ...(isRight ? [] : WRONG_OPTIONS),
      ]);
      return ["HSETEX", key, ...condition, ...options, ...fields(random, isRight, true)];
    }
    case 8:
      return ["HGETDEL", key, ...fields(random, isRight)];
    case 9:
    case 10:
      return change(random, key);
    default:
      return look(random, isRight, key);
  }
}
