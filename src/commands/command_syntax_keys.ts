/**
 * Arguments and history of the commands of keys of any type, and of transactions,
 * in the notation of command_syntax.ts.
 */
export const KEY_SYNTAX = `
COPY source:key destination:key [DB destination-db:int] [REPLACE]
DEL key...
DUMP key
EXISTS key...
  3.0.3: Any number of keys.
EXPIRE key seconds:int [condition(NX|XX|GT|LT)^7.0.0]
  7.0.0: 'NX', 'XX', 'GT' and 'LT' are new.
EXPIREAT key unix-time-seconds:time [condition(NX|XX|GT|LT)^7.0.0]
  7.0.0: 'NX', 'XX', 'GT' and 'LT' are new.
EXPIRETIME key
KEYS pattern
MOVE key db:int
OBJECT ENCODING key
OBJECT FREQ key
OBJECT IDLETIME key
OBJECT REFCOUNT key
PERSIST key
PEXPIRE key milliseconds:int [condition(NX|XX|GT|LT)^7.0.0]
  7.0.0: 'NX', 'XX', 'GT' and 'LT' are new.
PEXPIREAT key unix-time-milliseconds:time [condition(NX|XX|GT|LT)^7.0.0]
  7.0.0: 'NX', 'XX', 'GT' and 'LT' are new.
PEXPIRETIME key
PTTL key
  2.8.0: -2 for a key that does not exist.
RENAME key newkey:key
RENAMENX key newkey:key
  3.2.0: Both names may be the same.
RESTORE key ttl:int serialized-value [REPLACE^3.0.0] [ABSTTL^5.0.0] [IDLETIME seconds:int^5.0.0]
    [FREQ frequency:int^5.0.0]
  3.0.0: 'REPLACE' is new.
  5.0.0: 'ABSTTL' is new.
  5.0.0: 'IDLETIME' and 'FREQ' are new.
SCAN cursor:int [MATCH pattern] [COUNT count:int] [TYPE type^6.0.0]
  6.0.0: 'TYPE' is new.
SORT key [BY pattern@1] [LIMIT (offset:int count:int)] [GET... pattern@1...] [order(ASC|DESC)]
    [sorting=ALPHA] [STORE destination:key]
SORT_RO key [BY pattern@1] [LIMIT (offset:int count:int)] [GET... pattern@1...] [order(ASC|DESC)]
    [sorting=ALPHA]
TOUCH key...
TTL key
  2.8.0: -2 for a key that does not exist.
TYPE key
UNLINK key...
WATCH key...
`;
