/**
 * Every command family through node-redis' own methods:
 * deno run … node_redis_families.mjs <port> <2 or 3, the version of RESP>.
 *
 * Prints one JSON line per call. The test runs it against redis-server and against ours and
 * compares the lines, so no expected value is written down here. Replies without an order are
 * sorted, and what depends on time or chance is reduced to its kind.
 */

import { Buffer } from "node:buffer";

const { createClient, RESP_TYPES } = await import(`npm:redis@${Deno.args[2] ?? 5}`);

const [port, protocol] = Deno.args.map(Number);

async function connected() {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP: protocol });
  client.on("error", (error) => print("connection", error.message));
  await client.connect();
  return client;
}

function print(name, value) {
  const text = JSON.stringify([name, value], (_key, item) => {
    if (item === Infinity || item === -Infinity) return String(item);
    if (item instanceof Set) return [...item].sort();
    if (item instanceof Map) return [...item].sort();
    return item?.type === "Buffer" ? `bytes ${item.data}` : item;
  });
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

/** Calls a method and prints its reply or its error. */
async function call(name, ...args) {
  await show(`${name} ${JSON.stringify(args)}`, () => redis[name](...args));
}

async function show(name, action) {
  try {
    print(name, await action());
  } catch (error) {
    print(name, `${error.constructor.name}: ${error.message}`);
  }
}

async function readAll(iterator) {
  const found = [];
  for await (const items of iterator) found.push(...items);
  return found.map((item) => JSON.stringify(item)).sort();
}

const sorted = (items) => [...items].sort();
const numbers = (count) => Array.from({ length: count }, (_, index) => String(index));
const redis = await connected();
const other = await connected();
const bytes = redis.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });

