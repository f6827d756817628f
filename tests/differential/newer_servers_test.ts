/**
 * What is newer than redis-server 7.0.15, beside newer servers: random commands to Redeno as 7.4
 * and to redis-server 8.2.3 or valkey-server 9.1.2 (variables REDIS_8 and VALKEY_9 name the
 * programs), all replies compared, of sets the encodings, too.
 *
 * REDENO_NEWER_COMMANDS says how many commands are sent to each; REDENO_NEWER_SEED repeats a run.
 */
import { assertEquals } from "@std/assert";
import { missingPeer, type PeerKind, startPeer } from "../support/replication_pair.ts";
import type { Argument, RespClient } from "../support/resp_client.ts";
import { type Plain, RespError } from "../support/resp_reply.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { fieldExpiry, pauseAfter, TIME_COMMANDS } from "./field_expiry_requests.ts";
import { streamDeletion } from "./stream_deletion_requests.ts";
import { testUnless } from "../support/tool_availability.ts";

type Request = readonly Argument[];
type RequestMaker = (random: SeededRandom) => Request;

const COMMAND_COUNT = Number(Deno.env.get("REDENO_NEWER_COMMANDS") ?? 1500);
const SEED = Number(Deno.env.get("REDENO_NEWER_SEED") ?? testSeed());

const KEYS = ["k0", "k1", "k2", "k3"];
const VALUES = ["a", "b", "", "12", "007", "x".repeat(60), "get", "nx", "z".repeat(20_000)];
const EXPIRIES: readonly Request[] = [
  ...[[], [], ["EX", "100000"], ["PX", "100000000"], ["KEEPTTL"], ["EXAT", "4000000000"]],
  ...[["EX", "0"], ["EX", "x"], ["PXAT", "1"], ["EX", "10", "PX", "10"]],
];

/** SET IFEQ, DELIFEQ, MSETEX. */
const conditionalStrings: RequestMaker = (random) => {
  const key = random.pick(KEYS);
  const value = random.pick(VALUES);
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: {
      const condition = random.pick([["IFEQ", random.pick(VALUES)], ["NX"], ["XX"], ["IFEQ"], []]);
      const rest = random.oneIn(3) ? ["GET"] : [];
      return ["SET", key, value, ...condition, ...random.pick(EXPIRIES), ...rest];
    }
    case 3:
      return ["DELIFEQ", key, value];
    case 4: {
      const pairs = Array.from({ length: 2 }, () => [random.pick(KEYS), random.pick(VALUES)])
        .flat();
      const condition = random.pick([[], ["NX"], ["xx"]]);
      return ["MSETEX", "2", ...pairs, ...condition, ...random.pick(EXPIRIES)];
    }
    case 5:
      return random.oneIn(4) ? ["LPUSH", key, "a"] : ["DEL", key];
    default:
      return ["GET", key];
  }
};

const BIT_RANGES: readonly Request[] = [
  ...[[], ["1"], ["0", "-1"], ["x", "y"], ["1", "x", "foo"], ["-1", "-2", "foo"]],
  ...[["0", "5", "bit"], ["0", "5", "byte"], ["0", "5", "bit", "1"]],
];
const BIT_OPERATIONS = ["DIFF", "DIFF1", "ANDOR", "ONE", "AND", "NOT", "one"];

/** BITOP, BITCOUNT and BITPOS of 7.4 and 8.2, ZRANK WITHSCORE. */
const bitsAndRanks: RequestMaker = (random) => {
  const key = random.pick([...KEYS, "none"]);
  switch (random.below(7)) {
    case 0:
      return ["SET", random.pick(KEYS), random.bytes(random.pick([0, 1, 3, 9, 70]))];
    case 1:
    case 2: {
      const sources = Array.from({ length: 1 + random.below(3) }, () => random.pick(KEYS));
      return ["BITOP", random.pick(BIT_OPERATIONS), random.pick(KEYS), ...sources];
    }
    case 3:
      return ["BITCOUNT", key, ...random.pick(BIT_RANGES)];
    case 4:
      return ["BITPOS", key, random.pick(["0", "1", "2"]), ...random.pick(BIT_RANGES)];
    case 5:
      return ["ZADD", `z${key}`, random.pick(["1", "1.5", "inf"]), random.word(1)];
    default: {
      const option = random.pick([[], ["WITHSCORE"], ["withscore"], ["x"], ["WITHSCORE", "x"]]);
      return [random.pick(["ZRANK", "ZREVRANK"]), `z${key}`, random.word(1), ...option];
    }
  }
};

