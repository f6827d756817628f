/** Backups: the set of files they become, what ends them, and that nothing else is touched. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { ChildInPlace, KeptLog, microtasks } from "../crash/crash_run.ts";
import { contentsOf } from "../persistence/keyspace_contents.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { type Errno, SimulatedFiles } from "../support/simulated_files.ts";

const DIRECTORY = "/data/backupdir";
const BASE = `${DIRECTORY}/appendonly.aof.1.base.rdb`;
const INCREMENT = `${DIRECTORY}/appendonly.aof.1.incr.aof`;
const MANIFEST = `${DIRECTORY}/appendonly.aof.manifest`;

/** A server on simulated files whose child works when it is told to. */
class Scene implements Disposable {
  readonly files = new SimulatedFiles();
  readonly log = new KeptLog();
  readonly child: ChildInPlace;
  readonly server: EmbeddedServer;

  constructor(...directives: [string, string][]) {
    const { files, log } = this;
    files.syncsAtOnce = true;
    files.makeDirectory("/data");
    this.child = new ChildInPlace(files);
    const createChild = () => this.child;
    this.server = new EmbeddedServer(directives, { files, createChild, log });
    this.server.server.config.dir = "/data";
  }

  run(...args: string[]): unknown {
    return this.server.run(...args);
  }

  get state(): string {
    return (this.run("BACKUP", "STATUS") as string[])[1];
  }

  get paths(): string[] {
    return this.files.paths().filter((path) => path.startsWith(DIRECTORY));
  }

  async snapshot(): Promise<void> {
    assertEquals(this.run("BACKUP", "START"), "OK");
    this.child.work();
    await microtasks();
    assertEquals(this.state, "incrementing");
  }

  tick(): void {
    this.server.server.persistence.tick(clock.nowMs());
  }

  [Symbol.dispose](): void {
    this.server[Symbol.dispose]();
  }
}

/** What a server holds that is started with a `preload-file`. */
async function restored(files: SimulatedFiles, target: string): Promise<Map<string, string>> {
  using server = new EmbeddedServer([["preload-file", target]], { files, log: new KeptLog() });
  server.server.config.dir = "/data";
  await server.server.persistence.loadAtStart();
  return contentsOf(server);
}

for (const preamble of ["yes", "no"]) {
  Deno.test(`a sealed backup is the data at SEAL, base as RDB: ${preamble}`, async () => {
    using scene = new Scene(["aof-use-rdb-preamble", preamble]);
    scene.run("SET", "before", "1");
    scene.run("SELECT", "3");
    scene.run("HSET", "h", "f", "v", "g", "w");
    scene.run("HPEXPIREAT", "h", "9000000000000", "FIELDS", "1", "f");
    assertEquals(scene.run("BACKUP", "START"), "OK");
    assertEquals([scene.state, scene.run("BACKUP", "LIST")], ["snapshotting", []]);
    // While the child writes, and behind it.
    scene.run("RPUSH", "l", "a", "b");
    scene.child.work();
    await microtasks();
    const base = preamble === "yes" ? BASE : BASE.replace(/rdb$/, "aof");
    assertEquals([scene.state, scene.run("BACKUP", "LIST")], ["incrementing", [base]]);
    scene.run("MULTI");
    scene.run("SELECT", "0");
    scene.run("INCR", "before");
    scene.run("DEL", "nothing");
    scene.run("EXEC");
    assertEquals(scene.run("BACKUP", "SEAL"), "OK");
    const expected = contentsOf(scene.server);
    scene.server.client.run("SELECT", "0");
    scene.run("SET", "behind", "1");
    assertEquals(scene.run("BACKUP", "LIST"), [base, INCREMENT, MANIFEST]);
    assertEquals(scene.paths, [base, INCREMENT, MANIFEST]);
    assertEquals(expected.size, 3);
    assertEquals(await restored(scene.files, `aof:${MANIFEST}`), expected);
    assertEquals(await restored(scene.files, "aof:backupdir/appendonly.aof.manifest"), expected);
    assertEquals(scene.server.server.propagation.isWanted, false);
  });
}

