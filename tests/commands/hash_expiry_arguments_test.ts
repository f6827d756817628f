/** Arguments of the commands on the expiry of fields: what is read, and where the fields begin. */
import { assertEquals, assertThrows } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import {
  conditionArgument,
  fieldExpiryArgument,
  fieldListArgument,
  getexArguments,
  setexArguments,
} from "../../src/commands/hash_expiry_arguments.ts";
import { Argv } from "../../src/protocol/argv.ts";
import type { Client } from "../../src/session/client.ts";

const START_MS = 1_700_000_000_000;

function given(request: string): Client {
  const words = request.split(" ");
  return { argv: Argv.of(...words), commandName: words[0].toLowerCase() } as unknown as Client;
}

Deno.test("times become moments in ms, relative ones counted from now", () => {
  clock.setTimeForTests(START_MS);
  try {
    const time = (text: string, unitMs: number, isRelative: boolean) =>
      fieldExpiryArgument(given(`HEXPIRE k ${text}`), 2, unitMs, isRelative);
    assertEquals(time("5", 1000, true), START_MS + 5000);
    assertEquals(time("5", 1, true), START_MS + 5);
    assertEquals(time("5", 1000, false), 5000);
    assertEquals(time("70368744177663", 1, false), 2 ** 46 - 1);
    for (const text of ["70368744177664", "9223372036854775807"]) {
      assertThrows(() => time(text, 1, false));
    }
  } finally {
    clock.useRealTime();
  }
});

Deno.test("conditions are words of either case", () => {
  const condition = (word: string) => conditionArgument(Argv.of("a", word), 1);
  assertEquals(["NX", "xx", "Gt", "LT", "FIELDS"].map(condition), ["nx", "xx", "gt", "lt", ""]);
});

Deno.test("fields begin behind their number, which must be right", () => {
  assertEquals(fieldListArgument(given("HTTL k FIELDS 2 a b"), 2), 4);
  for (const list of ["FIELDS 1 a b", "FIELDS 3 a b", "FIELDS 0 a", "FIELDS x a", "a FIELDS 1"]) {
    assertThrows(() => fieldListArgument(given(`HTTL k ${list}`), 2));
  }
});

Deno.test("options of HGETEX and HSETEX say what is to be done, and where the fields begin", () => {
  const getex = (words: string) => {
    const { option, first } = getexArguments(given(`HGETEX k ${words}`));
    return [option.kind, option.expiryMs, first];
  };
  assertEquals(getex("FIELDS 1 a"), ["none", -1, 4]);
  assertEquals(getex("PERSIST FIELDS 1 a"), ["persist", -1, 5]);
  assertEquals(getex("exat 7 FIELDS 1 a"), ["set", 7000, 6]);
  const setex = (words: string) => {
    const { option, condition, first } = setexArguments(given(`HSETEX k ${words}`));
    return [option.kind, option.index, condition, first];
  };
  assertEquals(setex("FIELDS 1 a 1"), ["none", 0, "", 4]);
  assertEquals(setex("KEEPTTL fxx FIELDS 1 a 1"), ["keep", 2, "fxx", 6]);
  assertEquals(setex("FNX PXAT 9 FIELDS 1 a 1"), ["set", 3, "fnx", 7]);
});
