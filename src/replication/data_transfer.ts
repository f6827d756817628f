/**
 * Data transfer: all data of a master on their way to this server: received by rdb_reception.ts,
 * kept by received_rdb.ts, in a file or in memory as `repl-diskless-load` says.
 */
import type { Host } from "../session/host.ts";
import type { HistoryPoint } from "./handshake.ts";
import { RdbReception } from "./rdb_reception.ts";
import { RdbInFile, RdbInMemory, type ReceivedRdb } from "./received_rdb.ts";

/** What it uses of the host. */
type TransferHost = Pick<Host, "config" | "files" | "keyspace" | "log">;

export interface TransferOptions {
  readonly host: TransferHost;
  /** The place in the master's history at which the data stand. */
  readonly start: HistoryPoint;
  /** The master is too old to be told how far we are. */
  readonly isOld: boolean;
  /** Makes the name of the file differ from those before. */
  readonly number: number;
}

export class DataTransfer {
  readonly start: HistoryPoint;
  readonly isOld: boolean;
  readonly received: ReceivedRdb;
  /** What came behind the data: the beginning of the stream. */
  rest: Uint8Array = new Uint8Array(0);
  readonly #host: TransferHost;
  readonly #reception: RdbReception;

  /** Throws the error of the disk if there can be no file. */
  constructor({ host, start, isOld, number }: TransferOptions) {
    this.#host = host;
    this.start = start;
    this.isOld = isOld;
    this.received = usesFile(host)
      ? new RdbInFile(host.files, host.config.dir, number)
      : new RdbInMemory();
    this.#reception = new RdbReception(this.received);
  }

  /** Whether the master waits for a sign from us before the stream follows. */
  get usesMark(): boolean {
    return this.#reception.usesMark;
  }

  /**
   * Takes what has come; returns whether that was the last of the data. Throws ReceptionError, or
   * the error of the disk.
   */
  take(bytes: Uint8Array, start: number, end: number): boolean {
    const reception = this.#reception;
    const hadBegun = reception.hasBegun;
    const taken = reception.take(bytes, start, end - start);
    if (reception.hasBegun && !hadBegun) this.#announce();
    if (reception.isDone) this.rest = bytes.slice(start + taken, end);
    return reception.isDone;
  }

  #announce(): void {
    const { usesMark, totalBytes } = this.#reception;
    const size = usesMark ? "an unknown number of" : String(totalBytes);
    const target = this.received instanceof RdbInFile ? "a file" : "memory";
    this.#host.log.notice(`Receiving ${size} bytes of data from the master into ${target}`);
  }

  /** Fields of INFO replication; the last byte came so many seconds ago. */
  infoFields(silentSeconds: number): (readonly [name: string, value: string | number])[] {
    const { totalBytes, receivedBytes, usesMark } = this.#reception;
    const total = usesMark ? 0 : totalBytes;
    return [
      ["master_sync_total_bytes", total],
      ["master_sync_read_bytes", receivedBytes],
      ["master_sync_left_bytes", total - receivedBytes],
      ["master_sync_perc", (total > 0 ? (100 * receivedBytes) / total : 0).toFixed(2)],
      ["master_sync_last_io_seconds_ago", silentSeconds],
    ];
  }
}

function usesFile({ config: { replDisklessLoad }, keyspace }: TransferHost): boolean {
  if (replDisklessLoad === "on-empty-db") return keyspace.databases.some((db) => db.size > 0);
  return replDisklessLoad === "disabled";
}
