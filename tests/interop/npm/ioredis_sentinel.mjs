/**
 * A failover through ioredis: deno run … ioredis_sentinel.mjs <ports of sentinels>.
 *
 * Prints the port of the master that Sentinel names, and, once another one answers, its port and
 * what it has of that which was written to the first.
 */
const { default: Redis } = await import("npm:ioredis@5");

const redis = new Redis({
  sentinels: Deno.args.map((port) => ({ host: "127.0.0.1", port: Number(port) })),
  name: "mymaster",
  retryStrategy: () => 50,
  sentinelRetryStrategy: () => 50,
  // A replica that becomes the master refuses writes until it is one; the client reconnects.
  reconnectOnError: (error) => error.message.startsWith("READONLY"),
});
redis.on("error", () => {});

const masterPort = async () => (await redis.config("GET", "port"))[1];
const print = (...values) => console.log(JSON.stringify(values));

await redis.set("ioredis", "written before");
const confirmed = await redis.wait(1, 60_000);
const first = await masterPort();
print(first, confirmed);
let next = first;
while (next === first) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  try {
    await redis.incr("ioredis:count");
    next = await masterPort();
  } catch {
    // There is no master for the time being.
  }
}
print(next, await redis.get("ioredis"), await redis.set("ioredis", "written after"));
redis.disconnect();
