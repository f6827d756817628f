/** Sorted set range commands: by rank, score and member, in both encodings. */
import { assertEquals } from "@std/assert";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, forEachEncoding, repliesIn3 } from "./sorted_set_suite.ts";

forEachEncoding("ranges of ranks and scores are shown, counted and removed", (server) => {
  expectReplies(server, [
    ["ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"],
    ["ZRANGE z 0 1", "*2 $1 a $1 b"],
    ["ZRANGE z -2 -1 WITHSCORES", "*4 $1 e $1 5 $1 f $1 6"],
    ["ZRANGE z 4 1", "*0"],
    ["ZRANGE z 10 20", "*0"],
    ["ZRANGE z 0 1 REV", "*2 $1 f $1 e"],
    ["ZREVRANGE z 1 2 WITHSCORES", "*4 $1 e $1 5 $1 d $1 4"],
    ["ZRANGE z (1 3 BYSCORE", "*2 $1 b $1 c"],
    ["ZRANGE z 3 (1 BYSCORE REV", "*2 $1 c $1 b"],
    ["ZRANGE z -inf +inf BYSCORE LIMIT 1 2", "*2 $1 b $1 c"],
    ["ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2 WITHSCORES", "*4 $1 e $1 5 $1 d $1 4"],
    ["ZRANGE z -inf +inf BYSCORE LIMIT -1 2", "*0"],
    ["ZRANGE z -inf +inf BYSCORE LIMIT 4 -1", "*2 $1 e $1 f"],
    ["ZRANGE z -inf +inf BYSCORE LIMIT 0 0", "*0"],
    ["ZRANGEBYSCORE z 2 4 LIMIT 0 2", "*2 $1 b $1 c"],
    ["ZREVRANGEBYSCORE z 4 (2 WITHSCORES", "*4 $1 d $1 4 $1 c $1 3"],
    ["ZCOUNT z 2 (5", ":3"],
    ["ZCOUNT z 5 2", ":0"],
    ["ZCOUNT z -1e400 1e400", ":6"],
    ["ZCOUNT missing 1 2", ":0"],
    ["ZRANGE missing 0 -1", "*0"],
    ["ZREMRANGEBYRANK z 0 0", ":1"],
    ["ZREMRANGEBYRANK z -1 -1", ":1"],
    ["ZREMRANGEBYSCORE z (2 3", ":1"],
    ["ZRANGE z 0 -1", "*3 $1 b $1 d $1 e"],
    ["ZREMRANGEBYRANK z 5 9", ":0"],
    ["ZREMRANGEBYRANK z 0 -1", ":3"],
    ["EXISTS z", ":0"],
  ]);
});

forEachEncoding("ranges of members are shown, counted and removed", (server) => {
  expectReplies(server, [
    ["ZADD z 0 a 0 b 0 c 0 d 0 e", ":5"],
    ["ZRANGE z [b (d BYLEX", "*2 $1 b $1 c"],
    ["ZRANGE z + - BYLEX REV LIMIT 1 2", "*2 $1 d $1 c"],
    ["ZRANGEBYLEX z - [b", "*2 $1 a $1 b"],
    ["ZRANGEBYLEX z (b +", "*3 $1 c $1 d $1 e"],
    ["ZRANGEBYLEX z + -", "*0"],
    ["ZRANGEBYLEX z (c (c", "*0"],
    ["ZREVRANGEBYLEX z [c -", "*3 $1 c $1 b $1 a"],
    ["ZLEXCOUNT z - +", ":5"],
    ["ZLEXCOUNT z [aa (e", ":3"],
    ["ZREMRANGEBYLEX z [b (d", ":2"],
    ["ZRANGE z 0 -1", "*3 $1 a $1 d $1 e"],
  ]);
});

