/**
 * Defragmentation against a server without it: both get the same random commands, on values of all
 * types and encodings, small and huge, and one has steps of passes, and freezes, at random moments
 * in between. Replies, datasets and bytes in use must be the same throughout; the debug arena finds
 * whoever writes to a freed block or to a frozen segment.
 */
import { assert, assertEquals } from "@std/assert";
import { datasetDigest, hexText } from "../../src/keyspace/dataset_digest.ts";
import { Arena } from "../../src/memory/arena.ts";
import { type Ref, SEGMENT_BYTES } from "../../src/memory/memory.ts";
import { CLASS_BYTES, classFor } from "../../src/memory/size_classes.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Argument } from "../support/resp_client.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const FAR_FUTURE_MS = 4_102_444_800_000;
const HUGE_ELEMENTS = 1000;
const COMMANDS = 3000;
/** Sizes of blocks that the data of the test often have. */
const FILLING_BYTES = [8, 16, 24, 32, 40, 48, 64, 88, 128, 160, 224, 320, 448, 768, 1280, 4096];
/** Classes of up to 16 KiB. */
const MEDIUM_CLASSES = classFor(16 * 1024) + 1;
const CONFIG = [["zset-max-listpack-entries", "16"], ["hash-max-listpack-entries", "16"]] as const;

function digestOf({ server }: EmbeddedServer): string {
  return hexText(datasetDigest(server.keyspace));
}

/** A pass from its beginning to its end, in the smallest steps; returns their number. */
function defragment({ server }: EmbeddedServer): number {
  const { defragmentation } = server.activeDefrag;
  defragmentation.begin();
  let steps = 0;
  for (; defragmentation.isRunning; steps++) defragmentation.step(0);
  return steps;
}

/** Random requests over a small set of keys, so that every value is changed often. */
class RequestStream {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  key(kind: string): string {
    const random = this.#random;
    // One key in thirty is too long to stand in its entry.
    const number = random.below(150);
    return number % 30 === 29 ? `${kind}:${number}:`.padEnd(40_000, "k") : `${kind}:${number}`;
  }

  text(): string {
    const random = this.#random;
    const bytes = random.pick([3, 12, 40, 200, 200, 900, 5000]);
    if (random.oneIn(60)) return random.word(1).repeat(random.pick([20_000, 40_000, 300_000]));
    return random.word(1).repeat(random.between(1, bytes));
  }

  element(kind: string): string {
    const random = this.#random;
    const bound = kind === "huge" ? HUGE_ELEMENTS : 60;
    const name = `e${random.below(bound)}`;
    return random.oneIn(400) ? name.padEnd(35_000, "e") : name;
  }

  next(): Argument[] {
    const random = this.#random;
    const kind = random.oneIn(3) ? "huge" : "small";
    const huge = (name: string) => kind === "huge" ? `huge:${name}` : this.key(name);
    switch (random.below(10)) {
      case 9:
        return this.#stream(huge("stream"));
      case 0:
      case 1:
        return this.#string(this.key("string"));
      case 2:
        return this.#list(huge("list"));
      case 3:
        return this.#set(huge("set"), kind);
      case 4:
        return this.#hash(huge("hash"), kind);
      case 5:
      case 6:
        return this.#sortedSet(huge("zset"), kind);
      case 7:
        return this.#expiry(this.key(random.pick(["string", "hash", "list"])));
      default:
        return this.#whole();
    }
  }

