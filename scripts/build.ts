/**
 * Builds the executable with `deno compile`.
 *
 *   deno task compile                     for this machine, into dist/
 *   deno run -A scripts/build.ts --all    for all five targets, with checksums beside them
 *   … --output FILE                       to this path (one target only)
 *
 * DENO names the deno to compile with (default: the one that runs this). If DENORT_BIN is set, that
 * runtime is used for this machine instead of a downloaded one. The worker is included by name,
 * since no static import leads to it; tests, scripts and node_modules are left out.
 */
import { ensureDirSync } from "@std/fs";
import { join } from "@std/path";

export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

const WORKER = "src/persistence/child_worker.ts";
const PERMISSIONS = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
];

/** The arguments of `deno compile` for a target, or for this machine if it is null. */
export function compileArguments(target: string | null, output: string): string[] {
  return [
    "compile",
    "--no-check",
    "--node-modules-dir=none",
    ...PERMISSIONS,
    "--include",
    WORKER,
    ...(target === null ? [] : ["--target", target]),
    "--output",
    output,
    "main.ts",
  ];
}

async function compile(target: string | null, output: string): Promise<void> {
  const deno = Deno.env.get("DENO") ?? Deno.execPath();
  const command = new Deno.Command(deno, { args: compileArguments(target, output) });
  const { success } = await command.spawn().status;
  if (!success) throw new Error(`Cannot compile for ${target ?? "this machine"}`);
}

async function writeChecksums(directory: string, names: readonly string[]): Promise<void> {
  const lines: string[] = [];
  for (const name of names) {
    const bytes = await Deno.readFile(join(directory, name));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    lines.push(`${hex}  ${name}\n`);
  }
  await Deno.writeTextFile(join(directory, "SHA256SUMS"), lines.join(""));
}

if (import.meta.main) {
  ensureDirSync("dist");
  const outputIndex = Deno.args.indexOf("--output");
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  if (Deno.args.includes("--all")) {
    const names: string[] = [];
    for (const target of TARGETS) {
      const name = `redeno-${target}${target.includes("windows") ? ".exe" : ""}`;
      await compile(target, join("dist", name));
      names.push(name);
    }
    await writeChecksums("dist", names);
  } else {
    const output = outputIndex < 0 ? join("dist", `redeno${suffix}`) : Deno.args[outputIndex + 1];
    await compile(null, output);
  }
}
