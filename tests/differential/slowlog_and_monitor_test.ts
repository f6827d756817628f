/**
 * What the slow log and MONITOR show of commands, beside the original: long and many arguments,
 * bytes that must be quoted, secrets, transactions, commands that fail, that block, that do not
 * exist.
 */
import { assertEquals } from "@std/assert";
import type { Argument, RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { testWith } from "../support/tool_availability.ts";
import { utf8 } from "../support/text.ts";
import { Both } from "./both.ts";

const MANY = Array.from({ length: 40 }, (_, i) => [`key:${i}`, "value"]).flat();

const COMMANDS: readonly (readonly Argument[])[] = [
  ["SET", "long", "x".repeat(200)],
  ["mset", ...MANY],
  ["GET", utf8('a\0b\n\r\t"\\\x7f')],
  ["GET", new Uint8Array([255, 254, 65])],
  ["AUTH", "password"],
  ["AUTH", "user", "password"],
  ["HELLO", 2, "AUTH", "default", "password"],
  ["HELLO", 2, "SETNAME", "me"],
  ["CONFIG", "SET", "masterauth", "secret", "timeout", "0"],
  ["CONFIG", "GET", "maxmemory"],
  ["ACL", "SETUSER", "bob", "on", ">secret"],
  ["ACL", "DELUSER", "bob"],
  ["MULTI"],
  ["SET", "a", "1"],
  ["INCR", "a"],
  ["EXEC"],
  ["NOSUCH", "x"],
  ["GET"],
  ["LPUSH", "list", "1"],
  ["BLPOP", "list", "0"],
  ["CLIENT", "SETNAME", "q"],
  ["SELECT", "1"],
  ["ECHO", "in another database"],
  ["OBJECT", "HELP"],
  ["DEBUG", "SLEEP", "0"],
  ["SUBSCRIBE", "channel"],
  ["UNSUBSCRIBE", "channel"],
  ["RESET"],
  ["SLOWLOG", "LEN"],
];

interface Shown {
  slowlog: unknown[];
  monitor: string[];
}

/** What a server shows of the commands. */
async function shownBy(server: ServerProcess): Promise<Shown> {
  using admin = await server.connect();
  using monitor = await server.connect();
  using client = await server.connect();
  await admin.expect("CONFIG", "SET", "slowlog-log-slower-than", 0, "slowlog-max-len", 1000);
  await monitor.expect("MONITOR");
  await admin.expect("SLOWLOG", "RESET");
  for (const command of COMMANDS) await client.call(...command);
  await admin.expect("CONFIG", "SET", "slowlog-log-slower-than", -1);
  const entries = await admin.expect("SLOWLOG", "GET", -1) as unknown[][];
  const slowlog = entries.map(([, , , words, , name]) => [words, name]).reverse();
  await admin.expect("ECHO", "the end");
  return { slowlog, monitor: await linesUntil(monitor, "the end") };
}

/** Lines of MONITOR without time and address, up to one that holds `last`. */
async function linesUntil(monitor: RespClient, last: string): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = String(await monitor.receive());
    assertEquals(/^\d+\.\d{6} \[\d+ 127\.0\.0\.1:\d+\] "/.test(line), true, line);
    lines.push(line.replace(/^\d+\.\d{6} \[(\d+) [^\]]*\]/, "[$1]"));
    if (line.includes(last)) return lines;
  }
}

testWith(["redis-server"], "SLOWLOG and MONITOR show what the original shows", async () => {
  await using both = await Both.start();
  const expected = await shownBy(both.redisServer);
  const actual = await shownBy(both.ourServer);
  assertEquals(actual.monitor, expected.monitor);
  assertEquals(actual.slowlog, expected.slowlog);
  assertEquals(actual.slowlog.length > 20, true);
});
