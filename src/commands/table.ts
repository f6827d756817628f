/**
 * The command table: all families, concatenated.
 */
import type { RedisCommand } from "../session/command.ts";
import { aclCommands } from "./acl_commands.ts";
import { backupCommands } from "./backup_commands.ts";
import { bitfieldCommands } from "./bitfield_commands.ts";
import { bitmapCommands } from "./bitmap_commands.ts";
import { clientCommands } from "./client_commands.ts";
import { clusterCommands } from "./cluster_commands.ts";
import { commandCommands } from "./command_commands.ts";
import { conditionalCommands } from "./conditional_commands.ts";
import { configCommands } from "./config_commands.ts";
import { connectionCommands } from "./connection_commands.ts";
import { debugCommands } from "./debug_commands.ts";
import { dumpCommands } from "./dump_commands.ts";
import { functionCommands } from "./function_commands.ts";
import { geoCommands } from "./geo_commands.ts";
import { geoSearchCommands } from "./geo_search_commands.ts";
import { hashCommands } from "./hash_commands.ts";
import { hashExpiryCommands } from "./hash_expiry_commands.ts";
import { hyperloglogCommands } from "./hyperloglog_commands.ts";
import { increxCommands } from "./increx_command.ts";
import { infoCommands } from "./info_command.ts";
import { latencyCommands } from "./latency_commands.ts";
import { lcsCommands } from "./lcs_command.ts";
import { keyCommands } from "./key_commands.ts";
import { keyExpiryCommands } from "./key_expiry_commands.ts";
import { listBlockingCommands } from "./list_blocking_commands.ts";
import { listMoveCommands } from "./list_move_commands.ts";
import { listCommands } from "./list_commands.ts";
import { memoryCommands } from "./memory_commands.ts";
import { migrateCommands } from "./migrate_command.ts";
import { moduleCommands } from "./module_commands.ts";
import { monitorCommands } from "./monitor_command.ts";
import { persistenceCommands } from "./persistence_commands.ts";
import { replicaofCommands } from "./replicaof_commands.ts";
import { replicationCommands } from "./replication_commands.ts";
import { scriptCommands } from "./script_commands.ts";
import { pubsubCommands } from "./pubsub_commands.ts";
import { serverCommands } from "./server_commands.ts";
import { setCommands } from "./set_commands.ts";
import { setAlgebraCommands } from "./set_algebra_commands.ts";
import { shutdownCommands } from "./shutdown_command.ts";
import { slowlogCommands } from "./slowlog_commands.ts";
import { sortCommands } from "./sort_command.ts";
import { syncCommands } from "./sync_commands.ts";
import { sortedSetCommands } from "./sorted_set_commands.ts";
import { sortedSetPopCommands } from "./sorted_set_pop_commands.ts";
import { sortedSetRangeCommands } from "./sorted_set_range_commands.ts";
import { sortedSetStoreCommands } from "./sorted_set_store_commands.ts";
import { streamCommands } from "./stream_commands.ts";
import { streamDeletionCommands } from "./stream_deletion_commands.ts";
import { streamGroupCommands } from "./stream_group_commands.ts";
import { streamInfoCommands } from "./stream_info_commands.ts";
import { streamPendingCommands } from "./stream_pending_commands.ts";
import { streamReadCommands } from "./stream_read_commands.ts";
import { stringCommands } from "./string_commands.ts";
import { counterCommands } from "./counter_commands.ts";
import { transactionCommands } from "./transaction_commands.ts";

export const commandRows: readonly RedisCommand[] = [
  ...aclCommands,
  ...bitfieldCommands,
  ...bitmapCommands,
  ...clientCommands,
  ...clusterCommands,
  ...commandCommands,
  ...configCommands,
  ...connectionCommands,
  ...debugCommands,
  ...dumpCommands,
  ...functionCommands,
  ...geoCommands,
  ...geoSearchCommands,
  ...hashCommands,
  ...hashExpiryCommands,
  ...hyperloglogCommands,
  ...infoCommands,
  ...latencyCommands,
  ...lcsCommands,
  ...keyCommands,
  ...keyExpiryCommands,
  ...listBlockingCommands,
  ...listCommands,
  ...listMoveCommands,
  ...memoryCommands,
  ...migrateCommands,
  ...moduleCommands,
  ...monitorCommands,
  ...persistenceCommands,
  ...backupCommands,
  ...replicaofCommands,
  ...replicationCommands,
  ...scriptCommands,
  ...pubsubCommands,
  ...serverCommands,
  ...setCommands,
  ...setAlgebraCommands,
  ...shutdownCommands,
  ...slowlogCommands,
  ...sortCommands,
  ...sortedSetCommands,
  ...sortedSetPopCommands,
  ...sortedSetRangeCommands,
  ...sortedSetStoreCommands,
  ...streamCommands,
  ...syncCommands,
  ...streamDeletionCommands,
  ...streamGroupCommands,
  ...streamInfoCommands,
  ...streamPendingCommands,
  ...streamReadCommands,
  ...stringCommands,
  ...conditionalCommands,
  ...counterCommands,
  ...increxCommands,
  ...transactionCommands,
];
