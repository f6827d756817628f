/**
 * Scripts that run long, at both servers, through real sockets: what others are answered meanwhile,
 * how a script is ended, and what of it stays.
 */
import { assert, assertEquals } from "@std/assert";
import { latin1Text } from "../../src/base/bytes.ts";
import { startRedis } from "../support/redis_process.ts";
import type { RespClient } from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import { type ServerProcess, startServer, TemporaryDirectory } from "../support/server_process.ts";
import { until } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";

const THRESHOLD = ["--busy-reply-threshold", "100"];
/** What runs until it is killed; on one line, for the reply tells which. */
const LOOPS = [
  "while true do end",
  "while true do pcall(function() while true do end end) end",
  "while true do redis.pcall('get') redis.call('get',KEYS[1]) end",
  "table.sort({1,2,3},function() while true do end end)",
  "string.gsub('aaa','a',function() while true do end end)",
  "coroutine.wrap(function() while true do end end)()",
  "return setmetatable({},{__index=function() while true do end end}).x",
  "local function f() while true do end end f()",
];
const LIBRARY = "#!lua name=lib\nredis.register_function('f', function() while true do end end)";
/** Sent while a script runs, by one client: what is allowed, what is not, what is no command. */
const MEANWHILE = [
  "PING",
  "SET a 1",
  "nosuch x",
  "GET",
  "CONFIG GET save",
  "SCRIPT LOAD x",
  "SCRIPT EXISTS x",
  "INFO server",
  "CLIENT LIST",
  "AUTH x",
  "WATCH k",
  "UNWATCH",
  "MULTI",
  "SET a 1",
  "EXEC",
  "MULTI",
  "WATCH k",
  "DISCARD",
  "EXEC",
  "SHUTDOWN",
  "SHUTDOWN SAVE",
  "SHUTDOWN ABORT",
  "SHUTDOWN NOSAVE ABORT",
  "SUBSCRIBE ch",
  "EVAL x 0",
  "FUNCTION LIST",
  "FUNCTION HELP",
  "DEBUG SLEEP 0",
  "COMMAND",
  "PUBLISH ch x",
  "RESET",
  "QUIT",
] as const;

function textOf(bytes: Uint8Array): string {
  return latin1Text(bytes, 0, bytes.length);
}

async function replyText(client: RespClient, ...request: string[]): Promise<string> {
  await client.send(...request);
  return textOf(await client.receiveRaw());
}

async function untilBusy(client: RespClient): Promise<void> {
  await until("a script is found to run long", async () => {
    const reply = await client.call("PING");
    return reply instanceof RespError && reply.code === "BUSY";
  });
}

/** What both servers should say alike, step by step. */
async function transcript(server: ServerProcess): Promise<string[]> {
  const lines: string[] = [];
  using caller = await server.connect();
  using other = await server.connect();
  const note = async (what: string, text: Promise<string>) => lines.push(`${what}: ${await text}`);
  const kill = async (...words: string[]) =>
    await note(words.join(" "), replyText(other, ...words));
  const hearCaller = async () => await note("caller", caller.receiveRaw().then(textOf));
  for (const loop of LOOPS) {
    await caller.send("EVAL", loop, "1", "k");
    await untilBusy(other);
    await kill("FUNCTION", "KILL");
    await kill("SCRIPT", "KILL");
    await hearCaller();
    await kill("SCRIPT", "KILL");
  }
  for (const start of [["EVAL", "while true do end", "0"], ["FCALL", "f", "0"]]) {
    await caller.call("FUNCTION", "LOAD", "REPLACE", LIBRARY);
    await caller.send(...start);
    await untilBusy(other);
    // Its connection ends with QUIT, and it may be made while a script runs.
    using talker = await server.connect();
    for (const request of MEANWHILE) await note(request, replyText(talker, ...request.split(" ")));
    const family = start[0] === "EVAL" ? "SCRIPT" : "FUNCTION";
    await kill(family === "SCRIPT" ? "FUNCTION" : "SCRIPT", "KILL");
    const stats = await replyText(other, "FUNCTION", "STATS");
    lines.push(stats.replace(/(duration_ms\r\n:)\d+/, "$1?"));
    await kill(family, "KILL");
    await hearCaller();
  }
  for (
    const [family, ...script] of [
      ["SCRIPT", "EVAL", "while true do end", "0"],
      ["FUNCTION", "FCALL", "f", "0"],
    ]
  ) {
    for (const request of [["MULTI"], ["SET", "m", "1"], script, ["GET", "m"]]) {
      await caller.call(...request);
    }
    await caller.send("EXEC");
    await untilBusy(other);
    await kill(family, "KILL");
    await hearCaller();
  }
  await caller.send("EVAL", "redis.call('set','w',1) while true do end", "1", "w");
  await untilBusy(other);
  await kill("SCRIPT", "KILL");
  await kill("FUNCTION", "KILL");
  await other.send("SHUTDOWN", "NOSAVE");
  lines.push(`exit ${await server.ended()}`);
  return lines;
}

