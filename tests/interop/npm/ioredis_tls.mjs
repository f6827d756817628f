/**
 * ioredis over TLS with a client certificate and an ACL user, and CLIENT TRACKING by hand:
 * deno run … ioredis_tls.mjs <port> <directory of certificates>. Prints one JSON line per step.
 */

const { default: Redis } = await import("npm:ioredis@5");

const [port, directory] = Deno.args;
const text = (name) => Deno.readTextFileSync(`${directory}/${name}`);
const tls = { ca: text("ca.crt"), cert: text("client.crt"), key: text("client.key") };
const options = { username: "alice", password: "s3cret", tls };
const redis = new Redis(`rediss://localhost:${port}`, options);
const invalidations = new Redis(`rediss://localhost:${port}`, options);

function show(name, value) {
  const line = JSON.stringify([name, value]) + "\n";
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

show("whoami", await redis.call("ACL", "WHOAMI"));
show("forbidden", await redis.set("other", "1").catch((error) => error.message));
show("large", (await redis.set("app:large", "x".repeat(300_000)), await redis.strlen("app:large")));
const many = Array.from({ length: 500 }, (_, index) => redis.incrby("app:sum", index));
show("many", (await Promise.all(many)).at(-1));

await invalidations.subscribe("__redis__:invalidate");
const redirect = await invalidations.client("ID").catch(() => null);
const id = redirect ?? Number(/id=(\d+) /.exec(await redis.client("LIST", "TYPE", "pubsub"))[1]);
show("tracking", await redis.client("TRACKING", "ON", "REDIRECT", id));
const invalidated = new Promise((resolve) =>
  invalidations.on("message", (channel, keys) => resolve([channel, keys]))
);
await redis.get("app:cached");
await redis.set("app:cached", "new");
show("invalidated", await invalidated);
redis.disconnect();
invalidations.disconnect();
