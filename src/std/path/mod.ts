/**
 * Local stand-in for `jsr:@std/path`: the functions that Redeno uses, which are those of
 * `node:path` and `node:url`, with the platform's own separator rules. See src/std/assert/mod.ts
 * for why it exists.
 */
import * as posix from "./posix.ts";

/** Loaded when first asked for: see posix.ts. */
const nodePath = () => globalThis.process.getBuiltinModule("node:path");
const own = Deno.build.os === "windows" ? nodePath() : posix;

export const SEPARATOR: string = Deno.build.os === "windows" ? "\\" : "/";

export function join(path: string, ...paths: string[]): string {
  return own.join(path, ...paths);
}

export function resolve(...pathSegments: string[]): string {
  return own.resolve(...pathSegments);
}

export function dirname(path: string): string {
  return own.dirname(path);
}

export function basename(path: string, suffix = ""): string {
  return own.basename(path, suffix);
}

export function extname(path: string): string {
  return nodePath().extname(path);
}

export function relative(from: string, to: string): string {
  return nodePath().relative(from, to);
}

export function isAbsolute(path: string): boolean {
  return own.isAbsolute(path);
}

export function fromFileUrl(url: string | URL): string {
  return globalThis.process.getBuiltinModule("node:url").fileURLToPath(url);
}
