/** Active expiry: which keys go, how the cycle ends, what it counts. The clock stands still. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import * as clock from "../../src/base/clock.ts";
import { ExpireCycle } from "../../src/keyspace/expire.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import type { Database } from "../../src/keyspace/database.ts";
import type { KeyspaceListener } from "../../src/keyspace/keyspace_listener.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { SoftwareFork } from "../../src/memory/software_fork.ts";
import { NO_EXPIRY } from "../../src/values/value.ts";

const START_MS = 1_700_000_000_000;

/** A keyspace whose listener notes what it hears. */
class Scene implements Disposable {
  readonly arena = new Arena({ debug: true });
  readonly vanished: string[] = [];
  readonly events: string[] = [];
  readonly keyspace: Keyspace;
  readonly cycle: ExpireCycle;

  constructor() {
    clock.setTimeForTests(START_MS);
    const listener: KeyspaceListener<Database> = {
      keyChanged: () => {},
      keyReady: () => {},
      databaseFlushed: () => {},
      recordsFields: false,
      fieldVanishes: () => {},
      fieldsEvent: () => {},
      keyVanishes: (_db, bytes, start, length) => {
        this.vanished.push(latin1Text(bytes, start, length));
      },
      keyEvent: (_db, _class, event) => {
        if (event !== "new") this.events.push(event);
      },
    };
    this.keyspace = new Keyspace(this.arena, 16, listener);
    this.cycle = new ExpireCycle(this.keyspace);
  }

  set(database: number, key: string, ttlMs: number): void {
    const bytes = latin1Bytes(key);
    const expiryMs = ttlMs === NO_EXPIRY ? NO_EXPIRY : clock.nowMs() + ttlMs;
    const db = this.keyspace.databases[database];
    db.setString(new Argv().point(bytes, 0, bytes.length), 0, bytes, 0, bytes.length, expiryMs);
  }

  sizes(): number[] {
    return this.keyspace.databases.map((db) => db.size);
  }

  [Symbol.dispose](): void {
    clock.useRealTime();
  }
}

Deno.test("a slow cycle removes most expired keys and no other", () => {
  using scene = new Scene();
  for (let index = 0; index < 2000; index++) scene.set(0, `dying:${index}`, 10);
  for (let index = 0; index < 200; index++) scene.set(0, `living:${index}`, 1_000_000);
  for (let index = 0; index < 100; index++) scene.set(0, `ever:${index}`, NO_EXPIRY);
  clock.advanceForTests(11);
  for (let round = 0; round < 100 && scene.keyspace.databases[0].size > 300; round++) {
    scene.cycle.run("slow");
  }
  assertEquals(scene.keyspace.databases[0].size, 300);
  assertEquals(scene.keyspace.expiredCount, 2000);
  assert(scene.vanished.every((key) => key.startsWith("dying:")));
  assertEquals(new Set(scene.vanished).size, 2000);
  assertEquals(new Set(scene.events), new Set(["expired"]));
});

Deno.test("one cycle leaves at most about a tenth of a database stale", () => {
  using scene = new Scene();
  for (let index = 0; index < 10_000; index++) scene.set(0, `dying:${index}`, 10);
  for (let index = 0; index < 10_000; index++) scene.set(0, `living:${index}`, 1_000_000);
  clock.advanceForTests(11);
  for (let round = 0; round < 50; round++) scene.cycle.run("slow");
  const stale = 10_000 - scene.keyspace.expiredCount;
  assert(stale <= 2000, `${stale} stale keys are left`);
  assert(scene.cycle.stalePercentage > 0);
});

Deno.test("a cycle visits all databases", () => {
  using scene = new Scene();
  for (let database = 0; database < 16; database++) scene.set(database, "key", 10);
  clock.advanceForTests(11);
  scene.cycle.run("slow");
  assertEquals(scene.sizes(), new Array(16).fill(0));
});

Deno.test("nothing expires while loading, while paused, or when switched off", () => {
  using scene = new Scene();
  scene.set(0, "key", 10);
  clock.advanceForTests(11);
  scene.keyspace.isLoading = true;
  scene.cycle.run("slow");
  scene.keyspace.isLoading = false;
  scene.keyspace.isPaused = true;
  scene.cycle.run("slow");
  scene.keyspace.isPaused = false;
  scene.cycle.isEnabled = false;
  scene.cycle.run("slow");
  assertEquals(scene.keyspace.databases[0].size, 1);
  scene.cycle.isEnabled = true;
  scene.cycle.run("slow");
  assertEquals(scene.keyspace.databases[0].size, 0);
});

Deno.test("a fast cycle runs only if many keys are stale, and not twice at once", () => {
  using scene = new Scene();
  scene.set(0, "key", 10);
  clock.advanceForTests(11);
  scene.cycle.run("fast");
  assertEquals(scene.keyspace.databases[0].size, 1);
  scene.cycle.stalePercentage = 50;
  scene.cycle.run("fast");
  assertEquals(scene.keyspace.databases[0].size, 0);
  scene.set(0, "key", -1000);
  scene.cycle.run("fast");
  assertEquals(scene.keyspace.databases[0].size, 1);
  clock.advanceForTests(2);
  scene.cycle.run("fast");
  assertEquals(scene.keyspace.databases[0].size, 0);
});

Deno.test("the mean time to live is estimated per database", () => {
  using scene = new Scene();
  for (let index = 0; index < 50; index++) scene.set(3, `key:${index}`, 60_000);
  scene.cycle.run("slow");
  assertEquals(scene.cycle.averageTtlMs(3), 60_000);
  assertEquals(scene.cycle.averageTtlMs(0), 0);
});

Deno.test("keys expire while the memory is frozen, and the image keeps them", () => {
  using scene = new Scene();
  const fork = new SoftwareFork(scene.arena);
  for (let index = 0; index < 500; index++) scene.set(0, `key:${index}`, 10);
  fork.freeze();
  clock.advanceForTests(11);
  for (let round = 0; round < 20; round++) scene.cycle.run("slow");
  assertEquals(scene.keyspace.databases[0].size, 0);
  // In debug mode this verifies that the frozen image is as it was.
  fork.release();
});
