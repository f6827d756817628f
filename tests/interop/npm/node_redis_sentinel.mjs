/** A failover through node-redis: deno run … node_redis_sentinel.mjs <ports of sentinels>. */
import { followFailover } from "./followed_failover.mjs";

const { createSentinel } = await import("npm:redis@5");

const sentinel = createSentinel({
  name: "mymaster",
  sentinelRootNodes: Deno.args.map((port) => ({ host: "127.0.0.1", port: Number(port) })),
  scanInterval: 200,
  maxCommandRediscovers: 1000,
});
sentinel.on("error", () => {});
await sentinel.connect();

await followFailover("node-redis", {
  // WAIT is about what its own connection wrote, so both go by one.
  writeAndWait(key, value) {
    return sentinel.use(async (client) => {
      await client.set(key, value);
      return await client.wait(1, 60_000);
    });
  },
  port: async () => (await sentinel.configGet("port")).port,
  get: (key) => sentinel.get(key),
  set: (key, value) => sentinel.set(key, value),
  incr: (key) => sentinel.incr(key),
});
await sentinel.close();
Deno.exit();
