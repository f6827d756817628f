/** redis.call: as whom it runs, what it changes around it, what is recorded. */
import { assertEquals } from "@std/assert";
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
