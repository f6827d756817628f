/**
 * Rounds of packing over a keyspace: when they end, what they pass over; and a server whose streams
 * are packed at random moments beside one whose never are: the same replies, payloads and data.
 */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { datasetDigest, hexText } from "../../src/keyspace/dataset_digest.ts";
import { PackingRounds } from "../../src/keyspace/packing_rounds.ts";
import { CommandWriter } from "../../src/persistence/command_writer.ts";
import * as streamNode from "../../src/values/stream_node.ts";
import * as streamValue from "../../src/values/stream_value.ts";
import * as value from "../../src/values/value.ts";
import {
  CollectingSink,
  loadFromBytes,
  rootsOf,
  saveToBytes,
} from "../persistence/keyspace_contents.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Argument } from "../support/resp_client.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { latin1 } from "../support/text.ts";

function fill(server: EmbeddedServer, key: string, entries: number): void {
  for (let i = 0; i < entries; i++) server.run("XADD", key, "*", "field", `value ${i % 7}`);
}

/** How many of the nodes of a stream are packed, and how many there are. */
function nodesOf({ server }: EmbeddedServer, key: string, database = 0): [number, number] {
  const { arena, keyspace } = server;
  const bytes = latin1(key);
  const entry = keyspace.databases[database].findRaw(bytes, 0, bytes.length);
  const counts: [number, number] = [0, 0];
  if (entry === 0 || value.typeOf(arena, entry) !== value.TYPE_STREAM) return counts;
  streamValue.forEachNode(arena, value.valueRef(arena, entry), (_id, node) => {
    if (streamNode.isPacked(arena, node)) counts[0]++;
    counts[1]++;
  });
  return counts;
}

function packAll({ server }: EmbeddedServer, packing = new PackingRounds(server.keyspace)): number {
  let steps = 0;
  do steps++; while (packing.step(0));
  return steps;
}

const SMALL_NODES = [["stream-node-max-entries", "10"]] as const;

Deno.test("a round packs the streams that wait, step by step, and is over", () => {
  using server = new EmbeddedServer(SMALL_NODES);
  fill(server, "a", 200);
  fill(server, "b", 100);
  const packing = new PackingRounds(server.server.keyspace);
  assert(!packing.isRunning);
  assert(packing.step(0));
  assert(packing.isRunning);
  // Both are taken out of the queue, and nearly each node takes a step.
  assert(packAll(server, packing) > 24);
  assertEquals([nodesOf(server, "a"), nodesOf(server, "b")], [[18, 20], [8, 10]]);
  assert(!packing.isRunning);
  assertEquals(server.server.keyspace.streams.size, 0);
  assert(!packing.step(0));
});

Deno.test("a step goes on until its deadline", () => {
  using server = new EmbeddedServer(SMALL_NODES);
  fill(server, "a", 200);
  assert(!new PackingRounds(server.server.keyspace).step(Infinity));
  assertEquals(nodesOf(server, "a"), [18, 20]);
});

Deno.test("what a stream gets during a round waits for the next one", () => {
  using server = new EmbeddedServer(SMALL_NODES);
  fill(server, "a", 100);
  const packing = new PackingRounds(server.server.keyspace);
  packing.step(0);
  packing.step(0);
  fill(server, "a", 100);
  packAll(server, packing);
  assertEquals(nodesOf(server, "a"), [8, 20]);
  assertEquals(server.server.keyspace.streams.size, 1);
  packAll(server, packing);
  assertEquals(nodesOf(server, "a"), [18, 20]);
});

Deno.test("nothing is packed while there is an image, or data are loaded", () => {
  using server = new EmbeddedServer(SMALL_NODES);
  const { fork, keyspace } = server.server;
  fill(server, "a", 100);
  const packing = new PackingRounds(keyspace);
  const tryStep = () => {
    assert(!packing.mayPack);
    packing.step(Infinity);
    assertEquals(nodesOf(server, "a"), [0, 10]);
  };
  fork.freeze();
  tryStep();
  fork.release();
  keyspace.isLoading = true;
  tryStep();
  keyspace.isLoading = false;
  packing.step(0);
  packing.step(0);
  fork.freeze();
  assert(packing.step(Infinity), "the round is not over");
  fork.release();
  packing.step(Infinity);
  assertEquals(nodesOf(server, "a"), [8, 10]);
});

