/**
 * Cuts Lua source into tokens.
 *
 * The source is Latin-1: one char per byte, whatever encoding the bytes had. Only ASCII letters
 * make names. Error texts are those of Lua 5.1: "chunk:line: what near 'token'". Knows nothing of the
 * grammar; numbers are read by lua_number.
 */
import { LuaSyntaxError } from "./lua_error.ts";
import { parseLuaNumber } from "./lua_number.ts";

/** What a token is: a reserved word or symbol stands for itself. */
export type TokenKind = string;

export const NAME = "<name>";
export const STRING = "<string>";
export const NUMBER = "<number>";
export const END_OF_SOURCE = "<eof>";

const RESERVED: ReadonlySet<string> = new Set(
  ("and break do else elseif end false for function if in local nil not or repeat return then true " +
    "until while").split(" "),
);

const NEWLINE = 10;
const RETURN = 13;

/** Classes of characters below 128, as bits. */
const LETTER = 1;
const DIGIT = 2;
const SPACE = 4;
const CLASSES = new Uint8Array(256);
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code);
  if (/[A-Za-z_]/.test(char)) CLASSES[code] = LETTER;
  else if (/[0-9]/.test(char)) CLASSES[code] = DIGIT;
  else if (/[ \t\v\f]/.test(char)) CLASSES[code] = SPACE;
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Where a token began and what it is; the lexer keeps one of the current and one ahead. */
export interface Token {
  kind: TokenKind;
  /** Text of a name, content of a string. */
  text: string;
  value: number;
}

/** The name under which Lua's messages know a chunk: "@file" and "=name" lose their sign. */
export function chunkIdOf(chunkName: string): string {
  const cName = chunkName.split("\0", 1)[0]!;
  if (cName.startsWith("=")) return cName.slice(1, 60);
  if (cName.startsWith("@")) {
    const name = cName.slice(1);
    return name.length > 52 ? "..." + name.slice(-52) : name;
  }
  let length = cName.search(/[\n\r]/);
  if (length < 0) length = cName.length;
  if (length > 43) length = 43;
  return length < cName.length ? `[string "${cName.slice(0, length)}..."]` : `[string "${cName}"]`;
}

export class LuaLexer {
  readonly token: Token = { kind: END_OF_SOURCE, text: "", value: 0 };
  /** Line of the current token. */
  line = 1;
  /** Line of the token consumed last: the line that its instruction gets. */
  lastLine = 1;
  readonly chunkId: string;
  readonly #source: string;
  #at = 0;
  /** Where the text of the token under way begins, for messages. */
  #start = 0;
  #ahead: Token | null = null;
  #lineAhead = 1;

  constructor(source: string, chunkName: string) {
    this.#source = source;
    this.chunkId = chunkIdOf(chunkName);
    this.next();
    this.lastLine = this.line;
  }

  /** Goes on to the next token. */
  next(): void {
    this.lastLine = this.line;
    const token = this.token;
    if (this.#ahead === null) {
      token.kind = this.#scan(token);
      return;
    }
    token.kind = this.#ahead.kind;
    token.text = this.#ahead.text;
    token.value = this.#ahead.value;
    this.line = this.#lineAhead;
    this.#ahead = null;
  }

  /** The kind of the token after the current one. */
  peek(): TokenKind {
    if (this.#ahead === null) {
      const line = this.line;
      const ahead = { kind: "", text: "", value: 0 };
      ahead.kind = this.#scan(ahead);
      this.#ahead = ahead;
      this.#lineAhead = this.line;
      this.line = line;
    }
    return this.#ahead.kind;
  }