  #string(key: string): Argument[] {
    const random = this.#random;
    switch (random.below(7)) {
      case 0:
        return ["APPEND", key, this.text()];
      case 1:
        return ["SETRANGE", key, random.below(2000), "inside"];
      case 2:
        return ["GET", key];
      case 3:
        return ["DEL", key];
      case 4:
        return ["SET", key, this.text(), "PXAT", FAR_FUTURE_MS];
      default:
        return ["SET", key, this.text()];
    }
  }

  #list(key: string): Argument[] {
    const random = this.#random;
    const index = random.between(-300, 300);
    const element = random.oneIn(200) ? "plain".repeat(15_000) : this.text();
    switch (random.below(7)) {
      case 0:
        return ["LPOP", key, random.below(8)];
      case 1:
        return ["RPOP", key, random.below(8)];
      case 2:
        return ["LINDEX", key, index];
      case 3:
        return ["LSET", key, random.between(-3, 3), this.text().slice(0, 300)];
      case 4:
        return ["LRANGE", key, index, index + 10];
      default:
        return [random.pick(["LPUSH", "RPUSH"]), key, element, "7", "tail"];
    }
  }

  #set(key: string, kind: string): Argument[] {
    const random = this.#random;
    const integer = random.below(1000);
    switch (random.below(4)) {
      case 0:
        return ["SREM", key, this.element(kind), integer];
      case 1:
        return ["SMISMEMBER", key, this.element(kind), integer];
      default:
        return random.oneIn(2) ? ["SADD", key, integer] : ["SADD", key, this.element(kind)];
    }
  }

  #hash(key: string, kind: string): Argument[] {
    const random = this.#random;
    const expiryMs = FAR_FUTURE_MS + random.below(1000);
    switch (random.below(6)) {
      case 0:
        return ["HDEL", key, this.element(kind)];
      case 1:
        return ["HGET", key, this.element(kind)];
      case 2:
        return ["HPEXPIREAT", key, expiryMs, "FIELDS", 1, this.element(kind)];
      case 3:
        return random.oneIn(2)
          ? ["HPERSIST", key, "FIELDS", 1, this.element(kind)]
          : ["HSETEX", key, "PXAT", expiryMs, "FIELDS", 1, this.element(kind), this.text()];
      default:
        return ["HSET", key, this.element(kind), this.text()];
    }
  }

  #sortedSet(key: string, kind: string): Argument[] {
    const random = this.#random;
    const score = random.between(-50, 50);
    switch (random.below(8)) {
      case 0:
        return ["ZREM", key, this.element(kind)];
      case 1:
        return ["ZRANK", key, this.element(kind)];
      case 2:
        return ["ZRANGE", key, score, score + 1, "BYSCORE", "REV", "WITHSCORES"];
      case 3:
        return [random.pick(["ZPOPMIN", "ZPOPMAX"]), key, random.below(4)];
      case 4:
        return ["ZINCRBY", key, score, this.element(kind)];
      default:
        return ["ZADD", key, score, this.element(kind)];
    }
  }

  /** Ids of ours and times in the past, so that both servers answer alike. */
  #stream(key: string): Argument[] {
    const random = this.#random;
    const group = `g${random.below(2)}`;
    const consumer = `c${random.below(3)}`.padEnd(random.oneIn(50) ? 35_000 : 2, "c");
    const id = `${random.pick([5, 7, 9])}-${random.below(200)}`;
    switch (random.below(16)) {
      case 0:
        return ["XDEL", key, id];
      case 1:
        return ["XTRIM", key, "MAXLEN", random.below(400)];
      case 2:
        return ["XRANGE", key, id, "+", "COUNT", 5];
      case 3:
        return ["XGROUP", "CREATE", key, group, 0, "MKSTREAM"];
      case 4:
        return ["XREADGROUP", "GROUP", group, consumer, "COUNT", 20, "STREAMS", key, ">"];
      case 5:
        return ["XCLAIM", key, group, consumer, 0, id, "TIME", 1, "FORCE", "JUSTID"];
      case 6:
        return ["XACK", key, group, id, `9-${random.below(200)}`];
      case 7:
        return ["XPENDING", key, group];
      case 8:
        return random.oneIn(10)
          ? ["XGROUP", "DESTROY", key, group]
          : ["XGROUP", "DELCONSUMER", key, group, consumer];
      default:
        return [
          "XADD",
          key,
          `${random.pick([5, 9, 9, 9])}-*`,
          random.pick(["a", "b"]),
          this.text(),
        ];
    }
  }

  #expiry(key: string): Argument[] {
    const random = this.#random;
    return random.oneIn(2)
      ? ["PEXPIREAT", key, FAR_FUTURE_MS + random.below(1000)]
      : ["PERSIST", key];
  }

  /** Commands that move or remove whole values. */
  #whole(): Argument[] {
    const random = this.#random;
    const type = random.pick(["string", "list", "set", "hash", "zset", "stream"]);
    switch (random.below(8)) {
      case 0:
        return ["RENAME", this.key(type), this.key(type)];
      case 1:
        return ["COPY", this.key(type), this.key(type), "REPLACE"];
      case 2:
        return ["MOVE", this.key(type), 1];
      case 3:
        return random.oneIn(10) ? ["SWAPDB", 0, 1] : ["EXISTS", this.key(type)];
      case 4:
        return random.oneIn(40) ? ["FLUSHDB"] : ["TYPE", this.key(type)];
      case 5:
        return random.oneIn(20) ? ["DEL", `huge:${type}`] : ["TOUCH", `huge:${type}`];
      case 6:
        return random.oneIn(8)
          ? ["RENAME", `huge:${type}`, this.key(type)]
          : ["RENAME", this.key(type), `huge:${type}`];
      default:
        return ["DEL", this.key(type), this.key(type)];
    }
  }
}

