/** Intersections, unions and differences: against plain sets, stored, counted, and announced. */
import { assert, assertEquals } from "@std/assert";
import { SoftwareFork } from "../../src/memory/software_fork.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodingOf, RecordedEffects } from "../support/recorded_effects.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

function expectReplies(server: EmbeddedServer, rows: [string, string][]): void {
  for (const [command, expected] of rows) {
    assertEquals(server.raw(...command.split(" ")), expected, command);
  }
}

function intersection(sets: Set<string>[]): string[] {
  return [...sets[0]].filter((member) => sets.every((set) => set.has(member))).sort();
}

function union(sets: Set<string>[]): string[] {
  return [...new Set(sets.flatMap((set) => [...set]))].sort();
}

function difference(sets: Set<string>[]): string[] {
  const [first, ...others] = sets;
  return [...first].filter((member) => !others.some((set) => set.has(member))).sort();
}

/** A set of integers, of texts, of both, or one that does not exist. */
function randomSet(random: SeededRandom): Set<string> {
  const set = new Set<string>();
  const size = random.pick([0, 1, 5, 30, 100]);
  const kind = random.below(3);
  for (let index = 0; index < size; index++) {
    const number = random.below(size * 2);
    set.add(kind === 0 || (kind === 1 && random.oneIn(2)) ? String(number) : `m${number}`);
  }
  return set;
}

Deno.test("SINTER, SUNION and SDIFF of random sets give what plain sets give", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  using server = new EmbeddedServer([["set-max-intset-entries", "40"]]);
  for (let round = 0; round < 150; round++) {
    const sets = Array.from({ length: random.between(1, 5) }, () => randomSet(random));
    const keys = sets.map((_, index) => `s${round}:${index}`);
    sets.forEach((set, index) => {
      if (set.size > 0) server.run("SADD", keys[index], ...set);
    });
    if (random.oneIn(4)) {
      keys.push(keys[0]);
      sets.push(sets[0]);
    }
    const note = `seed ${seed}, round ${round}`;
    const common = intersection(sets);
    const number = String(keys.length);
    assertEquals((server.run("SINTER", ...keys) as string[]).sort(), common, note);
    assertEquals(server.run("SINTERCARD", number, ...keys), common.length, note);
    const limited = server.run("SINTERCARD", number, ...keys, "LIMIT", "3");
    assertEquals(limited, Math.min(common.length, 3), note);
    assertEquals((server.run("SUNION", ...keys) as string[]).sort(), union(sets), note);
    assertEquals((server.run("SDIFF", ...keys) as string[]).sort(), difference(sets), note);
    const expected = {
      SINTERSTORE: common,
      SUNIONSTORE: union(sets),
      SDIFFSTORE: difference(sets),
    };
    for (const [command, members] of Object.entries(expected)) {
      // The target may well be one of the sources: the result is complete before it is stored.
      assertEquals(server.run(command, "target", ...keys), members.length, note);
      assertEquals((server.run("SMEMBERS", "target") as string[]).sort(), members, note);
    }
  }
});

Deno.test("a source may be the target too", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "a", "1", "2", "3");
  server.run("SADD", "b", "3", "4");
  expectReplies(server, [
    ["SUNIONSTORE a a b", ":4\r\n"],
    ["SMEMBERS a", "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n"],
    ["SDIFFSTORE a a b", ":2\r\n"],
    ["SINTERSTORE b a b", ":0\r\n"],
  ]);
  assertEquals(encodingOf(server, "b"), "none");
});

Deno.test("a stored result is an intset if its members allow, whatever the sources are", () => {
  using server = new EmbeddedServer([["set-max-intset-entries", "3"]]);
  server.run("SADD", "mixed", "1", "2", "a");
  server.run("SADD", "numbers", "1", "2", "3");
  server.run("SINTERSTORE", "i", "mixed", "numbers");
  server.run("SDIFFSTORE", "d", "numbers", "mixed");
  server.run("SUNIONSTORE", "u", "mixed", "numbers");
  server.run("SADD", "more", "9");
  server.run("SUNIONSTORE", "n", "more", "numbers");
  const encodings = ["i", "d", "u", "n"].map((key) => encodingOf(server, key));
  assertEquals(encodings, ["intset", "intset", "hashtable", "hashtable"]);
});

