/** Received RDBs: what is kept is what came, and what is wrong with it is found before a load. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { readWholeFile } from "../../src/persistence/file_system.ts";
import { RdbInFile, RdbInMemory, type ReceivedRdb } from "../../src/replication/received_rdb.ts";
import { rdbOf } from "../support/fake_master.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";
import { concatBytes, latin1 } from "../support/text.ts";

const RDB = rdbOf("SET a 1\nRPUSH b 1 2 3\nSET c x");

function files(): SimulatedFiles {
  const simulated = new SimulatedFiles();
  simulated.syncsAtOnce = true;
  simulated.makeDirectory("/data");
  return simulated;
}

/** Both ways of keeping an RDB. */
const KINDS: readonly (readonly [string, () => ReceivedRdb])[] = [
  ["in a file", () => new RdbInFile(files(), "/data", 1)],
  ["in memory", () => new RdbInMemory()],
];

function write(received: ReceivedRdb, bytes: Uint8Array, pieceBytes = 7): void {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    received.write(bytes, at, Math.min(pieceBytes, bytes.length - at));
  }
}

function readAll(received: ReceivedRdb): Uint8Array {
  const source = received.open();
  const bytes = new Uint8Array(received.byteCount);
  for (let at = 0; at < bytes.length;) {
    const count = source.read(bytes, at, Math.min(1000, bytes.length - at));
    if (count === 0) throw new Error("the source ends too early");
    at += count;
  }
  return bytes;
}

for (const [kind, create] of KINDS) {
  Deno.test(`an RDB ${kind} is what was written`, async () => {
    const received = create();
    const filler = new Uint8Array(3 * 1024 * 1024 + 17).map((_, index) => index * 7);
    write(received, filler, 60_000);
    await received.finish();
    assertEquals(received.byteCount, filler.length);
    assertEquals(readAll(received), filler);
    received.discard();
  });

  Deno.test(`a good RDB ${kind} has no fault, and a version`, () => {
    const received = create();
    write(received, RDB);
    assertEquals(received.findFault(), null);
    assertEquals(received.version, 10);
    received.discard();
  });

  for (
    const [what, bytes, reason] of [
      ["garbage", latin1("garbage from nowhere"), 'begins with "garbage f"'],
      ["nothing", new Uint8Array(0), 'begins with ""'],
      ["a future version", concatBytes([latin1("REDIS0099"), RDB.subarray(9)]), "version 99"],
      ["a cut one", RDB.subarray(0, RDB.length - 1), "checksum"],
      ["a changed byte", RDB.map((byte, at) => at === 50 ? byte ^ 1 : byte), "checksum"],
    ] as const
  ) {
    Deno.test(`an RDB ${kind} is refused if it is ${what}`, () => {
      const received = create();
      write(received, bytes);
      assertStringIncludes(received.findFault() ?? "no fault", reason);
      received.discard();
    });
  }

  Deno.test(`an RDB ${kind} without a checksum must end as one`, () => {
    const received = create();
    write(received, concatBytes([RDB.subarray(0, -8), new Uint8Array(8)]));
    assertEquals(received.findFault(), null);
    received.discard();
    const cut = create();
    write(cut, concatBytes([RDB.subarray(0, -20), new Uint8Array(8)]));
    assertStringIncludes(cut.findFault() ?? "no fault", "does not end");
    cut.discard();
  });
}

Deno.test("an RDB in a file takes the place of another, or goes without a trace", async () => {
  const disk = files();
  const kept = new RdbInFile(disk, "/data", 1);
  write(kept, RDB);
  kept.install("/data/dump.rdb");
  assertEquals(readWholeFile(disk, "/data/dump.rdb"), RDB);
  const dropped = new RdbInFile(disk, "/data", 2);
  write(dropped, RDB);
  dropped.discard();
  await Promise.resolve();
  assertEquals(disk.list("/data"), ["dump.rdb"]);
});
