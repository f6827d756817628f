/**
 * Scripts and functions beside redis-server: what EVAL answers in RESP2 and RESP3, what FUNCTION
 * and FCALL answer, what an ACL user, a full memory and statistics make of it.
 */
import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { fromUtf8, until } from "../support/text.ts";
import type { Argument } from "../support/resp_client.ts";
import { testWith } from "../support/tool_availability.ts";
import { Both, type BothClients } from "./both.ts";
import { FUNCTION_BODIES, SCRIPT_REQUESTS } from "./function_cases.ts";
import { LANGUAGE_SCRIPTS, REDIS_SCRIPTS, type ScriptCase } from "./script_cases.ts";

async function prepare(both: BothClients): Promise<void> {
  await both.same("FLUSHALL");
  await both.same("SET", "a", "notanumber");
  // One field: with more, pairs() may differ.
  await both.same("HSET", "h", "f", "v");
  await both.same("SADD", "s", "m");
  await both.same("ZADD", "z", "1.5", "m");
}

function evalRequest([script, keys, args]: ScriptCase): Argument[] {
  return ["EVAL", latin1Bytes(script), keys.length, ...[...keys, ...args].map(latin1Bytes)];
}

for (const resp of [2, 3]) {
  testWith(
    ["redis-server"],
    `scripts are answered as Redis answers them, RESP${resp}`,
    async () => {
      await using both = await Both.start();
      for (const client of [both.redis, both.ours]) await client.call("HELLO", resp);
      await prepare(both);
      const own = REDIS_SCRIPTS.map((script): ScriptCase => [script, [], []]);
      for (const each of [...LANGUAGE_SCRIPTS, ...own]) await both.same(...evalRequest(each));
    },
  );

  testWith(
    ["redis-server"],
    `functions are answered as Redis answers them, RESP${resp}`,
    async () => {
      await using both = await Both.start();
      for (const client of [both.redis, both.ours]) await client.call("HELLO", resp);
      await prepare(both);
      for (const body of FUNCTION_BODIES) {
        await both.same("FUNCTION", "LOAD", `#!lua name=lib\n${body}`);
        await both.same("FUNCTION", "DELETE", "lib");
      }
      for (const request of SCRIPT_REQUESTS) await both.same(...request);
    },
  );
}

testWith(["redis-server"], "replies nest as deep as C's stack allows", async () => {
  await using both = await Both.start();
  const nest = (step: string, count: number) =>
    `local t={} local r=t for i=1,${count} do ${step} end return r`;
  const steps = ["t[1]={} t=t[1]", "local x={} t.map={a=x} t=x", "local x={} t.set={[x]=1} t=x"];
  const requests = [7993, 7994, 7995, 7996, 9000].flatMap((count) =>
    steps.map((step) => ["EVAL", nest(step, count), 0])
  );
  for (const [expected, actual] of await both.exchangeMany(requests)) {
    assertEquals(fromUtf8(actual), fromUtf8(expected));
  }
});

testWith(["redis-server"], "what a user may not do, its scripts may not", async () => {
  await using both = await Both.start();
  await both.same(
    "ACL",
    "SETUSER",
    "u",
    "on",
    "nopass",
    "+eval",
    "~k*",
    "+get",
    "+set",
    "&c*",
    "+publish",
    "+evalsha",
  );
  await both.same("AUTH", "u", "x");
  const calls = ["'incr','k'", "'get','x'", "'publish','d','x'", "'config','get','x'", "'get','k'"];
  for (const call of calls) {
    for (const fn of ["call", "pcall", "acl_check_cmd"]) {
      await both.same("EVAL", `return redis.${fn}(${call})`, 0);
    }
  }
  await both.same("AUTH", "default", "x");
  const logs = await Promise.all(
    [both.redis, both.ours].map(async (client) => {
      const entries = await client.call("ACL", "LOG") as unknown[][];
      // Up to the user's name: the age and the client's line are each server's own.
      return entries.map((entry) => entry.slice(0, 10));
    }),
  );
  assertEquals(logs[1], logs[0]);
});

testWith(["redis-server"], "memory is asked for before the first write only", async () => {
  await using both = await Both.start();
  await both.same("CONFIG", "SET", "maxmemory", 1);
  const scripts = [
    "return redis.call('set','a','b')",
    "return redis.call('get','a')",
    "redis.call('del','a') return redis.call('set','a','b')",
    "redis.call('get','a') return redis.call('set','a','b')",
    "#!lua\nreturn 1",
    "#!lua flags=allow-oom\nreturn redis.call('set','a',1)",
    "#!lua flags=no-writes\nreturn 1",
  ];
  for (const script of scripts) await both.same("EVAL", script, 0);
  for (const script of scripts) {
    await both.same("MULTI");
    await both.same("EVAL", script, 0);
    await both.same("EXEC");
  }
});

testWith(["redis-server", "linux"], "after a failed save, scripts may only read", async () => {
  await using both = await Both.start(["--enable-protected-configs", "yes", "--save", "900 1"]);
  await prepare(both);
  const directory = await Deno.makeTempDir();
  await both.same("CONFIG", "SET", "dir", directory);
  await Deno.remove(directory);
  for (const client of [both.redis, both.ours]) {
    await client.call("BGSAVE");
    await until("the save has failed", async () => {
      const info = await client.call("INFO", "persistence");
      return String(info instanceof Uint8Array ? fromUtf8(info) : info)
        .includes("rdb_last_bgsave_status:err");
    });
  }
  const scripts = [
    "return redis.call('set','a','b')",
    "return redis.pcall('set','a','b')",
    "return redis.call('get','a')",
    "return redis.call('publish','a','b')",
    "#!lua\nreturn 1",
    "#!lua flags=no-writes\nreturn redis.call('get','a')",
  ];
  for (const script of scripts) {
    await both.same("EVAL", script, 0);
    await both.same("MULTI");
    await both.same("EVAL", script, 0);
    await both.same("EXEC");
  }
  await both.same("FUNCTION", "LOAD", "#!lua name=m\nredis.register_function('m',function() end)");
});

testWith(
  ["redis-server"],
  "calls, failures and refusals are counted as Redis counts them",
  async () => {
    await using both = await Both.start();
    await prepare(both);
    for (const client of [both.redis, both.ours]) await client.call("CONFIG", "RESETSTAT");
    const own = REDIS_SCRIPTS.map((script): ScriptCase => [script, [], []]);
    for (const each of own) {
      // Replies are compared elsewhere.
      await both.redis.exchange(...evalRequest(each));
      await both.ours.exchange(...evalRequest(each));
    }
    const counts = async (client: BothClients["redis"], section: string) => {
      const reply = await client.call("INFO", section);
      const text = typeof reply === "string" ? reply : fromUtf8(reply as Uint8Array);
      return text.split("\r\n").filter((line) => /^(?:errorstat|cmdstat)_/.test(line))
        .filter((line) => !/^cmdstat_(?:config|info)/.test(line))
        .map((line) => line.replace(/usec=.*usec_per_call=[\d.]+,/, "")).sort();
    };
    for (const section of ["errorstats", "commandstats"]) {
      assertEquals(await counts(both.ours, section), await counts(both.redis, section), section);
    }
  },
);
