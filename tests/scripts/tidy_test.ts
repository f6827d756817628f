/** Tests of scripts/tidy.ts: each rule finds what it forbids and lets the rest pass. */
import { assertEquals } from "@std/assert";
import { sourceFile } from "../../scripts/source_text.ts";
import {
  checkBans,
  checkCommentedCode,
  checkFileLength,
  checkFunctionLength,
  checkHeader,
  checkLeftovers,
  checkLineLength,
  checkReachable,
  checkTests,
  checkUniqueNames,
  type Finding,
} from "../../scripts/tidy.ts";

type Rule = (file: ReturnType<typeof sourceFile>) => Finding[];

/** Numbers of the lines in which a rule finds something. */
function linesFound(rule: Rule, text: string, path = "src/server/a.ts"): number[] {
  return rule(sourceFile(path, text)).map((finding) => finding.line);
}

function body(lineCount: number, indent: string): string {
  return `${indent}  call();\n`.repeat(lineCount);
}

Deno.test("a line may have 100 characters, counted as characters", () => {
  assertEquals(linesFound(checkLineLength, "ä".repeat(100)), []);
  assertEquals(linesFound(checkLineLength, "\n" + "x".repeat(101)), [2]);
});

Deno.test("a file may have 600 lines", () => {
  assertEquals(linesFound(checkFileLength, "x\n".repeat(600)), []);
  assertEquals(linesFound(checkFileLength, "x\n".repeat(601)), [1]);
});

Deno.test("a file begins with a block comment", () => {
  assertEquals(linesFound(checkHeader, "/**\n * Words.\n */\n"), []);
  assertEquals(linesFound(checkHeader, "// Words.\n"), [1]);
  assertEquals(linesFound(checkHeader, ""), [1]);
});

Deno.test("a function, method or arrow may have 70 lines", () => {
  const shapes: [string, string, string][] = [
    ["function f(): void {\n", "}\n", ""],
    ["export async function f(\n  a: A,\n): Promise<void> {\n", "}\n", ""],
    ["function f({\n  a,\n}: Options) {\n", "}\n", ""],
    ["class A {\n  run(a: number): void {\n", "  }\n}\n", "  "],
    ["class A {\n  async #run() {\n", "  }\n}\n", "  "],
    ["class A {\n  constructor(a: A) {\n", "  }\n}\n", "  "],
    ['Deno.test("x", () => {\n', "});\n", ""],
    ["const f = (a: A): B => {\n", "};\n", ""],
  ];
  for (const [head, tail, indent] of shapes) {
    const start = head.startsWith("class") ? 2 : 1;
    const headLines = head.split("\n").length - start;
    const room = 70 - headLines - 1;
    assertEquals(linesFound(checkFunctionLength, head + body(room, indent) + tail), [], head);
    const long = head + body(room + 1, indent) + tail;
    assertEquals(linesFound(checkFunctionLength, long), [start], head);
  }
});

Deno.test("a class, a table or a statement is no function", () => {
  for (const head of ["class A {\n", "const a = {\n", "interface A {\n"]) {
    assertEquals(linesFound(checkFunctionLength, head + body(90, "") + "}\n"), []);
  }
  assertEquals(linesFound(checkFunctionLength, "  call(\n" + "    x,\n".repeat(90) + "  );\n"), []);
});

Deno.test("notes to oneself are left over, in comments only", () => {
  const word = "TO" + "DO";
  assertEquals(linesFound(checkLeftovers, `// ${word}: later\n/* ${"FIX" + "ME"} */`), [1, 2]);
  assertEquals(linesFound(checkLeftovers, `f("${word}"); // to do or not\n`), []);
});

Deno.test("commented-out code is found, prose is not", () => {
  const code = [
    "// const a = 1;",
    "  // if (a) {",
    "// }",
    "// db.set(key, value);",
    "// a.b = c;",
  ];
  for (const line of code) assertEquals(linesFound(checkCommentedCode, line), [1], line);
  const prose = [
    "// If it fails, nothing is lost.",
    "// Redis: (a) first;",
    "// for all of them",
    "//",
  ];
  for (const line of prose) assertEquals(linesFound(checkCommentedCode, line), [], line);
  assertEquals(linesFound(checkCommentedCode, "call(); // the third one"), []);
});

