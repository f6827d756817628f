/**
 * Geohash: places on earth as scores of a sorted set, and back.
 *
 * Longitude and latitude are each halved 26 times; which halves a place lies in, written by turns
 * (longitude first), are the 52 bits of its score. Places of one cell, at any depth, have a common
 * prefix, so that a cell is a range of scores. Two numbers of 26 bits stand for a cell here, and
 * the score is a double, which is exact below 2^53.
 *
 *   bit of a score   51 50 49 48 … 1 0
 *   holds            x  y  x  y  … x y     (x: longitude, y: latitude, highest bits first)
 *
 * The ranges are Redis's: latitudes beyond ±85.05112878 have no place on a Mercator map. So is the
 * arithmetic, step by step, because its last digits are shown to users. Format and method: the
 * Redis sources geohash.c and geohash_helper.c, after Gustavo Niemeyer's geohash.org.
 */

export const LONGITUDE_MAX = 180;
export const LATITUDE_MAX = 85.05112878;
/** Halvings per coordinate in a score. */
export const STEPS_MAX = 26;
/** Parts of the whole range. */
const CELLS_MAX = 2 ** STEPS_MAX;

const EARTH_RADIUS_METERS = 6372797.560856;
/** Half of the map's width, on Mercator's projection. */
const MERCATOR_METERS_MAX = 20037726.37;
const RADIANS_PER_DEGREE = Math.PI / 180;
const WORD_COUNT = 4294967296;

const TEXT_CHARACTERS = 11;
const TEXT_ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz";
/** The latitudes of geohash.org. */
const TEXT_LATITUDE_MAX = 90;

/** A place in degrees; a mutable out-parameter. */
export class Place {
  longitude = 0;
  latitude = 0;
}

/** A cell: which of the 2^steps parts of each range it is. */
export interface Cell {
  x: number;
  y: number;
  steps: number;
}

/** What a search covers: a circle, or a box parallel to the degrees. All lengths in meters. */
export interface Shape {
  center: Place;
  isBox: boolean;
  radius: number;
  width: number;
  height: number;
}

/** The score of a place whose coordinates are within the ranges. */
export function scoreOf(longitude: number, latitude: number): number {
  return interleave(cellAt(longitude, latitude, LATITUDE_MAX, STEPS_MAX));
}

/** Sets `out` to the middle of the cell that a score stands for. Any number will do as a score. */
export function decodeScore(score: number, out: Place): void {
  // What a cast to uint64 makes of a score in C: those that do not fit are none of GEOADD's making.
  const whole = score >= 2 ** 64 ? 0 : score < -(2 ** 63) ? 2 ** 63 : Math.trunc(score);
  const high = Math.floor(whole / WORD_COUNT) | 0;
  const low = whole - Math.floor(whole / WORD_COUNT) * WORD_COUNT;
  const x = (compact(low >>> 1) | (compact(high >>> 1) << 16)) >>> 0;
  const y = (compact(low) | (compact(high) << 16)) >>> 0;
  out.longitude = middle(x, LONGITUDE_MAX);
  out.latitude = middle(y, LATITUDE_MAX);
}

function middle(index: number, max: number): number {
  const low = -max + (index / CELLS_MAX) * (max - -max);
  const high = -max + ((index + 1) / CELLS_MAX) * (max - -max);
  return Math.min(max, Math.max(-max, (low + high) / 2));
}

/** The geohash of 11 characters that geohash.org would give a place. */
export function textOf(place: Place): string {
  const cell = cellAt(place.longitude, place.latitude, TEXT_LATITUDE_MAX, STEPS_MAX);
  const bits = interleave(cell);
  let text = "";
  // 52 bits are ten characters; Redis shows 0 as the eleventh.
  for (let index = 1; index < TEXT_CHARACTERS; index++) {
    text += TEXT_ALPHABET[Math.floor(bits / 2 ** (52 - index * 5)) % 32];
  }
  return text + TEXT_ALPHABET[0];
}

/** Of two ways to compute a distance, neither is off by more. */
const LATITUDE_SLACK = 1 + 1e-6;

/** A search measures from the same place again and again. */
let lastY = 0;
let lastCosine = 1;

/** Distance of two places on a sphere, in meters (haversine). */
export function distance(
  longitude: number,
  latitude: number,
  otherLongitude: number,
  otherLatitude: number,
): number {
  const v = Math.sin((radians(otherLongitude) - radians(longitude)) / 2);
  if (v === 0) return latitudeDistance(latitude, otherLatitude);
  const y = radians(latitude);
  const otherY = radians(otherLatitude);
  const u = Math.sin((otherY - y) / 2);
  if (y !== lastY) {
    lastY = y;
    lastCosine = Math.cos(y);
  }
  const a = u * u + lastCosine * Math.cos(otherY) * v * v;
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.sqrt(a));
}

function latitudeDistance(latitude: number, otherLatitude: number): number {
  return EARTH_RADIUS_METERS * Math.abs(radians(otherLatitude) - radians(latitude));
}

