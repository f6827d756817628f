/**
 * The notebook of the mission, run by redis-py: the market, the race on WATCH, the log processing
 * whose process is killed in the middle, and each command family through the library's own
 * methods.
 */

import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { startServer, TemporaryDirectory } from "../support/server_process.ts";
import { pythonWithRedis, runTool, testWith } from "../support/tool_availability.ts";
import { until } from "../support/text.ts";

const TOOLS = ["redis-py"] as const;
/** What those who say nothing get must do what the mission tells. */
const AS_BY_DEFAULT = { release: "default" } as const;

function scriptPath(name: string): string {
  return fromFileUrl(new URL(`python/${name}`, import.meta.url));
}

async function runPython(name: string, ...args: (string | number)[]): Promise<string[]> {
  const { stdout } = await runTool(pythonWithRedis()!, [scriptPath(name), ...args.map(String)]);
  return stdout.trimEnd().split("\n");
}

testWith(TOOLS, "redis-py: list_item and purchase_item leave the notebook's market", async () => {
  await using server = await startServer(AS_BY_DEFAULT);
  const lines = await runPython("market.py", server.port);
  // A Python set prints in any order.
  const left = lines[6].replace("{b'itemA'}", "{…}");
  assertEquals([...lines.slice(0, 6), left, ...lines.slice(7)], [
    "ping True",
    "hmset True",
    "hmset True",
    "sadd 2",
    "list None True",
    "market [(b'itemB.1', 40.0)]",
    "left {…}",
    "too dear None",
    "exec [140.0, 3.0, 1, 1]",
    "buy True",
    "funds 140 3",
    "seller {b'name': b'Frank', b'funds': b'140'}",
    "buyer {b'name': b'Bill', b'funds': b'3'} {b'itemB'}",
    "market [] 0",
    "plain pipeline [True, [b'1', None, b'2']]",
    "wrapped pipeline [2, True, 100]",
    "save True",
  ]);
  assertEquals((await Deno.stat(join(server.directory, "dump.rdb"))).isFile, true);
});

testWith(TOOLS, "redis-py: processes that race on WATCH lose no update", async () => {
  await using server = await startServer(AS_BY_DEFAULT);
  using client = await server.connect();
  const increments = 300;
  await client.expect("HSET", "race:from", "funds", 1000);
  const racers = [1, 2].map(() => runPython("watch_race.py", server.port, increments, 2));
  await Promise.all(racers);
  assertEquals(await client.call("GET", "race:counter"), String(2 * increments));
  assertEquals(await client.call("HGET", "race:from", "funds"), String(1000 - 2 * increments));
  assertEquals(await client.call("HGET", "race:to", "funds"), String(2 * increments));
});

testWith(TOOLS, "redis-py: a killed log processor leaves progress and data in step", async () => {
  await using server = await startServer(AS_BY_DEFAULT);
  await using directory = await TemporaryDirectory.create();
  using client = await server.connect();
  const path = join(directory.path, "words.log");
  const lines = Array.from({ length: 20_000 }, (_, index) => `word${index * 7 % 100}\n`);
  await Deno.writeTextFile(path, lines.join(""));
  const script = scriptPath("process_logs.py");
  const victim = new Deno.Command(pythonWithRedis()!, {
    args: [script, String(server.port), path],
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(
    "some lines are processed",
    async () => Number(await client.call("HGET", "log:totals", "lines")) > 500,
  );
  victim.kill("SIGKILL");
  await victim.status;
  const position = Number(await client.call("GET", "progress:position"));
  const done = Number(await client.call("HGET", "log:totals", "lines"));
  assertEquals(done < lines.length, true, "the process was killed too late to prove anything");
  assertEquals(position, lines.slice(0, done).join("").length);
  await runPython("process_logs.py", server.port, path);
  assertEquals(await client.call("HGET", "log:totals", "lines"), String(lines.length));
  assertEquals(await client.call("LLEN", "log:tail"), lines.length);
  for (const word of ["word0", "word7", "word99"]) {
    assertEquals(await client.call("ZSCORE", "log:words", word), String(lines.length / 100));
  }
});

testWith(TOOLS, "redis-py: each family answers the library as redis-server does", async () => {
  await using server = await startServer();
  const lines = await runPython("families.py", server.port);
  assertEquals(lines, [
    "strings 15 3 15 False 3 15x -1",
    "lists ['0', '1', '2', '3', '4'] 0 4 1 4 1 3 True 2",
    "hashes 2 5 ['5', None] ['a', 'b'] True 1 1",
    "sets ['b', 'c'] ['a'] ['a', 'b', 'c', 'd'] True True 4 2",
    "sorted sets [('one', 1.0), ('two', 2.0), ('three', 3.0)] 1 1.5 ['one', 'two', 'three'] 2 1 2",
    "keys 2 hash True True True 8 ['h', 'l', 'm', 'scores', 't', 'x', 'y', 'z'] 1",
    "pubsub {'type': 'subscribe', 'pattern': None, 'channel': 'news', 'data': 1} 1 " +
    "{'type': 'message', 'pattern': None, 'channel': 'news', 'data': 'hello'}",
    "server {'maxmemory-policy': 'noeviction'} True me 7.0.15 hi",
  ]);
});
