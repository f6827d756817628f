/**
 * Proves that our sentences are our own (`deno task words`): no sentence of redis-server 7.0.15's
 * documentation, HELP or log stands in the program. See shared_words.ts for what a sentence is.
 *
 * Both servers are started and asked for COMMAND, COMMAND DOCS and the HELP of every container. The
 * texts that our sources hand to the log are held against all that redis-server's executable holds.
 * Log lines that tools and people look for stay as they are: docs/operations.md lists them in a
 * table, and only those that are still in use may be there.
 *
 * Prints each repeated sentence with its place; the exit code is 1 if there is one. Without
 * redis-server nothing is compared, which a line says, and the exit code is 0.
 */
import { join } from "@std/path";
import { Both } from "../tests/differential/both.ts";
import { missingReason } from "../tests/support/tool_availability.ts";
import type { RespClient } from "../tests/support/resp_client.ts";
import type { Plain } from "../tests/support/resp_reply.ts";
import { printLine } from "../tests/support/text.ts";
import { logTexts, Originals } from "./shared_words.ts";
import { readSources, ROOT } from "./source_text.ts";

/** A text of ours, and where it stands. */
interface Placed {
  place: string;
  text: string;
}

const PROSE_FIELDS = ["summary", "complexity", "replaced_by", "history", "notes"];
const CONTAINERS = (
  "ACL CLIENT CLUSTER COMMAND CONFIG DEBUG FUNCTION LATENCY MEMORY MODULE OBJECT PUBSUB SCRIPT " +
  "SLOWLOG XGROUP XINFO"
).split(" ");
/** What writes the log: not the client, nor the check tools, whose output is Redis's. */
const OWN_LOG = /^(?:main\.ts$|src\/(?!cli\/|std\/|persistence\/check_))/;
/** A describing line; syntax that goes on on a second line is further in. */
const DESCRIBING = /^ {4,6}(?! )/;
/** The last line of every HELP is a part of its frame. */
const FRAME = "    Prints this help.";

/** All prose below a reply of COMMAND or COMMAND DOCS, which are trees of names and values. */
export function proseTexts(reply: Plain, place = ""): Placed[] {
  if (!Array.isArray(reply)) return [];
  return reply.flatMap((item, index) => {
    const name = reply[index - 1];
    const isField = typeof name === "string" && PROSE_FIELDS.includes(name);
    const inner = typeof name === "string" ? `${place} ${name}`.trim() : place;
    if (isField && typeof item === "string") return [{ place: inner, text: item }];
    if (!isField || name !== "history") return proseTexts(item, inner);
    return (item as Plain[][]).map(([version, text]) => {
      return { place: `${inner} ${version}`, text: String(text) };
    });
  });
}

/** The describing lines of a HELP, each by itself and, where there are several, together. */
export function helpTexts(lines: readonly string[]): Placed[] {
  const texts: Placed[] = [];
  let entry = "";
  let described: string[] = [];
  const endEntry = () => {
    if (described.length > 1) texts.push({ place: entry, text: described.join("\n") });
    described = [];
  };
  for (const line of lines) {
    if (line === FRAME) continue;
    if (DESCRIBING.test(line)) {
      texts.push({ place: entry, text: line });
      described.push(line);
    } else {
      endEntry();
      entry = line.trim();
    }
  }
  endEntry();
  return texts;
}

/**
 * The parts of log lines that stay Redis's, from docs/operations.md: the first column of the table
 * below their heading.
 */
export function keptLines(operations: string): string[] {
  const section = /^### Lines that are Redis's own$(.*?)(?=^#|$(?![^]))/ms.exec(operations)?.[1] ??
    "";
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!);
}

async function documentation(client: RespClient): Promise<Placed[]> {
  const texts = proseTexts(await client.expect("COMMAND") as Plain);
  texts.push(...proseTexts(await client.expect("COMMAND", "DOCS") as Plain));
  for (const container of CONTAINERS) {
    const lines = await client.call(container, "HELP");
    if (!Array.isArray(lines)) continue;
    for (const { place, text } of helpTexts(lines.map(String))) {
      texts.push({ place: `${container} HELP, ${place}`, text });
    }
  }
  return texts;
}

/** What `strings` would print of an executable: all runs of six printable characters or more. */
function printableRuns(bytes: Uint8Array): string[] {
  return new TextDecoder("latin1").decode(bytes).match(/[ -~\t]{6,}/g) ?? [];
}

function repeated(originals: Originals, texts: readonly Placed[]): string[] {
  return texts.flatMap(({ place, text }) => {
    const words = originals.repeatedBy(text);
    return words === null ? [] : [`${place}: ${words}`];
  });
}

async function checkDocumentation(both: Both): Promise<string[]> {
  const original = await documentation(both.redis);
  const own = await documentation(both.ours);
  return repeated(new Originals(original.map(({ text }) => text)), own);
}

/** The path of the program that serves the client. */
async function executableOf(client: RespClient): Promise<string> {
  return /^executable:(.*)\r$/m.exec(String(await client.expect("INFO", "server")))![1]!;
}

async function checkLog(executable: string): Promise<string[]> {
  const originals = new Originals(printableRuns(await Deno.readFile(executable)));
  const kept = keptLines(await Deno.readTextFile(join(ROOT, "docs", "operations.md")));
  const sources = readSources().filter(({ path }) => OWN_LOG.test(path));
  const own = sources.flatMap((file) =>
    logTexts(file).map(({ line, text }) => {
      const keptPart = kept.find((part) => text.includes(part)) ?? "";
      return { place: `${file.path}:${line}`, text: text.replace(keptPart, "%s") };
    })
  );
  const stale = kept
    .filter((part) => !sources.some(({ lines }) => lines.some((line) => line.includes(part))))
    .map((part) => `docs/operations.md: '${part}' is kept, but not in use`);
  return [...repeated(originals, own), ...stale];
}

if (import.meta.main) {
  const reason = missingReason("redis-server");
  if (reason !== null) printLine(`words: nothing is checked: ${reason}`);
  else {
    await using both = await Both.start();
    const findings = await checkDocumentation(both);
    findings.push(...await checkLog(await executableOf(both.redis)));
    for (const finding of findings) printLine(finding);
    printLine(`words: ${findings.length} repeated sentences`);
    if (findings.length > 0) Deno.exitCode = 1;
  }
}
