/**
 * Commands of families that we do not have, beside the original, where a lone server can answer:
 * no cluster, no replicas, no modules, no keys to migrate.
 */
import { testWith } from "../support/tool_availability.ts";
import { Both } from "./both.ts";

const REQUESTS = [
  ...["cluster info", "cluster nosuch", "cluster", "cluster info x", "cluster help"],
  ...["cluster slots", "readonly", "readwrite", "asking", "readonly x"],
  ...["wait 0 0", "wait 1 10", "wait -1 0", "wait x 1", "wait 1 -1", "wait 0 x", "wait 1"],
  ...["replicaof no one", "slaveof NO ONE", "replicaof a b", "replicaof no two"],
  ...["replicaof a 65536", "replicaof a -1", "role", "failover", "failover abort"],
  ...["failover to a 1", "failover x", "failover timeout 0", "failover timeout x"],
  ...["failover force", "failover to a x", "failover abort force"],
  ...["failover to a 1 timeout 5 force", "failover timeout 1 timeout 1"],
  ...["module list", "module load /x", "module unload x", "module loadex", "module help"],
  ...["module loadex /x", "module nosuch", "module"],
  ...["replconf", "replconf x", "replconf listening-port 1", "replconf listening-port x"],
  ...["replconf ip-address x", "replconf capa eof capa psync2", "replconf foo 1"],
  ...["replconf rdb-only 2", "replconf rdb-only x", "replconf rdb-filter-only functions"],
  ...["replconf rdb-filter-only x", `replconf rdb-filter-only "`],
  ...["migrate a b c d e", "migrate a b c 0 e", "migrate a b c 0 1", "migrate a b '' 0 1"],
  ...["migrate a b c 0 1 x", "migrate a b c 0 1 keys x", "migrate a b '' 0 1 keys"],
  ...["migrate a b '' 0 1 auth", "migrate a b '' 0 1 auth2 x", "migrate a b '' 0 1 keys a b"],
  ...["migrate a b '' 0 1 copy replace auth p auth2 u p keys a", "migrate a b c"],
  ...["restore-asking k 0 x", "sync x", "psync x"],
  ...["multi", "wait 1 0", "cluster info", "exec", "multi", "sync", "module load /x", "exec"],
];

testWith(["redis-server"], "what a lone server answers to these families is the same", async () => {
  await using both = await Both.start();
  for (const request of REQUESTS) {
    await both.same(...request.split(" ").map((word) => word === "''" ? "" : word));
  }
});
