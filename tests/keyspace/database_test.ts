/**
 * Database: keys, expiries and announcements, against a plain map. Freezes and expiry happen at
 * random moments; both dicts must agree at all times.
 */
import { assert, assertEquals } from "@std/assert";
import { Slice } from "../../src/base/bytes.ts";
import * as clock from "../../src/base/clock.ts";
import { type Database, KEEP_EXPIRY } from "../../src/keyspace/database.ts";
import { EVENT_GENERIC } from "../../src/keyspace/keyspace_listener.ts";
import type { Memory, Ref } from "../../src/memory/memory.ts";
import { Argv } from "../../src/protocol/argv.ts";
import * as dict from "../../src/structures/dict.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import * as listValue from "../../src/values/list_value.ts";
import * as stringValue from "../../src/values/string_value.ts";
import { NO_EXPIRY } from "../../src/values/value.ts";
import * as value from "../../src/values/value.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { fromLatin1, latin1 } from "../support/text.ts";
import { KeyspaceRecorder } from "./keyspace_recorder.ts";

const START_MS = 1_700_000_000_000;

/** Runs the body with the clock standing still. */
function withClock(body: () => void): () => void {
  return () => {
    clock.setTimeForTests(START_MS);
    try {
      body();
    } finally {
      clock.useRealTime();
    }
  };
}

/** A command with these keys. */
function keys(...names: string[]): Argv {
  return Argv.of("COMMAND", ...names);
}

function set(db: Database, key: string, text: string, expiryMs = NO_EXPIRY): void {
  db.setString(keys(key), 1, latin1(text), 0, text.length, expiryMs);
}

function createList(db: Database, key: string): Ref {
  const { TYPE_LIST, ENCODING_QUICKLIST } = value;
  return db.create(keys(key), 1, TYPE_LIST, ENCODING_QUICKLIST, listValue.create(db.arena));
}

function textOf(memory: Memory, entry: Ref): string {
  const text = new Uint8Array(stringValue.byteLength(memory, entry));
  let at = 0;
  stringValue.forEachChunk(memory, entry, 0, text.length, (bytes, start, count) => {
    text.set(bytes.subarray(start, start + count), at);
    at += count;
  });
  return fromLatin1(text);
}

interface Known {
  text: string;
  expiryMs: number;
}

/** The content of a database's two dicts; asserts that they agree. */
function contents(memory: Memory, keysDict: Ref, expiresDict: Ref): Map<string, Known> {
  const found = new Map<string, Known>();
  const withExpiry = new Set<Ref>();
  const key = new Slice();
  dict.forEach(memory, keysDict, (entry) => {
    dictEntry.readKey(memory, entry, key);
    const name = fromLatin1(key.bytes.subarray(key.start, key.start + key.length));
    const expiryMs = value.expiryOf(memory, entry);
    found.set(name, { text: textOf(memory, entry), expiryMs });
    if (expiryMs !== NO_EXPIRY) withExpiry.add(entry);
  });
  const expiring = new Set<Ref>();
  dict.forEach(memory, expiresDict, (entry) => expiring.add(entry));
  assertEquals(expiring, withExpiry, "the dict of expiries holds other entries");
  return found;
}

