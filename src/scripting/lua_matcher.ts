/**
 * Matches Lua patterns (lua_pattern) by trying, as C Lua does: same order, captures and errors.
 *
 * Steps are counted, so that a pattern that takes quadratic time can be interrupted, and items that
 * wait for the rest of the pattern inside each other are limited: C Lua would overrun its stack.
 */
import { fail } from "./lua_arguments.ts";
import { meter, spendSteps } from "./lua_meter.ts";
import { ItemKind, type LuaPattern, type PatternItem, Repeat } from "./lua_pattern.ts";

const CAPTURES_MAX = 32;
/** Items inside each other that wait for the rest of the pattern. */
const DEPTH_MAX = 3000;

/** Lengths of captures that have none. */
const UNFINISHED = -1;
const POSITION = -2;

export class LuaMatcher {
  readonly subject: string;
  readonly #items: readonly PatternItem[];
  readonly #first: Uint8Array | null;
  /** Where the match that `find` found ends. */
  end = 0;
  #level = 0;
  #depth = 0;
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];

  constructor(subject: string, pattern: LuaPattern) {
    this.subject = subject;
    this.#items = pattern.items;
    this.#first = pattern.starts;
  }

  /** Finds the first match at or behind a place: where it begins, or -1; see `end`. */
  find(start: number): number {
    const { subject } = this;
    const first = this.#first;
    for (let at = start; at <= subject.length; at++) {
      if (first !== null) {
        const from = at;
        while (at < subject.length && first[subject.charCodeAt(at)] === 0) at++;
        spendSteps((at - from) >>> 3);
        if (at === subject.length) return -1;
      }
      const end = this.matchAt(at);
      if (end < 0) continue;
      this.end = end;
      return at;
    }
    return -1;
  }

  /** Matches at a place of the subject; the end of the match, or -1. */
  matchAt(start: number): number {
    this.#level = 0;
    this.#depth = 0;
    return this.#match(start, 0);
  }

  #match(start: number, index: number): number {
    if ((meter.c -= 1) < 0) meter.onSteps();
    if (++this.#depth > DEPTH_MAX) fail("pattern too complex");
    const end = this.#matchItems(start, index);
    this.#depth--;
    return end;
  }

  #matchItems(start: number, index: number): number {
    const { subject } = this;
    const items = this.#items;
    let at = start;
    for (let i = index;; i++) {
      const item = items[i]!;
      if (item.kind === ItemKind.Single) {
        const { set } = item;
        const isMatch = at < subject.length && set[subject.charCodeAt(at)] !== 0;
        if (item.repeat === Repeat.Once) {
          if (!isMatch) return -1;
          at++;
          continue;
        }
        if (item.repeat === Repeat.Optional) {
          if (isMatch) {
            const end = this.#match(at + 1, i + 1);
            if (end >= 0) return end;
          }
          continue;
        }
        if (item.repeat === Repeat.Lazy) return this.#matchLazily(at, set, i + 1);
        if (item.repeat === Repeat.Greedy) return this.#matchGreedily(at, at, set, i + 1);
        return isMatch ? this.#matchGreedily(at, at + 1, set, i + 1) : -1;
      }
      if (item.kind === ItemKind.End) return at;
      const next = this.#matchSpecial(item, at, i);
      if (next < 0) return -1;
      // Captures match the rest themselves.
      if (item.kind <= ItemKind.CloseCapture) return next;
      at = next;
    }
  }

  /** Any item but a set: the place behind it; for captures the end of the match; -1: no match. */
  #matchSpecial(item: PatternItem, at: number, index: number): number {
    const { subject } = this;
    switch (item.kind) {
      case ItemKind.OpenCapture:
        return this.#openCapture(at, index + 1, UNFINISHED);
      case ItemKind.OpenPosition:
        return this.#openCapture(at, index + 1, POSITION);
      case ItemKind.CloseCapture:
        return this.#closeCapture(at, index + 1);
      case ItemKind.SubjectEnd:
        return at === subject.length ? at : -1;
      case ItemKind.Balance:
        return this.#matchBalance(at, item.first, item.second);
      case ItemKind.Frontier: {
        // Before the start and behind the end there is a zero.
        const before = at === 0 ? 0 : subject.charCodeAt(at - 1);
        const after = at < subject.length ? subject.charCodeAt(at) : 0;
        return item.set[before] === 0 && item.set[after] !== 0 ? at : -1;
      }
      case ItemKind.BackReference:
        return this.#matchBackReference(at, item.first);
      default:
        return fail(item.fault);
    }
  }

  #matchGreedily(from: number, first: number, set: Uint8Array, rest: number): number {
    const { subject } = this;
    let at = first;
    while (at < subject.length && set[subject.charCodeAt(at)] !== 0) at++;
    spendSteps((at - first) >>> 3);
    const least = first > from ? first : from;
    for (; at >= least; at--) {
      const end = this.#match(at, rest);
      if (end >= 0) return end;
    }
    return -1;
  }

  #matchLazily(from: number, set: Uint8Array, rest: number): number {
    const { subject } = this;
    for (let at = from;; at++) {
      const end = this.#match(at, rest);
      if (end >= 0) return end;
      if (at >= subject.length || set[subject.charCodeAt(at)] === 0) return -1;
    }
  }

  #matchBalance(start: number, open: number, close: number): number {
    const { subject } = this;
    if (start >= subject.length || subject.charCodeAt(start) !== open) return -1;
    let depth = 1;
    for (let at = start + 1; at < subject.length; at++) {
      const code = subject.charCodeAt(at);
      if (code === close) {
        if (--depth === 0) {
          spendSteps((at - start) >>> 3);
          return at + 1;
        }
      } else if (code === open) depth++;
    }
    spendSteps((subject.length - start) >>> 3);
    return -1;
  }

  #matchBackReference(at: number, capture: number): number {
    if (capture < 0 || capture >= this.#level || this.#lengths[capture] === UNFINISHED) {
      fail("invalid capture index");
    }
    const length = this.#lengths[capture]!;
    if (length === POSITION) return -1;
    const start = this.#starts[capture]!;
    const text = this.subject.slice(start, start + length);
    return this.subject.startsWith(text, at) ? at + length : -1;
  }

  #openCapture(at: number, rest: number, length: number): number {
    const level = this.#level;
    if (level >= CAPTURES_MAX) fail("too many captures");
    this.#starts[level] = at;
    this.#lengths[level] = length;
    this.#level = level + 1;
    const end = this.#match(at, rest);
    if (end < 0) this.#level--;
    return end;
  }

  #closeCapture(at: number, rest: number): number {
    let level = this.#level - 1;
    while (level >= 0 && this.#lengths[level] !== UNFINISHED) level--;
    if (level < 0) fail("invalid pattern capture");
    this.#lengths[level] = at - this.#starts[level]!;
    const end = this.#match(at, rest);
    if (end < 0) this.#lengths[level] = UNFINISHED;
    return end;
  }

  /** Number of captures of the last match. */
  get captureCount(): number {
    return this.#level;
  }

  /** A capture of the last match; number 0 is the whole match if there is none. */
  capture(index: number, start: number, end: number): unknown {
    if (index >= this.#level) {
      if (index !== 0) fail("invalid capture index");
      return this.subject.slice(start, end);
    }
    const length = this.#lengths[index]!;
    const from = this.#starts[index]!;
    if (length === POSITION) return from + 1;
    if (length === UNFINISHED) fail("unfinished capture");
    return this.subject.slice(from, from + length);
  }

  /** All captures, or the whole match if there are none. */
  captures(start: number, end: number): unknown[] {
    const count = this.#level === 0 ? 1 : this.#level;
    const values: unknown[] = [];
    for (let i = 0; i < count; i++) values.push(this.capture(i, start, end));
    return values;
  }
}
