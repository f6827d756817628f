/** When dump.rdb is written and read: SAVE, BGSAVE, save points, failures, loading. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import * as clock from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import type { RedisRelease } from "../../src/config/version.ts";
import { BackgroundChild } from "../../src/persistence/background_child.ts";
import { DiskFileSystem } from "../../src/persistence/file_system.ts";
import { RdbFormatError } from "../../src/persistence/rdb_format.ts";
import { RdbControl } from "../../src/durability/rdb_control.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { fromLatin1 } from "../support/text.ts";
import { contentsOf } from "../persistence/keyspace_contents.ts";

const HOUR_MS = 3_600_000;

/** A disk that can be told to fail renames. */
class StubbornFileSystem extends DiskFileSystem {
  renameError: string | null = null;

  override rename(from: string, to: string): void {
    if (this.renameError !== null) throw new Error(this.renameError);
    super.rename(from, to);
  }
}

class Fixture {
  readonly directory = Deno.makeTempDirSync();
  readonly files = new StubbornFileSystem();
  readonly server: EmbeddedServer;
  readonly child: BackgroundChild;
  readonly rdb: RdbControl;
  readonly loading: number[] = [];

  constructor(save = "900 1 300 10", directory?: string) {
    const directives: [string, string][] = [["save", save]];
    this.server = new EmbeddedServer(directives);
    const { arena, fork, keyspace, config } = this.server.server;
    config.dir = directory ?? this.directory;
    const log = new Log();
    log.open(join(this.directory, "log"));
    const { files, loading } = this;
    this.child = new BackgroundChild({ arena, fork, log, files });
    this.rdb = new RdbControl({
      config,
      keyspace,
      files,
      log,
      child: this.child,
      timers: this.server.server.timers,
      libraries: this.server.server.scripting.functions,
      loadingStarted: (bytes) => loading.push(bytes),
      onLoadProgress: (bytes) => loading.push(bytes),
      loadingEnded: () => loading.push(-1),
    });
  }

  get log(): string {
    return Deno.readTextFileSync(join(this.directory, "log"));
  }

  /** Resolves when the running job has ended. */
  async settled(): Promise<void> {
    while (this.child.isRunning || this.rdb.isSaving) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.resolve();
  }

  close(): void {
    this.child.close();
    this.server[Symbol.dispose]();
    Deno.removeSync(this.directory, { recursive: true });
  }
}

async function withFixture(
  body: (fixture: Fixture) => void | Promise<void>,
  save?: string,
): Promise<void> {
  const fixture = new Fixture(save);
  try {
    await body(fixture);
  } finally {
    clock.useRealTime();
    fixture.close();
  }
}

Deno.test("SAVE writes a file that is loaded again", async () => {
  await withFixture(async ({ rdb, server, files, directory, loading }) => {
    server.run("SET", "k", "v");
    server.run("RPUSH", "l", 1, 2, 3);
    assertEquals(rdb.changesSinceLastSave, 4);
    assertEquals(rdb.saveNow(), null);
    assertEquals(rdb.changesSinceLastSave, 0);
    assertEquals(files.list(directory), ["dump.rdb", "log"]);
    const expected = contentsOf(server);
    server.run("FLUSHDB");
    assertEquals(await rdb.loadDump(), true);
    assertEquals(contentsOf(server), expected);
    assertEquals(rdb.lastLoadedKeyCount, 2);
    assertEquals(loading, [files.stat(rdb.path)!.bytes, -1]);
  });
});

Deno.test("without a file nothing is loaded", async () => {
  await withFixture(async ({ rdb }) => assertEquals(await rdb.loadDump(), false));
});

