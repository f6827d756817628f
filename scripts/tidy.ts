/**
 * Checks the rules of the house that fmt, lint and the compiler do not know (`deno task tidy`).
 *
 * Per file: lines, functions and files have a limit; a comment at the head says what the file is;
 * nothing is left over (notes to oneself, commented-out code); what has a replacement is not used
 * behind its back. Over the whole tree: base names are unique, each source has its test, and each
 * source is reached from main.ts or a worker entry.
 *
 * Works on lines of text laid out by `deno fmt`, not on a syntax tree. Prints every finding as
 * `path:line: what is wrong`; the exit code is 1 if there is one. Each rule has its own test.
 */
import { basename, dirname, join } from "@std/path";
import { entryPoints, readGraph } from "./check_layers.ts";
import { readSources, type SourceFile } from "./source_text.ts";

const LINE_CHARACTERS_MAX = 100;
const FUNCTION_LINES_MAX = 70;
const FILE_LINES_MAX = 600;

export interface Finding {
  path: string;
  line: number;
  message: string;
}

type FileRule = (file: SourceFile) => Finding[];

/** Makes a rule out of a question about a single line; null means the line is fine. */
function perLine(question: (file: SourceFile, index: number) => string | null): FileRule {
  return (file) =>
    file.lines.flatMap((_, index) => {
      const message = question(file, index);
      return message === null ? [] : [{ path: file.path, line: index + 1, message }];
    });
}

/** The text of strings does not count: command tables hold long ones, which Redis has worded. */
export const checkLineLength: FileRule = perLine((file, index) => {
  const line = file.lines[index]!.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  const length = [...line].length;
  return length > LINE_CHARACTERS_MAX ? `line of ${length} characters` : null;
});

export function checkFileLength(file: SourceFile): Finding[] {
  if (file.lines.length <= FILE_LINES_MAX) return [];
  return [{ path: file.path, line: 1, message: `file of ${file.lines.length} lines` }];
}

export function checkHeader(file: SourceFile): Finding[] {
  if (file.lines[0]?.startsWith("/**")) return [];
  return [{ path: file.path, line: 1, message: "no block comment at the head of the file" }];
}

/** The first line of a function: declared, a method, or an arrow with a body. */
const FUNCTION_START = new RegExp(
  [
    /^\s*(?:export )?(?:default )?(?:async )?function\b/,
    /^\s+(?:(?:static|get|set|async|override|private|protected|public) |\*)*#?[\w$]+(?:<[^(]*>)?\(/,
    /^\s+constructor\(/,
    /=> \{$/,
  ].map((pattern) => pattern.source).join("|"),
);

/** Lines that look like the first line of a method but are statements. */
const STATEMENT_START = /^\s*(?:if|for|while|switch|catch|return|super|await|throw)\b/;

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** Index of the last line of the block that begins at `start`, or -1 if it holds no block. */
function blockEnd(lines: readonly string[], start: number): number {
  const indent = indentOf(lines[start]!);
  let isOpen = lines[start]!.trimEnd().endsWith("{");
  for (let i = start + 1; i < lines.length; i++) {
    const line = lines[i]!.trimEnd();
    if (line === "" || indentOf(line) > indent) continue;
    if (indentOf(line) < indent) return -1;
    if (line.endsWith("{")) isOpen = true; // `): Result {` or `}: Options) {`
    else if (/^\s*[)}\]]/.test(line)) return isOpen ? i : -1;
    else return -1;
  }
  return -1;
}

export function checkFunctionLength(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  file.codeLines.forEach((line, start) => {
    if (!FUNCTION_START.test(line.trimEnd())) return;
    if (STATEMENT_START.test(line) && !line.trimEnd().endsWith("=> {")) return;
    const end = blockEnd(file.codeLines, start);
    const count = end - start + 1;
    if (end === -1 || count <= FUNCTION_LINES_MAX) return;
    findings.push({ path: file.path, line: start + 1, message: `function of ${count} lines` });
  });
  return findings;
}

const LEFTOVER = new RegExp("\\b(?:TO" + "DO|FIX" + "ME|XX" + "X|HA" + "CK)\\b");

export const checkLeftovers: FileRule = perLine((file, index) => {
  const match = LEFTOVER.exec(file.commentLines[index]!);
  return match === null ? null : `left over: ${match[0]}`;
});

