/** Hashes whose fields expire, in both encodings: forms, limits, the way from one to the other. */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text, Slice } from "../../src/base/bytes.ts";
import { parseSafeInteger } from "../../src/base/integers.ts";
import type { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/memory.ts";
import * as listpack from "../../src/structures/listpack.ts";
import * as expiringHash from "../../src/values/expiring_hash.ts";
import * as hashValue from "../../src/values/hash_value.ts";
import * as value from "../../src/values/value.ts";
import { valueKinds } from "../../src/values/value_kinds.ts";
import { FreezeCheck } from "../structures/freeze_check.ts";

const LIMITS = { listpackEntriesMax: 4, listpackValueBytesMax: 8 };
const KEY = latin1Bytes("key");

class Scene {
  readonly check = new FreezeCheck();
  readonly arena: Arena = this.check.arena;
  readonly entry: Ref;

  constructor() {
    const { TYPE_HASH, ENCODING_LISTPACK, NO_EXPIRY } = value;
    const ref = hashValue.create(this.arena);
    this.entry = value.createEntry(
      this.arena,
      KEY,
      0,
      KEY.length,
      TYPE_HASH,
      ENCODING_LISTPACK,
      ref,
      NO_EXPIRY,
    );
  }

  set(field: string, text: string, keepsExpiry = false): boolean {
    const { arena, entry } = this;
    const set = keepsExpiry ? hashValue.setKeepingExpiry : hashValue.set;
    const name = latin1Bytes(field);
    const bytes = latin1Bytes(text);
    return set(arena, entry, name, 0, name.length, bytes, 0, bytes.length, LIMITS);
  }

  expire(field: string, expiryMs: number): void {
    hashValue.setExpiry(this.arena, this.entry, latin1Bytes(field), 0, field.length, expiryMs);
  }

  expiryOf(field: string): number {
    return hashValue.expiryOf(this.arena, this.entry, latin1Bytes(field), 0, field.length);
  }

  get encoding(): number {
    return value.encodingOf(this.arena, this.entry);
  }

  /** Fields with values and expiries, sorted. */
  contents(): string[] {
    const parts: string[] = [];
    hashValue.forEachField(this.arena, this.entry, (field, { bytes, start, length }, expiryMs) => {
      const name = latin1Text(field.bytes, field.start, field.length);
      parts.push(`${name}=${latin1Text(bytes, start, length)}@${expiryMs}`);
    });
    return parts.sort();
  }

  end(): void {
    const { arena, entry } = this;
    const ref = value.valueRef(arena, entry);
    while (!valueKinds[value.TYPE_HASH].releaseStep(arena, this.encoding, ref, 3));
    arena.free(entry);
    this.check.assertEmpty();
  }
}

Deno.test("a hash takes the form with expiries when the first field gets one, and keeps it", () => {
  const scene = new Scene();
  scene.set("a", "1");
  scene.expire("a", value.NO_EXPIRY);
  assertEquals(scene.encoding, value.ENCODING_LISTPACK);
  scene.expire("a", 100);
  assertEquals([scene.encoding, scene.expiryOf("a")], [value.ENCODING_LISTPACK_EX, 100]);
  scene.expire("a", value.NO_EXPIRY);
  assertEquals([scene.encoding, scene.expiryOf("a")], [value.ENCODING_LISTPACK_EX, -1]);
  assertEquals(scene.expiryOf("b"), hashValue.NO_FIELD);
  scene.end();
});

Deno.test("limits are those of plain hashes, and expiries survive the conversion", () => {
  for (const grow of ["one field more", "a long value", "a long field"]) {
    const scene = new Scene();
    for (const field of ["a", "b", "c", "d"]) scene.set(field, field);
    scene.expire("b", 300);
    scene.expire("d", 200);
    scene.check.freeze(() => {});
    if (grow === "one field more") scene.set("e", "e");
    else if (grow === "a long value") scene.set("a", "long value");
    else scene.set("long field", "");
    assertEquals(scene.encoding, value.ENCODING_HASHTABLE_EX, grow);
    assertEquals([scene.expiryOf("b"), scene.expiryOf("d"), scene.expiryOf("c")], [300, 200, -1]);
    scene.end();
  }
});

Deno.test("a plain table keeps its entries when a field of it gets an expiry", () => {
  const scene = new Scene();
  for (let index = 0; index < 50; index++) scene.set(`f${index}`, "text that is long");
  assertEquals(scene.encoding, value.ENCODING_HASHTABLE);
  scene.expire("f7", 70);
  scene.expire("f9", 60);
  assertEquals(scene.encoding, value.ENCODING_HASHTABLE_EX);
  assertEquals(scene.set("f9", "x", true), false);
  assertEquals(scene.set("f7", "y"), false);
  assertEquals([scene.expiryOf("f7"), scene.expiryOf("f9")], [-1, 60]);
  assertEquals(scene.contents().length, 50);
  scene.end();
});

Deno.test("expired fields are counted, and removed up to a number, in both forms", () => {
  for (const isLarge of [false, true]) {
    const scene = new Scene();
    for (const [index, field] of ["a", "b", "c", "d"].entries()) {
      scene.set(field, isLarge ? "a long value" : "v");
      if (index > 0) scene.expire(field, index * 10);
    }
    const { arena, entry } = scene;
    assertEquals(hashValue.countExpired(arena, entry, 21), 2);
    const removed: string[] = [];
    const visit = ({ bytes, start, length }: Slice) => {
      removed.push(latin1Text(bytes, start, length));
    };
    assertEquals(hashValue.removeExpired(arena, entry, 21, 1, visit), 1);
    assertEquals(hashValue.removeExpired(arena, entry, 21, 9, visit), 1);
    assertEquals(hashValue.removeExpired(arena, entry, 21, 9, visit), 0);
    assertEquals(removed, ["b", "c"]);
    assertEquals(hashValue.countOfKey(arena, entry), 2);
    scene.end();
  }
});

Deno.test("a listpack from outside is taken as it is, or becomes a table where it is too large", () => {
  const scene = new Scene();
  const { arena, entry } = scene;
  const build = (fields: number, length: number) => {
    const elements: string[] = [];
    for (let index = 0; index < fields; index++) {
      elements.push(
        `f${index}`.padEnd(length, "x"),
        `${index * 7}`,
        index % 2 === 0 ? `${index + 1}` : "",
      );
    }
    const ordered: string[] = [];
    for (const isExpiring of [true, false]) {
      for (let at = 0; at < elements.length; at += 3) {
        const [field, text, expiry] = elements.slice(at, at + 3);
        if ((expiry !== "") === isExpiring) ordered.push(field, text, isExpiring ? expiry : "0");
      }
    }
    return rawListpack(ordered);
  };
  for (const [fields, length, encoding] of [[4, 2, 12], [5, 2, 13], [600, 500, 13]]) {
    const bytes = build(fields, length);
    const ref = value.valueRef(arena, entry);
    while (!valueKinds[value.TYPE_HASH].releaseStep(arena, scene.encoding, ref, 100));
    value.setEncoding(arena, entry, value.ENCODING_LISTPACK, hashValue.create(arena));
    expiringHash.loadFieldListpack(arena, entry, bytes, 0, bytes.length, LIMITS);
    assertEquals(scene.encoding, encoding, `${fields} fields of ${length} bytes`);
    assertEquals(hashValue.countOfKey(arena, entry), fields);
    assertEquals(scene.expiryOf("f2".padEnd(length, "x")), 3);
    assertEquals(scene.expiryOf("f3".padEnd(length, "x")), -1);
    const values: number[] = [];
    hashValue.forEachField(arena, entry, (_, { bytes, start, length: digits }) => {
      values.push(parseSafeInteger(bytes, start, digits));
    });
    assertEquals(values.sort((a, b) => a - b), Array.from({ length: fields }, (_, at) => at * 7));
  }
  scene.end();
});

/** The bytes of a listpack of any size. */
function rawListpack(elements: string[]): Uint8Array {
  const parts: number[] = [];
  const view = new Slice();
  for (const element of elements) {
    const bytes = latin1Bytes(element);
    listpack.wrapElement(bytes, 0, bytes.length, view);
    parts.push(...view.bytes.subarray(view.start + listpack.FIRST, view.start + view.length - 1));
  }
  const total = parts.length + listpack.EMPTY_BYTES;
  const all = new Uint8Array(total);
  new DataView(all.buffer).setUint32(0, total, true);
  new DataView(all.buffer).setUint16(4, elements.length, true);
  all.set(parts, listpack.FIRST);
  all[total - 1] = 255;
  return all;
}
