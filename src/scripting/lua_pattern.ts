/**
 * Lua's patterns, read once into a list of items.
 *
 * As in C Lua, a fault in a pattern is an error only when matching gets that far, so it becomes an
 * item of its own. A pattern ends at its first zero. Characters are bytes, classes those of the C
 * locale. Matching is in lua_matcher; here nothing is matched.
 */

export const enum ItemKind {
  /** A set of characters, repeated as `repeat` says. */
  Single,
  OpenCapture,
  OpenPosition,
  CloseCapture,
  Balance,
  Frontier,
  BackReference,
  /** "$" at the end. */
  SubjectEnd,
  /** The pattern is matched. */
  End,
  Fault,
}

export const enum Repeat {
  Once,
  Optional,
  /** "*" */
  Greedy,
  /** "+" */
  GreedyOnce,
  /** "-" */
  Lazy,
}

export interface PatternItem {
  kind: ItemKind;
  repeat: Repeat;
  /** 1 for each character that the item takes. */
  set: Uint8Array;
  /** Balance: the two characters; BackReference: the capture, counted from 0. */
  first: number;
  second: number;
  fault: string;
}

const ESCAPE = "%";
const EMPTY_SET = new Uint8Array(256);

function setOf(test: (code: number) => boolean): Uint8Array {
  const set = new Uint8Array(256);
  for (let code = 0; code < 256; code++) if (test(code)) set[code] = 1;
  return set;
}

function setOfExpression(expression: RegExp): Uint8Array {
  return setOf((code) => code < 128 && expression.test(String.fromCharCode(code)));
}

const ANY_SET = setOf(() => true);

