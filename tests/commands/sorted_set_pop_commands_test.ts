/** Sorted set pop commands: at once, among keys, and after waiting. */
import { assertEquals } from "@std/assert";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, forEachEncoding, repliesIn3 } from "./sorted_set_suite.ts";

forEachEncoding("members are popped from either end", (server) => {
  expectReplies(server, [
    ["ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g", ":7"],
    ["ZPOPMIN z", "*2 $1 a $1 1"],
    ["ZPOPMAX z", "*2 $1 g $1 7"],
    ["ZPOPMIN z 2", "*4 $1 b $1 2 $1 c $1 3"],
    ["ZPOPMAX z 0", "*0"],
    ["ZMPOP 2 missing z MAX COUNT 2", "*2 $1 z *2 *2 $1 f $1 6 *2 $1 e $1 5"],
    ["BZPOPMIN missing z 0", "*3 $1 z $1 d $1 4"],
    ["ZPOPMAX z 9", "*0"],
    ["EXISTS z", ":0"],
    ["ZPOPMIN z", "*0"],
    ["ZPOPMIN z 3", "*0"],
    ["ZADD z 1 a 2 b 3 c", ":3"],
    ["ZMPOP 1 z MIN", "*2 $1 z *1 *2 $1 a $1 1"],
    ["BZMPOP 0 1 z MAX", "*2 $1 z *1 *2 $1 c $1 3"],
    ["BZPOPMAX z 0", "*3 $1 z $1 b $1 2"],
    ["ZMPOP 1 z MIN", "*-1"],
  ]);
});

forEachEncoding("ZPOPMIN, ZMPOP and the waiting ones refuse what makes no sense", (server) => {
  expectReplies(server, [
    ["ZPOPMIN z -1", "-ERR value is out of range, must be positive"],
    ["ZPOPMIN z x", "-ERR value is out of range, must be positive"],
    ["ZPOPMIN z 1 2", "-ERR syntax error"],
    ["ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0"],
    ["ZMPOP x z MIN", "-ERR numkeys should be greater than 0"],
    ["ZMPOP 2 z MIN", "-ERR syntax error"],
    ["ZMPOP 1 z FOO", "-ERR syntax error"],
    ["ZMPOP 1 z MIN COUNT 0", "-ERR count should be greater than 0"],
    ["ZMPOP 1 z MIN COUNT", "-ERR syntax error"],
    ["ZMPOP 1 z MIN COUNT 1 COUNT 2", "-ERR syntax error"],
    ["BZPOPMIN z x", "-ERR timeout is not a float or out of range"],
    ["BZPOPMIN z -1", "-ERR timeout is negative"],
    ["BZPOPMIN z inf", "-ERR timeout is negative"],
    ["BZMPOP x 1 z MIN", "-ERR timeout is not a float or out of range"],
    ["BZMPOP 0 0 z MIN", "-ERR numkeys should be greater than 0"],
  ]);
});

forEachEncoding("RESP3 nests pairs where there may be several", (server) => {
  repliesIn3(server, [
    ["ZADD z 1 a 2 b 3 c 4 d 5 e", ":5"],
    ["ZPOPMIN z", "*2 $1 a ,1"],
    ["ZPOPMIN z 1", "*1 *2 $1 b ,2"],
    ["BZPOPMAX z 0", "*3 $1 z $1 e ,5"],
    ["ZMPOP 1 z MAX COUNT 9", "*2 $1 z *2 *2 $1 d ,4 *2 $1 c ,3"],
    ["ZMPOP 1 z MAX", "_"],
  ]);
});

forEachEncoding("a pop is announced and recorded as the plain pop it was", (server) => {
  server.run("ZADD", "z", "1", "a", "2", "b", "3", "c", "4", "d", "5", "e");
  const effects = new RecordedEffects(server);
  server.run("ZPOPMIN", "z", "2");
  server.run("BZPOPMAX", "none", "z", "0");
  server.run("ZMPOP", "2", "none", "z", "MIN", "COUNT", "9");
  assertEquals(effects.takeEvents(), ["zpopmin z", "zpopmax z", "zpopmin z", "del z"]);
  assertEquals(effects.takeDirty(), 5);
  assertEquals(effects.takeLog(), ["ZPOPMIN z 2", "ZPOPMAX z", "ZPOPMIN z 2"]);
});

forEachEncoding("waiting clients are served in the order of their arrival", (server) => {
  const first = server.connect();
  const second = server.connect();
  first.send("BZPOPMIN", "other", "z", "0");
  second.send("BZMPOP", "0", "1", "z", "MAX", "COUNT", "2");
  assertEquals([first.takeRaw(), second.takeRaw()], ["", ""]);
  const effects = new RecordedEffects(server);
  server.run("ZADD", "z", "1", "a", "2", "b", "3", "c", "4", "d");
  assertEquals(first.take(), [["z", "a", "1"]]);
  assertEquals(second.take(), [["z", [["d", "4"], ["c", "3"]]]]);
  assertEquals(effects.takeLog(), ["ZADD z 1 a 2 b 3 c 4 d", "ZPOPMIN z", "ZPOPMAX z 2"]);
  assertEquals(server.run("ZRANGE", "z", "0", "-1"), ["b"]);
});

forEachEncoding("a waiting client lets a key of another type pass", (server) => {
  const waiting = server.connect();
  waiting.send("BZPOPMIN", "z", "0");
  server.run("SADD", "z", "a");
  assertEquals(waiting.takeRaw(), "");
  server.run("SREM", "z", "a");
  server.run("ZADD", "z", "1", "a");
  assertEquals(waiting.take(), [["z", "a", "1"]]);
});

forEachEncoding("nobody waits inside of a transaction", (server) => {
  expectReplies(server, [
    ["MULTI", "+OK"],
    ["BZPOPMIN z 0", "+QUEUED"],
    ["BZMPOP 0 1 z MIN", "+QUEUED"],
    ["EXEC", "*2 *-1 *-1"],
  ]);
});
