/** Eviction: which keys each policy takes, and that it takes no more than needed. */
import { EmbeddedServer } from "../support/embedded_server.ts";
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import * as clock from "../../src/base/clock.ts";
import { type EvictionPolicy, Evictor } from "../../src/keyspace/evict.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import type { Database } from "../../src/keyspace/database.ts";
import type { KeyspaceListener } from "../../src/keyspace/keyspace_listener.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { SoftwareFork } from "../../src/memory/software_fork.ts";
import { NO_EXPIRY } from "../../src/values/value.ts";

const START_MS = 1_700_000_000_000;
const VALUE = new Uint8Array(1000);

class Scene implements Disposable {
  readonly arena = new Arena({ debug: true });
  readonly events: string[] = [];
  readonly keyspace: Keyspace;
  readonly evictor: Evictor;

  constructor(policy: EvictionPolicy) {
    clock.setTimeForTests(START_MS);
    const listener: KeyspaceListener<Database> = {
      keyChanged: () => {},
      keyReady: () => {},
      databaseFlushed: () => {},
      recordsFields: false,
      fieldVanishes: () => {},
      fieldsEvent: () => {},
      keyVanishes: () => this.events.push("vanishes"),
      keyEvent: (_db, _class, event) => {
        if (event !== "new") this.events.push(event);
      },
    };
    this.keyspace = new Keyspace(this.arena, 4, listener);
    this.keyspace.usesLfu = policy.endsWith("lfu");
    this.evictor = new Evictor(this.keyspace);
    this.evictor.policy = policy;
  }

  set(key: string, ttlMs = NO_EXPIRY, database = 0, bytes = VALUE): void {
    const name = latin1Bytes(key);
    const expiryMs = ttlMs === NO_EXPIRY ? NO_EXPIRY : clock.nowMs() + ttlMs;
    const db = this.keyspace.databases[database];
    db.setString(new Argv().point(name, 0, name.length), 0, bytes, 0, bytes.length, expiryMs);
  }

  has(key: string, database = 0): boolean {
    const name = latin1Bytes(key);
    return this.keyspace.databases[database].findRaw(name, 0, name.length) !== 0;
  }

  touch(key: string): void {
    const name = latin1Bytes(key);
    this.keyspace.databases[0].lookupForWrite(new Argv().point(name, 0, name.length), 0);
  }

  usedBytes = (): number => this.arena.usedBytes - this.arena.deferredBytes;

  /** Evicts until `byteCount` bytes less are used than now. */
  free(byteCount: number): boolean {
    return this.evictor.freeMemoryIfNeeded(this.usedBytes() - byteCount, this.usedBytes);
  }

  count(prefix: string, total: number): number {
    let count = 0;
    for (let index = 0; index < total; index++) if (this.has(`${prefix}${index}`)) count++;
    return count;
  }

  [Symbol.dispose](): void {
    clock.useRealTime();
  }
}

Deno.test("noeviction removes nothing and says that there is no room", () => {
  using scene = new Scene("noeviction");
  scene.set("key");
  assert(!scene.free(1));
  assert(scene.has("key"));
  assert(scene.evictor.freeMemoryIfNeeded(scene.usedBytes(), scene.usedBytes));
});

Deno.test("eviction stops as soon as enough is free, and tells everybody", () => {
  using scene = new Scene("allkeys-random");
  for (let index = 0; index < 100; index++) scene.set(`key:${index}`);
  assert(scene.free(3000));
  const evicted = scene.keyspace.evictedCount;
  assert(evicted >= 3 && evicted <= 4, `${evicted} evicted`);
  assertEquals(scene.keyspace.databases[0].size, 100 - evicted);
  assertEquals(scene.events.slice(0, 2), ["vanishes", "evicted"]);
});

Deno.test("keys of any lengths are candidates, in any order", () => {
  for (const policy of ["allkeys-lru", "allkeys-lfu"] as const) {
    using scene = new Scene(policy);
    for (let index = 0; index < 600; index++) {
      scene.set(`key:${index}:`.padEnd(1 + index * 7 % 1500, "x"));
    }
    while (scene.keyspace.databases[0].size > 0) scene.free(1000);
    assertEquals(scene.keyspace.evictedCount, 600);
  }
});

