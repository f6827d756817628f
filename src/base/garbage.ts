/**
 * Garbage: asks V8 for a collection. Left to itself, V8 does not collect while little is allocated
 * on its heap, however many megabytes the few objects there hold outside of it; and a server that
 * has nothing to do allocates nothing.
 *
 * V8 shows its `gc` where `--expose-gc` is among the flags it is started with, as in `deno task
 * start` and in the executable. Else it does so only in contexts that were made after the flag was
 * set: that costs modules of node, some 2 MB, and a context, and not every version does it.
 */
import process from "node:process";

type Collector = (options?: unknown) => unknown;

const THOROUGH = { type: "major", execution: "sync", flavor: "last-resort" };

let collect: Collector | null | undefined;

/**
 * Collects all garbage now: a pause of some milliseconds. If `isThorough`, V8 also gives back the
 * pages of its heap that it keeps for later, which takes several times as long. False if the
 * runtime cannot.
 */
export function collectGarbage(isThorough = false): boolean {
  if (collect === undefined) collect = shownCollector() ?? findCollector();
  if (isThorough) collect?.(THOROUGH);
  else collect?.();
  return collect !== null;
}

/** Whether a collection costs no memory. */
export function hasCollector(): boolean {
  return shownCollector() !== null;
}

function shownCollector(): Collector | null {
  const { gc } = globalThis as { gc?: unknown };
  return typeof gc === "function" ? gc as Collector : null;
}

function findCollector(): Collector | null {
  try {
    process.getBuiltinModule("node:v8").setFlagsFromString("--expose-gc");
    const found: unknown = process.getBuiltinModule("node:vm").runInNewContext("gc");
    return typeof found === "function" ? found as Collector : null;
  } catch {
    return null;
  }
}