/** Requests that build huge values and then make most of their blocks free again. */
function hugeRequests(random: SeededRandom): Argument[][] {
  const requests: Argument[][] = [];
  for (let index = 0; index < HUGE_ELEMENTS; index++) {
    const element = `e${index}`;
    requests.push(["SADD", "huge:set", element.padEnd(20, "s")]);
    requests.push(["HSET", "huge:hash", element, element.padEnd(random.between(1, 300), "v")]);
    const expiryMs = FAR_FUTURE_MS + index % 97;
    requests.push(["HPEXPIREAT", "huge:hash", expiryMs, "FIELDS", 1, element]);
    requests.push(["ZADD", "huge:zset", index % 97, element]);
    requests.push(["RPUSH", "huge:list", element.padEnd(random.between(1, 400), "l")]);
    requests.push(["XADD", "huge:stream", "9-*", "f", element.padEnd(random.between(1, 400), "x")]);
  }
  requests.push(["XGROUP", "CREATE", "huge:stream", "g0", 0]);
  requests.push(["XREADGROUP", "GROUP", "g0", "c0", "STREAMS", "huge:stream", ">"]);
  for (let index = 0; index < HUGE_ELEMENTS; index++) {
    if (random.oneIn(4)) continue;
    const element = `e${index}`;
    requests.push(["SREM", "huge:set", element.padEnd(20, "s")], ["HDEL", "huge:hash", element]);
    requests.push(["ZREM", "huge:zset", element]);
  }
  return requests;
}

interface Pair {
  moving: EmbeddedServer;
  still: EmbeddedServer;
}

function runBoth({ moving, still }: Pair, request: Argument[]): void {
  assertEquals(moving.raw(...request), still.raw(...request), String(request[0]));
}

/**
 * Blocks of all sizes that come and go in the arena beside the data, so that these are scattered
 * over many slabs, as millions of keys would be.
 */
class Filling {
  readonly #arena: Arena;
  readonly #blocks = new Map<number, Ref[]>();
  #bytes = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /**
   * Gives the blocks of one size back, or else takes so many that the data of this size stand in
   * slabs that are emptier than the last one, which half of the blocks stay in.
   */
  change(byteCount: number): void {
    const arena = this.#arena;
    const blocks = this.#blocks.get(byteCount);
    if (blocks !== undefined) return this.#free(byteCount, blocks);
    const taken: Ref[] = [];
    const segmentCount = arena.segmentCount;
    while (arena.segmentCount < segmentCount + 2) taken.push(arena.allocate(byteCount));
    const kept = taken.splice(-1);
    while (kept.length < SEGMENT_BYTES / byteCount / 2) kept.push(arena.allocate(byteCount));
    for (const block of taken) arena.free(block);
    this.#blocks.set(byteCount, kept);
    this.#bytes += kept.length * Arena.bytesFor(byteCount);
  }

  clear(): void {
    for (const [byteCount, blocks] of this.#blocks) this.#free(byteCount, blocks);
  }

  /** Bytes of the data, without what a frozen image holds, which depends on where blocks stand. */
  otherBytes(): number {
    return this.#arena.usedBytes - this.#arena.deferredBytes - this.#bytes;
  }

  #free(byteCount: number, blocks: Ref[]): void {
    for (const block of blocks) this.#arena.free(block);
    this.#blocks.delete(byteCount);
    this.#bytes -= blocks.length * Arena.bytesFor(byteCount);
  }
}

function assertSame({ moving, still }: Pair, filling: Filling): void {
  assertEquals(digestOf(moving), digestOf(still));
  const { usedBytes, deferredBytes } = still.server.arena.statistics();
  assertEquals(filling.otherBytes(), usedBytes - deferredBytes);
}