/** Distance in meters of a place from the middle of a shape, or -1 if it lies outside. */
export function distanceWithin(shape: Shape, { longitude, latitude }: Place): number {
  const { center } = shape;
  if (shape.isBox) {
    if (latitudeDistance(latitude, center.latitude) > shape.height / 2) return -1;
    const across = distance(longitude, latitude, center.longitude, latitude);
    if (across > shape.width / 2) return -1;
  } // Most that lie outside do so to the north or south; with room for what rounding does.
  else if (latitudeDistance(latitude, center.latitude) > shape.radius * LATITUDE_SLACK) return -1;
  const away = distance(center.longitude, center.latitude, longitude, latitude);
  return shape.isBox || away <= shape.radius ? away : -1;
}

/** Wider than any window need be for what rounding does: relative, and in cells of the grid. */
const WINDOW_SLACK = 1 + 1e-6;
const WINDOW_SLACK_CELLS = 2;

/**
 * The rectangle of a shape on the finest grid. Most of what the cells of a search hold lies outside
 * of it, and is told by two subtractions, before it is made degrees and measured.
 *
 * A circle of the angle r around latitude φ reaches asin(sin r / cos φ) to the east and west,
 * unless it holds a pole; a box is widest where it is nearest to a pole.
 */
export class Window {
  readonly #x: number;
  readonly #y: number;
  readonly #reachX: number;
  readonly #reachY: number;

  constructor(shape: Shape) {
    const { longitude, latitude } = shape.center;
    const { x, y } = cellAt(longitude, latitude, LATITUDE_MAX, STEPS_MAX);
    const up = (shape.isBox ? shape.height / 2 : shape.radius) / EARTH_RADIUS_METERS;
    this.#x = x;
    this.#y = y;
    this.#reachX = cellsOf(degrees(reachAside(shape, up)), LONGITUDE_MAX);
    this.#reachY = cellsOf(degrees(up), LATITUDE_MAX);
  }

