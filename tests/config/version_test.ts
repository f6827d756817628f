/**
 * Releases: what the server answers as 7.0, 7.2 and 7.4 (redis-version). Replies of 7.2 and 7.4 are
 * those of redis-server 8.2.3, which has not changed them since.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Plain } from "../support/resp_reply.ts";
import { expectReplies, type Row } from "../commands/sorted_set_suite.ts";

function serverOf(release: string): EmbeddedServer {
  return new EmbeddedServer([["redis-version", release], ["enable-debug-command", "yes"]]);
}

const VERSIONS: readonly [release: string, version: string][] = [
  ["7.0", "7.0.15"],
  ["7.2", "7.2.4"],
  ["7.4", "7.4.1"],
];

Deno.test("INFO, HELLO, LOLWUT and scripts tell the version of the release", () => {
  for (const [release, version] of VERSIONS) {
    using server = serverOf(release);
    assertMatch(server.run("INFO", "server") as string, new RegExp(`redis_version:${version}\r`));
    assertEquals((server.run("HELLO", "2") as Plain[])[3], version);
    assertMatch(server.run("LOLWUT") as string, new RegExp(`Redis ver. ${version},`));
    assertEquals(server.run("EVAL", "return redis.REDIS_VERSION", "0"), version);
    server.run("FUNCTION", "LOAD", LIBRARY);
    assertEquals(server.run("FCALL", "version", "0"), version);
    assertEquals(
      server.raw("CONFIG", "SET", "redis-version", "7.0").includes("can't set immutable config"),
      true,
    );
  }
});

const LIBRARY = "#!lua name=lib\nlocal version = redis.REDIS_VERSION\n" +
  "redis.register_function('version', function() return version end)";

const RANKS: readonly Row[] = [
  ["ZADD z 1.5 a 2 b", ":2"],
  ["ZRANK z b WITHSCORE", "*2 :1 $1 2"],
  ["ZREVRANK z b withscore", "*2 :0 $1 2"],
  ["ZRANK z c WITHSCORE", "*-1"],
  ["ZRANK none c WITHSCORE", "*-1"],
  ["ZRANK z c", "$-1"],
  ["ZRANK z b FOO", "-ERR syntax error"],
  ["ZRANK z b WITHSCORE 1", "-ERR wrong number of arguments for 'zrank' command"],
  ["HELLO 3", ""],
  ["ZRANK z a WITHSCORE", "*2 :0 ,1.5"],
  ["ZRANK z c WITHSCORE", "_"],
];

Deno.test("ZRANK WITHSCORE replies rank and score from 7.2 on", () => {
  using server = serverOf("7.2");
  for (const row of RANKS) {
    if (row[1] === "") server.run(...row[0].split(" "));
    else expectReplies(server, [row]);
  }
  using older = serverOf("7.0");
  const refusal = "-ERR wrong number of arguments for 'zrank' command";
  expectReplies(older, [["ZRANK z b WITHSCORE", refusal]]);
});

const RANGES: readonly [request: string, before: string, since: string][] = [
  ["BITCOUNT none 1", ":0", "-ERR syntax error"],
  ["BITCOUNT none 1 2 bit x", ":0", "-ERR syntax error"],
  ["BITCOUNT none x y", ":0", "-ERR value is not an integer or out of range"],
  ["BITCOUNT none 1 x foo", ":0", "-ERR value is not an integer or out of range"],
  ["BITCOUNT none -1 -2 foo", ":0", "-ERR syntax error"],
  ["BITCOUNT text -1 -2 foo", ":0", "-ERR syntax error"],
  ["BITCOUNT text 0 -1", ":10", ":10"],
  ["BITCOUNT none", ":0", ":0"],
  ["BITPOS none 1 x", ":-1", "-ERR value is not an integer or out of range"],
  ["BITPOS none 1 1 x foo", ":-1", "-ERR syntax error"],
  ["BITPOS none 1 1 2 bit 3", ":-1", "-ERR syntax error"],
  ["BITPOS none 0", ":0", ":0"],
  ["BITPOS none 1 1", ":-1", ":-1"],
];

Deno.test("BITCOUNT and BITPOS check their range before the key from 7.4 on", () => {
  for (const [release] of VERSIONS) {
    using server = serverOf(release);
    server.run("SET", "text", "abc");
    for (const [request, before, since] of RANGES) {
      expectReplies(server, [[request, release === "7.4" ? since : before]]);
    }
    server.run("LPUSH", "l", "a");
    const reply = server.raw("BITCOUNT", "l", "1");
    assertEquals(reply.startsWith(release === "7.4" ? "-ERR" : "-WRONGTYPE"), true);
  }
});

const REFUSALS: readonly [request: string, words: string][] = [
  ["LPUSH k1 x", "User bob has no permissions to run the 'lpush' command"],
  ["GET x", "No permissions to access a key"],
  ["PUBLISH x y", "No permissions to access a channel"],
];

Deno.test("users are refused in the words of the release, and ACL LOG tells more from 7.2 on", () => {
  using server = serverOf("7.2");
  server.run("ACL", "SETUSER", "bob", "on", "nopass", "~k*", "+get", "+publish", "+eval");
  const bob = server.connect();
  bob.run("AUTH", "bob", "x");
  for (const [request, words] of REFUSALS) {
    assertEquals(bob.raw(...request.split(" ")), `-NOPERM ${words}\r\n`);
    const call = request.toLowerCase().split(" ").map((word) => `'${word}'`).join(",");
    const reply = bob.raw("EVAL", `return redis.pcall(${call})`, "0");
    assertEquals(reply, `-ERR ACL failure in script: ${words}\r\n`);
  }
  assertEquals(
    server.run("ACL", "DRYRUN", "bob", "LPUSH", "k", "x"),
    "User bob has no permissions to run the 'lpush' command",
  );
  const log = server.run("ACL", "LOG") as Plain[][];
  assertEquals(log.map((entry) => entry.length), [20, 20, 20, 20, 20, 20]);
  assertEquals(log.map((entry) => entry[15]), [5, 4, 3, 2, 1, 0]);
  assertEquals(log[0]!.filter((_, index) => index % 2 === 0).slice(-3), [
    "entry-id",
    "timestamp-created",
    "timestamp-last-updated",
  ]);
  bob.run("GET", "x");
  const [again] = server.run("ACL", "LOG", "1") as Plain[][];
  assertEquals([again![1], again![15]], [2, 2]);
  const stats = server.run("INFO", "stats") as string;
  const counts = [...stats.matchAll(/acl_access_denied_(\w+):(\d+)/g)].map((match) => match[2]);
  assertEquals(counts, ["0", "2", "3", "2"]);
  assertMatch(String(server.run("ACL", "LIST")), /bob on nopass sanitize-payload /);
  using older = serverOf("7.0");
  assertEquals((older.run("INFO", "stats") as string).includes("acl_access"), false);
});

Deno.test("small sets and lists are listpacks from 7.2 on", () => {
  for (const [release] of VERSIONS) {
    using server = serverOf(release);
    const isLater = release !== "7.0";
    server.run("SADD", "s", "a", "b");
    server.run("SADD", "n", "1", "2");
    server.run("RPUSH", "l", "a", "b");
    const encodings = ["s", "n", "l"].map((key) => server.run("OBJECT", "ENCODING", key));
    assertEquals(encodings, [
      isLater ? "listpack" : "hashtable",
      "intset",
      isLater ? "listpack" : "quicklist",
    ]);
    assertMatch(
      server.run("DEBUG", "OBJECT", "l") as string,
      isLater ? /encoding:listpack/ : /encoding:quicklist/,
    );
    server.run("CONFIG", "SET", "list-max-listpack-size", "2");
    server.run("RPUSH", "l", "c");
    assertEquals(server.run("OBJECT", "ENCODING", "l"), "quicklist");
  }
});

Deno.test("INFO and CLIENT LIST have the fields of the release", () => {
  const fields = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([all]) => all);
  for (const [release] of VERSIONS) {
    using server = serverOf(release);
    server.run("WATCH", "a", "b");
    const other = server.connect();
    other.run("SUBSCRIBE", "c");
    const clients = server.run("INFO", "clients") as string;
    assertEquals(
      fields(clients, /(?:pubsub|watching|total)_\w+:\d+/g),
      release === "7.4"
        ? [
          ...["pubsub_clients:1", "watching_clients:1", "total_watched_keys:2"],
          ...["total_blocking_keys:0", "total_blocking_keys_on_nokey:0"],
        ]
        : release === "7.2"
        ? ["total_blocking_keys:0", "total_blocking_keys_on_nokey:0"]
        : [],
    );
    const line = server.run("CLIENT", "INFO") as string;
    assertEquals(/ lib-name= lib-ver=\n/.test(line), release !== "7.0");
    assertEquals(/ multi=-1 watch=2 qbuf=/.test(line), release === "7.4");
  }
});

Deno.test("INFO counts keys that clients wait for, and those waited for until they are gone", () => {
  using server = serverOf("7.2");
  server.run("XADD", "s", "1-1", "a", "1");
  server.run("XGROUP", "CREATE", "s", "g", "$");
  server.connect().send("BLPOP", "x", "y", "0");
  server.connect().send("BLPOP", "x", "0");
  server.connect().send("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">");
  const clients = server.run("INFO", "clients") as string;
  assertMatch(clients, /total_blocking_keys:3\r\ntotal_blocking_keys_on_nokey:1\r\n/);
});

Deno.test("a RESP3 subscriber that publishes hears the reply first from 7.2 on", () => {
  for (const [release] of VERSIONS) {
    using server = serverOf(release);
    server.run("HELLO", "3");
    server.run("SUBSCRIBE", "c");
    const output = server.raw("PUBLISH", "c", "m");
    const push = ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n";
    assertEquals(output, release === "7.0" ? `${push}:1\r\n` : `:1\r\n${push}`);
  }
});
