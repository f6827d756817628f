/**
 * MIGRATE between processes: from us to redis-server and back, and to newer and older servers that
 * the environment names (REDIS_6, REDIS_8, VALKEY_9). A target that a test plays shows that we send
 * what redis-server sends, and take its silence, its errors and its end as redis-server does.
 */
import { assertEquals } from "@std/assert";
import { Certificates } from "../support/certificates.ts";
import { fillDataset } from "../support/dataset.ts";
import { datasetDifferences, readDataset } from "../support/digest.ts";
import type { RespClient } from "../support/resp_client.ts";
import { freePort, type ServerTarget, startServer } from "../support/server_process.ts";
import { fromLatin1, latin1, until } from "../support/text.ts";
import { missingReason, testUnless, testWith } from "../support/tool_availability.ts";

const TIMEOUT_MS = 60_000;
const SMALL = { plainKeyCount: 200, largeBytes: 300_000 };
/** The time to live goes on while a key is on its way; encodings are each server's own matter. */
const SAME = { expiryToleranceMs: TIMEOUT_MS, encodings: false };
const ADDRESS = "127.0.0.1";

/** Peers by the version of their files that they can read. */
const PEERS = [
  { name: "redis 7.0", hindrance: missingReason("redis-server"), options: {}, rdb: "10" },
  peer("redis 6.2", "REDIS_6", "9"),
  peer("redis 8.2", "REDIS_8", "10"),
  peer("valkey 9.1", "VALKEY_9", "10"),
];

function peer(name: string, variable: string, rdb: string) {
  const program = Deno.env.get(variable) ?? "";
  const hindrance = program === "" ? `${variable} names no program` : null;
  return { name, hindrance, options: { program }, rdb };
}

async function keysOf(client: RespClient): Promise<Uint8Array[]> {
  return await client.callBytes("KEYS", "*") as Uint8Array[];
}

for (const { name, hindrance, options, rdb } of PEERS) {
  testUnless(hindrance, {
    name: `all keys of ours move to ${name} in one MIGRATE, and back`,
    fn: async () => {
      await using source = await startServer({ target: "redeno", args: ["--rdb-version", rdb] });
      await using target = await startServer({ ...options, target: "redis" });
      using from = await source.connect();
      using to = await target.connect();
      await fillDataset(from, SMALL);
      for (let db = 1; db < 16; db++) await from.expectMany([["SELECT", db], ["FLUSHDB"]]);
      await from.expect("SELECT", 0);
      // Newer servers write the same numbers in other words.
      await from.expect("DEL", "zset:extremes");
      const before = await readDataset(from);
      const keys = await keysOf(from);
      const there = [ADDRESS, target.port, "", 0, TIMEOUT_MS, "KEYS", ...keys];
      assertEquals(await from.call("MIGRATE", ...there), "OK");
      assertEquals(await from.call("DBSIZE"), 0);
      // 6.2 cannot say when a key expires; what comes back from it is compared below.
      if (name !== "redis 6.2") {
        assertEquals(datasetDifferences(before, await readDataset(to), SAME), []);
      }
      const back = [ADDRESS, source.port, "", 0, TIMEOUT_MS, "KEYS", ...keys];
      const reply = await to.call("MIGRATE", ...back);
      assertEquals(reply, "OK");
      assertEquals(datasetDifferences(before, await readDataset(from), SAME), []);
      assertEquals(await to.call("DBSIZE"), 0);
    },
  });
}

/** What a test's target does with a connection; they are counted from 0. */
type Play = (socket: Deno.TcpConn, connection: number) => Promise<void>;

/** Reads until `end` has come; returns everything, as text. */
async function readRequests(socket: Deno.TcpConn, end: string): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(65536);
  while (!text.includes(end)) {
    const count = await socket.read(buffer);
    if (count === null) return text;
    text += fromLatin1(buffer.subarray(0, count));
  }
  return text;
}

/** Serves connections one after the other until it is closed. */
function play(listener: Deno.TcpListener, script: Play): Promise<void> {
  return (async () => {
    let connection = 0;
    for await (const socket of listener) {
      await script(socket, connection++);
      try {
        socket.close();
      } catch {
        // The script has closed it.
      }
    }
  })();
}

