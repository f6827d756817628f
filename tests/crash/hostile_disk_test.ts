/**
 * The real process where the disk refuses: a full file system, a directory without write
 * permission, a dump.rdb that is a directory, files that may not be written. The log must name the
 * path and the reason, writers hear MISCONF where Redis says it, old files stay as they are, and
 * the server goes on, or starts again, once the disk is well.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import type { RespClient } from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import {
  freePort,
  runToEnd,
  type ServerOptions,
  type ServerProcess,
  startServer,
  TemporaryDirectory,
} from "../support/server_process.ts";
import { until } from "../support/text.ts";
import { missingReason, testUnless } from "../support/tool_availability.ts";

const AOF = ["--appendonly", "yes"];

/** A small file system of its own, or null where mounting is not permitted. */
class SmallDisk implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async mount(bytes: string): Promise<SmallDisk | null> {
    if (Deno.build.os !== "linux") return null;
    const path = await Deno.makeTempDir({ prefix: "redeno_disk_" });
    const args = ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path];
    try {
      const { success } = await new Deno.Command("mount", { args, stderr: "null" }).output();
      if (success) return new SmallDisk(path);
    } catch {
      // There is no such program.
    }
    await Deno.remove(path);
    return null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Deno.Command("umount", { args: ["-l", this.path] }).output();
    await Deno.remove(this.path);
  }
}

const disk = await SmallDisk.mount("1m");
const mountHindrance = disk === null ? "mounting a tmpfs is not permitted here" : null;
await disk?.[Symbol.asyncDispose]();
const isRoot = Deno.build.os !== "windows" && Deno.uid() === 0;
/** The user that root becomes, so that permissions mean something. */
const NOBODY = 65534;

/** Whether our server can be run as nobody: the sources and Deno must be readable for everybody. */
async function nobodyCanRun(): Promise<boolean> {
  if (!isRoot) return true;
  try {
    await using directory = await NobodysDirectory.create();
    await using server = await startServer(directory.options());
    return server.isRunning;
  } catch {
    return false;
  }
}

/**
 * A directory for a server without privileges. As root it belongs to nobody, and `options` name a
 * script that starts our server as that user.
 */
class NobodysDirectory implements AsyncDisposable {
  readonly path: string;

  private constructor(readonly home: string) {
    this.path = join(home, "data");
  }

  static async create(): Promise<NobodysDirectory> {
    const home = await Deno.makeTempDir({ prefix: "redeno_nobody_" });
    const directory = new NobodysDirectory(home);
    await Deno.mkdir(directory.path);
    if (!isRoot) return directory;
    const start = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)))
      .tasks.start.command.replace(/^deno /, "");
    const script = `#!/bin/sh\nexport HOME=${home} DENO_DIR=${home}/deno\n` +
      `exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups ` +
      `${Deno.execPath()} ${start} "$@"\n`;
    await Deno.writeTextFile(directory.#script, script, { mode: 0o755 });
    for (const path of [home, directory.path]) await Deno.chown(path, NOBODY, NOBODY);
    return directory;
  }

  get #script(): string {
    return join(this.home, "start.sh");
  }

  options(more: ServerOptions = {}): ServerOptions {
    const options = { directory: this.path, save: "3600 1", ...more };
    return isRoot ? { ...options, target: "redeno", program: this.#script } : options;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.home, { recursive: true });
  }
}

const hasPermissions = Deno.build.os !== "windows" && await nobodyCanRun();
const permissionHindrance = hasPermissions ? null : "the server cannot be run as nobody";

async function isRefused(client: RespClient): Promise<boolean> {
  const reply = await client.call("SET", "probe", "1");
  return reply instanceof RespError && reply.message.startsWith("MISCONF");
}

/** Waits until a BGSAVE has ended. */
async function saveInBackground(client: RespClient): Promise<void> {
  await client.expect("BGSAVE");
  await until("the BGSAVE is over", async () => {
    return /rdb_bgsave_in_progress:0/.test(String(await client.call("INFO", "persistence")));
  });
}

async function fillUp(client: RespClient): Promise<void> {
  const value = "x".repeat(60_000);
  for (let index = 0; index < 100; index++) {
    const reply = await client.call("SET", `filler:${index}`, value);
    if (reply instanceof RespError) return;
  }
  throw new Error("the disk did not fill up");
}

