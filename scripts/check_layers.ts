/**
 * Proves that imports point down the list of layers, never up (`deno task layers`).
 *
 * The imports are read from `deno info --json` on main.ts, mod.ts and each worker entry (a worker
 * is not in main's static graph); `import type` counts. The table below is the whole rule. It also
 * holds that production code imports nothing but Node's built-ins and the four @std packages, and
 * nothing from scripts/ or tests/.
 *
 * Prints every import that breaks the rule; the exit code is 1 if there is one.
 */
import { existsSync, walkSync } from "@std/fs";
import { join, relative } from "@std/path";
import { ROOT } from "./source_text.ts";

/** Per layer, from the bottom up: the layers it may import besides itself. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  std: [],
  base: [],
  protocol: ["base"],
  memory: ["base"],
  structures: ["base", "memory"],
  values: ["base", "memory", "structures"],
  // A key is named by an argument of the command: the keyspace knows Argv.
  keyspace: ["base", "protocol", "memory", "structures", "values"],
  persistence: ["base", "protocol", "memory", "structures", "values", "keyspace"],
  replication: ["base", "protocol", "memory", "structures", "values", "keyspace", "persistence"],
  // An engine that knows nothing of a server: what a script may do is given to it.
  scripting: ["base"],
  server: [
    "base",
    "protocol",
    "memory",
    "structures",
    "values",
    "keyspace",
    "persistence",
    "replication",
    "scripting",
  ],
  commands: [
    "base",
    "protocol",
    "memory",
    "structures",
    "values",
    "keyspace",
    "persistence",
    "replication",
    "scripting",
    "server",
  ],
  // The client is a program of its own: it knows the protocol, not the server.
  cli: ["base", "protocol"],
};

/** One import: paths from the root with forward slashes, or a specifier such as "node:path". */
export interface Import {
  from: string;
  to: string;
}

export interface ModuleGraph {
  /** Local files that were reached. */
  files: Set<string>;
  imports: Import[];
  /** What could not be resolved or loaded. */
  errors: string[];
}

/** The layer of a file below src/, or null for any other file. */
function layerOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null;
}

/** Why an import is not allowed, or null if it is. */
export function judgeImport({ from, to }: Import): string | null {
  const source = layerOf(from);
  // main.ts and mod.ts join the layers; src/ files that stand in no layer are no part of the house.
  if (source === null) {
    return (from === "main.ts" || from === "mod.ts") && /^(scripts|tests)\//.test(to)
      ? `${from} is production code`
      : null;
  }
  if (/^[a-z]+:/.test(to)) return to.startsWith("node:") ? null : "is neither Node's nor @std";
  const target = layerOf(to);
  if (target === "std" || target === source) return null;
  if (target === null) return "leaves src/";
  const allowed = LAYERS[source];
  if (allowed === undefined) return `"${source}" is not a layer`;
  return allowed.includes(target) ? null : `${source} may not import ${target}`;
}

/** What `deno info --json` prints, as far as it is used here. */
interface InfoDependency {
  specifier: string;
  code?: { specifier?: string; error?: string };
  type?: { specifier?: string; error?: string };
}

interface InfoModule {
  specifier: string;
  error?: string;
  dependencies?: InfoDependency[];
}

function localPath(specifier: string, rootUrl: string): string {
  if (!specifier.startsWith(rootUrl)) return specifier;
  return decodeURIComponent(specifier.slice(rootUrl.length));
}

/** Adds the modules of one `deno info --json` to the graph; `rootUrl` ends in a slash. */
export function addModules(graph: ModuleGraph, modules: InfoModule[], rootUrl: string): void {
  for (const module of modules) {
    const from = localPath(module.specifier, rootUrl);
    if (module.error !== undefined) graph.errors.push(`${from}: ${module.error}`);
    if (/^[a-z]+:/.test(from) || graph.files.has(from)) continue;
    graph.files.add(from);
    for (const dependency of module.dependencies ?? []) {
      for (const end of [dependency.code, dependency.type]) {
        if (end?.error !== undefined) graph.errors.push(`${from}: ${end.error}`);
        if (end?.specifier === undefined) continue;
        graph.imports.push({ from, to: localPath(end.specifier, rootUrl) });
      }
    }
  }
}

/** main.ts, mod.ts and every file of src/ that is started as a worker, if they exist. */
export function entryPoints(): string[] {
  const entries = ["main.ts", "mod.ts"].filter((name) => existsSync(join(ROOT, name)));
  for (const entry of walkSync(join(ROOT, "src"), { includeDirs: false, exts: ["_worker.ts"] })) {
    entries.push(relative(ROOT, entry.path).replaceAll("\\", "/"));
  }
  return entries;
}

/** The graph of everything that the entry points import. */
export function readGraph(entries: readonly string[]): ModuleGraph {
  const graph: ModuleGraph = { files: new Set(), imports: [], errors: [] };
  for (const entry of entries) {
    const result = new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", entry],
      cwd: ROOT,
      stdin: "null",
    }).outputSync();
    const text = new TextDecoder().decode(result.stdout);
    if (!result.success) throw new Error(new TextDecoder().decode(result.stderr));
    const info = JSON.parse(text) as { modules: InfoModule[] };
    addModules(graph, info.modules, new URL("..", import.meta.url).href);
  }
  return graph;
}

function printLine(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

function main(): number {
  const entries = entryPoints();
  if (!entries.includes("main.ts")) {
    printLine("layers: main.ts not found");
    return 1;
  }
  const graph = readGraph(entries);
  const findings = new Set(graph.errors);
  for (const each of graph.imports) {
    const reason = judgeImport(each);
    if (reason !== null) findings.add(`${each.from} imports ${each.to}: ${reason}`);
  }
  for (const finding of findings) printLine(finding);
  printLine(`layers: ${graph.files.size} files, ${findings.size} findings`);
  return findings.size === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(main());
