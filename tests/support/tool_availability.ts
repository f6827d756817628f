/**
 * Which foreign programs this machine has, and tests that are skipped, aloud, where one is missing.
 *
 * A skipped test prints one line with its reason and counts as ignored in the totals.
 */

import { mayUseLibc } from "../../src/base/native.ts";
import { fromUtf8, printLine } from "./text.ts";

export type Tool =
  | "redis-server"
  | "redis-sentinel"
  | "redis-cli"
  | "redis-benchmark"
  | "redis-check-rdb"
  | "redis-check-aof"
  | "redis-py"
  | "redis-py 5"
  | "prometheus-redis-exporter"
  | "iredis"
  | "openssl"
  | "bash"
  | "fish"
  | "zsh"
  | "linux"
  | "epoll"
  | "posix"
  | "sidekiq"
  | "strace"
  | `python:${string}`
  | `npm:${string}`;

const REDIS_VERSION_LINE = /7\.0\.15\b/;
const reasons = new Map<Tool, string | null>();
const versions = new Map<string, string | null>();

/** What `<program> --version` prints, or null if the program cannot be run. */
export function programVersion(program: string): string | null {
  if (!versions.has(program)) versions.set(program, run(program, ["--version"]));
  return versions.get(program)!;
}

/** Why a tool cannot be used here, or null if it can. Asked once per tool. */
export function missingReason(tool: Tool): string | null {
  if (!reasons.has(tool)) reasons.set(tool, findReason(tool));
  return reasons.get(tool)!;
}

function findReason(tool: Tool): string | null {
  if (tool === "linux") return Deno.build.os === "linux" ? null : "needs /proc of Linux";
  if (tool === "epoll") return mayUseLibc() ? null : "needs Linux and the permission ffi";
  if (tool === "posix") return Deno.build.os === "windows" ? "not for Windows" : null;
  if (tool === "redis-py") {
    return pythonWithRedis() === null ? "no Python with the redis module (python3-redis)" : null;
  }
  if (tool === "sidekiq") {
    const isThere = run("ruby", ["-e", "require 'sidekiq'"]) !== null;
    return isThere ? null : "no Ruby with the gem sidekiq (ruby-sidekiq)";
  }
  if (tool === "strace") {
    const isThere = run(tool, ["-f", "-o", "/dev/null", "true"]) !== null;
    return isThere ? null : "strace not found, or it may not watch processes";
  }
  if (tool === "openssl") return run(tool, ["version"]) === null ? "openssl not found" : null;
  if (tool === "redis-py 5") {
    const program = pythonWithRedis();
    const script = "import redis, sys; sys.exit(int(redis.__version__.split('.')[0]) < 5)";
    const isThere = program !== null && run(program, ["-c", script]) !== null;
    return isThere ? null : "no Python with the redis module of version 5 or later";
  }
  if (tool.startsWith("npm:")) return npmReason(tool);
  if (tool.startsWith("python:")) return pythonModuleReason(tool.slice("python:".length));
  if (tool === "zsh" || tool === "fish" || tool === "bash") {
    if (Deno.build.os === "windows") return "its completions are not for Windows";
    return programVersion(tool) === null ? `${tool} not found` : null;
  }
  if (tool === "iredis" || tool === "prometheus-redis-exporter") {
    return programVersion(tool) === null ? `${tool} not found` : null;
  }
  if (tool === "redis-check-rdb" || tool === "redis-check-aof") {
    return programVersion("redis-server") !== null && run(tool, [], true) !== null
      ? null
      : `${tool} not found`;
  }
  const version = programVersion(tool);
  if (version === null) return `${tool} not found`;
  return REDIS_VERSION_LINE.test(version) ? null : `${tool} is not 7.0.15: ${version.trim()}`;
}

/** Where Pythons are; REDENO_PYTHON may name one more. */
const PYTHONS = ["python3", "/usr/bin/python3", "/usr/local/bin/python3"];
const pythons = new Map<string, string | null>();

