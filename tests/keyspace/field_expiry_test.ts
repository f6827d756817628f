/** Fields that have expired: hidden, removed by whoever meets them, and by and by. */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { FieldExpiryCycle } from "../../src/keyspace/field_expiry.ts";
import { latin1Text } from "../../src/base/bytes.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const START_MS = 1_700_000_000_000;

/** A server whose clock stands. */
class StandingServer implements Disposable {
  readonly server: EmbeddedServer;

  constructor(directives: [string, string][] = []) {
    clock.setTimeForTests(START_MS);
    this.server = new EmbeddedServer(directives);
  }

  run(...request: (string | number)[]) {
    return this.server.run(...request);
  }

  /** Time goes by, and what has expired is removed by and by. */
  pass(ms: number): void {
    const { expireCycle } = this.server.server;
    clock.advanceForTests(ms);
    do expireCycle.stepFields(); while (expireCycle.areFieldsBehind);
  }

  [Symbol.dispose](): void {
    this.server[Symbol.dispose]();
    clock.useRealTime();
  }
}

/** There is a hash of which `a` and `b` expire after a second, and a record of what happens. */
class Scene extends StandingServer {
  readonly effects: RecordedEffects;

  constructor(directives: [string, string][] = []) {
    super(directives);
    this.run("HSET", "h", "a", "1", "b", "2", "c", "3");
    this.run("HPEXPIREAT", "h", START_MS + 1000, "FIELDS", 2, "a", "b");
    this.effects = new RecordedEffects(this.server);
  }

  /** Events and effects since the last call. */
  take(): [string[], string[]] {
    return [this.effects.takeEvents(), this.effects.takeLog()];
  }
}

const FORMS: [string, string][][] = [[], [["hash-max-listpack-entries", "0"]]];