Deno.test("a stored result replaces a key of any type and drops its expiry", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "s", "1");
  server.run("SET", "target", "text", "EX", "1000");
  assertEquals(server.run("SUNIONSTORE", "target", "s"), 1);
  assertEquals(server.run("SMEMBERS", "target"), ["1"]);
  const db = server.server.keyspace.databases[0];
  assertEquals([db.size, db.arena.word(db.expires, 0)], [2, 0]);
  server.run("SET", "target", "text");
  assertEquals(server.run("SINTERSTORE", "target", "s", "missing"), 0);
  assertEquals(server.run("GET", "target"), null);
});

Deno.test("a key of another type is refused, even beside a missing one", () => {
  using server = new EmbeddedServer();
  server.run("SET", "x", "v");
  server.run("SADD", "s", "1");
  const commands = ["SINTER x", "SINTER missing x", "SINTER s x", "SUNION missing x", "SDIFF s x"];
  commands.push("SINTERSTORE t missing x", "SUNIONSTORE t x", "SDIFFSTORE t missing x");
  commands.push("SINTERCARD 2 missing x", "SMEMBERS x");
  for (const command of commands) {
    assertEquals(server.raw(...command.split(" ")), WRONG_TYPE, command);
  }
  assertEquals(encodingOf(server, "t"), "none");
});

Deno.test("SINTERCARD checks its arguments in Redis's order", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "s", "1", "2", "3");
  server.run("SET", "x", "v");
  expectReplies(server, [
    ["SINTERCARD 0 s", "-ERR numkeys should be greater than 0\r\n"],
    ["SINTERCARD abc s", "-ERR numkeys should be greater than 0\r\n"],
    ["SINTERCARD 3 s s", "-ERR Number of keys can't be greater than number of args\r\n"],
    ["SINTERCARD 1 x foo", "-ERR syntax error\r\n"],
    ["SINTERCARD 1 x limit", "-ERR syntax error\r\n"],
    ["SINTERCARD 1 x limit abc", "-ERR LIMIT can't be negative\r\n"],
    ["SINTERCARD 1 x limit -1", "-ERR LIMIT can't be negative\r\n"],
    ["SINTERCARD 1 s limit 0", ":3\r\n"],
    ["SINTERCARD 1 s limit 1 limit 2", ":2\r\n"],
    ["SINTERCARD 2 s missing", ":0\r\n"],
  ]);
});

Deno.test("results are sets in RESP3, integers in ascending order", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "s", "3", "1", "2");
  server.run("SADD", "t", "3", "4");
  server.run("HELLO", "3");
  expectReplies(server, [
    ["SUNION s t", "~4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n"],
    ["SDIFF s t", "~2\r\n$1\r\n1\r\n$1\r\n2\r\n"],
    ["SINTER s t", "~1\r\n$1\r\n3\r\n"],
    ["SINTER s missing", "~0\r\n"],
    ["SDIFF missing s", "~0\r\n"],
    ["SUNION missing", "~0\r\n"],
  ]);
});

Deno.test("stored results announce events and count for the save points as in Redis", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "s", "1", "2", "3");
  const effects = new RecordedEffects(server);
  const rows: [string, string[], number, string[]][] = [
    ["SINTERSTORE d s", ["new d", "sinterstore d"], 1, ["SINTERSTORE d s"]],
    ["SUNIONSTORE d s", ["sunionstore d"], 1, ["SUNIONSTORE d s"]],
    ["SDIFFSTORE d s s", ["del d"], 1, ["SDIFFSTORE d s s"]],
    ["SDIFFSTORE d s s", [], 0, []],
    ["SUNION s", [], 0, []],
    ["SDIFFSTORE d s", ["new d", "sdiffstore d"], 1, ["SDIFFSTORE d s"]],
  ];
  for (const [command, events, dirty, log] of rows) {
    server.run(...command.split(" "));
    assertEquals(effects.takeEvents(), events, command);
    assertEquals(effects.takeDirty(), dirty, command);
    assertEquals(effects.takeLog(), log, command);
  }
});

Deno.test("unions and differences leave no memory behind", () => {
  using server = new EmbeddedServer();
  for (let index = 0; index < 300; index++) {
    server.run("SADD", index < 150 ? "a" : "b", `m${index}`);
  }
  server.run("SUNION", "a", "b");
  server.reclaim();
  const { arena } = server.server.keyspace;
  const before = arena.usedBytes;
  for (const command of ["SUNION", "SDIFF", "SINTER"]) {
    assert(Array.isArray(server.run(command, "a", "b")));
  }
  server.run("SINTERSTORE", "target", "a", "b");
  server.reclaim();
  assertEquals(arena.usedBytes, before);
});