/** Freezes both servers, or releases them: tables grow differently while frozen. */
function toggleFreeze({ moving, still }: Pair): void {
  for (const { server: { fork, arena } } of [moving, still]) {
    if (!fork.isFrozen) {
      fork.freeze();
      continue;
    }
    fork.release();
    arena.freeDeferred(Infinity);
  }
}

function moveSomething({ moving }: Pair, random: SeededRandom): void {
  const { defragmentation } = moving.server.activeDefrag;
  if (!defragmentation.isRunning) defragmentation.begin();
  for (let steps = random.below(40); steps > 0; steps--) defragmentation.step(0);
  if (random.oneIn(300) && defragmentation.isRunning) defragmentation.stop();
}

Deno.test("steps of a pass between random commands change neither replies nor data", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  using moving = new EmbeddedServer(CONFIG);
  using still = new EmbeddedServer(CONFIG);
  const pair = { moving, still };
  const { arena, fork, activeDefrag } = moving.server;
  const startBytes = arena.usedBytes;
  const stream = new RequestStream(random);
  const filling = new Filling(arena);
  // Elements in one bucket beyond these are walked in steps of their own.
  activeDefrag.defragmentation.scanFieldsMax = random.pick([1, 20, 100]);
  try {
    for (let index = 0; index < COMMANDS; index++) {
      if (index % 1500 === 0) {
        for (const request of hugeRequests(random)) runBoth(pair, request);
      }
      runBoth(pair, stream.next());
      if (random.oneIn(2)) moveSomething(pair, random);
      if (random.oneIn(20)) filling.change(random.pick(FILLING_BYTES));
      if (random.oneIn(30)) filling.change(CLASS_BYTES[random.below(MEDIUM_CLASSES)]);
      if (random.oneIn(300)) toggleFreeze(pair);
      if (random.oneIn(50)) { for (const server of [moving, still]) server.reclaim(); }
      if (index % 1000 === 0) assertSame(pair, filling);
    }
    if (fork.isFrozen) toggleFreeze(pair);
    filling.clear();
    assertSame(pair, filling);
    assert(arena.relocatedCount > 2000, `only ${arena.relocatedCount} blocks were moved`);
    activeDefrag.defragmentation.stop();
    for (const server of [moving, still]) {
      server.run("FLUSHALL");
      server.reclaim();
    }
    assertEquals(arena.usedBytes, startBytes);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
});

/** Fills a server with keys of one size and deletes nine of ten at random. */
function fillAndDelete(server: EmbeddedServer, keys: number, valueBytes: number): void {
  const random = new SeededRandom(keys);
  for (let key = 0; key < keys; key++) server.run("SET", `key:${key}`, "v".repeat(valueBytes));
  for (let key = 0; key < keys; key++) if (!random.oneIn(10)) server.run("DEL", `key:${key}`);
}

Deno.test("a pass gives back what deleted values have left behind, and no other block", () => {
  using server = new EmbeddedServer();
  const { arena } = server.server;
  fillAndDelete(server, 10_000, 1000);
  const before = arena.statistics();
  const digest = digestOf(server);
  assert(before.segmentBytes / before.usedBytes > 5);
  defragment(server);
  const after = arena.statistics();
  assertEquals(digestOf(server), digest);
  assertEquals(after.usedBytes, before.usedBytes);
  assertEquals(arena.recoverableBytes(), 0);
  // Each class may have one slab that is not full, and 32 segments stay in reserve, or some more
  // for want of a buffer that is idle as a whole.
  const classes = arena.classStatistics().length;
  assert(after.segmentBytes < after.usedBytes + (classes + 1) * SEGMENT_BYTES);
  assert(after.reservedBytes <= after.segmentBytes + (32 + 16) * SEGMENT_BYTES);
  const { keyHits, keyMisses } = server.server.activeDefrag.defragmentation;
  assertEquals(keyHits + keyMisses, Number(server.run("DBSIZE")));
});

Deno.test("filling, deleting and filling with another size takes no more memory in the end", () => {
  using server = new EmbeddedServer();
  const { arena } = server.server;
  let firstBytes = 0;
  for (const [round, valueBytes] of [700, 1000, 400, 1500, 250, 700].entries()) {
    fillAndDelete(server, Math.floor(3_000_000 / valueBytes), valueBytes);
    defragment(server);
    if (round === 0) firstBytes = arena.statistics().reservedBytes;
    server.run("FLUSHALL");
    server.reclaim();
  }
  defragment(server);
  assert(arena.statistics().reservedBytes < firstBytes * 1.5);
});

