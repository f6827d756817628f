/**
 * Every command that the fuzzer sends, as shapes (see shape_grammar.ts), by family.
 *
 * A line is `law weight | shape`; both may be left out. Laws other than "same" are those of
 * reply_laws.ts; `near` is 2000 apart. A `!` before the law keeps the request from being spoilt:
 * its random or blocking form would make the servers drift apart. Blocking requests are rare,
 * because they take time. Scripting, replication, cluster and modules are not here;
 * neither are commands that stop a server. `UNSHAPED_COMMANDS` names what is left out, and why.
 */

import type { Law } from "./reply_laws.ts";

const WEIGHT_SCALE = 50;

export interface CommandShape {
  family: string;
  shape: string;
  law: Law;
  /** How often it is chosen beside others; 50 is usual. */
  weight: number;
  /** May the request be spoilt at random? */
  isSpoilable: boolean;
}

const STRINGS = `
3 | SET <str> <value> [EX <seconds>|PX <milliseconds>|EXAT <unixtime>|PXAT <unixtimems>|KEEPTTL] \
[NX|XX] [GET]
GET <str> \n GETDEL <str> \n GETSET <str> <value> \n STRLEN <str> \n SETNX <str> <value>
GETEX <str> [EX <seconds>|PX <milliseconds>|EXAT <unixtime>|PXAT <unixtimems>|PERSIST]
SETEX <str> <seconds> <value> \n PSETEX <str> <milliseconds> <value>
MSET {<str> <value>} \n MSETNX {<str> <value>} \n MGET {<str>}
APPEND <str> <value> \n GETRANGE <str> <index> <index> \n SUBSTR <str> <index> <index>
SETRANGE <str> <offset> <value>
2 | SET <num> <int> \n INCR <num> \n DECR <num> \n INCRBY <num> <int> \n DECRBY <num> <int>
INCRBYFLOAT <num> <float>
LCS <str> <str> [LEN|IDX] [MINMATCHLEN <count>] [WITHMATCHLEN]
`;

const BITMAPS = `
SETBIT <str> <offset> <bit> \n GETBIT <str> <offset>
BITCOUNT <str> [<index> <index>|<index> <index> BIT|<index> <index> BYTE]
BITPOS <str> <bit> [<index>|<index> <index>|<index> <index> BIT]
BITOP <bitop> <str> {<str>}
BITFIELD <str> {(GET <bittype> <bitoffset>|SET <bittype> <bitoffset> <int>|OVERFLOW \
(WRAP|SAT|FAIL)|INCRBY <bittype> <bitoffset> <int>)}
BITFIELD_RO <str> {GET <bittype> <bitoffset>} \n BITFIELD <num> INCRBY <bittype> <bitoffset> <int>
`;

const HYPERLOGLOGS = `
3 | PFADD <hll> {<member>} \n PFADD <hll> \n 2 | PFCOUNT {<hll>} \n PFMERGE <hll> {<hll>}
dump | DUMP <hll> \n OBJECT ENCODING <hll> \n DEL <hll> \n STRLEN <hll>
0.1 | PFDEBUG (ENCODING|DECODE|TODENSE|GETREG) <hll>
`;

const KEYS = `
2 | DEL {<key>} \n UNLINK {<key>} \n EXISTS {<key>} \n TOUCH {<key>} \n TYPE <key>
EXPIRE <key> <seconds> [NX|XX|GT|LT] \n PEXPIRE <key> <milliseconds> [NX|XX|GT|LT]
EXPIREAT <key> <unixtime> [NX|XX|GT|LT] \n PEXPIREAT <key> <unixtimems> [NX|XX|GT|LT]
near | TTL <key> \n near | PTTL <key> \n near | EXPIRETIME <key> \n near | PEXPIRETIME <key>
PERSIST <key> \n RENAME <key> <key> \n RENAMENX <key> <key> \n COPY <key> <key> [DB <db>] [REPLACE]
MOVE <key> <db> \n DBSIZE \n SELECT <db> \n SWAPDB <db> <db>
sorted | KEYS <pattern> \n !scan | SCAN 0 [MATCH <pattern>] COUNT 100000 [TYPE <type>]
3 | OBJECT ENCODING <key> \n !shape | OBJECT REFCOUNT <key> \n OBJECT FREQ <key>
near | OBJECT IDLETIME <key> \n 
!same | PEXPIRE <key> 5 ; DEBUG SLEEP 0.007 \n 0.1 | FLUSHDB [ASYNC|SYNC]
0.05 | FLUSHALL [ASYNC|SYNC]
ECHO <value> \n PING [<value>] \n NOSUCHCOMMAND <value>
`;

