/**
 * The compiled executable: it serves, saves in its Worker, reads its configuration file, handles
 * signals, and finds its data again. REDENO_COMPILED names it; without it the tests are skipped.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { basename, join } from "@std/path";
import { startServer, TemporaryDirectory } from "../support/server_process.ts";
import { until } from "../support/text.ts";
import { testUnless } from "../support/tool_availability.ts";

const program = Deno.env.get("REDENO_COMPILED") ?? "";

function testCompiled(name: string, fn: () => Promise<void>, hindrance = ""): void {
  const reason = program === "" ? "REDENO_COMPILED names no executable" : hindrance;
  testUnless(reason === "" ? null : reason, { name, fn });
}

testCompiled("the executable tells its version and its usage", async () => {
  for (const [argument, text] of [["--version", "v=7.4.2"], ["--help", "Usage: redeno"]]) {
    const { stdout, success } = await new Deno.Command(program, { args: [argument] }).output();
    assert(success);
    assertStringIncludes(new TextDecoder().decode(stdout), text);
  }
});

testCompiled("the executable carries its clients by epoll on Linux", async () => {
  await using server = await startServer({ program });
  using client = await server.connect();
  const carrier = Deno.build.os === "linux" ? "epoll" : "deno";
  assertStringIncludes(
    String(await client.call("INFO", "server")),
    `multiplexing_api:${carrier}\r\n`,
  );
}, Deno.env.has("REDENO_TEST_TRANSPORT") ? "REDENO_TEST_TRANSPORT chooses" : "");

testCompiled("the executable saves in its Worker and finds the data after SIGTERM", async () => {
  await using directory = await TemporaryDirectory.create();
  const configFile = join(directory.path, "redeno.conf");
  await Deno.writeTextFile(configFile, "maxmemory 100mb\nhash-max-listpack-entries 7\n");
  {
    await using server = await startServer({ program, directory: directory.path, configFile });
    using client = await server.connect();
    assertEquals(await client.call("CONFIG", "GET", "hash-max-listpack-entries"), [
      "hash-max-listpack-entries",
      "7",
    ]);
    for (let index = 0; index < 1000; index++) await client.expect("SET", `key:${index}`, index);
    assertEquals(await client.call("BGSAVE"), "Background saving started");
    await until("the save is done", async () => {
      const info = String(await client.expect("INFO", "persistence"));
      return info.includes("rdb_bgsave_in_progress:0") &&
        info.includes("rdb_last_bgsave_status:ok") && info.includes("rdb_saves:1");
    });
    await client.expect("CONFIG", "SET", "appendonly", "yes");
    await until("the AOF is on", async () => {
      const info = String(await client.expect("INFO", "persistence"));
      return info.includes("aof_rewrite_in_progress:0") &&
        info.includes("aof_last_bgrewrite_status:ok") && info.includes("aof_rewrites:1");
    });
    await client.expect("INCR", "key:5");
    const code = await server.stop("SIGTERM");
    assertEquals(code, 0);
  }
  const args = ["--appendonly", "yes"];
  await using server = await startServer({ program, directory: directory.path, configFile, args });
  using client = await server.connect();
  assertEquals(await client.call("DBSIZE"), 1000);
  assertEquals(await client.call("GET", "key:5"), "6");
});

testCompiled("the executable refuses a wrong configuration with its line", async () => {
  await using directory = await TemporaryDirectory.create();
  const configFile = join(directory.path, "wrong.conf");
  await Deno.writeTextFile(configFile, "port 0\nmaxmemory lots\n");
  const { code, stderr } = await new Deno.Command(program, { args: [configFile] }).output();
  assertEquals(code, 1);
  assertStringIncludes(new TextDecoder().decode(stderr), ">>> 'maxmemory lots'");
});

testCompiled("the executable keeps no code in the temporary folder", async () => {
  await using temporary = await TemporaryDirectory.create();
  await using server = await startServer({ program, env: { TMPDIR: temporary.path } });
  using client = await server.connect();
  // The code of the Worker would be kept, too.
  assertEquals(await client.call("SAVE"), "OK");
  assertEquals(await client.call("BGSAVE"), "Background saving started");
  assertEquals(await server.stop("SIGTERM"), 0);
  assertEquals([...Deno.readDirSync(temporary.path)], []);
});

testCompiled("the executable runs no code that lies in the temporary folder", async () => {
  await using temporary = await TemporaryDirectory.create();
  // A pipe to which nobody writes: whoever opened it would wait for ever.
  const cache = join(temporary.path, `deno-compile-${basename(program)}.cache`);
  assert((await new Deno.Command("mkfifo", { args: [cache] }).output()).success);
  const env = { TMPDIR: temporary.path };
  await using server = await startServer({ program, env });
  assertEquals(await server.stop("SIGTERM"), 0);
  assert(Deno.lstatSync(cache).isFifo);
}, Deno.build.os === "windows" ? "there are no named pipes" : "");

testCompiled("the executable moves keys to another server, by its other Worker", async () => {
  await using source = await startServer({ program });
  await using target = await startServer({ program });
  using client = await source.connect();
  using other = await target.connect();
  await client.expect("SET", "k", "v");
  const address = ["127.0.0.1", target.port] as const;
  assertEquals(await client.call("MIGRATE", ...address, "k", 0, 60_000), "OK");
  assertEquals([await client.call("GET", "k"), await other.call("GET", "k")], [null, "v"]);
});