function member(random: SeededRandom): string {
  if (random.oneIn(2)) return String(random.below(random.pick([10, 200, 600])) - 5);
  if (random.oneIn(10)) return "x".repeat(random.pick([63, 64, 65])) + random.below(3);
  return `m${random.below(random.pick([5, 150, 400]))}`;
}

/** Sets small and large, which are intsets, listpacks or tables. */
const sets: RequestMaker = (random) => {
  const key = random.pick(KEYS);
  const members = (count: number) => Array.from({ length: count }, () => member(random));
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2:
      return ["SADD", key, ...members(random.pick([1, 2, 4, 30, 130, 520]))];
    case 3:
      return ["SREM", key, ...members(5)];
    case 4: {
      const command = random.pick(["SUNIONSTORE", "SINTERSTORE", "SDIFFSTORE"]);
      return [command, key, random.pick(KEYS), random.pick(KEYS)];
    }
    case 5:
      return ["SMOVE", key, random.pick(KEYS), member(random)];
    case 6:
      return ["SMISMEMBER", key, ...members(3)];
    case 7:
      return ["COPY", random.pick(KEYS), key, "REPLACE"];
    default:
      return random.oneIn(3) ? ["DEL", key] : ["SMEMBERS", key];
  }
};

/** How far groups have come in streams that are trimmed, and of which entries are deleted. */
const progressOfGroups: RequestMaker = (random) => {
  const key = random.pick(["s0", "s1"]);
  const id = `${random.below(12)}-${random.below(2)}`;
  const read = random.oneIn(3) ? ["ENTRIESREAD", random.pick(["0", "-1"])] : [];
  const consumer = random.pick(["c", "d", "e"]);
  switch (random.below(14)) {
    case 0:
    case 1:
      return ["XADD", key, id, "f", "v"];
    case 2:
      return ["XDEL", key, id];
    case 3:
      return ["XTRIM", key, ...random.pick([["MAXLEN", String(random.below(6))], ["MINID", id]])];
    case 4:
    case 5:
      return ["XREADGROUP", "GROUP", "g", consumer, "COUNT", "1", "STREAMS", key, ">"];
    case 6:
      return ["XGROUP", "SETID", key, "g", random.pick(["$", id, "0"]), ...read];
    case 7:
      return ["XGROUP", "CREATE", key, "g", random.pick(["$", id, "0"]), "MKSTREAM", ...read];
    case 8:
      return random.oneIn(8) ? ["DEL", key] : ["XLEN", key];
    case 9:
      return ["XCLAIM", key, "g", consumer, "0", id, ...random.pick([[], ["FORCE"], ["JUSTID"]])];
    case 10:
      return ["XAUTOCLAIM", key, "g", consumer, random.pick(["0", "99999999"]), "0"];
    case 11:
      return ["XGROUP", "DELCONSUMER", key, "g", consumer];
    default:
      return ["XINFO", "GROUPS", key];
  }
};