for (const directives of FORMS) {
  const form = directives.length === 0 ? "listpackex" : "hashtable";

  Deno.test(`a field lives to the end of its last millisecond (${form})`, () => {
    using scene = new Scene(directives);
    clock.advanceForTests(1000);
    assertEquals(scene.run("HGET", "h", "a"), "1");
    clock.advanceForTests(1);
    assertEquals(scene.run("HGET", "h", "a"), null);
  });

  Deno.test(`a command that asks for an expired field removes it, and no other (${form})`, () => {
    using scene = new Scene(directives);
    clock.advanceForTests(2000);
    assertEquals(scene.run("HLEN", "h"), 3);
    assertEquals(scene.run("HGETALL", "h"), ["c", "3"]);
    assertEquals(scene.run("HTTL", "h", "FIELDS", 1, "a"), [-2]);
    assertEquals(scene.take(), [[], []]);
    assertEquals(scene.run("HEXISTS", "h", "a"), 0);
    assertEquals(scene.take(), [["hexpired h"], ["HDEL h a"]]);
    assertEquals(scene.run("HLEN", "h"), 2);
    assertEquals(scene.run("HINCRBY", "h", "b", 5), 5);
    assertEquals(scene.take(), [["hexpired h", "hincrby h"], ["HDEL h b", "HINCRBY h b 5"]]);
    assertEquals(scene.run("HPTTL", "h", "FIELDS", 1, "b"), [-1]);
    assertEquals(scene.server.server.keyspace.expiredFieldCount, 2);
  });

  Deno.test(`a hash goes with its last field, and watches of it are void (${form})`, () => {
    using scene = new Scene(directives);
    scene.run("HDEL", "h", "b", "c");
    scene.take();
    const watcher = scene.server.connect();
    watcher.run("WATCH", "h");
    clock.advanceForTests(2000);
    assertEquals(scene.run("HMGET", "h", "a", "a", "c"), [null, null, null]);
    assertEquals(scene.take(), [["hexpired h", "del h"], ["HDEL h a"]]);
    assertEquals(scene.run("EXISTS", "h"), 0);
    watcher.run("MULTI");
    assertEquals(watcher.run("EXEC"), null);
  });

  Deno.test(`several fields that a command finds expired are one event (${form})`, () => {
    using scene = new Scene(directives);
    clock.advanceForTests(2000);
    assertEquals(scene.run("HGETEX", "h", "FIELDS", 3, "a", "c", "b"), [null, "3", null]);
    assertEquals(scene.take(), [["hexpired h"], ["HDEL h a", "HDEL h b"]]);
  });

  Deno.test(`FNX and FXX look no further than they must (${form})`, () => {
    using scene = new Scene(directives);
    clock.advanceForTests(2000);
    assertEquals(scene.run("HSETEX", "h", "FXX", "FIELDS", 2, "a", "1", "b", "2"), 0);
    assertEquals(scene.take(), [["hexpired h"], ["HDEL h a"]]);
    assertEquals(scene.run("HSETEX", "h", "FNX", "FIELDS", 3, "x", "1", "c", "2", "b", "3"), 0);
    assertEquals(scene.take(), [[], []]);
    assertEquals(scene.run("HSETEX", "h", "FNX", "FIELDS", 2, "b", "1", "x", "2"), 1);
    assertEquals(scene.take()[0], ["hexpired h", "hset h"]);
  });

  Deno.test(`HRANDFIELD removes what has expired before it draws (${form})`, () => {
    using scene = new Scene(directives);
    clock.advanceForTests(2000);
    assertEquals(scene.run("HRANDFIELD", "h", -3, "WITHVALUES"), ["c", "3", "c", "3", "c", "3"]);
    assertEquals(scene.take()[0], ["hexpired h"]);
    assertEquals(scene.run("HLEN", "h"), 1);
  });

  Deno.test(`a step removes what nobody asks for, each field as its own effect (${form})`, () => {
    using scene = new Scene(directives);
    scene.run("HSETEX", "gone", "PXAT", START_MS + 1500, "FIELDS", 1, "f", "v");
    scene.take();
    const { expireCycle } = scene.server.server;
    expireCycle.stepFields();
    assertEquals(scene.take(), [[], []]);
    clock.advanceForTests(2000);
    expireCycle.stepFields();
    const [events, log] = scene.take();
    assertEquals(events, ["hexpired h", "hexpired gone", "del gone"]);
    assertEquals(log.sort(), ["HDEL gone f", "HDEL h a", "HDEL h b"]);
    assertEquals(scene.run("KEYS", "*"), ["h"]);
    assertEquals(expireCycle.areFieldsBehind, false);
  });

  Deno.test(`what nobody records goes with the same events and counts (${form})`, () => {
    using scene = new StandingServer(directives);
    const { arena, keyspace } = scene.server.server;
    const usedBytes = arena.usedBytes;
    scene.run("CONFIG", "SET", "notify-keyspace-events", "Eghx");
    const events: string[] = [];
    const { listener } = keyspace;
    listener.keyEvent = (_db, _class, event, bytes, start, length) => {
      events.push(`${event} ${latin1Text(bytes, start, length)}`);
    };
    const long = "long".repeat(100);
    for (const key of ["all", "some", long]) scene.run("HSET", key, "a", 1, "b", 2, "c", 3);
    scene.run("HPEXPIREAT", "all", START_MS + 1000, "FIELDS", 3, "a", "b", "c");
    scene.run("HPEXPIREAT", "some", START_MS + 1001, "FIELDS", 2, "a", "b");
    scene.run("HPEXPIREAT", long, START_MS + 1002, "FIELDS", 1, "a");
    scene.run("HPEXPIREAT", long, START_MS + 3000, "FIELDS", 2, "b", "c");
    const watchers = ["all", "some", long, "other"].map((key) => {
      const watcher = scene.server.connect();
      watcher.run("WATCH", key);
      return watcher;
    });
    events.length = 0;
    scene.pass(2000);
    assertEquals(events, ["hexpired all", "del all", "hexpired some", `hexpired ${long}`]);
    assertEquals(keyspace.expiredFieldCount, 6);
    assertEquals([scene.run("HKEYS", "some"), scene.run("HLEN", long)], [["c"], 2]);
    const replies = watchers.map((watcher) => {
      watcher.run("MULTI");
      return watcher.run("EXEC");
    });
    assertEquals(replies, [null, null, null, []]);
    scene.pass(2000);
    assertEquals(events.slice(4), [`hexpired ${long}`, `del ${long}`]);
    assertEquals([keyspace.expiredFieldCount, scene.run("DBSIZE")], [8, 1]);
    scene.run("FLUSHALL");
    scene.server.reclaim();
    assertEquals([keyspace.databases[0]!.expiryOrder.count, arena.usedBytes], [0, usedBytes]);
  });

  Deno.test(`where expired keys are to stay, expired fields are hidden and stay (${form})`, () => {
    using scene = new Scene(directives);
    const { keyspace, expireCycle } = scene.server.server;
    clock.advanceForTests(2000);
    keyspace.isPaused = true;
    assertEquals(scene.run("HMGET", "h", "a", "c"), [null, "3"]);
    assertEquals(scene.run("HSTRLEN", "h", "a"), 0);
    assertEquals(scene.run("HVALS", "h"), ["3"]);
    assertEquals(scene.run("HRANDFIELD", "h"), "c");
    assertEquals(scene.run("HRANDFIELD", "h", 5), ["c"]);
    assertEquals(scene.run("HRANDFIELD", "h", -2), ["c", "c"]);
    assertEquals(scene.run("HSCAN", "h", 0, "NOVALUES"), ["0", ["c"]]);
    expireCycle.stepFields();
    assertEquals(scene.run("HLEN", "h"), 3);
    assertEquals(scene.take(), [[], []]);
    keyspace.isPaused = false;
    keyspace.isLoading = true;
    assertEquals(scene.run("HGET", "h", "a"), "1");
    keyspace.isLoading = false;
    expireCycle.stepFields();
    assertEquals(scene.run("HLEN", "h"), 1);
  });
}

