/**
 * Arguments and history of the commands of lists, sets and hashes,
 * in the notation of command_syntax.ts.
 */
export const COLLECTION_SYNTAX = `
BLMOVE source:key destination:key wherefrom(LEFT|RIGHT) whereto(LEFT|RIGHT) timeout:double
BLMOVEM source:key destination:key wherefrom(LEFT|RIGHT) whereto(LEFT|RIGHT) timeout:double
    [block(limit(COUNT count:int | EXACTLY exact:int) order(OBO|BULK))]
BLMPOP timeout:double numkeys:int key... where(LEFT|RIGHT) [COUNT count:int]
BLPOP key... timeout:double
  6.0.0: 'timeout' may have decimals.
BRPOP key... timeout:double
  6.0.0: 'timeout' may have decimals.
BRPOPLPUSH source:key destination:key timeout:double
  deprecated 6.2.0: 'BLMOVE' 'RIGHT' 'LEFT'
  6.0.0: 'timeout' may have decimals.
HDEL key field...
  2.4.0: Any number of fields.
HEXISTS key field
HEXPIRE key seconds:int [condition(NX|XX|GT|LT)] FIELDS fields(numfields:int field...)
HEXPIREAT key unix-time-seconds:time [condition(NX|XX|GT|LT)] FIELDS fields(numfields:int field...)
HEXPIRETIME key FIELDS fields(numfields:int field...)
HGET key field
HGETALL key
HGETDEL key FIELDS fields(numfields:int field...)
HGETEX key [expiration(EX seconds:int | PX milliseconds:int | EXAT unix-time-seconds:time |
    PXAT unix-time-milliseconds:time | PERSIST)]
    FIELDS fields(numfields:int field...)
HINCRBY key field increment:int
HINCRBYFLOAT key field increment:double
HKEYS key
HLEN key
HMGET key field...
HMSET key (field value)...
  deprecated 4.0.0: 'HSET', which takes several pairs as well
HPERSIST key FIELDS fields(numfields:int field...)
HPEXPIRE key milliseconds:int [condition(NX|XX|GT|LT)] FIELDS fields(numfields:int field...)
HPEXPIREAT key unix-time-milliseconds:time [condition(NX|XX|GT|LT)]
    FIELDS fields(numfields:int field...)
HPEXPIRETIME key FIELDS fields(numfields:int field...)
HPTTL key FIELDS fields(numfields:int field...)
HRANDFIELD key [options(count:int [WITHVALUES])]
HSCAN key cursor:int [MATCH pattern] [COUNT count:int] [NOVALUES^7.4.0]
  7.4.0: 'NOVALUES' is new.
HSET key (field value)...
  4.0.0: Any number of fields and values.
HSETEX key [condition(FNX|FXX)]
    [expiration(EX seconds:int | PX milliseconds:int | EXAT unix-time-seconds:time |
    PXAT unix-time-milliseconds:time | KEEPTTL)]
    FIELDS fields(numfields:int data(field value)...)
HSETNX key field value
HSTRLEN key field
HTTL key FIELDS fields(numfields:int field...)
HVALS key
LINDEX key index:int
LINSERT key where(BEFORE|AFTER) pivot element
LLEN key
LMOVE source:key destination:key wherefrom(LEFT|RIGHT) whereto(LEFT|RIGHT)
LMOVEM source:key destination:key wherefrom(LEFT|RIGHT) whereto(LEFT|RIGHT)
    [block(limit(COUNT count:int | EXACTLY exact:int) order(OBO|BULK))]
LMPOP numkeys:int key... where(LEFT|RIGHT) [COUNT count:int]
LPOP key [count:int^6.2.0]
  6.2.0: 'count' is new.
LPOS key element [RANK rank:int] [COUNT num-matches:int] [MAXLEN len:int]
LPUSH key element...
  2.4.0: Any number of elements.
LPUSHX key element...
  4.0.0: Any number of elements.
LRANGE key start:int stop:int
LREM key count:int element
LSET key index:int element
LTRIM key start:int stop:int
RPOP key [count:int^6.2.0]
  6.2.0: 'count' is new.
RPOPLPUSH source:key destination:key
  deprecated 6.2.0: 'LMOVE' 'RIGHT' 'LEFT'
RPUSH key element...
  2.4.0: Any number of elements.
RPUSHX key element...
  4.0.0: Any number of elements.
SADD key member...
  2.4.0: Any number of members.
SCARD key
SDIFF key...
SDIFFSTORE destination:key key...
SINTER key...
SDIFFCARD numkeys:int key... [LIMIT limit:int]
SUNIONCARD numkeys:int key... [APPROX] [LIMIT limit:int]
SINTERCARD numkeys:int key... [LIMIT limit:int]
SINTERSTORE destination:key key...
SISMEMBER key member
SMEMBERS key
SMISMEMBER key member...
SMOVE source:key destination:key member
SPOP key [count:int^3.2.0]
  3.2.0: 'count' is new.
SRANDMEMBER key [count:int^2.6.0]
  2.6.0: 'count' is new.
SREM key member...
  2.4.0: Any number of members.
SSCAN key cursor:int [MATCH pattern] [COUNT count:int]
SUNION key...
SUNIONSTORE destination:key key...
`;