Deno.test("volatile policies take only keys that expire, and fail without any", () => {
  const policies = ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"] as const;
  for (const policy of policies) {
    using scene = new Scene(policy);
    for (let index = 0; index < 20; index++) scene.set(`ever:${index}`);
    for (let index = 0; index < 5; index++) scene.set(`expiring:${index}`, 1_000_000);
    assert(!scene.free(20_000), policy);
    assertEquals(scene.count("ever:", 20), 20, policy);
    assertEquals(scene.count("expiring:", 5), 0, policy);
  }
});

Deno.test("allkeys-lru keeps what was used lately", () => {
  using scene = new Scene("allkeys-lru");
  scene.evictor.samples = 10;
  for (let index = 0; index < 100; index++) scene.set(`old:${index}`);
  clock.advanceForTests(100_000);
  for (let index = 0; index < 100; index++) scene.set(`new:${index}`);
  for (let index = 0; index < 10; index++) scene.touch(`old:${index}`);
  assert(scene.free(50_000));
  const newLeft = scene.count("new:", 100);
  assert(newLeft >= 95, `${newLeft} of the new keys are left`);
  const touchedLeft = scene.count("old:", 10);
  assert(touchedLeft >= 8, `${touchedLeft} of the touched keys are left`);
});

Deno.test("allkeys-lfu keeps what is used often", () => {
  using scene = new Scene("allkeys-lfu");
  scene.evictor.samples = 10;
  for (let index = 0; index < 100; index++) scene.set(`rare:${index}`);
  for (let index = 0; index < 100; index++) {
    scene.set(`often:${index}`);
    for (let use = 0; use < 100; use++) scene.touch(`often:${index}`);
  }
  assert(scene.free(50_000));
  const left = scene.count("often:", 100);
  assert(left >= 95, `${left} of the frequent keys are left`);
});

Deno.test("volatile-ttl takes first what would expire first", () => {
  using scene = new Scene("volatile-ttl");
  scene.evictor.samples = 10;
  for (let index = 0; index < 100; index++) scene.set(`late:${index}`, 1_000_000);
  for (let index = 0; index < 100; index++) scene.set(`soon:${index}`, 1000);
  assert(scene.free(50_000));
  const left = scene.count("late:", 100);
  assert(left >= 95, `${left} of the later keys are left`);
});

Deno.test("keys of all databases are eligible", () => {
  for (const policy of ["allkeys-lru", "allkeys-random"] as const) {
    using scene = new Scene(policy);
    const empty = scene.usedBytes();
    for (let database = 0; database < 4; database++) scene.set("key", NO_EXPIRY, database);
    assert(scene.evictor.freeMemoryIfNeeded(empty, scene.usedBytes));
    assertEquals(scene.keyspace.databases.map((db) => db.size), [0, 0, 0, 0]);
  }
});

Deno.test("any number of samples will do, under any policy, with keys in several databases", () => {
  for (const samples of [1, 2, 5, 16, 17, 64]) {
    for (const order of ["lru", "lfu", "lrm", "random", "ttl"] as const) {
      for (const from of ["allkeys", "volatile"] as const) {
        if (order === "ttl" && from === "allkeys") continue;
        const policy: EvictionPolicy = order === "ttl" ? "volatile-ttl" : `${from}-${order}`;
        using scene = new Scene(policy);
        scene.evictor.samples = samples;
        const what = `${policy}, ${samples} samples`;
        for (let index = 0; index < 60; index++) {
          scene.set(`expiring:${index}`, 1_000_000, index % 3);
          scene.set(`ever:${index}`, NO_EXPIRY, 1 + index % 3);
        }
        assert(scene.free(20_000), what);
        const { evictedCount, databases } = scene.keyspace;
        assert(evictedCount >= 17 && evictedCount <= 20, `${what}: ${evictedCount} evicted`);
        const left = databases.reduce((sum, db) => sum + db.size, 0);
        assertEquals(left, 120 - evictedCount, what);
        if (from === "volatile") assertEquals(databases[3].size, 20, what);
        assertEquals(scene.free(1_000_000), false, what);
        assertEquals(databases.map((db) => db.size), remaining(from), what);
      }
    }
  }
});

