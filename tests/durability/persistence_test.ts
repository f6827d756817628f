/** Persistence: when writers are refused, and when they are let in again. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import * as clock from "../../src/base/clock.ts";
import { GATE_LOADING, GATE_MISCONF } from "../../src/session/gates.ts";
import { ChildInPlace, KeptLog, microtasks } from "../crash/crash_run.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { type Errno, SimulatedFiles } from "../support/simulated_files.ts";

Deno.test("after a failed save writers and PING are refused, readers are not, until it is healed", () => {
  const files = new SimulatedFiles();
  using server = new EmbeddedServer([["save", "900 1"]], { files });
  const { server: inner } = server;
  inner.log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  inner.config.dir = "/data";
  assertEquals(server.raw("SET", "a", "1"), "+OK\r\n");
  files.failure = (name): Errno | null => name === "write" ? "ENOSPC" : null;
  inner.persistence.rdb.lastStatusOk = false;
  // It tries to save, cannot, and looks again whether writers must be refused.
  inner.persistence.afterFlushAll();
  assert((inner.gates.bits & GATE_MISCONF) !== 0);
  for (const command of [["SET", "a", "2"], ["DEL", "a"], ["PING"]]) {
    const reply = server.raw(...command);
    assert(reply.startsWith("-MISCONF Redis is configured to save RDB snapshots"), reply);
  }
  assertEquals(server.raw("GET", "a"), "$1\r\n1\r\n");
  server.run("MULTI");
  assert(server.raw("SET", "a", "3").startsWith("-MISCONF"));
  assert(server.raw("EXEC").startsWith("-EXECABORT"));
  files.failure = null;
  assertEquals(server.raw("SAVE"), "+OK\r\n");
  assertEquals(server.raw("SET", "a", "2"), "+OK\r\n");
});

Deno.test("nothing to record lets replies go at once", () => {
  using server = new EmbeddedServer();
  assertEquals([server.server.propagation.isWanted, server.server.persistence.beforeReplies()], [
    false,
    true,
  ]);
});

/** A server on simulated files whose child works when it is told to. */
function scene(
  ...directives: [string, string][]
): { server: EmbeddedServer; child: ChildInPlace; files: SimulatedFiles; log: KeptLog } {
  const files = new SimulatedFiles();
  files.syncsAtOnce = true;
  const child = new ChildInPlace(files);
  const log = new KeptLog();
  const options = { files, createChild: () => child, log };
  const server = new EmbeddedServer(directives, options);
  server.server.config.dir = "/data";
  return { server, child, files, log };
}

function field(server: EmbeddedServer, name: string): string {
  const text = String(server.run("INFO", "persistence"));
  return new RegExp(`^${name}:(.*)\r$`, "m").exec(text)![1];
}

Deno.test("INFO shows a running BGSAVE: keys done and in all, percent, memory cloned", async () => {
  const { server, child, log } = scene();
  using _ = server;
  for (let index = 0; index < 40; index++) server.run("SET", `key:${index}`, "v");
  server.run("BGSAVE");
  assertEquals(field(server, "rdb_bgsave_in_progress"), "1");
  assertEquals(field(server, "current_cow_size"), "0");
  server.run("SET", "key:1", "w");
  assert(Number(field(server, "current_cow_size")) > 0);
  assertEquals(field(server, "current_cow_peak"), field(server, "current_cow_size"));
  child.reportProgress(10);
  assertEquals(field(server, "current_save_keys_processed"), "10");
  assertEquals(field(server, "current_save_keys_total"), "40");
  assertEquals(field(server, "current_fork_perc"), "25.00");
  server.server.persistence.tick(clock.nowMs() + 5000);
  assertMatch(log.lines.join("\n"), /Background saving: 25 %, \d+\.\d MB\/s/);
  child.work();
  await microtasks();
  assertEquals(field(server, "rdb_bgsave_in_progress"), "0");
  assertEquals(field(server, "current_save_keys_total"), "0");
  assertEquals(field(server, "current_cow_size"), "0");
  assert(Number(field(server, "rdb_last_cow_size")) > 0);
  assertEquals([field(server, "rdb_saves"), field(server, "rdb_last_bgsave_status")], ["1", "ok"]);
});

Deno.test("a BGSAVE that is renamed already is void once all is flushed", async () => {
  const { server, child, files } = scene(["save", "900 1"]);
  using _ = server;
  files.syncsAtOnce = false;
  server.run("SET", "old", "1");
  server.run("BGSAVE");
  child.work();
  await microtasks();
  assertEquals(field(server, "rdb_bgsave_in_progress"), "1", "the directory is not synced yet");
  server.run("FLUSHALL");
  assertEquals(field(server, "rdb_bgsave_in_progress"), "0");
  files.completeSyncs();
  await microtasks();
  assertEquals(field(server, "rdb_changes_since_last_save"), "0");
  await assertDumpHas(files, 0);
});

async function assertDumpHas(files: SimulatedFiles, keyCount: number): Promise<void> {
  using server = new EmbeddedServer([], { files: files.afterKill(), log: new KeptLog() });
  server.server.config.dir = "/data";
  await server.server.persistence.loadAtStart();
  assertEquals(server.run("DBSIZE"), keyCount);
}

Deno.test("an end of the process takes along what the child was writing", () => {
  const { server, files } = scene(["save", ""]);
  using _ = server;
  server.run("SET", "key", "1");
  server.run("BGSAVE");
  files.put(`/data/temp-${Deno.pid}-1.rdb`, new Uint8Array(10));
  assertEquals(
    server.server.process.prepareForShutdown({ save: "never", isForced: false, isNow: true }),
    true,
  );
  assertEquals(files.paths(), []);
});

