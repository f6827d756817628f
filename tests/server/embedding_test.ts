/**
 * Embedding: `startServer` as a user of the library writes it, with the sanitizers of Deno.test on:
 * a timer, listener, Worker or open file that outlives a server fails its test.
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { startServer, type StartServerOptions } from "redeno";
import { ConnectionClosed, RespClient } from "../support/resp_client.ts";
import { until } from "../support/text.ts";

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("a server serves on a free port and leaves nothing behind", async () => {
  let directory: string;
  {
    await using server = await startServer();
    directory = server.directory;
    assertEquals(server.url, `redis://127.0.0.1:${server.port}`);
    using client = await RespClient.connect(server.port);
    assertEquals(await client.call("SET", "k", "v"), "OK");
    assertEquals(await client.call("CONFIG", "GET", "port"), ["port", String(server.port)]);
    assertEquals(await client.call("CONFIG", "GET", "dir"), ["dir", Deno.realPathSync(directory)]);
    assert(exists(directory));
  }
  assert(!exists(directory));
});

Deno.test("servers beside each other have their own data, configuration and log", async () => {
  const lines: string[] = [];
  await using one = await startServer({ log: (line) => lines.push(line) });
  await using two = await startServer({
    config: { requirepass: "two words à Р", maxmemory: "64mb", databases: 2 },
  });
  using first = await RespClient.connect(one.port);
  using second = await RespClient.connect(two.port);
  assertEquals(await second.call("AUTH", "two words à Р"), "OK");
  await second.expect("SET", "k", "v");
  assertEquals(await first.call("DBSIZE"), 0);
  assertEquals(await first.call("CONFIG", "GET", "maxmemory"), ["maxmemory", "0"]);
  assertEquals(await second.call("CONFIG", "GET", "maxmemory"), ["maxmemory", "67108864"]);
  assertEquals(await second.call("CONFIG", "GET", "databases"), ["databases", "2"]);
  await one.close();
  assertEquals(await second.call("GET", "k"), "v");
  assertStringIncludes(lines.at(-1)!, "# Redis is now ready to exit, bye bye...");
});

Deno.test("data is kept in a directory of the caller's, if saving is asked for", async () => {
  const directory = await Deno.makeTempDir({ prefix: "redeno_test_" });
  try {
    for (const config of [{ appendonly: true }, { save: ["900 1", "300 10"] }]) {
      for (const start of [0, 1]) {
        await using server = await startServer({ directory, config });
        using client = await RespClient.connect(server.port);
        assertEquals(await client.call("INCR", `count:${Object.keys(config)}`), start + 1);
        await client.expect("BGSAVE", "SCHEDULE");
        await until("the save is done", async () => {
          return String(await client.expect("INFO")).includes("rdb_bgsave_in_progress:0");
        });
      }
      assert(exists(join(directory, "dump.rdb")));
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("nothing is written unless asked for", async () => {
  const directory = await Deno.makeTempDir({ prefix: "redeno_test_" });
  try {
    {
      await using server = await startServer({ directory });
      using client = await RespClient.connect(server.port);
      await client.expect("SET", "k", "v");
    }
    assertEquals([...Deno.readDirSync(directory)], []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("SHUTDOWN of a client closes its server, not the process", async () => {
  await using other = await startServer();
  const server = await startServer();
  using client = await RespClient.connect(server.port);
  using bystander = await RespClient.connect(server.port);
  await bystander.expect("PING");
  await assertRejects(() => client.call("SHUTDOWN"), ConnectionClosed);
  await assertRejects(() => bystander.call("PING"));
  await server.closed;
  await server.close();
  assert(!exists(server.directory));
  await assertRejects(() => RespClient.connect(server.port), Deno.errors.ConnectionRefused);
  using still = await RespClient.connect(other.port);
  assertEquals(await still.call("PING"), "PONG");
});

Deno.test("closing ends clients that wait, and may be asked for twice at once", async () => {
  const server = await startServer();
  using client = await RespClient.connect(server.port);
  await client.send("BLPOP", "nothing", 0);
  const waiting = assertRejects(() => client.receive());
  await Promise.all([server.close(), server.close(), waiting]);
});

Deno.test("what cannot be is an Error that names its reason, and leaves nothing open", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const cases: readonly [StartServerOptions, string][] = [
    [{ config: { maxmemory: "lots" } }, `Cannot start with 'maxmemory "lots"': argument must be`],
    [{ config: { nosuch: 1 } }, `'nosuch "1"': Bad directive`],
    [{ config: { "maxmemory 1\nport": 1 } }, "Cannot read directive name"],
    [{ config: { "rename-command": "nosuch other" } }, "No such command in rename-command"],
    [{ config: { user: "bob nonsense" } }, "bob"],
    [{ config: { PORT: 1 } }, `use the option "port"`],
    [{ config: { dir: "." } }, `use the option "directory"`],
    [{ config: { bind: "127.0.0.2" } }, `"bind" needs a port`],
    [{ port: 65536 }, "argument must be between 0 and 65535"],
    [{ port }, `Failed listening on port ${port}`],
    [{ directory: join("no", "such", "directory") }, "No such file or directory"],
    [{ config: { transport: "epoll" } }, "transport must be auto"],
  ];
  for (const [options, reason] of cases) {
    const error = await assertRejects(() => startServer(options), Error);
    if (Deno.build.os === "windows" && options.directory !== undefined) continue;
    assertStringIncludes(error.message, reason);
  }
});

Deno.test("a process that ends without closing its server leaves no directory", async () => {
  const module = JSON.stringify(new URL("../../mod.ts", import.meta.url).href);
  const script = `const { startServer } = await import(${module});
    const server = await startServer();
    await Deno.stdout.write(new TextEncoder().encode(server.directory));
    Deno.exit(0);`;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = command.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { stdout } = await command.output();
  const directory = new TextDecoder().decode(stdout);
  assertStringIncludes(directory, "redeno_");
  assert(!exists(directory), directory);
});
