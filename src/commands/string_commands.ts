/**
 * String commands: values that are plain bytes, and the counters among them.
 *
 * GET and SET are what most servers do most of the time. Without options they make no object: SET
 * hands its argument to the database, which writes it over the old value where there is room; GET
 * copies from the key's entry into the reply. INCR parses and writes digits where they stand.
 *
 * Long values (from 16 KiB on) are lists of chunks; they are replied piece by piece, and APPEND and
 * SETRANGE touch only the chunks concerned. Bits are in bitmap_commands.ts, LCS in lcs_command.ts.
 */
import { Slice } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import {
  INT64_MAX,
  INT64_MIN,
  INTEGER_TEXT_BYTES_MAX,
  parseInt64,
  parseSafeInteger,
  writeBigInteger,
  writeInteger,
} from "../base/integers.ts";
import { addFloatTexts, parseLongDouble } from "../base/long_double.ts";
import { KEEP_EXPIRY } from "../keyspace/database.ts";
import { EVENT_GENERIC, EVENT_STRING } from "../keyspace/keyspace_listener.ts";
import type { Arena } from "../memory/arena.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../server/client.ts";
import { rangeSpec, type RedisCommand } from "../server/command.ts";
import {
  commandError,
  INCREMENT_OVERFLOW,
  NAN_OR_INFINITY,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  STRING_TOO_LONG,
  SYNTAX_ERROR,
  wrongArity,
} from "../server/errors.ts";
import * as byteString from "../structures/byte_string.ts";
import * as stringValue from "../values/string_value.ts";
import * as value from "../values/value.ts";
import { NO_EXPIRY, TYPE_STRING } from "../values/value.ts";
import {
  bigIntegerArgument,
  expiryArgument,
  integerArgument,
  typedForRead,
  typedForWrite,
} from "./arguments.ts";

const APPEND_COMPLEXITY =
  "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present value is of any size, since the dynamic string library used by Redis will double the free space available on every reallocation.";
const GETRANGE_COMPLEXITY =
  "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.";
const SETRANGE_COMPLEXITY =
  "O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.";

// deno-fmt-ignore
export const stringCommands: readonly RedisCommand[] = [
  { name: "get", arity: 2, flags: ["readonly", "fast"], keys: [1, 1, 1], proc: getCommand,
    access: "RO access", categories: ["@string"], since: "1.0.0", group: "string",
    complexity: "O(1)", summary: "Returns the string value of a key." },
];
