/**
 * Preload target: what `preload-file` names, "rdb:<path>" or "aof:<path>": the file that is loaded
 * at the start in the place of what the server has saved itself.
 */

export interface PreloadTarget {
  readonly kind: "rdb" | "aof";
  readonly path: string;
}

/** The target that a value of the parameter names, or null if it is none. */
export function parsePreloadTarget(text: string): PreloadTarget | null {
  const match = /^(rdb|aof):(.+)$/s.exec(text);
  return match === null ? null : { kind: match[1] as "rdb" | "aof", path: match[2] };
}

/** What is wrong with a value of the parameter; null: nothing. Empty is none. */
export function preloadObjection(text: string): string | null {
  if (text === "" || parsePreloadTarget(text) !== null) return null;
  return "argument must be in the format rdb:<path> or aof:<path>";
}
