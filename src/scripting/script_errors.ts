/**
 * Script errors: tables with the field `err`, as redis.call raises them and error_reply makes them,
 * and the text that a client is told when a script ends with one.
 */
import { LuaError } from "./lua_error.ts";
import { meter } from "./lua_meter.ts";
import type { ErrorPlace } from "./lua_sites.ts";
import { LuaTable } from "./lua_table.ts";
import { rawToString, toText } from "./lua_value.ts";

/** In a table: the error has been counted in the statistics already. */
const COUNTED = "ignore_error_stats_update";

/**
 * A table with the field `err` from a text: "-CODE text" keeps its code, any other text gets "ERR".
 * Redis: a code without a text behind it is taken for the text.
 */
export function errorTable(text: string, isCounted = false): LuaTable {
  let code = "ERR";
  let message = text;
  if (text.startsWith("-")) {
    const space = text.indexOf(" ");
    if (space >= 0) code = text.slice(1, space);
    message = text.slice(space < 0 ? 1 : space + 1);
  }
  const table = new LuaTable();
  if (isCounted) table.set(COUNTED, true);
  table.set("err", `${code} ${message.replace(/^[\r\n]+|[\r\n]+$/g, "")}`);
  return table;
}

/** Raises an error as a table, as functions of `redis` do. */
export function failWithTable(text: string, isCounted = false): never {
  throw new LuaError(errorTable(text, isCounted), Math.abs(meter.s));
}

/** An error that a client is told. */
export interface ScriptErrorReport {
  /** The reply without its leading "-"; it holds no line ends. */
  text: string;
  /** It is in the statistics already. */
  isCounted: boolean;
}

/** What a table with `err` says. */
export function reportOfTable(table: LuaTable): ScriptErrorReport {
  // Redis 7.0.15 ends there with a crash if there is no text.
  const text = toText(table.get("err")) ?? "ERR unknown error";
  return { text: inOneLine(text), isCounted: table.get(COUNTED) === true };
}

/** What is reported of an error that ended a script; `place` is where it arose. */
export function reportOf({ value }: LuaError): ScriptErrorReport {
  if (value instanceof LuaTable) return reportOfTable(value);
  return { text: inOneLine(`ERR ${rawToString(value)}`), isCounted: false };
}

function inOneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]+$/, "").replace(/[\r\n]/g, " ") : text;
}

/** ` script: <name>, on @user_script:1.`, or nothing if no place is known. */
export function placeText(name: string, place: ErrorPlace | null): string {
  return place === null ? "" : ` script: ${name}, on ${place.source}:${place.line}.`;
}