Deno.test("changes while frozen leave the image as it was and give what they give otherwise", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  using server = new EmbeddedServer([["set-max-intset-entries", "20"]]);
  using twin = new EmbeddedServer([["set-max-intset-entries", "20"]]);
  const { arena } = server.server.keyspace;
  const fork = new SoftwareFork(arena);
  for (let step = 0; step < 600; step++) {
    const key = () => `s${random.below(4)}`;
    const member = () => random.oneIn(2) ? String(random.below(40)) : `m${random.below(40)}`;
    const command = random.pick([
      ["SADD", key(), member(), member(), member()],
      ["SMOVE", key(), key(), member()],
      ["SREM", key(), member()],
      ["SUNIONSTORE", key(), key(), key()],
      ["SDIFFSTORE", key(), key(), key()],
      ["SINTERSTORE", key(), key(), key()],
      ["HSET", "h", member(), "v".repeat(random.below(80)), member(), "1"],
      ["HINCRBY", "counters", member(), "7"],
      ["HDEL", "h", member()],
    ]);
    assertEquals(server.run(...command), twin.run(...command), `seed ${seed}: ${command}`);
    if (step % 30 !== 0) continue;
    if (fork.isFrozen) {
      // In debug mode this finds any write to what was frozen.
      fork.release();
      arena.freeDeferred(Infinity);
    } else {
      server.reclaim();
      fork.freeze();
    }
  }
  for (const key of ["s0", "s1", "s2", "s3"]) {
    const [ours, theirs] = [server, twin].map((one) =>
      (one.run("SMEMBERS", key) as string[]).sort()
    );
    assertEquals(ours, theirs, `seed ${seed}`);
  }
});

Deno.test("SUNIONCARD and SDIFFCARD count up to a limit", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "a", "1", "2", "3", "x");
  server.run("SADD", "b", "3", "4", "y");
  server.run("SADD", "c", "x");
  const rows: [command: string, reply: string][] = [
    ["SUNIONCARD 1 a", ":4"],
    ["SUNIONCARD 1 none", ":0"],
    ["SUNIONCARD 3 a b c", ":6"],
    ["SUNIONCARD 3 a a none", ":4"],
    ["SUNIONCARD 2 a b LIMIT 5", ":5"],
    ["SUNIONCARD 2 a b LIMIT 0", ":6"],
    ["SUNIONCARD 2 a b LIMIT 9 APPROX", ":6"],
    ["SUNIONCARD 1 a APPROX LIMIT 2", ":2"],
    ["SDIFFCARD 1 a", ":4"],
    ["SDIFFCARD 2 a b", ":3"],
    ["SDIFFCARD 3 a b c", ":2"],
    ["SDIFFCARD 2 a b LIMIT 1", ":1"],
    ["SDIFFCARD 2 a b LIMIT 0", ":3"],
    ["SDIFFCARD 2 a a", ":0"],
    ["SDIFFCARD 2 none a", ":0"],
    ["SDIFFCARD 2 a none", ":4"],
    ["SDIFFCARD 2 a b APPROX", "-ERR syntax error"],
    ["SUNIONCARD 2 a b LIMIT", "-ERR syntax error"],
    ["SUNIONCARD 2 a b LIMIT -1", "-ERR LIMIT can't be negative"],
    ["SUNIONCARD 0 a", "-ERR numkeys should be greater than 0"],
    ["SUNIONCARD 3 a b", "-ERR Number of keys can't be greater than number of args"],
    ["COMMAND GETKEYS SDIFFCARD 2 a b LIMIT 1", "*2 $1 a $1 b"],
  ];
  for (const [command, expected] of rows) {
    const reply = server.raw(...command.split(" "));
    assertEquals(reply.replaceAll("\r\n", " ").trimEnd(), expected, command);
  }
  server.run("SET", "text", "x");
  assertEquals(server.raw("SUNIONCARD", "2", "a", "text").startsWith("-WRONGTYPE"), true);
});

