/** SORT and SORT_RO: orders, weights, results, storing; replies are those of redis-server. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

const SYNTAX_ERROR = "-ERR syntax error\r\n";
const NOT_A_SCORE = "-ERR One or more scores can't be converted into double\r\n";

function sorted(server: EmbeddedServer, command: string) {
  return server.run(...command.split(" "));
}

Deno.test("SORT orders numbers, or bytes with ALPHA", () => {
  using server = new EmbeddedServer();
  server.run("RPUSH", "k", "10", "9", " 1", "0x10", "-3.5", "1e1");
  assertEquals(sorted(server, "SORT k"), ["-3.5", " 1", "9", "10", "1e1", "0x10"]);
  assertEquals(sorted(server, "SORT k DESC"), ["0x10", "1e1", "10", "9", " 1", "-3.5"]);
  assertEquals(sorted(server, "SORT k ALPHA"), [" 1", "-3.5", "0x10", "10", "1e1", "9"]);
  assertEquals(sorted(server, "SORT none"), []);
});

Deno.test("LIMIT selects from what is sorted", () => {
  using server = new EmbeddedServer();
  server.run("RPUSH", "k", "5", "3", "1", "4", "2");
  assertEquals(sorted(server, "SORT k LIMIT 1 2"), ["2", "3"]);
  assertEquals(sorted(server, "SORT k LIMIT -9 2"), ["1", "2"]);
  assertEquals(sorted(server, "SORT k LIMIT 3 -1"), ["4", "5"]);
  assertEquals(sorted(server, "SORT k LIMIT 9 2"), []);
  assertEquals(sorted(server, "SORT k LIMIT 0 0"), []);
});

Deno.test("BY without a star keeps the order of lists and sorted sets", () => {
  using server = new EmbeddedServer();
  server.run("RPUSH", "k", "x", "z", "y");
  server.run("ZADD", "z", "3", "a", "1", "c", "2", "b");
  for (const key of ["k", "z"]) {
    const own = key === "k" ? ["x", "z", "y"] : ["c", "b", "a"];
    assertEquals(sorted(server, `SORT ${key} BY nosort`), own);
    assertEquals(sorted(server, `SORT ${key} BY nosort DESC`), [...own].reverse());
    assertEquals(sorted(server, `SORT ${key} BY nosort LIMIT 1 5`), own.slice(1));
    assertEquals(sorted(server, `SORT ${key} BY nosort DESC LIMIT 0 1`), [own[2]]);
    assertEquals(sorted(server, `SORT ${key} BY nosort LIMIT 3 1`), []);
  }
  assertEquals(server.run("OBJECT", "ENCODING", "z"), "skiplist");
});

Deno.test("a set that is stored unsorted is sorted all the same", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "k", "b", "c", "a");
  assertEquals(sorted(server, "SORT k BY nosort STORE out"), 3);
  assertEquals(sorted(server, "LRANGE out 0 -1"), ["a", "b", "c"]);
});

Deno.test("BY and GET look at strings and hash fields", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "k", "a", "b", "c");
  server.run("MSET", "w_a", "3", "w_b", "1");
  assertEquals(sorted(server, "SORT k BY w_*"), ["c", "b", "a"]);
  assertEquals(sorted(server, "SORT k BY w_* ALPHA DESC"), ["a", "b", "c"]);
  assertEquals(
    sorted(server, "SORT k BY w_* GET # GET w_* GET nope GET x_*"),
    ["c", null, null, null, "b", "1", null, null, "a", "3", null, null],
  );
  server.run("HSET", "h_a", "f", "1", "g", "2");
  server.run("HSET", "h_b", "f", "-1");
  assertEquals(
    sorted(server, "SORT k BY h_*->f GET # GET h_*->g GET h_*-> GET h_*"),
    ["b", null, null, null, "c", null, null, null, "a", "2", null, null],
  );
  server.run("HSET", "h_c", "f", "1e");
  assertEquals(server.raw(..."SORT k BY h_*->f".split(" ")), NOT_A_SCORE);
});

Deno.test("STORE makes a list in place of what was there", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "k", "2", "1");
  server.run("MSET", "out", "old", "w_1", "one");
  assertEquals(sorted(server, "SORT k GET # GET w_* STORE out"), 4);
  assertEquals(sorted(server, "LRANGE out 0 -1"), ["1", "one", "2", ""]);
  assertEquals(sorted(server, "SORT out ALPHA STORE out"), 4);
  assertEquals(sorted(server, "LRANGE out 0 -1"), ["", "1", "2", "one"]);
  assertEquals(sorted(server, "SORT none STORE out"), 0);
  assertEquals(server.run("EXISTS", "out"), 0);
});

Deno.test("SORT refuses what it cannot do", () => {
  using server = new EmbeddedServer();
  server.run("SET", "s", "x");
  server.run("RPUSH", "k", "1", "nan");
  const rows: [string, string][] = [
    ["SORT s", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"],
    ["SORT k", NOT_A_SCORE],
    ["SORT k LIMIT 1", SYNTAX_ERROR],
    ["SORT k LIMIT x 1", "-ERR value is not an integer or out of range\r\n"],
    ["SORT k BY", SYNTAX_ERROR],
    ["SORT k UP", SYNTAX_ERROR],
    ["SORT_RO k ALPHA STORE out", SYNTAX_ERROR],
    ["SORT_RO k ALPHA", "*2\r\n$1\r\n1\r\n$3\r\nnan\r\n"],
  ];
  for (const [command, expected] of rows) {
    assertEquals(server.raw(...command.split(" ")), expected, command);
  }
});

Deno.test("many long elements are sorted as a reference does", () => {
  using server = new EmbeddedServer();
  const names = Array.from({ length: 3000 }, (_, index) => `${(index * 7919) % 3000}`.repeat(9));
  server.run("SADD", "k", ...names);
  assertEquals(sorted(server, "SORT k ALPHA"), [...names].sort());
});

Deno.test("a SORT leaves nothing behind for the next, even if it is refused", () => {
  using server = new EmbeddedServer();
  const many = Array.from({ length: 3000 }, (_, index) => String((index * 7919) % 3000));
  server.run("RPUSH", "many", ...many);
  server.run("RPUSH", "words", "b", "x".repeat(100_000), "a");
  server.run("RPUSH", "few", "3", "1", "2");
  server.run("MSET", "w_1", "9", "w_2", "8", "w_3", "oops");
  const ascending = many.toSorted((a, b) => Number(a) - Number(b));
  for (let round = 0; round < 3; round++) {
    assertEquals(server.run("SORT", "few"), ["1", "2", "3"]);
    assertEquals(server.run("SORT", "many"), ascending);
    assertEquals(server.raw("SORT", "words").startsWith("-ERR One or more scores"), true);
    assertEquals(server.raw("SORT", "few", "BY", "w_*").startsWith("-ERR One or more"), true);
    assertEquals(server.run("SORT", "few", "BY", "w_*", "ALPHA"), ["2", "1", "3"]);
    assertEquals(server.run("SORT", "few", "BY", "none_*"), ["1", "2", "3"]);
    assertEquals(server.run("SORT", "few", "DESC", "STORE", "to"), 3);
    assertEquals(server.run("LRANGE", "to", "0", "-1"), ["3", "2", "1"]);
    assertEquals(server.run("SORT", "words", "ALPHA", "LIMIT", "0", "2"), ["a", "b"]);
  }
});
