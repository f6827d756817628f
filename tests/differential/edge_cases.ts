/**
 * Scripted cases that the fuzzer found, one for each difference that was repaired, and what it
 * meets too seldom: the rules of WATCH, the texts of HELP. See case_script.ts for the form.
 */

export const EDGE_SCRIPT = String.raw`
# numbers that only C's strtod takes
SADD s 1 2 10
SORT s BY none* GET #
RPUSH l 4 "\x00\xff\x80"
SORT l
RPUSH m " 3" "" 1
SORT m
RPUSH n "1x"
SORT n
ZADD z 1 a 2 b
ZCOUNT z "" "\x00\xff"
ZCOUNT z "1 " 2
ZRANGEBYSCORE z ( 1e400
# texts of HELP
ACL HELP
CLIENT HELP
COMMAND HELP
CONFIG HELP
FUNCTION HELP
LATENCY HELP
MEMORY HELP
OBJECT HELP
PUBSUB HELP
SCRIPT HELP
SLOWLOG HELP
HELP
CLIENT HELP more
# LPOS from the lowest of all ranks
RPUSH l a b c a b c
LPOS l c RANK -9223372036854775808
LPOS l c RANK -9223372036854775807
LPOS l a RANK -9223372036854775808 COUNT 0
# databases that are no number, or none of ours
SELECT x
SELECT 99999999999
SELECT -99999999999
SELECT 16
SELECT -1
SWAPDB x 0
SWAPDB 99 x
SWAPDB 0 99
MOVE k 99999999999
# geo: both sides of a box are read before one is refused
GEOADD g 13 52 a
GEOSEARCH g FROMMEMBER a BYBOX -1 x m ASC
GEOSEARCH g FROMMEMBER a BYBOX 1 -1 m ASC
# arguments in errors end at a zero byte
NOSUCH "a\x00b" "\x00"
"no\x00such"
CONFIG "a\x00b"
EXPIRE k 10 "x\x00y"
EXPIRE k 10 "\r\n"
EXPIRE k 10 "a\r\nb"
PFADD h a
PFDEBUG "no\x00such" h
CLIENT KILL TYPE "a\x00b"
CLIENT UNBLOCK 987654321 ERROR more
FUNCTION LIST "\x00"
FUNCTION LIST "\r\n"
# a lowered limit is seen when a field is overwritten
HSET h a 1 b 2 c 3
CONFIG SET hash-max-listpack-entries 2
HSET h a 2
OBJECT ENCODING h
CONFIG SET hash-max-listpack-entries 128
# HyperLogLogs are raw strings as soon as they are to be changed
PFADD p
DEBUG RELOAD
OBJECT ENCODING p
PFADD p
OBJECT ENCODING p
PFMERGE q p
DEBUG RELOAD
PFDEBUG ENCODING q
OBJECT ENCODING q
# keys of a command that another one asks for
COMMAND GETKEYS ZDIFFSTORE z1 3 z2 z1
COMMAND GETKEYS ZDIFFSTORE z1 +1 z2
COMMAND GETKEYS ZUNION x z2
COMMAND GETKEYS SINTERCARD 1.5 a b
COMMAND GETKEYSANDFLAGS BITFIELD n GET u8 0 OVERFLOW FAIL
COMMAND GETKEYSANDFLAGS BITFIELD n GET u8
COMMAND GETKEYSANDFLAGS BITFIELD n OVERFLOW
COMMAND GETKEYSANDFLAGS ZINTERSTORE z0 1.5 z2 z2
COMMAND GETKEYSANDFLAGS ZUNIONSTORE z0 +1 z2 z2
COMMAND GETKEYSANDFLAGS ZINTER 1.5 z2 z2
# PFCOUNT makes a loaded HyperLogLog writable, cached count or not
PFADD loaded abc e p
PFCOUNT loaded
DEBUG RELOAD
OBJECT ENCODING loaded
PFCOUNT loaded
OBJECT ENCODING loaded
# the encoding of a difference goes by the members that are left
CONFIG SET zset-max-listpack-value 2
ZADD long 1 a 2 b 3 300
ZADD minus 1 300 2 b 3 x 4 y 5 z
ZDIFFSTORE short 2 long minus
OBJECT ENCODING short
CONFIG SET zset-max-listpack-value 64
# a score of -0 in a skiplist outlives a reload
CONFIG SET zset-max-listpack-value 1
ZADD negative -0 9 1 312
DEBUG RELOAD
ZRANGE negative 0 -1 WITHSCORES
OBJECT ENCODING negative
CONFIG SET zset-max-listpack-value 64
DEBUG RELOAD
ZRANGE negative 0 -1 WITHSCORES
OBJECT ENCODING negative
# ZRANGESTORE collects in a listpack as long as it can, where -0 becomes 0
CONFIG SET zset-max-listpack-value 2
ZADD signed -9 356 -0 h 5 k
ZRANGESTORE reversed signed 0 -1 REV
ZRANGE reversed 0 -1 WITHSCORES
ZRANGESTORE forward signed 0 -1
ZRANGE forward 0 -1 WITHSCORES
CONFIG SET zset-max-listpack-value 64
# the greatest expiry outlives a reload
SET lasting v PXAT 9223372036854775807
DEBUG RELOAD
PEXPIRETIME lasting
EXISTS lasting
# keys whose time is past are removed when they are met, and not before
DEBUG SET-ACTIVE-EXPIRE 0
SET gone 1 EXAT 1
DBSIZE
RESTORE gone 0 nonsense REPLACE
DBSIZE
RESTORE gone 0 nonsense
DBSIZE
SET gone 1 EXAT 1
LCS wrong gone LEN
HSET wrong a 1
LCS wrong gone LEN
DBSIZE
SET gone 1 EXAT 1
SMOVE none gone a
DBSIZE
SET gone 1 EXAT 1
SCAN 0 MATCH g* COUNT 1000 TYPE hash
DBSIZE
SET gone 1 EXAT 1
KEYS *
DBSIZE
DEBUG DIGEST-VALUE gone
GET gone
DEBUG DIGEST-VALUE gone
DEBUG SET-ACTIVE-EXPIRE 1
# time stands still within a transaction
SET k v
MULTI
PEXPIRE k 5
DEBUG SLEEP 0.01
GET k
EXISTS k
EXEC
GET k
# WATCH of keys whose time is past, or comes
DEBUG SET-ACTIVE-EXPIRE 0
SET k v PX 5
WATCH k
DEBUG SLEEP 0.01
MULTI
PING
EXEC
SET k v EXAT 1
WATCH k
MULTI
PING
EXEC
SET k v EXAT 1
WATCH k
b> GET k
MULTI
PING
EXEC
SET k v EXAT 1
WATCH k
b> SET k w
MULTI
PING
EXEC
SET k v EXAT 1
WATCH k
b> SWAPDB 0 1
MULTI
PING
EXEC
DBSIZE
SELECT 1
WATCH none
b> SELECT 1
b> SET k v EXAT 1
b> SWAPDB 0 1
MULTI
PING
EXEC
DBSIZE
SET k v EXAT 1
WATCH k
b> FLUSHALL
MULTI
PING
EXEC
DEBUG SET-ACTIVE-EXPIRE 1
# WATCH sees what other commands do to a key
SET a 1
WATCH a
b> COPY a c
b> GET a
b> OBJECT ENCODING a
b> DUMP a
b> TOUCH a
MULTI
PING
EXEC
WATCH dest
b> SUNIONSTORE dest none
MULTI
PING
EXEC
WATCH dest
b> COPY a dest
MULTI
PING
EXEC
WATCH l
b> RPUSH l x
b> DEL l
MULTI
PING
EXEC
SADD s m
WATCH s
b> SADD s m
b> SREM s none
MULTI
PING
EXEC
WATCH s
b> SREM s m
MULTI
PING
EXEC
WATCH t
b> RESTORE t 0 "\x00\xc0\x0c\x0b\x00\x47\x75\xd8\x8a\x2f\x03\x5b\x1c"
MULTI
PING
EXEC
SET a 1
WATCH a
b> PERSIST a
b> EXPIRE a -1 GT
MULTI
PING
EXEC
WATCH a
b> MOVE a 3
MULTI
PING
EXEC
WATCH gone
SELECT 4
b> SET gone 1
MULTI
PING
EXEC
SELECT 0
WATCH a
b> FLUSHALL
MULTI
PING
EXEC
WATCH a
MULTI
DISCARD
b> SET a 2
MULTI
PING
EXEC
WATCH a
SET a 3
RESET
MULTI
PING
EXEC
`;