Deno.test("a second pass has nothing to do", () => {
  using server = new EmbeddedServer();
  const { arena } = server.server;
  fillAndDelete(server, 5000, 500);
  defragment(server);
  const moved = arena.relocatedCount;
  assert(moved > 100);
  defragment(server);
  assertEquals(arena.relocatedCount, moved);
});

/** Goes on with a scan by one call; notes what it returned. */
function scanOnce(server: EmbeddedServer, request: Argument[], at: number, seen: Set<string>) {
  const reply = server.run(...request) as [string, string[]];
  for (const element of reply[1]) seen.add(element);
  request[at] = reply[0];
  return reply[0] === "0";
}

Deno.test("SCAN, HSCAN, SSCAN and ZSCAN miss nothing while blocks move", () => {
  const random = new SeededRandom(testSeed());
  using server = new EmbeddedServer();
  const { defragmentation } = server.server.activeDefrag;
  const KEPT = 500;
  for (let index = 0; index < 10 * KEPT; index++) {
    const name = index % 10 === 0 ? `kept:${index}` : `gone:${index}`;
    server.run("SET", name, "v".repeat(100));
    server.run("HSET", "hash", name, "v");
    server.run("SADD", "set", name);
    server.run("ZADD", "zset", index, name);
  }
  const scans: [Argument[], number][] = [
    [["SCAN", "0"], 1],
    [["HSCAN", "hash", "0"], 2],
    [["SSCAN", "set", "0"], 2],
    [["ZSCAN", "zset", "0"], 2],
  ];
  let next = 0;
  const deleteSome = () => {
    for (let count = 0; count < 40 && next < 10 * KEPT; next++) {
      if (next % 10 === 0) continue;
      count++;
      server.run("DEL", `gone:${next}`);
      server.run("HDEL", "hash", `gone:${next}`);
      server.run("SREM", "set", `gone:${next}`);
      server.run("ZREM", "zset", `gone:${next}`);
    }
  };
  while (next < 6 * KEPT) deleteSome();
  for (const [request, at] of scans) {
    const seen = new Set<string>();
    do {
      deleteSome();
      if (!defragmentation.isRunning) defragmentation.begin();
      for (let steps = random.below(30); steps > 0; steps--) defragmentation.step(0);
    } while (!scanOnce(server, request, at, seen));
    for (let index = 0; index < 10 * KEPT; index += 10) {
      assert(seen.has(`kept:${index}`), `${request[0]} missed kept:${index}, seed ${random.seed}`);
    }
  }
  assert(server.server.arena.relocatedCount > 200);
});

Deno.test("blocks stay where they are while a frozen image exists, and while loading", () => {
  using server = new EmbeddedServer();
  const { arena, fork, keyspace, activeDefrag } = server.server;
  fillAndDelete(server, 5000, 500);
  activeDefrag.defragmentation.begin();
  activeDefrag.defragmentation.step(0);
  fork.freeze();
  const moved = arena.relocatedCount;
  for (let step = 0; step < 100; step++) activeDefrag.defragmentation.step(0);
  assertEquals([arena.relocatedCount, fork.clonedBytes], [moved, 0]);
  fork.release();
  keyspace.isLoading = true;
  for (let step = 0; step < 100; step++) activeDefrag.defragmentation.step(0);
  assertEquals(arena.relocatedCount, moved);
  keyspace.isLoading = false;
  while (activeDefrag.defragmentation.isRunning) activeDefrag.defragmentation.step(0);
  assert(arena.relocatedCount > moved);
});

Deno.test("one step of a huge value looks at a small part of it", () => {
  using server = new EmbeddedServer();
  const { arena, activeDefrag } = server.server;
  for (const request of hugeRequests(new SeededRandom(1))) server.run(...request);
  activeDefrag.defragmentation.begin();
  while (activeDefrag.defragmentation.isRunning) {
    const before = arena.relocatedCount + arena.keptCount;
    activeDefrag.defragmentation.step(0);
    assert(arena.relocatedCount + arena.keptCount - before < 200);
  }
});
