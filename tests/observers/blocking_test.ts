/** Blocking: who is served, in which order, and what ends a wait. The commands are tested apart. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Timers } from "../../src/base/timers.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { FakeTimer } from "../support/fake_timer.ts";
import { settle } from "../support/text.ts";

Deno.test("one client's next request waits until the others have been served", async () => {
  using server = new EmbeddedServer();
  const eager = server.connect();
  const other = server.connect();
  eager.send("BLPOP", "k", "0");
  eager.send("BLPOP", "k", "0");
  other.send("BLPOP", "k", "0");
  server.run("RPUSH", "k", "1", "2", "3");
  await settle();
  assertEquals(eager.take(), [["k", "1"], ["k", "3"]]);
  assertEquals(other.take(), [["k", "2"]]);
});

Deno.test("who has waited longest is served first, whatever else it waits for", () => {
  using server = new EmbeddedServer();
  const clients = [server.connect(), server.connect(), server.connect()];
  clients[0].send("BLPOP", "a", "b", "0");
  clients[1].send("BLPOP", "b", "0");
  clients[2].send("BLPOP", "b", "a", "0");
  server.run("RPUSH", "b", "1");
  server.run("RPUSH", "b", "2");
  server.run("RPUSH", "a", "3");
  assertEquals(clients.map((client) => client.take()), [[["b", "1"]], [["b", "2"]], [["a", "3"]]]);
  assertEquals(server.server.blocking.blockedCount, 0);
});

Deno.test("a key named twice is waited for once", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.send("BLPOP", "k", "k", "0");
  server.run("RPUSH", "k", "1", "2");
  assertEquals([client.take(), server.run("LRANGE", "k", "0", "-1")], [[["k", "1"]], ["2"]]);
});

Deno.test("a client of another type waits on, one behind it is served", () => {
  using server = new EmbeddedServer();
  const [sorted, list] = [server.connect(), server.connect()];
  sorted.send("BZPOPMIN", "k", "0");
  list.send("BLPOP", "k", "0");
  server.run("RPUSH", "k", "1");
  assertEquals([sorted.takeRaw(), list.take()], ["", [["k", "1"]]]);
  server.run("ZADD", "k", "1", "m");
  assertEquals(sorted.take(), [["k", "m", "1"]]);
});

Deno.test("waits are apart by database", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.run("SELECT", "1");
  client.send("BLPOP", "k", "0");
  server.run("RPUSH", "k", "1");
  assertEquals([client.takeRaw(), server.run("LLEN", "k")], ["", 1]);
  server.run("SWAPDB", "0", "1");
  assertEquals(client.take(), [["k", "1"]]);
});

Deno.test("what is pushed and taken again within a transaction serves nobody", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.send("BLPOP", "k", "0");
  server.run("MULTI");
  server.run("RPUSH", "k", "1");
  server.run("DEL", "k");
  server.run("EXEC");
  assertEquals([client.takeRaw(), server.server.blocking.blockedCount], ["", 1]);
});

Deno.test("the timer is set for the earliest deadline, and only those whose time is over are answered", () => {
  const runtime = new FakeTimer();
  using server = new EmbeddedServer([], { timers: new Timers(runtime) });
  clock.setTimeForTests(1_700_000_000_000);
  const advance = (durationMs: number) => {
    clock.advanceForTests(durationMs);
    runtime.advance(durationMs);
  };
  try {
    const { blocking } = server.server;
    const [late, early, ever] = [server.connect(), server.connect(), server.connect()];
    late.send("BLPOP", "a", "20");
    early.send("BLPOP", "b", "10");
    ever.send("BLPOP", "b", "0");
    assertEquals([blocking.blockedCount, blocking.timedCount], [3, 2]);
    assertEquals(runtime.dueMs, runtime.timeMs + 10_000);
    advance(9_999);
    assertEquals(blocking.blockedCount, 3);
    advance(1);
    assertEquals([early.takeRaw(), late.takeRaw(), ever.takeRaw()], ["*-1\r\n", "", ""]);
    assertEquals(runtime.dueMs, runtime.timeMs + 10_000);
    late.close();
    assertEquals([blocking.timedCount, blocking.blockedCount], [0, 1]);
    advance(10_000);
    assertEquals([runtime.dueMs, ever.takeRaw()], [null, ""]);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("a date that was set back makes nobody give up early, and nobody wait in circles", () => {
  const runtime = new FakeTimer();
  using server = new EmbeddedServer([], { timers: new Timers(runtime) });
  clock.setTimeForTests(1_700_000_000_000);
  try {
    server.client.send("BLPOP", "a", "10");
    clock.advanceForTests(-60_000);
    runtime.advance(10_000);
    assertEquals(server.client.takeRaw(), "");
    assertEquals(runtime.delaysMs, [10_000, 70_000]);
    clock.advanceForTests(70_000);
    runtime.advance(70_000);
    assertEquals(server.client.takeRaw(), "*-1\r\n");
  } finally {
    clock.useRealTime();
  }
});

Deno.test("clients whose time ends together are answered in the order of their ids", () => {
  using server = new EmbeddedServer([], { timers: new Timers(new FakeTimer()) });
  clock.setTimeForTests(1_700_000_000_000);
  try {
    const answered: number[] = [];
    const clients = [1, 2, 3, 4, 5].map(() => server.connect());
    for (const client of clients.toReversed()) client.send("BLPOP", "a", "1");
    for (const { client } of clients) {
      client.blocked!.expire = () => answered.push(client.id);
    }
    clock.advanceForTests(1000);
    server.server.blocking.expireWaiting();
    assertEquals(answered, clients.map(({ client }) => client.id));
  } finally {
    clock.useRealTime();
  }
});

Deno.test("a client that leaves is served no more", () => {
  using server = new EmbeddedServer();
  const [gone, stays] = [server.connect(), server.connect()];
  gone.send("BLPOP", "k", "0");
  stays.send("BLPOP", "k", "0");
  gone.close();
  server.run("RPUSH", "k", "1");
  assertEquals([stays.take(), server.run("EXISTS", "k")], [[["k", "1"]], 0]);
});

function commandStatistics(server: EmbeddedServer, name: string): string {
  const line = String(server.run("INFO", "commandstats")).split("\r\n")
    .find((text) => text.startsWith(`cmdstat_${name}:`)) ?? "";
  return line.replace(/usec=\d+,usec_per_call=[\d.]+,/, "");
}

/** How often the command that waited has failed, and CLIENT UNBLOCK, by what it was told. */
const UNBLOCKED = [
  ["7.0", "TIMEOUT", 1, 0],
  ["7.0", "ERROR", 1, 1],
  ["7.2", "TIMEOUT", 0, 0],
  ["7.2", "ERROR", 1, 1],
] as const;

