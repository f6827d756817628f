/**
 * Places in Lua source that can fail: line and names, for error texts.
 *
 * The emitter numbers each operation that may fail and each call; the number is in the emitted code
 * and nothing else of the place is. Numbers are unique in the process: a chunk takes a range of
 * blocks, and the registry finds the chunk of a number, as long as any of its functions lives.
 */
import { assert } from "../base/assert.ts";

const BLOCK_SITES = 256;

/** How a value came into the place where it fails: "local 'x'", "global 'y'", "method 'z'" … */
export interface SiteNames {
  /** The operand, or what is called. */
  first: string | null;
  /** The right operand. */
  second: string | null;
}

/** Where something arose, for the host's report. */
export interface ErrorPlace {
  /** The name the chunk was compiled under: "@user_script". */
  source: string;
  line: number;
}

/** The places of one chunk. */
export class ChunkSites {
  /** The chunk as messages call it. */
  readonly chunkId: string;
  /** The name it was compiled under: "@user_script". */
  readonly chunkName: string;
  /** The emitted function; its text shows where the calls are. */
  emitted: (() => unknown) | null = null;
  /** By the places that look something up by name: where it stood the last time. */
  hints = new Int32Array(0);
  readonly #base: number;
  readonly #lines: number[] = [];
  readonly #names: (string | null)[] = [];

  constructor(chunkName: string, chunkId: string) {
    this.chunkName = chunkName;
    this.chunkId = chunkId;
    this.#base = nextBlock * BLOCK_SITES;
  }

  /** Numbers a place. */
  add(line: number, first: string | null = null, second: string | null = null): number {
    this.#lines.push(line);
    this.#names.push(first, second);
    return this.#base + this.#lines.length - 1;
  }

  /** Where in `hints` the hint of a place is. */
  hintOf(site: number): number {
    return site - this.#base;
  }

  /** The first number of the range. */
  get base(): number {
    return this.#base;
  }

  lineOf(site: number): number {
    return this.#lines[site - this.#base]!;
  }

  namesOf(site: number): SiteNames {
    const at = (site - this.#base) * 2;
    return { first: this.#names[at]!, second: this.#names[at + 1]! };
  }

  /** Ends the numbering; from now on the places are found by their numbers. */
  register(): void {
    assert(this.#base === nextBlock * BLOCK_SITES, "one chunk is compiled at a time");
    // One without places has a number all the same: it may have to say where it was.
    const count = Math.max(1, Math.ceil(this.#lines.length / BLOCK_SITES));
    this.hints = new Int32Array(this.#lines.length);
    const reference = new WeakRef(this);
    for (let i = 0; i < count; i++) chunks.set(nextBlock + i, reference);
    finalization.register(this, { first: nextBlock, count });
    nextBlock += count;
  }
}

/** Block 0 is left out: the number 0 means no place. */
let nextBlock = 1;
const chunks = new Map<number, WeakRef<ChunkSites>>();
const finalization = new FinalizationRegistry<{ first: number; count: number }>((range) => {
  for (let i = 0; i < range.count; i++) chunks.delete(range.first + i);
});

/** The chunk that a place belongs to; a negative number means the same place. Null for 0. */
export function chunkOfSite(site: number): ChunkSites | null {
  if (site === 0) return null;
  return chunks.get(Math.floor(Math.abs(site) / BLOCK_SITES))?.deref() ?? null;
}

/** "chunk:line: " of a place, or nothing if it is none. */
export function positionOf(site: number): string {
  const chunk = chunkOfSite(site);
  return chunk === null ? "" : `${chunk.chunkId}:${chunk.lineOf(Math.abs(site))}: `;
}
