/** A transfer of all data: where it is kept, and what INFO says of it meanwhile. */
import { assertEquals, assertThrows } from "@std/assert";
import { Log } from "../../src/base/log.ts";
import { DataTransfer } from "../../src/replication/data_transfer.ts";
import { RdbInFile, RdbInMemory } from "../../src/replication/received_rdb.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

const START = { replicationId: "a".repeat(40), offset: 7 };

function create(mode: string, hasData: boolean) {
  const files = new SimulatedFiles();
  files.syncsAtOnce = true;
  const log = new Log(() => {});
  const embedded = new EmbeddedServer([["repl-diskless-load", mode]], { files, log });
  files.makeDirectory(embedded.server.config.dir);
  if (hasData) embedded.run("SET", "a", "1");
  const transfer = new DataTransfer({
    host: embedded.server,
    start: START,
    isOld: false,
    number: 1,
  });
  return { embedded, files, transfer };
}

for (
  const [mode, hasData, isInFile] of [
    ["disabled", false, true],
    ["disabled", true, true],
    ["on-empty-db", false, false],
    ["on-empty-db", true, true],
    ["swapdb", true, false],
  ] as const
) {
  const where = isInFile ? "a file" : "memory";
  Deno.test(`data come into ${where}: ${mode}, ${hasData ? "with data" : "empty"}`, () => {
    const { embedded, transfer } = create(mode, hasData);
    assertEquals(transfer.received instanceof RdbInFile, isInFile);
    assertEquals(transfer.received instanceof RdbInMemory, !isInFile);
    transfer.received.discard();
    embedded[Symbol.dispose]();
  });
}

Deno.test("a transfer ends with its last byte, and keeps what is behind", () => {
  const { embedded, transfer } = create("swapdb", false);
  const wire = latin1("$10\r\n0123456789*1\r\n");
  assertEquals(transfer.take(wire, 0, 9), false);
  assertEquals(transfer.infoFields(3), [
    ["master_sync_total_bytes", 10],
    ["master_sync_read_bytes", 4],
    ["master_sync_left_bytes", 6],
    ["master_sync_perc", "40.00"],
    ["master_sync_last_io_seconds_ago", 3],
  ]);
  assertEquals(transfer.take(wire, 9, wire.length), true);
  assertEquals(fromLatin1(transfer.rest), "*1\r\n");
  assertEquals(transfer.received.byteCount, 10);
  embedded[Symbol.dispose]();
});

Deno.test("a disk that is full is told", () => {
  const { embedded, files, transfer } = create("disabled", false);
  files.failure = (name) => name === "write" ? "ENOSPC" : null;
  const wire = latin1("$4\r\nabcd");
  assertThrows(() => transfer.take(wire, 0, wire.length), Error, "No space left on device");
  transfer.received.discard();
  embedded[Symbol.dispose]();
});
