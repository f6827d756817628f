/**
 * RDB module data: the parts of a file that belong to modules of Redis, which are not here. What is
 * empty is passed over; anything else is refused with the name of the module, for a server that
 * goes on without it would lose it with the next save.
 */
import { Int64 } from "../structures/int64_words.ts";
import * as format from "./rdb_format.ts";
import type { RdbInput } from "./rdb_input.ts";

/** Passes over the MODULE_AUX part that begins here if there is nothing in it. Throws else. */
export function passOverModuleAux(input: RdbInput): void {
  const name = input.readModuleName();
  // When it was to be loaded: a mark that an integer follows, and the integer.
  const when = new Int64();
  input.readLength64(when);
  input.readLength64(when);
  if (input.readPlainLength() !== format.MODULE_END) {
    input.refuse(`the file holds data of module "${name}"`);
  }
}

/** Passes over the KEY_META part that begins here if there is nothing in it. Throws else. */
export function passOverKeyMeta(input: RdbInput, version: number): void {
  const opcode = format.OPCODE_KEY_META;
  if (format.isValkeyVersion(version)) {
    input.refuse(`the file holds a slot that was being moved (${opcode})`);
  }
  if (input.readPlainLength() === 0) return;
  const id = (input.readInt32() >>> 0).toString(16).padStart(8, "0");
  input.refuse(`the file holds data of class ${id} that modules keep with keys (${opcode})`);
}
