/**
 * Releases: what the server answers as 7.0, 7.2 and 7.4 (redis-version). Replies of 7.2 and 7.4 are
 * those of redis-server 8.2.3, which has not changed them since.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { Config } from "../../src/config/config.ts";
import { announcedVersion } from "../../src/config/version.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Plain } from "../support/resp_reply.ts";
import { expectReplies, type Row } from "../commands/sorted_set_suite.ts";

function serverOf(release: string): EmbeddedServer {
  return new EmbeddedServer([["redis-version", release], ["enable-debug-command", "yes"]]);
}

/** Compares replies; the one of a row without any does not matter. */
function expectRows(server: EmbeddedServer, rows: readonly Row[]): void {
  for (const row of rows) {
    if (row[1] === "") server.run(...row[0].split(" "));
    else expectReplies(server, [row]);
  }
}

const VERSIONS: readonly [release: string, version: string][] = [
  ["7.0", "7.0.15"],
  ["7.2", "7.2.4"],
  ["7.4", "7.4.2"],
];

Deno.test("a server that is told nothing answers as 7.4", () => {
  assertEquals(new Config().redisVersion, "7.4");
  assertEquals(announcedVersion(new Config()), "7.4.2");
});

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
  expectRows(server, RANKS);
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

const DOUBLES: readonly Row[] = [
  ["ZADD z 2.5 a 1e17 b", ":2"],
  ["ZINCRBY z 0.1 a", "$3 2.6"],
  ["ZADD z INCR 1e-7 c", "$4 1e-7"],
  ["ZSCORE z b", "$18 100000000000000000"],
  ["ZSCAN z 0", "*2 $1 0 *6 $1 c $4 1e-7 $1 a $3 2.6 $1 b $18 100000000000000000"],
  ["HELLO 3", ""],
  ["ZMSCORE z a", "*1 ,2.6"],
  ["ZSCAN z 0 COUNT 1", "*2 $1 0 *6 $1 c $4 1e-7 $1 a $3 2.6 $1 b $18 100000000000000000"],
  ["EVAL return{double=0.1} 0", ",0.1"],
  ["EVAL return{double=0/0} 0", ",nan"],
];

Deno.test("doubles have the fewest digits that mean them from 7.2 on", () => {
  using server = serverOf("7.2");
  expectRows(server, DOUBLES);
  using older = serverOf("7.0");
  expectReplies(older, [["ZADD z INCR 2.6 a", "$18 2.6000000000000001"]]);
});

/** Of COMMAND INFO: the place of a column, and what it is before 7.2 and since. */
const ROWS: readonly [command: string, column: number, older: Plain, later: Plain][] = [
  ["blpop", 2, ["write", "noscript", "blocking"], ["write", "blocking"]],
  ["wait", 2, ["noscript"], ["blocking"]],
  ["wait", 6, ["@slow", "@connection"], ["@slow", "@blocking", "@connection"]],
  ["command|getkeys", 1, -4, -3],
  ["acl|save", 7, [], ["request_policy:all_nodes", "response_policy:all_succeeded"]],
  ["cluster|slots", 2, ["stale"], ["loading", "stale"]],
  ["msetnx", 7, ["request_policy:multi_shard", "response_policy:agg_min"], []],
];

Deno.test("COMMAND tells of each command what the release knows, of subcommands, too", () => {
  for (const [release] of VERSIONS) {
    using server = serverOf(release);
    const of = (name: string) => (server.run("COMMAND", "INFO", name) as Plain[][])[0]!;
    for (const [name, column, older, later] of ROWS) {
      const wanted = release === "7.0" ? older : later;
      const sorted = (cell: unknown) => Array.isArray(cell) ? [...cell].sort() : cell;
      const [container] = name.split("|");
      const row = name === container
        ? of(name)
        : (of(container!)[9] as Plain[][]).find(([own]) => own === name)!;
      assertEquals(sorted(row[column]), sorted(wanted), `${release} ${name}`);
      assertEquals(sorted(of(name)[column]), sorted(wanted), `${release} ${name}`);
    }
  }
});

const IN_SCRIPTS: readonly [script: string, later: string][] = [
  ["return redis.call('BLPOP', 'none', 0)", "$-1"],
  ["redis.call('RPUSH', 'l', 'a') return redis.call('BLPOP', 'l', 0)", "*2 $1 l $1 a"],
  ["return redis.call('BLMOVE', 'none', 'l', 'LEFT', 'LEFT', 0)", "$-1"],
  ["return redis.call('BZPOPMIN', 'none', 0)", "$-1"],
  ["return redis.call('XREAD', 'BLOCK', 0, 'STREAMS', 'none', '$')", "$-1"],
  ["return redis.call('WAIT', 1, 0)", ":0"],
];

