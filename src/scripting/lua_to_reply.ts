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

/** An array, map or set that is being written: a stack of them, since C's would bear thousands. */
interface Aggregate {
  readonly kind: "array" | "map" | "set";
  readonly table: LuaTable;
  readonly depth: number;
  /** Array: the key that comes next. Else the place that comes next; -1 at the end. */
  next: number;
  readonly count: number;
  /** Map: the key has been written, its value comes next. */
  isKeyWritten: boolean;
}

/** Writes a Lua value as a reply. */
export function replyLua(target: LuaReplyTarget, value: unknown): void {
  let aggregate = begin(target, value, 0);
  if (aggregate === null) return;
  const outer: Aggregate[] = [];
  while (aggregate !== null) {
    const inner: Aggregate | null = advance(target, aggregate);
    if (inner === null) {
      aggregate = outer.pop() ?? null;
    } else {
      outer.push(aggregate);
      aggregate = inner;
    }
  }
}

/** Writes a value; of an aggregate only the head, and returns it. */
function begin(target: LuaReplyTarget, value: unknown, depth: number): Aggregate | null {
  const { reply } = target;
  if (depth >= STACK_VALUES_MAX) {
    writeError(target, { text: "ERR reached lua stack limit", isCounted: false });
    return null;
  }
  if (value instanceof LuaTable) {
    const special = value.hash === null ? undefined : beginSpecial(target, value, depth);
    return special === undefined ? beginArray(reply, value, depth) : special;
  }
  if (typeof value === "string") reply.bulkText(value);
  else if (typeof value === "number") writeInteger(reply, value);
  else if (typeof value === "boolean") writeBoolean(target, value);
  else reply.nil();
  return null;
}

/** Writes what is left of an aggregate, up to an inner one, which is returned. */
function advance(target: LuaReplyTarget, aggregate: Aggregate): Aggregate | null {
  return aggregate.kind === "array"
    ? advanceArray(target, aggregate)
    : advanceEntries(target, aggregate);
}

function advanceArray(target: LuaReplyTarget, array: Aggregate): Aggregate | null {
  const { table, count, depth } = array;
  while (array.next <= count) {
    const inner = begin(target, table.getNumber(array.next++), depth + 1);
    if (inner !== null) return inner;
  }
  return null;
}

function advanceEntries(target: LuaReplyTarget, entries: Aggregate): Aggregate | null {
  const { kind, table, depth } = entries;
  while (entries.next >= 0) {
    const key = table.keyAt(entries.next);
    let inner: Aggregate | null;
    if (kind === "map" && !entries.isKeyWritten) {
      entries.isKeyWritten = true;
      inner = begin(target, key, depth + PAIR_VALUES + 1);
    } else {
      const value = kind === "map" ? table.valueAt(entries.next) : key;
      entries.isKeyWritten = false;
      entries.next = table.nextPlace(key);
      inner = begin(target, value, depth + PAIR_VALUES);
    }
    if (inner !== null) return inner;
  }
  return null;
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

/** Begins a table that stands for something else than an array; undefined if it does not. */
function beginSpecial(
  target: LuaReplyTarget,
  table: LuaTable,
  depth: number,
): Aggregate | null | undefined {
  const { reply } = target;
  if (typeof table.get("err") === "string") {
    writeError(target, reportOfTable(table));
    return null;
  }
  const ok = table.get("ok");
  if (typeof ok === "string") {
    if (ok === "OK") reply.ok();
    else reply.simple(withoutLineEnds(ok));
    return null;
  }
  const double = table.get("double");
  if (typeof double === "number") {
    writeDouble(reply, double);
    return null;
  }
  const bigNumber = table.get("big_number");
  if (typeof bigNumber === "string") {
    reply.bigNumber(withoutLineEnds(bigNumber));
    return null;
  }
  const verbatim = table.get("verbatim_string");
  if (verbatim instanceof LuaTable && writeVerbatim(reply, verbatim)) return null;
  const map = table.get("map");
  if (map instanceof LuaTable) return beginEntries(reply, "map", map, depth);
  const set = table.get("set");
  return set instanceof LuaTable ? beginEntries(reply, "set", set, depth) : undefined;
}

/** Redis 7.0 prints a double of a script with 17 digits, and a sign before "nan". */
function writeDouble(reply: Reply, value: number): void {
  if (reply.showsFewestDigits) return reply.double(value);
  reply.doubleText(formatNonFinite(value) ?? formatGeneral(value, 17, false));
}

function writeVerbatim(reply: Reply, table: LuaTable): boolean {
  const format = table.get("format");
  const text = table.get("string");
  if (typeof format !== "string" || typeof text !== "string") return false;
  reply.verbatim(text, format.slice(0, 3).padEnd(3, " "));
  return true;
}

function beginEntries(
  reply: Reply,
  kind: "map" | "set",
  table: LuaTable,
  depth: number,
): Aggregate {
  let count = 0;
  table.forEach(() => count++);
  if (kind === "map") reply.map(count);
  else reply.set(count);
  return { kind, table, depth, next: table.nextPlace(undefined), count, isKeyWritten: false };
}

function beginArray(reply: Reply, table: LuaTable, depth: number): Aggregate {
  let count = 0;
  while (table.getNumber(count + 1) !== undefined) count++;
  reply.array(count);
  return { kind: "array", table, depth, next: 1, count, isKeyWritten: false };
}

function withoutLineEnds(text: string): string {
  return text.replace(/[\r\n]/g, " ");
}