const DUMPS = `
dump | DUMP <key> \n dump | DUMP <str> \n dump | DUMP <zset> \n dump | DUMP <lex>
4 | RESTORE <key> 0 <dump> [REPLACE]
RESTORE <key> 0 <dump> REPLACE [IDLETIME <count>|FREQ <count>]
RESTORE <key> <milliseconds> <dump> REPLACE \n RESTORE <key> <unixtimems> <dump> ABSTTL [REPLACE]
3 | DEBUG DIGEST-VALUE {<key>} \n DEBUG DIGEST \n !same 0.1 | DEBUG RELOAD
`;

const SORTING = `
2 | SORT <list> [ASC|DESC] [LIMIT <smallcount> <smallcount>] [GET <bypattern>] [STORE <list>]
SORT <set> [ASC|DESC] [LIMIT <smallcount> <smallcount>] {GET <bypattern>} [STORE <list>]
SORT <key> ALPHA [DESC] [LIMIT <smallcount> <smallcount>] [GET <bypattern>] STORE <list>
sorted | SORT <key> ALPHA \n sorted | SORT_RO <key> ALPHA [GET #] [ASC|DESC] [GET <bypattern>]
SORT <zset> [ASC|DESC] [LIMIT <smallcount> <smallcount>] [GET #]
SORT <lex> BY nosort [DESC] [LIMIT <smallcount> <smallcount>] [GET #|GET <bypattern>] [STORE <list>]
2 | SORT <list> BY <bypattern> [DESC] [LIMIT <smallcount> <smallcount>] [GET #] [GET <bypattern>]
sorted | SORT <key> ALPHA BY <bypattern> \n SORT_RO <list> [ASC|DESC] [GET <bypattern>]
sorted | SORT_RO <key> BY nosort [GET #] \n 2 | RPUSH <list> {<smallcount>}
SADD <set> {<smallcount>} \n MSET {<weightkey> <int>} \n HSET <hash> {<smallcount> <int>}
2 | ZADD <zset> {<score> <smallcount>} \n DEL <list> \n HSET <weighthash> f <int>
`;

const HASHES = `
3 | HSET <hash> {<field> <value>} \n HMSET <hash> {<field> <value>} \n HSETNX <hash> <field> <value>
HGET <hash> <field> \n HMGET <hash> {<field>} \n HDEL <hash> {<field>} \n HEXISTS <hash> <field>
HLEN <hash> \n HSTRLEN <hash> <field> \n HINCRBY <hash> <field> <int>
HINCRBYFLOAT <hash> <field> <float>
sortedPairs | HGETALL <hash> \n sorted | HKEYS <hash> \n sorted | HVALS <hash>
!scan | HSCAN <hash> 0 [MATCH <pattern>] COUNT 100000
!shape | HRANDFIELD <hash> [<smallcount>|<smallcount> WITHVALUES]
`;

const LISTS = `
2 | RPUSH <list> {<value>} \n 2 | LPUSH <list> {<value>} \n RPUSHX <list> {<value>}
LPUSHX <list> {<value>} \n LPOP <list> [<count>] \n RPOP <list> [<count>] \n LLEN <list>
LRANGE <list> <index> <index> \n LINDEX <list> <index> \n LSET <list> <index> <value>
LINSERT <list> (BEFORE|AFTER) <value> <value> \n LREM <list> <index> <value>
LTRIM <list> <index> <index> \n RPOPLPUSH <list> <list>
LMOVE <list> <list> (LEFT|RIGHT) (LEFT|RIGHT)
LPOS <list> <value> [RANK <index>] [COUNT <count>] [MAXLEN <count>]
LMPOP #{<list>} (LEFT|RIGHT) [COUNT <count>]
!same 0.02 | BLPOP <list> 0.01 \n !same 0.02 | BRPOP <list> <list> 0.01
!same 0.02 | BLMOVE <list> <list> (LEFT|RIGHT) (LEFT|RIGHT) 0.01
!same 0.02 | BRPOPLPUSH <list> <list> 0.01 \n !same 0.02 | BLMPOP 0.01 #{<list>} (LEFT|RIGHT) \
[COUNT 3]
`;

