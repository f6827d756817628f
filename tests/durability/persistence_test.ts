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

/** A server whose BGSAVE has put its file in its place, and waits for the sync of the directory. */
async function renamedScene(): Promise<ReturnType<typeof scene>> {
  const made = scene(["save", "900 1"]);
  const { server, child, files } = made;
  files.syncsAtOnce = false;
  server.run("SET", "old", "1");
  server.run("BGSAVE");
  child.work();
  await microtasks();
  assertEquals(field(server, "rdb_bgsave_in_progress"), "1", "the directory is not synced yet");
  return made;
}

Deno.test("a BGSAVE that is renamed already is void once all is flushed", async () => {
  const { server, files } = await renamedScene();
  using _ = server;
  server.run("FLUSHALL");
  assertEquals(field(server, "rdb_bgsave_in_progress"), "0");
  files.completeSyncs();
  await microtasks();
  assertEquals(field(server, "rdb_changes_since_last_save"), "0");
  await assertDumpHas(files, 0);
});

Deno.test("a BGSAVE is void although the child was just done when all is flushed", async () => {
  const { server, child, files } = scene(["save", "900 1"]);
  using _ = server;
  server.run("SET", "old", "1");
  server.run("BGSAVE");
  child.work();
  // Nobody has heard of the end yet.
  server.run("FLUSHALL");
  await microtasks();
  assertEquals(field(server, "rdb_bgsave_in_progress"), "0");
  assertEquals(field(server, "rdb_changes_since_last_save"), "0");
  assertEquals(files.paths(), ["/data/dump.rdb"]);
  await assertDumpHas(files, 0);
});

