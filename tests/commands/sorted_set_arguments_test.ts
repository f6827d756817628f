/** Ranges of ranks, scores and members: how bounds are read, and what is refused. */
import { assertEquals, assertThrows } from "@std/assert";
import { Argv } from "../../src/protocol/argv.ts";
import {
  countedKeys,
  MemberRange,
  type RangeKind,
} from "../../src/commands/sorted_set_arguments.ts";
import { expectReplies, forEachEncoding } from "./sorted_set_suite.ts";

function refuses(kind: RangeKind, min: string, max: string): void {
  assertThrows(() => new MemberRange().parse(Argv.of(min, max), kind, 0, 1));
}

Deno.test("bounds that are none are refused", () => {
  for (const bound of ["x", "1.5", "", "(1"]) refuses("rank", "0", bound);
  for (const bound of ["x", "nan", "((1", "1 ", "(x"]) refuses("score", bound, "1");
  for (const bound of ["x", "", "++", "-a"]) refuses("lex", "-", bound);
});

forEachEncoding("bounds of scores are read as C reads numbers", (server) => {
  server.run("ZADD", "z", "-inf", "a", "0", "b", "5", "c", "inf", "d");
  expectReplies(server, [
    ["ZCOUNT z -1e999 1e999", ":4"],
    ["ZCOUNT z (-inf (inf", ":2"],
    ["ZCOUNT z 1e-999 5", ":2"],
    ["ZCOUNT z 0x5 +inf", ":2"],
    ["ZCOUNT z ( infinity", ":2"],
  ]);
  assertEquals(server.run("ZCOUNT", "z", "", " 5"), 2);
});

Deno.test("keys are found by their number", () => {
  const find = countedKeys(2, 1);
  assertEquals(find(Argv.of("zunionstore", "d", "2", "a", "b", "weights")), [3, 4, 1]);
  assertThrows(() => find(Argv.of("zunionstore", "d", "3", "a", "b")));
  assertThrows(() => find(Argv.of("zunionstore", "d", "0", "a")));
});
