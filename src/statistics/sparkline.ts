/**
 * Sparkline: a small bar chart in ASCII (LATENCY GRAPH). Each value is a column of `rows`
 * characters, three steps of height to a character, with its label written downwards below it:
 *
 *   _#o_
 *   1231
 *   4ss5
 */
const STEPS_PER_ROW = 3;
const TOPS = "_o#";
const FILL = "|";

/** The chart as lines of text, each with its line end. Charts are as wide as there are values. */
export function sparkline(
  values: readonly number[],
  labels: readonly string[],
  rows: number,
): string {
  const min = Math.min(...values);
  const range = Math.max(...values) - min || 1;
  const stepsMax = STEPS_PER_ROW * rows;
  const steps = values.map((value) => {
    return Math.min(stepsMax - 1, Math.floor(((value - min) * stepsMax) / range));
  });
  const lines: string[] = [];
  for (let row = 0; row < rows; row++) {
    const base = (rows - row - 1) * STEPS_PER_ROW;
    lines.push(steps.map((step) => barPart(step - base)).join(""));
  }
  lines.push(" ".repeat(values.length));
  const labelRows = Math.max(...labels.map((label) => label.length));
  for (let row = 0; row < labelRows; row++) {
    lines.push(labels.map((label) => label[row] ?? " ").join(""));
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** The character of a bar that rises `steps` above the bottom of the row. */
function barPart(steps: number): string {
  if (steps < 0) return " ";
  return steps < STEPS_PER_ROW ? TOPS[steps] : FILL;
}