Deno.test("STATUS tells state, error and times; INFO whether one is in progress", async () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    using scene = new Scene();
    const info = () => /backup_in_progress:(\d)/.exec(String(scene.run("INFO", "persistence")))![1];
    const idle = ["state", "idle", "error", "", "start_time", "0", "end_time", "0"];
    assertEquals([scene.run("BACKUP", "STATUS"), info()], [idle, "0"]);
    await scene.snapshot();
    assertEquals(info(), "1");
    clock.advanceForTests(5000);
    scene.run("BACKUP", "SEAL");
    assertEquals(scene.run("BACKUP", "STATUS"), [
      ...["state", "sealed", "error", "", "start_time", "1700000000", "end_time", "1700000005"],
    ]);
    assertEquals(info(), "0");
    assertEquals(scene.run("BACKUP", "CLEANUP"), "OK");
    assertEquals([scene.run("BACKUP", "STATUS"), scene.paths], [idle, []]);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("subcommands that do not fit the state are refused, and change nothing", async () => {
  using scene = new Scene();
  const refused = (subcommand: string, text: string) => {
    const { state } = scene;
    assertStringIncludes(String(scene.run("BACKUP", subcommand)), text);
    assertEquals(scene.state, state);
  };
  refused("SEAL", "No backup is there that could be sealed");
  refused("ABORT", "No backup is in progress");
  assertEquals(scene.run("BACKUP", "CLEANUP"), "OK");
  scene.run("BACKUP", "START");
  refused("START", "in progress already");
  refused("SEAL", "No backup is there");
  refused("CLEANUP", "BACKUP ABORT ends it");
  scene.child.work();
  await microtasks();
  refused("START", "in progress already");
  refused("CLEANUP", "BACKUP ABORT ends it");
  scene.run("BACKUP", "SEAL");
  refused("START", "BACKUP CLEANUP removes it");
  refused("SEAL", "No backup is there");
  refused("ABORT", "No backup is in progress");
  assertStringIncludes(String(scene.run("BACKUP", "START", "x")), "wrong number of arguments");
  assertStringIncludes(String(scene.run("BACKUP", "NOW")), "unknown subcommand");
});

Deno.test("a directory with anything in it is refused, and left as it is", () => {
  using scene = new Scene(["backupdirname", "kept"]);
  scene.files.put("/data/kept/mine", new Uint8Array(3));
  assertMatch(String(scene.run("BACKUP", "START")), /\/data\/kept: it is not empty/);
  assertEquals(scene.state, "idle");
  scene.run("BACKUP", "CLEANUP");
  assertEquals(scene.files.content("/data/kept/mine").length, 3);
});

Deno.test("ABORT removes what was written, and another backup can begin", async () => {
  using scene = new Scene();
  scene.run("SET", "k", "1");
  scene.run("BACKUP", "START");
  assertEquals(scene.run("BACKUP", "ABORT"), "OK");
  assertEquals([scene.state, scene.paths], ["failed", []]);
  scene.child.work();
  await microtasks();
  assertEquals([scene.state, scene.paths], ["failed", []]);
  await scene.snapshot();
  scene.run("SET", "k", "2");
  assertEquals(scene.run("BACKUP", "ABORT"), "OK");
  assertEquals([scene.state, scene.paths], ["failed", []]);
  assertEquals((scene.run("BACKUP", "STATUS") as string[])[3], "aborted");
  assertEquals(scene.server.server.propagation.isWanted, false);
  await scene.snapshot();
  assertEquals(scene.run("BACKUP", "SEAL"), "OK");
});

Deno.test("while the child is at work, or within EXEC, a backup waits", async () => {
  using scene = new Scene();
  scene.run("SET", "k", "1");
  scene.run("BGSAVE");
  assertEquals(scene.run("BACKUP", "START"), "OK");
  assertEquals([scene.state, scene.paths], ["pending", []]);
  scene.child.work();
  await microtasks();
  scene.tick();
  assertEquals(scene.state, "snapshotting");
  scene.run("BACKUP", "ABORT");
  scene.child.work();
  await microtasks();
  scene.run("MULTI");
  scene.run("SET", "k", "2");
  scene.run("BACKUP", "START");
  scene.run("INCR", "k");
  assertEquals(scene.run("EXEC"), ["OK", "OK", 3]);
  assertEquals(scene.state, "pending");
  scene.tick();
  scene.child.work();
  await microtasks();
  scene.run("MULTI");
  scene.run("INCR", "k");
  scene.run("BACKUP", "SEAL");
  scene.run("INCR", "k");
  assertEquals(scene.run("EXEC"), [4, "OK", 5]);
  assertEquals(scene.state, "sealed");
  scene.tick();
  assertEquals(scene.server.server.propagation.isWanted, false);
  // What the unit changed is in it as a whole or, as here, not at all.
  const contents = await restored(scene.files, `aof:${MANIFEST}`);
  assertStringIncludes(contents.get("0 k")!, "3");
});

Deno.test("a full disk ends the backup; clients and the server's own files do not notice", async () => {
  using scene = new Scene(["appendonly", "yes"]);
  await scene.server.server.persistence.loadAtStart();
  scene.run("SET", "k", "1");
  await scene.snapshot();
  scene.files.failure = (name, path): Errno | null =>
    name === "write" && path.startsWith(DIRECTORY) ? "ENOSPC" : null;
  assertEquals(scene.run("SET", "k", "2"), "OK");
  assertEquals(scene.server.server.persistence.beforeReplies(), true);
  assertEquals([scene.state, scene.paths], ["failed", []]);
  assertEquals((scene.run("BACKUP", "STATUS") as string[])[3], "No space left on device");
  assertEquals(scene.run("SET", "k", "3"), "OK");
  assertEquals(scene.server.server.persistence.beforeReplies(), true);
  scene.files.failure = null;
  const aof = new TextDecoder().decode(
    scene.files.content("/data/appendonlydir/appendonly.aof.1.incr.aof"),
  );
  assertMatch(aof, /\$1\r\n1\r\n[^]*\$1\r\n2\r\n[^]*\$1\r\n3\r\n/);
});

for (const call of ["write", "sync", "rename"] as const) {
  Deno.test(`a manifest that cannot be written (${call}) fails SEAL with the reason`, async () => {
    using scene = new Scene();
    await scene.snapshot();
    scene.run("SET", "k", "1");
    scene.files.failure = (name, path): Errno | null =>
      name === call && path.includes("manifest") ? "EIO" : null;
    assertStringIncludes(String(scene.run("BACKUP", "SEAL")), "Input/output error");
    scene.files.failure = null;
    assertEquals([scene.state, scene.paths], ["failed", []]);
  });
}

Deno.test("a snapshot that fails, and data of a master, end a backup", async () => {
  using scene = new Scene();
  scene.run("SET", "k", "1");
  scene.run("BACKUP", "START");
  scene.files.failure = (name): Errno | null => name === "write" ? "EIO" : null;
  scene.child.work();
  await microtasks();
  scene.files.failure = null;
  assertEquals([scene.state, scene.paths], ["failed", []]);
  await scene.snapshot();
  scene.server.server.persistence.backup.dataReplaced();
  assertEquals([scene.state, scene.paths], ["failed", []]);
  assertStringIncludes((scene.run("BACKUP", "STATUS") as string[])[3], "of a master");
});

Deno.test("the AOF and its rewrites go on beside a backup", async () => {
  using scene = new Scene(["appendonly", "yes"]);
  await scene.server.server.persistence.loadAtStart();
  scene.run("SET", "k", "1");
  await scene.snapshot();
  scene.run("SET", "k", "2");
  assertMatch(String(scene.run("BGREWRITEAOF")), /started/);
  scene.child.work();
  await microtasks();
  scene.run("SET", "k", "3");
  assertEquals(scene.run("BACKUP", "SEAL"), "OK");
  scene.run("SET", "k", "4");
  scene.server.server.persistence.beforeReplies();
  const sealed = await restored(scene.files, `aof:${MANIFEST}`);
  assertStringIncludes(sealed.get("0 k")!, "3");
  using again = new EmbeddedServer([["appendonly", "yes"]], {
    files: scene.files,
    log: new KeptLog(),
  });
  again.server.config.dir = "/data";
  await again.server.persistence.loadAtStart();
  assertEquals(again.run("GET", "k"), "4");
});

Deno.test("backup-sealed-ttl removes a sealed backup when its time has come", async () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    using scene = new Scene(["backup-sealed-ttl", "60"]);
    await scene.snapshot();
    scene.run("BACKUP", "SEAL");
    clock.advanceForTests(59_000);
    scene.tick();
    assertEquals([scene.state, scene.paths.length], ["sealed", 3]);
    clock.advanceForTests(1000);
    scene.tick();
    assertEquals([scene.state, scene.paths], ["idle", []]);
    assert(scene.log.lines.some((line) => line.includes("backup-sealed-ttl")));
  } finally {
    clock.useRealTime();
  }
});

Deno.test("the end of the server leaves no half of a backup", async () => {
  using scene = new Scene();
  await scene.snapshot();
  await scene.server.server.persistence.close();
  assertEquals(scene.paths, []);
});
