/** Which commands get into the logs of large requests and large replies (COMMANDLOG). */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Plain } from "../support/resp_reply.ts";

const ALL: [string, string][] = [
  ["commandlog-request-larger-than", "0"],
  ["commandlog-reply-larger-than", "0"],
];

/** The entries of a log, the oldest first: bytes and arguments. */
function logged(server: EmbeddedServer, type: string): string[] {
  const off = ["commandlog-request-larger-than", "-1", "commandlog-reply-larger-than", "-1"];
  server.run("CONFIG", "SET", ...off);
  const entries = server.run("COMMANDLOG", "GET", "-1", type) as Plain[][];
  return entries.reverse().map((entry) => [entry[2], ...(entry[3] as string[])].join(" "));
}

Deno.test("with limits of 0 every command is logged, with the bytes of request and reply", () => {
  using server = new EmbeddedServer(ALL);
  server.run("SET", "k", "hello");
  server.run("GET", "k");
  server.run("GET", "none");
  server.run("AUTH", "secret");
  const requests = logged(server, "large-request");
  assertEquals(requests.slice(0, 4), [
    "31 SET k hello",
    "20 GET k",
    "23 GET none",
    "26 AUTH (redacted)",
  ]);
  const replies = logged(server, "large-reply");
  assertEquals(replies.slice(0, 3), ["5 SET k hello", "11 GET k", "5 GET none"]);
  // CONFIG SET, which switched it off, is over only then.
  assertEquals([requests.length, replies.length], [4, 4]);
});

Deno.test("the limits are the smallest sizes that are logged", () => {
  for (const [limit, count] of [["10", 1], ["11", 1], ["12", 0]] as const) {
    using server = new EmbeddedServer([["commandlog-reply-larger-than", limit]]);
    server.run("SET", "k", "hello");
    server.run("GET", "k");
    assertEquals(logged(server, "large-reply").length, count, limit);
  }
  for (const [limit, count] of [["30", 1], ["31", 1], ["32", 0]] as const) {
    using server = new EmbeddedServer([["commandlog-request-larger-than", limit]]);
    server.run("SET", "k", "hello");
    assertEquals(logged(server, "large-request").length, count, limit);
  }
});

Deno.test("of a request with many arguments every byte counts", () => {
  const keys = Array.from({ length: 5000 }, (_, index) => `k${index}`);
  // "*5001", "$3 DEL", and each key with its length.
  const bytes = 7 + 9 + keys.reduce((sum, key) => sum + 4 + key.length + 2, 0);
  for (const [limit, count] of [[bytes, 1], [bytes + 1, 0]]) {
    using server = new EmbeddedServer([["commandlog-request-larger-than", String(limit)]]);
    server.run("DEL", ...keys);
    assertEquals(logged(server, "large-request").length, count);
  }
});

Deno.test("commands of a transaction are logged, EXEC is not", () => {
  using server = new EmbeddedServer(ALL);
  server.run("MULTI");
  server.run("SET", "k", "hello");
  server.run("EXEC");
  assertEquals(logged(server, "large-request"), ["15 MULTI", "31 SET k hello"]);
  assertEquals(logged(server, "large-reply"), ["5 MULTI", "5 SET k hello"]);
});

Deno.test("a command that waits is logged when it is answered", () => {
  for (const release of ["7.0", "7.4"]) {
    using server = new EmbeddedServer([...ALL, ["redis-version", release]]);
    const waiting = server.connect();
    waiting.send("BLPOP", "l", "0");
    server.run("RPUSH", "l", "x");
    assertEquals(logged(server, "large-request"), ["29 RPUSH l x", "29 BLPOP l 0"]);
    assertEquals(logged(server, "large-reply"), ["4 RPUSH l x", "18 BLPOP l 0"]);
  }
});

Deno.test("what fails is logged, what is refused is not", () => {
  using server = new EmbeddedServer(ALL);
  server.run("SET", "k", "v");
  server.run("LPUSH", "k", "x");
  server.run("GET");
  server.run("NOSUCH");
  assertEquals(logged(server, "large-request"), ["27 SET k v", "29 LPUSH k x"]);
});

Deno.test("slow commands and large ones are logged apart, each log within its own length", () => {
  using server = new EmbeddedServer([
    ...ALL,
    ["commandlog-execution-slower-than", "0"],
    ["commandlog-slow-execution-max-len", "3"],
    ["commandlog-large-request-max-len", "2"],
    ["commandlog-large-reply-max-len", "0"],
  ]);
  for (let index = 0; index < 5; index++) server.run("GET", index);
  server.run("CONFIG", "SET", "slowlog-log-slower-than", "-1");
  assertEquals(server.run("COMMANDLOG", "LEN", "slow"), 3);
  assertEquals(server.run("COMMANDLOG", "LEN", "large-request"), 2);
  assertEquals(server.run("COMMANDLOG", "LEN", "large-reply"), 0);
});
