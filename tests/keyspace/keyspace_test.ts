/** Keyspace: the access clock, as time (LRU) and as frequency (LFU). */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import type { Ref } from "../../src/memory/memory.ts";
import { Argv } from "../../src/protocol/argv.ts";
import * as value from "../../src/values/value.ts";
import { latin1 } from "../support/text.ts";
import { KeyspaceRecorder } from "./keyspace_recorder.ts";

const START_MS = 1_700_000_000_000;
const CLOCK_MAX = 0xffffff;

class Scene extends KeyspaceRecorder implements Disposable {
  constructor(timeMs = START_MS) {
    clock.setTimeForTests(timeMs);
    super();
  }

  createEntry(): Ref {
    const [db] = this.keyspace.databases;
    const key = latin1("key");
    db.setString(new Argv().point(key, 0, 3), 0, key, 0, 3, value.NO_EXPIRY);
    return db.findRaw(key, 0, 3);
  }

  [Symbol.dispose](): void {
    clock.useRealTime();
  }
}

Deno.test("idle time is counted in whole seconds since the last access", () => {
  using scene = new Scene();
  const { keyspace } = scene;
  const entry = scene.createEntry();
  assertEquals(keyspace.idleMs(entry), 0);
  clock.advanceForTests(7999);
  assertEquals(keyspace.idleMs(entry), 7000);
  keyspace.touch(entry);
  assertEquals(keyspace.idleMs(entry), 0);
});

Deno.test("the clock goes round after 2^24 seconds, and follows a clock that is set back", () => {
  using scene = new Scene((CLOCK_MAX - 1) * 1000);
  const { keyspace } = scene;
  const entry = scene.createEntry();
  assertEquals(keyspace.lruClock(), CLOCK_MAX - 1);
  clock.advanceForTests(4000);
  assertEquals(keyspace.lruClock(), 2);
  assertEquals(keyspace.idleMs(entry), 3000);
  clock.setTimeForTests(START_MS - 60_000);
  assertEquals(keyspace.lruClock(), Math.floor((START_MS - 60_000) / 1000) & CLOCK_MAX);
});

Deno.test("accesses are not noted while frozen or where CLIENT NO-TOUCH holds", () => {
  using scene = new Scene();
  const { keyspace, arena } = scene;
  const entry = scene.createEntry();
  clock.advanceForTests(5000);
  keyspace.isTouchPaused = true;
  keyspace.touch(entry);
  assertEquals(keyspace.idleMs(entry), 5000);
  keyspace.isTouchPaused = false;
  arena.beginFreeze(() => assert(false, "a segment was cloned"));
  keyspace.touch(entry);
  arena.endFreeze([]);
  assertEquals(keyspace.idleMs(entry), 5000);
});

Deno.test("a new key has a frequency of 5, which rises with accesses, ever more slowly", () => {
  using scene = new Scene();
  const { keyspace } = scene;
  keyspace.usesLfu = true;
  const entry = scene.createEntry();
  assertEquals(keyspace.lfuCounter(entry), 5);
  keyspace.touch(entry);
  assertEquals(keyspace.lfuCounter(entry), 6);
  for (let index = 0; index < 1000; index++) keyspace.touch(entry);
  const afterThousand = keyspace.lfuCounter(entry);
  // Redis's table for a factor of 10: about 18 after 1000 hits; never far beyond.
  assert(afterThousand > 9 && afterThousand < 40, `${afterThousand} after 1000 accesses`);
});

Deno.test("a frequency falls by one each lfu-decay-time minutes, to zero", () => {
  using scene = new Scene();
  const { keyspace } = scene;
  keyspace.usesLfu = true;
  const entry = scene.createEntry();
  clock.advanceForTests(2 * 60_000);
  assertEquals(keyspace.lfuCounter(entry), 3);
  keyspace.lfuDecayTime = 2;
  assertEquals(keyspace.lfuCounter(entry), 4);
  keyspace.lfuDecayTime = 0;
  assertEquals(keyspace.lfuCounter(entry), 5);
  keyspace.lfuDecayTime = 1;
  clock.advanceForTests(100 * 60_000);
  assertEquals(keyspace.lfuCounter(entry), 0);
});

Deno.test("a frequency falls also when the 16 bits of its minutes wrap around", () => {
  using scene = new Scene();
  const { keyspace } = scene;
  keyspace.usesLfu = true;
  clock.setTimeForTests((65536 * 400 + 65534) * 60_000);
  const entry = scene.createEntry();
  // 65534, 65535, 0: Redis counts one minute less over the wrap.
  clock.advanceForTests(2 * 60_000);
  assertEquals(keyspace.lfuCounter(entry), 4);
  clock.advanceForTests(2 * 60_000);
  assertEquals(keyspace.lfuCounter(entry), 2);
});

Deno.test("the highest frequency stays where it is", () => {
  using scene = new Scene();
  const { keyspace } = scene;
  keyspace.usesLfu = true;
  keyspace.lfuLogFactor = 0;
  const entry = scene.createEntry();
  for (let index = 0; index < 300; index++) keyspace.touch(entry);
  assertEquals(keyspace.lfuCounter(entry), 255);
});

Deno.test("what was saved of an access comes back if it fits the policy", () => {
  using scene = new Scene();
  const { keyspace } = scene;
  const entry = scene.createEntry();
  keyspace.restoreAccess(entry, 3600, -1);
  assertEquals(keyspace.idleMs(entry), 3_600_000);
  keyspace.restoreAccess(entry, -1, 200);
  assertEquals(keyspace.idleMs(entry), 3_600_000);
  keyspace.usesLfu = true;
  keyspace.restoreAccess(entry, -1, 200);
  assertEquals(keyspace.lfuCounter(entry), 200);
  keyspace.restoreAccess(entry, 10, -1);
  assertEquals(keyspace.lfuCounter(entry), 200);
});
