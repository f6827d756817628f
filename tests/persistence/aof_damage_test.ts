/** Finding whole commands behind a place that cannot be read. */
import { assertEquals } from "@std/assert";
import { findWholeCommand } from "../../src/persistence/aof_damage.ts";
import { MemorySource } from "../../src/persistence/aof_record_reader.ts";
import { resp } from "./aof_toy_server.ts";

function find(text: string, offset = 0, endsBehind = 0): number {
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  return findWholeCommand(new MemorySource(bytes), offset, endsBehind);
}

Deno.test("a whole command is found behind anything, also without a line end in front", () => {
  const command = resp("SET", "key", "two\r\nlines");
  assertEquals(find(command), 0);
  assertEquals(find(`*3\r\n$3\r\nSE${command}`), 10);
  assertEquals(find(`\0\0*\0${command}garbage`), 4);
  assertEquals(find(`${command}${command}`, 1), command.length);
});

Deno.test("line ends of LF alone count, if all are so", () => {
  assertEquals(find("xx*2\n$3\nGET\n$1\nk\n"), 2);
  assertEquals(find("*2\r\n$3\r\nGET\r\n$1\r\nk\n"), -1);
  assertEquals(find("*2\n$3\nGET\n$1\nk\r\n"), -1);
});

Deno.test("parts of commands, and what only looks like one, are not found", () => {
  const command = resp("SET", "key", "value");
  for (let length = 0; length < command.length; length++) {
    assertEquals(find(command.slice(0, length)), -1, `cut at ${length}`);
  }
  for (const text of ["*0\r\n", "*-1\r\n", "*1\r\n$-1\r\n", "*\r\n", "*99999999999\r\n", "**1*"]) {
    assertEquals(find(text), -1, text);
  }
});

Deno.test("a command that ends within the record before does not count, one beyond it does", () => {
  const inner = resp("GET", "k");
  const outer = resp("SET", "key", inner);
  assertEquals(find(`${outer}garbage`, 1, outer.length), -1);
  assertEquals(find(outer + inner, 1, outer.length), outer.length);
});

Deno.test("the search goes on beyond what fits into memory at once", () => {
  const command = resp("SET", "key", "x".repeat(600_000));
  const text = "*1".repeat(200_000) + command;
  assertEquals(find(text), 400_000);
  assertEquals(find(text.slice(0, -1)), -1);
});
