/**
 * Local stand-in for `jsr:@std/fs`: asking whether a path exists, making directories, walking a
 * tree. Same names and signatures as the real package, over `Deno.*` built-ins. See
 * src/std/assert/mod.ts for why it exists.
 *
 * `walk` takes only the options that this project uses and does not follow symbolic links.
 */
import { basename, join } from "node:path";

export interface ExistsOptions {
  isFile?: boolean;
  isDirectory?: boolean;
}

export interface WalkOptions {
  includeFiles?: boolean;
  includeDirs?: boolean;
  /** File-name endings to keep, with or without the dot. */
  exts?: string[];
  /** Paths that match any of these are left out, directories with all they hold. */
  skip?: RegExp[];
}

export interface WalkEntry extends Deno.DirEntry {
  path: string;
}

function suits(info: Deno.FileInfo, options: ExistsOptions | undefined): boolean {
  if (options?.isFile) return info.isFile;
  if (options?.isDirectory) return info.isDirectory;
  return true;
}

export async function exists(path: string | URL, options?: ExistsOptions): Promise<boolean> {
  try {
    return suits(await Deno.stat(path), options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export function existsSync(path: string | URL, options?: ExistsOptions): boolean {
  try {
    return suits(Deno.statSync(path), options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export async function ensureDir(dir: string | URL): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
}

export function ensureDirSync(dir: string | URL): void {
  Deno.mkdirSync(dir, { recursive: true });
}

function isSkipped(path: string, options: WalkOptions): boolean {
  return options.skip?.some((pattern) => pattern.test(path)) ?? false;
}

function hasWantedEnding(path: string, options: WalkOptions): boolean {
  return options.exts?.some((ending) => path.endsWith(ending)) ?? true;
}

export function* walkSync(
  root: string,
  options: WalkOptions = {},
): IterableIterator<WalkEntry> {
  if (isSkipped(root, options)) return;
  if ((options.includeDirs ?? true) && hasWantedEnding(root, options)) {
    const entry = { isFile: false, isDirectory: true, isSymlink: false };
    yield { path: root, name: basename(root), ...entry };
  }
  for (const entry of Deno.readDirSync(root)) {
    const path = join(root, entry.name);
    if (entry.isDirectory) yield* walkSync(path, options);
    else if (
      (options.includeFiles ?? true) && !isSkipped(path, options) &&
      hasWantedEnding(path, options)
    ) yield { path, ...entry };
  }
}

export async function* walk(
  root: string,
  options: WalkOptions = {},
): AsyncIterableIterator<WalkEntry> {
  yield* walkSync(root, options);
}
