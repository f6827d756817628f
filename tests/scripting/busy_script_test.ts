/** Scripts past busy-reply-threshold whose sockets can be served: BUSY, KILL, UNKILLABLE, STATS. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { EmbeddedClient } from "../support/embedded_server.ts";
import { PolledServer } from "../support/polled_server.ts";

const BUSY_SCRIPT =
  "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n";
const BUSY_FUNCTION =
  "-BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.\r\n";
const UNKILLABLE =
  "-UNKILLABLE Sorry the script already executed write commands against the dataset. You can " +
  "either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE " +
  "command.\r\n";
const NOT_BUSY = "-NOTBUSY No scripts in execution right now.\r\n";
const LIBRARY =
  "#!lua name=lib\nredis.register_function('f',\nfunction() while true do end end)\n" +
  "redis.register_function('w', function(keys) redis.call('set',keys[1],'1')\n" +
  "for i=1,5000000 do end return 'done' end)";

function busyServer(directives: [string, string][] = []): PolledServer {
  return new PolledServer([["busy-reply-threshold", "2"], ...directives]);
}

/** In the next rounds `other` sends these, one each; returns what it will have heard. */
function willSend(server: PolledServer, other: EmbeddedClient, ...requests: string[][]): string[] {
  const heard: string[] = [];
  for (const request of requests) server.rounds.push(() => heard.push(other.raw(...request)));
  return heard;
}

Deno.test("SCRIPT KILL ends a script that has written nothing, wherever it is", () => {
  using server = busyServer();
  const other = server.connect();
  const loops: [source: string, line: number][] = [
    ["while true do end", 1],
    ["\n\nlocal t = {}\nwhile true do\nt.x = 1\nend", 4],
    ["while true do pcall(function() while true do end end) end", 1],
    ["return pcall(function() while true do end end)", 1],
    ["table.sort({1,2,3},function() while true do end end)", 1],
    ["string.gsub('a','a',function() while true do end end)", 1],
    ["coroutine.wrap(function() while true do end end)()", 1],
    ["return setmetatable({},{__index=function() while true do end end}).x", 1],
    ["local function f() return f() end f()", 1],
    ["while true do redis.call('get','a') end", 1],
    ["\nreturn string.find(('a'):rep(1e5), ('.-'):rep(8)..'b')", 2],
    ["\nreturn cjson.encode(('\\1'):rep(1e7))", 2],
    ["local function f(n) if n == 0 then while true do end end return 1+f(n-1) end f(3000)", 1],
  ];
  for (const [source, line] of loops) {
    const heard = willSend(server, other, ["GET", "a"], ["SCRIPT", "KILL"]);
    const reply = server.raw("EVAL", source, "0");
    assertEquals(heard, [BUSY_SCRIPT, "+OK\r\n"], source);
    const expected = `-ERR Script killed by user with SCRIPT KILL... script: ${
      server.run("SCRIPT", "LOAD", source)
    }, on @user_script:${line}.\r\n`;
    assertEquals(reply, expected, source);
  }
  assertEquals([server.run("PING"), other.raw("SCRIPT", "KILL")], ["PONG", NOT_BUSY]);
});

Deno.test("a script that has written cannot be killed, and comes to its end", () => {
  using server = busyServer();
  const other = server.connect();
  const heard = willSend(server, other, ["SCRIPT", "KILL"], ["FUNCTION", "KILL"], ["GET", "a"]);
  const script = "redis.call('set','a','1') for i=1,1e7 do end return redis.call('get','a')";
  assertEquals(server.run("EVAL", script, "1", "a"), "1");
  assertEquals(heard, [UNKILLABLE, UNKILLABLE, BUSY_SCRIPT]);
});

Deno.test("script-time-limit ends no script while others can be served", () => {
  using server = busyServer([["script-time-limit", "3"]]);
  const script = "redis.call('set','a','1') local n=0 for i=1,3e7 do n=n+1 end return n";
  assertEquals(server.run("EVAL", script, "1", "a"), 3e7);
  assertEquals(server.roundCount > 3, true);
});

Deno.test("functions are ended by FUNCTION KILL, scripts by SCRIPT KILL", () => {
  using server = busyServer();
  const other = server.connect();
  server.run("FUNCTION", "LOAD", LIBRARY);
  let heard = willSend(server, other, ["PING"], ["SCRIPT", "KILL"], ["FUNCTION", "KILL"]);
  assertEquals(
    server.raw("FCALL", "f", "0"),
    "-ERR Script killed by user with SCRIPT KILL... script: f, on @user_function:3.\r\n",
  );
  assertEquals(heard, [BUSY_FUNCTION, BUSY_FUNCTION, "+OK\r\n"]);
  heard = willSend(server, other, ["FUNCTION", "KILL"], ["FUNCTION", "STATS"], ["SCRIPT", "KILL"]);
  server.raw("EVAL", "while true do end", "0");
  assertEquals(heard, [BUSY_SCRIPT, BUSY_SCRIPT, "+OK\r\n"]);
});