Deno.test("a damaged file is refused, with path and offset", async () => {
  await withFixture(async ({ rdb, server }) => {
    Deno.writeTextFileSync(rdb.path, "REDIS0010 nonsense");
    const error = await assertRejects(() => rdb.loadDump(), RdbFormatError);
    assertMatch(error.message, /dump\.rdb": .* at offset \d+$/);
    assertEquals(server.server.keyspace.isLoading, false);
  });
});

Deno.test("a failed SAVE leaves the old file and no temporary one", async () => {
  await withFixture(({ rdb, server, files, directory, log: _ }) => {
    server.run("SET", "k", "v");
    assertEquals(rdb.saveNow(), null);
    const before = Deno.readFileSync(rdb.path);
    server.run("SET", "k", "w");
    files.renameError = "Permission denied (os error 13): rename";
    assertMatch(rdb.saveNow()!, /dump\.rdb: Permission denied$/);
    assertEquals(files.list(directory), ["dump.rdb", "log"]);
    assertEquals(Deno.readFileSync(rdb.path), before);
    assertEquals(rdb.changesSinceLastSave, 1);
  });
});

Deno.test("BGSAVE writes what was there at its begin and counts later changes", async () => {
  await withFixture(async (fixture) => {
    const { rdb, server, files, directory } = fixture;
    server.run("SET", "k", "v");
    assertEquals(rdb.requestBackgroundSave(false, false), "started");
    assertEquals(rdb.isSaving, true);
    assertEquals(rdb.requestBackgroundSave(true, false), "saving");
    server.run("SET", "k", "w");
    server.run("SET", "later", "w");
    await fixture.settled();
    assertEquals(rdb.isSaving, false);
    assertEquals(rdb.changesSinceLastSave, 2);
    assertEquals(rdb.lastStatusOk, true);
    assert(rdb.lastDurationMs >= 0);
    assertEquals(files.list(directory), ["dump.rdb", "log"]);
    server.run("FLUSHDB");
    await rdb.loadDump();
    assertEquals(server.run("GET", "k"), "v");
    assertEquals(server.run("EXISTS", "later"), 0);
    assertMatch(fixture.log, /Background saving terminated with success/);
  });
});

Deno.test("a file says that the version that is announced wrote it, and DUMP is the same for each", async () => {
  for (const [release, version] of [["7.0", "7.0.15"], ["7.2", "7.2.4"], ["7.4", "7.4.2"]]) {
    await withFixture(async (fixture) => {
      const { rdb, server, directory } = fixture;
      const base = join(directory, "base.rdb");
      server.server.config.redisVersion = release as RedisRelease;
      server.run("SET", "k", "v");
      const head = "REDIS0010\xfa\x09redis-ver" + String.fromCharCode(version!.length) + version;
      const headOf = (path: string) => fromLatin1(Deno.readFileSync(path)).slice(0, head.length);
      assertEquals(rdb.saveNow(), null);
      assertEquals(headOf(rdb.path), head, "SAVE");
      Deno.removeSync(rdb.path);
      assertEquals(rdb.requestBackgroundSave(false, false), "started");
      await fixture.settled();
      assertEquals(headOf(rdb.path), head, "BGSAVE");
      server.run("FLUSHDB");
      await rdb.loadDump();
      assert(fixture.log.includes(`The RDB file was written by version ${version}\n`));
      assertEquals((await rdb.runRewrite(base, true)).outcome, "ok");
      assertEquals(headOf(base), head, "base of an AOF");
      // Value, version of the format, checksum: redis-server's 7.0.15.
      const payload = "\0\x01v\n\0\x91\b\xce\xb2\x198\x8a\xce";
      assertEquals(server.raw("DUMP", "k"), `$13\r\n${payload}\r\n`);
    });
  }
});

Deno.test("BGSAVE beside another child is refused, or scheduled if it may wait", async () => {
  await withFixture(async (fixture) => {
    const { rdb, directory } = fixture;
    const rewrite = rdb.runRewrite(join(directory, "base"), true);
    assertEquals(rdb.requestBackgroundSave(false, false), "busy");
    assertEquals(rdb.requestBackgroundSave(true, false), "scheduled");
    rdb.tick(clock.nowMs());
    assertEquals(rdb.isSaving, false);
    assertEquals((await rewrite).outcome, "ok");
    rdb.tick(clock.nowMs());
    assertEquals(rdb.isSaving, true);
    assertEquals(rdb.isScheduled, false);
    await fixture.settled();
  });
});

Deno.test("BGSAVE inside a transaction is scheduled", async () => {
  await withFixture(({ rdb }) => {
    assertEquals(rdb.requestBackgroundSave(false, true), "scheduled");
  });
});

Deno.test("a clock that was set back does not keep a save point from holding", async () => {
  await withFixture(async (fixture) => {
    const { rdb, server } = fixture;
    server.run("SET", "k", "v");
    rdb.tick(rdb.lastSaveMs + 1000);
    assertEquals(rdb.isSaving, false);
    rdb.tick(rdb.lastSaveMs - 3_600_000);
    assertEquals(rdb.isSaving, true);
    await fixture.settled();
  });
});

Deno.test("a save point that holds starts a save, and any one is enough", async () => {
  await withFixture(async (fixture) => {
    const { rdb, server } = fixture;
    const startMs = rdb.lastSaveMs;
    rdb.tick(startMs + 901_000);
    assertEquals(rdb.isSaving, false, "no change, no save");
    server.run("SET", "k", "v");
    rdb.tick(startMs + 900_000);
    assertEquals(rdb.isSaving, false, "not yet");
    rdb.tick(startMs + 901_000);
    assertEquals(rdb.isSaving, true);
    await fixture.settled();
    assertMatch(fixture.log, /Save point reached: 1 changes in 900 seconds/);
    for (let index = 0; index < 10; index++) server.run("INCR", "n");
    rdb.tick(rdb.lastSaveMs + 301_000);
    assertEquals(rdb.isSaving, true);
    await fixture.settled();
  });
});

Deno.test("a failed BGSAVE refuses writes, and is tried again after five seconds", async () => {
  await withFixture(async (fixture) => {
    const { rdb, server, files } = fixture;
    clock.setTimeForTests(clock.nowMs());
    server.run("SET", "k", "v");
    files.renameError = "No space left on device (os error 28): rename";
    rdb.startBackgroundSave();
    await fixture.settled();
    assertEquals(rdb.lastStatusOk, false);
    assertEquals(rdb.refusesWrites, true);
    assertEquals(rdb.changesSinceLastSave, 1);
    assertMatch(fixture.log, /Background saving error: .*dump\.rdb: No space left on device/);
    files.renameError = null;
    rdb.lastSaveMs -= HOUR_MS;
    rdb.tick(clock.nowMs() + 5000);
    assertEquals(rdb.isSaving, false);
    rdb.tick(clock.nowMs() + 5001);
    assertEquals(rdb.isSaving, true);
    await fixture.settled();
    assertEquals(rdb.refusesWrites, false);
  });
});

Deno.test("FLUSHALL voids a running BGSAVE and writes an empty file", async () => {
  await withFixture(async (fixture) => {
    const { rdb, server, files, directory } = fixture;
    for (let index = 0; index < 500; index++) server.run("SET", `k${index}`, "v");
    rdb.startBackgroundSave();
    for (const db of server.server.keyspace.databases) db.clear();
    rdb.afterFlushAll();
    await fixture.settled();
    assertEquals(files.list(directory), ["dump.rdb", "log"]);
    await rdb.loadDump();
    assertEquals(server.run("DBSIZE"), 0);
    assertEquals(rdb.lastStatusOk, true);
  });
});

Deno.test("FLUSHALL writes nothing without save points", async () => {
  await withFixture(({ rdb, files }) => {
    rdb.afterFlushAll();
    assertEquals(files.stat(rdb.path), null);
  }, "");
});

/** An RDB file that holds a library and nothing else. */
function libraryFile(library: string): Uint8Array {
  const head = `REDIS0010\xf5${String.fromCharCode(library.length)}${library}\xff`;
  return Uint8Array.from(head + "\0".repeat(8), (character) => character.charCodeAt(0));
}

Deno.test("function libraries of a loaded file can be called, and are written again", async () => {
  await withFixture(async ({ rdb, server }) => {
    server.run("CONFIG", "SET", "rdbcompression", "no");
    const library = "#!lua name=lib\nredis.register_function('f',function() end)";
    Deno.writeFileSync(rdb.path, libraryFile(library));
    await rdb.loadDump();
    assertEquals(server.run("FCALL", "f", "0"), null);
    rdb.saveNow();
    assertMatch(new TextDecoder("latin1").decode(Deno.readFileSync(rdb.path)), /#!lua name=lib/);
  });
});

Deno.test("a file whose library cannot be loaded is not loaded", async () => {
  await withFixture(async ({ rdb }) => {
    Deno.writeFileSync(rdb.path, libraryFile("#!lua name=lib\nif"));
    await assertRejects(() => rdb.loadDump(), Error, "Error compiling function");
  });
});
