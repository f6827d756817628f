/**
 * redis-cli in every mode that it has, against the original and against us: its reports must be the
 * same but for times, random picks and our own sentences. Modes that go on for ever are ended after
 * a moment. iredis, which parses replies by itself, is given a session of its own.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startRedis } from "../support/redis_process.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { fromUtf8, WAIT_MS_MAX } from "../support/text.ts";
import { runTool, testWith } from "../support/tool_availability.ts";

interface Mode {
  name: string;
  args: string[];
  stdin?: string;
  /** What of the report is compared; the whole of it unless given. */
  shown?: (report: string) => string;
  /** It goes on for ever: it is ended when it has reported this. */
  endsBehind?: RegExp;
}

const withoutNumbers = (report: string) => report.replaceAll(/[0-9][0-9.]*/g, "N");
const linesWith = (pattern: RegExp) => (report: string) =>
  report.split(/[\r\n]+/).filter((line) => pattern.test(line)).join("\n");
const lastLine = (report: string) => report.trimEnd().split(/[\r\n]+/).at(-1)!;
const sortedLines = (report: string) => report.split("\n").sort().join("\n");

/** A thousand requests as they go over the wire. */
const MASS = Array.from({ length: 1000 }, (_, i) => {
  const key = `mass:${i}`;
  return `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$1\r\nx\r\n`;
}).join("");

const MODES: readonly Mode[] = [
  {
    name: "--bigkeys",
    args: ["--bigkeys", "-i", "0"],
    shown: linesWith(/^Sampled|^Total|^Biggest +list|^\d+ \w+ with/),
  },
  {
    name: "--memkeys",
    args: ["--memkeys"],
    shown: (report) => withoutNumbers(linesWith(/^Sampled|^\d+ \w+ with/)(report)),
  },
  { name: "--hotkeys without an LFU policy", args: ["--hotkeys"], shown: lastLine },
  { name: "--scan", args: ["--scan", "--pattern", "text:9*"], shown: sortedLines },
  { name: "--pipe", args: ["--pipe"], stdin: MASS },
  { name: "-3", args: ["-3", "ZRANGE", "zset", "0", "-1", "WITHSCORES"] },
  { name: "-x", args: ["-x", "SET", "from stdin"], stdin: "a\0b" },
  { name: "-X", args: ["-X", "tag", "SET", "tagged", "tag"], stdin: "value" },
  { name: "--csv", args: ["--csv", "LRANGE", "list", "0", "-1"] },
  { name: "--json", args: ["--json", "HGETALL", "hash"] },
  { name: "--quoted-input", args: ["--quoted-input", "SET", '"a\\x00b"', "1"] },
  { name: "--no-raw", args: ["--no-raw", "GET", "from stdin"] },
  { name: "-r", args: ["-r", "3", "INCR", "counter"] },
  { name: "-n", args: ["-n", "3", "DBSIZE"] },
  { name: "-e", args: ["-e", "LPUSH", "text:1", "x"] },
  { name: "-D", args: ["-d", ",", "LRANGE", "list", "0", "-1"] },
  { name: "help of a command", args: ["HELP", "zadd"], shown: linesWith(/ZADD|since/) },
  {
    name: "--stat",
    args: ["--stat"],
    endsBehind: /keys.*\n.*\n/,
    shown: linesWith(/^-{3,}|^keys/),
  },
  { name: "--latency", args: ["--latency", "--raw", "-i", "0.2"], shown: withoutNumbers },
  {
    name: "--latency-history",
    args: ["--latency-history", "-i", "0.2"],
    endsBehind: /\n/,
    shown: (report) => withoutNumbers(report.split("\n", 1)[0]),
  },
  {
    name: "--lru-test",
    args: ["--lru-test", "1000"],
    endsBehind: /\n/,
    shown: (report) => withoutNumbers(report.split("\n", 1)[0]),
  },
];

