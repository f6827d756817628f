/** redis.call: as whom it runs, what it changes around it, what is recorded. */
import { assertEquals } from "@std/assert";
import { spareRoomBytes, sweepRooms } from "../../src/base/room_pool.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { RespError } from "../support/resp_reply.ts";
import { fromLatin1 } from "../support/text.ts";

Deno.test("effects are recorded command by command, in one unit, and not the script", () => {
  using server = new EmbeddedServer();
  const units: string[] = [];
  server.server.propagation.attach({
    takeUnit: (bytes, length) => units.push(fromLatin1(bytes.subarray(0, length))),
  });
  server.run("EVAL", "redis.call('set','a',1) redis.call('get','a') redis.call('incr','a')", "0");
  const words = units.map((unit) => unit.split("\r\n").filter((line) => /^[A-Za-z]/.test(line)));
  assertEquals(words, [["SELECT", "MULTI", "set", "a", "incr", "a", "EXEC"]]);
});

Deno.test("a script chooses who hears of its effects, until it ends", () => {
  using server = new EmbeddedServer();
  const recorded = new RecordedEffects(server);
  const script = "redis.call('set','a',1) redis.set_repl(redis.REPL_NONE) redis.call('set','b',1)" +
    "redis.set_repl(redis.REPL_REPLICA) redis.call('set','c',1)";
  server.run("EVAL", script, "0");
  assertEquals(recorded.takeLog(), ["set a 1"]);
  server.run("SET", "d", "1");
  assertEquals(recorded.takeLog(), ["SET d 1"]);
});

Deno.test("the caller's arguments, database and reply stay its own", () => {
  using server = new EmbeddedServer();
  const script = "redis.call('select',3) redis.call('set','k',KEYS[1]) redis.setresp(3) " +
    "redis.call('hgetall','none') return {KEYS[1],ARGV[1]}";
  assertEquals(server.run("EVAL", script, "1", "key", "arg"), ["key", "arg"]);
  assertEquals(server.run("DBSIZE"), 0);
  assertEquals(server.run("EVAL", "return redis.call('dbsize')", "0"), 0);
  assertEquals(server.run("EVAL", "return type(redis.call('get','none'))", "0"), "boolean");
});

Deno.test("MONITOR shows the script, then its commands as those of lua", () => {
  using server = new EmbeddedServer();
  const monitor = server.connect();
  monitor.run("MONITOR");
  server.run("EVAL", "return redis.call('get','a')", "0");
  const lines = monitor.takeRaw().split("\r\n").slice(0, -1)
    .map((line) => line.replace(/^\+[\d.]+ /, ""));
  assertEquals(lines, [
    `[0 127.0.0.1:50000] "EVAL" "return redis.call('get','a')" "0"`,
    '[0 lua] "get" "a"',
  ]);
});

Deno.test("a caller with tracking remembers what its script has read, not the keys it was given", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  client.run("HELLO", "3");
  client.run("CLIENT", "TRACKING", "ON");
  client.run("EVAL_RO", "return redis.call('get','read')", "1", "given");
  server.run("SET", "given", "1");
  assertEquals(client.takeRaw(), "");
  server.run("SET", "read", "1");
  assertEquals(client.takeRaw(), ">2\r\n$10\r\ninvalidate\r\n*1\r\n$4\r\nread\r\n");
});

Deno.test("one who waits is served when the script is over", () => {
  using server = new EmbeddedServer();
  const waiting = server.connect();
  waiting.send("BLPOP", "list", "0");
  const script = "redis.call('rpush','list','a') return redis.call('llen','list')";
  assertEquals(server.run("EVAL", script, "0"), 1);
  assertEquals(waiting.take(), [["list", "a"]]);
});

Deno.test("once it has written, a script is not stopped by what was the case before", () => {
  using server = new EmbeddedServer([["maxmemory", "1"]]);
  const refused = server.run("EVAL", "return redis.call('set','a','b')", "0") as RespError;
  assertEquals(refused.message.startsWith("OOM command not allowed"), true);
  assertEquals(
    server.run("EVAL", "redis.call('del','a') return redis.call('set','a','b')", "0"),
    "OK",
  );
});

Deno.test("numbers are given with all their digits", () => {
  using server = new EmbeddedServer();
  const echo = (number: string) => server.run("EVAL", `return redis.call('echo',${number})`, "0");
  const cases = [
    ["1/3", "0.33333333333333331"],
    ["2^53+1", "9007199254740992"],
    ["-0", "-0"],
    ["1e100", "1e+100"],
    ["2^56", "72057594037927936"],
    ["1/0", "inf"],
    ["3.0", "3"],
  ];
  for (const [number, text] of cases) assertEquals(echo(number!), text, number);
});

