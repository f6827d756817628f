/**
 * Rate limiters whose counting is a script: deno run … scripted_limits_session.mjs <port>. Prints
 * one JSON line per step.
 */

const port = Number(Deno.args[0]);
const { createClient } = await import("npm:redis@5");
const { default: Redis } = await import("npm:ioredis@5");
const { default: express } = await import("npm:express@5");
const { rateLimit } = await import("npm:express-rate-limit@8");
const { RedisStore } = await import("npm:rate-limit-redis@4");
const { RateLimiterRedis } = await import("npm:rate-limiter-flexible@11");

function show(name, value) {
  const line = JSON.stringify([name, value]) + "\n";
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

const client = createClient({ url: `redis://127.0.0.1:${port}` });
await client.connect();

/** A web server with a limit of three requests, and a way to begin anew. */
async function serveLimited(store) {
  const app = express();
  app.use(rateLimit({ windowMs: 60_000, limit: 3, standardHeaders: true, store }));
  app.get("/", (_, response) => response.send("here"));
  return await new Promise((done) => {
    const server = app.listen(0, "127.0.0.1", () => done(server));
  });
}

async function visit(server) {
  const response = await fetch(`http://127.0.0.1:${server.address().port}/`);
  await response.body?.cancel();
  return [response.status, response.headers.get("ratelimit-remaining")];
}

async function useRateLimitRedis() {
  const store = new RedisStore({ sendCommand: (...args) => client.sendCommand(args) });
  const server = await serveLimited(store);
  const visits = [];
  for (let count = 0; count < 5; count++) visits.push(await visit(server));
  show("rate-limit-redis", visits);
  const other = await serveLimited(
    new RedisStore({ sendCommand: (...args) => client.sendCommand(args) }),
  );
  show("another server knows", await visit(other));
  // Its scripts are loaded once; when the server has forgotten them, it loads them again.
  await client.sendCommand(["SCRIPT", "FLUSH"]);
  show("scripts forgotten", await visit(server));
  await client.flushAll();
  show("begins anew", await visit(server));
  const hit = await store.increment("somebody");
  await store.decrement("somebody");
  const seen = await store.get("somebody");
  await store.resetKey("somebody");
  show("store", [hit.totalHits, seen.totalHits, (await store.get("somebody"))?.totalHits ?? null]);
}

async function useFlexible() {
  const storeClient = new Redis({ port });
  const limiter = new RateLimiterRedis({ storeClient, points: 2, duration: 60, blockDuration: 60 });
  const consume = () => limiter.consume("x").then((one) => one.remainingPoints, () => "no");
  const seen = [await consume(), await consume(), await consume(), await consume()];
  await limiter.delete("x");
  return [...seen, await consume()];
}

await useRateLimitRedis();
show("rate-limiter-flexible", await useFlexible());
Deno.exit(0);
