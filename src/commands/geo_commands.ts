/**
 * Geo commands: members of a sorted set whose scores are places (values/geohash.ts): adding them,
 * and asking where they are. Searching: geo_search_commands.ts.
 */
import { formatHuman } from "../base/doubles.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { SYNTAX_ERROR } from "../session/errors.ts";
import * as geohash from "../values/geohash.ts";
import { TYPE_SORTED_SET } from "../values/value.ts";
import { typedForRead } from "./arguments.ts";
import { placeArgument, readPlace, replyDistance, unitArgument } from "./geo_arguments.ts";
import { addPlaces } from "./sorted_set_commands.ts";

// deno-fmt-ignore
export const geoCommands: readonly RedisCommand[] = [
  { name: "geoadd", arity: -5, flags: ["write", "denyoom"], keys: [1, 1, 1], access: "RW update",
    categories: ["@geo"], since: "3.2.0", group: "geo", proc: geoaddCommand,
    complexity: "O(log(N)) per member, N: members of the sorted set.",
    summary: "Adds members with their longitudes and latitudes." },
  { name: "geodist", arity: -4, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@geo"], since: "3.2.0", group: "geo", proc: geodistCommand,
    complexity: "O(log(N))", summary: "Returns the distance of two members." },
  { name: "geohash", arity: -2, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@geo"], since: "3.2.0", group: "geo", proc: geohashCommand,
    complexity: "O(log(N)) per member that is asked for, N: members of the sorted set.",
    summary: "Returns the places of members as geohash strings." },
  { name: "geopos", arity: -2, flags: ["readonly"], keys: [1, 1, 1], access: "RO access",
    categories: ["@geo"], since: "3.2.0", group: "geo", proc: geoposCommand,
    complexity: "O(N), N: members that are asked for.",
    summary: "Returns the longitudes and latitudes of members." },
];

const place = new geohash.Place();
const otherPlace = new geohash.Place();

function geoaddCommand(client: Client): void {
  const { argv } = client;
  const options = { isNx: false, isXx: false, reportsChanges: false };
  let first = 2;
  for (; first < argv.count; first++) {
    if (argv.is(first, "nx")) options.isNx = true;
    else if (argv.is(first, "xx")) options.isXx = true;
    else if (argv.is(first, "ch")) options.reportsChanges = true;
    else break;
  }
  const placeCount = (argv.count - first) / 3;
  if (placeCount === 0 || !Number.isInteger(placeCount)) throw SYNTAX_ERROR;
  if (options.isNx && options.isXx) throw SYNTAX_ERROR;
  const scores: number[] = [];
  for (let index = first; index < argv.count; index += 3) {
    placeArgument(argv, index, place);
    scores.push(geohash.scoreOf(place.longitude, place.latitude));
  }
  const { dirty } = client.db.keyspace;
  addPlaces(client, scores, first + 2, 3, options);
  if (client.wantsEffects && client.db.keyspace.dirty !== dirty) {
    recordScores(client, first, scores);
  }
}

/** Redis: what is repeated is ZADD, with the same options. */
function recordScores(client: Client, first: number, scores: readonly number[]): void {
  const { argv } = client;
  const words: (string | Uint8Array)[] = ["zadd"];
  for (let index = 1; index < first; index++) words.push(argv.copy(index));
  scores.forEach((score, place) => words.push(String(score), argv.copy(first + 3 * place + 2)));
  client.propagateAs(...words);
}

function geodistCommand(client: Client): void {
  const { argv, reply } = client;
  if (argv.count > 5) throw SYNTAX_ERROR;
  const unitMeters = argv.count === 5 ? unitArgument(argv, 4) : 1;
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  if (!readPlace(client, entry, 2, place) || !readPlace(client, entry, 3, otherPlace)) {
    return reply.nil();
  }
  const { longitude, latitude } = place;
  const meters = geohash.distance(
    longitude,
    latitude,
    otherPlace.longitude,
    otherPlace.latitude,
  );
  replyDistance(client, meters, unitMeters);
}

function geohashCommand(client: Client): void {
  const { argv, reply } = client;
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  reply.array(argv.count - 2);
  for (let index = 2; index < argv.count; index++) {
    if (readPlace(client, entry, index, place)) reply.bulkText(geohash.textOf(place));
    else reply.nil();
  }
}

function geoposCommand(client: Client): void {
  const { argv, reply } = client;
  const entry = typedForRead(client, 1, TYPE_SORTED_SET);
  reply.array(argv.count - 2);
  for (let index = 2; index < argv.count; index++) {
    if (readPlace(client, entry, index, place)) replyPlace(client, place);
    else reply.nilArray();
  }
}

/** Replies with longitude and latitude. */
export function replyPlace({ reply }: Client, { longitude, latitude }: geohash.Place): void {
  reply.array(2);
  reply.doubleText(formatHuman(longitude));
  reply.doubleText(formatHuman(latitude));
}
