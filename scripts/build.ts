/**
 * Builds executables with `deno compile`.
 *
 *   deno task compile                          for this machine, into dist/redeno
 *   deno task compile --all                    for all five targets, with dist/SHA256SUMS
 *   deno task compile --target TARGET          for one of them
 *   deno task compile … --output FILE          to this path (one target only)
 *   deno task compile … --sandboxed            without native code: no clients over epoll
 *
 * DENO names the deno to compile with (default: the one that runs this). If DENORT_BIN is set, that
 * runtime is used for this machine instead of a downloaded one. The workers are included by name,
 * since no static import leads to them; tests, scripts and node_modules are left out.
 *
 * What is compiled is a copy of the source without comments. An executable has its source in
 * memory, as text and again as the engine's strings, for each thread: that is 7 MB less. Lines and
 * columns stay where they are, so that an error still names the place.
 */
import { parseArgs } from "@std/cli";
import { ensureDirSync } from "@std/fs";
import { basename, dirname, join, resolve } from "@std/path";
import { readSources, ROOT, withoutComments } from "./source_text.ts";

export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

export type Target = typeof TARGETS[number];

const WORKERS = ["src/persistence/child_worker.ts", "src/net/socket_worker.ts"];
const PERMISSIONS = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
];
/** Epoll and the limit of open files, by the C library: src/net/libc.ts. */
const NATIVE_PERMISSION = "--allow-ffi";
/**
 * The compiler puts more of a command into one piece: an eighth less processor time for each. And
 * what is compiled stays so: after a collection in a quiet time the next 160 commands would take 30
 * ms of processor time more.
 */
const ENGINE_FLAGS = "--v8-flags=" + [
  "--expose-gc",
  "--no-flush-bytecode",
  "--max-inlined-bytecode-size-cumulative=4000",
  "--max-inlined-bytecode-size=2000",
].join(",");

/** The name of a target's executable, as it is attached to a release. */
export function executableName(target: Target): string {
  return `redeno-${target}${target.includes("windows") ? ".exe" : ""}`;
}

/**
 * The arguments of `deno compile` for a target, or for this machine if it is null. `isSandboxed`:
 * without the permission to call native code.
 */
export function compileArguments(
  target: Target | null,
  output: string,
  isSandboxed = false,
): string[] {
  return [
    "compile",
    "--no-check",
    "--node-modules-dir=none",
    // It would be a file of a known name in the temporary folder, where anybody could put one of
    // his own making before the first start, and that would be run.
    "--no-code-cache",
    // Datagram sockets, for `supervised systemd`.
    "--unstable-net",
    ...PERMISSIONS,
    ...(isSandboxed ? [] : [NATIVE_PERMISSION]),
    ENGINE_FLAGS,
    ...WORKERS.flatMap((worker) => ["--include", worker]),
    ...(target === null ? [] : ["--target", target]),
    "--output",
    output,
    "main.ts",
  ];
}

/** The line of SHA256SUMS for a file, as `sha256sum --check` reads it. */
export async function checksumLine(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  return `${hex.join("")}  ${basename(path)}\n`;
}

/** Copies what is compiled into a folder, without comments. */
export function copySource(folder: string): void {
  for (const { path } of readSources()) {
    if (path !== "main.ts" && !path.startsWith("src/")) continue;
    const copy = join(folder, path);
    ensureDirSync(dirname(copy));
    Deno.writeTextFileSync(copy, withoutComments(Deno.readTextFileSync(join(ROOT, path))));
  }
  // Which names imports have, and which packages are linked to src/std.
  for (const path of ["deno.json", ...stdConfigs()]) {
    Deno.copyFileSync(join(ROOT, path), join(folder, path));
  }
}

function stdConfigs(): string[] {
  const folders = [...Deno.readDirSync(join(ROOT, "src/std"))].filter((one) => one.isDirectory);
  return folders.map(({ name }) => `src/std/${name}/deno.json`);
}

async function compile(
  target: Target | null,
  output: string,
  isSandboxed: boolean,
): Promise<void> {
  ensureDirSync(dirname(output));
  const deno = Deno.env.get("DENO") ?? Deno.execPath();
  const args = compileArguments(target, output, isSandboxed);
  const folder = await Deno.makeTempDir({ prefix: "redeno_build_" });
  try {
    copySource(folder);
    const { success } = await new Deno.Command(deno, { args, cwd: folder }).spawn().status;
    if (!success) throw new Error(`Cannot compile for ${target ?? "this machine"}`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

async function compileAll(directory: string, isSandboxed: boolean): Promise<void> {
  const lines: string[] = [];
  for (const target of TARGETS) {
    const output = join(directory, executableName(target));
    await compile(target, output, isSandboxed);
    lines.push(await checksumLine(output));
  }
  await Deno.writeTextFile(join(directory, "SHA256SUMS"), lines.join(""));
}

async function main(): Promise<void> {
  const options = parseArgs(Deno.args, {
    boolean: ["all", "sandboxed"],
    string: ["target", "output"],
  });
  const { all, sandboxed } = options;
  const directory = join(ROOT, "dist");
  if (all) return await compileAll(directory, sandboxed);
  const target = TARGETS.find((known) => known === options.target) ?? null;
  if (options.target !== undefined && target === null) {
    throw new RangeError(`Cannot compile for "${options.target}": known are ${TARGETS.join(", ")}`);
  }
  const own = Deno.build.os === "windows" ? "redeno.exe" : "redeno";
  const output = options.output ?? join(directory, target === null ? own : executableName(target));
  await compile(target, resolve(output), sandboxed);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    // Why the compiler failed it has said itself.
    Deno.stderr.writeSync(new TextEncoder().encode(`${(error as Error).message}\n`));
    Deno.exit(1);
  }
}
