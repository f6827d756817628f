/**
 * From the value that a script returns to the reply that its client gets. Redis's table of
 * conversions, in the order in which the fields of a table are looked at:
 *
 *   nil           nil                    {err = text}               error
 *   string        bulk string            {ok = text}                simple string
 *   number        integer, cut off       {double = n}               double
 *   true          1, or true             {big_number = text}        big number
 *   false         nil, or false          {verbatim_string = {…}}    verbatim string
 *   other values  nil                    {map = {…}} {set = {…}}    map, set
 *                                        {…}                        array, up to the first nil
 *
 * The booleans depend on the protocol that the script has chosen (redis.setresp), all else on that
 * of the client. What lies deeper than C's stack would bear becomes an error in its place.
 */
import type { Reply } from "../protocol/reply.ts";
import { formatGeneral, formatNonFinite } from "./lua_number.ts";
import { truncate } from "./lua_arguments.ts";
import { LuaTable } from "./lua_table.ts";
import { reportOfTable, type ScriptErrorReport } from "./script_errors.ts";

/** Values that lie on Lua's stack, at most, while a reply is made. */
const STACK_VALUES_MAX = 7995;
/** What a table of a map or set, its key and its value lay upon the stack. */
const PAIR_VALUES = 3;

/** Where the values go to. */
export interface LuaReplyTarget {
  readonly reply: Reply;
  /** The protocol that the script has chosen. */
  readonly scriptResp: 2 | 3;
  /** Hears of each error in the reply. */
  onError(report: ScriptErrorReport): void;
}

/** Writes a Lua value as a reply. */
export function replyLua(target: LuaReplyTarget, value: unknown): void {
  writeValue(target, value, 0);
}

function writeValue(target: LuaReplyTarget, value: unknown, depth: number): void {
  const { reply } = target;
  if (depth >= STACK_VALUES_MAX) {
    return writeError(target, { text: "ERR reached lua stack limit", isCounted: false });
  }
  switch (typeof value) {
    case "string":
      return reply.bulkText(value);
    case "number":
      return writeInteger(reply, value);
    case "boolean":
      return writeBoolean(target, value);
  }
  if (!(value instanceof LuaTable)) return reply.nil();
  if (value.hash === null || !writeSpecial(target, value, depth)) writeArray(target, value, depth);
}

function writeInteger(reply: Reply, value: number): void {
  const integer = truncate(value);
  if (Number.isSafeInteger(integer)) reply.integer(integer);
  else reply.bigInteger(BigInt(integer));
}

function writeBoolean({ reply, scriptResp }: LuaReplyTarget, value: boolean): void {
  if (scriptResp === 3) reply.boolean(value);
  else if (value) reply.integer(1);
  else reply.nil();
}

function writeError(target: LuaReplyTarget, report: ScriptErrorReport): void {
  target.reply.error(report.text);
  target.onError(report);
}

/** Writes a table that stands for something else than an array; false if it does not. */
function writeSpecial(target: LuaReplyTarget, table: LuaTable, depth: number): boolean {
  const { reply } = target;
  if (typeof table.get("err") === "string") {
    writeError(target, reportOfTable(table));
    return true;
  }
  const ok = table.get("ok");
  if (typeof ok === "string") {
    reply.simple(withoutLineEnds(ok));
    return true;
  }
  const double = table.get("double");
  if (typeof double === "number") {
    writeDouble(reply, double);
    return true;
  }
  const bigNumber = table.get("big_number");
  if (typeof bigNumber === "string") {
    reply.bigNumber(withoutLineEnds(bigNumber));
    return true;
  }
  const verbatim = table.get("verbatim_string");
  if (verbatim instanceof LuaTable && writeVerbatim(reply, verbatim)) return true;
  const map = table.get("map");
  if (map instanceof LuaTable) {
    writeMap(target, map, depth);
    return true;
  }
  const set = table.get("set");
  if (set instanceof LuaTable) {
    writeSet(target, set, depth);
    return true;
  }
  return false;
}

/** Redis prints a double of a script with 17 digits. */
function writeDouble(reply: Reply, value: number): void {
  reply.doubleText(formatNonFinite(value) ?? formatGeneral(value, 17, false));
}

function writeVerbatim(reply: Reply, table: LuaTable): boolean {
  const format = table.get("format");
  const text = table.get("string");
  if (typeof format !== "string" || typeof text !== "string") return false;
  reply.verbatim(text, format.slice(0, 3).padEnd(3, " "));
  return true;
}

function writeMap(target: LuaReplyTarget, map: LuaTable, depth: number): void {
  const { reply } = target;
  const mark = reply.deferArray();
  let count = 0;
  for (let place = map.nextPlace(undefined); place >= 0;) {
    const key = map.keyAt(place);
    writeValue(target, key, depth + PAIR_VALUES + 1);
    writeValue(target, map.valueAt(place), depth + PAIR_VALUES);
    count++;
    place = map.nextPlace(key);
  }
  reply.endDeferredMap(mark, count);
}

function writeSet(target: LuaReplyTarget, set: LuaTable, depth: number): void {
  const { reply } = target;
  const mark = reply.deferArray();
  let count = 0;
  for (let place = set.nextPlace(undefined); place >= 0;) {
    const key = set.keyAt(place);
    writeValue(target, key, depth + PAIR_VALUES);
    count++;
    place = set.nextPlace(key);
  }
  reply.endDeferredSet(mark, count);
}

function writeArray(target: LuaReplyTarget, table: LuaTable, depth: number): void {
  let count = 0;
  while (table.getNumber(count + 1) !== undefined) count++;
  target.reply.array(count);
  for (let key = 1; key <= count; key++) writeValue(target, table.getNumber(key), depth + 1);
}

function withoutLineEnds(text: string): string {
  return text.replace(/[\r\n]/g, " ");
}
