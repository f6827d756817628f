/**
 * The holes through which Redis users lose data, each closed: every test makes a situation in which
 * redis-server 7.0 loses data, serves wrong data or stays silent, and looks at what we do. The disk
 * is simulated.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { AofLoadError } from "../../src/persistence/aof_loader.ts";
import { type EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";
import { concatBytes, fromLatin1, latin1 } from "../support/text.ts";
import {
  BEGIN_MS,
  type ChildInPlace,
  type KeptLog,
  microtasks,
  serverOn,
  type Setting,
} from "./crash_run.ts";

const INCREMENT = "/data/appendonlydir/appendonly.aof.1.incr.aof";
const EVERYSEC: Setting = {
  policy: "everysec",
  preamble: true,
  timestamps: false,
  savePoints: false,
};
const IS_FULL = Deno.env.get("REDENO_CRASH") === "full";
const FUZZ_SEED = Number(Deno.env.get("REDENO_CRASH_SEED") ?? 1);
const ALWAYS: Setting = { ...EVERYSEC, policy: "always" };

interface Running extends Disposable {
  server: EmbeddedServer;
  child: ChildInPlace;
  log: KeptLog;
}

/** Starts a server on the files; it is left as by a kill, unless a test ends it otherwise. */
async function start(files: SimulatedFiles, setting: Setting, isAofOn = true): Promise<Running> {
  clock.setTimeForTests(BEGIN_MS);
  const { server, child, log } = serverOn(files, setting, isAofOn);
  await server.server.persistence.loadAtStart();
  const leave = () => {
    server.server.propagation.detach(server.server.persistence.aof.writer);
    server[Symbol.dispose]();
    clock.useRealTime();
  };
  return { server, child, log, [Symbol.dispose]: leave };
}

/** Runs a command to the end of its turn. */
function run(server: EmbeddedServer, ...args: string[]): unknown {
  const reply = server.run(...args);
  server.server.turn.end();
  return reply;
}

function powerLoss(files: SimulatedFiles): SimulatedFiles {
  const after = files.afterPowerLoss("dropped", new SeededRandom(1));
  after.syncsAtOnce = true;
  return after;
}

Deno.test("appendonly yes beside a dump.rdb: the dump is loaded and becomes the base", async () => {
  const files = new SimulatedFiles();
  {
    using running = await start(files, EVERYSEC, false);
    run(running.server, "SET", "years", "of work");
    run(running.server, "SAVE");
  }
  {
    using running = await start(files, ALWAYS);
    assertEquals(running.server.run("GET", "years"), "of work");
    run(running.server, "SET", "today", "1");
  }
  files.remove("/data/dump.rdb");
  using running = await start(powerLoss(files), ALWAYS);
  assertEquals(running.server.run("MGET", "years", "today"), ["of work", "1"]);
});

for (
  const [name, tail] of [
    ["zero bytes", new Uint8Array(1_000_000)],
    ["garbage", new SeededRandom(3).bytes(4000)],
    [
      "half a command and zero bytes",
      concatBytes([latin1("*3\r\n$3\r\nSET\r\n"), new Uint8Array(9)]),
    ],
  ] as const
) {
  Deno.test(`a tail of ${name} is cut at the last good command, and the log says so`, async () => {
    const files = new SimulatedFiles();
    {
      using running = await start(files, ALWAYS);
      run(running.server, "SET", "kept", "1");
    }
    const good = files.content(INCREMENT);
    files.put(INCREMENT, concatBytes([good, tail]));
    {
      using running = await start(files, ALWAYS);
      assertEquals(running.server.run("GET", "kept"), "1");
      assertMatch(running.log.lines.join("\n"), /The AOF .* is cut at offset/);
      assertEquals(files.content(INCREMENT), good);
      run(running.server, "SET", "later", "2");
    }
    using running = await start(files, ALWAYS);
    assertEquals(running.server.run("MGET", "kept", "later"), ["1", "2"]);
  });
}