for (const isRecorded of [false, true]) {
  const name = isRecorded ? "with a record of it" : "without a record";
  Deno.test(`hundreds of hashes lose their fields in time, ${name}`, () => {
    using scene = new StandingServer([["hash-max-listpack-entries", "4"]]);
    const { keyspace } = scene.server.server;
    if (isRecorded) new RecordedEffects(scene.server);
    const random = new SeededRandom(testSeed());
    const times = new Map<string, number>();
    for (let key = 0; key < 300; key++) {
      // Many keys have the same times.
      for (let field = random.between(1, 6); field > 0; field--) {
        const atMs = START_MS + 10 * random.between(1, 50);
        scene.run("HSETEX", `h${key}`, "PXAT", atMs, "FIELDS", 1, `f${field}`, "v");
        times.set(`h${key} f${field}`, atMs);
      }
    }
    const all = times.size;
    while (times.size > 0) {
      scene.pass(random.between(1, 60));
      const nowMs = clock.nowMs();
      for (const [field, atMs] of times) if (atMs < nowMs) times.delete(field);
      assertEquals(keyspace.expiredFieldCount, all - times.size);
      const keys = new Set([...times.keys()].map((field) => field.split(" ", 1)[0]!));
      assertEquals(scene.run("DBSIZE"), keys.size);
      assertEquals(keyspace.databases[0]!.expiryOrder.count, keys.size);
      for (const key of keys) {
        const fields = [...times.keys()].filter((field) => field.startsWith(`${key} `));
        assertEquals(scene.run("HLEN", key), fields.length, key);
      }
    }
  });
}

Deno.test("a hash whose fields were given back by a step in time is still in order", () => {
  using scene = new StandingServer();
  const { keyspace } = scene.server.server;
  for (let key = 0; key < 200; key++) {
    scene.run("HSETEX", `h${key}`, "PXAT", START_MS + 1 + key, "FIELDS", 3, "a", 1, "b", 2, "c", 3);
  }
  clock.advanceForTests(1000);
  const cycle = new FieldExpiryCycle(keyspace);
  for (let left = 200; left > 0;) {
    cycle.step(0);
    const now = Number(scene.run("DBSIZE"));
    assert(now < left, `${now} of ${left} are left`);
    assertEquals([keyspace.databases[0]!.expiryOrder.count, cycle.isBehind], [now, now > 0]);
    left = now;
  }
  assertEquals(keyspace.expiredFieldCount, 600);
});

Deno.test("SORT does not see fields that have expired", () => {
  using scene = new Scene();
  scene.run("RPUSH", "list", "x", "y");
  scene.run("HSET", "w_x", "f", "2");
  scene.run("HSET", "w_y", "f", "1");
  assertEquals(scene.run("SORT", "list", "BY", "w_*->f", "GET", "w_*->f"), ["1", "2"]);
  scene.run("HPEXPIREAT", "w_y", START_MS + 1000, "FIELDS", 1, "f");
  clock.advanceForTests(2000);
  assertEquals(scene.run("SORT", "list", "BY", "nosort", "GET", "w_*->f"), ["2", null]);
});

Deno.test("a step whose time is up ends after a few hundred fields, and the next one goes on", () => {
  using scene = new Scene();
  const { keyspace } = scene.server.server;
  scene.run("DEL", "h");
  for (let key = 0; key < 100; key++) {
    const fields = key === 7 ? 3000 : 50;
    const pairs = Array.from({ length: fields }, (_, field) => [`f${field}`, "v"]).flat();
    scene.run("HSETEX", `h${key}`, "PXAT", START_MS + 1, "FIELDS", fields, ...pairs);
  }
  clock.advanceForTests(1000);
  const cycle = new FieldExpiryCycle(keyspace);
  let steps = 0;
  do {
    const before = keyspace.expiredFieldCount;
    cycle.step(0);
    steps++;
    const removed = keyspace.expiredFieldCount - before;
    assert(removed <= 64 + 256, `${removed} fields in one step`);
  } while (cycle.isBehind);
  assert(steps > 7950 / 320, `${steps} steps`);
  assertEquals([scene.run("DBSIZE"), keyspace.expiredFieldCount], [0, 7950]);
});