/** What a target heard and a client was told, with the connections counted. */
async function observe(target: "redeno" | "redis", reply: (connection: number) => string | null) {
  await using server = await startServer({ target });
  using client = await server.connect();
  await client.expectMany([["SET", "k1", "v1"], ["SET", "k2", "v2"], ["SET", "k3", "v3"]]);
  const listener = Deno.listen({ hostname: ADDRESS, port: 0 });
  const heard: string[] = [];
  const isOver = Promise.withResolvers<void>();
  const playing = play(listener, async (socket, connection) => {
    const text = reply(connection);
    if (text === null) return;
    heard.push(await readRequests(socket, "$2\r\nk3\r\n$1\r\n0\r\n"));
    if (text === "silence") await isOver.promise;
    else await socket.write(latin1(text));
  });
  const { port } = listener.addr;
  const timeoutMs = reply(0) === "silence" ? 50 : TIMEOUT_MS;
  const options = [ADDRESS, port, "", 0, timeoutMs, "AUTH", "p", "KEYS", "k1", "k2", "k3"];
  const answer = await client.call("MIGRATE", ...options);
  const keys = (await client.call("KEYS", "*") as string[]).sort();
  isOver.resolve();
  listener.close();
  await playing;
  // The payloads of the last key may come in a packet of their own.
  return { answer: String(answer), keys, heard: heard.map((text) => text.slice(0, 120)) };
}

const SCRIPTS: Record<string, (connection: number) => string | null> = {
  "takes all": () => "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
  "ends at once, and takes all the second time": (connection) =>
    connection === 0 ? null : "+OK\r\n".repeat(5),
  "ends at once, always": () => null,
  "ends after the first key": () => "+OK\r\n".repeat(3),
  "ends before the first key": () => "+OK\r\n".repeat(2),
  "refuses the second key": () => "+OK\r\n+OK\r\n+OK\r\n-BUSYKEY x\r\n+OK\r\n",
  "refuses the password": () => "-WRONGPASS x\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
  "refuses the password and ends": () => "-WRONGPASS x\r\n",
  "refuses all": () => "-NOAUTH x\r\n".repeat(5),
  "refuses the first key and ends": () => "+OK\r\n+OK\r\n-LOADING x\r\n",
  "says nothing": () => "silence",
};

for (const [what, script] of Object.entries(SCRIPTS)) {
  testWith(["redis-server"], `MIGRATE to a server that ${what}: as redis-server`, async () => {
    assertEquals(await observe("redeno", script), await observe("redis", script));
  });
}

Deno.test("no key is lost to a server that is none", async () => {
  const { answer, keys } = await observe("redeno", () => "HTTP/1.1 400 Bad Request\r\n".repeat(5));
  assertEquals(answer, "(error) IOERR error or timeout reading to target instance");
  assertEquals(keys, ["k1", "k2", "k3"]);
});

testWith(["redis-server"], "a target that went away and came back is found again", async () => {
  await using source = await startServer({ target: "redeno" });
  const port = freePort();
  using client = await source.connect();
  const migrate = async (key: string) => {
    await client.expect("SET", key, "v");
    return String(await client.call("MIGRATE", ADDRESS, port, key, 0, TIMEOUT_MS, "REPLACE"));
  };
  {
    await using _target = await startServer({ target: "redis", port });
    assertEquals(await migrate("a"), "OK");
  }
  assertEquals(await migrate("b"), "(error) IOERR error or timeout writing to target instance");
  await using target = await startServer({ target: "redis", port });
  assertEquals(await migrate("b"), "OK");
  using other = await target.connect();
  assertEquals(await other.call("KEYS", "*"), ["b"]);
});

