/**
 * Garbage: asks V8 for a collection. Left to itself, V8 does not collect while little is allocated
 * on its heap, however many megabytes the few objects there hold outside of it; and a server that
 * has nothing to do allocates nothing.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | null | undefined;

/** Collects all garbage now: a pause of a few milliseconds. False if the runtime cannot. */
export function collectGarbage(): boolean {
  if (collect === undefined) collect = findCollector();
  collect?.();
  return collect !== null;
}

/**
 * V8 shows its `gc` where `--expose-gc` was among its flags at the start, as `deno task start` and
 * the executable have it; else only in contexts that were made after the flag was set, which costs
 * a context, and not every version does it.
 */
function findCollector(): (() => void) | null {
  const { gc } = globalThis as { gc?: unknown };
  if (typeof gc === "function") return () => void gc();
  try {
    setFlagsFromString("--expose-gc");
    const found: unknown = runInNewContext("gc");
    return typeof found === "function" ? () => void found() : null;
  } catch {
    return null;
  }
}
