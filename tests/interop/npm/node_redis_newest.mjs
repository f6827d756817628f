/**
 * What node-redis 6 does that older ones do not: deno run … node_redis_newest.mjs <port>.
 *
 * It speaks RESP3 without being told to. Prints one JSON line per call.
 */

import { print, runFamilies, show, until } from "./printing.mjs";

const { createClient } = await import("npm:redis@6.3.1");

const url = `redis://127.0.0.1:${Deno.args[0]}`;

async function connected(options = {}) {
  const client = createClient({ url, ...options });
  client.on("error", (error) => print("connection", error.message));
  await client.connect();
  return client;
}

async function call(name, ...args) {
  await show(`${name} ${JSON.stringify(args)}`, () => redis[name](...args));
}

const redis = await connected();
const other = await connected();

const LIBRARY = "#!lua name=lib\nredis.register_function{function_name='show', " +
  "callback=function(keys) redis.setresp(3) return redis.call('HGETALL', keys[1]) end, " +
  "flags={'no-writes'}}";

const families = {
  async handshake() {
    const info = await redis.sendCommand(["CLIENT", "INFO"]);
    print("client", /resp=\d lib-name=\S+/.exec(info));
    await show("maintenance", () => redis.sendCommand(["CLIENT", "MAINT_NOTIFICATIONS", "ON"]));
    await call("clientNoTouch", true);
  },
  async fieldExpiry() {
    await call("hSet", "h", { a: 1, b: 2, c: 3, d: 4 });
    await call("hExpire", "h", ["a", "none"], 100);
    await call("hExpire", "h", ["a", "b"], 50, "GT");
    await call("hpExpire", "h", ["b"], 100_000, "NX");
    await call("hExpireAt", "h", "c", 4102444800);
    await call("hpExpireAt", "h", "d", 4102444800123);
    await call("hExpireTime", "h", ["c", "d", "none"]);
    await call("hpExpireTime", "h", ["c", "d", "none"]);
    await show("hTTL", async () => (await redis.hTTL("h", ["a", "b"])).map((ttl) => ttl > 0));
    await show("hpTTL", async () => (await redis.hpTTL("h", ["a", "b"])).map((ttl) => ttl > 100));
    await call("hPersist", "h", ["a", "none"]);
    await call("hExpire", "none", ["a"], 10);
    await call("hGetEx", "h", ["a", "none"], { expiration: { type: "EX", value: 100 } });
    await call("hGetEx", "h", ["a"], { expiration: "PERSIST" });
    await call("hSetEx", "h", { e: "5" }, { expiration: { type: "PX", value: 100_000 } });
    await call("hSetEx", "h", { e: "7" }, { mode: "FNX" });
    await call("hGetDel", "h", ["e", "none"]);
    await show("hScanNoValues", async () => (await redis.hScanNoValues("h", "0")).fields.sort());
    await call("hGetAll", "h");
    await call("objectEncoding", "h");
  },
  async laterCommands() {
    await call("zAdd", "z", [{ score: 1, value: "one" }, { score: 2.6, value: "two" }]);
    await call("zRankWithScore", "z", "two");
    await call("zRankWithScore", "z", "none");
    await call("mSet", { a: "\x0f", b: "\x3c" });
    for (const operation of ["DIFF", "DIFF1", "ANDOR", "ONE"]) {
      await call("bitOp", operation, "to", ["a", "b"]);
    }
    await call("xAdd", "s", "1-1", { f: "v" });
    await call("xGroupCreate", "s", "g", "0");
    await call("xReadGroup", "g", "c", { key: "s", id: ">" });
    await show(
      "xInfoConsumers",
      async () => Object.keys((await redis.xInfoConsumers("s", "g"))[0]),
    );
    await call("xAckDel", "s", "g", ["1-1", "9-9"]);
    await call("xDelEx", "s", "1-1");
  },
  async scripts() {
    await call("eval", "return {1, 'two', {3}}");
    const scores = "redis.setresp(3) return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')";
    await call("eval", scores, { keys: ["z"] });
    await call("eval", "return {double = 0.1}");
    await call("evalRo", "return redis.call('SET', KEYS[1], 1)", { keys: ["k"] });
    await call("functionLoad", LIBRARY);
    await call("fCallRo", "show", { keys: ["h"], arguments: [] });
    await show("functionList", async () => (await redis.functionList())[0].library_name);
    await call("functionDelete", "lib");
  },
  async sharded() {
    const subscriber = await connected();
    const heard = [];
    await subscriber.sSubscribe("part", (message, channel) => heard.push([channel, message]));
    await call("sPublish", "part", "one");
    await show("asks meanwhile", () => subscriber.get("none"));
    await until(() => heard.length === 1);
    print("heard", heard);
    await subscriber.close();
  },
  async cached() {
    const near = await connected({ RESP: 3, clientSideCache: { ttl: 0, maxEntries: 0 } });
    await other.set("near", "one");
    await show("first", () => near.get("near"));
    await show("again", () => near.get("near"));
    await other.set("near", "two");
    await until(async () => await near.get("near") === "two");
    await other.flushAll();
    await until(async () => await near.get("near") === null);
    print("heard of both", true);
    await near.close();
  },
};

await redis.flushAll();
await runFamilies(families);
redis.destroy();
other.destroy();
