/**
 * What a running script uses up: steps, depth of calls, memory. One object for the whole process,
 * because one script runs at a time; emitted code counts in it directly, hence the short names.
 *
 * Every loop back-edge (by the hundred) and every call of a Lua function that may recurse counts
 * `c` down; below zero the owner's `onSteps` is called, which sets it anew and may throw. `m` is
 * the same for bytes: strings and tables count what they may take at most, below zero `onMemory`
 * asks what is really used. Garbage that was given back is counted too, so zero means "look", not
 * "too much".
 */
import { LuaError } from "./lua_error.ts";

/** Bytes a table takes before anything is in it, per entry of its hash, per element of its list. */
export const TABLE_BYTES = 96;
export const ENTRY_BYTES = 40;
export const ELEMENT_BYTES = 12;

/** As powers of 2: chars that are copied in the time of a step; of a join a part is enough. */
const COPIED_CHARS_SHIFT = 6;
const JOINED_CHARS_SHIFT = 10;

/** Strings up to this many chars are never ropes in V8. */
const ROPE_CHARS_MIN = 13;

/** Lua 5.1's limit of calls from C into Lua inside each other. */
export const HOST_CALLS_MAX = 200;

/** Lua functions inside each other: Lua's call stack stops growing here. */
export const CALLS_MAX = 19998;

/** Beyond this depth a tail call is left to the caller, so that it takes no stack. */
export const DIRECT_TAIL_CALLS_MAX = 190;

export interface Meter {
  /** Steps left until `onSteps`. */
  c: number;
  /** Depth of Lua calls. */
  d: number;
  /** Depth of calls from host functions. */
  k: number;
  /** The call that runs: number of its place in the source, 0 if a host function is the caller. */
  s: number;
  /** Bytes left until `onMemory`. */
  m: number;
  /** Ropes are made flat at once: their memory must be the memory that was counted. */
  isFlattening: boolean;
  /** The longest string that may come into being. */
  stringMax: number;
  onSteps: () => void;
  onMemory: () => void;
}

export const meter: Meter = {
  c: 0,
  d: 0,
  k: 0,
  s: 0,
  m: 0,
  isFlattening: false,
  stringMax: 2 ** 28,
  onSteps: () => {
    meter.c = 10_000;
  },
  onMemory: () => {
    meter.m = 2 ** 28;
  },
};

/**
 * For each depth `k` the place of the operator or loop that made the call, 0 if a library function
 * did.
 */
export const hostCallSites: number[] = new Array(HOST_CALLS_MAX + 1).fill(0);

/** What Lua says when memory is short; it has no position. */
export function notEnoughMemory(): LuaError {
  return new LuaError("not enough memory", 0);
}

/** Counts bytes that are about to be taken. */
export function spend(bytes: number): void {
  if ((meter.m -= bytes) < 0) meter.onMemory();
}

/** Counts steps of work in a host function. */
export function spendSteps(count: number): void {
  if ((meter.c -= count) < 0) meter.onSteps();
}

/**
 * Counts a string of so many chars, and the work of making it; throws Lua's error if it would be
 * too long. Call it before.
 */
export function spendString(length: number): void {
  if (length > meter.stringMax) throw notEnoughMemory();
  if ((meter.m -= length) < 0) meter.onMemory();
  if ((meter.c -= length >>> COPIED_CHARS_SHIFT) < 0) meter.onSteps();
}

/**
 * Joins two strings. V8 makes a rope of them, which is flattened once memory is short, or when
 * somebody looks at it: that is counted here.
 */
export function join(left: string, right: string): string {
  const length = left.length + right.length;
  if (length > meter.stringMax) throw notEnoughMemory();
  if ((meter.m -= length) < 0) meter.onMemory();
  if ((meter.c -= length >>> JOINED_CHARS_SHIFT) < 0) meter.onSteps();
  const text = left + right;
  if (meter.isFlattening && length >= ROPE_CHARS_MIN) text.charCodeAt(0);
  return text;
}

/** Turns of a loop between two looks at the meter. */
const TURNS_PER_LOOK = 128;

/** Called from a loop of emitted code every so many turns; returns when to call again. */
export function onTurns(): number {
  if ((meter.c -= TURNS_PER_LOOK) < 0) meter.onSteps();
  return TURNS_PER_LOOK - 1;
}

/** Called where emitted code finds its steps used up or its depth too large. */
export function onCount(): void {
  if (meter.c < 0) meter.onSteps();
  if (meter.d > CALLS_MAX) throw new StackOverflow(new Error().stack);
}

/** Too many calls inside each other; becomes Lua's error "stack overflow" where it is caught. */
export class StackOverflow {
  /** JavaScript's stack, which shows where it was. */
  readonly stack: string | undefined;

  constructor(stack: string | undefined) {
    this.stack = stack;
  }
}

/** Makes a rope flat if memory is short: for strings whose length was counted before. */
export function settleString(text: string): string {
  if (meter.isFlattening && text.length >= ROPE_CHARS_MIN) text.charCodeAt(0);
  return text;
}
