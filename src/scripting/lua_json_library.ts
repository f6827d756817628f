/** The library "cjson" (lua-cjson 2.1): `encode`, `decode` and their settings. */
import { failArgument, integerArgument, textArgument } from "./lua_arguments.ts";
import { JsonDecoder } from "./lua_json_decoder.ts";
import { JSON_NULL, JsonEncoder, type JsonSettings } from "./lua_json_encoder.ts";
import type { LuaTable } from "./lua_table.ts";
import { type LuaFunction, makeLibrary } from "./lua_value.ts";

const INT_MAX = 2 ** 31 - 1;

function checkCount(args: readonly unknown[], max: number): void {
  if (args.length > max) failArgument(max, "found too many arguments");
}

function oneArgument(args: readonly unknown[]): unknown {
  if (args.length !== 1) failArgument(0, "expected 1 argument");
  return args[0];
}

/** An integer setting; nil leaves it as it is. */
function integerOption(
  args: readonly unknown[],
  at: number,
  before: number,
  min: number,
  max: number,
): number {
  if (args[at] === undefined) return before;
  const value = integerArgument(args, at);
  // Redis: cjson names argument 1 whichever it is.
  if (value < min || value > max) {
    failArgument(0, `expected integer between ${min} and ${max}`);
  }
  return value;
}

/** A setting out of a list of words, of which the first two are false and true. */
function wordOption(
  args: readonly unknown[],
  before: number,
  words: readonly string[] = ["off", "on"],
): number {
  const value = args[0];
  if (value === undefined) return before;
  if (typeof value === "boolean") return value ? 1 : 0;
  const word = textArgument(args, 0);
  const number = words.indexOf(word);
  if (number < 0) failArgument(0, `invalid option '${word}'`);
  return number;
}

function integerSetting(
  settings: JsonSettings,
  name: "encodeDepthMax" | "decodeDepthMax" | "numberPrecision",
  max: number,
): LuaFunction {
  return (...args) => {
    checkCount(args, 1);
    return settings[name] = integerOption(args, 0, settings[name], 1, max);
  };
}

function sparseSetting(settings: JsonSettings): LuaFunction {
  return (...args) => {
    checkCount(args, 3);
    settings.sparseConvert = wordOption(args, settings.sparseConvert ? 1 : 0) === 1;
    settings.sparseRatio = integerOption(args, 1, settings.sparseRatio, 0, INT_MAX);
    settings.sparseSafe = integerOption(args, 2, settings.sparseSafe, 0, INT_MAX);
    return [settings.sparseConvert, settings.sparseRatio, settings.sparseSafe];
  };
}

/** The library table "cjson", with settings of its own. */
export function makeJsonLibrary(): LuaTable {
  const settings: JsonSettings = {
    sparseConvert: false,
    sparseRatio: 2,
    sparseSafe: 10,
    encodeDepthMax: 1000,
    decodeDepthMax: 1000,
    numberPrecision: 14,
    keepBuffer: true,
    encodeInvalidNumbers: 0,
    decodeInvalidNumbers: true,
  };
  const library = makeLibrary({
    decode: (...args) => {
      oneArgument(args);
      return new JsonDecoder(textArgument(args, 0), settings).decode();
    },
    decode_invalid_numbers: (...args) => {
      checkCount(args, 1);
      return settings.decodeInvalidNumbers =
        wordOption(args, settings.decodeInvalidNumbers ? 1 : 0) === 1;
    },
    decode_max_depth: integerSetting(settings, "decodeDepthMax", INT_MAX),
    encode: (...args) => new JsonEncoder(settings).encode(oneArgument(args)),
    encode_invalid_numbers: (...args) => {
      checkCount(args, 1);
      const mode = wordOption(args, settings.encodeInvalidNumbers, ["off", "on", "null"]);
      settings.encodeInvalidNumbers = mode;
      return mode === 2 ? "null" : mode === 1;
    },
    encode_keep_buffer: (...args) => {
      checkCount(args, 1);
      return settings.keepBuffer = wordOption(args, settings.keepBuffer ? 1 : 0) === 1;
    },
    encode_max_depth: integerSetting(settings, "encodeDepthMax", INT_MAX),
    encode_number_precision: integerSetting(settings, "numberPrecision", 14),
    encode_sparse_array: sparseSetting(settings),
    new: () => makeJsonLibrary(),
  });
  library.set("null", JSON_NULL);
  library.set("_NAME", "cjson");
  library.set("_VERSION", "2.1.0");
  return library;
}
