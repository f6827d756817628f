/** Backlog: the newest part of a stream, and cursors in it. */
import { assert, assertEquals } from "@std/assert";
import { Backlog, type BacklogCursor } from "../../src/replication/backlog.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

const KIB = 1024;

function feed(backlog: Backlog, text: string): void {
  const bytes = latin1(`<${text}>`);
  backlog.feed(bytes, 1, text.length);
}

/** All that a cursor has before it, taken in pieces of at most `most` bytes. */
function drain(cursor: BacklogCursor, most = Infinity): string {
  let text = "";
  for (let piece = cursor.next(); piece !== null; piece = cursor.next()) {
    const count = Math.min(piece.length, most);
    text += fromLatin1(piece.subarray(0, count));
    cursor.advance(count);
  }
  return text;
}

/** A text in which each place is told from those near it. */
function pattern(length: number): string {
  let text = "";
  for (let index = 0; text.length < length; index++) text += `${index},`;
  return text.slice(0, length);
}

Deno.test("offsets count the bytes of the whole history, from 1", () => {
  const backlog = new Backlog(16 * KIB, 1000);
  assertEquals([backlog.firstOffset, backlog.endOffset, backlog.historyBytes], [1001, 1000, 0]);
  assertEquals([1000, 1001, 1002].map((offset) => backlog.covers(offset)), [false, true, false]);
  feed(backlog, "abc");
  assertEquals([backlog.firstOffset, backlog.endOffset, backlog.historyBytes], [1001, 1003, 3]);
  assertEquals([1001, 1004, 1005].map((offset) => backlog.covers(offset)), [true, true, false]);
});

Deno.test("a stream that had bytes before is shifted as a whole", () => {
  const backlog = new Backlog(256 * KIB, 0);
  const text = pattern(40 * KIB);
  feed(backlog, text);
  backlog.shift(1000);
  assertEquals([backlog.firstOffset, backlog.endOffset], [1001, 1000 + text.length]);
  assertEquals([1000, 1001].map((offset) => backlog.covers(offset)), [false, true]);
  assertEquals(drain(backlog.cursorAt(30_001)), text.slice(29_000));
});

Deno.test("a cursor gives all from its offset on, over chunks, in pieces of any size", () => {
  const backlog = new Backlog(16 * KIB, 0);
  const text = pattern(50 * KIB);
  const cursor = backlog.cursorAt(1);
  feed(backlog, text);
  const later = backlog.cursorAt(40 * KIB + 1);
  assertEquals(cursor.pendingBytes, 50 * KIB);
  assertEquals(drain(cursor, 777), text);
  assertEquals([cursor.pendingBytes, cursor.next()], [0, null]);
  assertEquals(drain(later), text.slice(40 * KIB));
  feed(backlog, "more");
  assertEquals([drain(cursor), drain(later)], ["more", "more"]);
});

Deno.test("the backlog keeps its size, and a chunk more at most", () => {
  const backlog = new Backlog(256 * KIB, 0);
  const text = pattern(10 * KIB);
  for (let round = 0; round < 100; round++) feed(backlog, text);
  assertEquals(backlog.endOffset, 1000 * KIB);
  assert(backlog.historyBytes >= 256 * KIB);
  assert(backlog.heldBytes <= (256 + 2 * 16) * KIB, `${backlog.heldBytes}`);
  assertEquals(drain(backlog.cursorAt(999 * KIB + 1)), text.slice(-KIB));
});

Deno.test("a cursor keeps what is behind it, once for all, until it goes on or is released", () => {
  const backlog = new Backlog(64 * KIB, 0);
  const slow = backlog.cursorAt(1);
  const slower = backlog.cursorAt(1);
  const text = pattern(512 * KIB);
  feed(backlog, text);
  assertEquals(backlog.firstOffset, 1);
  assertEquals(backlog.heldBytes, 512 * KIB);
  assertEquals(drain(slow), text);
  assertEquals(backlog.firstOffset, 1);
  slower.release();
  assert(backlog.heldBytes <= 96 * KIB, `${backlog.heldBytes}`);
  feed(backlog, "x");
  assertEquals(drain(slow), "x");
});

Deno.test("a smaller size lets go at once, a larger one keeps more", () => {
  const backlog = new Backlog(256 * KIB, 0);
  feed(backlog, pattern(256 * KIB));
  backlog.resize(32 * KIB);
  assert(backlog.historyBytes >= 32 * KIB && backlog.historyBytes <= 64 * KIB);
  backlog.resize(128 * KIB);
  feed(backlog, pattern(256 * KIB));
  assert(backlog.historyBytes >= 128 * KIB && backlog.historyBytes <= 160 * KIB);
});