Deno.test("keys that are gone, renamed, of another type or in another database are passed over", () => {
  using server = new EmbeddedServer(SMALL_NODES);
  for (const key of ["gone", "renamed", "other", "swapped", "stays"]) fill(server, key, 100);
  server.run("DEL", "gone", "other");
  server.run("RENAME", "renamed", "new");
  server.run("SET", "other", "x");
  server.run("MOVE", "swapped", "1");
  packAll(server);
  assertEquals(nodesOf(server, "new"), [0, 10]);
  assertEquals(nodesOf(server, "stays"), [8, 10]);
  // With its next node it is found under its new name.
  fill(server, "new", 1);
  packAll(server);
  assertEquals(nodesOf(server, "new"), [9, 11]);
  assertEquals(nodesOf(server, "swapped", 1), [0, 10]);
});

/** Random requests over two streams, alike for two servers: ids and times are ours. */
class StreamRequests {
  readonly #random: SeededRandom;
  #seq = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  #key(): string {
    return this.#random.pick(["s", "s", "s", "t"]);
  }

  #id(): string {
    return `1-${this.#random.between(Math.max(0, this.#seq - 400), this.#seq + 2)}`;
  }

  #fields(): string[] {
    const random = this.#random;
    const names = random.pick([["name"], ["name"], ["name", "city"], ["12"]]);
    const length = random.oneIn(60) ? 6000 : random.below(30);
    const text = () => random.oneIn(1000) ? "z".repeat(300_000) : random.word(1).repeat(length);
    return names.flatMap((name) => [name, random.oneIn(3) ? `${random.below(5000)}` : text()]);
  }

  next(): Argument[] {
    const random = this.#random;
    const [key, id] = [this.#key(), this.#id()];
    const [group, consumer] = [`g${random.below(2)}`, `c${random.below(3)}`];
    switch (random.below(30)) {
      case 0:
        return ["XDEL", key, id, this.#id(), this.#id()];
      case 1:
        return ["XTRIM", key, "MAXLEN", random.pick(["=", "~"]), random.between(50, 400)];
      case 2:
        return ["XTRIM", key, "MINID", random.pick(["=", "~"]), `1-${this.#seq - 300}`];
      case 3:
        return ["XRANGE", key, id, "+", "COUNT", random.pick([1, 5, 200])];
      case 4:
        return ["XREVRANGE", key, id, "-", "COUNT", random.pick([1, 5, 200])];
      case 5:
        return ["XGROUP", "CREATE", key, group, random.pick(["0", "$", id]), "MKSTREAM"];
      case 6:
      case 7:
        return ["XREADGROUP", "GROUP", group, consumer, "COUNT", 20, "STREAMS", key, ">"];
      case 8:
        return ["XREADGROUP", "GROUP", group, consumer, "COUNT", 20, "STREAMS", key, "0"];
      case 9:
        return ["XCLAIM", key, group, consumer, 0, id, this.#id(), "FORCE"];
      case 10:
        return ["XAUTOCLAIM", key, group, consumer, 0, id, "COUNT", 10];
      case 11:
        return ["XACK", key, group, id, this.#id()];
      case 12:
        return ["XINFO", "STREAM", key, "FULL", "COUNT", random.pick([1, 50])];
      case 13:
        return ["XINFO", "STREAM", key];
      case 14:
        return ["COPY", "s", "t", "REPLACE"];
      case 15:
        return random.oneIn(8) ? ["RENAME", "t", "s"] : ["XREAD", "STREAMS", key, id];
      case 16:
        return random.oneIn(20) ? ["DEL", key] : ["DUMP", key];
      case 17:
        return random.oneIn(30) ? ["XTRIM", key, "MAXLEN", random.below(3)] : ["XLEN", key];
      case 18:
        return ["XADD", key, "MAXLEN", "~", "200", `1-${++this.#seq}`, ...this.#fields()];
      case 19:
        return ["XADD", key, "MINID", "=", `1-${this.#seq - 200}`, `1-${++this.#seq}`, "a", "b"];
      case 20:
        return ["XPENDING", key, group, "-", "+", 50];
      default:
        return ["XADD", key, `1-${++this.#seq}`, ...this.#fields()];
    }
  }
}

/** The data of the server, as an AOF has them, and as an RDB file. */
function written(server: EmbeddedServer): [string, string] {
  const sink = new CollectingSink();
  new CommandWriter(server.server.arena, sink).writeDatabases(rootsOf(server));
  return [sink.bytes().toHex(), saveToBytes(server).toHex()];
}

function digestOf({ server }: EmbeddedServer): string {
  return hexText(datasetDigest(server.keyspace));
}

/** The same data in a server of their own. */
function reloaded(server: EmbeddedServer, compresses: boolean): EmbeddedServer {
  const copy = new EmbeddedServer(SMALL_NODES);
  loadFromBytes(copy, saveToBytes(server, { compresses }));
  return copy;
}

for (const nodeEntries of [3, 40]) {
  const seed = testSeed();
  const name = `nodes of ${nodeEntries}, seed ${seed}`;
  Deno.test(`a server that packs is like one that does not: ${name}`, () => {
    const config = [["stream-node-max-entries", String(nodeEntries)]] as const;
    clock.setTimeForTests(1_700_000_000_000);
    try {
      using packed = new EmbeddedServer(config);
      using plain = new EmbeddedServer(config);
      const random = new SeededRandom(seed);
      const requests = new StreamRequests(random);
      const { keyspace, fork, arena, activeDefrag } = packed.server;
      const packing = new PackingRounds(keyspace);
      const { defragmentation } = activeDefrag;
      let mostPacked = 0;
      for (let step = 0; step < 4000; step++) {
        const request = requests.next();
        const expected = plain.raw(...request);
        assert(packed.raw(...request) === expected, `step ${step}: ${request}`.slice(0, 200));
        if (random.oneIn(3)) packing.step(0);
        if (random.oneIn(40)) packing.step(Infinity);
        if (random.oneIn(100)) defragmentation.begin();
        if (random.oneIn(4)) defragmentation.step(0);
        if (random.oneIn(60)) {
          if (!fork.isFrozen) fork.freeze();
          else fork.release();
        }
        if (!fork.isFrozen) arena.freeDeferred(100);
        mostPacked = Math.max(mostPacked, nodesOf(packed, "s")[0]);
        if (step % 500 !== 499) continue;
        assertEquals(digestOf(packed), digestOf(plain), `step ${step}`);
        assert(written(packed).join() === written(plain).join(), `step ${step}`);
        for (const compresses of [true, false]) {
          using copy = reloaded(packed, compresses);
          // What is packed here is not what was packed there.
          assertEquals(digestOf(copy), digestOf(plain), `step ${step}`);
          packAll(copy);
          assertEquals(digestOf(copy), digestOf(plain), `step ${step}`);
          assert(written(copy).join() === written(plain).join(), `step ${step}`);
        }
      }
      assert(mostPacked > 3, `${mostPacked} packed`);
      if (fork.isFrozen) fork.release();
      for (const server of [packed, plain]) {
        server.run("FLUSHALL");
        server.reclaim();
        while (server.server.arena.freeDeferred(1000));
      }
      assertEquals(packed.server.arena.usedBytes, plain.server.arena.usedBytes);
    } finally {
      clock.useRealTime();
    }
  });
}

Deno.test("nodes come from a compressed file packed, from another one they are packed soon", () => {
  using source = new EmbeddedServer(SMALL_NODES);
  fill(source, "s", 200);
  for (const compresses of [true, false]) {
    using server = reloaded(source, compresses);
    assertEquals(nodesOf(server, "s"), compresses ? [18, 20] : [0, 20]);
    packAll(server);
    assertEquals(nodesOf(server, "s"), [18, 20]);
    assertEquals(server.raw("DUMP", "s"), source.raw("DUMP", "s"));
    assertEquals(server.run("XTRIM", "s", "MAXLEN", 47), 153);
    assertEquals((server.run("XRANGE", "s", "-", "+") as unknown[]).length, 47);
  }
});