async function reportOf(server: ServerProcess, mode: Mode): Promise<string> {
  const args = ["-p", String(server.port), ...mode.args];
  const { shown = (report) => report } = mode;
  if (mode.endsBehind === undefined) {
    const options = {
      anyExitCode: true,
      ...(mode.stdin === undefined ? {} : { stdin: mode.stdin }),
    };
    const { code, stdout, stderr } = await runTool("redis-cli", args, options);
    return `${shown(stdout)}\n${stderr.replaceAll(String(server.port), "PORT")}exit ${code}`;
  }
  // What it has not flushed would be lost with it, as its output is no terminal.
  const child = new Deno.Command("stdbuf", {
    args: ["-o0", "redis-cli", ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), WAIT_MS_MAX);
  let report = "";
  let isAsked = false;
  for await (const bytes of child.stdout) {
    report += fromUtf8(bytes);
    if (isAsked || !mode.endsBehind.test(report)) continue;
    isAsked = true;
    child.kill("SIGINT");
  }
  await child.status;
  clearTimeout(timer);
  return shown(report);
}

async function fill(server: ServerProcess): Promise<void> {
  using client = await server.connect();
  await client.expectMany([
    ...Array.from({ length: 1000 }, (_, i) => ["SET", `text:${i}`, "x".repeat(50)]),
    ["RPUSH", "list", "a", "b", "c"],
    ["SADD", "set", "a", "b"],
    ["HSET", "hash", "field", "value", "other", "2"],
    ["ZADD", "zset", 1, "a", 2.5, "b"],
  ]);
}

testWith(
  ["redis-cli", "redis-server", "linux"],
  "redis-cli reports the same of both servers in all of its modes",
  async (context) => {
    await using redis = await startRedis();
    await using server = await startServer();
    await fill(redis);
    await fill(server);
    for (const mode of MODES) {
      await context.step(mode.name, async () => {
        const expected = await reportOf(redis, mode);
        assert(expected.trim() !== "", "the mode reports something");
        assertEquals(await reportOf(server, mode), expected);
      });
    }
  },
);

testWith(["redis-cli"], "redis-cli --hotkeys finds the key that is read most", async () => {
  await using server = await startServer({ args: ["--maxmemory-policy", "allkeys-lfu"] });
  await fill(server);
  using client = await server.connect();
  await client.expectMany(Array.from({ length: 2000 }, () => ["GET", "text:7"]));
  const { stdout } = await runTool("redis-cli", ["-p", String(server.port), "--hotkeys"]);
  const hottest = stdout.split("\n").find((line) => line.startsWith("hot key found with counter"));
  assertStringIncludes(hottest ?? stdout, '"text:7"');
});

testWith(["iredis"], "iredis understands every reply of a session", async () => {
  await using server = await startServer();
  const lines = [
    "SET greeting hello",
    "HSET hash field value other 2",
    "HGETALL hash",
    "ZADD zset 1 a 2 b",
    "ZRANGE zset 0 -1 WITHSCORES",
    "MULTI",
    "INCR n",
    "INCR n",
    "EXEC",
    "LPUSH greeting x",
    "GEOADD places 13.361389 38.115556 Palermo",
    "PEEK hash",
    "OBJECT ENCODING zset",
  ];
  const args = ["-p", String(server.port), "--no-rainbow"];
  const { stdout, stderr } = await runTool("iredis", args, { stdin: `${lines.join("\n")}\n` });
  assertEquals(stderr, "");
  assertEquals(stdout.replace(/mem: \d+/, "mem: N").trim().split("\n"), [
    "OK",
    "2",
    ...["field", "value", "other", "2"],
    "2",
    ...["a", "1", "b", "2"],
    ...["OK", "QUEUED", "QUEUED", "1", "2"],
    "ERROR WRONGTYPE Operation against a key holding the wrong kind of value",
    "1",
    ...["key: hash (listpack)  mem: N bytes, ttl: -1", "hlen: 2", "fields: "],
    ...['1) "field"', '   "value"', '2) "other"', '   "2"'],
    "listpack",
  ]);
});