Deno.test("commands that wait do not wait in scripts from 7.2 on, where 7.0 refuses them", () => {
  using server = serverOf("7.2");
  using older = serverOf("7.0");
  for (const [script, later] of IN_SCRIPTS) {
    assertEquals(server.raw("EVAL", script, "0").replaceAll("\r\n", " ").trim(), later, script);
    assertMatch(older.raw("EVAL", script, "0"), /^-ERR .* not allowed/);
  }
  expectReplies(server, [["COMMAND GETKEYS ping", "-ERR The command has no key arguments"]]);
});

const COMMAND_RULES: readonly [rules: string, kept: string, outcome: string][] = [
  ["-@all +@set +@hash -@geo", "-@all +@set +@hash -@geo", "-@all +@hash +@set"],
  [
    "+@all -client +CLIENT|list -get +@read",
    "+@all -client +client|list -get +@read",
    "+@all -client +client|list",
  ],
  ["+config|get +config|set -CONFIG", "-@all -config", "-@all"],
  ["+client|id +@read -client|id", "-@all +@read -client|id", "-@all +@read"],
  ["+select|A +select|a", "-@all +select|a", "-@all +select|A"],
  ["+get -@read +@read", "-@all +get +@read", "-@all +@read"],
  ["+get +@all +get nocommands", "-@all", "-@all"],
];

Deno.test("ACL LIST and GETUSER keep the rules for commands from 7.2 on", () => {
  for (const [release] of VERSIONS) {
    using server = serverOf(release);
    for (const [rules, kept, outcome] of COMMAND_RULES) {
      const wanted = release === "7.0" ? outcome : kept;
      server.run("ACL", "SETUSER", "u", "reset", ...rules.split(" "));
      const [, , , , , commands] = server.run("ACL", "GETUSER", "u") as Plain[];
      assertEquals(commands, wanted);
      const [, line] = server.run("ACL", "LIST") as string[];
      assertEquals(line, `user u off sanitize-payload resetchannels ${wanted}`);
      const [words] = /(?<=resetchannels ).*/.exec(line)!;
      server.run("ACL", "SETUSER", "again", "reset", ...words.split(" "), `(${words})`);
      const allowed = (name: string) => server.server.acl.find(name)!.root.allowed;
      assertEquals(allowed("again"), allowed("u"));
      server.run("ACL", "DELUSER", "again");
    }
  }
});