  /**
   * Sets `out` as `decodeScore` does, or returns false if the place cannot be within the shape. The
   * score is one within a cell's range.
   */
  decode(score: number, out: Place): boolean {
    const high = (score / WORD_COUNT) | 0;
    const low = score - high * WORD_COUNT;
    const y = compact(low) | (compact(high) << 16);
    if (Math.abs(y - this.#y) > this.#reachY) return false;
    const x = compact(low >>> 1) | (compact(high >>> 1) << 16);
    // The shorter way around the earth: a difference of 26 bits, with its sign.
    const aside = ((x - this.#x) << (32 - STEPS_MAX)) >> (32 - STEPS_MAX);
    if (Math.abs(aside) > this.#reachX) return false;
    out.longitude = middle(x, LONGITUDE_MAX);
    out.latitude = middle(y, LATITUDE_MAX);
    return true;
  }
}

/** How far a shape reaches to the east and west, in radians; `up`: how far to the north. */
function reachAside(shape: Shape, up: number): number {
  const latitude = Math.abs(radians(shape.center.latitude));
  const highest = (latitude + up) * WINDOW_SLACK;
  if (!(highest < Math.PI / 2)) return Math.PI;
  if (!shape.isBox) return Math.asin(Math.min(1, Math.sin(up) / Math.cos(latitude)));
  const quarter = shape.width / 4 / EARTH_RADIUS_METERS;
  if (!(quarter < Math.PI / 2)) return Math.PI;
  return 2 * Math.asin(Math.min(1, Math.sin(quarter) / Math.cos(highest)));
}

/** Cells of the finest grid that so many degrees cross; `max` is the end of their range. */
function cellsOf(angle: number, max: number): number {
  return Math.ceil(angle * WINDOW_SLACK / (2 * max) * CELLS_MAX) + WINDOW_SLACK_CELLS;
}

/** The lowest score of a cell and the one behind its highest. */
export function scoreRange(cell: Cell): { first: number; end: number } {
  const scale = 2 ** (52 - cell.steps * 2);
  const bits = interleave(cell);
  return { first: bits * scale, end: (bits + 1) * scale };
}

/**
 * Cells that cover a shape together, in the order in which Redis searches them: the one with the
 * middle, then those of its eight neighbours that reach into the shape. A large shape may bring a
 * cell twice.
 */
export function cover(shape: Shape): Cell[] {
  const { longitude, latitude } = shape.center;
  const bounds = boundingBox(shape);
  const reach = shape.isBox
    ? Math.sqrt((shape.width / 2) ** 2 + (shape.height / 2) ** 2)
    : shape.radius;
  let steps = stepsFor(reach, latitude);
  let center = cellAt(longitude, latitude, LATITUDE_MAX, steps);
  if (steps > 1 && !neighboursReach(center, bounds)) {
    steps--;
    center = cellAt(longitude, latitude, LATITUDE_MAX, steps);
  }
  const cells = [center];
  let last: Cell | null = null;
  for (const [dx, dy] of NEIGHBOURS) {
    if (steps >= 2 && isBeyond(center, dx, dy, bounds)) continue;
    const cell = neighbour(center, dx, dy);
    // Redis: only a repetition of the cell just before is noticed.
    if (last !== null && cell.x === last.x && cell.y === last.y) continue;
    cells.push(cell);
    last = cell;
  }
  return cells;
}

const NEIGHBOURS = [
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
] as const;

interface Bounds {
  west: number;
  east: number;
  south: number;
  north: number;
}

/** Degrees between which a shape lies; its width is measured on its edge nearer to a pole. */
function boundingBox(shape: Shape): Bounds {
  const { longitude, latitude } = shape.center;
  const height = shape.isBox ? shape.height / 2 : shape.radius;
  const width = shape.isBox ? shape.width / 2 : shape.radius;
  const up = degrees(height / EARTH_RADIUS_METERS);
  const edgeLatitude = latitude < 0 ? latitude - up : latitude + up;
  const aside = degrees(width / EARTH_RADIUS_METERS / Math.cos(radians(edgeLatitude)));
  return {
    west: longitude - aside,
    east: longitude + aside,
    south: latitude - up,
    north: latitude + up,
  };
}

/** How deep to halve so that a cell and its neighbours cover this many meters around a place. */
function stepsFor(meters: number, latitude: number): number {
  if (meters === 0) return STEPS_MAX;
  let steps = 1;
  for (let covered = meters; covered < MERCATOR_METERS_MAX; covered *= 2) steps++;
  steps -= 2;
  // A degree of longitude is shorter near the poles.
  if (Math.abs(latitude) > 66) steps--;
  if (Math.abs(latitude) > 80) steps--;
  return Math.min(STEPS_MAX, Math.max(1, steps));
}

/** Whether the four direct neighbours of a cell reach as far as the bounds. */
function neighboursReach(center: Cell, bounds: Bounds): boolean {
  const { steps } = center;
  const north = edge(neighbour(center, 0, 1).y + 1, steps, LATITUDE_MAX);
  const south = edge(neighbour(center, 0, -1).y, steps, LATITUDE_MAX);
  const east = edge(neighbour(center, 1, 0).x + 1, steps, LONGITUDE_MAX);
  const west = edge(neighbour(center, -1, 0).x, steps, LONGITUDE_MAX);
  return north >= bounds.north && south <= bounds.south && east >= bounds.east &&
    west <= bounds.west;
}

/** Whether the neighbour in a direction lies outside the bounds, for the cell reaches over them. */
function isBeyond(center: Cell, dx: number, dy: number, bounds: Bounds): boolean {
  const { x, y, steps } = center;
  return (dy < 0 && edge(y, steps, LATITUDE_MAX) < bounds.south) ||
    (dy > 0 && edge(y + 1, steps, LATITUDE_MAX) > bounds.north) ||
    (dx < 0 && edge(x, steps, LONGITUDE_MAX) < bounds.west) ||
    (dx > 0 && edge(x + 1, steps, LONGITUDE_MAX) > bounds.east);
}

/** The next cell in a direction; beyond the end of a range its other end follows. */
function neighbour({ x, y, steps }: Cell, dx: number, dy: number): Cell {
  const mask = 2 ** steps - 1;
  return { x: dx === 0 ? x : (x + dx) & mask, y: dy === 0 ? y : (y + dy) & mask, steps };
}

function cellAt(longitude: number, latitude: number, latitudeMax: number, steps: number): Cell {
  const x = (longitude - -LONGITUDE_MAX) / (LONGITUDE_MAX - -LONGITUDE_MAX);
  const y = (latitude - -latitudeMax) / (latitudeMax - -latitudeMax);
  return { x: Math.trunc(x * 2 ** steps), y: Math.trunc(y * 2 ** steps), steps };
}

/** The degrees at which part `index` of a range from -max to max begins. */
function edge(index: number, steps: number, max: number): number {
  return -max + (index / 2 ** steps) * (max - -max);
}

function interleave({ x, y }: Cell): number {
  const low = (spread(y & 0xffff) | (spread(x & 0xffff) << 1)) >>> 0;
  const high = spread(y >>> 16) | (spread(x >>> 16) << 1);
  return high * WORD_COUNT + low;
}

/** Puts a zero bit before each of 16 bits. (Sean Eron Anderson, Bit Twiddling Hacks.) */
function spread(bits: number): number {
  let spaced = (bits | (bits << 8)) & 0x00ff00ff;
  spaced = (spaced | (spaced << 4)) & 0x0f0f0f0f;
  spaced = (spaced | (spaced << 2)) & 0x33333333;
  return (spaced | (spaced << 1)) & 0x55555555;
}

/** The even bits of a word, moved together. */
function compact(word: number): number {
  let bits = word & 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0x0000ffff;
}

function radians(angle: number): number {
  return angle * RADIANS_PER_DEGREE;
}

function degrees(angle: number): number {
  return angle / RADIANS_PER_DEGREE;
}