const CAMPAIGNS: readonly [name: string, kind: PeerKind, make: RequestMaker][] = [
  ["SET IFEQ, DELIFEQ and MSETEX", "valkey 9.1", conditionalStrings],
  ["BITOP, BITCOUNT, BITPOS and ZRANK", "redis 8.2", bitsAndRanks],
  ["sets and their encodings", "redis 8.2", sets],
  ["groups of streams", "redis 8.2", progressOfGroups],
  ["deletions in streams with groups", "redis 8.2", streamDeletion],
  ["fields that expire", "redis 8.2", (random) => fieldExpiry(random, false)],
  ["fields that expire", "valkey 9.1", (random) => fieldExpiry(random, true)],
];
/** Whose encodings are compared, too; those of Valkey's hashes are its own. */
const WITH_ENCODINGS: ReadonlySet<RequestMaker> = new Set([sets]);
/** Two servers carry out a request within so many seconds. */
const APART_SECONDS_MAX = 900;

/** A reply as it can be compared: members in order, no error texts that are Redis's there. */
function comparable(request: Request, reply: Plain, kind: PeerKind): unknown {
  const command = String(request[0]);
  if (reply instanceof RespError) {
    // Valkey has words of its own for these.
    const isOwn = command === "MSETEX" || (kind === "valkey 9.1" && isAboutFields(command));
    return isOwn ? "error" : reply.message;
  }
  if (command === "SMEMBERS" || command === "HKEYS" || command === "HVALS") {
    return (reply as string[]).sort();
  }
  return command === "HGETALL" ? pairs(reply as string[]).sort() : reply;
}

/** Whether a command is one of those that expiry of fields brought. */
function isAboutFields(command: string): boolean {
  return TIME_COMMANDS.has(command) || /^H(P?EXPIRE|GETEX|SETEX|GETDEL)/.test(command);
}

function pairs(values: readonly string[]): string[] {
  return values.flatMap((value, index) => index % 2 === 0 ? [`${value}=${values[index + 1]}`] : []);
}

/** Times that are as near as two servers can be are taken for one. */
function alignTimes(command: string, [mine, expected]: unknown[]): unknown[] {
  if (!TIME_COMMANDS.has(command)) return [mine, expected];
  const apartMax = /P(TTL|EXPIRETIME)/.test(command) ? APART_SECONDS_MAX * 1000 : APART_SECONDS_MAX;
  const isNear = (one: unknown, other: unknown) =>
    typeof one === "number" && typeof other === "number" && one > 2 && other > 2 &&
    Math.abs(one - other) <= apartMax;
  const others = [expected].flat();
  const aligned = [mine].flat().map((one, index) =>
    isNear(one, others[index]) ? others[index] : one
  );
  return [Array.isArray(mine) ? aligned : aligned[0], expected];
}

async function askBoth(
  clients: readonly RespClient[],
  request: Request,
  kind: PeerKind,
): Promise<unknown[]> {
  const replies = await Promise.all(clients.map((client) => client.call(...request)));
  const compared = replies.map((reply) => comparable(request, reply, kind));
  return alignTimes(String(request[0]), compared);
}

for (const [name, kind, make] of CAMPAIGNS) {
  testUnless(missingPeer(kind), {
    name: `as release 7.4, ${name} answer as ${kind} does`,
    fn: async () => {
      await using ours = await startPeer("redeno", { release: "7.4" });
      await using theirs = await startPeer(kind);
      using one = await ours.connect();
      using other = await theirs.connect();
      // What has expired stays until a command meets it, at both.
      await askBoth([one, other], ["DEBUG", "SET-ACTIVE-EXPIRE", "0"], kind);
      const random = new SeededRandom(SEED);
      for (let index = 0; index < COMMAND_COUNT; index++) {
        const request = make(random);
        const what = `seed ${SEED}, ${index}: ${request.join(" ").slice(0, 200)}`;
        const [mine, expected] = await askBoth([one, other], request, kind);
        assertEquals(mine, expected, what);
        const pause = pauseAfter(request);
        if (pause !== null) await askBoth([one, other], pause, kind);
        if (!WITH_ENCODINGS.has(make)) continue;
        const key = request[0] === "COPY" ? request[2] : request[1];
        const [encoding, wanted] = await askBoth([one, other], ["OBJECT", "ENCODING", key], kind);
        assertEquals(encoding, wanted, what);
      }
    },
  });
}