const SETS = `
3 | SADD <set> {<member>} \n SREM <set> {<member>} \n SISMEMBER <set> <member>
SMISMEMBER <set> {<member>} \n SCARD <set> \n SMOVE <set> <set> <member>
sorted | SMEMBERS <set> \n sorted | SINTER {<set>} \n sorted | SUNION {<set>}
sorted | SDIFF {<set>} \n SINTERSTORE <set> {<set>} \n SUNIONSTORE <set> {<set>}
SDIFFSTORE <set> {<set>} \n SINTERCARD #{<set>} [LIMIT <count>]
!sorted | SPOP <set> 100000 \n !shape | SRANDMEMBER <set> [<smallcount>]
!scan | SSCAN <set> 0 [MATCH <pattern>] COUNT 100000
`;

const SORTED_SETS = `
3 | ZADD <zset> [NX|XX] [GT|LT] [CH] {<score> <member>} \n ZADD <zset> INCR <score> <member>
ZREM <zset> {<member>} \n ZSCORE <zset> <member> \n ZMSCORE <zset> {<member>} \n ZCARD <zset>
ZINCRBY <zset> <score> <member> \n ZRANK <zset> <member> \n ZREVRANK <zset> <member>
ZCOUNT <zset> <scoremin> <scoremax> \n ZLEXCOUNT <lex> <lexmin> <lexmax>
ZRANGE <zset> <index> <index> [REV] [WITHSCORES]
ZRANGE <zset> <scoremin> <scoremax> BYSCORE [LIMIT <smallcount> <smallcount>] [WITHSCORES]
ZRANGE <zset> <scoremax> <scoremin> BYSCORE REV [LIMIT <smallcount> <smallcount>] [WITHSCORES]
!same 2 | ZADD <lex> 0 <member> \n !same | ZADD <lex> [CH] {0 <member>} \n ZREM <lex> {<member>}
ZRANGE <lex> <lexmin> <lexmax> BYLEX [LIMIT <smallcount> <smallcount>]
ZRANGESTORE <zset> <zset> <index> <index> [REV]
ZRANGESTORE <zset> <zset> <scoremin> <scoremax> BYSCORE [LIMIT <smallcount> <smallcount>]
ZREVRANGE <zset> <index> <index> [WITHSCORES]
ZRANGEBYSCORE <zset> <scoremin> <scoremax> [WITHSCORES] [LIMIT <smallcount> <smallcount>]
ZREVRANGEBYSCORE <zset> <scoremax> <scoremin> [WITHSCORES] [LIMIT <smallcount> <smallcount>]
ZRANGEBYLEX <lex> <lexmin> <lexmax> [LIMIT <smallcount> <smallcount>]
ZREVRANGEBYLEX <lex> <lexmax> <lexmin> [LIMIT <smallcount> <smallcount>]
ZREMRANGEBYSCORE <zset> <scoremin> <scoremax> \n ZREMRANGEBYRANK <zset> <index> <index>
ZREMRANGEBYLEX <lex> <lexmin> <lexmax> \n ZPOPMIN <zset> [<count>] \n ZPOPMAX <zset> [<count>]
ZUNION #{<zset>} [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES] \n ZINTER #{<zset>} [WITHSCORES]
ZDIFF #{<zset>} [WITHSCORES] \n ZDIFFSTORE <zset> #{<zset>} \n ZINTERCARD #{<zset>} [LIMIT <count>]
ZUNIONSTORE <zset> 2 <zset> <set> [WEIGHTS <weight> <weight>] [AGGREGATE (SUM|MIN|MAX)]
ZINTERSTORE <zset> 2 <zset> <zset> [WEIGHTS <weight> <weight>] [AGGREGATE (SUM|MIN|MAX)]
ZMPOP #{<zset>} (MIN|MAX) [COUNT <count>]
!scan | ZSCAN <zset> 0 [MATCH <pattern>] COUNT 100000
!shape | ZRANDMEMBER <zset> [<smallcount>|<smallcount> WITHSCORES]
!same 0.02 | BZPOPMIN <zset> 0.01 \n !same 0.02 | BZPOPMAX <zset> 0.01
!same 0.02 | BZMPOP 0.01 #{<zset>} (MIN|MAX) [COUNT 2]
`;

