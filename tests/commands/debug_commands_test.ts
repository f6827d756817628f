/** DEBUG: what tests and tools use of it. Digests are tested in tests/keyspace. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

function debugServer(): EmbeddedServer {
  return new EmbeddedServer([["enable-debug-command", "yes"]]);
}

function messageOf(reply: unknown): string {
  assert(reply instanceof RespError, `no error: ${reply}`);
  return reply.message;
}

Deno.test("DEBUG is refused unless the configuration allows it", () => {
  using server = new EmbeddedServer();
  assert(
    messageOf(server.run("DEBUG", "OBJECT", "k")).startsWith("ERR DEBUG command not allowed."),
  );
  server.run("MULTI");
  assert(
    messageOf(server.run("DEBUG", "OBJECT", "k")).startsWith("ERR DEBUG command not allowed."),
  );
  assert(messageOf(server.run("EXEC")).startsWith("EXECABORT"));
  using local = new EmbeddedServer([["enable-debug-command", "local"]]);
  assertEquals(local.run("DEBUG", "SET-ACTIVE-EXPIRE", "1"), "OK");
});

Deno.test("DEBUG tells unknown subcommands and wrong numbers of arguments alike", () => {
  using server = debugServer();
  for (const words of [["nosuch"], ["sleep"], ["object"], ["populate", "1", "a", "1", "x"]]) {
    const expected = `ERR unknown subcommand or wrong number of arguments for '${words[0]}'. ` +
      "Try DEBUG HELP.";
    assertEquals(messageOf(server.run("DEBUG", ...words)), expected);
  }
});

Deno.test("DEBUG OBJECT describes a value, and the nodes of a list", () => {
  using server = debugServer();
  server.run("SET", "k", "bar");
  const text = String(server.run("DEBUG", "OBJECT", "k"));
  assert(/^Value at:0x[0-9a-f]+ refcount:1 encoding:embstr serializedlength:4 lru:\d+ /.test(text));
  server.run("RPUSH", "l", "a", "b", "c", "17");
  const list = String(server.run("DEBUG", "OBJECT", "l"));
  assert(list.includes("serializedlength:21"));
  assert(list.endsWith(
    "ql_nodes:1 ql_avg_node:4.00 ql_listpack_max:-2 ql_compressed:0 ql_uncompressed_size:18",
  ));
  assertEquals(messageOf(server.run("DEBUG", "OBJECT", "nosuch")), "ERR no such key");
});

Deno.test("DEBUG POPULATE makes keys, leaves those that exist, and pads values", () => {
  using server = debugServer();
  server.run("SET", "key:1", "mine");
  assertEquals(server.run("DEBUG", "POPULATE", "3"), "OK");
  assertEquals(server.run("MGET", "key:0", "key:1", "key:2"), ["value:0", "mine", "value:2"]);
  server.run("DEBUG", "POPULATE", "1", "pre", "10");
  assertEquals(server.raw("GET", "pre:0"), "$10\r\nvalue:0\0\0\0\r\n");
  const message = "ERR value is out of range, must be positive";
  assertEquals(messageOf(server.run("DEBUG", "POPULATE", "-1")), message);
});

Deno.test("DEBUG SET-ACTIVE-EXPIRE 0 leaves expired keys until they are met", () => {
  using server = debugServer();
  server.run("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  assertEquals(server.server.expireCycle.isEnabled, false);
  server.run("DEBUG", "SET-ACTIVE-EXPIRE", "1");
  assertEquals(server.server.expireCycle.isEnabled, true);
});

Deno.test("DEBUG QUICKLIST-PACKED-THRESHOLD makes plain nodes of shorter elements", () => {
  using server = debugServer();
  try {
    assertEquals(server.run("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "10b"), "OK");
    server.run("RPUSH", "l", "short", "longer than ten bytes", "short");
    assert(String(server.run("DEBUG", "OBJECT", "l")).includes("ql_nodes:3"));
    assertEquals(server.run("LRANGE", "l", 0, -1), ["short", "longer than ten bytes", "short"]);
    const message = "ERR argument must be a memory value bigger than 1 and smaller than 4gb";
    assertEquals(messageOf(server.run("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "5gb")), message);
  } finally {
    server.run("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "0");
  }
  server.run("DEL", "l");
  server.run("RPUSH", "l", "short", "longer than ten bytes", "short");
  assert(String(server.run("DEBUG", "OBJECT", "l")).includes("ql_nodes:1"));
});

Deno.test("DEBUG PROTOCOL has a sample of each kind of reply", () => {
  using server = debugServer();
  const samples = (...types: string[]) =>
    types.map((type) => server.raw("DEBUG", "PROTOCOL", type));
  assertEquals(samples("double", "null", "true", "bignum"), [
    ...["$5\r\n3.141\r\n", "$-1\r\n", ":1\r\n", "$37\r\n1234567999999999999999999999999999999\r\n"],
  ]);
  assertEquals(samples("push"), ["-ERR RESP2 is not supported by this command\r\n"]);
  server.run("HELLO", "3");
  assertEquals(samples("double", "null", "true", "bignum", "verbatim", "map"), [
    ",3.141\r\n",
    "_\r\n",
    "#t\r\n",
    "(1234567999999999999999999999999999999\r\n",
    "=29\r\ntxt:This is a verbatim\nstring\r\n",
    "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n",
  ]);
  assert(samples("attrib")[0].startsWith("|1\r\n$14\r\nkey-popularity\r\n"));
  assert(samples("nosuch")[0].startsWith("-ERR Wrong protocol type name."));
});

Deno.test("DEBUG HTSTATS and HTSTATS-KEY describe hash tables only", () => {
  using server = debugServer();
  server.run("SADD", "s", "a", "b");
  server.run("SADD", "intset", "1");
  assert(String(server.run("DEBUG", "HTSTATS", "0")).includes(" number of elements: 2\n"));
  assert(String(server.run("DEBUG", "HTSTATS-KEY", "s")).includes(" number of elements: 2\n"));
  assert(messageOf(server.run("DEBUG", "HTSTATS-KEY", "intset")).includes("hash table"));
  assertEquals(messageOf(server.run("DEBUG", "HTSTATS", "99")), "ERR Out of range database");
});

Deno.test("DEBUG ERROR, CHANGE-REPL-ID and LISTPACK do what they say", () => {
  using server = debugServer();
  assertEquals(messageOf(server.run("DEBUG", "ERROR", "MYERR text")), "MYERR text");
  const before = server.server.replication.state.replicationId;
  server.run("DEBUG", "CHANGE-REPL-ID");
  assert(before !== server.server.replication.state.replicationId);
  server.run("HSET", "h", "f", "v");
  const shown = "Listpack structure printed on stdout";
  assertEquals(server.run("DEBUG", "LISTPACK", "h"), shown);
  server.run("SET", "k", "v");
  assertEquals(
    messageOf(server.run("DEBUG", "LISTPACK", "k")),
    "ERR Not a listpack encoded object.",
  );
});

Deno.test("DEBUG PAUSE-CRON stops housekeeping", () => {
  using server = debugServer();
  server.run("DEBUG", "PAUSE-CRON", "1");
  server.run("SETRANGE", "k", 100_000, "x");
  server.server.runCron();
  assertEquals(server.server.statistics.memoryPeakBytes, 0);
  server.run("DEBUG", "PAUSE-CRON", "0");
  server.server.runCron();
  assert(server.server.statistics.memoryPeakBytes > 100_000);
});

Deno.test("DEBUG AOF-FLUSH-SLEEP takes any text for a number, as atoi does", () => {
  using server = debugServer();
  const { writer } = server.server.persistence.aof;
  for (const [text, durationUs] of [["250", 250], ["abc", 0], ["7us", 7]] as const) {
    assertEquals(server.run("DEBUG", "AOF-FLUSH-SLEEP", text), "OK");
    assertEquals(writer.flushSleepUs, durationUs);
  }
  assert(messageOf(server.run("DEBUG", "AOF-FLUSH-SLEEP")).startsWith("ERR unknown subcommand"));
});

Deno.test("CONFIG-REWRITE-FORCE-ALL writes all parameters, REPLICATE reaches no replica", async () => {
  using server = debugServer();
  const without = server.raw("DEBUG", "CONFIG-REWRITE-FORCE-ALL");
  assertEquals(
    without,
    "-ERR CONFIG-REWRITE-FORCE-ALL failed: The server is running without a config file\r\n",
  );
  const file = await Deno.makeTempFile();
  try {
    server.server.config.configFile = file;
    assertEquals(server.run("DEBUG", "CONFIG-REWRITE-FORCE-ALL"), "OK");
    const text = await Deno.readTextFile(file);
    for (const line of ["hz 10", "timeout 0", "maxmemory 0"]) assert(text.includes(`\n${line}\n`));
  } finally {
    await Deno.remove(file);
  }
  assertEquals(server.run("DEBUG", "REPLICATE", "SET", "k", "v"), "OK");
  assertEquals(server.run("DBSIZE"), 0);
});