testWith(
  ["redis-server"],
  "keys that move between servers that write are here or there",
  async () => {
    await using source = await startServer({
      target: "redeno",
      args: ["--appendonly", "yes", "--enable-debug-command", "yes"],
    });
    await using target = await startServer({ target: "redis" });
    using client = await source.connect();
    using writer = await source.connect();
    using other = await target.connect();
    const count = 300;
    const total = async () => {
      const sums = await Promise.all([client, other].map(async (each) => {
        const values = await each.call("MGET", ...names) as (string | null)[];
        return values.reduce((sum, value) => sum + Number(value ?? 0), 0);
      }));
      return sums[0] + sums[1];
    };
    const names = Array.from({ length: 10 }, (_, place) => `counter${place}`);
    const writes = writer.callMany(
      Array.from({ length: 10 * count }, (_, i) => ["INCR", names[i % 10]]),
    );
    for (let round = 0; round < 30; round++) {
      // A key that was made anew here meanwhile is refused there, and stays.
      const reply = await client.call(
        "MIGRATE",
        ADDRESS,
        target.port,
        names[round % 10],
        0,
        TIMEOUT_MS,
      );
      assertEquals(/^(OK|NOKEY|\(error\) ERR Target.*BUSYKEY.*)$/.test(String(reply)), true);
    }
    await writes;
    assertEquals(await total(), 10 * count);
    // Whatever was moved is gone from the AOF, too.
    const here = await client.call("MGET", ...names);
    await client.expect("DEBUG", "LOADAOF");
    assertEquals(await client.call("MGET", ...names), here);
  },
);

testWith(["redis-server"], "a key that has moved is gone from the replicas, too", async () => {
  await using master = await startServer({ args: ["--repl-diskless-sync-delay", "0"] });
  await using target = await startServer({ target: "redis" });
  using client = await master.connect();
  await client.expectMany([["SET", "moves", "v"], ["SET", "stays", "v"]]);
  const follow = ["--replicaof", ADDRESS, String(master.port)];
  await using replica = await startServer({ target: "redis", args: follow });
  using reader = await replica.connect();
  await until("the replica has the keys", async () => await reader.call("DBSIZE") === 2);
  assertEquals(await client.call("MIGRATE", ADDRESS, target.port, "moves", 0, TIMEOUT_MS), "OK");
  assertEquals(await client.call("WAIT", 1, TIMEOUT_MS), 1);
  assertEquals(await reader.call("KEYS", "*"), ["stays"]);
});

testWith(["redis-server", "openssl"], "keys move by TLS, if tls-cluster says so", async () => {
  await using certificates = await Certificates.create();
  const files = ["cert", "key"].flatMap((kind) => [
    `--tls-${kind}-file`,
    certificates.path(`server.${kind === "key" ? "key" : "crt"}`),
  ]);
  const tls = [...files, "--tls-ca-cert-file", certificates.path("ca.crt"), "--tls-cluster", "yes"];
  const ports = [freePort(), freePort()];
  const start = (target: ServerTarget, port: number, args: string[]) =>
    startServer({ target, args: [...args, "--tls-port", String(port)] });
  await using ours = await start("redeno", ports[0], tls);
  await using theirs = await start("redis", ports[1], tls);
  using client = await ours.connect();
  using other = await theirs.connect();
  await client.expect("SET", "k", "v");
  assertEquals(await client.call("MIGRATE", ADDRESS, ports[1], "k", 0, TIMEOUT_MS), "OK");
  assertEquals([await client.call("GET", "k"), await other.call("GET", "k")], [null, "v"]);
  assertEquals(await other.call("MIGRATE", ADDRESS, ports[0], "k", 0, TIMEOUT_MS), "OK");
  assertEquals([await client.call("GET", "k"), await other.call("GET", "k")], ["v", null]);
  // A certificate that nobody vouches for. (By another name, so that the connection is a new one.)
  const failed = "(error) IOERR error or timeout connecting to the client";
  const migrate = async (port: number) =>
    String(await client.call("MIGRATE", "localhost", port, "k", 0, TIMEOUT_MS));
  await client.expect("CONFIG", "SET", "tls-ca-cert-file", certificates.path("stranger.crt"));
  assertEquals(await migrate(ports[1]), failed);
  assertEquals(await client.call("GET", "k"), "v");
});
