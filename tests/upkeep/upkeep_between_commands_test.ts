/**
 * Upkeep between commands: of two servers that are sent the same requests, one has everything done
 * that a server does by itself, at random moments: images come and go, what waited for them is
 * given back, passes of defragmentation begin, go on and are broken off, empty slabs are closed,
 * nodes of streams are packed, pages go back, deleted values are freed in pieces. Both must answer
 * alike and hold the same data; the arena in debug mode finds whoever uses a block that is free, or
 * writes to one of an image.
 */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { SystemMemory } from "../../src/server/system_memory.ts";
import { SoakRequests } from "../stress/soak_requests.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { fromLatin1 } from "../support/text.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { testWith } from "../support/tool_availability.ts";

const IS_FULL = Deno.env.get("REDENO_STRESS") === "full";
const ROUNDS = IS_FULL ? 40 : 4;
const ROUND_BYTES = 400_000;
/** So much at most of what a request of either server says is shown. */
const SHOWN = 300;

/** Pages that were given back hold something, and not what was there. */
function scribblingMemory(): SystemMemory {
  return new SystemMemory({
    madvise: (bytes) => {
      (bytes as Uint8Array).fill(0xee);
      return 0;
    },
    madvise_range: () => 0,
    malloc_trim: () => Promise.resolve(0),
    open: () => -1,
    pread: () => -1,
  }, []);
}

/** A server for which something is done between all commands. */
class KeptServer {
  readonly embedded = new EmbeddedServer([], { systemMemory: scribblingMemory() });
  readonly #random: SeededRandom;
  #nowMs = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.embedded.server.memoryReturn.collectsByItself = false;
  }

  upkeep(): void {
    const random = this.#random;
    const { arena, activeDefrag, keyspace, memoryReturn, streamPacker } = this.embedded.server;
    const { defragmentation } = activeDefrag;
    switch (random.below(16)) {
      case 0:
        return random.oneIn(8) ? this.#toggleImage() : undefined;
      case 1:
        return void (!arena.isFrozen && arena.freeDeferred(random.pick([1, 100, Infinity])));
      case 2:
        if (defragmentation.isRunning && random.oneIn(60)) defragmentation.stop();
        return;
      case 3:
        if (!defragmentation.isRunning) defragmentation.begin();
        return;
      case 4:
        return memoryReturn.tick(this.#nowMs += 1000, 0);
      case 5:
        return void memoryReturn.step();
      case 6:
        return void arena.discardIdle(0, random.between(1, 9));
      case 7:
        return void arena.trim(random.pick([undefined, 0]));
      case 8:
        return void keyspace.reclaimer.step(random.pick([1, 50, 5000]));
      case 9:
        return void (streamPacker.packing.mayPack && streamPacker.packing.step(0));
      default:
        for (let steps = random.below(20); steps > 0; steps--) defragmentation.step(0);
    }
  }

  #toggleImage(): void {
    const { fork } = this.embedded.server;
    if (fork.isFrozen) fork.release();
    else fork.freeze();
  }

  /** Ends everything that is under way. */
  calm(): void {
    const { activeDefrag, arena, fork } = this.embedded.server;
    if (activeDefrag.defragmentation.isRunning) activeDefrag.defragmentation.stop();
    if (fork.isFrozen) fork.release();
    arena.freeDeferred(Infinity);
    this.embedded.reclaim();
  }

  [Symbol.dispose](): void {
    this.embedded[Symbol.dispose]();
  }
}

function shown(args: readonly unknown[]): string {
  return args.map((arg) => arg instanceof Uint8Array ? fromLatin1(arg) : String(arg)).join(" ")
    .slice(0, SHOWN);
}

function compare(seed: number): void {
  const random = new SeededRandom(seed);
  using still = new EmbeddedServer();
  using kept = new KeptServer(seed);
  const { server } = kept.embedded;
  const emptyBytes = server.arena.usedBytes;
  server.activeDefrag.defragmentation.scanFieldsMax = random.pick([1, 20, 1000]);
  const requests = new SoakRequests(random, ROUND_BYTES);
  for (let round = 0; round < ROUNDS; round++) {
    requests.changeSizes();
    const load = requests.upTo(ROUND_BYTES, () => requests.any());
    const rest = random.pick([() => requests.nearlyAll(), () => requests.shrink()]);
    for (const { law, args } of [...load, ...rest()]) {
      const [expected, found] = [still.raw(...args), kept.embedded.raw(...args)];
      if (law === "same" && found !== expected) {
        assertEquals(found.slice(0, SHOWN), expected.slice(0, SHOWN), shown(args));
      }
      kept.upkeep();
    }
    assertEquals(kept.embedded.run("DEBUG", "DIGEST"), still.run("DEBUG", "DIGEST"));
  }
  kept.embedded.run("DISCARD");
  assertEquals(kept.embedded.run("FLUSHALL"), "OK");
  kept.calm();
  assertEquals(server.arena.usedBytes, emptyBytes);
}

testWith(["epoll"], "upkeep between commands changes neither replies nor data", () => {
  clock.setTimeForTests(Date.parse("2026-11-28"));
  try {
    for (let run = IS_FULL ? 10 : 1; run > 0; run--) {
      const seed = testSeed();
      try {
        compare(seed);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  } finally {
    clock.useRealTime();
  }
});