Deno.test(
  "strings, expiries, renames and freezes at random leave what a map holds",
  withClock(() => {
    const seed = testSeed();
    const random = new SeededRandom(seed);
    const check = new FreezeCheck();
    const recorder = new KeyspaceRecorder(check.arena);
    const [db] = recorder.keyspace.databases;
    const model = new Map<string, Known>();
    const someKey = () => `key:${random.below(60)}${random.oneIn(9) ? "x".repeat(40_000) : ""}`;
    const someExpiry = () => random.oneIn(2) ? NO_EXPIRY : clock.nowMs() + 1 + random.below(4000);
    // What has expired vanishes when it is met.
    const meetExpired = () => {
      for (const [name, { expiryMs }] of model) {
        if (expiryMs === NO_EXPIRY || expiryMs >= clock.nowMs()) continue;
        assertEquals(db.peek(keys(name), 1), 0, `seed ${seed}`);
        model.delete(name);
      }
    };
    for (let step = 0; step < 3000; step++) {
      const name = someKey();
      const argv = keys(name);
      const choice = random.below(100);
      if (choice < 40) {
        const text = random.word(random.pick([0, 3, 254, 255, 256, 3000, 20_000]));
        const expiryMs = random.oneIn(4) ? KEEP_EXPIRY : someExpiry();
        const kept = model.get(name)?.expiryMs ?? NO_EXPIRY;
        set(db, name, text, expiryMs);
        model.set(name, { text, expiryMs: expiryMs === KEEP_EXPIRY ? kept : expiryMs });
      } else if (choice < 60) {
        const entry = db.lookupForWrite(argv, 1);
        assertEquals(entry !== 0, model.has(name), `seed ${seed}, step ${step}`);
        if (entry === 0) continue;
        const expiryMs = someExpiry();
        const target = db.setExpiry(entry, expiryMs);
        assertEquals(db.peek(argv, 1), target);
        model.get(name)!.expiryMs = expiryMs;
      } else if (choice < 75) {
        assertEquals(db.peek(argv, 1) !== 0, model.has(name), `seed ${seed}, step ${step}`);
        assertEquals(db.remove(argv, 1), model.delete(name));
      } else if (choice < 88) {
        renameAtRandom(db, model, name, someKey());
      } else if (choice < 92) {
        clock.advanceForTests(random.below(500));
        meetExpired();
      } else if (choice === 92) {
        assertEquals(db.clear(), model.size);
        model.clear();
      } else if (choice < 96 && !check.isFrozen) {
        const { keys: keysDict, expires } = db;
        const expected = new Map([...model].map(([key, known]) => [key, { ...known }]));
        check.freeze((memory) => assertEquals(contents(memory, keysDict, expires), expected));
      } else {
        check.release();
        while (recorder.keyspace.reclaimer.step(1000));
      }
      if (step % 50 === 0) {
        assertEquals(contents(db.arena, db.keys, db.expires), model, `seed ${seed}, step ${step}`);
      }
    }
    check.release();
    db.clear();
    while (recorder.keyspace.reclaimer.step(1000));
    const empty = new KeyspaceRecorder();
    assertEquals(db.arena.usedBytes, empty.arena.usedBytes, `seed ${seed}`);
  }),
);

function renameAtRandom(
  db: Database,
  model: Map<string, Known>,
  source: string,
  target: string,
): void {
  const argv = keys(source, target);
  const known = model.get(source);
  if (source === target || known === undefined) return;
  db.remove(argv, 2);
  const entry = db.detach(argv, 1);
  db.adopt(entry, argv, 2, known.expiryMs);
  model.delete(source);
  model.set(target, known);
}

Deno.test(
  "a key whose time is over vanishes when it is met, and everybody hears of it",
  withClock(() => {
    const { keyspace, ...recorder } = new KeyspaceRecorder();
    const [db] = keyspace.databases;
    set(db, "key", "x", START_MS + 10);
    clock.advanceForTests(10);
    assert(db.lookupForRead(keys("key"), 1) !== 0);
    recorder.heard.length = 0;
    clock.advanceForTests(1);
    assert(db.findRaw(latin1("key"), 0, 3) !== 0);
    assertEquals(db.lookupForRead(keys("key"), 1), 0);
    assertEquals(recorder.heard, [
      "vanishes 0 key",
      "changed 0 key",
      "expired 0 key",
      "keymiss 0 key",
    ]);
    assertEquals([db.size, keyspace.expiredCount], [0, 1]);
    assertEquals([keyspace.hitCount, keyspace.missCount], [1, 1]);
    assertEquals(db.findRaw(latin1("key"), 0, 3), 0);
  }),
);

Deno.test(
  "while clients are paused an expired key is hidden but stays, and while loading it is seen",
  withClock(() => {
    const { keyspace } = new KeyspaceRecorder();
    const [db] = keyspace.databases;
    set(db, "key", "x", START_MS + 10);
    clock.advanceForTests(11);
    keyspace.isPaused = true;
    assertEquals([db.lookupForWrite(keys("key"), 1), db.size], [0, 1]);
    keyspace.isPaused = false;
    keyspace.isLoading = true;
    assert(db.lookupForWrite(keys("key"), 1) !== 0);
    assertEquals(db.isExpired(db.findRaw(latin1("key"), 0, 3)), false);
    keyspace.isLoading = false;
    assertEquals(db.isExpired(db.findRaw(latin1("key"), 0, 3)), true);
    assertEquals([db.lookupForWrite(keys("key"), 1), db.size], [0, 0]);
  }),
);

Deno.test(
  "an expired key that is set again is a new one",
  withClock(() => {
    const recorder = new KeyspaceRecorder();
    const [db] = recorder.keyspace.databases;
    set(db, "key", "old", START_MS + 10);
    clock.advanceForTests(11);
    recorder.take();
    set(db, "key", "new", KEEP_EXPIRY);
    assertEquals(recorder.take(), [
      "vanishes 0 key",
      "changed 0 key",
      "expired 0 key",
      "new 0 key",
    ]);
    const entry = db.findRaw(latin1("key"), 0, 3);
    assertEquals([textOf(db.arena, entry), value.expiryOf(db.arena, entry)], ["new", NO_EXPIRY]);
  }),
);

