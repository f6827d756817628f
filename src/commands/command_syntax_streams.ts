/**
 * Arguments and history of the commands of streams, in the notation of command_syntax.ts.
 */
export const STREAM_SYNTAX = `
XACK key group id...
XACKDEL key group [condition(KEEPREF|DELREF|ACKED)] IDS ids(numids:int id...)
XADD key [NOMKSTREAM^6.2.0] [trim(strategy(MAXLEN | MINID^6.2.0) [operator(equal="=" |
    approximately="~")] threshold [LIMIT count:int^6.2.0])] id_or_auto(auto_id="*" | id)
    (field value)...
  6.2.0: 'NOMKSTREAM', 'MINID' and 'LIMIT' are new.
  7.0.0: Ids of the form '<ms>-*'.
XAUTOCLAIM key group consumer min-idle-time start [COUNT count:int] [JUSTID]
  7.0.0: The reply names deleted entries that are no more pending.
XCLAIM key group consumer min-idle-time id... [IDLE ms:int] [TIME unix-time-milliseconds:time]
    [RETRYCOUNT count:int] [FORCE] [JUSTID] [LASTID id]
XDEL key id...
XDELEX key [condition(KEEPREF|DELREF|ACKED)] IDS ids(numids:int id...)
XGROUP CREATE key groupname id(id | new_id="$") [MKSTREAM] [ENTRIESREAD entries_read:int]
  7.0.0: 'ENTRIESREAD' is new.
XGROUP CREATECONSUMER key groupname consumername
XGROUP DELCONSUMER key groupname consumername
XGROUP DESTROY key groupname
XGROUP SETID key groupname id(id | new_id="$") [ENTRIESREAD entries_read:int]
  7.0.0: 'ENTRIESREAD' is new.
XINFO CONSUMERS key groupname
XINFO GROUPS key
  7.0.0: The reply tells 'entries-read' and 'lag'.
XINFO STREAM key [FULL full([COUNT count:int])]
  6.0.0: 'FULL' is new.
  7.0.0: The reply tells of deleted and added entries, and of the first one.
XLEN key
XPENDING key group [filters([IDLE min-idle-time:int^6.2.0] start end count:int [consumer])]
  6.2.0: 'IDLE' is new, and bounds may be exclusive.
XRANGE key start end [COUNT count:int]
  6.2.0: Bounds may be exclusive.
XREAD [COUNT count:int] [BLOCK milliseconds:int] STREAMS streams(key... id...)
XREADGROUP GROUP group_consumer(group consumer) [COUNT count:int] [BLOCK milliseconds:int] [NOACK]
    STREAMS streams(key... id...)
XREVRANGE key end start [COUNT count:int]
  6.2.0: Bounds may be exclusive.
XSETID key last-id [ENTRIESADDED entries_added:int^7.0.0] [MAXDELETEDID max_deleted_entry_id^7.0.0]
  7.0.0: 'ENTRIESADDED' and 'MAXDELETEDID' are new.
XTRIM key trim(strategy(MAXLEN | MINID^6.2.0) [operator(equal="=" | approximately="~")]
    threshold [LIMIT count:int^6.2.0])
  6.2.0: 'MINID' and 'LIMIT' are new.
`;
