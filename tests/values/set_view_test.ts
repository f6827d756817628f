/** Views of sets in each encoding: what they have, and what several have in common. */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import { hashBytes } from "../../src/base/hash.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import * as setValue from "../../src/values/set_value.ts";
import { isInAny, SetView, someInAll } from "../../src/values/set_view.ts";

const LIMITS = { intsetEntriesMax: 64, listpackEntriesMax: 32, listpackValueBytesMax: 64 };

function setOf(arena: Arena, members: readonly string[]): Ref {
  const entry = setValue.createDetached(arena);
  for (const member of members) {
    const bytes = latin1Bytes(member);
    setValue.add(arena, entry, bytes, 0, bytes.length, LIMITS, 0);
  }
  return entry;
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}

/** An intset, a listpack and a dict. */
const SETS = [numbers(5, 45), [...numbers(20, 50), "text"], [...numbers(0, 100), "text", "more"]];

Deno.test("a view has the members of its set, and isInAny asks the first ones only", () => {
  const arena = new Arena({ debug: true });
  const views = SETS.map((members) => new SetView(arena, setOf(arena, members)));
  assertEquals(views.map((view) => view.isIntset), [true, false, false]);
  for (const text of [...numbers(0, 101), "text", "more", "none"]) {
    const bytes = latin1Bytes(text);
    const hash = hashBytes(bytes, 0, bytes.length);
    const has = SETS.map((members) => members.includes(text));
    assertEquals(views.map((view) => view.has(hash, bytes, 0, bytes.length)), has, text);
    for (let count = 0; count <= 3; count++) {
      const isIn = isInAny(views, count, hash, bytes, 0, bytes.length);
      assertEquals(isIn, has.slice(0, count).includes(true), text);
    }
  }
});

Deno.test("someInAll visits what all have, with its hash, until a visit says to stop", () => {
  const arena = new Arena({ debug: true });
  const more = [...numbers(30, 130), "text"];
  const sets = [...SETS, more].map((members) => setOf(arena, members));
  const texts = [...SETS, more];
  for (let first = 0; first < 4; first++) {
    for (let other = 0; other < 4; other++) {
      const expected = texts[first].filter((member) => texts[other].includes(member)).sort();
      const found: string[] = [];
      const others = [new SetView(arena, sets[other])];
      someInAll(arena, sets[first], others, true, (bytes, start, length, hash) => {
        assertEquals(hash, hashBytes(bytes, start, length));
        found.push(latin1Text(bytes, start, length));
        return false;
      });
      assertEquals(found.sort(), expected);
      const again: string[] = [];
      someInAll(arena, sets[first], others, false, (bytes, start, length) => {
        again.push(latin1Text(bytes, start, length));
        return false;
      });
      assertEquals(again.sort(), expected);
      let visits = 0;
      someInAll(arena, sets[first], others, false, () => ++visits === 2);
      assertEquals(visits, Math.min(2, expected.length));
    }
  }
});
