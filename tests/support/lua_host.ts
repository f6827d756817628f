/**
 * A host for the Lua engine as small as can be: what EVAL does around a script, without a server.
 *
 * It gives KEYS, ARGV and the functions of `redis` that need no server, protects the globals as
 * Redis does, and turns results and errors into the bytes of a RESP2 reply (Latin-1), so that they
 * can be compared with redis-server's. The SHA1 in error texts is left out of both.
 */

import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { Sha1, SHA1_BYTES } from "../../src/base/sha1.ts";
import { fail, textArgument } from "../../src/scripting/lua_arguments.ts";
import { LuaEngine, type LuaEngineOptions } from "../../src/scripting/lua_engine.ts";
import { LuaError, LuaSyntaxError } from "../../src/scripting/lua_error.ts";
import { truncate } from "../../src/scripting/lua_arguments.ts";
import { LuaTable } from "../../src/scripting/lua_table.ts";
import { type LuaFunction, makeLibrary, rawToString } from "../../src/scripting/lua_value.ts";

const SCRIPT_NAME = "@user_script";

function replyTable(field: string): LuaFunction {
  return (...args) => {
    if (args.length !== 1 || typeof args[0] !== "string") {
      return errorTable("wrong number or type of arguments");
    }
    const table = new LuaTable();
    const text = args[0];
    const needsCode = field === "err" && !/^-\S+ /.test(text) && !text.startsWith("-");
    table.set(field, needsCode && !text.includes(" ") ? "ERR " + text : text.replace(/^-/, ""));
    return table;
  };
}

function hexSha1(text: string): string {
  const bytes = latin1Bytes(text);
  const digest = new Uint8Array(SHA1_BYTES);
  new Sha1().update(bytes, 0, bytes.length).digest(digest);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function errorTable(message: string): LuaTable {
  const table = new LuaTable();
  table.set("err", "ERR " + message);
  return table;
}

/** What a script sees that asks for a global that is not there. */
const missingGlobal: LuaFunction = (...args) =>
  fail(`Script attempted to access nonexistent global variable '${textArgument(args, 1)}'`);

export class LuaHost {
  readonly engine: LuaEngine;

  constructor(options: LuaEngineOptions = {}) {
    const engine = this.engine = new LuaEngine(options);
    const redis = makeLibrary({
      error_reply: replyTable("err"),
      log: () => undefined,
      sha1hex: (...args) => {
        if (args.length !== 1) return errorTable("wrong number of arguments");
        return hexSha1(textArgument(args, 0));
      },
      status_reply: replyTable("ok"),
    });
    engine.globals.set("redis", redis);
    const metatable = makeLibrary({ __index: missingGlobal });
    engine.globals.metatable = metatable;
    engine.protect(engine.globals);
  }

  /** Runs a script as EVAL would; the bytes of the reply, one char each. */
  evaluate(script: string, keys: readonly string[] = [], args: readonly string[] = []): string {
    const { engine } = this;
    let fn: LuaFunction;
    try {
      fn = engine.compile(script, SCRIPT_NAME);
    } catch (thrown) {
      if (!(thrown instanceof LuaSyntaxError)) throw thrown;
      return errorReply(`ERR Error compiling script (new function): ${thrown.message}`);
    }
    engine.globals.set("KEYS", LuaTable.of([...keys]));
    engine.globals.set("ARGV", LuaTable.of([...args]));
    try {
      return replyOf(engine.call(fn, [])[0]);
    } catch (thrown) {
      if (!(thrown instanceof LuaError)) throw thrown;
      return this.#errorReplyOf(thrown);
    }
  }

  /** Runs a script and shows its results, separated by spaces; an error as "error: text". */
  show(script: string): string {
    const { engine } = this;
    try {
      return engine.call(engine.compile(script, SCRIPT_NAME), []).map(showValue).join(" ");
    } catch (thrown) {
      if (thrown instanceof LuaSyntaxError) return `error: ${thrown.message}`;
      if (thrown instanceof LuaError) return `error: ${showValue(thrown.value)}`;
      throw thrown;
    }
  }

  #errorReplyOf({ value, site }: LuaError): string {
    const text = value instanceof LuaTable ? value.get("err") : `ERR ${rawToString(value)}`;
    const place = this.engine.placeOf(site);
    const where = place === null ? "" : ` script: S, on ${place.source}:${place.line}.`;
    return errorReply(String(text) + where);
  }
}

function errorReply(text: string): string {
  return `-${text.replace(/^[\r\n]+|[\r\n]+$/g, "").replace(/[\r\n]/g, " ")}\r\n`;
}

/** A Lua value as text: tables with their contents in order, strings as they are. */
export function showValue(value: unknown): string {
  if (!(value instanceof LuaTable)) return rawToString(value);
  const parts: string[] = [];
  value.forEach((key, each) =>
    parts.push(typeof key === "number" ? showValue(each) : `${showValue(key)}=${showValue(each)}`)
  );
  return `{${parts.join(",")}}`;
}

/** A Lua value as Redis replies it in RESP2. */
export function replyOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `$${value.length}\r\n${value}\r\n`;
    case "number":
      return `:${BigInt(truncate(value))}\r\n`;
    case "boolean":
      return value ? ":1\r\n" : "$-1\r\n";
  }
  if (!(value instanceof LuaTable)) return "$-1\r\n";
  const err = value.get("err");
  if (typeof err === "string") return errorReply(err);
  const ok = value.get("ok");
  if (typeof ok === "string") return `+${ok.replace(/[\r\n]/g, " ")}\r\n`;
  const parts: string[] = [];
  for (let i = 1; value.get(i) !== undefined; i++) parts.push(replyOf(value.get(i)));
  return `*${parts.length}\r\n${parts.join("")}`;
}

/** Declares a test of scripts and what `show` makes of each. */
export function testShown(name: string, cases: readonly (readonly [string, string])[]): void {
  Deno.test(name, () => {
    const host = new LuaHost();
    for (const [script, shown] of cases) assertEquals(host.show(script), shown, script);
  });
}

/** Takes out of a reply what cannot be the same on two machines: addresses, the script's SHA1. */
export function withoutAddresses(reply: string): string {
  return reply.replace(/ script: [0-9a-f]{40},/g, " script: S,")
    .replace(/\$\d+\r\n(?=[^\r]*0x[0-9a-f]{6,})/g, "$N\r\n")
    .replace(/0x[0-9a-f]{8,14}/g, "0xADDRESS");
}