Deno.test("CLIENT UNBLOCK counts the command that waited as failed, from 7.2 on with ERROR", () => {
  for (const [release, how, waitingFailed, unblockFailed] of UNBLOCKED) {
    using server = new EmbeddedServer([["redis-version", release]]);
    const waiting = server.connect();
    waiting.send("BLPOP", "queue", "0");
    server.run("CLIENT", "UNBLOCK", waiting.client.id, how);
    assertEquals(
      [commandStatistics(server, "blpop"), commandStatistics(server, "client|unblock")],
      [
        `cmdstat_blpop:calls=1,rejected_calls=0,failed_calls=${waitingFailed}`,
        `cmdstat_client|unblock:calls=1,rejected_calls=0,failed_calls=${unblockFailed}`,
      ],
      `${release} ${how}`,
    );
  }
});

Deno.test("a command that waited is in the slow log when it was served, behind what served it", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "0"]]);
  const waiting = server.connect();
  const logged = () =>
    (server.run("SLOWLOG", "GET", "-1") as unknown[][])
      .map((entry) => (entry[3] as string[]).join(" "));
  server.run("SLOWLOG", "RESET");
  waiting.send("BLPOP", "queue", "0");
  assertEquals(logged(), ["SLOWLOG RESET"]);
  server.run("RPUSH", "queue", "job");
  assertEquals(logged().slice(0, 2), ["BLPOP queue 0", "RPUSH queue job"]);
  // Redis: one whose time runs out is never there.
  server.run("SLOWLOG", "RESET");
  waiting.send("BLPOP", "queue", "0");
  server.server.blocking.expire(waiting.client);
  assertEquals(logged(), ["SLOWLOG RESET"]);
});

Deno.test("clients that serve each other in a circle come to an end", () => {
  using server = new EmbeddedServer();
  const [first, second, third] = [server.connect(), server.connect(), server.connect()];
  for (let round = 0; round < 3; round++) {
    first.send("BLMOVE", "a", "b", "LEFT", "RIGHT", "0");
    second.send("BLMOVE", "b", "a", "LEFT", "RIGHT", "0");
    third.send("BLMOVE", "a", "a", "LEFT", "RIGHT", "0");
    server.run("RPUSH", "a", "ball");
    assertEquals([first, second, third].map((client) => client.takeRaw()), [
      "$4\r\nball\r\n",
      "$4\r\nball\r\n",
      "$4\r\nball\r\n",
    ]);
    assertEquals(server.run("LRANGE", "a", "0", "-1"), ["ball"]);
    server.run("DEL", "a");
  }
});

const NEVER_SERVED = [
  ["BLPOP", "k", "0"],
  ["BLMPOP", "0", "1", "k", "LEFT"],
  ["BLMOVE", "k", "other", "LEFT", "LEFT", "0"],
  ["BLMOVEM", "k", "other", "LEFT", "LEFT", "0", "EXACTLY", "1", "OBO"],
];

