/**
 * Script cache: compiled scripts by their SHA-1.
 *
 * Scripts that came by SCRIPT LOAD stay until SCRIPT FLUSH. Of those that EVAL has left behind the
 * last 500 stay, as newer versions of Redis do: programs that write values into the text of their
 * scripts would use up all memory.
 */
import { hexSha1 } from "../base/sha1.ts";
import type { Statistics } from "../statistics/statistics.ts";
import type { LuaFunction } from "./lua_value.ts";

const EVAL_SCRIPTS_MAX = 500;
/** What a script takes beside its text: an entry, a compiled function. Roughly. */
const SCRIPT_BYTES = 512;

/** A script that was compiled. */
export interface CachedScript {
  readonly sha: string;
  readonly source: string;
  readonly fn: LuaFunction;
  /** SCRIPT_…, script_flags.ts. */
  readonly flags: number;
  /** It came by SCRIPT LOAD. */
  isKept: boolean;
}

export class ScriptCache {
  readonly #bySha = new Map<string, CachedScript>();
  /** The text is what EVAL has: so its hash need not be made each time. */
  readonly #bySource = new Map<string, CachedScript>();
  /** Those that EVAL left behind, the one that was used last at the end. */
  readonly #evaluated = new Set<CachedScript>();
  #textBytes = 0;
  readonly #statistics: Pick<Statistics, "evictedScripts">;

  /** Scripts of EVAL that have to make room are counted in `statistics`. */
  constructor(statistics: Pick<Statistics, "evictedScripts">) {
    this.#statistics = statistics;
  }

  get count(): number {
    return this.#bySha.size;
  }

  /** Memory that the scripts take, roughly, in bytes. */
  get usedBytes(): number {
    return this.#textBytes + this.count * SCRIPT_BYTES;
  }

  /** The script of a SHA-1 in lower case. */
  findSha(sha: string): CachedScript | undefined {
    return this.#bySha.get(sha);
  }

  findSource(source: string): CachedScript | undefined {
    return this.#bySource.get(source);
  }

  /** A script is run: it is the last to be dropped. */
  touch(script: CachedScript): void {
    if (script.isKept || !this.#evaluated.delete(script)) return;
    this.#evaluated.add(script);
  }

  /** SCRIPT LOAD of a script that is here already. */
  keep(script: CachedScript): void {
    script.isKept = true;
    this.#evaluated.delete(script);
  }

  add(source: string, fn: LuaFunction, flags: number, isKept: boolean): CachedScript {
    const script: CachedScript = { sha: hexSha1(source), source, fn, flags, isKept };
    this.#bySha.set(script.sha, script);
    this.#bySource.set(source, script);
    this.#textBytes += source.length;
    if (isKept) return script;
    this.#evaluated.add(script);
    for (const oldest of this.#evaluated) {
      if (this.#evaluated.size <= EVAL_SCRIPTS_MAX) break;
      this.#drop(oldest);
      this.#statistics.evictedScripts++;
    }
    return script;
  }

  #drop(script: CachedScript): void {
    this.#evaluated.delete(script);
    this.#bySha.delete(script.sha);
    this.#bySource.delete(script.source);
    this.#textBytes -= script.source.length;
  }

  clear(): void {
    this.#bySha.clear();
    this.#bySource.clear();
    this.#evaluated.clear();
    this.#textBytes = 0;
  }
}
