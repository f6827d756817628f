/**
 * Commands while an image is read: of two servers that are sent the same requests, one is frozen
 * before each request, or some of them, so that whatever a command changes is part of an image.
 * Both must answer alike and hold the same data; and no image may change while it is there, which
 * the arena in debug mode finds out at each release.
 *
 * And a write costs as much memory as what it changes: whole segments are copied only where the
 * tables stand.
 */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { COMMAND_SHAPES } from "../differential/command_shapes.ts";
import { type Step, stepsOfSeed } from "../differential/command_stream.ts";
import { SEGMENT_BYTES } from "../../src/memory/memory.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { freshSeed, SeededRandom } from "../support/seeded_random.ts";

const STEPS = 1500;
/** These ask for the server, wait, or make transactions of what stands here alone. */
const OTHER_FAMILIES = ["transactions", "server"];

const shapes = COMMAND_SHAPES.filter(({ family, shape }) =>
  !OTHER_FAMILIES.includes(family) && !/\bBLOCK\b|^B[LRZ]\w*(POP|MOVE|PUSH)/.test(shape)
);

/** A server whose data are frozen now and then. */
class FreezingServer implements Disposable {
  readonly embedded = new EmbeddedServer();
  readonly #random: SeededRandom;

  constructor(seed: number, private readonly requestsPerImage: number) {
    this.#random = new SeededRandom(seed);
  }

  raw(step: Step): string {
    const { fork } = this.embedded.server;
    if (this.#random.oneIn(this.requestsPerImage)) {
      this.release();
      fork.freeze();
    }
    return this.embedded.raw(...step.args);
  }

  /** Ends the image, if there is one; sometimes what waited for that goes on waiting. */
  release(): void {
    const { fork, arena } = this.embedded.server;
    if (!fork.isFrozen) return;
    fork.release();
    if (this.#random.oneIn(2)) arena.freeDeferred(this.#random.oneIn(2) ? 10 : Infinity);
  }

  [Symbol.dispose](): void {
    this.embedded[Symbol.dispose]();
  }
}

function compare(seed: number, requestsPerImage: number): void {
  clock.setTimeForTests(Date.parse("2026-11-28"));
  using peaceful = new EmbeddedServer();
  using freezing = new FreezingServer(seed, requestsPerImage);
  for (const step of stepsOfSeed(seed, shapes, STEPS)) {
    const request = `seed ${seed}: ${step.args.join(" ").slice(0, 300)}`;
    const expected = peaceful.raw(...step.args);
    const found = freezing.raw(step);
    if (step.law === "same") assertEquals(found, expected, request);
  }
  freezing.release();
  assertEquals(
    freezing.embedded.run("DEBUG", "DIGEST"),
    peaceful.run("DEBUG", "DIGEST"),
    `seed ${seed}`,
  );
  const { arena } = freezing.embedded.server;
  arena.freeDeferred(Infinity);
  assertEquals(arena.deferredBytes, 0);
}

for (const requestsPerImage of [1, 7]) {
  Deno.test(`commands find the same data with an image for ${requestsPerImage} requests`, () => {
    compare(freshSeed(), requestsPerImage);
  });
}

/** Ways to write to a key of about a kilobyte: what makes it, and what changes it. */
const WRITES: readonly { make: string[]; change: string[] }[] = [
  { make: ["SET", "#", "x".repeat(1000)], change: ["SET", "#", "y".repeat(1000)] },
  { make: ["SET", "#", "x".repeat(1000)], change: ["SETRANGE", "#", "500", "y"] },
  { make: ["SET", "#", "x".repeat(1000), "EX", "100"], change: ["EXPIRE", "#", "200"] },
  { make: ["SET", "#", "x".repeat(1000), "EX", "100"], change: ["PERSIST", "#"] },
  { make: ["HSET", "#", ...pairs(10)], change: ["HSET", "#", "field:5", "y".repeat(60)] },
  { make: ["HSET", "#", ...pairs(10)], change: ["HDEL", "#", "field:5"] },
  { make: ["RPUSH", "#", ...pairs(10)], change: ["LSET", "#", "5", "y".repeat(60)] },
  { make: ["SADD", "#", ...numbers(200)], change: ["SREM", "#", "100100"] },
  { make: ["SADD", "#", ...numbers(200)], change: ["SADD", "#", "7"] },
];

function pairs(count: number): string[] {
  return Array.from({ length: count }, (_, index) => [`field:${index}`, "x".repeat(60)]).flat();
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(100_000 + index));
}

for (const { make, change } of WRITES) {
  Deno.test(`while there is an image, ${change[0]} copies what it changes of a ${make[0]}`, () => {
    using server = new EmbeddedServer();
    const { fork, arena } = server.server;
    const at = (args: string[], index: number) => {
      server.run(...args.map((text) => text === "#" ? `key:${index}` : text));
    };
    for (let index = 0; index < 6000; index++) at(make, index);
    fork.freeze();
    for (let index = 0; index < 6000; index += 100) at(change, index);
    const used = arena.segmentCount * SEGMENT_BYTES;
    const report = `${fork.clonedBytes} bytes of ${used} were copied`;
    assert(fork.clonedBytes < used / 3, report);
    fork.release();
  });
}

Deno.test("while there is an image, keys are overwritten where they are if few addresses are left", () => {
  using server = new EmbeddedServer([], { segmentCountMax: 60 });
  const { fork, arena } = server.server;
  for (let index = 0; index < 300; index++) server.run("SET", `key:${index}`, "x".repeat(15_000));
  for (let index = 0; index < 300; index++) server.run("HSET", "hash", index, "x".repeat(15_000));
  fork.freeze();
  for (let index = 0; index < 300; index++) {
    assertEquals(server.run("SET", `key:${index}`, "y".repeat(15_000)), "OK");
    assertEquals(server.run("HSET", "hash", index, "y".repeat(15_000)), 0);
  }
  assert(arena.deferredBytes > 0);
  fork.release();
});