/** The value of a key in the first database that has it: a damaged number of SELECT is a number. */
function getAnywhere(server: EmbeddedServer, key: string): unknown {
  for (let db = 0; db < 16; db++) {
    server.run("SELECT", String(db));
    const value = server.run("GET", key);
    if (value !== null) return value;
  }
  return null;
}

Deno.test("any byte of the AOF damaged: refused, or no whole later command is lost", async () => {
  const files = new SimulatedFiles();
  const keys = ["a", "b", "c", "d"];
  {
    using running = await start(files, ALWAYS);
    for (const key of keys) run(running.server, "SET", key, `value of ${key}`);
  }
  const content = files.content(INCREMENT);
  const starts = keys.map((key) => fromLatin1(content).indexOf(`*3\r\n$3\r\nSET\r\n$1\r\n${key}`));
  const random = new SeededRandom(FUZZ_SEED);
  const damages = [0, 1, 2, 4, 8, 16, 32, 64, 128];
  let refused = 0;
  for (let at = 0; at < content.length; at++) {
    const chosen = IS_FULL ? damages : [random.pick(damages)];
    for (const mask of chosen) {
      const damaged = content.slice();
      // One mask stands for a byte that is zeroed; the others flip one bit.
      damaged[at] = mask === 0 ? 0 : damaged[at] ^ mask;
      const disk = files.afterKill();
      disk.put(INCREMENT, damaged);
      const what = `seed ${FUZZ_SEED}: byte ${at}, mask ${mask}`;
      try {
        using running = await start(disk, ALWAYS);
        const first = starts.findLastIndex((offset) => offset <= at);
        for (const key of keys.slice(first + 1)) {
          assertEquals(getAnywhere(running.server, key), `value of ${key}`, what);
        }
      } catch (error) {
        if (!(error instanceof AofLoadError)) throw error;
        refused++;
        assertEquals(disk.content(INCREMENT), damaged, what);
      }
    }
  }
  assert(refused > content.length / 2, `only ${refused} refused`);
});

Deno.test("a cut within MULTI: the second restart is right too", async () => {
  const files = new SimulatedFiles();
  {
    using running = await start(files, ALWAYS);
    run(running.server, "SET", "kept", "1");
    running.server.run("MULTI");
    running.server.run("SET", "half", "1");
    running.server.run("SET", "other half", "1");
    run(running.server, "EXEC");
  }
  const content = files.content(INCREMENT);
  const text = fromLatin1(content);
  const inTransaction = text.indexOf("other half") - "*3\r\n$3\r\nSET\r\n$10\r\n".length;
  files.put(INCREMENT, content.slice(0, inTransaction));
  {
    using running = await start(files, ALWAYS);
    assertEquals(running.server.run("KEYS", "*"), ["kept"]);
    // Redis: this is appended behind the open MULTI, and the next start queues it for ever.
    run(running.server, "SET", "later", "1");
  }
  using running = await start(files, ALWAYS);
  assertEquals(running.server.run("MGET", "kept", "half", "later"), ["1", null, "1"]);
});

Deno.test("a failed fsync is not healed by the next: only by a new base", async () => {
  const files = new SimulatedFiles();
  using running = await start(files, EVERYSEC);
  const { server, child } = running;
  files.failure = (name) => name === "syncData" ? "EIO" : null;
  run(server, "SET", "key", "on a bad page");
  clock.advanceForTests(1100);
  run(server, "SET", "key2", "too");
  await microtasks();
  files.failure = null;
  const refused = server.run("SET", "key3", "no");
  assert(refused instanceof RespError, "refused at once");
  assertMatch(refused.message, /^MISCONF Errors writing to the AOF file: Input\/output error/);
  // Later syncs succeed; what was lost is lost all the same.
  clock.advanceForTests(1100);
  server.server.turn.end();
  files.completeSyncs();
  await microtasks();
  assert(server.run("SET", "key3", "no") instanceof RespError, "still refused");
  server.server.runCron();
  child.work();
  await microtasks();
  assertEquals(server.run("SET", "key3", "yes"), "OK");
  using after = await start(powerLoss(files), EVERYSEC);
  assertEquals(after.server.run("MGET", "key", "key2"), ["on a bad page", "too"]);
});

