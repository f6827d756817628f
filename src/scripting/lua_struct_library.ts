/**
 * The library "struct": numbers and strings in the layout of C structs.
 *
 *   > < ![n]  big endian, little endian, alignment      x        a byte of padding
 *   b B h H   signed and unsigned, 1 and 2 bytes        f d      float, double
 *   l L T     8 bytes                                   s        text and a zero
 *   i[n] I[n] n bytes, 4 if no n                        c[n]     n bytes of text; c0: see below
 *
 * "c0" packs a whole string, and unpacks as many bytes as the number read before says.
 */
import {
  fail,
  failArgument,
  numberArgument,
  optionalInteger,
  textArgument,
  truncate,
} from "./lua_arguments.ts";
import { toUnsigned } from "./lua_format.ts";
import { spendString } from "./lua_meter.ts";
import type { LuaTable } from "./lua_table.ts";
import { type LuaFunction, makeLibrary } from "./lua_value.ts";

const INT_MAX = 2 ** 31 - 1;
const INTEGER_BYTES_MAX = 32;
const NATIVE_ALIGNMENT = 8;

const SIZES: Readonly<Record<string, number>> = {
  b: 1,
  B: 1,
  h: 2,
  H: 2,
  l: 8,
  L: 8,
  T: 8,
  f: 4,
  d: 8,
  x: 1,
};

const view = new DataView(new ArrayBuffer(8));

/** Reads a format option by option; knows endianness and alignment. */
class FormatReader {
  isLittle = true;
  option = "";
  /** Bytes of the option; 0 for "s", "c0" and what is no data. */
  size = 0;
  readonly #format: string;
  #alignment = 1;
  #at = 0;

  constructor(format: string) {
    const zero = format.indexOf("\0");
    this.#format = zero < 0 ? format : format.slice(0, zero);
  }

