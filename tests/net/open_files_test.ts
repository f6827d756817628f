/**
 * The limit of open files: read from the system's text, and what becomes of `maxclients`.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Log } from "../../src/base/log.ts";
import { clientsWithin, parseOpenFilesLimit } from "../../src/net/open_files.ts";

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