/** The classes of "%a" and so on, in the C locale. */
const CLASSES: ReadonlyMap<string, Uint8Array> = new Map([
  ["a", setOfExpression(/[A-Za-z]/)],
  ["c", setOf((code) => code < 32 || code === 127)],
  ["d", setOfExpression(/[0-9]/)],
  ["l", setOfExpression(/[a-z]/)],
  ["p", setOfExpression(/[!-/:-@[-`{-~]/)],
  ["s", setOfExpression(/[ \t\n\v\f\r]/)],
  ["u", setOfExpression(/[A-Z]/)],
  ["w", setOfExpression(/[A-Za-z0-9]/)],
  ["x", setOfExpression(/[A-Fa-f0-9]/)],
  ["z", setOf((code) => code === 0)],
]);

const charSets: (Uint8Array | undefined)[] = [];

function setOfChar(char: string): Uint8Array {
  const code = char.charCodeAt(0);
  return charSets[code] ??= setOf((each) => each === code);
}

/** What "%" and a character stand for: a class, its complement in upper case, or the character. */
function setOfEscape(char: string): Uint8Array {
  const set = CLASSES.get(char.toLowerCase());
  if (set === undefined) return setOfChar(char);
  return char >= "a" ? set : setOf((code) => set[code] === 0);
}

/** The set between brackets: `start` is at "[", `end` at the "]" that closes it. */
function setOfBrackets(pattern: string, start: number, end: number): Uint8Array {
  let at = start + 1;
  const isComplement = pattern[at] === "^";
  if (isComplement) at++;
  const set = new Uint8Array(256);
  const include = (other: Uint8Array) => {
    for (let code = 0; code < 256; code++) set[code]! |= other[code]!;
  };
  for (; at < end; at++) {
    if (pattern[at] === ESCAPE) include(setOfEscape(pattern[++at]!));
    else if (pattern[at + 1] === "-" && at + 2 < end) {
      const last = pattern.charCodeAt(at + 2);
      for (let code = pattern.charCodeAt(at); code <= last; code++) set[code] = 1;
      at += 2;
    } else set[pattern.charCodeAt(at)] = 1;
  }
  return isComplement ? setOf((code) => set[code] === 0) : set;
}

class PatternReader {
  readonly items: PatternItem[] = [];
  readonly #pattern: string;
  #at: number;

  constructor(pattern: string, start: number) {
    this.#pattern = pattern;
    this.#at = start;
  }

  #add(kind: ItemKind, fields: Partial<PatternItem> = {}): void {
    this.items.push({
      kind,
      repeat: Repeat.Once,
      set: EMPTY_SET,
      first: 0,
      second: 0,
      fault: "",
      ...fields,
    });
  }

  /** Reads everything; a fault ends the list. */
  read(): PatternItem[] {
    const pattern = this.#pattern;
    while (this.#at < pattern.length) {
      const fault = this.#readItem();
      if (fault === null) continue;
      this.#add(ItemKind.Fault, { fault });
      return this.items;
    }
    this.#add(ItemKind.End);
    return this.items;
  }

  /** Reads one item; returns what is wrong with it, or null. */
  #readItem(): string | null {
    const pattern = this.#pattern;
    const following = pattern[this.#at + 1];
    switch (pattern[this.#at]) {
      case "(":
        if (following === ")") {
          this.#at += 2;
          this.#add(ItemKind.OpenPosition);
        } else {
          this.#at++;
          this.#add(ItemKind.OpenCapture);
        }
        return null;
      case ")":
        this.#at++;
        this.#add(ItemKind.CloseCapture);
        return null;
      case "$":
        if (following !== undefined) break;
        this.#at++;
        this.#add(ItemKind.SubjectEnd);
        return null;
      case ESCAPE:
        if (following === "b") return this.#readBalance();
        if (following === "f") return this.#readFrontier();
        if (following !== undefined && /[0-9]/.test(following)) {
          this.#at += 2;
          this.#add(ItemKind.BackReference, { first: Number(following) - 1 });
          return null;
        }
    }
    return this.#readSingle();
  }

  #readBalance(): string | null {
    const pattern = this.#pattern;
    if (this.#at + 3 >= pattern.length) return "unbalanced pattern";
    const first = pattern.charCodeAt(this.#at + 2);
    const second = pattern.charCodeAt(this.#at + 3);
    this.#at += 4;
    this.#add(ItemKind.Balance, { first, second });
    return null;
  }

  #readFrontier(): string | null {
    this.#at += 2;
    if (this.#pattern[this.#at] !== "[") return "missing '[' after '%f' in pattern";
    const set = this.#readSet();
    if (typeof set === "string") return set;
    this.#add(ItemKind.Frontier, { set });
    return null;
  }

  /** One character or class; returns what is wrong, if anything. */
  #readSet(): Uint8Array | string {
    const pattern = this.#pattern;
    const start = this.#at++;
    const char = pattern[start]!;
    if (char === ".") return ANY_SET;
    if (char === ESCAPE) {
      const escaped = pattern[this.#at++];
      return escaped === undefined ? "malformed pattern (ends with '%')" : setOfEscape(escaped);
    }
    if (char !== "[") return setOfChar(char);
    if (pattern[this.#at] === "^") this.#at++;
    do {
      const each = pattern[this.#at++];
      if (each === undefined) return "malformed pattern (missing ']')";
      if (each === ESCAPE && this.#at < pattern.length) this.#at++;
    } while (pattern[this.#at] !== "]");
    return setOfBrackets(pattern, start, this.#at++);
  }

  #readSingle(): string | null {
    const set = this.#readSet();
    if (typeof set === "string") return set;
    const repeat = REPEATS.get(this.#pattern[this.#at] ?? "");
    if (repeat !== undefined) this.#at++;
    this.#add(ItemKind.Single, { set, repeat: repeat ?? Repeat.Once });
    return null;
  }
}

const REPEATS: ReadonlyMap<string, Repeat> = new Map([
  ["?", Repeat.Optional],
  ["*", Repeat.Greedy],
  ["+", Repeat.GreedyOnce],
  ["-", Repeat.Lazy],
]);

export interface LuaPattern {
  readonly items: readonly PatternItem[];
  /** The characters with which a match can begin; null if it may be any, or none. */
  readonly starts: Uint8Array | null;
}

function startsOf(items: readonly PatternItem[]): Uint8Array | null {
  const first = items.find((item) =>
    item.kind !== ItemKind.OpenCapture && item.kind !== ItemKind.OpenPosition
  )!;
  if (first.kind !== ItemKind.Single) return null;
  return first.repeat === Repeat.Once || first.repeat === Repeat.GreedyOnce ? first.set : null;
}

/** With more items there may be too many captures, which is an error even without a match. */
const CAPTURES_SAFE = 32;
const PATTERNS_KEPT = 256;
const PATTERN_CHARS_KEPT = 256;
const known = new Map<string, LuaPattern>();

/**
 * Reads a pattern from `start` (1 behind a "^"). Patterns used lately are kept.
 */
export function readPattern(text: string, start: number): LuaPattern {
  const key = start === 0 ? text : "^" + text;
  let pattern = known.get(key);
  if (pattern === undefined) {
    const zero = text.indexOf("\0");
    const items = new PatternReader(zero < 0 ? text : text.slice(0, zero), start).read();
    pattern = { items, starts: items.length > CAPTURES_SAFE ? null : startsOf(items) };
    if (text.length <= PATTERN_CHARS_KEPT) {
      if (known.size >= PATTERNS_KEPT) known.clear();
      known.set(key, pattern);
    }
  }
  return pattern;
}
