/**
 * What replicas are sent, byte for byte as redis-server sends it: the scripted cases of all
 * families, scripts and functions, blocked clients, expired and evicted keys, random requests.
 */
import { assertEquals } from "@std/assert";
import { parseScript, type ScriptCase, splitArguments } from "../differential/case_script.ts";
import { COLLECTION_SCRIPT } from "../differential/collection_cases.ts";
import { COMMAND_SHAPES } from "../differential/command_shapes.ts";
import { stepsOfSeed } from "../differential/command_stream.ts";
import { EDGE_SCRIPT } from "../differential/edge_cases.ts";
import { FUNCTION_BODIES, SCRIPT_REQUESTS } from "../differential/function_cases.ts";
import { GENERIC_SCRIPT } from "../differential/generic_cases.ts";
import { REDIS_SCRIPTS } from "../differential/script_cases.ts";
import { until } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";
import { EXPIRED_SCRIPT, STREAM_SCRIPT, WAITING_CASES } from "./stream_cases.ts";
import { StreamComparison } from "./stream_comparison.ts";

/** They end the connection, or change what the other steps rely on. */
const LEFT_OUT = new Set(["RESET", "QUIT", "CLIENT", "DEBUG", "CONFIG"]);
/** Whether a step is left out; not a pause, without which a key may have expired at one server. */
function isLeftOut(args: readonly unknown[]): boolean {
  const [name, subcommand] = args.map((word) => String(word).toUpperCase());
  return LEFT_OUT.has(name) && !(name === "DEBUG" && subcommand === "SLEEP");
}

const RANDOM_SEED = Number(Deno.env.get("REDENO_STREAM_SEED") ?? 1);
const RANDOM_STEPS = Number(Deno.env.get("REDENO_STREAM_STEPS") ?? 1000);
const RANDOM_STRETCH = 50;

async function sameStream(comparison: StreamComparison, what: string): Promise<void> {
  const [expected, actual] = await comparison.take();
  assertEquals(actual, expected, what);
}

async function runCase(comparison: StreamComparison, { name, lines }: ScriptCase): Promise<void> {
  await comparison.call(0, "FLUSHALL");
  for (const { isSecondClient, args } of lines) {
    if (isLeftOut(args)) continue;
    await comparison.call(isSecondClient ? 1 : 0, ...args);
  }
  await comparison.call(0, "SELECT", "0");
  await sameStream(comparison, name);
}

const scripts: Readonly<Record<string, string>> = {
  "strings, keys, errors, transactions": GENERIC_SCRIPT,
  "lists, hashes, sets, sorted sets": COLLECTION_SCRIPT,
  "edges": EDGE_SCRIPT,
  "effects in other words": STREAM_SCRIPT,
};

for (const [name, script] of Object.entries(scripts)) {
  testWith(["redis-server"], `stream to replicas: ${name}`, async (context) => {
    await using comparison = await StreamComparison.start();
    await comparison.call(0, "DEBUG", "SET-ACTIVE-EXPIRE", "0");
    for (const scriptCase of parseScript(script)) {
      await context.step(scriptCase.name, () => runCase(comparison, scriptCase));
    }
  });
}

testWith(["redis-server"], "stream to replicas: what scripts and libraries do", async () => {
  await using comparison = await StreamComparison.start();
  // A key that expires while a script runs goes at the next look, which comes when it comes.
  await comparison.call(0, "DEBUG", "SET-ACTIVE-EXPIRE", "0");
  for (const body of REDIS_SCRIPTS) {
    await comparison.call(0, "EVAL", body, "2", "k1", "k2", "a1", "a2");
    await sameStream(comparison, body);
  }
  for (const body of FUNCTION_BODIES) {
    await comparison.call(0, "FUNCTION", "LOAD", "REPLACE", body);
    await sameStream(comparison, body);
  }
  for (const request of SCRIPT_REQUESTS) {
    await comparison.call(0, ...request);
    await sameStream(comparison, request.join(" "));
  }
});

