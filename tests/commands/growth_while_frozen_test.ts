/**
 * Growing and shrinking while a child reads: whatever the size and wherever a value was born, an
 * element costs about as many steps as in peace. Steps are looks at memory, not time.
 */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Argument } from "../support/resp_client.ts";
import { StepCounter } from "../support/step_counter.ts";

const ELEMENTS = 12_000;
/** An element may cost so many times as much as in peace. */
const FACTOR = 4;

/** A way to fill something and to empty it, by one command for element number `index`. */
interface Kind {
  name: string;
  add: (index: number) => Argument[];
  remove: (index: number) => Argument[];
  /** What is to be there before the first element. */
  prepare?: (index: number) => Argument[];
  /** Tells how many elements there are. */
  size: readonly string[];
}

const KINDS: readonly Kind[] = [
  {
    name: "the table of keys",
    add: (index) => ["SET", `key:${index}`, "v"],
    remove: (index) => ["DEL", `key:${index}`],
    size: ["DBSIZE"],
  },
  {
    name: "the table of expiries",
    prepare: (index) => ["SET", `key:${index}`, "v"],
    add: (index) => ["EXPIRE", `key:${index}`, "10000"],
    remove: (index) => ["DEL", `key:${index}`],
    size: ["DBSIZE"],
  },
  {
    name: "a set",
    add: (index) => ["SADD", "k", `member:${index}`],
    remove: (index) => ["SREM", "k", `member:${index}`],
    size: ["SCARD", "k"],
  },
  {
    name: "a set of integers, emptied at random",
    add: (index) => ["SADD", "k", index * 7],
    remove: () => ["SPOP", "k"],
    size: ["SCARD", "k"],
  },
  {
    name: "a hash",
    add: (index) => ["HSET", "k", `field:${index}`, "v"],
    remove: (index) => ["HDEL", "k", `field:${index}`],
    size: ["HLEN", "k"],
  },
  {
    name: "a hash whose fields expire",
    add: (index) => ["HSETEX", "k", "PXAT", 9e12 + index, "FIELDS", 1, `field:${index}`, "v"],
    remove: (index) => ["HDEL", "k", `field:${index}`],
    size: ["HLEN", "k"],
  },
  {
    name: "a sorted set, filled at its end and emptied at its head",
    add: (index) => ["ZADD", "k", index, `member:${index}`],
    remove: () => ["ZPOPMIN", "k"],
    size: ["ZCARD", "k"],
  },
  {
    name: "a sorted set, filled and emptied everywhere",
    add: (index) => ["ZADD", "k", (index * 7919) % ELEMENTS, `member:${index}`],
    remove: (index) => ["ZREM", "k", `member:${index}`],
    size: ["ZCARD", "k"],
  },
  {
    name: "a list, filled and emptied at its tail",
    add: (index) => ["RPUSH", "k", `element:${index}`],
    remove: () => ["RPOP", "k"],
    size: ["LLEN", "k"],
  },
  {
    name: "a list, filled and emptied at its head",
    add: (index) => ["LPUSH", "k", `element:${index}`],
    remove: () => ["LPOP", "k"],
    size: ["LLEN", "k"],
  },
];

/** When the image is taken and let go, by element number. */
interface Course {
  name: string;
  freezesAt: readonly number[];
  releasesAt: readonly number[];
}

const PEACE: Course = { name: "in peace", freezesAt: [], releasesAt: [] };
const COURSES: readonly Course[] = [
  { name: "born in an image", freezesAt: [0], releasesAt: [ELEMENTS - 100] },
  { name: "grown in an image", freezesAt: [ELEMENTS / 4], releasesAt: [ELEMENTS - 100] },
  {
    name: "grown in three images",
    freezesAt: [10, ELEMENTS / 4, ELEMENTS / 2],
    releasesAt: [ELEMENTS / 8, ELEMENTS / 3, ELEMENTS - 1],
  },
];

/** The most steps of one command, and those of all, of the adding and of the removing. */
type Cost = Record<"addMost" | "addTotal" | "removeMost" | "removeTotal", number>;

/** Fills and empties; both are done with the image coming and going at the same numbers. */
function costOf(kind: Kind, { freezesAt, releasesAt }: Course): Cost {
  using server = new EmbeddedServer([], { debug: false });
  const { arena, fork } = server.server;
  for (let index = 0; index < ELEMENTS && kind.prepare !== undefined; index++) {
    server.run(...kind.prepare(index));
  }
  const counter = new StepCounter(arena);
  const cost: Cost = { addMost: 0, addTotal: 0, removeMost: 0, removeTotal: 0 };
  for (const phase of ["add", "remove"] as const) {
    for (let index = 0; index < ELEMENTS; index++) {
      if (releasesAt.includes(index)) fork.release();
      if (freezesAt.includes(index)) fork.freeze();
      const steps = counter.of(() => server.run(...kind[phase](index)));
      cost[`${phase}Total`] += steps;
      cost[`${phase}Most`] = Math.max(cost[`${phase}Most`], steps);
    }
    assertEquals(server.run(...kind.size), phase === "add" ? ELEMENTS : 0);
  }
  return cost;
}

for (const kind of KINDS) {
  Deno.test(`an image makes no element dearer: ${kind.name}`, () => {
    const peace = costOf(kind, PEACE);
    for (const course of COURSES) {
      const cost = costOf(kind, course);
      for (const name of Object.keys(peace) as (keyof Cost)[]) {
        assert(
          cost[name] <= FACTOR * peace[name],
          `${course.name}: ${name} is ${cost[name]} steps, in peace ${peace[name]}`,
        );
      }
    }
  });
}

Deno.test("FLUSHALL in an image, refilling, and the release cost no more than in peace", () => {
  const fill = (isFrozen: boolean): { most: number; after: number } => {
    using server = new EmbeddedServer([], { debug: false });
    const { arena, fork, keyspace } = server.server;
    for (let index = 0; index < ELEMENTS; index++) server.run("SET", `key:${index}`, "v");
    const counter = new StepCounter(arena);
    if (isFrozen) fork.freeze();
    let most = counter.of(() => server.run("FLUSHALL"));
    for (let index = 0; index < ELEMENTS; index++) {
      most = Math.max(most, counter.of(() => server.run("SET", `new:${index}`, "v")));
      if (index % 100 === 0) most = Math.max(most, counter.of(() => keyspace.reclaimer.step(10)));
    }
    if (isFrozen) fork.release();
    return { most, after: counter.of(() => server.run("SET", "one more", "v")) };
  };
  const peace = fill(false);
  const frozen = fill(true);
  assert(frozen.most <= FACTOR * peace.most, `${frozen.most} steps, in peace ${peace.most}`);
  assert(frozen.after <= FACTOR * peace.most, `${frozen.after} steps, in peace ${peace.most}`);
});

Deno.test("a table in an image is given the size that a loader announces", () => {
  using server = new EmbeddedServer([], { debug: false });
  const { fork, keyspace: { databases: [db] }, arena } = server.server;
  fork.freeze();
  db.reserve(ELEMENTS, 0);
  const counter = new StepCounter(arena);
  let most = 0;
  for (let index = 0; index < ELEMENTS; index++) {
    most = Math.max(most, counter.of(() => server.run("SET", `key:${index}`, "v")));
  }
  fork.release();
  // No bucket is split: what is left is the search, the entry and its place.
  assert(most < 60, `${most} steps`);
});