forEachEncoding("ZRANGE and its kin refuse what makes no sense", (server) => {
  expectReplies(server, [
    ["ZRANGE z 0 x", "-ERR value is not an integer or out of range"],
    [
      "ZRANGE z 0 -1 LIMIT 0 1",
      "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE " + "or BYLEX",
    ],
    ["ZRANGE z 0 -1 LIMIT 0", "-ERR syntax error"],
    ["ZRANGE z 0 -1 BYSCORE BYLEX", "-ERR syntax error"],
    ["ZRANGE z 0 -1 REV REV", "-ERR syntax error"],
    ["ZRANGE z a b BYSCORE", "-ERR min or max is not a float"],
    ["ZRANGE z a b BYLEX", "-ERR min or max not valid string range item"],
    [
      "ZRANGE z - + BYLEX WITHSCORES",
      "-ERR syntax error, WITHSCORES not supported in combination with BYLEX",
    ],
    ["ZRANGESTORE d z 0 -1 WITHSCORES", "-ERR syntax error"],
    ["ZREVRANGE z 0 1 BYSCORE", "-ERR syntax error"],
    ["ZRANGEBYSCORE z 1 2 REV", "-ERR syntax error"],
    ["ZRANGEBYSCORE z 1 2 LIMIT x 1", "-ERR value is not an integer or out of range"],
    ["ZCOUNT z x 1", "-ERR min or max is not a float"],
    ["ZLEXCOUNT z a b", "-ERR min or max not valid string range item"],
    ["ZREMRANGEBYRANK z 0 x", "-ERR value is not an integer or out of range"],
    ["ZREMRANGEBYSCORE z 0 x", "-ERR min or max is not a float"],
    ["ZREMRANGEBYLEX z 0 x", "-ERR min or max not valid string range item"],
  ]);
});

forEachEncoding("ZRANGESTORE stores a range in the place of whatever was there", (server) => {
  expectReplies(server, [
    ["ZADD z 1 a 2 b 3 c 4 d", ":4"],
    ["ZRANGESTORE d z 1 2", ":2"],
    ["ZRANGE d 0 -1 WITHSCORES", "*4 $1 b $1 2 $1 c $1 3"],
    ["ZRANGESTORE d z +inf (1 BYSCORE REV LIMIT 0 2", ":2"],
    ["ZRANGE d 0 -1 WITHSCORES", "*4 $1 c $1 3 $1 d $1 4"],
    ["ZRANGESTORE z z 0 0", ":1"],
    ["ZRANGE z 0 -1", "*1 $1 a"],
    ["ZRANGESTORE d missing 0 -1", ":0"],
    ["EXISTS d", ":0"],
    ["SET str v", "+OK"],
    ["ZRANGESTORE str z 0 -1", ":1"],
    ["TYPE str", "+zset"],
  ]);
});

forEachEncoding("RESP3 shows each member with its score as an array", (server) => {
  repliesIn3(server, [
    ["ZADD z 1 a 2 b", ":2"],
    ["ZRANGE z 0 -1 WITHSCORES", "*2 *2 $1 a ,1 *2 $1 b ,2"],
    ["ZRANGE z 0 -1", "*2 $1 a $1 b"],
    ["ZREVRANGEBYSCORE z 5 2 WITHSCORES", "*1 *2 $1 b ,2"],
  ]);
});

forEachEncoding("removed and stored ranges are announced and counted", (server) => {
  server.run("ZADD", "z", "1", "a", "2", "b", "3", "c", "4", "d");
  const effects = new RecordedEffects(server);
  server.run("ZREMRANGEBYRANK", "z", "0", "1");
  server.run("ZREMRANGEBYSCORE", "z", "9", "10");
  server.run("ZRANGESTORE", "d", "z", "0", "-1");
  server.run("ZREMRANGEBYSCORE", "z", "-inf", "inf");
  assertEquals(effects.takeDirty(), 5);
  assertEquals(effects.takeEvents(), [
    ...["zremrangebyrank z", "new d", "zrangestore d"],
    ...["zremrangebyscore z", "del z"],
  ]);
  server.run("ZRANGESTORE", "d", "missing", "0", "-1");
  server.run("ZRANGESTORE", "d", "missing", "0", "-1");
  assertEquals(effects.takeEvents(), ["keymiss missing", "del d", "keymiss missing"]);
  assertEquals(effects.takeDirty(), 1);
});