testWith(["redis-server", "linux"], "long scripts are seen alike by others", async () => {
  await using redis = await startRedis({ args: THRESHOLD });
  const ourArgs = [...THRESHOLD, "--transport", "epoll", "--enable-debug-command", "yes"];
  await using ours = await startServer({ args: ourArgs });
  const [expected, actual] = await Promise.all([transcript(redis), transcript(ours)]);
  for (const [index, line] of expected.entries()) assertEquals(actual[index], line);
  assertEquals(actual.length, expected.length);
  // Nothing of it was vacuous.
  assert(expected.filter((line) => line.includes("Script killed by user")).length >= LOOPS.length);
});

testWith(
  ["linux"],
  "of a script that runs when the server ends nothing is in the AOF",
  async () => {
    for (const [policy, end] of [["always", "SIGKILL"], ["everysec", "SHUTDOWN"]]) {
      await using directory = await TemporaryDirectory.create();
      const args = [...THRESHOLD, "--appendonly", "yes", "--appendfsync", policy];
      const options = { args: [...args, "--transport", "epoll"], directory: directory.path };
      {
        await using server = await startServer(options);
        using caller = await server.connect();
        using other = await server.connect();
        await other.expect("SET", "before", "1");
        const script = "redis.call('set','half2',1) redis.call('incr','before') while true do end";
        await caller.expect("SET", "alone", "1");
        for (const request of [["MULTI"], ["SET", "half", "1"], ["EVAL", script, "0"]]) {
          await caller.expect(...request);
        }
        await caller.send("EXEC");
        await untilBusy(other);
        // Some rounds with something to write.
        for (let round = 0; round < 20; round++) await other.call("PING");
        if (end === "SIGKILL") server.child.kill("SIGKILL");
        else await other.send("SHUTDOWN", "NOSAVE");
        await server.exited;
      }
      await using server = await startServer(options);
      using client = await server.connect();
      assertEquals(
        await client.call("MGET", "before", "alone", "half", "half2"),
        ["1", "1", null, null],
        `${policy}, ${end}`,
      );
    }
  },
);

testWith(
  ["linux"],
  "the caller may hang up, others come and go, and what waits is answered",
  async () => {
    await using server = await startServer({ args: [...THRESHOLD, "--transport", "epoll"] });
    using other = await server.connect();
    const caller = await server.connect();
    await caller.send("EVAL", "while true do end", "0");
    await caller.send("SET", "behind", "1");
    await untilBusy(other);
    caller.close();
    for (let round = 0; round < 50; round++) {
      using guest = await server.connect();
      const replies = await guest.callMany([["GET", "a"], ["MULTI"], ["nosuch"], ["DISCARD"]]);
      assertEquals(replies.map((reply) => reply instanceof RespError), [true, false, true, false]);
    }
    assertEquals(await other.call("SCRIPT", "KILL"), "OK");
    assertEquals(await other.call("PING"), "PONG");
    // Many more than one round serves.
    const crowd = await Promise.all(Array.from({ length: 200 }, () => server.connect()));
    await other.send("EVAL", "while true do end", "0");
    await untilBusy(crowd[0]!);
    const replies = await Promise.all(crowd.map((client) => client.call("GET", "a")));
    assert(replies.every((reply) => reply instanceof RespError && reply.code === "BUSY"));
    assertEquals(await crowd[150]!.call("SCRIPT", "KILL"), "OK");
    assert(await other.receive() instanceof RespError);
    for (const client of crowd) client.close();
  },
);
