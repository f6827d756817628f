/**
 * What Lua code and its host throw.
 *
 * A `LuaError` carries any Lua value and the place where it was raised; pcall catches it. A
 * `ScriptKill` ends the script whatever it does: pcall lets it through. No stack is recorded: these
 * are control flow, not faults of ours.
 */
import type { ErrorPlace } from "./lua_sites.ts";

/** A Lua error: caught by pcall, otherwise it ends the call from the host. */
export class LuaError {
  /** Any Lua value; nil is undefined. */
  readonly value: unknown;
  /** The number of the place that raised it (see lua_sites), 0 if none is known. */
  readonly site: number;

  constructor(value: unknown, site: number) {
    this.value = value;
    this.site = site;
  }
}

/** A source text that is not Lua; the text of the message begins with chunk and line. */
export class LuaSyntaxError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Thrown by the host's hook to end a script; no Lua code can catch it. */
export class ScriptKill {
  /** What the client is told. */
  readonly message: string;
  /** Where the script was, if that is to be told. */
  readonly place: ErrorPlace | null;

  constructor(message: string, place: ErrorPlace | null = null) {
    this.message = message;
    this.place = place;
  }
}
