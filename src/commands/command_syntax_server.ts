/**
 * Arguments and history of the commands of the server, connections, publishing and scripts,
 * in the notation of command_syntax.ts.
 */
export const SERVER_SYNTAX = `
ACL CAT [categoryname]
ACL DELUSER username...
ACL DRYRUN username command [arg...]
ACL GENPASS [bits:int]
ACL GETUSER username
  6.2.0: Channel patterns.
  7.0.0: Selectors; key and channel patterns are shown as rules, no longer as lists.
ACL LOG [operation(count:int | RESET)]
ACL SETUSER username [rule...]
  6.2.0: Channel patterns.
  7.0.0: Selectors and permissions by key.
AUTH [username^6.0.0] password
  6.0.0: A user name may stand before the password.
BGSAVE [SCHEDULE^3.2.2]
  3.2.2: 'SCHEDULE' is new.
CLIENT CACHING mode(YES|NO)
CLIENT KILL filter(ip:port^-2.8.12 | new-format([ID client-id:int^2.8.12] |
    [TYPE normal_master_slave_pubsub(NORMAL | MASTER^3.2.0 | SLAVE | REPLICA^5.0.0 |
    PUBSUB)^2.8.12] |
    [USER username] | [ADDR ip:port] | [LADDR ip:port^6.2.0] | [SKIPME yes/no] |
    [MAXAGE maxage:int^7.4.0])...)
  2.8.12: Filters, each with a word before it.
  2.8.12: 'ID' is new.
  3.2.0: 'TYPE' knows 'master'.
  5.0.0: 'TYPE replica'; 'slave' means the same.
  6.2.0: 'LADDR' is new.
  7.4.0: 'MAXAGE' is new.
CLIENT LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)^5.0.0] [ID id(client-id:int...)^6.2.0]
  2.8.12: Field 'id'.
  5.0.0: 'TYPE' is new.
  6.0.0: Field 'user'.
  6.2.0: Fields 'argv-mem', 'tot-mem', 'laddr' and 'redir'; 'ID' is new.
  7.0.0: Fields 'resp', 'multi-mem', 'rbs' and 'rbp'.
  7.0.3: Field 'ssub'.
CLIENT MAINT_NOTIFICATIONS enabled(ON|OFF) [MOVING-ENDPOINT-TYPE type]
CLIENT NO-EVICT enabled(ON|OFF)
CLIENT NO-TOUCH enabled(ON|OFF)
CLIENT PAUSE timeout:int [mode(WRITE|ALL)^6.2.0]
  6.2.0: 'WRITE' and 'ALL' are new.
CLIENT REPLY (ON|OFF|SKIP)
CLIENT SETINFO attr(LIB-NAME libname | LIB-VER libver)
CLIENT SETNAME connection-name
CLIENT TRACKING status(ON|OFF) [REDIRECT client-id:int] [PREFIX... prefix...] [BCAST] [OPTIN]
    [OPTOUT] [NOLOOP]
CLIENT UNBLOCK client-id:int [(TIMEOUT|ERROR)]
COMMAND DOCS [command-name...]
COMMAND INFO [command-name...]
  7.0.0: Without names: all commands.
COMMAND LIST [FILTERBY filterby(MODULE module-name | ACLCAT category | PATTERN pattern)]
COMMANDLOG GET count:int type(SLOW|LARGE-REQUEST|LARGE-REPLY)
COMMANDLOG LEN type(SLOW|LARGE-REQUEST|LARGE-REPLY)
COMMANDLOG RESET type(SLOW|LARGE-REQUEST|LARGE-REPLY)
CONFIG GET (parameter)...
  7.0.0: Any number of patterns.
CONFIG SET (parameter value)...
  7.0.0: Any number of parameters, all set or none.
DEBUG
  syscmd
ECHO message
EVAL script numkeys:int [key...] [arg...]
EVAL_RO script numkeys:int [key...] [arg...]
EVALSHA sha1 numkeys:int [key...] [arg...]
EVALSHA_RO sha1 numkeys:int [key...] [arg...]
FCALL function numkeys:int [key...] [arg...]
FCALL_RO function numkeys:int [key...] [arg...]
FLUSHALL [async(ASYNC^4.0.0 | SYNC^6.2.0)]
  4.0.0: 'ASYNC' is new.
  6.2.0: 'SYNC' is new.
FLUSHDB [async(ASYNC^4.0.0 | SYNC^6.2.0)]
  4.0.0: 'ASYNC' is new.
  6.2.0: 'SYNC' is new.
FUNCTION DELETE library-name
FUNCTION FLUSH [async(ASYNC|SYNC)]
FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]
FUNCTION LOAD [REPLACE] function-code
FUNCTION RESTORE serialized-value [policy(FLUSH|APPEND|REPLACE)]
HELLO [arguments(protover:int [AUTH (username password)] [SETNAME clientname])]
  6.2.0: 'protover' may be left out: only the state of the connection is told.
INFO [section...]
  7.0.0: Any number of sections.
LATENCY GRAPH event
LATENCY HISTOGRAM [command...]
LATENCY HISTORY event
LATENCY RESET [event...]
LOLWUT [VERSION version:int]
MEMORY USAGE key [SAMPLES count:int]
PING [message]
PSUBSCRIBE (pattern)...
PUBLISH channel message
PUBSUB CHANNELS [pattern]
PUBSUB NUMSUB [channel...]
PUBSUB SHARDCHANNELS [pattern]
PUBSUB SHARDNUMSUB [shardchannel...]
PUNSUBSCRIBE [pattern...]
SCRIPT DEBUG mode(YES|SYNC|NO)
SCRIPT EXISTS sha1...
SCRIPT FLUSH [async(ASYNC|SYNC)^6.2.0]
  6.2.0: 'ASYNC' and 'SYNC' are new.
SCRIPT LOAD script
SELECT index:int
SHUTDOWN [(NOSAVE|SAVE)] [NOW^7.0.0] [FORCE^7.0.0] [ABORT^7.0.0]
  7.0.0: 'NOW', 'FORCE' and 'ABORT' are new.
SLOWLOG GET [count:int]
  4.0.0: Address and name of the client.
SPUBLISH shardchannel message
SSUBSCRIBE shardchannel...
SUBSCRIBE channel...
SUNSUBSCRIBE [shardchannel...]
SWAPDB index1:int index2:int
UNSUBSCRIBE [channel...]
`;
