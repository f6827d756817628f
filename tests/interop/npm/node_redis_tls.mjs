/**
 * node-redis 5 over TLS with an ACL user, RESP3 and its client-side cache:
 * deno run … node_redis_tls.mjs <port> <directory of certificates>. Prints one JSON line per step.
 */

const { createClient } = await import("npm:redis@5");

const [port, directory] = Deno.args;
const text = (name) => Deno.readTextFileSync(`${directory}/${name}`);
const options = {
  url: `rediss://alice:s3cret@localhost:${port}`,
  RESP: 3,
  socket: { ca: text("ca.crt"), cert: text("client.crt"), key: text("client.key") },
};
const cached = createClient({ ...options, clientSideCache: { ttl: 0, maxEntries: 0 } });
const writer = createClient(options);
await cached.connect();
await writer.connect();

function show(name, value) {
  const line = JSON.stringify([name, value]) + "\n";
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

show("whoami", await cached.sendCommand(["ACL", "WHOAMI"]));
show("forbidden", await cached.set("other", "1").catch((error) => error.message));
await writer.hSet("app:hash", { a: "1", b: "2" });
show("map", await writer.hGetAll("app:hash"));
await writer.set("app:cached", "old");
show("read", [await cached.get("app:cached"), await cached.get("app:cached")]);
await writer.set("app:cached", "new");
let value = "old";
while (value === "old") value = await cached.get("app:cached");
show("read again", value);
cached.destroy();
writer.destroy();