Deno.test("FUNCTION STATS tells of the function that runs, with both protocols", () => {
  using server = busyServer();
  const [other, newer] = [server.connect(), server.connect()];
  newer.run("HELLO", "3");
  server.run("FUNCTION", "LOAD", LIBRARY);
  const old = willSend(server, other, ["FUNCTION", "STATS"]);
  const [text] = [willSend(server, newer, ["FUNCTION", "STATS"])];
  assertEquals(server.run("FCALL", "w", "1", "key", "arg"), "done");
  const command =
    "\\*5\r\n\\$5\r\nFCALL\r\n\\$1\r\nw\r\n\\$1\r\n1\r\n\\$3\r\nkey\r\n\\$3\r\narg\r\n";
  const running = "name\r\n\\$1\r\nw\r\n\\$7\r\ncommand\r\n" + command;
  const duration = "\\$11\r\nduration_ms\r\n:[0-9]+\r\n\\$7\r\nengines\r\n";
  assertMatch(
    old[0]!,
    new RegExp(`^\\*4\r\n\\$14\r\nrunning_script\r\n\\*6\r\n\\$4\r\n${running}${duration}`),
  );
  assertMatch(
    text[0]!,
    new RegExp(`^%2\r\n\\$14\r\nrunning_script\r\n%3\r\n\\$4\r\n${running}${duration}`),
  );
  assertStringIncludes(other.raw("FUNCTION", "STATS"), "running_script\r\n$-1\r\n");
});

Deno.test("within a transaction a script is killed alone: the others run, in their order", () => {
  using server = busyServer();
  const other = server.connect();
  server.run("FUNCTION", "LOAD", LIBRARY);
  for (
    const [script, ...kill] of [
      [["EVAL", "while true do end", "0"], "SCRIPT", "KILL"],
      [["FCALL", "f", "0"], "FUNCTION", "KILL"],
    ] as [string[], ...string[]][]
  ) {
    server.run("MULTI");
    server.run("SET", "m", "1");
    server.run(...script);
    server.run("GET", "m");
    const heard = willSend(server, other, ["GET", "m"], kill);
    const reply = server.raw("EXEC");
    assertMatch(reply, /^\*3\r\n\+OK\r\n-ERR Script killed by user [^\r]*\r\n\$1\r\n1\r\n$/);
    assertEquals([heard.length, heard[1]], [2, "+OK\r\n"]);
  }
});

Deno.test("SHUTDOWN needs NOSAVE while a script runs; ABORT is heard as ever", () => {
  const exits: number[] = [];
  class Exit extends Error {}
  using server = new PolledServer([["busy-reply-threshold", "2"]], {
    exit: (code) => {
      exits.push(code);
      throw new Exit();
    },
  });
  const other = server.connect();
  const heard = willSend(
    server,
    other,
    ["SHUTDOWN"],
    ["SHUTDOWN", "SAVE"],
    ["SHUTDOWN", "NOW"],
    ["SHUTDOWN", "ABORT"],
    ["SHUTDOWN", "NOSAVE"],
  );
  let caught: unknown;
  try {
    server.run("EVAL", "redis.call('set','a','1') while true do pcall(error) end", "1", "a");
  } catch (error) {
    caught = error;
  }
  assertEquals([caught instanceof Exit, exits], [true, [0]]);
  assertEquals(heard, [BUSY_SCRIPT, BUSY_SCRIPT, BUSY_SCRIPT, "-ERR No shutdown in progress.\r\n"]);
});

Deno.test("what a script publishes is there for subscribers while it still runs", () => {
  using server = busyServer();
  const [subscriber, monitor, other] = [server.connect(), server.connect(), server.connect()];
  subscriber.run("SUBSCRIBE", "ch");
  monitor.run("MONITOR");
  const seen: string[] = [];
  server.rounds.push(() => {
    other.raw("UNWATCH");
    seen.push(subscriber.takeRaw(), monitor.takeRaw());
  });
  server.run("EVAL", "redis.call('publish','ch','m') for i=1,1e7 do end", "0");
  assertEquals(seen[0], "*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$1\r\nm\r\n");
  assertMatch(seen[1]!, /"EVAL".*lua\] "publish" "ch" "m"\r\n.*"UNWATCH"\r\n$/s);
});

Deno.test("a client that waits in its own script may go away, as may others", () => {
  using server = busyServer();
  const [other, third] = [server.connect(), server.connect()];
  third.send("BLPOP", "list", "0");
  const heard = willSend(server, other, ["SCRIPT", "KILL"]);
  server.rounds.unshift(() => third.close());
  server.raw("EVAL", "redis.call('get','list') while true do end", "1", "list");
  assertEquals([heard, server.server.blocking.blockedCount], [["+OK\r\n"], 0]);
});
