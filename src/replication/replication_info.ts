/**
 * Replication info: what INFO and ROLE say of replication as a master sees it, in Redis's order.
 */
import type { ConfigValues } from "../config/config_values.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Replica, ReplicaPhase } from "./replica.ts";
import { lagOf, type Replication } from "./replication.ts";

type Field = readonly [name: string, value: string | number];

const PHASE_NAMES: Readonly<Record<ReplicaPhase, string>> = {
  waitStart: "wait_bgsave",
  waitEnd: "wait_bgsave",
  sendBulk: "send_bulk",
  online: "online",
};

/** The fields of the section "replication". */
export function replicationFields(replication: Replication, config: ConfigValues): Field[] {
  const { state, backlog, replicas } = replication;
  const isMinimumSet = config.minReplicasToWrite > 0 && config.minReplicasMaxLag > 0;
  return [
    ["role", state.isReplica ? "slave" : "master"],
    ...(replication.masterLink?.infoFields() ?? []),
    ["connected_slaves", replicas.size],
    ...(isMinimumSet ? [["min_slaves_good_slaves", replication.goodReplicaCount] as const] : []),
    ...[...replicas].map(replicaField),
    ["master_failover_state", replication.failover.state],
    ["master_replid", state.replicationId],
    ["master_replid2", state.secondId],
    ["master_repl_offset", state.offset],
    ["second_repl_offset", state.secondOffset],
    ["repl_backlog_active", backlog === null ? 0 : 1],
    ["repl_backlog_size", config.replBacklogSize],
    ["repl_backlog_first_byte_offset", backlog?.firstOffset ?? 0],
    ["repl_backlog_histlen", backlog?.historyBytes ?? 0],
  ];
}

function replicaField(replica: Replica, index: number): Field {
  const { host, port, phase, ackOffset, ackMs } = replica;
  const lag = phase === "online" ? lagOf(ackMs) : 0;
  const state = PHASE_NAMES[phase];
  return [`slave${index}`, `ip=${host},port=${port},state=${state},offset=${ackOffset},lag=${lag}`];
}

/** What ROLE answers of a master: the replicas that follow, and how far they have come. */
export function replyMasterRole({ state, replicas }: Replication, reply: Reply): void {
  const online = [...replicas].filter(({ phase }) => phase === "online");
  reply.array(3);
  reply.bulkText("master");
  reply.integer(state.offset);
  reply.array(online.length);
  for (const { host, port, ackOffset } of online) {
    reply.array(3);
    reply.bulkText(host);
    reply.bulkText(String(port));
    reply.bulkText(String(ackOffset));
  }
}
