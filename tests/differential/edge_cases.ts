/**
 * Scripted cases that the fuzzer found, one for each difference that was repaired, and the rules of
 * WATCH that it meets too seldom; see case_script.ts for the form.
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
RESET
`;
