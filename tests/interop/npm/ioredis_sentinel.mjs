/** A failover through ioredis: deno run … ioredis_sentinel.mjs <ports of sentinels>. */
import { followFailover } from "./followed_failover.mjs";

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

await followFailover("ioredis", {
  async writeAndWait(key, value) {
    await redis.set(key, value);
    return await redis.wait(1, 60_000);
  },
  port: async () => (await redis.config("GET", "port"))[1],
  get: (key) => redis.get(key),
  set: (key, value) => redis.set(key, value),
  incr: (key) => redis.incr(key),
});
redis.disconnect();