Deno.test("what has a replacement is banned, outside of its replacement", () => {
  const date = "const now = Date.now();";
  assertEquals(linesFound(checkBans, date), [1]);
  assertEquals(linesFound(checkBans, date, "scripts/a.ts"), [1]);
  assertEquals(linesFound(checkBans, date, "src/base/clock.ts"), []);
  assertEquals(linesFound(checkBans, "Math.random();", "tests/a_test.ts"), [1]);
  assertEquals(linesFound(checkBans, "console.log(1);", "main.ts"), [1]);
  assertEquals(linesFound(checkBans, "Buffer.from(a);\nnew TextDecoder();"), [1, 2]);
  assertEquals(linesFound(checkBans, "new TextDecoder();", "tests/a_test.ts"), []);
  const ignored = "Deno.test({ name, ignore: true, fn });";
  assertEquals(linesFound(checkBans, ignored, "tests/a_test.ts"), [1]);
  assertEquals(linesFound(checkBans, ignored, "tests/support/a.ts"), []);
  assertEquals(linesFound(checkBans, 'f("Date.now"); // console.log is Date.now'), []);
});

Deno.test("the server's microtasks are those of the turn", () => {
  const text = "queueMicrotask(f);";
  assertEquals(linesFound(checkBans, text, "src/server/a.ts"), [1]);
  assertEquals(linesFound(checkBans, text, "src/execution/turn.ts"), []);
  assertEquals(linesFound(checkBans, text, "src/cli/a.ts"), []);
});

Deno.test("the server's timers are in one place", () => {
  for (const call of ["setTimeout(f, 1);", "setInterval(f, 1);"]) {
    assertEquals(linesFound(checkBans, call, "src/server/a.ts"), [1]);
    assertEquals(linesFound(checkBans, call, "src/base/timers.ts"), []);
    assertEquals(linesFound(checkBans, call, "src/cli/a.ts"), []);
  }
  assertEquals(linesFound(checkBans, "socket.setTimeout(5);", "src/net/tls_stream.ts"), []);
});

Deno.test("a module keeps no view of memory that it cannot be told to forget", () => {
  for (const kind of ["Slice", "SortedSetCursor", "SearchTarget"]) {
    assertEquals(linesFound(checkBans, `const view = new ${kind}();`, "src/values/a.ts"), [1]);
    assertEquals(linesFound(checkBans, `const view = scratch(new ${kind}());`), []);
    assertEquals(linesFound(checkBans, `  const view = new ${kind}();`), []);
  }
});

Deno.test("commands are synchronous", () => {
  const text = "export async function getCommand() {\n  await x;\n}";
  assertEquals(linesFound(checkBans, text, "src/commands/a.ts"), [1, 2]);
  assertEquals(linesFound(checkBans, text, "src/server/a.ts"), []);
});

Deno.test("base names are unique, package entries excepted", () => {
  const paths = ["src/base/a.ts", "src/server/a.ts", "src/std/x/mod.ts", "src/std/y/mod.ts"];
  assertEquals(checkUniqueNames(paths).map((finding) => finding.path), ["src/server/a.ts"]);
});

Deno.test("each source has a test of its name, or of the module it is a part of", () => {
  const sources = ["src/base/a.ts", "src/base/a_nodes.ts", "src/base/a_nodes_deep.ts"];
  assertEquals(checkTests([...sources, "tests/base/a_test.ts"]), []);
  const missing = checkTests([...sources, "tests/base/b_test.ts", "src/std/cli/mod.ts"]);
  assertEquals(missing.map((finding) => finding.path), sources);
  // Without a.ts beside it, a_nodes.ts is no part of anything.
  assertEquals(checkTests(["src/x/a_nodes.ts", "src/base/a.ts", "tests/a_test.ts"]).length, 1);
});

Deno.test("each source is reached from an entry point", () => {
  const paths = ["main.ts", "src/base/a.ts", "src/base/b.ts", "src/std/cli/mod.ts", "tests/c.ts"];
  const found = checkReachable(paths, new Set(["main.ts", "src/base/a.ts"]));
  assertEquals(found.map((finding) => finding.path), ["src/base/b.ts"]);
  assertEquals(checkReachable(paths, new Set()).map((finding) => finding.path), ["main.ts"]);
});