Deno.test("lookups count hits and misses, looks of the server itself do not", () => {
  const { keyspace } = new KeyspaceRecorder();
  const [db] = keyspace.databases;
  set(db, "key", "x");
  db.lookupForRead(keys("key"), 1);
  db.lookupUntouched(keys("no"), 1);
  db.lookupForWrite(keys("no"), 1);
  db.peek(keys("no"), 1);
  assertEquals([keyspace.hitCount, keyspace.missCount], [1, 1]);
});

Deno.test(
  "only an access moves the access clock",
  withClock(() => {
    const { keyspace, arena } = new KeyspaceRecorder();
    const [db] = keyspace.databases;
    set(db, "key", "x");
    const entry = db.peek(keys("key"), 1);
    const created = value.accessClock(arena, entry);
    clock.advanceForTests(5000);
    db.peek(keys("key"), 1);
    db.lookupUntouched(keys("key"), 1);
    assertEquals(value.accessClock(arena, entry), created);
    db.lookupForRead(keys("key"), 1);
    assertEquals(value.accessClock(arena, entry), created + 5);
  }),
);

Deno.test("new keys are announced, those of types that clients wait for as ready too", () => {
  const recorder = new KeyspaceRecorder();
  const [db] = recorder.keyspace.databases;
  set(db, "s", "1");
  set(db, "s", "2");
  createList(db, "l");
  assertEquals(recorder.take(), ["new 0 s", "new 0 l", "ready 0 l"]);
  db.changed(keys("l"), 1, EVENT_GENERIC, "rpush");
  db.removeEmptied(keys("l"), 1);
  assertEquals(recorder.take(), ["changed 0 l", "rpush 0 l", "del 0 l"]);
  assertEquals([recorder.keyspace.dirty, db.size], [1, 1]);
});

Deno.test("replacing a value drops its expiry and is ready, but new only for a missing key", () => {
  const recorder = new KeyspaceRecorder();
  const [db] = recorder.keyspace.databases;
  const { TYPE_LIST, ENCODING_QUICKLIST } = value;
  set(db, "key", "text", clock.nowMs() + 100_000);
  recorder.take();
  const first = listValue.create(db.arena);
  db.replace(keys("key"), 1, TYPE_LIST, ENCODING_QUICKLIST, first);
  const entry = db.peek(keys("key"), 1);
  assertEquals(value.typeOf(db.arena, entry), TYPE_LIST);
  assertEquals(value.expiryOf(db.arena, entry), NO_EXPIRY);
  assertEquals([recorder.take(), dict.count(db.arena, db.expires)], [["ready 0 key"], 0]);
  db.replace(keys("no"), 1, TYPE_LIST, ENCODING_QUICKLIST, listValue.create(db.arena));
  assertEquals(recorder.take(), ["new 0 no", "ready 0 no"]);
});

Deno.test("an evicted key is counted and announced as such", () => {
  const recorder = new KeyspaceRecorder();
  const [db] = recorder.keyspace.databases;
  set(db, "key", "x");
  recorder.take();
  db.removeEvicted(db.peek(keys("key"), 1));
  assertEquals(recorder.take(), ["vanishes 0 key", "changed 0 key", "evicted 0 key"]);
  assertEquals([recorder.keyspace.evictedCount, db.size], [1, 0]);
});

Deno.test("databases change places with all keys, and keep their numbers", () => {
  const { keyspace } = new KeyspaceRecorder();
  const [first, second] = keyspace.databases;
  set(first, "a", "1", clock.nowMs() + 100_000);
  set(second, "b", "2");
  set(second, "c", "3");
  first.swapContents(second);
  assertEquals([first.index, first.size, second.index, second.size], [0, 2, 1, 1]);
  assert(second.peek(keys("a"), 1) !== 0 && first.peek(keys("a"), 1) === 0);
  assertEquals(contents(second.arena, second.keys, second.expires).size, 1);
});

Deno.test(
  "what expires or is evicted is announced under its whole name, however long",
  withClock(() => {
    const recorder = new KeyspaceRecorder();
    const [db] = recorder.keyspace.databases;
    for (const length of [0, 1, 255, 256, 257, 40_000]) {
      const name = "k".repeat(length);
      for (const event of ["expired", "evicted"]) {
        set(db, name, "text", START_MS + 1000);
        recorder.take();
        const bytes = latin1(name);
        const entry = db.findRaw(bytes, 0, bytes.length);
        if (event === "expired") db.removeExpired(entry);
        else db.removeEvicted(entry);
        assertEquals(recorder.take(), [
          `vanishes 0 ${name}`,
          `changed 0 ${name}`,
          `${event} 0 ${name}`,
        ]);
        assertEquals(db.size, 0);
      }
    }
    const { evictedCount, expiredCount } = recorder.keyspace;
    assertEquals([evictedCount, expiredCount], [6, 6]);
  }),
);
