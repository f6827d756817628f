/** Geo search commands: circles and boxes, shown and stored. */
import { assertEquals } from "@std/assert";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, forEachEncoding, repliesIn3 } from "./sorted_set_suite.ts";

forEachEncoding("members are found in circles and boxes", (server) => {
  expectReplies(server, [
    [
      "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 13.583333 " +
      "37.316667 Agrigento",
      ":3",
    ],
    ["GEOADD g 12.758489 38.788135 edge1 17.241510 38.788135 edge2", ":2"],
    ["GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC", "*3 $7 Catania $9 Agrigento $7 Palermo"],
    [
      "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km DESC WITHDIST",
      "*3 *2 $7 Palermo $8 190.4424 *2 $9 Agrigento $8 130.4235 *2 $7 Catania $7 " + "56.4413",
    ],
    [
      "GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHCOORD WITHDIST WITHHASH",
      "*5 *4 $7 Catania $7 56.4413 :3479447370796909 *2 $20 15.08726745843887329 $20 " +
      "37.50266842333162032 *4 $9 Agrigento $8 130.4235 :3479030013248308 *2 $19 " +
      "13.5833314061164856 $20 37.31666804993816555 *4 $7 Palermo $8 190.4424 " +
      ":3479099956230698 *2 $20 13.36138933897018433 $20 38.11555639549629859 *4 $5 " +
      "edge2 $8 279.7403 :3481342659049484 *2 $20 17.24151045083999634 $20 " +
      "38.78813451624225195 *4 $5 edge1 $8 279.7405 :3479273021651468 *2 $19 " +
      "12.7584877610206604 $20 38.78813451624225195",
    ],
    ["GEOSEARCH g FROMMEMBER Palermo BYRADIUS 100 km", "*3 $9 Agrigento $7 Palermo $5 edge1"],
    ["GEOSEARCH g FROMMEMBER Palermo BYBOX 300 300 km ASC COUNT 2", "*2 $7 Palermo $9 Agrigento"],
    ["GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 500 km COUNT 1 ANY", "*1 $9 Agrigento"],
    ["GEOSEARCH g FROMLONLAT 0 0 BYRADIUS 1 km", "*0"],
    ["GEOSEARCH missing FROMLONLAT 15 37 BYRADIUS 200 km", "*0"],
    [
      "GEORADIUS g 15 37 200 km ASC WITHDIST",
      "*3 *2 $7 Catania $7 56.4413 *2 $9 Agrigento $8 130.4235 *2 $7 Palermo $8 " + "190.4424",
    ],
    ["GEORADIUS_RO g 15 37 200 km COUNT 1", "*1 $7 Catania"],
    [
      "GEORADIUSBYMEMBER g Agrigento 100 km ASC WITHDIST",
      "*2 *2 $9 Agrigento $6 0.0000 *2 $7 Palermo $7 90.9778",
    ],
    ["GEORADIUSBYMEMBER_RO g Agrigento 100 km DESC", "*2 $7 Palermo $9 Agrigento"],
    ["GEORADIUSBYMEMBER missing a x parsec", "*0"],
    ["GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km", ":3"],
    [
      "ZRANGE d 0 -1 WITHSCORES",
      "*6 $9 Agrigento $16 3479030013248308 $7 Palermo $16 3479099956230698 $7 Catania " +
      "$16 3479447370796909",
    ],
    ["GEOSEARCHSTORE d g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2 STOREDIST", ":2"],
    ["ZCARD d", ":2"],
    ["GEORADIUS g 15 37 200 km STORE d", ":3"],
    ["ZCARD d", ":3"],
    ["GEORADIUSBYMEMBER g Agrigento 100 km STOREDIST d", ":2"],
    ["ZCARD d", ":2"],
    ["GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 km", ":0"],
    ["EXISTS d", ":0"],
  ]);
});

