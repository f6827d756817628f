/**
 * MIGRATE: what it sends, and what it removes when the other side has answered so or so; which
 * arguments are keys, which are secrets. The sockets are those of a test.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordingIo } from "../support/recording_io.ts";
import * as clock from "../../src/base/clock.ts";

const OK = "+OK\r\n";

function start(): { server: EmbeddedServer; io: RecordingIo; effects: RecordedEffects } {
  const synchronousIo = new RecordingIo();
  const server = new EmbeddedServer([], { synchronousIo });
  for (const key of ["a", "b", "c"]) server.run("SET", key, `value of ${key}`);
  const effects = new RecordedEffects(server);
  return { server, io: synchronousIo, effects };
}

function keysOf(server: EmbeddedServer): string {
  return (server.run("KEYS", "*") as string[]).sort().join("");
}

Deno.test("MIGRATE sends the keys that are here, and removes them", () => {
  const { server, io, effects } = start();
  using _ = server;
  assertEquals(server.raw("MIGRATE", "h", "1", "", "2", "9", "KEYS", "a", "none", "b"), OK);
  assertEquals(io.requests.map((words) => words.slice(0, 3)), [
    ["SELECT", "2"],
    ["RESTORE", "a", "0"],
    ["RESTORE", "b", "0"],
  ]);
  assertEquals(keysOf(server), "c");
  assertEquals(effects.takeLog(), ["DEL a b"]);
  // The connection is kept, and so is the database that it has selected.
  assertEquals(server.raw("MIGRATE", "h", "1", "c", "2", "9"), OK);
  assertEquals(io.requests.slice(3).map((words) => words[0]), ["RESTORE"]);
  assertEquals(io.connects, ["h:1"]);
  assertStringIncludes(server.run("INFO", "stats") as string, "migrate_cached_sockets:1\r\n");
});

Deno.test("what MIGRATE sends is what RESTORE takes, and the time to live goes with it", () => {
  const { server, io } = start();
  using _ = server;
  try {
    clock.setTimeForTests(clock.nowMs());
    server.run("PEXPIRE", "a", "5000");
    clock.advanceForTests(1000);
    assertEquals(server.raw("MIGRATE", "h", "1", "a", "0", "9", "REPLACE", "COPY"), OK);
  } finally {
    clock.useRealTime();
  }
  const [, restore] = io.requests;
  assertEquals([restore[2], restore[4]], ["4000", "REPLACE"]);
  assertEquals(keysOf(server), "abc");
  const payload = Uint8Array.from(restore[3], (character) => character.charCodeAt(0));
  assertEquals(server.run("RESTORE", "copy", "0", payload), "OK");
  assertEquals(server.run("GET", "copy"), "value of a");
});

Deno.test("MIGRATE logs in with the last password it was given", () => {
  const { server, io } = start();
  using _ = server;
  const login = (...words: string[]) => {
    server.run("MIGRATE", "h", "1", "a", "0", "9", "COPY", ...words);
    return io.requests.splice(0)[0].join(" ");
  };
  assertEquals(login("AUTH", "p"), "AUTH p");
  assertEquals(login("AUTH2", "u", "p"), "AUTH u p");
  assertEquals(login("AUTH2", "u", "p", "AUTH", "q"), "AUTH u q");
  assertEquals(login("AUTH", "q", "AUTH2", "u", "p"), "AUTH u p");
});

Deno.test("of several keys only those that were acknowledged are removed", () => {
  const { server, io, effects } = start();
  using _ = server;
  const migrate = () => server.raw("MIGRATE", "h", "1", "", "0", "9", "KEYS", "a", "b", "c");
  io.replies = [1, 1, "BUSYKEY no", 1];
  assertEquals(migrate(), "-ERR Target instance replied with error: BUSYKEY no\r\n");
  assertEquals([keysOf(server), effects.takeLog()], ["b", ["DEL a c"]]);
  server.run("SET", "a", "again");
  effects.takeLog();
  // After an error the database is not taken for granted.
  io.requests.length = 0;
  io.answer = {
    end: "read failed",
    isTimeout: true,
    acknowledged: Uint8Array.of(1, 1),
    firstError: "",
  };
  assertEquals(migrate(), "-IOERR error or timeout reading to target instance\r\n");
  assertEquals(io.requests.map((words) => words[0]), ["SELECT", "RESTORE", "RESTORE"]);
  assertEquals([keysOf(server), effects.takeLog()], ["b", ["DEL a"]]);
  const commands = server.run("INFO", "commandstats") as string;
  assertStringIncludes(/cmdstat_migrate:.*/.exec(commands)![0], "calls=2");
  assertStringIncludes(/cmdstat_migrate:.*/.exec(commands)![0], "failed_calls=2");
});