Deno.test("a BGSAVE that is void leaves alone what the child has begun since", async () => {
  const { server, child, files, log } = await renamedScene();
  using _ = server;
  assertEquals(server.run("BGREWRITEAOF"), "Background append only file rewriting started");
  server.run("FLUSHALL");
  assertEquals(field(server, "rdb_bgsave_in_progress"), "0");
  child.work();
  files.completeSyncs();
  await microtasks();
  assertEquals(field(server, "rdb_changes_since_last_save"), "0");
  assert(log.lines.includes("Background AOF rewrite finished successfully"));
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

/** Resolves when the data that are loaded next have been. */
async function endOfLoading({ server: { gates } }: EmbeddedServer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const setGate = gates.set.bind(gates);
  gates.set = (gate, isOn) => {
    setGate(gate, isOn);
    if (gate === GATE_LOADING && !isOn) resolve();
  };
  await promise;
  await microtasks();
}

Deno.test("DEBUG LOADAOF loads what BGREWRITEAOF has written, also with appendonly off", async () => {
  const { server, child, log } = scene(["enable-debug-command", "yes"]);
  server.run("SET", "a", "1");
  assertEquals(server.run("BGREWRITEAOF"), "Background append only file rewriting started");
  child.work();
  await microtasks();
  server.run("SET", "a", "2");
  server.run("SET", "b", "2");
  const { persistence, propagation } = server.server;
  const loaded = endOfLoading(server);
  assertEquals(server.connect().raw("DEBUG", "LOADAOF"), "", "the reply comes when all is loaded");
  await loaded;
  assertEquals(server.run("MGET", "a", "b"), ["1", null]);
  assert(log.lines.includes("# DEBUG LOADAOF has read the AOF"));
  assertEquals([persistence.aof.isEnabled, propagation.isWanted], [false, false]);
  server[Symbol.dispose]();
});

const KEYS = 2000;

/** A server whose AOF has a base and an increment with so many keys each, read in small pieces. */
async function recordedScene(): Promise<ReturnType<typeof scene>> {
  const made = scene(
    ["appendonly", "yes"],
    ["enable-debug-command", "yes"],
    ["loading-process-events-interval-bytes", "1024"],
  );
  const { server, child } = made;
  await server.server.persistence.loadAtStart();
  for (let index = 0; index < KEYS; index++) server.run("SET", `base:${index}`, "v");
  server.run("BGREWRITEAOF");
  child.work();
  await server.server.persistence.aof.settled();
  for (let index = 0; index < KEYS; index++) server.run("SET", `increment:${index}`, "v");
  server.server.turn.end();
  return made;
}

Deno.test("of what DEBUG LOADAOF is loading no part is taken for the whole", async () => {
  const { server, child, files } = await recordedScene();
  server.run("CONFIG", "SET", "auto-aof-rewrite-percentage", "1");
  server.run("CONFIG", "SET", "auto-aof-rewrite-min-size", "1");
  const loaded = endOfLoading(server);
  server.connect().send("DEBUG", "LOADAOF");
  server.server.persistence.tick(clock.nowMs());
  assertEquals([field(server, "loading"), field(server, "aof_rewrite_in_progress")], ["1", "0"]);
  // They would save a part, too, and empty the data that the loader goes on with.
  for (const how of ["RELOAD", "LOADAOF"]) {
    assertMatch(server.connect().raw("DEBUG", how), /^-LOADING /);
  }
  await loaded;
  server.server.persistence.tick(clock.nowMs());
  child.work();
  await server.server.persistence.aof.settled();
  using next = new EmbeddedServer([["appendonly", "yes"]], {
    files: files.afterKill(),
    log: new KeptLog(),
  });
  next.server.config.dir = "/data";
  await next.server.persistence.loadAtStart();
  assertEquals(next.run("DBSIZE"), 2 * KEYS);
  for (const { server: { propagation, persistence } } of [server, next]) {
    propagation.detach(persistence.aof.writer);
  }
  server[Symbol.dispose]();
});

Deno.test("a rewrite that ends while DEBUG LOADAOF reads removes no file before it was read", async () => {
  const { server, child, files } = await recordedScene();
  server.run("BGREWRITEAOF");
  const loaded = endOfLoading(server);
  const client = server.connect();
  client.send("DEBUG", "LOADAOF");
  child.work();
  await loaded;
  assertEquals([client.takeRaw(), server.run("DBSIZE")], ["+OK\r\n", 2 * KEYS]);
  await server.server.persistence.aof.settled();
  const names = files.paths().map((path) => path.replace(/.*\.aof\./, "")).sort();
  assertEquals(names, ["3.base.rdb", "3.incr.aof", "manifest"]);
  server.server.propagation.detach(server.server.persistence.aof.writer);
  server[Symbol.dispose]();
});

Deno.test("DEBUG LOADAOF touches the watched keys that go", async () => {
  const { server } = await recordedScene();
  const watcher = server.connect();
  watcher.run("WATCH", "base:1");
  watcher.run("MULTI");
  watcher.run("PING");
  const loaded = endOfLoading(server);
  server.connect().send("DEBUG", "LOADAOF");
  await loaded;
  assertEquals(watcher.raw("EXEC"), "*-1\r\n");
  server.server.propagation.detach(server.server.persistence.aof.writer);
  server[Symbol.dispose]();
});

/** Asks to be served at each step that asynchronous functions make. */
async function askUntil(isOver: () => boolean, server: EmbeddedServer): Promise<void> {
  const client = server.connect();
  while (!isOver()) {
    client.raw("INCR", "count");
    server.server.turn.end();
    await Promise.resolve();
  }
}

/** What a server finds that starts with these files. */
async function recorded(files: SimulatedFiles, key: string): Promise<unknown> {
  const options = { files: files.afterKill(), log: new KeptLog() };
  using server = new EmbeddedServer([["appendonly", "yes"]], options);
  server.server.config.dir = "/data";
  await server.server.persistence.loadAtStart();
  server.server.propagation.detach(server.server.persistence.aof.writer);
  return server.run("GET", key);
}

for (const how of ["DEBUG LOADAOF", "a start"]) {
  Deno.test(`nobody is served after ${how} before what is changed is recorded`, async () => {
    const { server: first, files } = scene(["appendonly", "yes"], ["enable-debug-command", "yes"]);
    await first.server.persistence.loadAtStart();
    first.run("SET", "key", "v");
    first.server.turn.end();
    let [server, disk] = [first, files];
    let isOver = false;
    if (how === "a start") {
      disk = files.afterKill();
      server = new EmbeddedServer([["appendonly", "yes"]], { files: disk, log: new KeptLog() });
      server.server.config.dir = "/data";
      server.server.persistence.loadAtStart().then(() => isOver = true);
      await askUntil(() => isOver, server);
    } else {
      const client = server.connect();
      client.send("DEBUG", "LOADAOF");
      await askUntil(() => isOver ||= client.takeRaw() !== "", server);
    }
    server.run("INCR", "count");
    server.server.turn.end();
    assertEquals(await recorded(disk, "count"), server.run("GET", "count"));
    for (const { server: { propagation, persistence } } of [first, server]) {
      propagation.detach(persistence.aof.writer);
    }
    for (const each of new Set([first, server])) each[Symbol.dispose]();
  });
}

Deno.test("DEBUG LOADAOF serves nobody before all is loaded, and tells no replica", async () => {
  const { server } = await recordedScene();
  const { blocking, keyspace, propagation, replication, timers, turn } = server.server;
  replication.createBacklog();
  server.run("RPUSH", "queue", "a", "b");
  for (let index = 0; index < KEYS; index++) server.run("SET", `later:${index}`, "v");
  server.run("DEL", "queue");
  turn.end();
  const waiting = server.connect();
  waiting.send("BLPOP", "queue", "0");
  const { offset } = replication.state;
  assert(offset > 0);
  server.connect().send("DEBUG", "LOADAOF");
  while (keyspace.isLoading) {
    await timers.sleep(0);
    turn.end();
  }
  await microtasks();
  turn.end();
  assertEquals([waiting.takeRaw(), blocking.blockedCount], ["", 1]);
  assertEquals(replication.state.offset, offset);
  server.run("RPUSH", "queue", "c");
  assertEquals(waiting.take(), [["queue", "c"]]);
  turn.end();
  assert(replication.state.offset > offset);
  propagation.detach(server.server.persistence.aof.writer);
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
