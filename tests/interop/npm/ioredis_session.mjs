/**
 * The market and the main families through ioredis: deno run … ioredis_session.mjs <port>.
 * Prints one JSON line per step; the test compares them.
 */

const { default: Redis } = await import("npm:ioredis@5");

const redis = new Redis(Number(Deno.args[0]));

function show(name, value) {
  const line = JSON.stringify([name, value]) + "\n";
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

async function purchase(buyer, seller, item, price) {
  const connection = redis.duplicate();
  await connection.watch("market:", `users:${buyer}`);
  const listed = Number(await connection.zscore("market:", `${item}.${seller}`));
  const funds = Number(await connection.hget(`users:${buyer}`, "funds"));
  if (listed !== price || funds < price) {
    await connection.unwatch();
    await connection.quit();
    return null;
  }
  const results = await connection.multi()
    .hincrbyfloat(`users:${seller}`, "funds", price)
    .hincrbyfloat(`users:${buyer}`, "funds", -price)
    .sadd(`inventory:${buyer}`, item)
    .zrem("market:", `${item}.${seller}`)
    .exec();
  await connection.quit();
  return results;
}

await redis.flushall();
show("ping", await redis.ping());
show("hset", await redis.hset("users:1", { name: "Frank", funds: 100 }));
show("hset", await redis.hset("users:2", { name: "Bill", funds: 43 }));
show("sadd", await redis.sadd("inventory:1", "itemA", "itemB"));
show(
  "list",
  await redis.multi().zadd("market:", 40, "itemB.1").srem("inventory:1", "itemB").exec(),
);
show("too dear", await purchase(2, 1, "itemB", 41));
show("bought", await purchase(2, 1, "itemB", 40));
show("funds", [await redis.hget("users:1", "funds"), await redis.hget("users:2", "funds")]);
show("market", await redis.zrange("market:", 0, -1, "WITHSCORES"));

const other = redis.duplicate();
await redis.watch("watched");
await other.set("watched", "changed");
show("overtaken", await redis.multi().set("watched", "lost").exec());
show("pipeline", await redis.pipeline().set("n", 1).incr("n").get("missing").mget("n", "x").exec());
const failure = await redis.multi().set("text", "abc").incr("text").exec();
show("no rollback", failure.map(([error, value]) => error ? error.message : value));
show("buffer", [...(await redis.getBuffer("text"))]);
show("set", await redis.set("k", "v", "EX", 100, "NX"));
show(
  "blocked",
  await Promise.race([
    other.blpop("queue", 5),
    redis.lpush("queue", "job").then(() => new Promise(() => {})),
  ]),
);
const subscriber = redis.duplicate();
const message = new Promise((resolve) => subscriber.on("message", (...args) => resolve(args)));
show("subscribe", await subscriber.subscribe("news"));
show("publish", await redis.publish("news", "hello"));
show("message", await message);
const found = [];
for await (const keys of redis.scanStream({ match: "users:*" })) found.push(...keys);
show("scan", found.sort());
show("errors", await redis.call("HSET", "k", "a", "b").catch((error) => error.message));
for (const client of [redis, other, subscriber]) await client.quit();