testWith(["redis-server"], "stream to replicas: clients that waited", async () => {
  await using comparison = await StreamComparison.start();
  for (const [waiting, wake] of WAITING_CASES) {
    await comparison.call(0, "FLUSHALL");
    await comparison.call(0, "XGROUP", "CREATE", "st", "g", "$", "MKSTREAM");
    await comparison.send(5, ...waiting.split(" "));
    await untilBlocked(comparison, 1);
    await comparison.call(0, ...wake.split(" "));
    await comparison.receive(5);
    await sameStream(comparison, waiting);
  }
  await comparison.send(5, "BLMOVE", "a", "b", "LEFT", "RIGHT", "0");
  await comparison.send(6, "BLPOP", "b", "0");
  await untilBlocked(comparison, 2);
  for (const line of ["MULTI", "RPUSH a 1", "SET k v", "EXEC"]) {
    await comparison.call(0, ...line.split(" "));
  }
  await comparison.receive(5);
  await comparison.receive(6);
  await sameStream(comparison, "one who waited serves another");
});

async function untilBlocked(comparison: StreamComparison, count: number): Promise<void> {
  await comparison.each(async (side) => {
    const client = await side.client(0);
    await until("the clients wait", async () => {
      return String(await client.expect("INFO", "clients")).includes(`blocked_clients:${count}`);
    });
  });
}

testWith(["redis-server"], "stream to replicas: keys that expired, met one by one", async () => {
  await using comparison = await StreamComparison.start();
  await comparison.call(0, "DEBUG", "SET-ACTIVE-EXPIRE", "0");
  for (const name of ["e1", "e2", "e3", "e5", "e7", "e8", "e9"]) {
    await comparison.call(0, "SET", name, "v", "PX", "1");
  }
  await comparison.call(0, "HSET", "e4", "f", "v");
  await comparison.call(0, "PEXPIRE", "e4", "1");
  await comparison.call(0, "RPUSH", "e6", "v");
  await comparison.call(0, "PEXPIRE", "e6", "1");
  await untilExpired(comparison, "e6");
  for (const line of EXPIRED_SCRIPT.trim().split("\n")) {
    await comparison.call(0, ...splitArguments(line));
  }
  await sameStream(comparison, "expired keys");
  // Keys that SCAN meets are no transaction; which comes first is no matter.
  await comparison.call(0, "FLUSHALL");
  for (const name of ["s1", "s2", "s3"]) await comparison.call(0, "SET", name, "v", "PX", "1");
  await untilExpired(comparison, "s3");
  await comparison.call(0, "SCAN", "0");
  const [expected, actual] = await comparison.take();
  assertEquals(actual.toSorted(), expected.toSorted());
});

async function untilExpired(comparison: StreamComparison, key: string): Promise<void> {
  await comparison.each(async (side) => {
    const client = await side.client(0);
    await until(`${key} has expired`, async () => await client.call("PTTL", key) === -2);
  });
}

testWith(["redis-server"], "stream to replicas: random requests", async () => {
  await using comparison = await StreamComparison.start();
  await comparison.call(0, "DEBUG", "SET-ACTIVE-EXPIRE", "0");
  let stretch: string[] = [];
  for (const { client, args } of stepsOfSeed(RANDOM_SEED, COMMAND_SHAPES, RANDOM_STEPS)) {
    const name = String(args[0]).toUpperCase();
    // What is drawn at random is another element each time.
    if (LEFT_OUT.has(name) || name === "SPOP") continue;
    stretch.push(args.map(String).join(" "));
    await comparison.call(client, ...args);
    if (stretch.length < RANDOM_STRETCH) continue;
    await sameStream(comparison, `seed ${RANDOM_SEED}:\n${stretch.join("\n")}`);
    stretch = [];
  }
});
