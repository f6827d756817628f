/**
 * RDB contents: what a file that was loaded says of itself in its AUX fields: for the log, and
 * where its data stand in the history of a master.
 */
import * as clock from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { RdbReader } from "../persistence/rdb_reader.ts";
import type { RdbHistory } from "../persistence/rdb_writer.ts";

const MIB = 1024 * 1024;

/** What an RDB says of the replication that it was saved in; null if it says nothing of it. */
export function historyOf(aux: ReadonlyMap<string, string>): RdbHistory | null {
  const replicationId = aux.get("repl-id") ?? "";
  const offset = Number(aux.get("repl-offset") ?? -1);
  if (!/^[0-9a-f]{40}$/.test(replicationId) || !(offset >= 0)) return null;
  return { replicationId, offset, streamDb: streamDbOf(aux) };
}

/** The database that the stream of a master has selected behind an RDB of it. */
export function streamDbOf(aux: ReadonlyMap<string, string>): number {
  const streamDb = Number(aux.get("repl-stream-db") ?? 0);
  return Number.isInteger(streamDb) && streamDb >= 0 ? streamDb : 0;
}

/** Says in the log what was loaded. */
export function describeContents(reader: RdbReader, log: Log): void {
  const { aux } = reader;
  if (aux.has("redis-ver")) {
    log.notice(`The RDB file was written by version ${aux.get("redis-ver")}`);
  }
  if (aux.has("ctime")) {
    const ageSeconds = Math.floor(clock.nowMs() / 1000) - Number(aux.get("ctime"));
    log.notice(`The RDB file was written ${Math.max(0, ageSeconds)} seconds ago`);
  }
  if (aux.has("used-mem")) {
    const megabytes = (Number(aux.get("used-mem")) / MIB).toFixed(2);
    log.notice(`The data of the RDB file took ${megabytes} MB of memory where it was written`);
  }
  if (reader.emptyCount > 0) {
    log.warning(
      `The RDB file holds ${reader.emptyCount} keys without a value, which are left out`,
    );
  }
  if (reader.producerIdCount > 0) {
    log.warning(
      `The RDB file holds ${reader.producerIdCount} ids by which producers of streams are told ` +
        "what they have sent already; these are left out",
    );
  }
  log.notice(
    `The RDB file is read: ${reader.keyCount} keys, and ${reader.expiredCount} that had expired`,
  );
}