Deno.test("nothing is removed if the password or the database was refused", () => {
  const { server, io, effects } = start();
  using _ = server;
  const migrate = () => server.raw("MIGRATE", "h", "1", "a", "1", "9", "AUTH", "p");
  io.replies = ["WRONGPASS no", 1, 1];
  assertEquals(migrate(), "-ERR Target instance replied with error: WRONGPASS no\r\n");
  io.replies = [1, "ERR DB index is out of range", 1];
  assertEquals(
    migrate(),
    "-ERR Target instance replied with error: ERR DB index is out of range\r\n",
  );
  assertEquals([keysOf(server), effects.takeLog()], ["abc", []]);
});

Deno.test("a connection that turns out to be closed is made anew, once, and not after a timeout", () => {
  const { server, io } = start();
  using _ = server;
  const failure = { isTimeout: false, acknowledged: new Uint8Array(), firstError: "" };
  const migrate = (key: string) => server.raw("MIGRATE", "h", "1", key, "0", "9");
  io.answers = [
    { ...failure, end: "write failed" },
    { ...failure, end: "done", acknowledged: Uint8Array.of(1, 1) },
  ];
  assertEquals([migrate("a"), io.connects.length], [OK, 2]);
  io.answer = { ...failure, end: "write failed" };
  assertEquals(migrate("b"), "-IOERR error or timeout writing to target instance\r\n");
  assertEquals(io.connects.length, 3);
  io.answer = { ...failure, end: "read failed", isTimeout: true };
  assertEquals(migrate("b"), "-IOERR error or timeout reading to target instance\r\n");
  assertEquals(io.connects.length, 4);
  io.connectOutcome = "refused";
  assertEquals(migrate("b"), "-IOERR error or timeout writing to target instance\r\n");
  io.connectOutcome = "failed";
  assertEquals(migrate("b"), "-IOERR error or timeout connecting to the client\r\n");
  assertEquals(keysOf(server), "bc");
});

Deno.test("MIGRATE within MULTI and within a script", () => {
  const { server, effects } = start();
  using _ = server;
  server.run("MULTI");
  server.run("INCR", "n");
  server.run("MIGRATE", "h", "1", "a", "0", "9");
  server.run("EXISTS", "a");
  assertEquals(server.run("EXEC"), [1, "OK", 0]);
  assertEquals(effects.takeLog(), ["INCR n", "DEL a"]);
  const script = "return redis.call('MIGRATE', 'h', 1, KEYS[1], 0, 9)";
  assertEquals(server.run("EVAL", script, "1", "b"), "OK");
  assertEquals([keysOf(server), effects.takeLog()], ["cn", ["DEL b"]]);
});

Deno.test("who watches or waits hears that a key has moved", () => {
  const { server } = start();
  using _ = server;
  server.run("WATCH", "a");
  const other = server.connect();
  other.run("MIGRATE", "h", "1", "b", "0", "9", "COPY");
  other.run("MIGRATE", "h", "1", "a", "0", "9");
  server.run("MULTI");
  server.run("PING");
  assertEquals(server.run("EXEC"), null);
});

Deno.test("MIGRATE reads its options as the original", () => {
  const { server } = start();
  using _ = server;
  const answer = (...words: string[]) => server.raw("MIGRATE", "h", "1", "k", "0", "1", ...words);
  for (const words of [["x"], ["AUTH"], ["AUTH2", "u"], ["COPY", "REPLACE", "nosuch"]]) {
    assertEquals(answer(...words), "-ERR syntax error\r\n");
  }
  assertEquals(answer("COPY", "REPLACE", "AUTH", "p"), "+NOKEY\r\n");
  assertStringIncludes(answer("KEYS", "a"), "When using MIGRATE KEYS option");
  const notInteger = "-ERR value is not an integer or out of range\r\n";
  assertEquals(server.raw("MIGRATE", "h", "1", "k", "x", "1"), notInteger);
  assertEquals(server.raw("MIGRATE", "h", "1", "k", "0", "x"), notInteger);
});

Deno.test("passwords of MIGRATE are shown to nobody", () => {
  using server = new EmbeddedServer([["slowlog-log-slower-than", "0"]]);
  const options = ["KEYS", "auth", "shown"];
  server.run("MIGRATE", "h", "1", "", "0", "1", "AUTH2", "HIDDEN", "HIDDEN", "COPY", ...options);
  server.run("MIGRATE", "h", "1", "k", "0", "1", "AUTH", "HIDDEN");
  const entries = JSON.stringify(server.run("SLOWLOG", "GET"));
  assertEquals(entries.includes("HIDDEN"), false);
  assertStringIncludes(entries, '"COPY","KEYS","auth","shown"');
});
