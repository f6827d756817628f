/** Reception of an RDB: whatever the reads cut it into, the same bytes come out. */
import { assertEquals, assertThrows } from "@std/assert";
import { RdbReception, ReceptionError } from "../../src/replication/rdb_reception.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { concatBytes, fromLatin1, latin1 } from "../support/text.ts";

/** No part of it is also its beginning, so that data and mark cannot make one by chance. */
const MARK = "0123456789abcdefghijklmnopqrstuvwxyzABCD";

/** Feeds pieces as reads bring them; returns what the RDB is, and what is left for the stream. */
function receive(pieces: readonly Uint8Array[]) {
  const parts: Uint8Array[] = [];
  const reception = new RdbReception({
    write: (bytes, start, length) => parts.push(bytes.slice(start, start + length)),
  });
  const rest: Uint8Array[] = [];
  for (const piece of pieces) {
    const taken = reception.isDone ? 0 : reception.take(piece, 0, piece.length);
    rest.push(piece.slice(taken));
  }
  const rdb = fromLatin1(concatBytes(parts));
  return { reception, rdb, rest: fromLatin1(concatBytes(rest)) };
}

/** Cuts bytes into pieces of random lengths up to `max`. */
function cut(bytes: Uint8Array, random: SeededRandom, max: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random.below(max);
    pieces.push(bytes.slice(at, at + length));
    at += length;
  }
  return pieces;
}

Deno.test("an RDB of known length ends where it says, and the stream follows", () => {
  const { reception, rdb, rest } = receive([latin1("\n\n$5\r\nREDIS*1\r\n")]);
  assertEquals([rdb, rest], ["REDIS", "*1\r\n"]);
  assertEquals([reception.totalBytes, reception.receivedBytes, reception.usesMark], [5, 5, false]);
});

Deno.test("an RDB between marks ends with the mark, and the stream follows", () => {
  const { reception, rdb, rest } = receive([latin1(`$EOF:${MARK}\r\ndata${MARK}*1\r\n`)]);
  assertEquals([rdb, rest], ["data", "*1\r\n"]);
  assertEquals([reception.usesMark, reception.isDone], [true, true]);
});

Deno.test("an RDB comes out whole however it is cut, and whatever looks like its mark", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 300; round++) {
    // Beginnings of the mark within the data, and right before it.
    const data = Array.from(
      { length: random.below(8) },
      () =>
        random.oneIn(2)
          ? MARK.slice(0, random.below(40))
          : String.fromCharCode(random.below(256)).repeat(random.below(60)),
    ).join("");
    const keepalives = "\n".repeat(random.below(3));
    const isMarked = random.oneIn(2) || data === "";
    const wire = isMarked
      ? `${keepalives}$EOF:${MARK}\r\n${data}${MARK}STREAM`
      : `${keepalives}$${data.length}\r\n${data}STREAM`;
    const pieces = cut(latin1(wire), random, random.pick([1, 3, 39, 41, 200]));
    const { reception, rdb, rest } = receive(pieces);
    assertEquals({ rdb, rest }, { rdb: data, rest: "STREAM" }, `seed ${seed}, round ${round}`);
    assertEquals(reception.receivedBytes, data.length);
  }
});

Deno.test("an RDB without its end is not done", () => {
  assertEquals(receive([latin1("$5\r\nREDI")]).reception.isDone, false);
  const cutMark = receive([latin1(`$EOF:${MARK}\r\nREDIS${MARK.slice(0, 39)}`)]);
  assertEquals([cutMark.reception.isDone, cutMark.rdb], [false, "REDIS"]);
});

for (
  const [what, wire, reason] of [
    ["an error", "-ERR no space\r\n", "ERR no space"],
    ["no head", "+PONG\r\n", "'+PONG'"],
    ["a length that is none", "$12x\r\n", "'$12x'"],
    ["a length of nothing", "$0\r\n", "'$0'"],
    ["a line without end", "x".repeat(2000), "xxxx"],
  ]
) {
  Deno.test(`what is no RDB is refused with what it is: ${what}`, () => {
    assertThrows(() => receive([latin1(wire)]), ReceptionError, reason);
  });
}