const GEO = `
3 | GEOADD <geo> [NX|XX] [CH] {<longitude> <latitude> <place>} \n GEOPOS <geo> {<place>}
GEOHASH <geo> {<place>} \n GEODIST <geo> <place> <place> [<unit>]
GEOSEARCH <geo> (FROMMEMBER <place>|FROMLONLAT <longitude> <latitude>) (BYRADIUS <distance> \
<unit>|BYBOX <distance> <distance> <unit>) ASC [COUNT <count>] [WITHCOORD] [WITHDIST] [WITHHASH]
GEOSEARCHSTORE <geo> <geo> FROMLONLAT <longitude> <latitude> BYRADIUS <distance> <unit> ASC \
[COUNT <count>]
sorted | GEOSEARCH <geo> FROMMEMBER <place> BYRADIUS <distance> <unit> [WITHDIST]
GEOSEARCH <geo> FROMMEMBER <place> BYBOX <distance> <distance> <unit> DESC [COUNT <count>]
GEORADIUS <geo> <longitude> <latitude> <distance> <unit> ASC [WITHDIST] [WITHCOORD] [COUNT <count>]
GEORADIUS <geo> <longitude> <latitude> <distance> <unit> STORE <geo>
GEORADIUS_RO <geo> <longitude> <latitude> <distance> <unit> DESC [WITHHASH] [COUNT <count>]
GEORADIUSBYMEMBER <geo> <place> <distance> <unit> DESC [WITHDIST] [WITHHASH] [STORE <geo>]
GEORADIUSBYMEMBER_RO <geo> <place> <distance> <unit> ASC [COUNT <count>]
ZREM <geo> {<place>} \n ZRANGE <geo> 0 -1 WITHSCORES \n ZSCORE <geo> <place>
`;

/** Entries are added by ids of ours: the time of two servers is never the same. */
const STREAMS = `
6 | XADD <stream> <newid> {<field> <value>} \n 4 | XADD <stream> <newid> a <value>
3 | XADD <plainstream> <newid> {<field> <value>} \n 2 | XADD <plainstream> <newid> a <value> b 7
2 | XADD <stream> [NOMKSTREAM] [MAXLEN|MINID] [=|~] <smallcount> [LIMIT <count>] <newid> \
<field> <value>
XADD (<stream>|<plainstream>) (MAXLEN|MINID) (=|~) <smallcount> <newid> {<field> <value>}
2 | XTRIM (<stream>|<plainstream>) (MAXLEN|MINID) [=|~] <count> [LIMIT <count>]
XTRIM <stream> MINID [=|~] <entryid> \n XLEN <stream>
0.4 | DEL <stream> \n 0.4 | DEL <plainstream>
2 | XRANGE <stream> <startid> <endid> [COUNT <count>]
2 | XREVRANGE <stream> <endid> <startid> [COUNT <count>] \n XREVRANGE <plainstream> + -
3 | XDEL <stream> {<entryid>} \n 2 | XDEL <plainstream> {<entryid>}
XSETID <stream> <entryid> [ENTRIESADDED <count>] [MAXDELETEDID <entryid>]
2 | XREAD [COUNT <count>] STREAMS <stream> (<readid>|$|>)
XREAD [COUNT <count>] STREAMS <stream> <stream> <readid> <readid>
!same 0.02 | XREAD [COUNT <count>] BLOCK 10 STREAMS <stream> <stream> <readid> $
2 | XGROUP CREATE <stream> <group> (<entryid>|$) [MKSTREAM] [ENTRIESREAD <count>]
XGROUP SETID <stream> <group> (<entryid>|$) [ENTRIESREAD <count>]
0.4 | XGROUP DESTROY <stream> <group> \n XGROUP CREATECONSUMER <stream> <group> <consumer>
0.6 | XGROUP DELCONSUMER <stream> <group> <consumer>
6 | XREADGROUP GROUP <group> <consumer> [COUNT <smallcount>] [NOACK] STREAMS <stream> (>|<readid>)
4 | XREADGROUP GROUP <group> <consumer> COUNT 2 STREAMS <stream> >
XREADGROUP GROUP <group> <consumer> [NOACK] [COUNT 1] STREAMS <stream> <stream> (>|0) (>|<readid>)
!same 0.02 | XREADGROUP GROUP <group> <consumer> [COUNT <count>] BLOCK 10 STREAMS <stream> >
3 | XACK <stream> <group> {<entryid>}
2 | XPENDING <stream> <group>
timed 2 | XPENDING <stream> <group> [IDLE <idle>] <startid> <endid> <count> [<consumer>]
3 | XCLAIM <stream> <group> <consumer> <idle> {<entryid>} [IDLE <idle>|TIME <idle>] \
[RETRYCOUNT <count>] [FORCE] [JUSTID] [LASTID <entryid>]
2 | XAUTOCLAIM <stream> <group> <consumer> <idle> <startid> [COUNT <smallcount>] [JUSTID]
2 | XINFO STREAM <stream> \n 2 | XINFO GROUPS <stream> \n timed | XINFO CONSUMERS <stream> <group>
timed 2 | XINFO STREAM <stream> FULL [COUNT <count>]
dump 2 | DUMP <plainstream> \n DEBUG DIGEST-VALUE <stream> <plainstream> \n OBJECT ENCODING <stream>
!same | CONFIG SET stream-node-max-entries <nodelimit>
!same | CONFIG SET stream-node-max-bytes <nodebytes>
`;

