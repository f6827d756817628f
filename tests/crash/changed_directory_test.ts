/**
 * The real process after CONFIG SET dir: everything that has a place moves, stays, or is removed
 * where it was made; and a restart by the rewritten configuration finds all data.
 */
import { assert, assertEquals } from "@std/assert";
import { basename, join } from "@std/path";
import { startServer, TemporaryDirectory } from "../support/server_process.ts";
import { until } from "../support/text.ts";

const TIMEOUT_MS = 60_000;

Deno.test("CONFIG SET dir: AOF, dump, log, PID and ACL file, then CONFIG REWRITE and a restart", async () => {
  await using directory = await TemporaryDirectory.create();
  const [first, second] = ["first", "second"].map((name) => join(directory.path, name));
  Deno.mkdirSync(first);
  Deno.mkdirSync(second);
  const configFile = join(directory.path, "redeno.conf");
  const lines = [
    "appendonly yes",
    "logfile redeno.log",
    "pidfile redeno.pid",
    "aclfile users.acl",
    "enable-protected-configs yes",
  ];
  Deno.writeTextFileSync(configFile, lines.join("\n") + "\n");
  Deno.writeTextFileSync(join(first, "users.acl"), "");
  const namesIn = (path: string) => Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
  {
    await using server = await startServer({ directory: first, configFile });
    using client = await server.connect();
    await client.expect("SET", "a", "1");
    await client.expect("CONFIG", "SET", "dir", second);
    await client.expect("SET", "b", "2");
    await client.expect("ACL", "SAVE");
    await client.expect("SAVE");
    await client.expect("CONFIG", "REWRITE");
    await until("the AOF in its new place", async () => {
      const info = String(await client.call("INFO", "persistence"));
      const manifest = join(second, "appendonlydir", "appendonly.aof.manifest");
      return namesIn(second).includes("appendonlydir") && /aof_rewrites:1\r/.test(info) &&
        /aof_rewrite_in_progress:0\r/.test(info) && Deno.statSync(manifest).isFile;
    }, TIMEOUT_MS);
    await client.expect("SET", "c", "3");
    assert(namesIn(first).includes("redeno.pid"));
    await server.stop();
  }
  assertEquals(namesIn(first), ["appendonlydir", "redeno.log", "users.acl"]);
  assertEquals(namesIn(second), ["appendonlydir", "dump.rdb", "redeno.log", "users.acl"]);
  assert(Deno.readTextFileSync(configFile).includes(basename(second)));
  await using server = await startServer({ directory: second, configFile });
  using client = await server.connect();
  assertEquals(await client.call("MGET", "a", "b", "c"), ["1", "2", "3"]);
});