Deno.test("outcomes are what sets of JavaScript give, in the encoding that adding one by one gives", () => {
  using server = new EmbeddedServer();
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 30; round++) {
    const withText = random.below(2) === 0;
    const names = ["a", "b", "c"].slice(0, 2 + random.below(2));
    const sets = names.map((name) => {
      const members = new Set<string>();
      for (let n = 1 + random.below(random.below(2) === 0 ? 20 : 1200); n > 0; n--) {
        members.add(`${withText && random.below(3) === 0 ? "m" : ""}${random.below(1500)}`);
      }
      server.run("DEL", name);
      server.run("SADD", name, ...members);
      return members;
    });
    const [first, ...others] = sets;
    const expected: Record<string, Set<string>> = {
      SINTERSTORE: others.reduce((common, other) => common.intersection(other), first),
      SUNIONSTORE: others.reduce((all, other) => all.union(other), first),
      SDIFFSTORE: others.reduce((rest, other) => rest.difference(other), first),
    };
    for (const [command, members] of Object.entries(expected)) {
      const what = `${command}, round ${round}, seed ${seed}`;
      // The outcome may take the place of a source; that one is put back.
      const target = random.below(3) === 0 ? "a" : "to";
      assertEquals(server.run(command, target, ...names), members.size, what);
      const stored = (server.run("SMEMBERS", target) as string[]).toSorted();
      assertEquals(stored, [...members].toSorted(), what);
      const isIntset = members.size <= 512 && [...members].every((text) => /^\d/.test(text));
      const encoding = members.size === 0 ? null : isIntset ? "intset" : "hashtable";
      // A difference may be what is left of a set that had to be a table.
      const found = server.run("OBJECT", "ENCODING", target);
      if (command !== "SDIFFSTORE") assertEquals(found, encoding, what);
      server.run("DEL", "a");
      server.run("SADD", "a", ...first);
    }
  }
});

Deno.test("an outcome that is smaller than its sources takes no more memory than it needs", () => {
  using server = new EmbeddedServer();
  const members = Array.from({ length: 10_000 }, (_, index) => `m${index}`);
  server.run("SADD", "a", ...members);
  server.run("SADD", "b", "m1", "m2", ...members.map((member) => `other ${member}`));
  assertEquals(server.run("SINTERSTORE", "to", "a", "b"), 2);
  server.run("SADD", "small", "m1", "m2");
  const needed = server.run("MEMORY", "USAGE", "small") as number;
  assert(server.run("MEMORY", "USAGE", "to") as number <= needed + 256);
});

Deno.test("an integer that comes after the members of a table is stored as it is", () => {
  // The union's first members make it a table only when the next one has been read.
  using server = new EmbeddedServer([["redis-version", "7.4"], ["set-max-intset-entries", "40"]]);
  const table = Array.from({ length: 74 }, (_, index) => String(1000 + index));
  server.run("SADD", "table", ...table);
  server.run("SADD", "integer", "7");
  for (const name of ["a", "b", "c"]) server.run("SADD", name, name);
  const expected = [...table, "7"].sort();
  assertEquals((server.run("SUNION", "table", "integer") as string[]).sort(), expected);
  assertEquals(server.run("SUNIONSTORE", "to", "table", "integer"), 75);
  assertEquals((server.run("SMEMBERS", "to") as string[]).sort(), expected);
  const more = [...expected, "a", "b", "c"].sort();
  const five = ["table", "integer", "a", "b", "c"];
  assertEquals((server.run("SUNION", ...five) as string[]).sort(), more);
  assertEquals(server.run("SUNIONCARD", "5", ...five), 78);
});

Deno.test("members of a table that come after the outcome is one are added to it", () => {
  using server = new EmbeddedServer([["redis-version", "7.4"]]);
  const names = (prefix: string) => Array.from({ length: 100 }, (_, index) => `${prefix}${index}`);
  server.run("SADD", "a", ...names("a"));
  server.run("SADD", "b", ...names("b"));
  server.run("SADD", "table", ...names("c"), ...names("d"));
  assertEquals(server.run("SUNIONSTORE", "to", "a", "b", "table"), 400);
  const all = ["a", "b", "c", "d"].flatMap(names).sort();
  assertEquals((server.run("SMEMBERS", "to") as string[]).sort(), all);
});

Deno.test("sets as listpacks are combined as sets of JavaScript are", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  using server = new EmbeddedServer([["redis-version", "7.4"], ["set-max-intset-entries", "40"]]);
  for (let round = 0; round < 100; round++) {
    const sets = Array.from({ length: random.between(1, 6) }, () => randomSet(random));
    const keys = sets.map((_, index) => `s${round}:${index}`);
    sets.forEach((set, index) => {
      if (set.size > 0) server.run("SADD", keys[index], ...set);
    });
    const note = `seed ${seed}, round ${round}`;
    const outcomes: [string, string[]][] = [
      ["SINTER", intersection(sets)],
      ["SUNION", union(sets)],
      ["SDIFF", difference(sets)],
    ];
    for (const [command, members] of outcomes) {
      assertEquals((server.run(command, ...keys) as string[]).sort(), members, note);
      assertEquals(server.run(`${command}STORE`, "to", ...keys), members.length, note);
      assertEquals((server.run("SMEMBERS", "to") as string[]).sort(), members, note);
    }
  }
});