Deno.test("from 7.2 on a client that may not any more is refused when it could be served", () => {
  for (const [release, isRefused] of [["7.0", false], ["7.2", true], ["7.4", true]] as const) {
    for (const command of NEVER_SERVED) {
      using server = new EmbeddedServer([["redis-version", release]]);
      server.run("ACL", "SETUSER", "ann", "on", "nopass", "~*", "+@all");
      const waiting = server.connect();
      waiting.run("AUTH", "ann", "x");
      waiting.send(...command);
      server.run("ACL", "SETUSER", "ann", `-${command[0].toLowerCase()}`);
      assertEquals(waiting.takeRaw(), "");
      server.run("RPUSH", "k", "a", "b");
      const reply = waiting.takeRaw();
      assertEquals(reply.startsWith("-NOPERM User ann has no permissions"), isRefused, reply);
      assertEquals(server.run("LLEN", "k"), isRefused ? 2 : 1);
      assertEquals(waiting.run("PING"), "PONG");
      const name = command[0].toLowerCase();
      const statistics = String(server.run("INFO", "commandstats"));
      const line = statistics.split("\r\n").find((text) => text.startsWith(`cmdstat_${name}:`))!;
      assertEquals(line.includes("rejected_calls=1"), isRefused, line);
      const log = server.run("ACL", "LOG") as unknown[];
      assertEquals(log.length, isRefused ? 1 : 0);
    }
  }
});

Deno.test("from 7.2 on what takes memory is refused when a waiting client could be served", () => {
  for (const [release, isRefused] of [["7.0", false], ["7.2", true]] as const) {
    using server = new EmbeddedServer([["redis-version", release]]);
    const [mover, popper] = [server.connect(), server.connect()];
    mover.send("BLMOVE", "k", "other", "LEFT", "LEFT", "0");
    popper.send("BLPOP", "l", "0");
    for (const key of ["source", "source2"]) server.run("RPUSH", key, "x");
    server.run("CONFIG", "SET", "maxmemory", "1");
    server.run("RENAME", "source", "k");
    server.run("RENAME", "source2", "l");
    const reply = mover.takeRaw();
    assertEquals(reply.startsWith("-OOM command not allowed"), isRefused, reply);
    assertEquals(popper.take(), [["l", "x"]]);
    assertEquals(server.run("EXISTS", "k"), isRefused ? 1 : 0);
  }
});

Deno.test("a key that is evicted for a waiting client's sake serves nobody", () => {
  using server = new EmbeddedServer([["redis-version", "7.2"]]);
  server.run("RPUSH", "source", "x");
  const waiting = server.connect();
  waiting.send("BLPOP", "k", "0");
  server.run("MULTI");
  server.run("RENAME", "source", "k");
  server.run("CONFIG", "SET", "maxmemory-policy", "allkeys-random");
  server.run("CONFIG", "SET", "maxmemory", "1");
  server.run("EXEC");
  server.run("CONFIG", "SET", "maxmemory", "0");
  assertEquals(waiting.takeRaw(), "");
  assertEquals(server.run("DBSIZE"), 0);
  server.run("RPUSH", "k", "y");
  assertEquals(waiting.take(), [["k", "y"]]);
});

const TWO_KEYS: readonly [waiting: string, transaction: string[], before: string, since: string][] =
  [
    ["BLPOP a b 0", ["RPUSH b x", "RPUSH a y"], "b x", "a y"],
    ["BZPOPMIN a b 0", ["ZADD b 1 x", "ZADD a 2 y"], "b x 1", "a y 2"],
    ["XREAD BLOCK 0 STREAMS a b $ $", ["XADD b 1-1 x y", "XADD a 1-1 x y"], "b 1-1 x y", "both"],
    ["BLPOP a b 0", ["SET a x", "RPUSH b x"], "b x", "(error) WRONGTYPE"],
  ];

Deno.test("from 7.2 on a client that is served sees all its keys, in its own order", () => {
  for (const release of ["7.0", "7.2", "7.4"]) {
    for (const [command, transaction, before, since] of TWO_KEYS) {
      using server = new EmbeddedServer([["redis-version", release]]);
      const waiting = server.connect();
      waiting.send(...command.split(" "));
      server.run("MULTI");
      for (const step of transaction) server.run(...step.split(" "));
      server.run("EXEC");
      const reply = waiting.take()[0];
      const both = since === "both" ? "a 1-1 x y b 1-1 x y" : since;
      const text = [reply].flat(9).join(" ");
      assertEquals(text.startsWith(release === "7.0" ? before : both), true, `${release}: ${text}`);
      assertEquals(waiting.run("PING"), "PONG");
    }
  }
});
