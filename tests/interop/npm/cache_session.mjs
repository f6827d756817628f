/**
 * Caches, rate limiters without scripts, and servers that talk through channels:
 * deno run … cache_session.mjs <port>. Prints one JSON line per library.
 */

const port = Number(Deno.args[0]);
const url = `redis://127.0.0.1:${port}`;
const { default: Redis } = await import("npm:ioredis@5");
const { default: Keyv } = await import("npm:keyv@5");
const { default: KeyvRedis } = await import("npm:@keyv/redis@5");
const { createCache } = await import("npm:cache-manager@7");
const { default: Limiter } = await import("npm:ratelimiter@3");
const { RateLimiterRedisNonAtomic } = await import("npm:rate-limiter-flexible@11");
const { Server } = await import("npm:socket.io@4");
const { createAdapter } = await import("npm:@socket.io/redis-adapter@8");

function show(name, value) {
  const line = JSON.stringify([name, value]) + "\n";
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

const db = new Redis({ port });

async function useKeyv() {
  const keyv = new Keyv({ store: new KeyvRedis(url), namespace: "names" });
  await keyv.set("a", { x: 1 }, 5000);
  await keyv.set("b", 2);
  const seen = [await keyv.getMany(["a", "b", "c"]), await keyv.delete("a"), await keyv.get("a")];
  await keyv.clear();
  return [...seen, await keyv.get("b")];
}

async function useCacheManager() {
  const cache = createCache({ stores: [new Keyv(new KeyvRedis(url))] });
  let computedCount = 0;
  const compute = () => Promise.resolve(++computedCount);
  const wrapped = [await cache.wrap("sum", compute, 5000), await cache.wrap("sum", compute, 5000)];
  await cache.mset([{ key: "p", value: 1 }, { key: "q", value: 2 }]);
  const seen = [wrapped, await cache.mget(["p", "q", "z"]), await cache.del("p")];
  return [...seen, await cache.get("p")];
}

async function useRateLimiter() {
  const left = [];
  for (let i = 0; i < 4; i++) {
    const limiter = new Limiter({ id: "somebody", db, max: 3, duration: 60_000 });
    left.push(
      await new Promise((done, fail) => {
        limiter.get((error, limit) => error ? fail(error) : done(limit.remaining));
      }),
    );
  }
  return left;
}

/** Its other classes for Redis need scripts. */
async function useFlexibleRateLimiter() {
  const limiter = new RateLimiterRedisNonAtomic({ storeClient: db, points: 2, duration: 60 });
  const consume = () => limiter.consume("somebody").then((one) => one.remainingPoints, () => "no");
  return [await consume(), await consume(), await consume()];
}

/** Two servers of socket.io, joined by nothing but channels. */
async function useSocketAdapter() {
  const join = async () => {
    const publisher = new Redis({ port });
    const subscriber = publisher.duplicate();
    const server = new Server();
    server.adapter(createAdapter(publisher, subscriber));
    await server.of("/").adapter.serverCount();
    return server;
  };
  const one = await join();
  const other = await join();
  const heard = new Promise((done) => other.on("greeting", done));
  // A message to all is lost to whoever has not subscribed yet, so it is said until it is heard.
  const saying = setInterval(() => one.serverSideEmit("greeting", "hello"), 20);
  const greeting = await heard;
  clearInterval(saying);
  return [greeting, await one.of("/").adapter.serverCount()];
}

show("keyv", await useKeyv());
show("cache-manager", await useCacheManager());
show("ratelimiter", await useRateLimiter());
show("rate-limiter-flexible", await useFlexibleRateLimiter());
show("socket.io", await useSocketAdapter());
Deno.exit(0);
