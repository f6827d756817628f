/**
 * A failover through node-redis: deno run … node_redis_sentinel.mjs <ports of sentinels>.
 *
 * Prints the port of the master that Sentinel names, and, once another one answers, its port and
 * what it has of that which was written to the first.
 */
const { createSentinel } = await import("npm:redis@5");

const sentinel = createSentinel({
  name: "mymaster",
  sentinelRootNodes: Deno.args.map((port) => ({ host: "127.0.0.1", port: Number(port) })),
  scanInterval: 200,
  maxCommandRediscovers: 1000,
});
sentinel.on("error", () => {});
await sentinel.connect();

const masterPort = async () => (await sentinel.configGet("port")).port;
const print = (...values) => console.log(JSON.stringify(values));

// WAIT is about what its own connection wrote, so both go by one.
const confirmed = await sentinel.use(async (client) => {
  await client.set("node-redis", "written before");
  return await client.wait(1, 60_000);
});
const first = await masterPort();
print(first, confirmed);
let next = first;
while (next === first) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  try {
    await sentinel.incr("node-redis:count");
    next = await masterPort();
  } catch {
    // There is no master for the time being.
  }
}
print(next, await sentinel.get("node-redis"), await sentinel.set("node-redis", "written after"));
await sentinel.close();
Deno.exit();
