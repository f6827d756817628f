/** LCS: the examples of the documentation, options, and strings without anything in common. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";

function errorOf(reply: unknown): string {
  assert(reply instanceof RespError, `no error: ${reply}`);
  return reply.message;
}

Deno.test("LCS returns the subsequence, its length, or the matches", () => {
  using server = new EmbeddedServer();
  server.run("MSET", "a", "ohmytext", "b", "mynewtext");
  assertEquals(server.run("LCS", "a", "b"), "mytext");
  assertEquals(server.run("LCS", "a", "b", "LEN"), 6);
  const matches = [[[4, 7], [5, 8]], [[2, 3], [0, 1]]];
  assertEquals(server.run("LCS", "a", "b", "IDX"), ["matches", matches, "len", 6]);
  const long = ["IDX", "MINMATCHLEN", "4", "WITHMATCHLEN"];
  const expected = ["matches", [[[4, 7], [5, 8], 4]], "len", 6];
  assertEquals(server.run("LCS", "a", "b", ...long), expected);
});

/** The matches of LCS IDX, from the table of lengths, with the steps back that Redis takes. */
function matchesOf(a: string, b: string): { length: number; matches: number[][][] } {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      table[i][j] = a[i - 1] === b[j - 1]
        ? table[i - 1][j - 1] + 1
        : Math.max(table[i - 1][j], table[i][j - 1]);
    }
  }
  const matches: number[][][] = [];
  let [i, j] = [a.length, b.length];
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      const last = matches.at(-1);
      if (last !== undefined && last[0][0] === i && last[1][0] === j) {
        last[0][0]--;
        last[1][0]--;
      } else matches.push([[i - 1, i - 1], [j - 1, j - 1]]);
      i--;
      j--;
    } else if (table[i - 1][j] > table[i][j - 1]) i--;
    else j--;
  }
  return { length: table[a.length][b.length], matches };
}

Deno.test("LCS finds the matches that a table of all lengths gives", () => {
  using server = new EmbeddedServer();
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const text = (letters: number) =>
    Array.from(
      { length: [0, 1, 31, 32, 33, 64, 65, 150][random.below(8)] },
      () => String.fromCharCode(0x61 + random.below(letters)),
    ).join("");
  for (let round = 0; round < 150; round++) {
    const letters = 1 + random.below(26);
    const [a, b] = [text(letters), text(letters)];
    server.run("MSET", "a", a, "b", b);
    const { length, matches } = matchesOf(a, b);
    const what = `${a} and ${b}, seed ${seed}`;
    assertEquals(server.run("LCS", "a", "b", "LEN"), length, what);
    assertEquals(server.run("LCS", "a", "b", "IDX"), ["matches", matches, "len", length], what);
    const pieces = matches.toReversed().map(([[first, last]]) => a.slice(first, last + 1));
    assertEquals(server.run("LCS", "a", "b"), pieces.join(""), what);
  }
});

Deno.test("LCS of a missing key is empty", () => {
  using server = new EmbeddedServer();
  server.run("SET", "a", "abc");
  assertEquals(server.run("LCS", "a", "missing"), "");
  assertEquals(server.run("LCS", "a", "missing", "IDX"), ["matches", [], "len", 0]);
});

Deno.test("LCS refuses other types, LEN with IDX, and tables that are too large", () => {
  using server = new EmbeddedServer();
  server.run("SADD", "set", "a");
  const types = "ERR The specified keys must contain string values";
  assertEquals(errorOf(server.run("LCS", "set", "b")), types);
  const both = "ERR If you want both the length and indexes, please just use IDX.";
  assertEquals(errorOf(server.run("LCS", "a", "b", "IDX", "LEN")), both);
  assertEquals(errorOf(server.run("LCS", "a", "b", "MINMATCHLEN")), "ERR syntax error");
  server.run("SETRANGE", "long", 11_585, "x");
  const memory = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
  assertEquals(errorOf(server.run("LCS", "long", "long")), memory);
});