testUnless(mountHindrance, {
  name: "everysec on a full disk: writers are refused, and go on when there is room",
  async fn() {
    await using small = (await SmallDisk.mount("2m"))!;
    const room = join(small.path, "room");
    await Deno.writeFile(room, new Uint8Array(1_000_000));
    {
      await using server = await startServer({ directory: small.path, args: AOF });
      using client = await server.connect();
      await client.expect("SET", "before", "1");
      await fillUp(client);
      assert(await isRefused(client), "refused");
      assertEquals(await client.call("GET", "before"), "1");
      assertMatch(server.log, /No space left on device.*appendonly\.aof\.1\.incr\.aof/);
      await Deno.remove(room);
      await until("writes are accepted again", async () => !(await isRefused(client)));
      await client.expect("SET", "behind", "1");
      await client.expect("DEL", "filler:0");
      await server.kill();
    }
    await using server = await startServer({ directory: small.path, args: AOF });
    using client = await server.connect();
    assertEquals(await client.call("MGET", "before", "behind", "filler:0"), ["1", "1", null]);
  },
});

testUnless(mountHindrance, {
  name: "always on a full disk: the server ends, and finds what it answered",
  async fn() {
    await using small = (await SmallDisk.mount("1m"))!;
    const args = [...AOF, "--appendfsync", "always"];
    let answered = 0;
    {
      await using server = await startServer({ directory: small.path, args });
      using client = await server.connect();
      try {
        while (await client.call("RPUSH", "list", "x".repeat(20_000)) !== null) answered++;
      } catch {
        // The connection ended with the server.
      }
      assertEquals(await server.ended(), 1);
      assertMatch(server.log, /With appendfsync always no write may be lost/);
    }
    assert(answered > 10, `${answered} answers`);
    await using server = await startServer({ directory: small.path, args });
    using client = await server.connect();
    const length = Number(await client.call("LLEN", "list"));
    assert(length >= answered, `${length} of ${answered}`);
  },
});

testUnless(mountHindrance, {
  name: "BGSAVE on a full disk: the old dump stays, writers hear MISCONF until a save succeeds",
  async fn() {
    await using small = (await SmallDisk.mount("1m"))!;
    await using server = await startServer({ directory: small.path, save: "3600 1" });
    using client = await server.connect();
    await client.expect("SET", "old", "1");
    await client.expect("SAVE");
    const dump = await Deno.readFile(join(small.path, "dump.rdb"));
    await client.expect("CONFIG", "SET", "rdbcompression", "no");
    await client.expect("SET", "large", "y".repeat(2_000_000));
    await saveInBackground(client);
    assert(await isRefused(client), "refused");
    assertMatch(server.log, /cannot save .*dump\.rdb: No space left on device/);
    assertEquals(await Deno.readFile(join(small.path, "dump.rdb")), dump);
    await client.expect("CONFIG", "SET", "rdbcompression", "yes");
    await saveInBackground(client);
    assertEquals(await client.call("SET", "probe", "1"), "OK");
  },
});

Deno.test("a dump.rdb that is a directory is neither loaded nor replaced", async () => {
  await using directory = await TemporaryDirectory.create();
  {
    await using server = await startServer({ directory: directory.path, save: "3600 1" });
    using client = await server.connect();
    await Deno.mkdir(join(directory.path, "dump.rdb"));
    await client.expect("SET", "key", "1");
    assert(await client.call("SAVE") instanceof RespError);
    await saveInBackground(client);
    assert(await isRefused(client), "refused");
    assertMatch(server.log, /cannot save .*dump\.rdb: Is a directory/);
    assertEquals([...Deno.readDirSync(directory.path)].map(({ name }) => name), ["dump.rdb"]);
    await Deno.remove(join(directory.path, "dump.rdb"));
    await saveInBackground(client);
    assertEquals(await client.call("SET", "key", "2"), "OK");
    await client.expect("SAVE");
  }
  await Deno.remove(join(directory.path, "dump.rdb"));
  await Deno.mkdir(join(directory.path, "dump.rdb"));
  const { code, output } = await runToEnd("redeno", [
    "--port",
    String(freePort()),
    "--dir",
    directory.path,
  ]);
  assertEquals(code, 1);
  assertMatch(output, /Is a directory.*dump\.rdb|dump\.rdb.*[Dd]irectory/);
});

