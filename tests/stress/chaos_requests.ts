/**
 * What the clients of the chaos run send: all requests of the fuzzer (command_shapes.ts), and those
 * that it leaves out because they block, redirect, kill, save, or change the server for everybody.
 */
import { COMMAND_SHAPES } from "../differential/command_shapes.ts";
import { spoil } from "../differential/request_values.ts";
import { requestsOfShape } from "../differential/shape_grammar.ts";
import type { Argument } from "../support/resp_client.ts";
import type { SeededRandom } from "../support/seeded_random.ts";

type Request = readonly Argument[];

const DISTURBANCES = `
CLIENT UNPAUSE
CLIENT NO-EVICT (ON|OFF)
CLIENT NO-EVICT ON
CLIENT REPLY (ON|OFF|SKIP)
CLIENT TRACKING ON [BCAST] [NOLOOP]
CLIENT TRACKING ON BCAST PREFIX s PREFIX l
CLIENT TRACKING ON (OPTIN|OPTOUT)
CLIENT TRACKING ON REDIRECT <count>
CLIENT TRACKING OFF
CLIENT UNBLOCK <count> [TIMEOUT|ERROR]
CLIENT KILL ID <count>
CLIENT LIST
HELLO (2|3)
SUBSCRIBE <name>
PSUBSCRIBE <pattern>
SSUBSCRIBE <name>
UNSUBSCRIBE
MONITOR
QUIT
RESET
BLPOP {<list>} (0|0.01|1)
BLMOVE <list> <list> (LEFT|RIGHT) (LEFT|RIGHT) (0|0.01|1)
BLMOVE l0 l1 LEFT RIGHT 0
BLMOVE l1 l0 LEFT RIGHT 0
BRPOPLPUSH <list> <list> 0
BLMPOP 0 #{<list>} (LEFT|RIGHT)
BZPOPMIN {<zset>} (0|0.01|1)
BZMPOP 0 #{<zset>} (MIN|MAX)
SWAPDB 0 1
SELECT (0|1|2)
KEYS *
RANDOMKEY
INFO [all]
SLOWLOG (GET|RESET)
CONFIG RESETSTAT
ACL (LOG|LIST)
COMMAND
WATCH {<key>} ; MULTI ; SET <str> <value> ; PUBLISH <name> <value> ; EXEC
PEXPIRE <key> (1|20) ; PEXPIRE <key> 1 ; PEXPIRE <key> 50
`.trim().split("\n");

/**
 * What keeps everybody waiting or empties the data set; rare. Pauses are short: while all are
 * paused, the prober rightly waits, too.
 */
const GREAT_DISTURBANCES = `
CLIENT PAUSE (1|20|80) [ALL|WRITE]
CLIENT KILL TYPE (normal|pubsub) SKIPME (yes|no)
SAVE
BGSAVE [SCHEDULE]
BGREWRITEAOF
DEBUG RELOAD
DEBUG SLEEP 0.01
FLUSHDB [ASYNC]
FLUSHALL [SYNC|ASYNC]
MEMORY (PURGE|STATS|DOCTOR)
`.trim().split("\n");

/** Values that CONFIG SET is given: tiny limits, none, and others. */
const SETTINGS: readonly [name: string, ...values: string[]][] = [
  ["maxmemory", "0", "0", "1mb", "2mb", "8mb", "100mb", "1"],
  ["maxmemory-policy", "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random"],
  ["maxmemory-policy", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"],
  ["maxmemory-clients", "0", "1mb", "200kb", "60kb", "5%"],
  ["maxmemory-eviction-tenacity", "0", "10", "60"],
  ["maxmemory-samples", "1", "5", "64"],
  ["client-output-buffer-limit", "normal 0 0 0", "normal 100kb 20kb 1", "normal 1kb 0 0"],
  ["client-output-buffer-limit", "pubsub 32mb 8mb 60", "pubsub 40kb 20kb 1", "pubsub 1kb 0 0"],
  ["client-query-buffer-limit", "1gb", "1mb"],
  ["proto-max-bulk-len", "512mb", "1mb"],
  ["tracking-table-max-keys", "1000000", "0", "1", "10"],
  ["timeout", "0", "1"],
  ["hz", "1", "10", "500"],
  ["dynamic-hz", "yes", "no"],
  ["appendonly", "yes", "no", "yes"],
  ["appendfsync", "always", "everysec", "no"],
  ["aof-use-rdb-preamble", "yes", "no"],
  ["aof-timestamp-enabled", "yes", "no"],
  ["no-appendfsync-on-rewrite", "yes", "no"],
  ["auto-aof-rewrite-min-size", "1kb", "64mb"],
  ["save", "", "1 1", "3600 1"],
  ["stop-writes-on-bgsave-error", "yes", "no"],
  ["rdbcompression", "yes", "no"],
  ["rdbchecksum", "yes", "no"],
  ["activedefrag", "yes", "no"],
  ["active-expire-effort", "1", "10"],
  ["lazyfree-lazy-expire", "yes", "no"],
  ["lazyfree-lazy-user-flush", "yes", "no"],
  ["notify-keyspace-events", "", "KEA"],
  ["slowlog-log-slower-than", "-1", "0", "10000"],
  ["latency-monitor-threshold", "0", "1"],
  ["latency-tracking", "yes", "no"],
  ["list-max-listpack-size", "-2", "2"],
  ["list-compress-depth", "0", "1"],
  ["requirepass", "", "", "secret"],
  ["maxclients", "10000", "40"],
  ["loglevel", "notice", "verbose", "warning"],
];

/** Some requests that belong together, usually one. */
export function chaosRequests(random: SeededRandom): Request[] {
  if (random.oneIn(250)) return requestsOfShape(random.pick(GREAT_DISTURBANCES), random);
  switch (random.below(8)) {
    case 0:
    case 1:
      return requestsOfShape(random.pick(DISTURBANCES), random);
    case 2:
      return random.oneIn(4) ? [chaosSetting(random)] : [bulkWrite(random)];
    default: {
      const { shape } = random.pick(COMMAND_SHAPES);
      const requests = requestsOfShape(shape.replace("<request>", "SET <str> <value>"), random);
      // No spoilt number may send the server to sleep.
      const isSafe = !shape.includes("DEBUG SLEEP");
      return isSafe && random.oneIn(25) ? requests.map((args) => spoil(args, random)) : requests;
    }
  }
}

/** A CONFIG SET. */
export function chaosSetting(random: SeededRandom): Request {
  const [name, ...values] = random.pick(SETTINGS);
  return ["CONFIG", "SET", name, random.pick(values)];
}

/** Many keys, some of which expire, so that there is something to save, to evict and to expire. */
function bulkWrite(random: SeededRandom): Request {
  if (random.oneIn(3)) {
    const milliseconds = random.pick([1, 20, 500, 100_000]);
    return ["SET", `volatile:${random.below(5000)}`, random.word(20), "PX", milliseconds];
  }
  const first = random.below(20_000);
  const value = "x".repeat(random.pick([3, 60, 500]));
  const pairs = Array.from({ length: 100 }, (_, index) => [`bulk:${first + index}`, value]);
  return ["MSET", ...pairs.flat()];
}
