/** Value copy: a copy of each type is equal, independent, and freed with nothing left. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import type { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import * as byteString from "../../src/structures/byte_string.ts";
import * as hashValue from "../../src/values/hash_value.ts";
import * as listValue from "../../src/values/list_value.ts";
import * as setValue from "../../src/values/set_value.ts";
import * as value from "../../src/values/value.ts";
import { valueKinds } from "../../src/values/value_kinds.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";

function assertCopied(type: value.ValueType, encoding: number, make: (arena: Arena) => Ref): void {
  const check = new FreezeCheck();
  const { arena } = check;
  const ref = make(arena);
  const copy = valueKinds[type].duplicate(arena, encoding, ref);
  assertNotEquals(copy, ref);
  while (!valueKinds[type].releaseStep(arena, encoding, ref, 10));
  const again = make(arena);
  assertEquals(textsOf(arena, type, encoding, copy), textsOf(arena, type, encoding, again));
  while (!valueKinds[type].releaseStep(arena, encoding, copy, 10));
  while (!valueKinds[type].releaseStep(arena, encoding, again, 10));
  check.assertEmpty();
}

function textsOf(arena: Arena, type: value.ValueType, encoding: number, ref: Ref): string[] {
  const texts: string[] = [];
  const add = (bytes: Uint8Array, start: number, length: number) => {
    texts.push(latin1Text(bytes, start, length));
  };
  if (type === value.TYPE_STRING) {
    const bytes = byteString.toBytes(arena, ref);
    add(bytes, 0, bytes.length);
  } else if (type === value.TYPE_LIST) {
    listValue.emitAll(arena, ref, { bulk: add });
  } else if (type === value.TYPE_SET) {
    setValue.forEach(arena, encoding, ref, (one) => add(one.bytes, one.start, one.length));
  } else {
    hashValue.forEach(arena, encoding, ref, (field, own) => {
      add(field.bytes, field.start, field.length);
      add(own.bytes, own.start, own.length);
    });
  }
  return texts;
}

Deno.test("a copied string keeps its bytes", () => {
  assertCopied(value.TYPE_STRING, value.ENCODING_RAW, (arena) => {
    const bytes = latin1Bytes("text".repeat(10_000));
    return byteString.fromBytes(arena, bytes, 0, bytes.length);
  });
});

Deno.test("a copied list keeps its elements, long ones too", () => {
  assertCopied(value.TYPE_LIST, value.ENCODING_QUICKLIST, (arena) => {
    const list = listValue.create(arena);
    for (const text of ["a", "1", "long".repeat(20_000), ""]) {
      const bytes = latin1Bytes(text);
      listValue.push(arena, list, false, bytes, 0, bytes.length, 2);
    }
    return list;
  });
});

Deno.test("a copied hash or set that is empty is empty", () => {
  assertCopied(value.TYPE_HASH, value.ENCODING_LISTPACK, (arena) => hashValue.create(arena));
  assertCopied(
    value.TYPE_SET,
    value.ENCODING_INTSET,
    (arena) => setValue.create(arena, value.ENCODING_INTSET),
  );
  assertCopied(
    value.TYPE_SET,
    value.ENCODING_HASHTABLE,
    (arena) => setValue.create(arena, value.ENCODING_HASHTABLE),
  );
});
