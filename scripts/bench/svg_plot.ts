/**
 * Plots as SVG: lines of points over two logarithmic axes, labelled, with a legend. What it makes
 * is light, stands on a page without scripts or fonts of its own, and has a background and colours
 * that can be read on a dark page as well.
 */

export interface PlotSeries {
  name: string;
  /** Above zero; points without a number are left out. */
  points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  title: string;
  /** If it is another one than the plot's. */
  yLabel?: string;
  series: readonly PlotSeries[];
}

export interface Plot {
  title: string;
  /** With their units: "elements", "µs per command". */
  xLabel: string;
  yLabel: string;
  /** Names of lines in the order of their colours, for plots of which each lacks another one. */
  order?: readonly string[];
  /** Small plots side by side: all over the same axis across, each with its own axis up. */
  panels: readonly Panel[];
}

const COLUMNS = 3;
const PANEL_WIDTH = 300;
const PANEL_HEIGHT = 220;
/** Room around the lines of a panel for its title and the numbers of its axes. */
const MARGIN = { left: 60, right: 12, top: 26, bottom: 50 };
const HEAD_HEIGHT = 58;
/** Told apart in any light, and by those who see few colours. */
const COLOURS = ["#4477aa", "#228833", "#aa3377", "#ee6677", "#ccbb44"];
const PAPER = "#fdfdfb";
const INK = "#333333";
const GRID = "#d6d6d6";
const FAINT = "#eeeeee";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** 0.01, 0.1, 1, 10, 100, 1k, 10k … or a power of ten. */
export function tickLabel(exponent: number): string {
  if (exponent < -2 || exponent > 5) {
    const raised = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[Number(digit)]);
    return `10${exponent < 0 ? "⁻" : ""}${raised.join("")}`;
  }
  if (exponent >= 3) return `${10 ** (exponent - 3)}k`;
  return exponent < 0 ? (10 ** exponent).toFixed(-exponent) : String(10 ** exponent);
}

/** A logarithmic axis over whole powers of ten that holds all the values. */
class Axis {
  readonly firstExponent: number;
  readonly finalExponent: number;

  constructor(values: readonly number[], readonly startPixel: number, readonly endPixel: number) {
    const exponents = values.map((value) => Math.log10(value));
    this.firstExponent = Math.floor(Math.min(...exponents) + 1e-9);
    this.finalExponent = Math.max(
      this.firstExponent + 1,
      Math.ceil(Math.max(...exponents) - 1e-9),
    );
  }

  pixel(value: number): number {
    const part = (Math.log10(value) - this.firstExponent) /
      (this.finalExponent - this.firstExponent);
    return this.startPixel + part * (this.endPixel - this.startPixel);
  }

  /** Where twice and five times the powers of ten are. */
  faintPixels(): number[] {
    const pixels: number[] = [];
    for (let exponent = this.firstExponent; exponent < this.finalExponent; exponent++) {
      pixels.push(this.pixel(2 * 10 ** exponent), this.pixel(5 * 10 ** exponent));
    }
    return pixels;
  }

  ticks(): { pixel: number; label: string }[] {
    const ticks: { pixel: number; label: string }[] = [];
    for (let exponent = this.firstExponent; exponent <= this.finalExponent; exponent++) {
      ticks.push({ pixel: this.pixel(10 ** exponent), label: tickLabel(exponent) });
    }
    return ticks;
  }
}

const number = (value: number) => String(Math.round(value * 10) / 10);

