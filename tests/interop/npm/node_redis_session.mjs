/**
 * The market and the main families through node-redis: deno run … node_redis_session.mjs <port>.
 * Prints one JSON line per step; the test compares them.
 */

const { commandOptions, createClient, WatchError } = await import("npm:redis@4");

const redis = createClient({ url: `redis://127.0.0.1:${Deno.args[0]}` });
await redis.connect();

function show(name, value) {
  const line = JSON.stringify([name, value]) + "\n";
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

function purchase(buyer, seller, item, price) {
  return redis.executeIsolated(async (isolated) => {
    await isolated.watch(["market:", `users:${buyer}`]);
    const listed = await isolated.zScore("market:", `${item}.${seller}`);
    const funds = Number(await isolated.hGet(`users:${buyer}`, "funds"));
    if (listed !== price || funds < price) {
      await isolated.unwatch();
      return null;
    }
    return await isolated.multi()
      .hIncrByFloat(`users:${seller}`, "funds", price)
      .hIncrByFloat(`users:${buyer}`, "funds", -price)
      .sAdd(`inventory:${buyer}`, item)
      .zRem("market:", `${item}.${seller}`)
      .exec();
  });
}

await redis.flushAll();
show("ping", await redis.ping());
show("hset", await redis.hSet("users:1", { name: "Frank", funds: 100 }));
show("hset", await redis.hSet("users:2", { name: "Bill", funds: 43 }));
show("sadd", await redis.sAdd("inventory:1", ["itemA", "itemB"]));
const listing = redis.multi().zAdd("market:", { score: 40, value: "itemB.1" });
show("list", await listing.sRem("inventory:1", "itemB").exec());
show("too dear", await purchase(2, 1, "itemB", 41));
show("bought", await purchase(2, 1, "itemB", 40));
show("funds", [await redis.hGet("users:1", "funds"), await redis.hGet("users:2", "funds")]);
show("buyer", { ...(await redis.hGetAll("users:2")) });
show("market", await redis.zRangeWithScores("market:", 0, -1));
const overtaken = redis.executeIsolated(async (isolated) => {
  await isolated.watch("watched");
  await redis.set("watched", "changed");
  return await isolated.multi().set("watched", "lost").exec();
});
show("overtaken", await overtaken.catch((error) => error instanceof WatchError));
show("pipelined", await Promise.all([redis.set("n", 1), redis.incr("n"), redis.get("missing")]));
const buffers = commandOptions({ returnBuffers: true });
show("buffer", [...(await redis.get(buffers, "n"))]);
show("set", await redis.set("k", "v", { EX: 100, NX: true }));
const blocked = redis.blPop(commandOptions({ isolated: true }), "queue", 5);
await redis.lPush("queue", "job");
show("blocked", await blocked);
const subscriber = redis.duplicate();
await subscriber.connect();
const { promise: message, resolve } = Promise.withResolvers();
await subscriber.subscribe("news", (text, channel) => resolve([channel, text]));
show("publish", await redis.publish("news", "hello"));
show("message", await message);
const found = [];
for await (const key of redis.scanIterator({ MATCH: "users:*" })) found.push(key);
show("scan", found.sort());
show("errors", await redis.hSet("k", "a", "b").catch((error) => error.message));
show("sorted set", await redis.zRange("market:", 0, -1));
await redis.quit();
await subscriber.quit();