Deno.test("XINFO tells since when a consumer got nothing from 7.2 on", () => {
  for (const [release] of VERSIONS) {
    using server = serverOf(release);
    server.run("XADD", "s", "1-1", "a", "1");
    server.run("XGROUP", "CREATE", "s", "g", "0");
    server.run("XGROUP", "CREATECONSUMER", "s", "g", "idle");
    server.run("XREADGROUP", "GROUP", "g", "reads", "STREAMS", "s", ">");
    const [idle, reads] = server.run("XINFO", "CONSUMERS", "s", "g") as Plain[][];
    const full = server.run("XINFO", "STREAM", "s", "FULL") as Plain[];
    const group = full.at(-1) as Plain[][];
    const [first, second] = group[0]!.at(-1) as Plain[][];
    if (release === "7.0") {
      assertEquals([idle!.length, reads!.length, first!.length, second!.length], [6, 6, 8, 8]);
      continue;
    }
    assertEquals(idle!.slice(6), ["inactive", -1]);
    assertEquals(reads!.slice(6, 7), ["inactive"]);
    assertEquals(reads![7], reads![5]);
    assertEquals([first!.length, ...first!.slice(4, 6)], [10, "active-time", -1]);
    assertEquals(second!.slice(4, 6), ["active-time", second![3]!]);
  }
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

Deno.test("directives that a file of 7.2 or 7.4 has are taken, by their newer names, too", () => {
  const lines: [string, string][] = [
    ["locale-collate", ""],
    ["hide-user-data-from-log", "yes"],
    ["max-new-connections-per-cycle", "1000"],
    ["max-new-tls-connections-per-cycle", "2"],
    ["server-cpulist", "0-1"],
  ];
  using server = new EmbeddedServer(lines);
  for (const [name, value] of lines) {
    assertEquals(server.run("CONFIG", "GET", name), [name, value]);
  }
  assertEquals(server.run("CONFIG", "GET", "server_cpulist"), ["server_cpulist", "0-1"]);
  assertMatch(
    server.raw("CONFIG", "SET", "max-new-connections-per-cycle", "1001"),
    /argument must be between 1 and 1000 inclusive/,
  );
});

Deno.test("a consumer is one as soon as it asks from 7.2 on, whatever there is for it", () => {
  for (const [release] of VERSIONS) {
    using server = serverOf(release);
    server.run("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM");
    assertEquals(server.run("XREADGROUP", "GROUP", "g", "reads", "STREAMS", "s", ">"), null);
    assertEquals(server.run("XCLAIM", "s", "g", "claims", "0", "1-1"), []);
    assertEquals(server.run("XAUTOCLAIM", "s", "g", "seeks", "0", "0"), ["0-0", [], []]);
    const consumers = server.run("XINFO", "CONSUMERS", "s", "g") as Plain[][];
    const names = consumers.map(([, name]) => name).sort();
    assertEquals(names, release === "7.0" ? [] : ["claims", "reads", "seeks"]);
  }
});

Deno.test("from 7.2 on the number of arguments decides on an encoding, alike or not", () => {
  /** Requests, and the encoding of key k then as 7.0 and as 7.4. */
  const courses: [string[], earlier: string, later: string][] = [
    [["ZADD k 1 a 1 a 1 a"], "listpack", "skiplist"],
    [["ZADD k 1 a", "ZADD k XX 1 b 1 b 1 b"], "listpack", "skiplist"],
    [["ZADD k 1 a 2 b"], "listpack", "listpack"],
    [["GEOADD k 1 1 a 1 1 a 1 1 a"], "listpack", "skiplist"],
    [["HSET k f 1 f 2 f 3"], "listpack", "hashtable"],
    [["HSET k f 1", "HMSET k f 1 f 2 f 3"], "listpack", "hashtable"],
    [["HSET k f 1", "HEXPIRE k 100 FIELDS 1 f", "HSET k f 1 f 2 f 3"], "listpackex", "hashtable"],
    [["HSETEX k EX 100 FIELDS 3 f 1 f 2 f 3"], "listpackex", "hashtable"],
    [["SADD k 7 7 7 7"], "intset", "hashtable"],
    [["SADD k 7", "SADD k 7 7 7 7"], "intset", "hashtable"],
  ];
  for (const [requests, earlier, later] of courses) {
    for (const [release, expected] of [["7.0", earlier], ["7.4", later]]) {
      using server = serverOf(release);
      for (const type of ["zset", "hash"]) {
        server.run("CONFIG", "SET", `${type}-max-listpack-entries`, "2");
      }
      server.run("CONFIG", "SET", "set-max-intset-entries", "3");
      // Of no listpack at all a release that knows them is no earlier one.
      server.run("CONFIG", "SET", "set-max-listpack-entries", "0");
      for (const request of requests) server.run(...request.split(" "));
      assertEquals(server.run("OBJECT", "ENCODING", "k"), expected, `${requests} as ${release}`);
    }
  }
});

Deno.test("what SPOP leaves of a table is small again; from 7.2 on integers are no intset", () => {
  for (const [release, encoding] of [["7.0", "intset"], ["7.4", "listpack"]]) {
    using server = serverOf(release);
    server.run("SADD", "k", "word", ...Array.from({ length: 599 }, (_, index) => `${index}`));
    server.run("SREM", "k", "word");
    // Just so many that the rest is kept and not what goes removed.
    server.run("SPOP", "k", "499");
    assertEquals(server.run("OBJECT", "ENCODING", "k"), "hashtable");
    server.run("SADD", "k", ...Array.from({ length: 20 }, (_, index) => `${1000 + index}`));
    server.run("SPOP", "k", "100");
    assertEquals(server.run("OBJECT", "ENCODING", "k"), encoding, release);
    assertEquals(server.run("SCARD", "k"), 20);
  }
});

Deno.test("integers of SINTERSTORE that are too many for an intset may be a listpack", () => {
  using server = serverOf("7.4");
  server.run("CONFIG", "SET", "set-max-intset-entries", "2");
  server.run("SADD", "a", "1", "2", "3", "x");
  server.run("SADD", "b", "1", "2", "3", "y", "z");
  const encodings = ["listpack", "intset"].map((expected) => {
    server.run("SINTERSTORE", "d", "a", "b");
    assertEquals(server.run("OBJECT", "ENCODING", "d"), expected);
    return server.run("SREM", "a", "3");
  });
  assertEquals(encodings, [1, 0]);
});
