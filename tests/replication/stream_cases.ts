/** Requests whose effects are recorded in other words than theirs, as case_script.ts reads them. */

export const STREAM_SCRIPT = String.raw`
# functions and libraries
FUNCTION FLUSH
FUNCTION LOAD "#!lua name=l\nredis.register_function('f', function(k,a) redis.call('set',k[1],a[1]) redis.call('incr','n') return 1 end)\nredis.register_function{function_name='g', callback=function(k,a) return redis.call('get',k[1]) end, flags={'no-writes'}}"
FUNCTION LOAD REPLACE "#!lua name=l\nredis.register_function('f', function(k,a) redis.call('set',k[1],a[1]) redis.call('incr','n') return 1 end)\nredis.register_function{function_name='g', callback=function(k,a) return redis.call('get',k[1]) end, flags={'no-writes'}}"
FCALL f 1 a b
FCALL g 1 a
FCALL_RO g 1 a
FUNCTION DELETE l
FUNCTION DELETE nope
FUNCTION FLUSH ASYNC
FUNCTION FLUSH SYNC
# scripts, and who hears of them
SELECT 3
EVAL "return redis.call('set',KEYS[1],1)" 1 a
EVAL "redis.call('select',5) redis.call('set','q',1) redis.call('select',6) redis.call('set','q',1)" 0
SET x 1
EVAL "redis.set_repl(redis.REPL_AOF) redis.call('set','q',1) redis.set_repl(redis.REPL_ALL) redis.call('set','r',1)" 0
EVAL "redis.set_repl(redis.REPL_NONE) redis.call('set','q',1)  redis.call('set','r',1)" 0
EVAL "redis.set_repl(redis.REPL_REPLICA) redis.call('set','q',1)  redis.call('set','r',1)" 0
EVAL "redis.call('publish','ch','m') return 1" 0
EVAL "redis.call('spublish','ch','m') redis.call('set','a',2)" 0
EVAL "redis.replicate_commands() return redis.call('spop','none')" 0
EVAL "redis.call('sadd','s','x') return redis.call('spop','s')" 0
EVAL "redis.call('set','a',2) error('x')" 0
EVAL "redis.call('expire','a',100) redis.call('getex','a','px',100000) redis.call('incrbyfloat','f',1.5)" 0
SCRIPT LOAD "return 1"
SCRIPT FLUSH
EVALSHA_RO e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
SELECT 0
# transactions, messages
MULTI
SET a 1
SELECT 2
SET b 2
PUBLISH c d
GET a
SELECT 0
INCR a
EXEC
MULTI
GET a
EXEC
MULTI
PUBLISH x y
EXEC
MULTI
SET a 1
EXEC
MULTI
SET a
EXEC
WATCH a
SET a 2
MULTI
SET a 3
EXEC
MULTI
EVAL "redis.call('set','a',1) redis.call('set','b',1)" 0
SET c 1
EXEC
MULTI
FLUSHALL
EXEC
SPUBLISH sh m
# commands that are recorded as others
SET k v EX 100
SETEX k 10 v
PSETEX k 10000 v
GETEX k EX 100
GETEX k PERSIST
GETEX k PXAT 1
SET k v
GETDEL k
GETDEL k
INCRBYFLOAT f 1.1
HINCRBYFLOAT h f 1.1
SADD s a
SPOP s
SADD s b
SPOP s 1
SADD s c d
SPOP s 2
SADD s a b c
SMOVE s t a
SORT s ALPHA STORE l
LMPOP 1 l LEFT COUNT 1
ZADD z 1 a 2 b
ZMPOP 1 z MIN
ZPOPMAX z
RPOPLPUSH l m
LMOVE m l LEFT RIGHT
RESTORE rr 0 "\x00\x01a\n\x00\x9a\x8e" REPLACE
COPY t u
RENAME u w
MOVE w 1
SWAPDB 0 1
SWAPDB 0 1
FLUSHDB
FLUSHDB ASYNC
UNLINK none
DEL none
PFADD p a b
PFADD p a
PFCOUNT p
PFMERGE q p
SETRANGE sr 5 x
BITOP NOT b sr
BITFIELD bf SET u8 0 1
BITFIELD bf GET u8 0
OBJECT FREQ bf
TOUCH bf
EXPIRE bf 100
PERSIST bf
EXPIREAT bf 1
SET bf 1
PEXPIRE bf -5
HSET hh a 1
HGETDEL hh a
LPUSH ll a b c
LTRIM ll 1 1
LREM ll 0 zz
LSET ll 0 q
SINTERSTORE dd none none
ZUNIONSTORE dz 1 none
GEORADIUS g 1 1 1 km STORE x
GEOADD g 1 1 a 2 2 b
GEORADIUS g 1 1 1000 km STORE x
GEOSEARCHSTORE x g FROMLONLAT 1 1 BYRADIUS 100 km
GEOADD g 1 1 a
GEOADD g NX 1 1 a 5 5 c
# streams and groups
XADD x * a 1
XADD x 99999999999999-* a 1
XADD x MAXLEN ~ 10 99999999999999-8 a 1
XADD x MAXLEN 2 99999999999999-9 a 1
XGROUP CREATE x g 0
XGROUP CREATECONSUMER x g c1
XGROUP CREATECONSUMER x g c1
XREADGROUP GROUP g c2 COUNT 1 STREAMS x >
XREADGROUP GROUP g c2 NOACK COUNT 1 STREAMS x >
XREADGROUP GROUP g c2 STREAMS x >
XREADGROUP GROUP g c2 STREAMS x 0
XREADGROUP GROUP g c3 STREAMS x >
XADD x 99999999999999-10 a 1
XADD x 99999999999999-11 a 1
XREADGROUP GROUP g c3 STREAMS x >
XCLAIM x g c4 0 99999999999999-10
XCLAIM x g c4 0 99999999999999-10 JUSTID
XCLAIM x g c4 0 99999999999999-10 IDLE 1000 RETRYCOUNT 5 FORCE LASTID 99999999999999-11
XAUTOCLAIM x g c5 0 0
XAUTOCLAIM x g c5 0 0 JUSTID
XDEL x 99999999999999-10
XAUTOCLAIM x g c5 0 0
XACK x g 99999999999999-11
XTRIM x MAXLEN ~ 1
XTRIM x MAXLEN 1
XTRIM x MINID 99999999999999-11
XSETID x 99999999999999-99
XGROUP SETID x g 0
XGROUP SETID x g $ ENTRIESREAD 3
XGROUP DELCONSUMER x g c5
XGROUP DELCONSUMER x g nope
XGROUP DESTROY x g
XGROUP CREATE new g $ MKSTREAM
XINFO STREAM new
# blocking commands that need not wait
RPUSH a 1 2 3
BLPOP a 0
BLMOVE a b LEFT RIGHT 0
BLMPOP 0 1 a LEFT
ZADD z 1 a 2 b
BZPOPMIN z 0
BZMPOP 0 1 z MIN
`;

