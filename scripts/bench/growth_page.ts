/**
 * The page of growth: for each family a plot with a small panel for each operation, and a table of
 * medians with how many times more it costs at the largest size than at the smallest. Made from
 * results alone.
 */

import { type ContestantName, ORIGINAL, OURS, SHOWN_NAMES } from "./contestants.ts";
import type { Operation } from "./growth_families.ts";
import { type Results, shownOccasion } from "./results.ts";
import { markdownTable, median, shownNumber } from "./spread.ts";
import { drawPlot, type PlotSeries } from "./svg_plot.ts";

/** What the page needs of a family. */
export interface GrowthFamily {
  name: string;
  title: string;
  unit: string;
  operations: readonly Pick<Operation, "name" | "measured" | "reason">[];
}

const SERVERS = Object.keys(SHOWN_NAMES) as ContestantName[];
/** Growth beside that of the original from which on a line is said to bend. */
const BEND_MIN = 2;
/** Between neighbouring sizes, a step that is this many times what it is at the original. */
const STEP_MIN = 2.5;

export function measurementName(family: string, operation: string, size: number): string {
  return `growth ${family} ${operation} at ${size}`;
}

function sizesOf(family: GrowthFamily, results: Results): number[] {
  const prefix = `growth ${family.name} `;
  const names = results.names().filter((name) => name.startsWith(prefix));
  const sizes = names.map((name) => Number(name.slice(name.lastIndexOf(" ") + 1)));
  return [...new Set(sizes)].toSorted((left, right) => left - right);
}

function medians(
  family: GrowthFamily,
  operation: string,
  server: ContestantName,
  results: Results,
): number[] {
  return sizesOf(family, results).map((size) =>
    median(results.values(measurementName(family.name, operation, size), server))
  );
}

function serversOf(family: GrowthFamily, results: Results): ContestantName[] {
  return SERVERS.filter((server) =>
    family.operations.some(({ name }) =>
      medians(family, name, server, results).some(Number.isFinite)
    )
  );
}

/** The plots of all families that were measured. */
export function growthPlots(
  families: readonly GrowthFamily[],
  results: Results,
): { name: string; svg: string }[] {
  return families.filter((family) => sizesOf(family, results).length > 0).map((family) => {
    const sizes = sizesOf(family, results);
    const panels = family.operations.map(({ name, measured }) => ({
      title: name,
      ...(measured === undefined ? {} : { yLabel: measured }),
      series: serversOf(family, results).map((server): PlotSeries => ({
        name: SHOWN_NAMES[server],
        points: medians(family, name, server, results).map((value, at) => [sizes[at]!, value]),
      })),
    }));
    const { title, unit } = family;
    const order = SERVERS.map((server) => SHOWN_NAMES[server]);
    const svg = drawPlot({ title, xLabel: unit, yLabel: "CPU µs per command", order, panels });
    return { name: family.name, svg };
  });
}

/**
 * Whether our line bends upward where the original's does not: it has grown twice as much over all
 * sizes, or makes one step that is far larger. In words, or nothing.
 */
export function bend(ours: readonly number[], original: readonly number[]): string {
  if (ours.length < 2 || original.length !== ours.length) return "";
  const growth = (values: readonly number[]) => values.at(-1)! / values[0]!;
  const beyond = growth(ours) / growth(original);
  if (beyond >= BEND_MIN && growth(ours) >= BEND_MIN) {
    return `grows ${beyond.toFixed(1)} × as much as the original`;
  }
  for (let at = 1; at < ours.length; at++) {
    const step = ours[at]! / ours[at - 1]!;
    if (step >= STEP_MIN && step / (original[at]! / original[at - 1]!) >= STEP_MIN) {
      return `a step of ${step.toFixed(1)} ×`;
    }
  }
  return "";
}

function familySection(family: GrowthFamily, results: Results): string {
  const sizes = sizesOf(family, results);
  const servers = serversOf(family, results);
  const rows = family.operations.flatMap(({ name, reason }) => {
    const original = medians(family, name, ORIGINAL, results);
    return servers.map((server) => {
      const values = medians(family, name, server, results);
      const verdict = server === OURS ? bend(values, original) : "";
      return [
        `${name}, ${SHOWN_NAMES[server]}`,
        ...values.map(shownNumber),
        shownNumber(values.at(-1)! / values[0]!),
        [verdict, server === OURS ? reason ?? "" : ""].filter((one) => one !== "").join("; "),
      ];
    });
  });
  const header = [
    `CPU µs per command at … ${family.unit}`,
    ...sizes.map((size) => size.toLocaleString("en-US")),
    "growth",
    "",
  ];
  const picture = `![${family.title}: CPU µs per command](growth_${family.name}.svg)`;
  return `## ${family.title}\n\n${picture}\n\n${markdownTable(header, rows)}`;
}

/** The page in Markdown. */
export function growthPage(families: readonly GrowthFamily[], results: Results): string {
  const measured = families.filter((family) => sizesOf(family, results).length > 0);
  return [
    "# Growth",
    "What a command costs the longer its data are, the more clients and keys there are, the larger " +
    "the values: CPU time of the server per command, medians of several rounds, all servers beside " +
    "each other, made by `deno run -A scripts/bench/growth.ts`. A line that bends upward says why " +
    "in the last column; “growth” is the largest size beside the smallest.",
    "Where the lines of all servers rise together, from ten thousand elements on or so, the data do " +
    "not fit the processor's caches any more: each bucket of a table, and each element that it " +
    "points to, is fetched from memory.",
    `Measured ${shownOccasion(results.all())}.`,
    ...measured.map((family) => familySection(family, results)),
  ].join("\n\n") + "\n";
}