Deno.test("always: what was answered is found although no name was synced by chance", async () => {
  const files = new SimulatedFiles();
  using running = await start(files, ALWAYS);
  run(running.server, "SET", "first", "1");
  assertEquals(powerLoss(files).paths().length, 3, "base, increment and manifest");
  run(running.server, "BGREWRITEAOF");
  run(running.server, "SET", "second", "2");
  for (const moment of ["while the child works", "after the rewrite"]) {
    using after = await start(powerLoss(files), ALWAYS);
    assertEquals(after.server.run("MGET", "first", "second"), ["1", "2"], moment);
    running.child.work();
    await microtasks();
  }
});

Deno.test("a SAVE that was answered is on the disk, under its name", async () => {
  const files = new SimulatedFiles();
  using running = await start(files, EVERYSEC, false);
  run(running.server, "SET", "key", "1");
  assertEquals(run(running.server, "SAVE"), "OK");
  using after = await start(powerLoss(files), EVERYSEC, false);
  assertEquals(after.server.run("GET", "key"), "1");
});

Deno.test("a disk that is full refuses the next write at once, and heals by itself", async () => {
  const files = new SimulatedFiles();
  using running = await start(files, EVERYSEC);
  const { server } = running;
  run(server, "SET", "a", "1");
  files.capacityBytes = 0;
  run(server, "SET", "b", "answered, for everysec may lose it");
  const refused = server.run("SET", "c", "1");
  assert(refused instanceof RespError);
  assertMatch(refused.message, /No space left on device/);
  assertEquals(server.run("GET", "b"), "answered, for everysec may lose it");
  files.capacityBytes = Infinity;
  server.server.turn.end();
  server.server.runCron();
  assertEquals(run(server, "SET", "c", "1"), "OK");
  using after = await start(files.afterKill(), EVERYSEC);
  assertEquals(after.server.run("EXISTS", "a", "b", "c"), 3);
});

Deno.test("FLUSHALL with save points is recorded although it leaves nothing unsaved", async () => {
  const files = new SimulatedFiles();
  const setting = { ...ALWAYS, savePoints: true };
  {
    using running = await start(files, setting);
    run(running.server, "SET", "old", "1");
    run(running.server, "FLUSHALL");
    assertMatch(String(running.server.run("INFO", "persistence")), /changes_since_last_save:0\r/);
  }
  using running = await start(files, setting);
  assertEquals(running.server.run("DBSIZE"), 0);
});

Deno.test("the last effect of a transaction is recorded once", async () => {
  const files = new SimulatedFiles();
  {
    using running = await start(files, ALWAYS);
    run(running.server, "RPUSH", "list", "a", "b", "c");
    running.server.run("MULTI");
    running.server.run("INCR", "count");
    running.server.run("BLPOP", "list", "0");
    run(running.server, "EXEC");
    assertEquals(running.server.run("LRANGE", "list", "0", "-1"), ["b", "c"]);
  }
  assertEquals(fromLatin1(files.content(INCREMENT)).match(/LPOP/g)?.length, 1);
  using running = await start(files, ALWAYS);
  assertEquals(running.server.run("LRANGE", "list", "0", "-1"), ["b", "c"]);
});

Deno.test("a BGSAVE that failed is tried again while writers are refused", async () => {
  const files = new SimulatedFiles();
  using running = await start(files, { ...EVERYSEC, savePoints: true }, false);
  const { server, child } = running;
  run(server, "SET", "one change", "is no save point");
  files.capacityBytes = 0;
  run(server, "BGSAVE");
  child.work();
  await microtasks();
  assert(server.run("SET", "key", "1") instanceof RespError, "refused at once");
  files.capacityBytes = Infinity;
  clock.advanceForTests(6000);
  // Redis: twenty changes would be needed, but none is accepted.
  server.server.runCron();
  child.work();
  await microtasks();
  assert(server.run("SET", "key", "1") instanceof RespError, "the directory is not synced yet");
  files.completeSyncs();
  await microtasks();
  assertEquals(server.run("SET", "key", "1"), "OK");
});
