/**
 * The limit of open files: read from the system's text, and what becomes of `maxclients`.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Log } from "../../src/base/log.ts";
import { openLibc } from "../../src/net/libc.ts";
import { clientsWithin, openFilesLimit, parseOpenFilesLimit } from "../../src/net/open_files.ts";
import { testWith } from "../support/tool_availability.ts";

Deno.test("the soft limit of open files is read, or that there is none", () => {
  const text = "Limit       Soft Limit  Hard Limit  Units\nMax open files  1024  4096  files\n";
  assertEquals(parseOpenFilesLimit(text), 1024);
  assertEquals(parseOpenFilesLimit("Max open files  unlimited  unlimited  files"), Infinity);
  assertEquals(parseOpenFilesLimit(""), null);
});

Deno.test("maxclients is lowered to what the limit of open files allows", () => {
  const log = new Log();
  log.level = "warning";
  const lines: string[] = [];
  log.warning = (message: string) => void lines.push(message);
  assertEquals(clientsWithin(1024, 10000, log), 992);
  assertEquals(lines.length, 2);
  assertEquals(clientsWithin(10032, 10000, log), 10000);
  assertEquals(clientsWithin(Infinity, 10000, log), 10000);
  assertEquals(lines.length, 2);
});

Deno.test("a limit of open files that cannot be read is told", () => {
  const log = new Log();
  const lines: string[] = [];
  log.verbose = (message: string) => void lines.push(message);
  assertEquals(clientsWithin(null, 10000, log), 10000);
  assertEquals(lines.length, 1);
  assertStringIncludes(lines[0], "cannot be read");
});

testWith(["epoll"], "the limit is raised for the clients that are wanted, and no further", () => {
  const RLIMIT_NOFILE = 7;
  const libc = openLibc()!;
  const limits = () => {
    const pair = new BigUint64Array(2);
    libc.getrlimit(RLIMIT_NOFILE, pair);
    return pair;
  };
  const before = limits();
  const [, hard] = before;
  try {
    libc.setrlimit(RLIMIT_NOFILE, new BigUint64Array([400n, hard!]));
    assertEquals([openFilesLimit(100), limits()[0]], [400, 400n]);
    assertEquals([openFilesLimit(1000), limits()[0], limits()[1]], [1032, 1032n, hard]);
    // More than any system grants: as much as it does.
    const most = openFilesLimit(2 ** 40)!;
    assertEquals([most, most >= Number(hard)], [Number(limits()[0]), true]);
  } finally {
    libc.setrlimit(RLIMIT_NOFILE, before);
  }
});