/** The Python with the newest redis module, or null. */
export function pythonWithRedis(): string | null {
  return pythonWith();
}

/** Of the Pythons that have redis and all these modules the one with the newest redis, or null. */
export function pythonWith(...modules: string[]): string | null {
  const key = modules.join();
  if (!pythons.has(key)) pythons.set(key, newestPython(["redis", ...modules]));
  return pythons.get(key)!;
}

function newestPython(modules: readonly string[]): string | null {
  const script = `import ${modules.join(", ")}; print(redis.__version__)`;
  let newest: string | null = null;
  let newestVersion: number[] = [];
  for (const program of [...(Deno.env.get("REDENO_PYTHON") ?? "").split(" "), ...PYTHONS]) {
    const version = program === "" ? null : run(program, ["-c", script]);
    if (version === null) continue;
    const numbers = version.trim().split(".").map((part) => parseInt(part) || 0);
    if (newest !== null && compareVersions(numbers, newestVersion) <= 0) continue;
    newest = program;
    newestVersion = numbers;
  }
  return newest;
}

/** Below, at or above zero, as numbers of versions are in order. */
export function compareVersions(one: readonly number[], other: readonly number[]): number {
  const length = Math.max(one.length, other.length);
  for (let i = 0; i < length; i++) {
    const difference = (one[i] ?? 0) - (other[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Modules of Python, with commas between them, beside the redis module. */
function pythonModuleReason(modules: string): string | null {
  if (pythonWith(...modules.split(",")) !== null) return null;
  return `no Python with redis and the modules ${modules}`;
}

/** Arguments of `deno` that run a script with packages from npm, apart from our deno.json. */
export const NPM_RUN_ARGUMENTS = ["--no-config", "--no-lock", "--node-modules-dir=none"] as const;

function npmReason(specifier: string): string | null {
  const args = ["cache", "--quiet", ...NPM_RUN_ARGUMENTS, specifier];
  return run(Deno.execPath(), args) === null ? `${specifier} cannot be fetched from npm` : null;
}

function run(program: string, args: readonly string[], anyExitCode = false): string | null {
  try {
    const result = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).outputSync();
    if (!result.success && !anyExitCode) return null;
    return fromUtf8(result.stdout) + fromUtf8(result.stderr);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Declares a test that needs foreign programs; ignored with a printed reason if one is missing. */
export function testWith(
  tools: readonly Tool[],
  name: string,
  body: (context: Deno.TestContext) => void | Promise<void>,
): void {
  const missing = tools.map(missingReason).filter((reason) => reason !== null);
  testUnless(missing.length > 0 ? missing.join(", ") : null, { name, fn: body });
}

/** Declares a test that is ignored, with a printed line, if something stands in its way. */
export function testUnless(hindrance: string | null, test: Deno.TestDefinition): void {
  if (hindrance !== null) printLine(`skipped: ${test.name}: ${hindrance}`);
  Deno.test({ ...test, ignore: hindrance !== null });
}

/** A program that has not ended by then never will. */
const RUN_MS_MAX = 600_000;

/** Runs a foreign program to its end. Throws with its output if it fails, unless told not to. */
export async function runTool(
  program: string,
  args: readonly string[],
  options: { stdin?: string; anyExitCode?: boolean; cwd?: string; timeoutMs?: number } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    signal: AbortSignal.timeout(options.timeoutMs ?? RUN_MS_MAX),
  }).spawn();
  const writer = child.stdin.getWriter();
  // A program that ends without reading its input is no failure of ours.
  await writer.write(new TextEncoder().encode(options.stdin ?? "")).catch(() => {});
  await writer.close().catch(() => {});
  const output = await child.output();
  const stdout = fromUtf8(output.stdout);
  const stderr = fromUtf8(output.stderr);
  if (!output.success && options.anyExitCode !== true) {
    throw new Error(
      `Cannot run ${program} ${args.join(" ")}: exit ${output.code}\n${stdout}${stderr}`,
    );
  }
  return { code: output.code, stdout, stderr };
}
