/**
 * How ours stands beside others: ratios to the original and to the best of the rivals, and tables
 * of them. Ratios are ours to theirs: of rates more than 1 is better, of all else less.
 */

import { type Contestant, type ContestantName, ORIGINAL, OURS, RIVALS } from "./contestants.ts";
import { isMoreBetter, type Results } from "./results.ts";
import { markdownTable, median, ratios, shownRatio, shownSpread } from "./spread.ts";

/** The rival with the best median; null if no rival was measured. */
export function bestRival(results: Results, what: string): ContestantName | null {
  const unit = results.unit(what);
  const measured = RIVALS.filter((rival) => results.values(what, rival).length > 0);
  if (unit === undefined || measured.length === 0) return null;
  const sign = isMoreBetter(unit) ? 1 : -1;
  return measured.reduce((best, rival) => {
    const [challenger, holder] = [rival, best].map((one) => median(results.values(what, one)));
    return (challenger! - holder!) * sign > 0 ? rival : best;
  });
}

/**
 * Ratios round by round to the original or to the best; none if one of the two was not measured.
 */
export function ratiosTo(
  results: Results,
  what: string,
  rival: "original" | "best",
  ours: ContestantName = OURS,
): number[] {
  const other = rival === "original" ? ORIGINAL : bestRival(results, what);
  if (other === null) return [];
  const [own, theirs] = [results.values(what, ours), results.values(what, other)];
  return own.length === 0 || theirs.length === 0 ? [] : ratios(own, theirs);
}

export interface StandingsRow {
  label: string;
  /** The name of the measurement. */
  what: string;
}

/** One row for each measurement: all servers, and how ours stands. Cells are "median (min–max)". */
export function standingsTable(
  results: Results,
  contestants: readonly Pick<Contestant, "name" | "title">[],
  heading: string,
  rows: readonly StandingsRow[],
): string {
  const names = contestants.map(({ name }) => name);
  const own = names.filter((name) => !RIVALS.includes(name));
  const hasOriginal = names.includes(ORIGINAL);
  const hasBest = names.filter((name) => RIVALS.includes(name)).length > 1;
  const kinds: ("original" | "best")[] = [
    ...(hasOriginal ? ["original" as const] : []),
    ...(hasBest ? ["best" as const] : []),
  ];
  const header = [heading, ...contestants.map(({ title }) => title)];
  for (const name of own) {
    const whose = own.length > 1 ? `${name}: ` : "";
    header.push(...kinds.map((kind) => `${whose}× ${kind}`));
  }
  return markdownTable(
    header,
    rows.map(({ label, what }) => [
      label,
      ...names.map((name) => shownSpread(results.values(what, name))),
      ...own.flatMap((name) =>
        kinds.map((kind) => shownRatio(ratiosTo(results, what, kind, name)))
      ),
    ]),
  );
}
