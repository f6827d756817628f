/**
 * Stream ids: text in all forms that Redis takes and none that it refuses, and back.
 */
import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { Id128 } from "../../src/structures/id128.ts";
import * as streamId from "../../src/values/stream_id.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { idOf } from "./stream_model.ts";

function parse(text: string): [form: number, id: string] {
  const id = new Id128();
  const bytes = latin1Bytes(text);
  const form = streamId.parseId(bytes, 0, bytes.length, id);
  return [form, form === streamId.NO_ID ? "" : streamId.idText(id)];
}

Deno.test("ids are read with, without and with an automatic sequence number", () => {
  const { SEQUENCE_GIVEN, SEQUENCE_MISSING, SEQUENCE_AUTOMATIC } = streamId;
  assertEquals(parse("1-2"), [SEQUENCE_GIVEN, "1-2"]);
  assertEquals(parse("7"), [SEQUENCE_MISSING, "7-0"]);
  assertEquals(parse("7-*"), [SEQUENCE_AUTOMATIC, "7-0"]);
  assertEquals(parse("1526919030474-55"), [SEQUENCE_GIVEN, "1526919030474-55"]);
  const greatest = "18446744073709551615";
  assertEquals(parse(`${greatest}-${greatest}`), [SEQUENCE_GIVEN, `${greatest}-${greatest}`]);
  assertEquals(parse("9223372036854775808-9223372036854775807")[1].length, 39);
  // As many digits as a double holds, and more.
  assertEquals(parse("999999999999999-999999999999999")[1], "999999999999999-999999999999999");
  assertEquals(parse("9999999999999999-9999999999999999")[1], "9999999999999999-9999999999999999");
  assertEquals(parse("4294967295-4294967296"), [SEQUENCE_GIVEN, "4294967295-4294967296"]);
  // What C's strtoull takes.
  assertEquals(parse("+1-007"), [SEQUENCE_GIVEN, "1-7"]);
  assertEquals(parse(" 1-1"), [SEQUENCE_GIVEN, "1-1"]);
});

Deno.test("what is no id is refused", () => {
  for (
    const text of [
      "",
      "-",
      "+",
      "*",
      "x",
      "1-",
      "-1",
      "1-x",
      "1--1",
      "1-2-3",
      "1-**",
      "1.5",
      "1 -1",
    ]
  ) {
    assertEquals(parse(text)[0], streamId.NO_ID, text);
  }
  assertEquals(parse("18446744073709551616-1")[0], streamId.NO_ID);
  assertEquals(parse("1".padStart(128, "0"))[0], streamId.NO_ID);
  assertEquals(parse("1".padStart(127, "0"))[1], "1-0");
});

Deno.test("text and files give back every id", () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const raw = new Uint8Array(streamId.ID_RAW_BYTES + 3);
  for (let round = 0; round < 3000; round++) {
    const id = new Id128();
    const word = () => random.pick([0, 0, 1, -1, random.next()]);
    id.set(word(), word(), word(), word());
    const copy = new Id128();
    streamId.storeRawId(id, raw, 3);
    streamId.loadRawId(raw, 3, copy);
    assertEquals(copy.compare(id), 0, `seed ${seed}`);
    const text = latin1Bytes(streamId.idText(id));
    streamId.parseId(text, 0, text.length, copy);
    assertEquals(copy.compare(id), 0, `seed ${seed}: ${streamId.idText(id)}`);
  }
});

Deno.test("numbers, times and ends", () => {
  const id = new Id128();
  streamId.setNumbers(id, 1526919030474, 3);
  assertEquals(streamId.idText(id), "1526919030474-3");
  assertEquals(streamId.isAtOrAfter(id, 1526919030474), true);
  assertEquals(streamId.isAtOrAfter(id, 1526919030475), false);
  const other = id.clone();
  streamId.setGreatestSequence(other);
  assertEquals(streamId.hasSameTime(id, other), true);
  assertEquals(streamId.idText(other), "1526919030474-18446744073709551615");
  assertEquals([streamId.MIN_ID.isZero(), streamId.idText(streamId.MAX_ID).length], [true, 41]);
  const isEnd = (text: string) => streamId.isRangeEnd(latin1Bytes(text), 0, text.length);
  assertEquals([isEnd("-"), isEnd("+"), isEnd("1"), isEnd("--")], [true, true, false, false]);
});

Deno.test("the place of an id between two others goes by time, or by sequence number", () => {
  const place = (id: string, low: string, high: string) =>
    streamId.placeBetween(idOf(id), idOf(low), idOf(high));
  assertEquals(place("15-0", "10-9", "20-0"), 0.5);
  assertEquals(place("1526919030475-0", "1526919030474-0", "1526919030478-5"), 0.25);
  assertEquals(place("5-75", "5-0", "5-100"), 0.75);
  assertEquals(place("5-0", "5-0", "5-0"), 0);
  assertEquals(place("5-4294967296", "5-0", "5-8589934592"), 0.5);
});
