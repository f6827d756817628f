/**
 * Cluster commands: what a server answers that is no node of a cluster.
 */
import type { Client } from "../session/client.ts";
import type { CommandFlag, RedisCommand } from "../session/command.ts";
import { commandError } from "../session/errors.ts";

const NO_KEYS = [0, 0, 0] as const;
const TELLS = ["stale"] as const;
const TELLS_ADMIN = ["admin", "stale"] as const;
const CHANGES = ["admin", "stale", "no_async_loading"] as const;
const ALWAYS_FAST = ["loading", "stale", "fast"] as const;
const VARYING = ["nondeterministic_output"] as const;
const CONNECTION = ["@connection"] as const;
const CLUSTER_DISABLED = commandError("ERR This instance has cluster support disabled");
const NODES_COST = "O(N) where N is the number of nodes of the cluster";
const SLOTS_COST = "O(N) where N is the number of slots named";
const RANGES_COST = "O(N) where N is the number of slots in all ranges";

function refuse(_client: Client): void {
  throw CLUSTER_DISABLED;
}

interface SubcommandFacts extends Pick<RedisCommand, "changedIn"> {
  since?: string;
  complexity?: string;
  tips?: readonly string[];
}

const WHILE_LOADING = ["7.2", { flags: ["loading", "stale"] }] as const;

/** A row of CLUSTER; most are there since 3.0.0 and cost O(1). */
function row(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  summary: string,
  { since = "3.0.0", complexity = "O(1)", tips = [], ...changes }: SubcommandFacts = {},
): RedisCommand {
  return {
    ...{ name: `cluster|${name}`, arity, flags, keys: NO_KEYS, proc: refuse, categories: [] },
    ...{ group: "cluster", since, complexity, summary, tips, ...changes },
  };
}

// deno-fmt-ignore
const subcommands: readonly RedisCommand[] = [
  row("addslots", -3, CHANGES, "Makes this node serve slots.", { complexity: SLOTS_COST }),
  row("addslotsrange", -4, CHANGES, "Makes this node serve ranges of slots.",
    { since: "7.0.0", complexity: RANGES_COST }),
  row("bumpepoch", 2, CHANGES, "Raises the epoch of the cluster's configuration.",
    { tips: VARYING }),
  row("count-failure-reports", 3, TELLS_ADMIN, "Counts the nodes that report another as failing.",
    { complexity: "O(N) where N is the number of reports", tips: VARYING }),
  row("countkeysinslot", 3, TELLS, "Counts the keys of this node in a slot."),
  row("delslots", -3, CHANGES, "Makes this node serve slots no longer.",
    { complexity: SLOTS_COST }),
  row("delslotsrange", -4, CHANGES, "Makes this node serve ranges of slots no longer.",
    { since: "7.0.0", complexity: RANGES_COST }),
  row("failover", -2, CHANGES, "Makes this replica take the place of its master."),
  row("flushslots", 2, CHANGES, "Makes this node forget which slots it serves."),
  row("forget", 3, CHANGES, "Removes a node from those that this one knows."),
  row("getkeysinslot", 4, TELLS, "Returns keys of this node in a slot.",
    { complexity: "O(log(N)), N: keys that are asked for.", tips: VARYING }),
  row("help", 2, ["loading", "stale"], "Lists the subcommands.", { since: "5.0.0" }),
  row("info", 2, TELLS, "Describes the state of the cluster as this node sees it.",
    { tips: VARYING }),
  row("keyslot", 3, TELLS, "Tells the slot of a key.",
    { complexity: "O(N), N: bytes of the key." }),
  row("links", 2, TELLS, "Lists the connections to other nodes.",
    { since: "7.0.0", complexity: NODES_COST, tips: VARYING }),
  row("meet", -4, CHANGES, "Introduces another node to this one."),
  row("myid", 2, TELLS, "Tells the ID of this node."),
  row("myshardid", 2, ["stale"], "Tells the ID of the shard that this node belongs to.",
    { since: "7.2.0", tips: VARYING }),
  row("nodes", 2, TELLS, "Describes all nodes as lines of text.",
    { complexity: NODES_COST, tips: VARYING }),
  row("replicas", 3, TELLS_ADMIN, "Lists the replicas of a master.",
    { since: "5.0.0", tips: VARYING }),
  row("replicate", 3, CHANGES, "Makes this node a replica of another."),
  row("reset", -2, ["admin", "noscript", "stale"], "Makes this node forget its cluster.",
    { complexity: `${NODES_COST}; the node may also have to be emptied` }),
  row("saveconfig", 2, CHANGES, "Writes the state of the cluster to the disk."),
  row("set-config-epoch", 3, CHANGES, "Sets the epoch of a new node's configuration."),
  row("setslot", -4, CHANGES, "Binds a slot to a node, or begins or ends its move."),
  row("shards", 2, TELLS, "Tells which slots are where, shard by shard.",
    { since: "7.0.0", complexity: NODES_COST, tips: VARYING, changedIn: WHILE_LOADING }),
  row("slaves", 3, TELLS_ADMIN, "Lists the replicas of a master.", { tips: VARYING }),
  row("slots", 2, TELLS, "Tells which slots are where, range by range.",
    { complexity: NODES_COST, tips: VARYING, changedIn: WHILE_LOADING }),
];

// deno-fmt-ignore
export const clusterCommands: readonly RedisCommand[] = [
  { name: "cluster", arity: -2, flags: [], keys: NO_KEYS, proc: refuse, categories: [],
    since: "3.0.0", group: "cluster", complexity: "That of the subcommand.",
    summary: "Tells about the cluster and manages it.", subcommands },
  { name: "asking", arity: 1, flags: ["fast"], keys: NO_KEYS, proc: refuse, categories: CONNECTION,
    since: "3.0.0", group: "cluster", complexity: "O(1)",
    summary: "Announces a command that another node has redirected here with ASK." },
  { name: "readonly", arity: 1, flags: ALWAYS_FAST, keys: NO_KEYS, proc: refuse,
    categories: CONNECTION, since: "3.0.0", group: "cluster", complexity: "O(1)",
    summary: "Lets this connection read from a replica of the cluster." },
  { name: "readwrite", arity: 1, flags: ALWAYS_FAST, keys: NO_KEYS, proc: refuse,
    categories: CONNECTION, since: "3.0.0", group: "cluster", complexity: "O(1)",
    summary: "Takes back what READONLY allowed." },
];