/** Requests that wait, and those that let them go on. */
export const WAITING_CASES: readonly (readonly [waiting: string, wake: string])[] = [
  ["BLPOP a b 0", "RPUSH b 1 2"],
  ["BRPOP a 0", "RPUSH a 1 2"],
  ["BLMOVE a c LEFT RIGHT 0", "RPUSH a x"],
  ["BRPOPLPUSH a c 0", "RPUSH a x"],
  ["BLMPOP 0 2 a b LEFT COUNT 2", "RPUSH b x y z"],
  ["BZPOPMIN z 0", "ZADD z 1 m 2 n"],
  ["BZPOPMAX z 0", "ZADD z 1 m 2 n"],
  ["BZMPOP 0 1 z MAX COUNT 2", "ZADD z 1 m 2 n 3 o"],
  ["XREADGROUP GROUP g c BLOCK 0 STREAMS st >", "XADD st 5-5 a b"],
];

/** Keys that have expired, met by commands. */
export const EXPIRED_SCRIPT = String.raw`
GET e1
SET e2 x
MULTI
GET e3
SET y 1
EXEC
EXISTS e4
EVAL "return redis.call('get','e5')" 0
LPUSH e6 x
INCR e7
CONFIG SET lazyfree-lazy-expire yes
GET e8
EXPIRE y -1
CONFIG SET lazyfree-lazy-expire no
RENAME e9 zz
SCAN 0
`;
