/**
 * Expiry score: how what expires is put in order by a score tree (score_tree.ts): by the
 * millisecond and, within one, by the hash of its name.
 *
 * Thousands of elements may have one time: set by one command, or a thousand in each millisecond.
 * A tree puts elements of one score in the order of their names, and would wait for memory with
 * each name that it compares. So a score has a fraction behind the millisecond. Times to compare it
 * with are whole: what is below a time has expired before it.
 */

/** Places within a millisecond: what a double has room for behind 46 bits of milliseconds. */
const FRACTIONS = 128;

/** The score of what expires at `expiryMs` (Unix time in ms, up to 2^46 - 1). */
export function expiryScore(expiryMs: number, hash: number): number {
  return expiryMs + (hash & (FRACTIONS - 1)) / FRACTIONS;
}

/** The expiry, Unix time in ms, that a score holds. */
export function expiryOfScore(score: number): number {
  return Math.floor(score);
}
