/** Scan options: cursors, MATCH, COUNT and TYPE as Redis takes them, and the walk over a dict. */
import { assert, assertEquals } from "@std/assert";
import { latin1Bytes, Slice } from "../../src/base/bytes.ts";
import {
  collectEntries,
  cursorArgument,
  passesMatch,
  scanOptions,
} from "../../src/commands/scan_options.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { CommandError } from "../../src/session/errors.ts";
import * as setValue from "../../src/values/set_value.ts";
import * as value from "../../src/values/value.ts";

function errorOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CommandError) return error.text;
    throw error;
  }
  throw new Error("no error was thrown");
}

Deno.test("a cursor is what strtoul reads, of which the lower 32 bits count", () => {
  const expected: [string, number][] = [["0", 0], ["", 0], ["17", 17], ["+5", 5], ["007", 7]];
  expected.push(["4294967295", 4294967295], ["4294967296", 0], ["-1", 4294967295]);
  expected.push(["18446744073709551615", 4294967295], ["5\0x", 5]);
  for (const [text, cursor] of expected) {
    assertEquals(cursorArgument(Argv.of("SCAN", text), 1), cursor, text);
  }
  for (const text of ["x", "-", "+", "1x", " 1", "0x10", "1.5", "18446744073709551616"]) {
    assertEquals(errorOf(() => cursorArgument(Argv.of("SCAN", text), 1)), "ERR invalid cursor");
  }
});

Deno.test("options come in any order and case, the last of each counts", () => {
  const argv = Argv.of("SCAN", "0", "count", "5", "MATCH", "a*", "TYPE", "HASH", "COUNT", "7");
  assertEquals(scanOptions(argv, 2, true), {
    count: 7,
    patternIndex: 5,
    typeName: "hash",
    hasNoValues: false,
  });
  const bare = Argv.of("SCAN", "0");
  assertEquals(scanOptions(bare, 2, true), {
    count: 10,
    patternIndex: 0,
    typeName: null,
    hasNoValues: false,
  });
  const any = Argv.of("SCAN", "0", "MATCH", "a", "MATCH", "*");
  assertEquals(scanOptions(any, 2, true).patternIndex, 0);
});

Deno.test("wrong options are refused with Redis's words", () => {
  const rows: [string, string][] = [
    ["COUNT", "ERR syntax error"],
    ["COUNT 0", "ERR syntax error"],
    ["COUNT -3", "ERR syntax error"],
    ["COUNT x", "ERR value is not an integer or out of range"],
    ["MATCH", "ERR syntax error"],
    ["LIMIT 5", "ERR syntax error"],
    ["TYPE hash", "ERR syntax error"],
  ];
  for (const [text, error] of rows) {
    const argv = Argv.of("HSCAN", "key", "0", ...text.split(" "));
    assertEquals(errorOf(() => scanOptions(argv, 3, false)), error, text);
  }
});

Deno.test("MATCH judges by the pattern, and lets all pass without one", () => {
  const argv = Argv.of("SCAN", "0", "MATCH", "a?c");
  const options = scanOptions(argv, 2, false);
  const element = new Slice();
  for (const [text, passes] of [["abc", true], ["abd", false], ["", false]] as const) {
    const bytes = latin1Bytes(text);
    element.set(bytes, 0, bytes.length);
    assertEquals(passesMatch(options, argv, element), passes, text);
    assert(passesMatch({ ...options, patternIndex: 0 }, argv, element));
  }
});

Deno.test("collecting goes through a dict in steps of about the count", () => {
  const arena = new Arena({ debug: true });
  const entry = setValue.createDetached(arena);
  for (let index = 0; index < 1000; index++) {
    const bytes = latin1Bytes(`m${index}`);
    setValue.add(arena, entry, bytes, 0, bytes.length, {
      intsetEntriesMax: 512,
      listpackEntriesMax: 0,
      listpackValueBytesMax: 0,
    });
  }
  const members = value.valueRef(arena, entry);
  const seen = new Set<Ref>();
  let steps = 0;
  let cursor = 0;
  do {
    const entries: Ref[] = [];
    cursor = collectEntries(arena, members, cursor, 20, entries);
    assert(cursor === 0 || entries.length >= 20, `${entries.length} entries`);
    assert(entries.length < 100, `${entries.length} entries`);
    for (const one of entries) seen.add(one);
    steps++;
  } while (cursor !== 0);
  assertEquals(seen.size, 1000);
  assert(steps > 10 && steps <= 50, `${steps} steps`);
});
