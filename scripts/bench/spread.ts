/**
 * What is said of the numbers of several rounds: the median between the smallest and the largest,
 * percentiles of many delays, and ratios taken round by round, for the two servers of a round have
 * had the same neighbours.
 */

/** The value in the middle, or the mean of the two there. NaN of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The smallest value that `percent` of all values do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * percent / 100) - 1)]!;
}

export interface Spread {
  min: number;
  median: number;
  max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { min: Math.min(...values), median: median(values), max: Math.max(...values) };
}

/** Ours to theirs in each round; if the rounds do not match, the ratio of the medians alone. */
export function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  const whole = ours.length === theirs.length
    ? ours.map((value, round) => value / theirs[round]!)
    : [median(ours) / median(theirs)];
  return whole.filter(Number.isFinite);
}

/** A number with three digits that count: 1,206,637, 87.2, 0.97. */
export function shownNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** "median (min–max)"; the median alone if there was one round. */
export function shownSpread(
  values: readonly number[],
  shown: (value: number) => string = shownNumber,
): string {
  if (values.length === 0) return "–";
  const { min, median, max } = spreadOf(values);
  return values.length === 1 ? shown(median) : `${shown(median)} (${shown(min)}–${shown(max)})`;
}

/** Ratios, with two digits behind the point. */
export function shownRatio(values: readonly number[]): string {
  return shownSpread(values, (value) => value.toFixed(2));
}

/** A Markdown table; words, the first column unless told otherwise, to the left, numbers right. */
export function markdownTable(
  header: readonly string[],
  rows: readonly string[][],
  wordColumns = 1,
): string {
  const rule = header.map((_, index) => index < wordColumns ? "---" : "--:");
  return [header, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