function textElement(
  text: string,
  x: number,
  y: number,
  attributes = "",
): string {
  return `<text x="${number(x)}" y="${number(y)}"${attributes}>${escaped(text)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, stroke: string, width = 1): string {
  const ends = `x1="${number(x1)}" y1="${number(y1)}" x2="${number(x2)}" y2="${number(y2)}"`;
  return `<line ${ends} stroke="${stroke}" stroke-width="${width}"/>`;
}

function seriesElements(series: PlotSeries, colour: string, x: Axis, y: Axis): string[] {
  const places = series.points.filter(isDrawable).map(([px, py]) => [x.pixel(px), y.pixel(py)]);
  if (places.length === 0) return [];
  const corners = places.map((place) => place.map(number).join(",")).join(" ");
  return [
    `<polyline points="${corners}" fill="none" stroke="${colour}" stroke-width="1.8"/>`,
    ...places.map(([px, py]) =>
      `<circle cx="${number(px!)}" cy="${number(py!)}" r="2.4" fill="${colour}"/>`
    ),
  ];
}

function isDrawable([x, y]: readonly [number, number]): boolean {
  return x > 0 && y > 0 && Number.isFinite(x) && Number.isFinite(y);
}

function panelElements(
  panel: Panel,
  { xLabel, yLabel }: Plot,
  x: Axis,
  colourOf: (name: string) => string,
): string[] {
  const values = panel.series.flatMap(({ points }) => points.filter(isDrawable));
  const y = new Axis(values.map((point) => point[1]), PANEL_HEIGHT - MARGIN.bottom, MARGIN.top);
  const [left, right] = [MARGIN.left, PANEL_WIDTH - MARGIN.right];
  const [top, bottom] = [MARGIN.top, PANEL_HEIGHT - MARGIN.bottom];
  const elements = [textElement(panel.title, left, top - 9, ' font-weight="bold"')];
  for (const pixel of y.faintPixels()) elements.push(line(left, pixel, right, pixel, FAINT));
  for (const { pixel, label } of x.ticks()) {
    elements.push(line(pixel, top, pixel, bottom, GRID));
    elements.push(textElement(label, pixel, bottom + 14, ' text-anchor="middle"'));
  }
  for (const { pixel, label } of y.ticks()) {
    elements.push(line(left, pixel, right, pixel, GRID));
    elements.push(textElement(label, left - 6, pixel + 4, ' text-anchor="end"'));
  }
  elements.push(line(left, bottom, right, bottom, INK), line(left, top, left, bottom, INK));
  elements.push(textElement(xLabel, (left + right) / 2, bottom + 30, ' text-anchor="middle"'));
  const middle = (top + bottom) / 2;
  const turned = ` text-anchor="middle" transform="rotate(-90 16 ${number(middle)})"`;
  elements.push(textElement(panel.yLabel ?? yLabel, 16, middle, turned));
  for (const series of panel.series) {
    elements.push(...seriesElements(series, colourOf(series.name), x, y));
  }
  return elements;
}

/** The title, and what the lines mean. */
function headElements(
  plot: Plot,
  names: readonly string[],
  colourOf: (name: string) => string,
  width: number,
): string[] {
  const elements = [
    textElement(plot.title, 16, 24, ' font-size="16" font-weight="bold"'),
    textElement(
      "both axes logarithmic",
      width - 16,
      24,
      ' text-anchor="end"',
    ),
  ];
  const CHARACTER_WIDTH = 7;
  let left = 16;
  for (const name of names) {
    elements.push(line(left, 43, left + 22, 43, colourOf(name), 3));
    elements.push(textElement(name, left + 28, 47));
    left += 28 + name.length * CHARACTER_WIDTH + 22;
  }
  return elements;
}

/** Draws a plot. Throws a RangeError if there is nothing to draw. */
export function drawPlot(plot: Plot): string {
  const hasPoints = ({ series }: Panel) => series.some(({ points }) => points.some(isDrawable));
  const drawn = plot.panels.filter(hasPoints);
  const all = drawn.flatMap(({ series }) => series);
  const points = all.flatMap((series) => series.points).filter(isDrawable);
  if (points.length === 0) throw new RangeError(`Cannot draw "${plot.title}": no points`);
  const present = new Set(all.map(({ name }) => name));
  const order = plot.order ?? [...present];
  const colourOf = (name: string) => COLOURS[order.indexOf(name) % COLOURS.length]!;
  const columns = Math.min(COLUMNS, drawn.length);
  // The head needs its room, however few panels there are.
  const width = Math.max(2, columns) * PANEL_WIDTH + 16;
  const height = HEAD_HEIGHT + Math.ceil(drawn.length / columns) * PANEL_HEIGHT;
  const x = new Axis(points.map((point) => point[0]), MARGIN.left, PANEL_WIDTH - MARGIN.right);
  const panels = drawn.map((panel, index) => {
    const across = (index % columns) * PANEL_WIDTH;
    const down = HEAD_HEIGHT + Math.floor(index / columns) * PANEL_HEIGHT;
    const inner = panelElements(panel, plot, x, colourOf).join("\n");
    return `<g transform="translate(${across},${down})">\n${inner}\n</g>`;
  });
  const font = `font-family="system-ui, sans-serif" font-size="11" fill="${INK}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
    `height="${height}" ${font} role="img">`,
    `<title>${escaped(plot.title)}</title>`,
    `<rect width="100%" height="100%" rx="6" fill="${PAPER}"/>`,
    ...headElements(plot, order.filter((name) => present.has(name)), colourOf, width),
    ...panels,
    "</svg>\n",
  ].join("\n");
}
