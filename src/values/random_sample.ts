/**
 * Random sample: elements drawn at random from a collection, each subset of the wanted size as
 * likely as any other. SRANDMEMBER, HRANDFIELD and ZRANDMEMBER with a positive count draw this way.
 *
 * Drawing with repetition needs no help: every draw stands for itself. MEMORY USAGE does not draw:
 * it looks at the first entries of the table, which is as good, for the hash has shuffled them.
 */
import { random } from "../base/random.ts";
import type { Memory, Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";

/** Below this share of the entries, drawing and noting what was drawn is quicker than a walk. */
const DRAW_SHARE = 1 / 3;

/**
 * Calls `visit` with `wanted` different indexes below `total`, in ascending order; with all, if
 * `wanted` is not below `total`. O(total). (Knuth, volume 2, 3.4.2, algorithm S.)
 */
export function sampleIndexes(
  total: number,
  wanted: number,
  visit: (index: number) => void,
): void {
  let missing = Math.min(wanted, total);
  for (let index = 0; missing > 0; index++) {
    if (random.below(total - index) >= missing) continue;
    missing--;
    visit(index);
  }
}

/**
 * `wanted` different entries of a dict in no particular order; all, if it has no more. O(wanted)
 * expected, where few are wanted of many, else O(entries).
 */
export function sampleEntries(memory: Memory, entries: Ref, wanted: number): Ref[] {
  const total = dict.count(memory, entries);
  if (wanted < total * DRAW_SHARE) return drawEntries(memory, entries, wanted);
  const chosen: Ref[] = [];
  let missing = Math.min(wanted, total);
  let left = total;
  dict.forEach(memory, entries, (entry) => {
    if (missing > 0 && random.below(left) < missing) {
      missing--;
      chosen.push(entry);
    }
    left--;
  });
  return chosen;
}

/**
 * Bytes of all entries of a dict, estimated from the first `samples` or a few more, or the exact
 * sum if `samples` is 0; `entryBytes` tells those of one.
 */
export function estimateEntryBytes(
  memory: Memory,
  entries: Ref,
  samples: number,
  entryBytes: (entry: Ref) => number,
): number {
  let seen = 0;
  let bytes = 0;
  let cursor = 0;
  do {
    cursor = dict.scan(memory, entries, cursor, (entry) => {
      seen++;
      bytes += entryBytes(entry);
    });
  } while (cursor !== 0 && (samples === 0 || seen < samples));
  return seen === 0 ? 0 : Math.round(bytes / seen * dict.count(memory, entries));
}

function drawEntries(memory: Memory, entries: Ref, wanted: number): Ref[] {
  const chosen = new Set<Ref>();
  while (chosen.size < wanted) chosen.add(dict.randomEntry(memory, entries, random));
  return [...chosen];
}
