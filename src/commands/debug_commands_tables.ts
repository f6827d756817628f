/**
 * Hash table report: the text of DEBUG HTSTATS. In Redis it tells the lengths of chains of entries;
 * here, of chains of buckets, each with room for twelve.
 */
import type { Memory, Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";

/** The state of a dict in a few lines. O(buckets). */
export function hashTableReport(memory: Memory, table: Ref): string {
  const head = "Hash table 0 stats (main hash table):\n";
  const count = dict.count(memory, table);
  if (count === 0) return `${head}No stats available for empty dictionaries\n`;
  const buckets = dict.bucketCount(memory, table);
  const lengths = dict.chainLengths(memory, table);
  let report = head + ` table size: ${buckets}\n number of elements: ${count}\n` +
    ` max chain length: ${lengths.length - 1}\n` +
    ` elements per bucket: ${(count / buckets).toFixed(2)}\n` +
    " Chain length distribution:\n";
  for (let length = 0; length < lengths.length; length++) {
    const chains = lengths[length] ?? 0;
    if (chains === 0) continue;
    report += `   ${length}: ${chains} (${((chains * 100) / buckets).toFixed(2)}%)\n`;
  }
  return report;
}