forEachEncoding("searches refuse what makes no sense", (server) => {
  expectReplies(server, [
    ["GEOADD g 1 1 a", ":1"],
    ["GEOSEARCH g FROMMEMBER none BYRADIUS 1 m", "-ERR could not decode requested zset member"],
    ["GEOSEARCH g FROMLONLAT 1 1 BYRADIUS -1 m", "-ERR radius cannot be negative"],
    ["GEOSEARCH g FROMLONLAT 1 1 BYRADIUS x m", "-ERR need numeric radius"],
    [
      "GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 parsec",
      "-ERR unsupported unit provided. please use M, KM, FT, MI",
    ],
    ["GEOSEARCH g FROMLONLAT 1 1 BYBOX -1 1 m", "-ERR height or width cannot be negative"],
    ["GEOSEARCH g FROMLONLAT 1 1 BYBOX x 1 m", "-ERR need numeric width"],
    ["GEOSEARCH g FROMLONLAT 1 1 BYBOX 1 x m", "-ERR need numeric height"],
    [
      "GEOSEARCH g BYRADIUS 1 m ASC ASC ASC",
      "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH",
    ],
    [
      "GEOSEARCH g FROMLONLAT 1 1 ASC ASC ASC",
      "-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH",
    ],
    ["GEOSEARCH g FROMMEMBER a FROMLONLAT 1 1 BYRADIUS 1 m", "-ERR syntax error"],
    ["GEOSEARCH g FROMMEMBER a BYRADIUS 1 m BYBOX 1 1 m", "-ERR syntax error"],
    ["GEOSEARCH g FROMMEMBER a BYRADIUS 1 m ANY", "-ERR the ANY argument requires COUNT argument"],
    ["GEOSEARCH g FROMMEMBER a BYRADIUS 1 m COUNT 0", "-ERR COUNT must be > 0"],
    ["GEOSEARCH g FROMMEMBER a BYRADIUS 1 m STOREDIST", "-ERR syntax error"],
    [
      "GEOSEARCHSTORE d g FROMMEMBER a BYRADIUS 1 m WITHDIST",
      "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD " + "options",
    ],
    [
      "GEORADIUS g 1 1 1 m STORE d WITHHASH",
      "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and " +
      "WITHCOORD options",
    ],
    ["GEORADIUS_RO g 1 1 1 m STORE d", "-ERR syntax error"],
    ["GEORADIUSBYMEMBER g none 1 m", "-ERR could not decode requested zset member"],
  ]);
});

forEachEncoding("stored searches are announced and counted", (server) => {
  server.run("GEOADD", "g", "1", "1", "a", "1", "1.0001", "b");
  const effects = new RecordedEffects(server);
  server.run("GEORADIUS", "g", "1", "1", "1", "km", "STORE", "d");
  server.run("GEOSEARCHSTORE", "d", "g", "FROMMEMBER", "a", "BYRADIUS", "1", "km");
  assertEquals(effects.takeEvents(), ["new d", "georadiusstore d", "geosearchstore d"]);
  assertEquals(effects.takeDirty(), 4);
  server.run("GEORADIUS", "missing", "1", "1", "1", "km", "STORE", "d");
  assertEquals(effects.takeEvents(), ["keymiss missing", "del d"]);
});

forEachEncoding("RESP3 shows coordinates as doubles, distances as text", (server) => {
  repliesIn3(server, [
    ["GEOADD g 1 1 a", ":1"],
    [
      "GEOSEARCH g FROMMEMBER a BYRADIUS 1 m WITHCOORD WITHDIST",
      "*1 *3 $1 a $6 0.0000 *2 ,0.99999994039535522 ,0.99999945914297683",
    ],
  ]);
});

forEachEncoding("members that are integers are found, each once, however many", (server) => {
  const members = Array.from({ length: 60 }, (_, index) => String(10_000 + 37 * index));
  for (const [index, member] of members.entries()) {
    server.run("GEOADD", "g", String(index / 4), String(index % 50), member);
  }
  const around = ["FROMLONLAT", "10", "10", "BYRADIUS", "20000", "km"];
  for (const options of [[], ["ASC"], ["DESC"], ["ASC", "COUNT", "60"], ["COUNT", "60", "ANY"]]) {
    const found = server.run("GEOSEARCH", "g", ...around, ...options) as string[];
    assertEquals(found.toSorted(), members, options.join(" "));
    assertEquals(server.run("GEOSEARCHSTORE", "stored", "g", ...around, ...options), 60);
    assertEquals((server.run("ZRANGE", "stored", "0", "-1") as string[]).toSorted(), members);
  }
  const nearest = server.run("GEORADIUS", "g", "5", "20", "20000", "km", "COUNT", "40", "ASC");
  assertEquals((nearest as string[])[0], members[20]);
  assertEquals(new Set(nearest as string[]).size, 40);
});
