/** Keys that clients of a writable replica let expire. The clock stands still. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";

/** A replica to which clients may write, of a master that never says anything. */
class Scene implements Disposable {
  readonly embedded = new EmbeddedServer();
  readonly effects: RecordedEffects;

  constructor() {
    clock.setTimeForTests(1_700_000_000_000);
    const { keyspace } = this.embedded.server;
    keyspace.isReplica = true;
    keyspace.isWritableReplica = true;
    this.effects = new RecordedEffects(this.embedded);
  }

  run(...words: string[]): unknown {
    return this.embedded.run(...words);
  }

  /** What the master has done. */
  obey(...words: string[]): void {
    const { keyspace } = this.embedded.server;
    keyspace.isObeying = true;
    this.run(...words);
    keyspace.isObeying = false;
  }

  cycle(ms = 0): void {
    clock.advanceForTests(ms);
    this.embedded.server.expireCycle.run("slow");
  }

  [Symbol.dispose](): void {
    clock.useRealTime();
    this.embedded[Symbol.dispose]();
  }
}

Deno.test("a replica removes the keys that its own clients let expire, and no others", () => {
  using scene = new Scene();
  scene.run("SET", "a", "1", "PX", "100");
  scene.run("RPUSH", "b", "1");
  scene.run("PEXPIRE", "b", "100");
  scene.run("SET", "lasting", "1", "PX", "100");
  scene.run("PERSIST", "lasting");
  scene.run("SET", "late", "1", "PX", "500");
  scene.obey("SET", "of the master", "1", "PX", "100");
  scene.effects.takeLog();
  scene.cycle(50);
  assertEquals(scene.run("DBSIZE"), 5);
  scene.cycle(100);
  assertEquals(scene.run("DBSIZE"), 3);
  assertEquals(scene.effects.takeLog(), ["DEL a", "DEL b"], "an AOF must hear of it");
  scene.cycle(400);
  assertEquals(scene.run("DBSIZE"), 2);
});

Deno.test("ten thousand keys go within a few rounds", () => {
  using scene = new Scene();
  for (let index = 0; index < 10_000; index++) {
    scene.run("SET", `key:${index}`, "1", "PX", index % 2 === 0 ? "100" : "100000");
  }
  clock.advanceForTests(200);
  for (let round = 0; round < 1000 && scene.run("DBSIZE") as number > 5000; round++) scene.cycle();
  assertEquals(scene.run("DBSIZE"), 5000);
});

Deno.test("during a pause nothing goes, and after FLUSHALL nothing is left to go", () => {
  using scene = new Scene();
  const { keyspace } = scene.embedded.server;
  scene.run("SET", "a", "1", "PX", "100");
  keyspace.isPaused = true;
  scene.cycle(200);
  assertEquals(scene.run("DBSIZE"), 1);
  keyspace.isPaused = false;
  scene.run("FLUSHALL");
  scene.obey("SET", "a", "1", "PX", "100");
  scene.cycle(200);
  assertEquals(scene.run("DBSIZE"), 1, "it is the master's");
});

Deno.test("a replica that becomes a master treats them like all others", () => {
  using scene = new Scene();
  const { keyspace } = scene.embedded.server;
  scene.run("SET", "a", "1", "PX", "100");
  keyspace.isReplica = keyspace.isWritableReplica = false;
  scene.cycle();
  keyspace.isReplica = true;
  scene.cycle(200);
  assertEquals(scene.run("DBSIZE"), 1);
});