  /** Throws a syntax error that points at the current token. */
  fail(message: string): never {
    const { kind, text } = this.token;
    if (kind === NAME) this.failNear(message, text);
    if (kind === STRING) this.failNear(message, this.#quoted(text));
    if (kind === NUMBER) this.failNear(message, this.#source.slice(this.#start, this.#at));
    this.failNear(message, tokenText(kind));
  }

  /** A string token as Lua's buffer holds it: the delimiters raw, the content without escapes. */
  #quoted(text: string): string {
    const source = this.#source;
    const first = source[this.#start]!;
    if (first !== "[") return first + text + first;
    const open = source.slice(this.#start, source.indexOf("[", this.#start + 1) + 1);
    return open + text + open.replaceAll("[", "]");
  }

  /** Throws a syntax error near a text; without one, just the message. */
  failNear(message: string, near?: string): never {
    const start = `${this.chunkId}:${this.line}: ${message}`;
    // Redis: the message is a C string, it ends at a zero.
    throw new LuaSyntaxError(
      near === undefined ? start : `${start} near '${near.split("\0", 1)[0]}'`,
    );
  }

  #scan(token: Token): TokenKind {
    const source = this.#source;
    for (;;) {
      const at = this.#at;
      if (at >= source.length) return END_OF_SOURCE;
      const code = source.charCodeAt(at);
      const kind = CLASSES[code]!;
      this.#start = at;
      if (kind === LETTER) return this.#name(token);
      if (kind === SPACE) this.#at++;
      else if (kind === DIGIT) return this.#number(token);
      else if (code === NEWLINE || code === RETURN) this.#newline();
      else if (code === 45 && source.charCodeAt(at + 1) === 45) this.#comment();
      else return this.#symbol(token, source[at]!);
    }
  }

  #name(token: Token): TokenKind {
    const source = this.#source;
    let at = this.#at + 1;
    while (at < source.length && (CLASSES[source.charCodeAt(at)]! & (LETTER | DIGIT)) !== 0) at++;
    const text = source.slice(this.#at, at);
    this.#at = at;
    token.text = text;
    return RESERVED.has(text) ? text : NAME;
  }

  /** Steps over a line's end: \r\n and \n\r are one. */
  #newline(): void {
    const first = this.#source.charCodeAt(this.#at++);
    const second = this.#source.charCodeAt(this.#at);
    if ((second === NEWLINE || second === RETURN) && second !== first) this.#at++;
    this.line++;
  }

  #comment(): void {
    this.#at += 2;
    const source = this.#source;
    if (source[this.#at] === "[") {
      const level = this.#bracketLevel();
      if (level >= 0) {
        this.#long(level, "unfinished long comment");
        return;
      }
    }
    let at = this.#at;
    for (; at < source.length; at++) {
      const code = source.charCodeAt(at);
      if (code === NEWLINE || code === RETURN) break;
    }
    this.#at = at;
  }

  #symbol(token: Token, char: string): TokenKind {
    const following = this.#source[this.#at + 1];
    switch (char) {
      case "[": {
        const start = this.#at;
        const level = this.#bracketLevel();
        if (level >= 0) {
          token.text = this.#long(level, "unfinished long string");
          return STRING;
        }
        if (level < -1) {
          this.failNear("invalid long string delimiter", this.#source.slice(start, this.#at));
        }
        break;
      }
      case "=":
      case "<":
      case ">":
      case "~":
        this.#at++;
        if (following !== "=") return char;
        this.#at++;
        return char + "=";
      case '"':
      case "'":
        return this.#string(token, char);
      case ".":
        if (following === ".") {
          const isThree = this.#source[this.#at + 2] === ".";
          this.#at += isThree ? 3 : 2;
          return isThree ? "..." : "..";
        }
        if (CLASSES[this.#source.charCodeAt(this.#at + 1)] === DIGIT) return this.#number(token);
    }
    this.#at++;
    return char;
  }

  #number(token: Token): TokenKind {
    const source = this.#source;
    const start = this.#at;
    let at = start;
    while (at < source.length && (CLASSES[source.charCodeAt(at)] === DIGIT || source[at] === ".")) {
      at++;
    }
    if (source[at] === "e" || source[at] === "E") {
      at++;
      if (source[at] === "+" || source[at] === "-") at++;
    }
    while (at < source.length && (CLASSES[source.charCodeAt(at)]! & (LETTER | DIGIT)) !== 0) at++;
    this.#at = at;
    const text = source.slice(start, at);
    const value = parseLuaNumber(text);
    if (value === undefined) this.failNear("malformed number", text);
    token.value = value;
    return NUMBER;
  }

  #string(token: Token, quote: string): TokenKind {
    const source = this.#source;
    const start = this.#at++;
    let text = "";
    let from = this.#at;
    for (;;) {
      const char = source[this.#at];
      if (char === undefined) this.failNear("unfinished string", END_OF_SOURCE);
      if (char === quote) break;
      if (char === "\n" || char === "\r") {
        this.failNear("unfinished string", quote + text + source.slice(from, this.#at));
      }
      if (char !== "\\") {
        this.#at++;
        continue;
      }
      text += source.slice(from, this.#at++);
      text += this.#escape(quote + text);
      from = this.#at;
    }
    text += source.slice(from, this.#at++);
    token.text = text;
    this.#start = start;
    return STRING;
  }

  /** What stands after a backslash; `before` is the text of the token so far. */
  #escape(before: string): string {
    const source = this.#source;
    const char = source[this.#at];
    if (char === undefined) return "";
    if (char === "\n" || char === "\r") {
      this.#newline();
      return "\n";
    }
    if (CLASSES[char.charCodeAt(0)] !== DIGIT) {
      this.#at++;
      return Object.hasOwn(SIMPLE_ESCAPES, char) ? SIMPLE_ESCAPES[char]! : char;
    }
    let code = 0;
    for (let i = 0; i < 3 && CLASSES[source.charCodeAt(this.#at)] === DIGIT; i++) {
      code = code * 10 + source.charCodeAt(this.#at++) - 48;
    }
    if (code > 255) this.failNear("escape sequence too large", before);
    return String.fromCharCode(code);
  }

  /** After "[" or "]" and equals signs: their number if a second bracket follows, else negative. */
  #bracketLevel(): number {
    const source = this.#source;
    const bracket = source[this.#at];
    let at = this.#at + 1;
    while (source[at] === "=") at++;
    const level = at - this.#at - 1;
    if (source[at] === bracket) {
      this.#at = at;
      return level;
    }
    // A lone "[" is left to the caller.
    if (level > 0) this.#at = at;
    return -level - 1;
  }

  /** The content of a long bracket; the first bracket and the signs were read. */
  #long(level: number, message: string): string {
    const source = this.#source;
    this.#at++;
    const first = source[this.#at];
    if (first === "\n" || first === "\r") this.#newline();
    let text = "";
    let from = this.#at;
    for (;;) {
      const char = source[this.#at];
      if (char === undefined) this.failNear(message, END_OF_SOURCE);
      if (char === "]") {
        const end = this.#at;
        if (this.#bracketLevel() === level) {
          this.#at++;
          return text + source.slice(from, end);
        }
        if (this.#at === end) this.#at++;
      } else if (char === "\n" || char === "\r") {
        text += source.slice(from, this.#at) + "\n";
        this.#newline();
        from = this.#at;
      } else this.#at++;
    }
  }
}

/** How a message calls a symbol: control characters by number. */
export function tokenText(kind: TokenKind): string {
  const code = kind.charCodeAt(0);
  return kind.length === 1 && (code < 32 || code === 127) ? `char(${code})` : kind;
}