Deno.test("a slow disk is in the latency monitor, event by event", async () => {
  clock.setTimeForTests(1_700_000_000_000);
  const { server, child, files } = scene(["latency-monitor-threshold", "5"]);
  try {
    const events = () => [...server.server.latency.events.keys()].sort();
    files.onCall = (name) => {
      if (name === "write" || name === "sync") clock.advanceForTests(6);
      else if (name === "rename" || name === "stat") clock.advanceForTests(7);
    };
    server.run("CONFIG", "SET", "appendfsync", "always");
    server.run("CONFIG", "SET", "appendonly", "yes");
    server.run("SET", "key", "1");
    server.server.turn.end();
    assertEquals(events().filter((name) => name.startsWith("aof-write")), [
      "aof-write",
      "aof-write-active-child",
    ]);
    child.work();
    await microtasks();
    server.run("SET", "key", "2");
    server.server.turn.end();
    for (const name of ["aof-write-alone", "aof-fsync-always", "aof-rename", "aof-fstat"]) {
      assert(events().includes(name), `${name} in ${events()}`);
    }
  } finally {
    files.onCall = null;
    clock.useRealTime();
    server[Symbol.dispose]();
  }
});

Deno.test("DEBUG LOADAOF loads what BGREWRITEAOF has written, also with appendonly off", async () => {
  const { server, child, log } = scene(["enable-debug-command", "yes"]);
  server.run("SET", "a", "1");
  assertEquals(server.run("BGREWRITEAOF"), "Background append only file rewriting started");
  child.work();
  await microtasks();
  server.run("SET", "a", "2");
  server.run("SET", "b", "2");
  const { persistence } = server.server;
  const loaded = Promise.withResolvers<void>();
  const { gates, propagation } = server.server;
  const setGate = gates.set.bind(gates);
  gates.set = (gate, isOn) => {
    setGate(gate, isOn);
    if (gate === GATE_LOADING && !isOn) loaded.resolve();
  };
  assertEquals(server.connect().raw("DEBUG", "LOADAOF"), "", "the reply comes when all is loaded");
  await loaded.promise;
  await microtasks();
  assertEquals(server.run("MGET", "a", "b"), ["1", null]);
  assert(log.lines.includes("# DEBUG LOADAOF has read the AOF"));
  assertEquals([persistence.aof.isEnabled, propagation.isWanted], [false, false]);
  server[Symbol.dispose]();
});

Deno.test("DEBUG LOADAOF without any AOF leaves an empty data set", async () => {
  const { server } = scene(["enable-debug-command", "yes"]);
  server.run("SET", "a", "1");
  server.connect().raw("DEBUG", "LOADAOF");
  await microtasks();
  assertEquals(server.run("DBSIZE"), 0);
  server[Symbol.dispose]();
});

Deno.test("appendonly no ends a rewrite that is under way, and says so", async () => {
  const { server, child, files, log } = scene(["appendonly", "yes"]);
  await server.server.persistence.loadAtStart();
  server.run("SET", "a", "1");
  server.run("BGREWRITEAOF");
  assertEquals(field(server, "aof_rewrite_in_progress"), "1");
  assertEquals(server.run("CONFIG", "SET", "appendonly", "no"), "OK");
  assert(log.lines.includes("The AOF is off, so its rewrite is given up"));
  child.work();
  await microtasks();
  assertEquals(field(server, "aof_rewrite_in_progress"), "0");
  assertEquals(files.paths().filter((path) => path.includes("temp-")), []);
  server[Symbol.dispose]();
});

Deno.test("a BGSAVE under way keeps the name and the directory that it began with", async () => {
  const { server, child, files } = scene();
  server.run("SET", "a", "1");
  server.run("BGSAVE");
  files.makeDirectory("/other");
  server.server.config.dir = "/other";
  server.server.config.dbfilename = "other.rdb";
  child.work();
  await microtasks();
  assertEquals(files.paths(), ["/data/dump.rdb"]);
  assertEquals(server.run("SAVE"), "OK");
  assertEquals(files.paths(), ["/data/dump.rdb", "/other/other.rdb"]);
  server[Symbol.dispose]();
});

Deno.test("CONFIG SET dir and CONFIG REWRITE: the AOF goes where the next start looks", async () => {
  const directives: [string, string][] = [["appendonly", "yes"], [
    "enable-protected-configs",
    "yes",
  ]];
  const { server, child, files } = scene(...directives);
  await server.server.persistence.loadAtStart();
  server.run("SET", "a", "1");
  const other = Deno.makeTempDirSync({ prefix: "redeno_test_" });
  try {
    files.makeDirectory(other);
    assertEquals(server.run("CONFIG", "SET", "dir", other), "OK");
    server.server.config.configFile = join(other, "redeno.conf");
    assertEquals(server.run("CONFIG", "REWRITE"), "OK");
    server.server.runCron();
    child.work();
    await microtasks();
    server.run("SET", "b", "2");
    server.server.turn.end();
    const { dir } = server.server.config;
    const options = { files: files.afterKill() };
    using next = new EmbeddedServer([["appendonly", "yes"], ["dir", dir]], options);
    next.server.log.open("/dev/null");
    await next.server.persistence.loadAtStart();
    assertEquals(next.run("MGET", "a", "b"), ["1", "2"]);
    next.server.propagation.detach(next.server.persistence.aof.writer);
  } finally {
    server.server.propagation.detach(server.server.persistence.aof.writer);
    server[Symbol.dispose]();
    Deno.removeSync(other, { recursive: true });
  }
});
