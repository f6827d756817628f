/** Listpacks as files have them, made for tests. */
import { Slice } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import * as listpack from "../../src/structures/listpack.ts";
import { latin1 } from "../support/text.ts";

/** The bytes of a listpack of these elements. */
export function listpackOf(elements: readonly string[]): Uint8Array {
  const arena = new Arena({ debug: true });
  let ref = listpack.create(arena);
  for (const element of elements) {
    const bytes = latin1(element);
    ref = listpack.append(arena, ref, bytes, 0, bytes.length);
  }
  const raw = new Slice();
  listpack.rawSlice(arena, ref, raw);
  return raw.copy();
}
