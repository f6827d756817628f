/**
 * Makes everything of a release that is not an executable, out of dist/ and the templates of
 * packaging/:
 *
 *   deno task package --repository OWNER/NAME          all of it, into dist/packages/
 *   deno task package npm                              packages for npm: npm/<name>/, as npm packs
 *   deno task package manifests --repository …         for winget, scoop and Homebrew
 *   deno task package completions                      for bash, zsh, fish and PowerShell
 *   … --dist DIR --output DIR                          other places
 *   … --binary TARGET=FILE                             an executable from elsewhere; repeatable.
 *                                                      Only the targets named are packed then
 *
 * The version is that of deno.json, the checksums those of dist/SHA256SUMS. A template holds
 * `{{version}}`, `{{repository}}` and `{{sha256:NAME}}` with the name of an attached file; one that
 * cannot be filled is an error. Nothing is published; .github/workflows/release.yml does that.
 */
import { parseArgs } from "@std/cli";
import { ensureDirSync, walkSync } from "@std/fs";
import { dirname, fromFileUrl, join, relative, resolve } from "@std/path";
import { executableName, type Target, TARGETS } from "./build.ts";
import { completions } from "./completions.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));
const TEMPLATES = join(ROOT, "packaging");
const MANIFESTS = ["winget", "scoop", "homebrew"];
const NPM_FILES = ["bin.js", "index.d.ts", "index.js", "platform.js", "README.md"];

/** What npm and Node.js call the platform of a target (`process.platform`, `process.arch`). */
export interface NpmPlatform {
  os: "linux" | "darwin" | "win32";
  cpu: "x64" | "arm64";
}

export function npmPlatform(target: Target): NpmPlatform {
  const os = target.includes("linux") ? "linux" : target.includes("apple") ? "darwin" : "win32";
  return { os, cpu: target.startsWith("x86_64") ? "x64" : "arm64" };
}

/** The package that holds a target's executable. */
export function platformPackageName(target: Target): string {
  const { os, cpu } = npmPlatform(target);
  return `@redeno/${os}-${cpu}`;
}

interface ProjectFile {
  version: string;
  license: string;
}

/** package.json of the package that is installed by name. */
export function mainManifest({ version, license }: ProjectFile, repository: string | null) {
  const names = TARGETS.map(platformPackageName);
  return {
    name: "redeno",
    version,
    description: "A Redis-compatible server as one executable, and its use in test suites",
    keywords: ["redis", "server", "testing"],
    license,
    ...repositoryField(repository),
    type: "module",
    bin: { redeno: "bin.js" },
    exports: { ".": { types: "../packaging/npm/index.d.ts", default: "./index.js" } },
    files: NPM_FILES,
    engines: { node: ">=18" },
    optionalDependencies: Object.fromEntries(names.map((name) => [name, version])),
  };
}

/** package.json of the package that holds one executable. */
export function platformManifest(
  target: Target,
  { version, license }: ProjectFile,
  repository: string | null,
) {
  const { os, cpu } = npmPlatform(target);
  return {
    name: platformPackageName(target),
    version,
    description: `The executable of redeno for ${os} on ${cpu}`,
    license,
    ...repositoryField(repository),
    os: [os],
    cpu: [cpu],
    ...(os === "linux" ? { libc: ["glibc"] } : {}),
    files: [os === "win32" ? "redeno.exe" : "redeno"],
    preferUnplugged: true,
  };
}

function repositoryField(repository: string | null): { repository?: string } {
  return repository === null ? {} : { repository: `github:${repository}` };
}

/** A template with its places filled in. Throws a RangeError for a place without a value. */
export function fillTemplate(template: string, values: ReadonlyMap<string, string>): string {
  return template.replaceAll(/\{\{([^{}]+)\}\}/g, (_, name: string) => {
    const value = values.get(name);
    if (value === undefined) throw new RangeError(`Cannot fill {{${name}}}: it has no value`);
    return value;
  });
}

/** The values of templates: `sha256:NAME` for every line of SHA256SUMS, and what is given. */
export function templateValues(
  checksums: string,
  given: Readonly<Record<string, string>>,
): Map<string, string> {
  const values = new Map(Object.entries(given));
  for (const [, digest, name] of checksums.matchAll(/^([0-9a-f]{64}) [ *](.+)$/gm)) {
    values.set(`sha256:${name}`, digest);
  }
  return values;
}

function writeJson(path: string, value: unknown): void {
  ensureDirSync(dirname(path));
  Deno.writeTextFileSync(path, JSON.stringify(value, null, 2) + "\n");
}

function packNpm(
  directory: string,
  project: ProjectFile,
  repository: string | null,
  binaries: ReadonlyMap<Target, string>,
): void {
  const main = join(directory, "redeno");
  writeJson(join(main, "package.json"), mainManifest(project, repository));
  for (const name of NPM_FILES) Deno.copyFileSync(join(TEMPLATES, "npm", name), join(main, name));
  Deno.copyFileSync(join(ROOT, "LICENSE"), join(main, "LICENSE"));
  for (const [target, binary] of binaries) {
    const folder = join(directory, platformPackageName(target).slice("@redeno/".length));
    const manifest = platformManifest(target, project, repository);
    writeJson(join(folder, "package.json"), manifest);
    const executable = join(folder, manifest.files[0]);
    Deno.copyFileSync(binary, executable);
    if (Deno.build.os !== "windows") Deno.chmodSync(executable, 0o755);
    Deno.copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  }
}

function writeManifests(directory: string, values: ReadonlyMap<string, string>): void {
  for (const kind of MANIFESTS) {
    for (const { path } of walkSync(join(TEMPLATES, kind), { includeDirs: false })) {
      const output = join(directory, relative(TEMPLATES, path));
      ensureDirSync(dirname(output));
      Deno.writeTextFileSync(output, fillTemplate(Deno.readTextFileSync(path), values));
    }
  }
}

function writeCompletions(directory: string): void {
  ensureDirSync(directory);
  for (const [name, text] of completions()) Deno.writeTextFileSync(join(directory, name), text);
}

/** Where the executables are: those named on the command line, else all of dist/. */
function binariesOf(named: readonly string[], dist: string): Map<Target, string> {
  if (named.length === 0) {
    return new Map(TARGETS.map((target) => [target, join(dist, executableName(target))]));
  }
  const binaries = new Map<Target, string>();
  for (const pair of named) {
    const [name, file] = pair.split("=");
    const target = TARGETS.find((known) => known === name);
    if (target === undefined) throw new RangeError(`Cannot pack for "${name}": not a target`);
    binaries.set(target, resolve(file));
  }
  return binaries;
}

function main(): void {
  const options = parseArgs(Deno.args, {
    string: ["repository", "dist", "output", "binary"],
    collect: ["binary"],
  });
  const project = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))) as ProjectFile;
  const dist = resolve(options.dist ?? join(ROOT, "dist"));
  const output = resolve(options.output ?? join(dist, "packages"));
  const repository: string | null = options.repository ?? null;
  const wants = (name: string) => options._.length === 0 || options._.includes(name);
  if (wants("completions")) writeCompletions(join(output, "completions"));
  if (wants("npm")) {
    packNpm(join(output, "npm"), project, repository, binariesOf(options.binary, dist));
  }
  if (wants("manifests")) {
    if (repository === null) throw new TypeError("Manifests need --repository OWNER/NAME");
    const checksums = Deno.readTextFileSync(join(dist, "SHA256SUMS"));
    const given = { version: project.version, repository };
    writeManifests(output, templateValues(checksums, given));
  }
}

if (import.meta.main) main();
