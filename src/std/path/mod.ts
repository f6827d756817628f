/**
 * Local stand-in for `jsr:@std/path`: the functions that Redeno uses, which are those of
 * `node:path` and `node:url`, with the platform's own separator rules. See src/std/assert/mod.ts
 * for why it exists.
 */
import nodePath from "node:path";
import { fileURLToPath } from "node:url";

export const SEPARATOR: string = nodePath.sep;

export function join(path: string, ...paths: string[]): string {
  return nodePath.join(path, ...paths);
}

export function resolve(...pathSegments: string[]): string {
  return nodePath.resolve(...pathSegments);
}

export function dirname(path: string): string {
  return nodePath.dirname(path);
}

export function basename(path: string, suffix = ""): string {
  return nodePath.basename(path, suffix);
}

export function extname(path: string): string {
  return nodePath.extname(path);
}

export function relative(from: string, to: string): string {
  return nodePath.relative(from, to);
}

export function isAbsolute(path: string): boolean {
  return nodePath.isAbsolute(path);
}

export function fromFileUrl(url: string | URL): string {
  return fileURLToPath(url);
}