/** What a line of code looks like and a sentence does not. */
const CODE_LINES = [
  /^(?:const|let|var|return|throw|import|export|await|yield)\b.*;$/,
  /^(?:if|for|while|switch|function|class|else|try)\b.*\{$/,
  /^[\w$.#[\]]+(?:\([^ ]*\)|\(.*\)| [-+*/|&]?= .*);$/,
  /^\}(?:\)?;| else \{)?$/,
];

export const checkCommentedCode: FileRule = perLine((file, index) => {
  const match = /^\s*\/\/ ?(.*)$/.exec(file.commentLines[index]!);
  const text = match?.[1]?.trim() ?? "";
  return CODE_LINES.some((pattern) => pattern.test(text)) ? "commented-out code" : null;
});

interface Ban {
  pattern: RegExp;
  instead: string;
  /** Files to which the ban applies. */
  where: RegExp;
}

const EXCEPT_BASE = /^(?!src\/(?:base|std)\/)/;
/** A variable of a module that a view of, or a walk through, the memory of a server stays in. */
const KEPT_VIEW =
  /^(?:export )?(?:const|let) \w+(?:: \w+)? = new (?:Slice|S\w+Cursor|SearchTarget)\(/;
const SOURCE_EXCEPT_BASE = /^(?:main\.ts|mod\.ts|src\/(?!base\/|std\/))/;

const BANS: readonly Ban[] = [
  { pattern: /\bDate\.now\b/, instead: "src/base/clock.ts", where: EXCEPT_BASE },
  { pattern: /\bMath\.random\b/, instead: "src/base/random.ts", where: EXCEPT_BASE },
  { pattern: /\bconsole\./, instead: "src/base/log.ts, or Deno.stdout", where: EXCEPT_BASE },
  { pattern: /\bnew Date\(\)/, instead: "src/base/clock.ts", where: SOURCE_EXCEPT_BASE },
  { pattern: /\bperformance\.now\b/, instead: "src/base/clock.ts", where: SOURCE_EXCEPT_BASE },
  { pattern: /\bBuffer\b/, instead: "src/base/bytes.ts", where: SOURCE_EXCEPT_BASE },
  { pattern: /\bnew TextDecoder\b/, instead: "src/base/bytes.ts", where: SOURCE_EXCEPT_BASE },
  {
    pattern: /\bqueueMicrotask\b/,
    instead: "turn.afterwards of src/execution/turn.ts",
    where: /^src\/(?!cli\/|execution\/turn\.ts$|net\/event_loop\.ts$)/,
  },
  {
    pattern: /\bset(?:Timeout|Interval)\(/,
    instead: "src/base/timers.ts",
    where: /^src\/(?!cli\/|base\/timers\.ts$|net\/tls)/,
  },
  {
    pattern: /\bignore:/,
    instead: "testUnless or testWith, which say why",
    where: /^tests\/(?!support\/)/,
  },
  { pattern: /\b(?:async|await)\b/, instead: "synchronous code", where: /^src\/commands\// },
  { pattern: KEPT_VIEW, instead: "scratch(…) of src/base/scratch.ts", where: /^src\/(?!cli\/)/ },
];

export const checkBans: FileRule = perLine((file, index) => {
  const code = file.codeLines[index]!;
  for (const ban of BANS) {
    const match = ban.where.test(file.path) ? ban.pattern.exec(code) : null;
    if (match !== null) return `"${match[0]}" is banned here: use ${ban.instead}`;
  }
  return null;
});

/** Every rule about a single file. */
export const FILE_RULES: readonly FileRule[] = [
  checkLineLength,
  checkFunctionLength,
  checkFileLength,
  checkHeader,
  checkLeftovers,
  checkCommentedCode,
  checkBans,
];

export function checkUniqueNames(paths: readonly string[]): Finding[] {
  const first = new Map<string, string>();
  const findings: Finding[] = [];
  for (const path of paths) {
    const name = basename(path);
    // The entry of a package must have this name.
    if (name === "mod.ts") continue;
    const other = first.get(name);
    if (other === undefined) first.set(name, path);
    else findings.push({ path, line: 1, message: `has the same base name as ${other}` });
  }
  return findings;
}

/** Sources without a test of their own name, each with the reason and the tests that cover it. */
const TESTED_ELSEWHERE: readonly { path: RegExp; reason: string }[] = [
  {
    path: /^src\/std\//,
    reason: "stand-ins: replaced by the real packages where JSR is reachable",
  },
  {
    path: /^src\/memory\/memory\.ts$/,
    reason: "the bits of a ref and reading by them: arena_test, software_fork_test",
  },
  {
    path: /^src\/keyspace\/keyspace_listener\.ts$/,
    reason: "interfaces and constants only",
  },
  {
    path: /^src\/scripting\/lua_(?:ast|error|runtime_names)\.ts$/,
    reason: "types and a list of names: every test that runs a script",
  },
  {
    path: /^src\/session\/(?:command|errors|host|gates|clients)\.ts$/,
    reason: "declarations: command_table_test, and the differential tests compare every text",
  },
  {
    path: /^src\/config\/version\.ts$/,
    reason: "two texts, which INFO and HELLO show",
  },
  {
    path: /^src\/session\/acl_user\.ts$/,
    reason: "state without behaviour: acl_test, acl_file_test",
  },
  {
    path: /^src\/(?:server\/(?:server|config_effects)|session\/client)\.ts$/,
    reason: "what joins the parts: every test with an EmbeddedServer runs in it",
  },
  {
    path: /^src\/(?:server\/host_process|execution\/reset_statistics)\.ts$/,
    reason: "the end of the process: shutdown_test, process_start_test",
  },
  {
    path: /^src\/net\/(?:door|runtime_listener|runtime_carrier)\.ts$/,
    reason:
      "who comes in and how the runtime carries it: listeners_test, tls_test, connection_test",
  },
  {
    path: /^src\/server\/cron\.ts$/,
    reason: "a list of calls: each is tested with what it calls; debug_commands_test stops it",
  },
  {
    path: /^src\/observers\/keyspace_events\.ts$/,
    reason: "seen by subscribers only: pubsub_commands_test",
  },
  {
    path: /^src\/commands\/table\.ts$/,
    reason: "a concatenation: command_table_test, differential/command_table_rows_test",
  },
  {
    path: /^src\/commands\/arguments\.ts$/,
    reason: "parsers shared by families: the tests of each family hand them wrong arguments",
  },
  {
    path: /^src\/commands\/stream_(?:arguments|deletions|effects|groups)\.ts$/,
    reason: "shared by the files of stream commands, whose tests hold texts and effects",
  },
];

/**
 * Whether a test file bears the source's name, or the name of the module it is a part of:
 * `score_tree_nodes.ts` is a part if `score_tree.ts` stands beside it.
 */
function hasTest(path: string, sources: ReadonlySet<string>, tests: ReadonlySet<string>): boolean {
  const stem = path.replace(/\.ts$/, "");
  if (tests.has(`${basename(stem)}_test.ts`)) return true;
  const words = basename(stem).split("_");
  for (let count = words.length - 1; count > 0; count--) {
    const whole = join(dirname(stem), words.slice(0, count).join("_")).replaceAll("\\", "/");
    if (sources.has(`${whole}.ts`) && tests.has(`${basename(whole)}_test.ts`)) return true;
  }
  return false;
}

/** Holds that every source has its test, or is listed above. */
export function checkTests(paths: readonly string[]): Finding[] {
  const sources = new Set(paths.filter((path) => path.startsWith("src/")));
  const tests = new Set(paths.filter((path) => path.startsWith("tests/")).map((p) => basename(p)));
  return [...sources]
    .filter((path) => !TESTED_ELSEWHERE.some((allowance) => allowance.path.test(path)))
    .filter((path) => !hasTest(path, sources, tests))
    .map((path) => ({ path, line: 1, message: "has no test file of its name below tests/" }));
}

/** Holds that every source is reached by imports from an entry point. */
export function checkReachable(
  paths: readonly string[],
  reached: ReadonlySet<string>,
): Finding[] {
  if (!reached.has("main.ts")) return [{ path: "main.ts", line: 1, message: "is missing" }];
  return paths
    .filter((path) => path.startsWith("src/") && !path.startsWith("src/std/"))
    .filter((path) => !reached.has(path))
    .map((path) => ({ path, line: 1, message: "is reached from no entry point" }));
}

function printLine(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

function main(): number {
  const files = readSources();
  const paths = files.map((file) => file.path);
  const findings = [
    ...files.flatMap((file) => FILE_RULES.flatMap((rule) => rule(file))),
    ...checkUniqueNames(paths),
    ...checkTests(paths),
    ...checkReachable(paths, readGraph(entryPoints()).files),
  ];
  for (const { path, line, message } of findings) printLine(`${path}:${line}: ${message}`);
  printLine(`tidy: ${files.length} files, ${findings.length} findings`);
  return findings.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(main());
