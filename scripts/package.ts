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
 *
 * What is missing is found before the first file is written: the exit code is 1 then, and dist/ is
 * as it was.
 */
import { parseArgs } from "@std/cli";
import { ensureDirSync, existsSync, walkSync } from "@std/fs";
import { dirname, fromFileUrl, join, relative, resolve } from "@std/path";
import { executableName, type Target, TARGETS } from "./build.ts";
import { completions } from "./completions.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));
const TEMPLATES = join(ROOT, "packaging");
const MANIFESTS = ["winget", "scoop", "homebrew"];
const PARTS = ["npm", "manifests", "completions"];
const HOW_TO_COMPILE = "deno task compile --all makes it";
const NPM_FILES = ["bin.js", "index.d.ts", "index.js", "keeper.js", "platform.js", "README.md"];

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

/** The manifests by their place below the output, filled in. Throws as `fillTemplate` does. */
function filledManifests(values: ReadonlyMap<string, string>): Map<string, string> {
  const texts = new Map<string, string>();
  for (const kind of MANIFESTS) {
    for (const { path } of walkSync(join(TEMPLATES, kind), { includeDirs: false })) {
      texts.set(relative(TEMPLATES, path), fillTemplate(Deno.readTextFileSync(path), values));
    }
  }
  return texts;
}

function writeTexts(directory: string, texts: ReadonlyMap<string, string>): void {
  for (const [name, text] of texts) {
    const path = join(directory, name);
    ensureDirSync(dirname(path));
    Deno.writeTextFileSync(path, text);
  }
}

/** Where the executables are: those named on the command line, else all of dist/. */
function binariesOf(named: readonly string[], dist: string): Map<Target, string> {
  const binaries = new Map<Target, string>();
  if (named.length === 0) {
    for (const target of TARGETS) binaries.set(target, join(dist, executableName(target)));
  }
  for (const pair of named) {
    const [name, file = ""] = pair.split("=");
    const target = TARGETS.find((known) => known === name);
    if (target === undefined) throw new RangeError(`Cannot pack for "${name}": not a target`);
    binaries.set(target, resolve(file));
  }
  for (const file of binaries.values()) needFile(file, "the executable");
  return binaries;
}

/** Throws an Error that says what is missing and what makes it. */
function needFile(path: string, what: string): void {
  if (existsSync(path, { isFile: true })) return;
  throw new Error(`Cannot find ${what} ${path}: ${HOW_TO_COMPILE}`);
}

interface PackageOptions {
  /** "npm", "manifests", "completions"; none means all of them. */
  readonly parts: readonly string[];
  readonly repository: string | null;
  readonly dist: string;
  readonly output: string;
  /** TARGET=FILE */
  readonly binaries: readonly string[];
}

/** Makes the parts. Throws an Error, before the first file is written, if something is missing. */
export function makePackages(options: PackageOptions): void {
  const { parts, repository, dist, output } = options;
  const unknown = parts.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) {
    throw new RangeError(`Cannot make "${unknown}": known are ${PARTS.join(", ")}`);
  }
  const wants = (part: string) => parts.length === 0 || parts.includes(part);
  const project = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))) as ProjectFile;
  const binaries = wants("npm") ? binariesOf(options.binaries, dist) : null;
  const manifests = wants("manifests") ? manifestsOf(project, repository, dist) : null;
  if (wants("completions")) writeTexts(join(output, "completions"), new Map(completions()));
  if (manifests !== null) writeTexts(output, manifests);
  if (binaries !== null) packNpm(join(output, "npm"), project, repository, binaries);
}

function manifestsOf(
  { version }: ProjectFile,
  repository: string | null,
  dist: string,
): Map<string, string> {
  if (repository === null) throw new TypeError("Manifests need --repository OWNER/NAME");
  const sums = join(dist, "SHA256SUMS");
  needFile(sums, "the checksums");
  return filledManifests(templateValues(Deno.readTextFileSync(sums), { version, repository }));
}

function main(): void {
  const options = parseArgs(Deno.args, {
    string: ["repository", "dist", "output", "binary"],
    collect: ["binary"],
  });
  const dist = resolve(options.dist ?? join(ROOT, "dist"));
  makePackages({
    parts: options._.map(String),
    repository: options.repository ?? null,
    dist,
    output: resolve(options.output ?? join(dist, "packages")),
    binaries: options.binary,
  });
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    // The message says what to do; where in this file it was found helps nobody.
    Deno.stderr.writeSync(new TextEncoder().encode(`${(error as Error).message}\n`));
    Deno.exit(1);
  }
}
