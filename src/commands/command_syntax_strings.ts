/**
 * Arguments and history of the commands of strings, bitmaps and HyperLogLogs,
 * in the notation of command_syntax.ts.
 */
export const STRING_SYNTAX = `
APPEND key value
BITCOUNT key [index(start:int end:int [index_unit(BYTE|BIT)^7.0.0])]
  7.0.0: 'BYTE' and 'BIT' are new.
BITFIELD key [operation(GET (encoding offset:int) | write([OVERFLOW (WRAP|SAT|FAIL)]
    write_operation(SET (encoding offset:int value:int) |
    INCRBY (encoding offset:int increment:int))))...]
BITFIELD_RO key [GET... (encoding offset:int)...]
BITOP operation destkey:key key...
  8.2.0: 'DIFF', 'DIFF1', 'ANDOR' and 'ONE' are new.
BITPOS key bit:int [index(start:int [end_index(end:int [index_unit(BYTE|BIT)^7.0.0])])]
  7.0.0: 'BYTE' and 'BIT' are new.
DECR key
DECRBY key decrement:int
DELEX key [condition(IFEQ ifeq-value | IFNE ifne-value |
    IFDEQ ifdeq-digest | IFDNE ifdne-digest)]
DELIFEQ key value
DIGEST key
GET key
GETBIT key offset:int
GETDEL key
GETEX key [expiration(EX seconds:int | PX milliseconds:int | EXAT unix-time-seconds:time |
    PXAT unix-time-milliseconds:time | PERSIST)]
GETRANGE key start:int end:int
GETSET key value
  deprecated 6.2.0: 'SET' 'GET'
INCR key
INCRBY key increment:int
INCRBYFLOAT key increment:double
INCREX key [increment(BYFLOAT float:double | BYINT integer:int)] [LBOUND lowerbound]
    [UBOUND upperbound] [SATURATE] [expiration(EX seconds:int | PX milliseconds:int |
    EXAT unix-time-seconds:time | PXAT unix-time-milliseconds:time | PERSIST)] [ENX]
LCS key1:key key2:key@0 [LEN] [IDX] [MINMATCHLEN len:int] [WITHMATCHLEN]
MGET key...
MSET (key value)...
MSETEX numkeys:int data(key value)... [condition(NX|XX)] [expiration(EX seconds:int |
    PX milliseconds:int | EXAT unix-time-seconds:time | PXAT unix-time-milliseconds:time |
    KEEPTTL)]
MSETNX (key value)...
PFADD key [element...]
PFCOUNT key...
PFDEBUG subcommand key
  syscmd
PFMERGE destkey:key sourcekey:key...
PFSELFTEST
  syscmd
PSETEX key milliseconds:int value
SET key value [condition(NX | XX | IFEQ ifeq-value^8.4.0 | IFNE ifne-value^8.4.0 |
    IFDEQ ifdeq-digest^8.4.0 | IFDNE ifdne-digest^8.4.0)^2.6.12] [GET^6.2.0]
    [expiration(EX seconds:int^2.6.12 | PX milliseconds:int^2.6.12 |
    EXAT unix-time-seconds:time^6.2.0 | PXAT unix-time-milliseconds:time^6.2.0 |
    KEEPTTL^6.0.0)]
  2.6.12: 'EX', 'PX', 'NX' and 'XX' are new.
  6.0.0: 'KEEPTTL' is new.
  6.2.0: 'GET', 'EXAT' and 'PXAT' are new.
  7.0.0: 'NX' and 'GET' may stand together.
  8.4.0: 'IFEQ', 'IFNE', 'IFDEQ' and 'IFDNE' are new.
SETBIT key offset:int value:int
SETEX key seconds:int value
SETNX key value
SETRANGE key offset:int value
STRLEN key
SUBSTR key start:int end:int
  deprecated 2.0.0: 'GETRANGE'
`;
