/**
 * Arguments and history of the commands of sorted sets and positions on the globe,
 * in the notation of command_syntax.ts.
 */
export const SORTED_SET_SYNTAX = `
BZMPOP timeout:double numkeys:int key... where(MIN|MAX) [COUNT count:int]
BZPOPMAX key... timeout:double
  6.0.0: 'timeout' may have decimals.
BZPOPMIN key... timeout:double
  6.0.0: 'timeout' may have decimals.
GEOADD key [condition(NX|XX)^6.2.0] [change=CH^6.2.0] (longitude:double latitude:double member)...
  6.2.0: 'CH', 'NX' and 'XX' are new.
GEODIST key member1 member2 [unit(M|KM|FT|MI)]
GEOHASH key member...
GEOPOS key member...
GEORADIUS key longitude:double latitude:double radius:double unit(M|KM|FT|MI) [WITHCOORD]
    [WITHDIST] [WITHHASH] [count(COUNT count:int [ANY^6.2.0])] [order(ASC|DESC)] [STORE key]
    [STOREDIST key]
  deprecated 6.2.0: 'GEOSEARCH' 'BYRADIUS', to keep the result 'GEOSEARCHSTORE'
  6.2.0: 'ANY' is new.
  7.0.0: Units in capital letters.
GEORADIUS_RO key longitude:double latitude:double radius:double unit(M|KM|FT|MI) [WITHCOORD]
    [WITHDIST] [WITHHASH] [count(COUNT count:int [ANY^6.2.0])] [order(ASC|DESC)]
  deprecated 6.2.0: 'GEOSEARCH' 'BYRADIUS'
  6.2.0: 'ANY' is new.
GEORADIUSBYMEMBER key member radius:double unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH]
    [count(COUNT count:int [ANY])] [order(ASC|DESC)] [STORE key] [STOREDIST key]
  deprecated 6.2.0: 'GEOSEARCH' 'BYRADIUS' 'FROMMEMBER', to keep the result 'GEOSEARCHSTORE'
  7.0.0: Units in capital letters.
GEORADIUSBYMEMBER_RO key member radius:double unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH]
    [count(COUNT count:int [ANY])] [order(ASC|DESC)]
  deprecated 6.2.0: 'GEOSEARCH' 'BYRADIUS' 'FROMMEMBER'
GEOSEARCH key from(FROMMEMBER member | FROMLONLAT (longitude:double latitude:double))
    by(circle(BYRADIUS radius:double unit(M|KM|FT|MI)) | box(BYBOX width:double height:double
    unit(M|KM|FT|MI))) [order(ASC|DESC)] [count(COUNT count:int [ANY])] [WITHCOORD] [WITHDIST]
    [WITHHASH]
  7.0.0: Units in capital letters.
GEOSEARCHSTORE destination:key source:key from(FROMMEMBER member |
    FROMLONLAT (longitude:double latitude:double)) by(circle(BYRADIUS radius:double
    unit(M|KM|FT|MI)) | box(BYBOX width:double height:double unit(M|KM|FT|MI))) [order(ASC|DESC)]
    [count(COUNT count:int [ANY])] [STOREDIST]
  7.0.0: Units in capital letters.
ZADD key [condition(NX|XX)^3.0.2] [comparison(GT|LT)^6.2.0] [change=CH^3.0.2]
    [increment=INCR^3.0.2] (score:double member)...
  2.4.0: Any number of members.
  3.0.2: 'XX', 'NX', 'CH' and 'INCR' are new.
  6.2.0: 'GT' and 'LT' are new.
ZCARD key
ZCOUNT key min:double max:double
ZDIFF numkeys:int key... [WITHSCORES]
ZDIFFSTORE destination:key numkeys:int key...
ZINCRBY key increment:int member
ZINTER numkeys:int key... [WEIGHTS weight:int...]
    [AGGREGATE aggregate(SUM | MIN | MAX | COUNT^8.8.0)] [WITHSCORES]
ZINTERCARD numkeys:int key... [LIMIT limit:int]
ZINTERSTORE destination:key numkeys:int key... [WEIGHTS weight:int...]
    [AGGREGATE aggregate(SUM | MIN | MAX | COUNT^8.8.0)]
ZLEXCOUNT key min max
ZMPOP numkeys:int key... where(MIN|MAX) [COUNT count:int]
ZMSCORE key member...
ZPOPMAX key [count:int]
ZPOPMIN key [count:int]
ZRANDMEMBER key [options(count:int [WITHSCORES])]
ZRANGE key start stop [sortby(BYSCORE|BYLEX)^6.2.0] [REV^6.2.0]
    [LIMIT (offset:int count:int)^6.2.0] [WITHSCORES]
  6.2.0: 'REV', 'BYSCORE', 'BYLEX' and 'LIMIT' are new.
ZRANGEBYLEX key min max [LIMIT (offset:int count:int)]
  deprecated 6.2.0: 'ZRANGE' 'BYLEX'
ZRANGEBYSCORE key min:double max:double [WITHSCORES^2.0.0] [LIMIT (offset:int count:int)]
  deprecated 6.2.0: 'ZRANGE' 'BYSCORE'
  2.0.0: 'WITHSCORES' is new.
ZRANGESTORE dst:key src:key min max [sortby(BYSCORE|BYLEX)] [REV] [LIMIT (offset:int count:int)]
ZRANK key member [WITHSCORE^7.2.0]
  7.2.0: 'WITHSCORE' is new.
ZREM key member...
  2.4.0: Any number of members.
ZREMRANGEBYLEX key min max
ZREMRANGEBYRANK key start:int stop:int
ZREMRANGEBYSCORE key min:double max:double
ZREVRANGE key start:int stop:int [WITHSCORES]
  deprecated 6.2.0: 'ZRANGE' 'REV'
ZREVRANGEBYLEX key max min [LIMIT (offset:int count:int)]
  deprecated 6.2.0: 'ZRANGE' 'REV' 'BYLEX'
ZREVRANGEBYSCORE key max:double min:double [WITHSCORES] [LIMIT (offset:int count:int)]
  deprecated 6.2.0: 'ZRANGE' 'REV' 'BYSCORE'
  2.1.6: Bounds may be exclusive.
ZREVRANK key member [WITHSCORE^7.2.0]
  7.2.0: 'WITHSCORE' is new.
ZSCAN key cursor:int [MATCH pattern] [COUNT count:int]
ZSCORE key member
ZUNION numkeys:int key... [WEIGHTS weight:int...]
    [AGGREGATE aggregate(SUM | MIN | MAX | COUNT^8.8.0)] [WITHSCORES]
ZUNIONSTORE destination:key numkeys:int key... [WEIGHTS weight:int...]
    [AGGREGATE aggregate(SUM | MIN | MAX | COUNT^8.8.0)]
`;
