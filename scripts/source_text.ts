/**
 * Source text as `tidy.ts` needs it: the files of the project, and each of them with comments and
 * literals blanked out, so that a rule about code is not misled by words in a string.
 *
 * Not a parser. It knows where comments, strings, templates and regular expressions begin and end,
 * which is enough for rules about lines and words in code that `deno fmt` has laid out.
 */
import { walkSync } from "@std/fs";
import { fromFileUrl, join, relative } from "@std/path";

export const ROOT: string = fromFileUrl(new URL("..", import.meta.url));

/** One file: its path from the root with forward slashes, and its text in three forms. */
export interface SourceFile {
  path: string;
  lines: string[];
  /** Comments and the insides of literals replaced by spaces; same lines, same columns. */
  codeLines: string[];
  /** Everything but comments replaced by spaces. */
  commentLines: string[];
}

/** main.ts, mod.ts, and every TypeScript file of src, scripts and tests. */
export function readSources(): SourceFile[] {
  const paths = ["main.ts", "mod.ts"].map((name) => join(ROOT, name)).filter((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  for (const folder of ["src", "scripts", "tests"]) {
    const found = walkSync(join(ROOT, folder), {
      includeDirs: false,
      exts: [".ts"],
      skip: [/[\\/]node_modules([\\/]|$)/],
    });
    for (const entry of found) paths.push(entry.path);
  }
  return paths.map((path) => {
    return sourceFile(relative(ROOT, path).replaceAll("\\", "/"), Deno.readTextFileSync(path));
  });
}

export function sourceFile(path: string, text: string): SourceFile {
  const clean = text.replaceAll("\r\n", "\n");
  const { code, comments } = separate(clean);
  const lines = clean.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return { path, lines, codeLines: code.split("\n"), commentLines: comments.split("\n") };
}

/** Characters after which a slash begins a regular expression and not a division. */
const BEFORE_EXPRESSION = "(,=:[!&|?{};+-*%<>~^\n";
const WORD_BEFORE_EXPRESSION = /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|throw|await)\s*$/;

/** Splits a text into code and comments by blanking the one in the other. */
class Separator {
  code = "";
  comments = "";
  #index = 0;

  constructor(readonly text: string) {}

  run(): void {
    while (this.#index < this.text.length) this.#step();
  }

  /** Moves on to `end`, showing the characters in the code, in the comments, or in neither. */
  #emit(end: number, target: "code" | "comments" | "neither"): void {
    const part = this.text.slice(this.#index, end);
    const blank = part.replace(/[^\n]/g, " ");
    this.code += target === "code" ? part : blank;
    this.comments += target === "comments" ? part : blank;
    this.#index = end;
  }

  #step(): void {
    const { text } = this;
    const start = this.#index;
    const character = text.charAt(start);
    const pair = text.slice(start, start + 2);
    if (pair === "//" || pair === "/*") {
      const found = text.indexOf(pair === "//" ? "\n" : "*/", start + 2);
      const end = found === -1 ? text.length : found + (pair === "//" ? 0 : 2);
      this.#emit(end, "comments");
    } else if (character === '"' || character === "'" || character === "`") {
      this.#literal(character === "`" ? templateEnd(text, start) : stringEnd(text, start));
    } else if (character === "/" && this.#expectsExpression()) {
      this.#literal(expressionEnd(text, start));
    } else this.#emit(start + 1, "code");
  }

  /** Shows the delimiters of a literal and blanks its inside. */
  #literal(end: number): void {
    this.#emit(this.#index + 1, "code");
    this.#emit(Math.max(this.#index, end - 1), "neither");
    this.#emit(end, "code");
  }

  #expectsExpression(): boolean {
    const before = this.code.slice(-200).replace(/[ \t]+$/, "");
    if (before === "" || BEFORE_EXPRESSION.includes(before.at(-1)!)) return true;
    return WORD_BEFORE_EXPRESSION.test(before.slice(-12));
  }
}

export function separate(text: string): { code: string; comments: string } {
  const separator = new Separator(text);
  separator.run();
  return { code: separator.code, comments: separator.comments };
}

/** Index behind the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== text[start] && text[i] !== "\n") {
    i += text[i] === "\\" ? 2 : 1;
  }
  return Math.min(i + 1, text.length);
}

/** Index behind the template that begins at `start`, with all templates nested in it. */
function templateEnd(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== "`") {
    if (text.startsWith("${", i)) i = substitutionEnd(text, i);
    else i += text[i] === "\\" ? 2 : 1;
  }
  return Math.min(i + 1, text.length);
}

function substitutionEnd(text: string, start: number): number {
  let depth = 1;
  let i = start + 2;
  while (i < text.length && depth > 0) {
    const character = text[i];
    if (character === "`") i = templateEnd(text, i);
    else if (character === '"' || character === "'") i = stringEnd(text, i);
    else {
      if (character === "{") depth++;
      if (character === "}") depth--;
      i++;
    }
  }
  return i;
}

/** Index behind the regular expression that begins at `start`; its flags are left as code. */
function expressionEnd(text: string, start: number): number {
  let isInClass = false;
  let i = start + 1;
  while (i < text.length && text[i] !== "\n") {
    if (text[i] === "\\") i++;
    else if (text[i] === "[") isInClass = true;
    else if (text[i] === "]") isInClass = false;
    else if (text[i] === "/" && !isInClass) return i + 1;
    i++;
  }
  return i;
}
