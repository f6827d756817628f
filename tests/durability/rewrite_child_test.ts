/** The AOF's view of the background child: written, failed, aborted. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { Log } from "../../src/base/log.ts";
import { BackgroundChild } from "../../src/persistence/background_child.ts";
import { DiskFileSystem } from "../../src/persistence/file_system.ts";
import type { RewriteOutcome } from "../../src/durability/aof_control.ts";
import { RdbControl } from "../../src/durability/rdb_control.ts";
import { RewriteChild } from "../../src/durability/rewrite_child.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

async function withRewriteChild(
  body: (rewrite: RewriteChild, directory: string, server: EmbeddedServer) => Promise<void>,
): Promise<void> {
  using server = new EmbeddedServer();
  const directory = Deno.makeTempDirSync();
  const { arena, fork, keyspace, config } = server.server;
  const files = new DiskFileSystem();
  const log = new Log();
  log.level = "warning";
  const child = new BackgroundChild({ arena, fork, log, files });
  const nothing = () => {};
  const rdb = new RdbControl({
    config,
    keyspace,
    files,
    log,
    child,
    timers: server.server.timers,
    libraries: server.server.scripting.functions,
    loadingStarted: nothing,
    onLoadProgress: nothing,
    loadingEnded: nothing,
  });
  try {
    await body(new RewriteChild(child, rdb), directory, server);
  } finally {
    child.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

function rewriteTo(rewrite: RewriteChild, path: string, isRdb: boolean): Promise<RewriteOutcome> {
  return new Promise((resolve) => rewrite.startRewrite(path, isRdb, resolve));
}

Deno.test("a base is written as RDB or as commands", async () => {
  await withRewriteChild(async (rewrite, directory, server) => {
    server.run("SET", "k", "v");
    const path = join(directory, "base");
    const running = rewriteTo(rewrite, path, true);
    assertEquals(rewrite.isActive, true);
    assertEquals((await running).kind, "written");
    assertEquals(rewrite.isActive, false);
    const text = new TextDecoder("latin1").decode(Deno.readFileSync(path));
    assert(text.startsWith("REDIS0010"));
    assert(text.includes("aof-base\xc0\x01"));
    assertEquals((await rewriteTo(rewrite, path, false)).kind, "written");
    assert(Deno.readTextFileSync(path).endsWith("$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"));
  });
});

Deno.test("a rewrite that is stopped is aborted, one without a disk has failed", async () => {
  await withRewriteChild(async (rewrite, directory) => {
    const running = rewriteTo(rewrite, join(directory, "base"), true);
    rewrite.abortRewrite();
    assertEquals(await running, { kind: "aborted" });
    const outcome = await rewriteTo(rewrite, join(directory, "none", "base"), true);
    assertEquals(outcome.kind, "failed");
  });
});