  #number(otherwise: number): number {
    const format = this.#format;
    let value = -1;
    for (; /[0-9]/.test(format[this.#at] ?? ""); this.#at++) {
      value = Math.max(value, 0) * 10 + Number(format[this.#at]);
      if (value > INT_MAX) fail("integral size overflow");
    }
    return value < 0 ? otherwise : value;
  }

  /** Goes to the next option; false at the end. */
  next(): boolean {
    if (this.#at >= this.#format.length) return false;
    const option = this.option = this.#format[this.#at++]!;
    this.size = Object.hasOwn(SIZES, option) ? SIZES[option]! : 0;
    if (option === "c") this.size = this.#number(1);
    else if (option === "i" || option === "I") {
      this.size = this.#number(4);
      if (this.size > INTEGER_BYTES_MAX) {
        fail(`integral size ${this.size} is larger than limit of ${INTEGER_BYTES_MAX}`);
      }
    }
    return true;
  }

  /** Bytes of padding that the option needs at a place. */
  padding(at: number): number {
    if (this.size === 0 || this.option === "c") return 0;
    const size = Math.min(this.size, this.#alignment);
    return (size - (at & (size - 1))) & (size - 1);
  }

  /** Carries out an option that is no data. */
  control(): void {
    switch (this.option) {
      case " ":
        return;
      case ">":
      case "<":
        this.isLittle = this.option === "<";
        return;
      case "!": {
        const alignment = this.#number(NATIVE_ALIGNMENT);
        if (alignment <= 0 || (alignment & (alignment - 1)) !== 0) {
          fail(`alignment ${alignment} is not a power of 2`);
        }
        this.#alignment = alignment;
        return;
      }
    }
    failArgument(0, `invalid format option '${this.option}'`);
  }
}

function packInteger(value: number, size: number, isLittle: boolean): string {
  let rest = value < 0 ? BigInt.asUintN(64, BigInt(truncate(value))) : toUnsigned(value);
  let text = "";
  for (let i = 0; i < size; i++) {
    const char = String.fromCharCode(Number(rest & 255n));
    text = isLittle ? text + char : char + text;
    rest >>= 8n;
  }
  return text;
}

function packFloat(value: number, size: number, isLittle: boolean): string {
  if (size === 4) view.setFloat32(0, value, isLittle);
  else view.setFloat64(0, value, isLittle);
  let text = "";
  for (let i = 0; i < size; i++) text += String.fromCharCode(view.getUint8(i));
  return text;
}

const pack: LuaFunction = (...given) => {
  // Redis: a nil stands behind the arguments, so that is what the first missing one is.
  const reader = new FormatReader(textArgument(given, 0));
  const args = [...given, undefined];
  let text = "";
  let arg = 1;
  while (reader.next()) {
    const { option, size, isLittle } = reader;
    spendString(text.length + size);
    text += "\0".repeat(reader.padding(text.length));
    if (option === "x") text += "\0";
    else if ("bBhHlLTiI".includes(option)) {
      text += packInteger(numberArgument(args, arg++), size, isLittle);
    } else if (option === "f" || option === "d") {
      text += packFloat(numberArgument(args, arg++), size, isLittle);
    } else if (option === "c" || option === "s") {
      const part = textArgument(args, arg++);
      // Redis: the message counts the argument after it.
      if (part.length < size) failArgument(arg, "string too short");
      spendString(part.length);
      text += (size === 0 ? part : part.slice(0, size)) + (option === "s" ? "\0" : "");
    } else reader.control();
  }
  return text;
};

function unpackInteger(text: string, isSigned: boolean, isLittle: boolean): number {
  let value = 0n;
  for (let i = 0; i < text.length; i++) {
    const at = isLittle ? text.length - 1 - i : i;
    value = BigInt.asUintN(64, value << 8n | BigInt(text.charCodeAt(at)));
  }
  return Number(isSigned ? BigInt.asIntN(Math.min(64, text.length * 8), value) : value);
}

function unpackFloat(text: string, isLittle: boolean): number {
  for (let i = 0; i < text.length; i++) view.setUint8(i, text.charCodeAt(i));
  return text.length === 4 ? view.getFloat32(0, isLittle) : view.getFloat64(0, isLittle);
}

/** The bytes of a "c0": the number read before says how many. */
function takeCounted(values: unknown[], data: string, at: number): string {
  const count = values.at(-1);
  if (typeof count !== "number") fail("format 'c0' needs a previous size");
  values.pop();
  const size = toUnsigned(count);
  if (size > BigInt(data.length - at)) failArgument(1, "data string too short");
  return data.slice(at, at + Number(size));
}

function takeText(data: string, at: number): string {
  const end = data.indexOf("\0", at);
  if (end < 0) fail("unfinished string in data");
  return data.slice(at, end);
}

const unpack: LuaFunction = (...args) => {
  const reader = new FormatReader(textArgument(args, 0));
  const data = textArgument(args, 1);
  const start = optionalInteger(args, 2, 1);
  if (start === 0) failArgument(2, "offset must be 1 or greater");
  let at = start - 1;
  const values: unknown[] = [];
  while (reader.next()) {
    const { option, isLittle } = reader;
    let { size } = reader;
    at += reader.padding(at);
    // A negative offset is a huge one to C.
    if (at < 0 || at + size > data.length) failArgument(1, "data string too short");
    const part = data.slice(at, at + size);
    if ("bBhHlLTiI".includes(option)) {
      values.push(unpackInteger(part, option >= "a", isLittle));
    } else if (option === "f" || option === "d") values.push(unpackFloat(part, isLittle));
    else if (option === "c") {
      const text = size === 0 ? takeCounted(values, data, at) : part;
      size = text.length;
      values.push(text);
    } else if (option === "s") {
      const text = takeText(data, at);
      size = text.length + 1;
      values.push(text);
    } else if (option !== "x") reader.control();
    at += size;
  }
  values.push(at + 1);
  return values;
};

const sizeFunction: LuaFunction = (...args) => {
  const reader = new FormatReader(textArgument(args, 0));
  let at = 0;
  while (reader.next()) {
    const { option, size } = reader;
    at += reader.padding(at);
    if (option === "s") failArgument(0, "option 's' has no fixed size");
    if (option === "c" && size === 0) failArgument(0, "option 'c0' has no fixed size");
    if (!/[0-9A-Za-z]/.test(option)) reader.control();
    at += size;
  }
  return at;
};

/** The library table "struct". */
export function makeStructLibrary(): LuaTable {
  return makeLibrary({ pack, size: sizeFunction, unpack });
}
