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
 * since no static import leads to them.
 *
 * What is compiled is a bundle without comments, by `deno bundle` (it fetches esbuild from npm). Of
 * 424 modules the engine reads the program in 60 ms less, and what an executable has in memory
 * thrice (its file, the source, the engine's strings) is the smaller: 17 MB of resident memory.
 * An error names lines of the bundle, where the module's name is above its code; `deno bundle
 * main.ts` of the same version makes it again.
 */
import { parseArgs } from "@std/cli";
import { ensureDirSync } from "@std/fs";
import { basename, dirname, join, resolve } from "@std/path";
import { ROOT } from "./source_text.ts";

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
 * The arguments of `deno compile` in the folder of the bundle: for a target, or for this machine if
 * it is null. `isSandboxed`: without the permission to call native code.
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
    ...WORKERS.flatMap((worker) => ["--include", basename(worker)]),
    ...(target === null ? [] : ["--target", target]),
    "--output",
    output,
    "main.js",
  ];
}

/** The line of SHA256SUMS for a file, as `sha256sum --check` reads it. */
export async function checksumLine(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  return `${hex.join("")}  ${basename(path)}\n`;
}

/**
 * Makes one file of the program, and one of each worker. (The client, `redeno cli`, stays apart,
 * for a server has no use for it.)
 */
async function bundle(folder: string): Promise<void> {
  const program = ["bundle", "--quiet", "--code-splitting", "--outdir", folder, "main.ts"];
  await runDeno(Deno.execPath(), ROOT, program);
  for (const worker of WORKERS) {
    const output = join(folder, basename(worker));
    await runDeno(Deno.execPath(), ROOT, ["bundle", "--quiet", "--output", output, worker]);
  }
}

async function runDeno(deno: string, cwd: string, args: string[]): Promise<void> {
  const { success } = await new Deno.Command(deno, { args, cwd }).spawn().status;
  if (!success) throw new Error(`Cannot build: deno ${args.join(" ")}`);
}

async function compile(
  target: Target | null,
  output: string,
  isSandboxed: boolean,
): Promise<void> {
  ensureDirSync(dirname(output));
  const deno = Deno.env.get("DENO") ?? Deno.execPath();
  const folder = await Deno.makeTempDir({ prefix: "redeno_build_" });
  try {
    await bundle(folder);
    await runDeno(deno, folder, compileArguments(target, resolve(output), isSandboxed));
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
