/**
 * Who called the function that runs: for `error(message, 2)` and beyond.
 *
 * The place of the innermost call is in `meter.s`. Further out, only JavaScript's own stack knows:
 * each emitted chunk has a name for it, and in the emitted text the number of a call's place stands
 * beside the call. This is slow (some 0.1 ms), and rarely wanted.
 */
import { hostCallSites, meter } from "./lua_meter.ts";
import { chunkOfSite, type ErrorPlace, positionOf } from "./lua_sites.ts";

/** The name under which V8 knows an emitted chunk. */
export function sourceUrlOf(base: number): string {
  return `lua:${base}`;
}

const LUA_FRAME = /\blua:(\d+)(?:, <anonymous>)?:(\d+):(\d+)/;
/** Where a library function or an operator calls Lua: each counts as one depth of `meter.k`. */
const HOST_FRAME = /\bat (?:\S+\.)?(?:callValue|callMetamethod|step|sortValues)\b/;
/** Behind it are the levels of another coroutine. */
const RESUME_FRAME = /\bat resume\b/;

const NUMBER_BEFORE = /(?:\/\*(\d+)\*\/|,(\d+)\)\)?)$/;
/** Where a loop counts its turns, the line of the loop stands beside it. */
const LOOP_AFTER = /^h\(\/\*-(\d+)/;
/** Functions of a library that may stand above a Lua function: nested matches, nested tables. */
const HOST_FRAMES_MAX = 5000;
const LAST_NUMBER = /[\s\S]*(?:\/\*|,)(\d+)(?:\*\/|\))/;
const NUMBER_AFTER = /^(?:[vt]\d+|resumable)\/\*(\d+)\*\//;

/** "chunk:line: " of the function at a level: 1 is the caller of the library function that runs. */
export function positionOfLevel(level: number): string {
  if (level === 1) return meter.s > 0 ? positionOf(meter.s) : "";
  const lines = stackLines();
  let depth = meter.k;
  let found = 1;
  // The place of an operator that called the level above, if that is what did.
  let operatorSite = 0;
  for (let i = 1 + lines.findIndex((line) => LUA_FRAME.test(line)); i < lines.length; i++) {
    const line = lines[i]!;
    if (RESUME_FRAME.test(line)) return "";
    if (HOST_FRAME.test(line)) {
      operatorSite = hostCallSites[depth--]!;
      // A library function is a level of its own, and has no position.
      if (operatorSite === 0 && ++found >= level) return "";
      continue;
    }
    const match = LUA_FRAME.exec(line);
    if (match === null) continue;
    const site = operatorSite !== 0
      ? operatorSite
      : siteAt(Number(match[1]), Number(match[2]), Number(match[3]));
    // A tail call leaves a level without a position in the place of its caller.
    const isTail = operatorSite === 0 && chunkOfSite(site)?.namesOf(site).second === "tail";
    if (isTail && ++found >= level) return "";
    if (++found >= level) return positionOf(site);
    operatorSite = 0;
  }
  return "";
}

function stackLines(limit = 100): string[] {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = limit;
  const { stack } = new Error();
  Error.stackTraceLimit = before;
  return (stack ?? "").split("\n").slice(1);
}

/** The place of the innermost call on a stack as V8 prints it, or 0. */
export function siteOfStack(stack: string | undefined): number {
  for (const line of (stack ?? "").split("\n")) {
    const match = LUA_FRAME.exec(line);
    if (match === null) continue;
    const site = siteAt(Number(match[1]), Number(match[2]), Number(match[3]));
    if (site !== 0) return site;
  }
  return 0;
}

/** About where the innermost Lua function was that runs: at a call, in a loop, behind a place. */
export function currentPlace(): ErrorPlace | null {
  const match = LUA_FRAME.exec(stackLines(HOST_FRAMES_MAX).join("\n"));
  const chunk = match === null ? null : chunkOfSite(Number(match[1]));
  if (match === null || chunk === null) return null;
  const [line, column] = [Number(match[2]), Number(match[3])];
  const lines = chunk.emitted!.toString().split("\n");
  const loop = LOOP_AFTER.exec(lines[line - 1]!.slice(column - 1));
  if (loop !== null) return { source: chunk.chunkName, line: Number(loop[1]) };
  const before = [...lines.slice(0, line - 1), lines[line - 1]!.slice(0, column - 1)].join("\n");
  const site = siteAt(chunk.base, line, column) || Number(before.match(LAST_NUMBER)?.[1] ?? 0);
  return { source: chunk.chunkName, line: site === 0 ? 1 : chunk.lineOf(site) };
}

/** The number of the call at a position of an emitted chunk, or 0. */
function siteAt(base: number, line: number, column: number): number {
  const text = chunkOfSite(base)?.emitted?.toString().split("\n")[line - 1];
  if (text === undefined) return 0;
  const match = NUMBER_BEFORE.exec(text.slice(0, column - 1)) ??
    NUMBER_AFTER.exec(text.slice(column - 1));
  return Number(match?.[1] ?? match?.[2] ?? 0);
}