testUnless(permissionHindrance, {
  name: "a directory without write permission: saving fails, reading goes on",
  async fn() {
    await using directory = await NobodysDirectory.create();
    await using server = await startServer(directory.options());
    using client = await server.connect();
    await client.expect("SET", "key", "1");
    await Deno.chmod(directory.path, 0o555);
    try {
      await saveInBackground(client);
      assert(await isRefused(client), "refused");
      assertMatch(server.log, /cannot save .*dump\.rdb: Permission denied/);
      assertEquals(await client.call("GET", "key"), "1");
      assert(await client.call("SAVE") instanceof RespError, "SAVE says so too");
      const reply = await client.call("CONFIG", "SET", "appendonly", "yes");
      assertMatch(String(reply), /Unable to turn on AOF/);
      assertMatch(server.log, /Permission denied/);
    } finally {
      await Deno.chmod(directory.path, 0o755);
    }
    await saveInBackground(client);
    assertEquals(await client.call("SET", "key", "2"), "OK");
  },
});

testUnless(permissionHindrance, {
  name:
    "a dump.rdb that may not be written is replaced all the same, one that may not be read ends",
  async fn() {
    await using directory = await NobodysDirectory.create();
    const dump = join(directory.path, "dump.rdb");
    {
      await using server = await startServer(directory.options());
      using client = await server.connect();
      await client.expect("SET", "key", "1");
      await client.expect("SAVE");
      await Deno.chmod(dump, 0o444);
      await client.expect("SET", "key", "2");
      await client.expect("SAVE");
      await Deno.chmod(dump, 0o444);
    }
    {
      await using server = await startServer(directory.options());
      using client = await server.connect();
      assertEquals(await client.call("GET", "key"), "2");
      await Deno.chmod(dump, 0o000);
    }
    const error = await assertRejects(() => startServer(directory.options()), Error);
    assertMatch(error.message, /dump\.rdb.*Permission denied|Permission denied.*dump\.rdb/);
    assert((await Deno.stat(dump)).size > 0, "it is still there");
  },
});

testUnless(permissionHindrance, {
  name: "an increment that may not be written: the start is refused, by name, and nothing is lost",
  async fn() {
    await using directory = await NobodysDirectory.create();
    const increment = join(directory.path, "appendonlydir", "appendonly.aof.1.incr.aof");
    const options = directory.options({ args: AOF, save: "" });
    {
      await using server = await startServer(options);
      using client = await server.connect();
      await client.expect("SET", "key", "1");
      await server.stop();
    }
    await Deno.chmod(increment, 0o444);
    const error = await assertRejects(() => startServer(options), Error);
    assertMatch(error.message, /appendonlydir.*Permission denied/);
    await Deno.chmod(increment, 0o644);
    await using server = await startServer(options);
    using client = await server.connect();
    assertEquals(await client.call("GET", "key"), "1");
  },
});

testUnless(missingReason("linux"), {
  name: "files that may not be written: the AOF is refused at start, by name",
  async fn() {
    await using directory = await TemporaryDirectory.create();
    await stopped(await startServer({ directory: directory.path, args: AOF }));
    const path = join(directory.path, "appendonlydir", "appendonly.aof.1.incr.aof");
    if (isRoot) {
      // Root may write what is read-only; what is a directory nobody can open as a file.
      await Deno.remove(path);
      await Deno.mkdir(path);
    } else {
      await Deno.chmod(path, 0o444);
    }
    const args = ["--port", String(freePort()), "--dir", directory.path, ...AOF];
    const { code, output } = await runToEnd("redeno", args);
    assertEquals(code, 1);
    assertMatch(output, /appendonly\.aof\.1\.incr\.aof|appendonlydir/);
    assertMatch(output, /Permission denied|[Dd]irectory/);
  },
});

async function stopped(server: ServerProcess): Promise<void> {
  await server.stop();
  await server[Symbol.asyncDispose]();
}
