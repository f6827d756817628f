/**
 * Geo arguments: coordinates, units and members' places, as all geo commands read them.
 */
import { formatFixed } from "../base/doubles.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import { type CommandError, commandError } from "../session/errors.ts";
import * as geohash from "../values/geohash.ts";
import { doubleArgument } from "./arguments.ts";
import { scoreOfArgument } from "./sorted_set_arguments.ts";

const UNKNOWN_UNIT = commandError("ERR unsupported unit provided. please use M, KM, FT, MI");

/** Decimals of a distance in a reply: GEODIST and WITHDIST. */
const DISTANCE_DECIMALS = 4;

/** Reads longitude and latitude, arguments `index` and the next, into `out`. */
export function placeArgument(argv: Argv, index: number, out: geohash.Place): void {
  const longitude = doubleArgument(argv, index);
  const latitude = doubleArgument(argv, index + 1);
  if (
    Math.abs(longitude) > geohash.LONGITUDE_MAX || Math.abs(latitude) > geohash.LATITUDE_MAX
  ) {
    const shown = `${formatFixed(longitude, 6)},${formatFixed(latitude, 6)}`;
    throw commandError(`ERR invalid longitude,latitude pair ${shown}`);
  }
  out.longitude = longitude;
  out.latitude = latitude;
}

/** Meters in the unit that an argument names. */
export function unitArgument(argv: Argv, index: number): number {
  if (argv.is(index, "m")) return 1;
  if (argv.is(index, "km")) return 1000;
  if (argv.is(index, "ft")) return 0.3048;
  if (argv.is(index, "mi")) return 1609.34;
  throw UNKNOWN_UNIT;
}

/** A length that may not be negative, in whatever unit follows. */
export function lengthArgument(
  argv: Argv,
  index: number,
  notNumeric: CommandError,
  negative: CommandError,
): number {
  const length = doubleArgument(argv, index, notNumeric);
  if (length < 0) throw negative;
  return length;
}

/** Sets `out` to the place of the member that is argument `index`; false if it is none. */
export function readPlace(
  client: Client,
  entry: Ref,
  index: number,
  out: geohash.Place,
): boolean {
  const score = entry === 0 ? NaN : scoreOfArgument(client, entry, index);
  if (Number.isNaN(score)) return false;
  geohash.decodeScore(score, out);
  return true;
}

/** Replies with a distance; `unitMeters` is the length of the unit to show it in. */
export function replyDistance({ reply }: Client, meters: number, unitMeters: number): void {
  reply.bulkText(formatFixed(meters / unitMeters, DISTANCE_DECIMALS));
}