/** Keys in each database when no more can be taken, in the scene with several databases. */
function remaining(from: "allkeys" | "volatile"): number[] {
  return from === "allkeys" ? [0, 0, 0, 0] : [0, 20, 20, 20];
}

Deno.test("with a tenacity of 0 sixteen keys go at a time, whatever the clock says", () => {
  using scene = new Scene("allkeys-lru");
  scene.evictor.tenacity = 0;
  for (let index = 0; index < 100; index++) scene.set(`key:${index}`);
  assert(scene.free(50_000));
  assert(scene.evictor.isRunning);
  assertEquals(scene.keyspace.evictedCount, 16);
});

Deno.test("the time limit ends a call that lasts, and counts from its sixteenth key on", () => {
  using scene = new Scene("allkeys-lru");
  for (let index = 0; index < 200; index++) scene.set(`key:${index}`);
  let looks = 0;
  const free = (maxBytes: number) =>
    scene.evictor.freeMemoryIfNeeded(maxBytes, () => {
      // Each look at the memory takes a tenth of a millisecond; the limit is half of one.
      if (++looks > 1) clock.advanceForTests(0.1);
      return scene.usedBytes();
    });
  assert(free(0));
  assert(scene.evictor.isRunning);
  assertEquals(scene.keyspace.evictedCount, 32);
  assert(free(scene.usedBytes() - 5000));
  assert(!scene.evictor.isRunning);
});

Deno.test("memory of deleted values is given back before any key has to go", () => {
  using scene = new Scene("allkeys-random");
  for (let index = 0; index < 3000; index++) scene.set(`key:${index}`, NO_EXPIRY, 1);
  scene.set("kept");
  scene.keyspace.databases[1].clear();
  assert(scene.keyspace.reclaimer.pendingCount > 0);
  assert(scene.free(100_000));
  assert(scene.has("kept"));
  assertEquals(scene.keyspace.evictedCount, 0);
});

Deno.test("what is freed while frozen counts as free", () => {
  using scene = new Scene("allkeys-random");
  for (let index = 0; index < 100; index++) scene.set(`key:${index}`);
  const fork = new SoftwareFork(scene.arena);
  fork.freeze();
  assert(scene.free(10_000));
  assert(scene.keyspace.evictedCount <= 12, `${scene.keyspace.evictedCount} evicted`);
  fork.release();
});

Deno.test("changing the policy forgets the candidates of the old one", () => {
  using scene = new Scene("volatile-ttl");
  for (let index = 0; index < 50; index++) scene.set(`expiring:${index}`, 1000);
  assert(scene.free(1000));
  clock.advanceForTests(50_000);
  for (let index = 0; index < 50; index++) scene.set(`new:${index}`);
  scene.evictor.policy = "allkeys-lru";
  scene.evictor.samples = 20;
  assert(scene.free(20_000));
  assertEquals(scene.count("new:", 50), 50);
});

Deno.test("with an lrm policy only writing makes a key one that was used lately", () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    for (const [policy, idleSeconds] of [["allkeys-lru", 0], ["volatile-lrm", 100]] as const) {
      using server = new EmbeddedServer([["maxmemory-policy", policy]]);
      server.run("SET", "s", "1");
      server.run("HSET", "h", "f", "1");
      clock.advanceForTests(100_000);
      server.run("GET", "s");
      server.run("HGETALL", "h");
      const idle = () => ["s", "h"].map((key) => server.run("OBJECT", "IDLETIME", key));
      assertEquals(idle(), [idleSeconds, idleSeconds], policy);
      server.run("SET", "s", "2");
      server.run("HSET", "h", "f", "2");
      assertEquals(idle(), [0, 0], policy);
    }
  } finally {
    clock.useRealTime();
  }
});
