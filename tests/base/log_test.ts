/** Tests of src/base/log.ts. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { existsSync } from "@std/fs";
import { join } from "@std/path";
import * as clock from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";

function withLogFile(body: (log: Log, path: string) => void): void {
  const directory = Deno.makeTempDirSync();
  try {
    const log = new Log();
    log.open(join(directory, "server.log"));
    body(log, join(directory, "server.log"));
  } finally {
    clock.useRealTime();
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("a line has Redis's format, with the mark of its level", () => {
  withLogFile((log, path) => {
    clock.setTimeForTests(new Date(2024, 2, 5, 14, 7, 9, 23).getTime());
    log.level = "debug";
    log.debug("one");
    log.verbose("two");
    log.notice("three");
    log.role = "C";
    log.warning("four");
    const prefix = (role: string) => `${Deno.pid}:${role} 05 Mar 2024 14:07:09.023`;
    const lines = [
      `${prefix("M")} . one`,
      `${prefix("M")} - two`,
      `${prefix("M")} * three`,
      `${prefix("C")} # four`,
      "",
    ];
    assertEquals(Deno.readTextFileSync(path), lines.join("\n"));
  });
});

Deno.test("lines below the level are dropped", () => {
  withLogFile((log, path) => {
    assertEquals(log.level, "notice");
    log.verbose("hidden");
    log.level = "warning";
    log.notice("hidden");
    log.warning("shown");
    assert(!log.isOn("notice") && log.isOn("warning"));
    assertMatch(Deno.readTextFileSync(path), /^[^\n]* # shown\n$/);
  });
});

Deno.test("a log file that was rotated away is created again", () => {
  withLogFile((log, path) => {
    log.notice("before");
    Deno.removeSync(path);
    log.notice("after");
    assertMatch(Deno.readTextFileSync(path), /^[^\n]* \* after\n$/);
  });
});

Deno.test("a log that cannot be written stays silent; one that cannot be opened says so", () => {
  const directory = Deno.makeTempDirSync();
  const log = new Log();
  log.open(join(directory, "server.log"));
  Deno.removeSync(directory, { recursive: true });
  log.warning("into the void");
  assert(!existsSync(directory));
  assertThrows(() => log.open(join(directory, "other.log")), Deno.errors.NotFound);
  assertEquals(log.path, join(directory, "server.log"));
});

Deno.test("a function in the place of standard output gets whole lines, until a file is opened", () => {
  const texts: string[] = [];
  const log = new Log((text) => texts.push(text));
  log.notice("one");
  log.debug("not this");
  log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  log.notice("not here");
  assertEquals(texts.length, 1);
  assertEquals(texts[0].endsWith(" * one\n"), true);
});

Deno.test("nothing is logged at the level nothing", () => {
  withLogFile((log, path) => {
    log.level = "nothing";
    log.warning("hidden");
    assertEquals(log.isOn("warning"), false);
    assertEquals(existsSync(path) ? Deno.readTextFileSync(path) : "", "");
  });
});

Deno.test("a line has the format of Valkey that is asked for", () => {
  withLogFile((log, path) => {
    const time = new Date(2024, 2, 5, 14, 7, 9, 23);
    clock.setTimeForTests(time.getTime());
    const pid = Deno.pid;
    log.format = "logfmt";
    log.notice('a "quoted" word');
    log.format = "json";
    log.timeFormat = "milliseconds";
    log.warning('a "quoted" word\nand a line');
    log.raw("raw");
    log.timeFormat = "iso8601";
    log.format = "legacy";
    log.notice("iso");
    const lines = Deno.readTextFileSync(path).split("\n");
    const timestamp = '"05 Mar 2024 14:07:09.023"';
    assertEquals(
      lines[0],
      `pid=${pid} role=primary timestamp=${timestamp} level=notice message="a \\"quoted\\" word"`,
    );
    const entry = { pid, role: "primary", timestamp: String(time.getTime()) };
    const message = 'a "quoted" word\nand a line';
    assertEquals(JSON.parse(lines[1]), { ...entry, level: "warning", message });
    assertEquals(JSON.parse(lines[2]), { ...entry, level: "notice", message: "raw" });
    const [, written] = /^\d+:M (\S+) \* iso$/.exec(lines[3])!;
    assertMatch(written, /^2024-03-05T14:07:09\.023[+-]\d\d:\d\d$/);
    assertEquals(new Date(written).getTime(), time.getTime());
  });
});