const TRANSACTIONS = `
2 | MULTI \n !same 3 | EXEC \n DISCARD \n WATCH {<key>} \n UNWATCH \n !same 0.05 | RESET
`;

const SERVER = `
COMMAND GETKEYS <request> \n COMMAND GETKEYSANDFLAGS <request>
!same | COMMAND INFO {<commandname>}
sorted | ACL CAT <category> \n sorted | COMMAND LIST FILTERBY ACLCAT <category>
ACL DRYRUN default <request> \n ACL WHOAMI \n ACL GETUSER <name> \n ACL USERS \n ACL DELUSER <name>
CLIENT SETNAME <name> \n CLIENT GETNAME \n CLIENT NO-EVICT (ON|OFF) \n CLIENT KILL ID 987654321
CLIENT UNBLOCK 987654321 [TIMEOUT|ERROR] \n CLIENT TRACKINGINFO \n CLIENT GETREDIR
CLIENT CACHING (YES|NO) \n CLIENT KILL TYPE <name> \n !shape | CLIENT ID \n CLIENT LIST ID 987654321
!same | CONFIG SET hash-max-listpack-entries <limit>
!same | CONFIG SET hash-max-listpack-value <limit>
!same | CONFIG SET set-max-intset-entries <limit>
!same | CONFIG SET zset-max-listpack-entries <limit>
!same | CONFIG SET zset-max-listpack-value <limit>
!same | CONFIG SET hash-max-ziplist-entries <limit> zset-max-ziplist-value <limit>
!same | CONFIG SET list-compress-depth <limit> \n !same | CONFIG SET hll-sparse-max-bytes <limit>
!sortedPairs | CONFIG GET zset-max-* set-max-int* \n !sortedPairs | CONFIG GET hash* *lru*
!same | CONFIG SET <word> <word>
PUBLISH <name> <value> \n SPUBLISH <name> <value> \n PUBSUB (CHANNELS|SHARDCHANNELS) [<pattern>]
PUBSUB (NUMSUB|SHARDNUMSUB) {<name>} \n PUBSUB NUMPAT \n !shape | MEMORY USAGE <key> SAMPLES 0
!shape | TIME \n near | LASTSAVE \n AUTH <name> \n SCRIPT EXISTS <name>
FUNCTION LIST \n FUNCTION STATS \n LATENCY RESET <name> \n !shape | SLOWLOG LEN
DEBUG <name> \n CLIENT <name> \n OBJECT HELP
`;

const FAMILIES: Readonly<Record<string, string>> = {
  strings: STRINGS,
  bitmaps: BITMAPS,
  hyperloglogs: HYPERLOGLOGS,
  keys: KEYS,
  dumps: DUMPS,
  sorting: SORTING,
  hashes: HASHES,
  lists: LISTS,
  sets: SETS,
  sorted_sets: SORTED_SETS,
  geo: GEO,
  streams: STREAMS,
  transactions: TRANSACTIONS,
  server: SERVER,
};

export const COMMAND_SHAPES: readonly CommandShape[] = Object.entries(FAMILIES).flatMap(
  ([family, text]) =>
    text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
      return parseLine(family, line);
    }),
);