Deno.test("arguments of any length, one after the other, arrive as they were given", () => {
  using server = new EmbeddedServer();
  const script = "local n=tonumber(ARGV[1]) local x=string.rep('x',n) " +
    "redis.call('rpush','list',x,9007199254740991,-9007199254740991,0,x,'') " +
    "local l=redis.call('lrange','list',0,-1) redis.call('del','list') " +
    "return {l[1]==x,l[2],l[3],l[4],l[5]==x,l[6],#l}";
  // About where the room for arguments ends, far beyond it, and back.
  for (const length of [1, 960, 980, 990, 1000, 1010, 1024, 3000, 200_000, 3]) {
    assertEquals(
      server.run("EVAL", script, "0", String(length)),
      [1, "9007199254740991", "-9007199254740991", "0", 1, "", 6],
      String(length),
    );
  }
});

Deno.test("what is wrong with one argument leaves nothing behind for the next call", () => {
  using server = new EmbeddedServer();
  const script = "local a=redis.pcall('set','key',{}) local b=redis.pcall() " +
    "local c=redis.pcall('set','key','value') return {a.err,b.err,c.ok,redis.call('get','key')}";
  for (let round = 0; round < 2; round++) {
    assertEquals(server.run("EVAL", script, "0"), [
      "ERR Lua redis lib command arguments must be strings or integers",
      "ERR Please specify at least one argument for this redis lib call",
      "OK",
      "value",
    ]);
  }
});

Deno.test("a command is found by the name of each call, whatever was called before", () => {
  using server = new EmbeddedServer();
  const script = "local r={} for i=1,#ARGV do " +
    "local reply=redis.pcall(ARGV[i],unpack(KEYS)) " +
    "r[i]=type(reply)=='table' and (reply.err or reply.ok) or reply end return r";
  const names = ["set", "get", "GET", "gEt", "tes", "nosuch", "", "getset", "strlen", "get", "set"];
  const found = ["OK", "1", "1", "1", null, null, null, "1", 1, "1", "OK"];
  const unknown = "ERR Unknown Redis command called from script";
  const arity = "ERR Wrong number of args calling Redis command from script";
  const expected = (keys: number) =>
    found.map((value, index) => {
      if (value === null) return unknown;
      const takesTwo = /^(get)?set$/.test(names[index]!);
      if (takesTwo !== (keys === 2)) return arity;
      return value;
    });
  for (let round = 0; round < 2; round++) {
    assertEquals(server.run("EVAL", script, "2", "key", "1", ...names), expected(2));
    assertEquals(server.run("EVAL", script, "1", "key", ...names), expected(1));
  }
});

Deno.test("the command of a container is found by its second word, each time", () => {
  using server = new EmbeddedServer();
  server.run("SET", "key", "text");
  const script = "local r={} for i=1,#ARGV do local reply=redis.pcall('object',ARGV[i],'key') " +
    "r[i]=type(reply)=='table' and reply.err or reply end return r";
  assertEquals(server.run("EVAL", script, "0", "encoding", "refcount", "nosuch", "encoding"), [
    "embstr",
    1,
    "ERR Unknown Redis command called from script",
    "embstr",
  ]);
});

Deno.test("what a user may do is asked for each call of the same name", () => {
  using server = new EmbeddedServer();
  server.run("ACL", "SETUSER", "reader", "on", ">x", "~a*", "+eval", "+auth", "+get");
  server.run("SET", "a", "1");
  server.run("SET", "b", "1");
  const script = "local r={} for i=1,#ARGV do local reply=redis.pcall('get',ARGV[i]) " +
    "r[i]=type(reply)=='table' and 'refused' or reply end return r";
  assertEquals(server.run("EVAL", script, "0", "a", "b", "a"), ["1", "1", "1"]);
  const client = server.connect();
  client.run("AUTH", "reader", "x");
  assertEquals(client.run("EVAL", script, "0", "a", "b", "a"), ["1", "refused", "1"]);
  server.run("ACL", "SETUSER", "reader", "-get");
  assertEquals(client.run("EVAL", script, "0", "a", "b", "a"), ["refused", "refused", "refused"]);
});

Deno.test("status replies are tables of their own", () => {
  using server = new EmbeddedServer();
  const script = "local a=redis.call('set','k',1) a.ok='changed' a.more=1 " +
    "local b=redis.call('set','k',1) return {b.ok,tostring(b.more),a.ok}";
  for (let round = 0; round < 2; round++) {
    assertEquals(server.run("EVAL", script, "0"), ["OK", "nil", "changed"]);
  }
});

Deno.test("the room of a large reply to a script is the next one's", () => {
  using server = new EmbeddedServer();
  server.run("SET", "large", "v".repeat(100_000));
  for (let count = 0; count < 2; count++) sweepRooms();
  assertEquals(spareRoomBytes(), 0);
  const script = "return #redis.call('GET', KEYS[1])";
  assertEquals(server.run("EVAL", script, 1, "large"), 100_000);
  const bytes = spareRoomBytes();
  assertEquals(bytes >= 100_000, true);
  assertEquals(server.run("EVAL", script, 1, "large"), 100_000);
  assertEquals(spareRoomBytes(), bytes);
});
