/**
 * Which commands count as a use of a key: with `lfu-log-factor 0` each use adds one to the LFU
 * counter, so OBJECT FREQ shows how often a command touched a key, and that overwriting keeps it.
 */

import { assertEquals } from "@std/assert";
import { testWith } from "../support/tool_availability.ts";
import { Both } from "./both.ts";

/** Each row on a fresh key "k" of a type; the last words of a row name what is asked afterwards. */
const CASES: Record<string, readonly string[]> = {
  "SET k short": [
    "SET k other",
    "SET k ${long}",
    "SET k v KEEPTTL",
    "SET k v EX 100",
    "SET k v GET",
    "SET k v NX",
    "SET k v XX",
    "SETNX k v",
    "SETEX k 100 v",
    "PSETEX k 100000 v",
    "GETSET k v",
    "GETSET k ${long}",
    "GETDEL k",
    "GETEX k EX 100",
    "GETEX k PERSIST",
    "MSET k v",
    "MSET k ${long}",
    "MSETNX k v",
    "MGET k k",
    "GET k",
    "STRLEN k",
    "APPEND k x",
    "APPEND k ${long}",
    "SETRANGE k 3 abc",
    "SETRANGE k 100000 abc",
    "GETRANGE k 0 1",
    "SUBSTR k 0 1",
    "SETBIT k 7 1",
    "SETBIT k 700000 1",
    "GETBIT k 7",
    "BITCOUNT k",
    "BITPOS k 1",
    "BITOP NOT k k",
    "BITOP AND k k none",
    "BITFIELD k SET u8 0 7 GET u8 0",
    "BITFIELD_RO k GET u8 0",
    "LCS k k",
    "EXPIRE k 100",
    "PERSIST k",
    "TTL k",
    "PTTL k",
    "EXPIRETIME k",
    "TYPE k",
    "EXISTS k",
    "TOUCH k",
    "OBJECT ENCODING k",
    "DUMP k",
    "RENAME k k2 ; RENAME k2 k",
    "RENAMENX k k2 ; RENAME k2 k",
    "COPY k k2",
    "COPY k2 k REPLACE",
    "SCAN 0",
    "KEYS *",
    "RANDOMKEY",
    "SORT k2 BY k* GET k*",
    "MEMORY USAGE k",
    "WATCH k",
    "MOVE k 1",
    "SUNIONSTORE k k2",
    "SDIFFSTORE k none",
    "ZUNIONSTORE k 1 none",
    "INCR k",
  ],
  "SET k 10": ["INCR k", "INCRBY k 1000000", "DECR k", "INCRBYFLOAT k 1.5", "SET k 11", "INCR k"],
  "RPUSH k 3 1 2": [
    "LPUSH k a",
    "RPUSHX k a",
    "LPOP k",
    "LLEN k",
    "LRANGE k 0 -1",
    "LINDEX k 0",
    "LSET k 0 x",
    "LINSERT k BEFORE 1 x",
    "LREM k 0 1",
    "LTRIM k 0 1",
    "LPOS k 1",
    "LMOVE k k LEFT RIGHT",
    "RPOPLPUSH k k2",
    "LMPOP 1 k LEFT",
    "BLPOP k 1",
    "BLMPOP 1 1 k LEFT",
    "SORT k",
    "SORT k STORE k",
    "SORT_RO k",
    "SET k v",
  ],
  "HSET k f 1 g 2": [
    "HSET k f 2",
    "HSETNX k f 3",
    "HGET k f",
    "HMGET k f g",
    "HGETALL k",
    "HKEYS k",
    "HVALS k",
    "HLEN k",
    "HSTRLEN k f",
    "HEXISTS k f",
    "HDEL k f",
    "HINCRBY k f 1",
    "HINCRBYFLOAT k f 1",
    "HRANDFIELD k",
    "HSCAN k 0",
    "SET k v",
  ],
  "SADD k 1 2": [
    "SADD k 3",
    "SREM k 1",
    "SPOP k",
    "SMEMBERS k",
    "SISMEMBER k 1",
    "SMISMEMBER k 1 2",
    "SRANDMEMBER k",
    "SCARD k",
    "SMOVE k k2 1",
    "SINTER k k",
    "SINTERCARD 1 k",
    "SUNION k",
    "SDIFF k",
    "SINTERSTORE k k k",
    "SUNIONSTORE k k",
    "SDIFFSTORE k k none",
    "SSCAN k 0",
    "ZUNIONSTORE k 1 k",
    "SORT k",
    "SORT k STORE k",
  ],
  "ZADD k 1 a 2 b": [
    "ZADD k 3 c",
    "ZADD k INCR 1 a",
    "ZINCRBY k 1 a",
    "ZREM k a",
    "ZCARD k",
    "ZCOUNT k 0 1",
    "ZLEXCOUNT k - +",
    "ZRANGE k 0 -1",
    "ZRANGESTORE k k 0 -1",
    "ZRANGEBYSCORE k 0 1",
    "ZREVRANGE k 0 1",
    "ZRANK k a",
    "ZSCORE k a",
    "ZMSCORE k a b",
    "ZPOPMIN k",
    "ZMPOP 1 k MIN",
    "ZRANDMEMBER k",
    "ZREMRANGEBYRANK k 0 0",
    "ZREMRANGEBYSCORE k 0 1",
    "ZREMRANGEBYLEX k - [a",
    "ZUNION 1 k",
    "ZUNIONSTORE k 1 k",
    "ZINTERSTORE k 2 k k",
    "ZDIFFSTORE k 1 k",
    "ZSCAN k 0",
    "GEOADD k 1 1 c",
    "GEODIST k a b",
    "GEOPOS k a",
    "GEOHASH k a",
    "GEOSEARCH k FROMLONLAT 0 0 BYRADIUS 1 km",
    "GEOSEARCHSTORE k k FROMLONLAT 0 0 BYRADIUS 30000 km",
    "GEORADIUS k 0 0 30000 km STORE k",
  ],
  "PFADD k a b": ["PFADD k c", "PFADD k a", "PFCOUNT k", "PFCOUNT k k", "PFMERGE k k", "GET k"],
};
const LONG = "x".repeat(20_000);

for (const [preparation, requests] of Object.entries(CASES)) {
  testWith(["redis-server"], `uses of a key are counted alike: ${preparation}`, async () => {
    await using both = await Both.start([
      ...["--maxmemory-policy", "allkeys-lfu", "--lfu-log-factor", "0", "--lfu-decay-time", "0"],
      // With a limit, redis-server does not share small integers and their counters among keys.
      ...["--maxmemory", "1gb"],
    ]);
    const differences: string[] = [];
    for (const request of requests) {
      await both.same("FLUSHALL");
      await both.same(...preparation.split(" "));
      for (let use = 0; use < 4; use++) await both.same("TOUCH", "k");
      for (const part of request.split(" ; ")) {
        const words = part.split(" ").map((word) => word === "${long}" ? LONG : word);
        await both.compare("shape", ...words);
      }
      const ask = ["OBJECT", "FREQ", "k"];
      const [theirs, ours] = [await both.redis.call(...ask), await both.ours.call(...ask)];
      if (String(theirs) !== String(ours)) differences.push(`${request}: ${theirs} | ${ours}`);
    }
    assertEquals(differences, [], "redis | ours");
  });
}
