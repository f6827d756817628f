/** Geo commands: adding places and asking for them. */
import { assertEquals } from "@std/assert";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, forEachEncoding, repliesIn3 } from "./sorted_set_suite.ts";

forEachEncoding("places, texts and distances have the digits of Redis", (server) => {
  expectReplies(server, [
    ["GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"],
    ["GEOADD g NX 1 1 Palermo", ":0"],
    ["GEOADD g CH XX 13.583333 37.316667 Palermo 1 1 new", ":1"],
    ["GEOADD g 13.361389 38.115556 Palermo 13.583333 37.316667 Agrigento", ":1"],
    ["GEOADD missing XX 1 1 a", ":0"],
    ["GEOPOS g Palermo none", "*2 *2 $20 13.36138933897018433 $20 38.11555639549629859 *-1"],
    ["GEOPOS missing a", "*1 *-1"],
    ["GEOPOS g", "*0"],
    ["GEOHASH g Palermo none Catania", "*3 $11 sqc8b49rny0 $-1 $11 sqdtr74hyu0"],
    ["GEOHASH missing a", "*1 $-1"],
    ["GEODIST g Palermo Catania", "$11 166274.1516"],
    ["GEODIST g Palermo Catania km", "$8 166.2742"],
    ["GEODIST g Palermo Catania MI", "$8 103.3182"],
    ["GEODIST g Palermo Catania ft", "$11 545518.8700"],
    ["GEODIST g Palermo none", "$-1"],
    ["GEODIST missing a b", "$-1"],
    [
      "ZRANGE g 0 -1 WITHSCORES",
      "*6 $9 Agrigento $16 3479030013248308 $7 Palermo $16 3479099956230698 $7 Catania " +
      "$16 3479447370796909",
    ],
  ]);
});

forEachEncoding("geo commands refuse what makes no sense", (server) => {
  expectReplies(server, [
    ["GEOADD g 200 1 a", "-ERR invalid longitude,latitude pair 200.000000,1.000000"],
    ["GEOADD g 1 86 a", "-ERR invalid longitude,latitude pair 1.000000,86.000000"],
    ["GEOADD g x 1 a", "-ERR value is not a valid float"],
    ["GEOADD g NX XX 1 1 a", "-ERR syntax error"],
    ["GEOADD g 1 1 a 2", "-ERR syntax error"],
    ["GEOADD g NX CH CH", "-ERR syntax error"],
    [
      "GEODIST g Palermo Catania parsec",
      "-ERR unsupported unit provided. please use M, KM, FT, MI",
    ],
    ["GEODIST g a b m extra", "-ERR syntax error"],
    ["SET str v", "+OK"],
    ["GEOADD str 1 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["GEOPOS str a", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["GEODIST str a b", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["GEOHASH str a", "-WRONGTYPE Operation against a key holding the wrong kind of value"],
  ]);
});

forEachEncoding("GEOADD is announced and counted as ZADD", (server) => {
  const effects = new RecordedEffects(server);
  server.run("GEOADD", "g", "1", "1", "a", "2", "2", "b");
  assertEquals(effects.takeEvents(), ["new g", "zadd g"]);
  assertEquals(effects.takeDirty(), 2);
});

forEachEncoding("RESP3 shows coordinates as doubles", (server) => {
  repliesIn3(server, [
    ["GEOADD g 13.361389 38.115556 a", ":1"],
    ["GEOPOS g a x", "*2 *2 ,13.36138933897018433 ,38.11555639549629859 _"],
    ["GEODIST g a a", "$6 0.0000"],
    ["GEODIST g a x", "_"],
  ]);
});