function parseLine(family: string, line: string): CommandShape {
  const head = /^(!?)([a-zA-Z]*) *([\d.]*) \| /.exec(line);
  const law = head?.[2] ?? "";
  return {
    family,
    shape: head === null ? line : line.slice(head[0].length),
    law: law === "near" ? { near: 2000 } : law === "" ? "same" : law as Law,
    weight: Math.round(Number(head?.[3] || 1) * WEIGHT_SCALE),
    isSpoilable: head?.[1] !== "!",
  };
}

/** Commands that have subcommands, whose name is the second word of a shape. */
const CONTAINERS =
  "acl client command config function latency memory object pubsub script slowlog xgroup xinfo"
    .split(" ");

/** The commands a shape may be, as COMMAND LIST names them: "get", "object|encoding". */
export function commandsOfShape({ shape }: CommandShape): string[] {
  const [name, second] = shape.toLowerCase().split(" ");
  if (!CONTAINERS.includes(name) || second.startsWith("<")) return [name];
  return second.replace(/[()]/g, "").split("|").map((subcommand) => `${name}|${subcommand}`);
}

export const SECOND_MACHINE = "asks for a second machine, a cluster or a module";
export const SCRIPTING = "is sent by scripts_test.ts, with scripts and functions of its own";

/** Commands of the server under test that no shape sends, by the reason. */
export const UNSHAPED_COMMANDS: Readonly<Record<string, string>> = {
  "ends, blocks or redirects the connection, or pushes to it":
    "quit hello monitor shutdown subscribe unsubscribe psubscribe punsubscribe ssubscribe " +
    "sunsubscribe client|reply client|pause client|unpause client|tracking",
  "changes users or the server for the rounds to come":
    "acl|setuser acl|load acl|save config|rewrite config|resetstat save bgsave bgrewriteaof",
  "tells of this one server: its clients, memory, time, version or log":
    "info role lolwut acl|log acl|list client|list client|info memory|doctor memory|stats " +
    "memory|malloc-stats memory|purge slowlog|get slowlog|reset latency|doctor latency|graph " +
    "latency|histogram latency|history latency|latest command|list command|count command|docs",
  "is random in what it returns, and removes expired keys on the way": "randomkey acl|genpass",
  "is random and slow": "pfselftest",
  "prints a text that a scripted case compares":
    "acl|help client|help command|help config|help function|help latency|help memory|help " +
    "pubsub|help script|help slowlog|help xgroup|help xinfo|help",
  "is of Redis 7.2": "client|no-touch client|setinfo cluster|myshardid waitaof",
  "is of Redis 7.4 or 8.0":
    "hexpire hpexpire hexpireat hpexpireat httl hpttl hexpiretime hpexpiretime hpersist hgetdel " +
    "hgetex hsetex",
  "is of Redis 8.2": "xackdel xdelex",
  "is of Valkey 8.1": "commandlog|get commandlog|help commandlog|len commandlog|reset",
  "is of Redis 8.4 to 8.10 or Valkey 9":
    "delex delifeq digest increx msetex blmovem lmovem sdiffcard sunioncard backup|abort " +
    "backup|cleanup backup|help backup|list backup|seal backup|start backup|status",
  // absent_families_test compares them.
  [SECOND_MACHINE]:
    "asking failover migrate psync readonly readwrite replconf replicaof restore-asking slaveof " +
    "sync wait cluster|addslots cluster|addslotsrange cluster|bumpepoch " +
    "cluster|count-failure-reports cluster|countkeysinslot cluster|delslots " +
    "cluster|delslotsrange cluster|failover cluster|flushslots cluster|forget " +
    "cluster|getkeysinslot cluster|help cluster|info cluster|keyslot cluster|links cluster|meet " +
    "cluster|myid cluster|nodes cluster|replicas cluster|replicate cluster|reset " +
    "cluster|saveconfig cluster|set-config-epoch cluster|setslot cluster|shards cluster|slaves " +
    "cluster|slots module|help module|list module|load module|loadex module|unload",
  [SCRIPTING]:
    "eval eval_ro evalsha evalsha_ro fcall fcall_ro function|delete function|dump function|flush " +
    "function|kill function|load function|restore script|debug script|flush script|kill script|load",
};
