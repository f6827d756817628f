/**
 * Script cache: compiled scripts by their SHA-1.
 *
 * Scripts that came by SCRIPT LOAD stay until SCRIPT FLUSH. Of those that EVAL has left behind the
 * last 500 stay, as newer versions of Redis do: programs that write values into the text of their
 * scripts would use up all memory.
 */
import { equalBytes, latin1Bytes } from "../base/bytes.ts";
import { hexSha1 } from "../base/sha1.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Statistics } from "../statistics/statistics.ts";
import type { LuaFunction } from "./lua_value.ts";

const EVAL_SCRIPTS_MAX = 500;
/** What a script takes beside its text: an entry, a compiled function. Roughly. */
const SCRIPT_BYTES = 512;
export const SHA1_CHARACTERS = 40;
/** Digits of a SHA-1 by which scripts are found: as many as make a small integer. */
const PREFIX_DIGITS = 7;

/** A script that was compiled. */
export interface CachedScript {
  readonly sha: string;
  readonly shaBytes: Uint8Array;
  readonly source: string;
  readonly fn: LuaFunction;
  /** SCRIPT_…, script_flags.ts. */
  readonly flags: number;
  /** It came by SCRIPT LOAD. */
  isKept: boolean;
}

export class ScriptCache {
  /** By the first digits of the SHA-1; almost always one each. */
  readonly #byPrefix = new Map<number, readonly CachedScript[]>();
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
    return this.#bySource.size;
  }

  /** Memory that the scripts take, roughly, in bytes. */
  get usedBytes(): number {
    return this.#textBytes + this.count * SCRIPT_BYTES;
  }

  /** The script whose SHA-1 an argument is, letters of either case; no string is made of it. */
  findSha(argv: Argv, index: number): CachedScript | undefined {
    if (argv.lengths[index] !== SHA1_CHARACTERS) return undefined;
    const { bytes } = argv;
    const start = argv.starts[index]!;
    let prefix = 0;
    for (let at = start; at < start + PREFIX_DIGITS; at++) {
      prefix = prefix << 4 | digitOf(bytes[at]!);
    }
    const scripts = this.#byPrefix.get(prefix);
    if (scripts === undefined) return undefined;
    for (const script of scripts) {
      // Almost always in small letters.
      if (equalBytes(bytes, start, script.shaBytes, 0, SHA1_CHARACTERS)) return script;
      if (argv.is(index, script.sha)) return script;
    }
    return undefined;
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
    const sha = hexSha1(source);
    const shaBytes = latin1Bytes(sha);
    const script: CachedScript = { sha, shaBytes, source, fn, flags, isKept };
    const prefix = prefixOf(script.sha);
    this.#byPrefix.set(prefix, [...this.#byPrefix.get(prefix) ?? [], script]);
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
    const prefix = prefixOf(script.sha);
    const others = this.#byPrefix.get(prefix)!.filter((each) => each !== script);
    if (others.length > 0) this.#byPrefix.set(prefix, others);
    else this.#byPrefix.delete(prefix);
    this.#bySource.delete(script.source);
    this.#textBytes -= script.source.length;
  }

  clear(): void {
    this.#byPrefix.clear();
    this.#bySource.clear();
    this.#evaluated.clear();
    this.#textBytes = 0;
  }
}

/** What a hexadecimal digit stands for; any number below 16 if it is none. */
function digitOf(character: number): number {
  return ((character & 15) + (character >> 6) * 9) & 15;
}

function prefixOf(sha: string): number {
  return parseInt(sha.slice(0, PREFIX_DIGITS), 16);
}