const families = {
  async strings() {
    await call("set", "s", "10", { expiration: { type: "EX", value: 100 } });
    await call("set", "s", "11", { condition: "NX" });
    await call("set", "s", "11", { condition: "XX", GET: true });
    await call("incr", "s");
    await call("incrBy", "s", 5);
    await call("decrBy", "s", 3);
    await call("incrByFloat", "s", 0.25);
    await call("incr", "s");
    await call("append", "s", "tail");
    await call("getRange", "s", 1, 3);
    await call("setRange", "s", 12, "far");
    await call("strLen", "s");
    await call("getSet", "s", "new");
    await call("getEx", "s", { type: "PX", value: 5000 });
    await call("getDel", "s");
    await call("mSet", { a: "ohmytext", b: "mynewtext" });
    await call("mSetNX", { a: "1", c: "2" });
    await call("mGet", ["a", "b", "none"]);
    await call("setEx", "x", 100, "v");
    await call("pSetEx", "x", 100000, "v");
    await call("setNX", "x", "w");
    await call("lcs", "a", "b");
    await call("lcsLen", "a", "b");
    await call("lcsIdxWithMatchLen", "a", "b");
    await show("binary", async () => {
      await redis.set("bytes", Buffer.of(0, 255, 13, 10));
      return [...await bytes.get("bytes")];
    });
  },
  async bitmaps() {
    await call("setBit", "bits", 7, 1);
    await call("setBit", "bits", 100, 1);
    await call("getBit", "bits", 100);
    await call("bitCount", "bits");
    await call("bitCount", "bits", { start: 0, end: 7, mode: "BIT" });
    await call("bitPos", "bits", 0, 1);
    await call("bitOp", "NOT", "target", "bits");
    await call("bitOp", "OR", "target", ["bits", "target"]);
    await call("bitField", "field", [
      { operation: "SET", encoding: "u8", offset: 0, value: 200 },
      { operation: "OVERFLOW", behavior: "SAT" },
      { operation: "INCRBY", encoding: "u8", offset: "#0", increment: 100 },
    ]);
    await call("bitFieldRo", "field", [{ encoding: "u8", offset: 0 }]);
    await show("target", async () => [...await bytes.get("target")]);
  },
  async hyperloglogs() {
    await call("pfAdd", "hll", numbers(1000));
    await call("pfAdd", "hll2", numbers(1500));
    await call("pfAdd", "hll", "1");
    await call("pfCount", "hll");
    await call("pfCount", ["hll", "hll2"]);
    await call("pfMerge", "hll3", ["hll", "hll2"]);
    await call("pfCount", "hll3");
    await show("payload", async () => (await bytes.get("hll3")).toString("hex"));
  },
  async lists() {
    await call("rPush", "l", numbers(8));
    await call("lPush", "l", "head");
    await call("lPushX", "none", "x");
    await call("rPushX", "l", "tail");
    await call("lRange", "l", 0, -1);
    await call("lIndex", "l", -2);
    await call("lSet", "l", 0, "first");
    await call("lSet", "l", 100, "x");
    await call("lInsert", "l", "AFTER", "3", "between");
    await call("lRem", "l", -1, "7");
    await call("lPos", "l", "3");
    await call("lPosCount", "l", "3", 0, { RANK: -1 });
    await call("lTrim", "l", 1, -2);
    await call("lPop", "l");
    await call("lPopCount", "l", 2);
    await call("rPopCount", "l", 2);
    await call("lLen", "l");
    await call("rPopLPush", "l", "m");
    await call("lMove", "l", "m", "LEFT", "RIGHT");
    await call("lmPop", ["none", "m"], "LEFT", { COUNT: 5 });
    await call("rPush", "l", ["a", "b", "c", "d"]);
    await call("blPop", ["none", "l"], 1);
    await call("brPop", ["none", "l"], 1);
    await call("brPopLPush", "l", "m", 1);
    await call("blMove", "l", "m", "LEFT", "LEFT", 1);
    await call("blmPop", 1, ["none", "m"], "RIGHT");
    await call("blPop", "none", 0.05);
    await show("a client that waits", async () => {
      const reply = other.blPop(["q1", "q2"], 10);
      await untilBlocked();
      await redis.rPush("q2", ["job", "second"]);
      return [await reply, await redis.lRange("q2", 0, -1)];
    });
    await show("a client that waits for a member", async () => {
      const reply = other.bzPopMin("z", 10);
      await untilBlocked();
      await redis.zAdd("z", [{ score: 1.5, value: "member" }, { score: 2, value: "second" }]);
      return [await reply, await redis.zRange("z", 0, -1)];
    });
  },
  async hashes() {
    await call("hSet", "h", { a: 1, b: 2 });
    await call("hSet", "h", "c", "x");
    await call("hSetNX", "h", "a", "2");
    await call("hGet", "h", "a");
    await call("hmGet", "h", ["a", "none"]);
    await call("hGetAll", "h");
    await call("hKeys", "h");
    await call("hVals", "h");
    await call("hLen", "h");
    await call("hStrLen", "h", "c");
    await call("hExists", "h", "none");
    await call("hIncrBy", "h", "a", 41);
    await call("hIncrByFloat", "h", "a", 0.5);
    await call("hIncrBy", "h", "c", 1);
    await call("hDel", "h", ["a", "none"]);
    await show("hRandFieldCountWithValues", async () => {
      return (await redis.hRandFieldCountWithValues("h", 2)).length;
    });
    await show("hScanIterator", () => readAll(redis.hScanIterator("h")));
  },
  async sets() {
    await call("sAdd", "x", ["a", "b", "c", "1"]);
    await call("sAdd", "y", ["b", "c", "d"]);
    await call("sCard", "x");
    await call("sIsMember", "x", "a");
    await call("smIsMember", "x", ["a", "none"]);
    await call("sInterCard", ["x", "y"], 1);
    await call("sInterStore", "z1", ["x", "y"]);
    await call("sUnionStore", "z2", ["x", "y"]);
    await call("sDiffStore", "z3", ["x", "y"]);
    await call("sMove", "x", "y", "a");
    await call("sRem", "y", ["a", "none"]);
    for (const name of ["sInter", "sUnion", "sDiff"]) {
      await show(name, async () => sorted(await redis[name](["x", "y"])));
    }
    await show("sMembers", async () => sorted(await redis.sMembers("x")));
    await show("sPopCount", async () => (await redis.sPopCount("z2", 2)).length);
    await show("sRandMemberCount", async () => (await redis.sRandMemberCount("x", -5)).length);
    await show("sScanIterator", () => readAll(redis.sScanIterator("x", { MATCH: "[a-c]" })));
  },
  async sortedSets() {
    const members = [{ score: 1, value: "one" }, { score: 2, value: "two" }];
    await call("zAdd", "zs", [...members, { score: 3, value: "three" }]);
    await call("zAdd", "zs", { score: 2.5, value: "two" }, { condition: "XX", CH: true });
    await call("zAddIncr", "zs", { score: 5, value: "one" }, { condition: "XX" });
    await call("zCard", "zs");
    await call("zScore", "zs", "two");
    await call("zmScore", "zs", ["two", "none"]);
    await call("zIncrBy", "zs", 0.1, "two");
    await call("zRank", "zs", "three");
    await call("zRevRank", "zs", "none");
    await call("zRange", "zs", 0, -1, { REV: true });
    await call("zRangeWithScores", "zs", 0, -1);
    const limited = { BY: "SCORE", LIMIT: { offset: 0, count: 2 } };
    await call("zRangeWithScores", "zs", "(1", "+inf", limited);
    await call("zRangeByScoreWithScores", "zs", 1, 3);
    await call("zCount", "zs", "-inf", "(3");
    await call("zAdd", "lex", [..."abcde"].map((value) => ({ score: 0, value })));
    await call("zRangeByLex", "lex", "[b", "(e");
    await call("zLexCount", "lex", "-", "[c");
    await call("zRemRangeByLex", "lex", "[a", "[b");
    await call("zUnionWithScores", ["zs", "lex"]);
    await call("zInter", ["zs", "lex"]);
    await call("zDiffWithScores", ["zs", "lex"]);
    await call("zUnionStore", "zu", [{ key: "zs", weight: 2 }, { key: "lex", weight: 1 }]);
    await call("zInterStore", "zi", ["zs", "zu"], { AGGREGATE: "MAX" });
    await call("zDiffStore", "zd", ["zs", "lex"]);
    await call("zInterCard", ["zs", "zu"]);
    await call("zRangeStore", "zr", "zs", 0, 1);
    await call("zPopMin", "zs");
    await call("zPopMaxCount", "zs", 2);
    await call("zmPop", ["none", "zu"], "MIN", { COUNT: 2 });
    await call("bzPopMin", ["none", "zu"], 1);
    await call("bzPopMax", "lex", 1);
    await call("bzmPop", 1, ["none", "lex"], "MAX");
    await call("bzPopMin", "none", 0.05);
    await call("zRem", "zi", "one");
    await call("zRemRangeByRank", "zd", 0, 0);
    await call("zRemRangeByScore", "zd", 0, "(3");
    await call("zAdd", "inf", [{ score: Infinity, value: "a" }, { score: 1e300, value: "b" }]);
    await call("zRangeWithScores", "inf", 0, -1);
    await show("zScanIterator", () => readAll(redis.zScanIterator("inf")));
  },
  async geo() {
    await call("geoAdd", "g", [
      { longitude: 13.361389, latitude: 38.115556, member: "Palermo" },
      { longitude: 15.087269, latitude: 37.502669, member: "Catania" },
    ]);
    const paris = { longitude: 2.349, latitude: 48.864, member: "Paris" };
    await call("geoAdd", "g", paris, { CH: true });
    await call("geoDist", "g", "Palermo", "Catania", "km");
    await call("geoHash", "g", ["Palermo", "none"]);
    await call("geoPos", "g", ["Palermo", "none"]);
    const from = { longitude: 15, latitude: 37 };
    const box = { width: 400, height: 400, unit: "km" };
    await call("geoSearch", "g", from, box, { SORT: "DESC" });
    const details = ["WITHDIST", "WITHCOORD", "WITHHASH"];
    await call("geoSearchWith", "g", from, { radius: 200, unit: "km" }, details, { SORT: "ASC" });
    await call("geoSearchStore", "near", "g", "Paris", { radius: 2000, unit: "km" });
    await call("zRangeWithScores", "near", 0, -1);
  },
  async keys() {
    await call("mSet", numbers(20).map((number) => [`k:${number}`, number]));
    await call("exists", ["k:1", "k:2", "none"]);
    await call("type", "k:1");
    await call("rename", "k:1", "renamed");
    await call("renameNX", "k:2", "k:3");
    await call("copy", "k:4", "copied");
    await call("touch", ["k:1", "k:3"]);
    await call("expire", "k:3", 100);
    await call("expire", "k:3", 200, "LT");
    const isRecent = (seconds) => seconds > 10 && seconds <= 100;
    await show("ttl", async () => isRecent(await redis.ttl("k:3")));
    await call("expireAt", "k:4", 32503680000);
    await call("expireTime", "k:4");
    await call("pExpireTime", "k:4");
    await call("persist", "k:4");
    await call("unlink", ["k:5", "none"]);
    await call("objectEncoding", "k:3");
    await call("objectRefCount", "renamed");
    await show("idle", async () => (await redis.objectIdleTime("renamed")) < 90);
    await call("objectFreq", "renamed");
    await call("move", "k:6", 1);
    await call("rPush", "numbers", ["3", "1", "2"]);
    await call("sort", "numbers", { DIRECTION: "DESC" });
    await call("sort", "numbers", { BY: "k:*", GET: ["#", "k:*"] });
    await call("sortStore", "numbers", "sorted", { ALPHA: true });
    await call("sortRo", "numbers");
    await show("keys", async () => sorted(await redis.keys("k:1*")));
    const options = { MATCH: "k:*", COUNT: 3, TYPE: "string" };
    await show("scanIterator", () => readAll(redis.scanIterator(options)));
    await show("dump and restore", async () => {
      const payload = await bytes.dump("numbers");
      const reply = await redis.restore("again", 0, payload);
      return [payload.toString("hex"), reply, await redis.lRange("again", 0, -1)];
    });
    await call("restore", "bad", 0, "garbage");
    await call("dbSize");
    await call("swapDb", 0, 1);
    await call("dbSize");
    await call("flushDb");
    await call("flushAll");
  },
  async publish() {
    const subscriber = await connected();
    const messages = [];
    const note = (...args) => messages.push(args);
    await subscriber.subscribe(["news", "other"], note);
    await subscriber.pSubscribe("n*", note);
    await subscriber.sSubscribe("shard", note);
    await call("publish", "news", "hello");
    await call("sPublish", "shard", "part");
    await call("pubSubChannels", "news");
    await call("pubSubNumSub", ["news", "none"]);
    await call("pubSubNumPat");
    await call("pubSubShardChannels");
    await call("pubSubShardNumSub", ["shard"]);
    // Of RESP3: a connection that has subscribed may also ask.
    if (protocol === 3) await show("asks meanwhile", () => subscriber.get("none"));
    await subscriber.unsubscribe(["news", "other"], note);
    await subscriber.pUnsubscribe("n*", note);
    await subscriber.sUnsubscribe("shard", note);
    await show("usable again", () => subscriber.ping());
    print("messages", messages);
    await subscriber.close();
  },
  async events() {
    await call("configSet", "notify-keyspace-events", "KEA");
    const subscriber = await connected();
    const messages = [];
    const note = (...args) => messages.push(args);
    await subscriber.pSubscribe("__key*__:*", note);
    await redis.set("event", "1", { expiration: { type: "EX", value: 100 } });
    await redis.lPush("list", "x");
    await redis.lPop("list");
    await subscriber.pUnsubscribe("__key*__:*", note);
    print("messages", messages);
    await call("configSet", "notify-keyspace-events", "");
    await subscriber.close();
  },
  async transactions() {
    await show("multi", () => redis.multi().set("t", "1").incr("t").hSet("h2", "f", "v").exec());
    await show("no rollback", async () => {
      const failure = await redis.multi().set("t", "x").incr("t").get("t").exec()
        .catch((error) => error);
      return failure.replies.map((reply) => reply instanceof Error ? reply.message : reply);
    });
    await redis.watch("t");
    await other.set("t", "changed");
    await show("overtaken", () => redis.multi().set("t", "lost").exec());
    await show("pipelined", () => redis.multi().mGet(["t", "none"]).get("t").execAsPipeline());
    await show("unwatch", () => redis.unwatch());
  },
  async server() {
    await call("ping", "hello");
    await call("echo", "hi");
    await show("hello", async () => ({ ...await redis.hello(protocol), id: 0 }));
    await call("configGet", "maxmemory-policy");
    await call("configSet", "maxmemory-samples", "7");
    await call("configSet", "no-such", "1");
    await call("configResetStat");
    await call("clientSetName", "me");
    await call("clientGetName");
    await show("clientInfo", async () => (await redis.clientInfo()).name);
    await show("clientList", async () => (await redis.clientList()).length > 1);
    await call("clientKill", { filter: "ID", id: 123456789 });
    await call("clientPause", 1);
    await call("clientUnpause");
    await call("clientNoEvict", true);
    await call("clientTrackingInfo");
    await call("clientCaching", true);
    await call("memoryUsage", "none");
    await call("memoryPurge");
    await show(
      "memoryStats",
      async () => Object.keys(await redis.memoryStats()).includes("peak.allocated"),
    );
    await call("role");
    await call("commandGetKeys", ["MSET", "a", "b", "c", "d"]);
    await show("commandInfo", () => redis.commandInfo(["get", "zrange", "none"]));
    await call("scriptExists", "aaaa");
    await call("latencyLatest");
    await call("aclWhoAmI");
    await call("aclSetUser", "ann", ["on", ">secret", "~app:*", "+@read", "+set", "-flushall"]);
    await call("aclGetUser", "ann");
    await call("aclList");
    await call("aclUsers");
    await call("aclDryRun", "ann", ["get", "other"]);
    await show("aclCat", async () => sorted(await redis.aclCat("geo")));
    await call("auth", { username: "ann", password: "wrong" });
    await call("auth", { username: "ann", password: "secret" });
    await call("set", "app:1", "x");
    await call("get", "other");
    await call("flushAll");
    await call("auth", { username: "default", password: "any" });
    await show("aclLog", async () =>
      (await redis.aclLog()).map(({ reason, object }) => {
        return [reason, object];
      }));
    await call("aclDelUser", "ann");
    await call("select", 3);
    await call("select", 99);
    await show("time", async () => (await redis.time()) !== null);
    await show("info", async () => /redis_version:([\d.]+)/.exec(await redis.info("server"))[1]);
  },
};

async function untilBlocked() {
  while (!/blocked_clients:1\b/.test(await redis.info("clients"))) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

for (const [name, family] of Object.entries(families)) {
  await redis.flushAll();
  print("==", name);
  await family();
}
redis.destroy();
other.destroy();
