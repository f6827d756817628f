/** The writer: bytes, units, fsync policies, and what happens when the disk fails. */
import { assertEquals, assertThrows } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import { AofWriter } from "../../src/persistence/aof_writer.ts";
import { EffectEncoder } from "../../src/persistence/effect_encoder.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { INPUT_OUTPUT, MemoryFiles, NO_SPACE } from "./aof_memory_files.ts";

const PATH = "/data/appendonly.aof.1.incr.aof";

class Exit extends Error {}

interface Fixture {
  files: MemoryFiles;
  writer: AofWriter;
  config: {
    appendfsync: "everysec" | "always" | "no";
    noAppendfsyncOnRewrite: boolean;
    aofTimestampEnabled: boolean;
  };
  hasChild: { value: boolean };
  /** What was logged. */
  lines: string[];
}

function withWriter(body: (fixture: Fixture) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const files = new MemoryFiles();
    const config = {
      appendfsync: "everysec" as const,
      noAppendfsyncOnRewrite: false,
      aofTimestampEnabled: false,
    };
    const hasChild = { value: false };
    const lines: string[] = [];
    const log = new Log((text) => lines.push(text.replace(/^.*? [*#] /s, "").trimEnd()));
    encoder.selectAgain();
    const writer = new AofWriter({
      config,
      log,
      hasActiveChild: () => hasChild.value,
      exit: (code) => {
        throw new Exit(String(code));
      },
      selectAgain: () => encoder.selectAgain(),
    });
    clock.setTimeForTests(1_700_000_000_000);
    try {
      writer.open(files.openForAppend(PATH), 0);
      await body({ files, writer, config, hasChild, lines });
    } finally {
      clock.useRealTime();
    }
  };
}

const encoder = new EffectEncoder();

/** Hands a unit to the writer, as the encoder makes it. */
function record(writer: AofWriter, db: number, ...commands: string[][]): void {
  for (const words of commands) encoder.append(db, Argv.of(...words));
  encoder.endUnit([writer]);
}

function resp(...words: string[]): string {
  return `*${words.length}\r\n` + words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
}

function countCalls(files: MemoryFiles, name: string): number {
  return files.calls.filter((call) => call === `${name} ${PATH}`).length;
}

function failOnly(name: string, error: Error): (call: string) => Error | null {
  return (call) => call === name ? error : null;
}

Deno.test(
  "a unit of one effect stands bare, behind SELECT when the database changes",
  withWriter(({ files, writer }) => {
    record(writer, 0, ["SET", "k", ""]);
    record(writer, 0, ["DEL", "k"]);
    record(writer, 11, ["SET", "k", "v"]);
    writer.flush();
    assertEquals(
      files.text(PATH),
      resp("SELECT", "0") + resp("SET", "k", "") + resp("DEL", "k") + resp("SELECT", "11") +
        resp("SET", "k", "v"),
    );
    assertEquals(writer.fileBytes, files.text(PATH).length);
  }),
);

Deno.test(
  "time annotations stand in front of a unit, one a second at most",
  withWriter(({ files, writer, config }) => {
    config.aofTimestampEnabled = true;
    record(writer, 0, ["SET", "a", "1"], ["SET", "b", "2"]);
    record(writer, 0, ["DEL", "a"]);
    clock.advanceForTests(1000);
    record(writer, 0, ["DEL", "b"]);
    writer.flush();
    assertEquals(
      files.text(PATH),
      "#TS:1700000000\r\n" + resp("SELECT", "0") + resp("MULTI") + resp("SET", "a", "1") +
        resp("SET", "b", "2") + resp("EXEC") + resp("DEL", "a") + "#TS:1700000001\r\n" +
        resp("DEL", "b"),
    );
  }),
);

Deno.test(
  "values larger than the buffer and of every byte arrive unchanged",
  withWriter(({ files, writer }) => {
    const value = Uint8Array.from({ length: 300_000 }, (_, index) => index * 7);
    encoder.append(0, Argv.of("SET", "k", value));
    encoder.append(0, Argv.of("SET", "l", value));
    encoder.endUnit([writer]);
    writer.flush();
    const text = [...value].map((byte) => String.fromCharCode(byte)).join("");
    assertEquals(
      files.text(PATH),
      resp("SELECT", "0") + resp("MULTI") + resp("SET", "k", text) + resp("SET", "l", text) +
        resp("EXEC"),
    );
  }),
);

Deno.test(
  "always: all units of a turn are written and synced together before replies may leave",
  withWriter(({ files, writer, config }) => {
    config.appendfsync = "always";
    for (let index = 0; index < 10; index++) record(writer, 0, ["INCR", "n"]);
    assertEquals(writer.flush(), true);
    assertEquals([countCalls(files, "write"), countCalls(files, "sync")], [1, 1]);
    assertEquals(files.entries.get(PATH)!.syncedBytes, writer.fileBytes);
    writer.flush();
    assertEquals(countCalls(files, "sync"), 1);
  }),
);

for (const call of ["write", "sync"]) {
  Deno.test(
    `always: a failing ${call} ends the process, for the replies would lie`,
    withWriter(({ files, writer, config }) => {
      config.appendfsync = "always";
      record(writer, 0, ["INCR", "n"]);
      files.failure = failOnly(call, INPUT_OUTPUT);
      assertEquals(assertThrows(() => writer.flush(), Exit).message, "1");
    }),
  );
}

Deno.test(
  "everysec: one sync a second, beside the event loop, also when nothing more is written",
  withWriter(async ({ files, writer }) => {
    record(writer, 0, ["SET", "a", "1"]);
    writer.flush();
    assertEquals([countCalls(files, "write"), writer.isSyncRunning], [1, false]);
    clock.advanceForTests(1000);
    writer.flush();
    assertEquals(writer.isSyncRunning, true);
    await writer.settled();
    assertEquals([countCalls(files, "syncData"), countCalls(files, "sync")], [1, 0]);
    clock.advanceForTests(5000);
    writer.flush();
    assertEquals(writer.isSyncRunning, false);
  }),
);

for (const policy of ["everysec", "no"] as const) {
  Deno.test(
    `${policy}: what is answered is with the system, also while a sync is under way`,
    withWriter(async ({ files, writer, config }) => {
      files.holdsSyncs = true;
      record(writer, 0, ["SET", "a", "1"]);
      clock.advanceForTests(1000);
      writer.flush();
      config.appendfsync = policy;
      record(writer, 0, ["SET", "b", "2"]);
      writer.flush();
      assertEquals([countCalls(files, "write"), writer.bufferedBytes], [2, 0]);
      assertEquals([writer.delayedSyncCount, writer.postponedCount], [0, 0]);
      files.releaseSyncs();
      await writer.settled();
    }),
  );
}

/** A disk that holds up each write while a sync runs. */
function holdUpWrites({ files, writer }: Fixture): void {
  files.failure = (call) => {
    if (call === "write" && writer.isSyncRunning) clock.advanceForTests(250);
    return null;
  };
}

Deno.test(
  "everysec on a disk that holds up writes: they wait for the sync, two seconds at most",
  withWriter(async (fixture) => {
    const { files, writer, lines } = fixture;
    holdUpWrites(fixture);
    files.holdsSyncs = true;
    const write = () => {
      record(writer, 0, ["SET", "a", "1"]);
      writer.flush();
    };
    write();
    clock.advanceForTests(1000);
    writer.flush();
    write();
    assertEquals([countCalls(files, "write"), writer.postponedCount], [2, 0]);
    assertEquals(lines.filter((line) => line.startsWith("The disk is busy")).length, 1);
    write();
    clock.advanceForTests(1999);
    writer.flush();
    assertEquals([countCalls(files, "write"), writer.postponedCount], [2, 1]);
    clock.advanceForTests(1);
    writer.flush();
    assertEquals([countCalls(files, "write"), writer.delayedSyncCount], [3, 1]);
    write();
    assertEquals([countCalls(files, "write"), writer.postponedCount], [3, 2]);
    files.releaseSyncs();
    await writer.settled();
    assertEquals([countCalls(files, "write"), writer.bufferedBytes], [4, 0]);
    // That sync was slow; after one that is quick, nothing waits any more.
    clock.advanceForTests(1000);
    write();
    await writer.settled();
    assertEquals(lines.at(-1)?.startsWith("The disk syncs the AOF quickly again"), true);
    files.holdsSyncs = true;
    clock.advanceForTests(1000);
    write();
    write();
    assertEquals(writer.bufferedBytes, 0);
    files.releaseSyncs();
    await writer.settled();
  }),
);

Deno.test(
  "no: nothing is synced until the end",
  withWriter(({ files, writer, config }) => {
    config.appendfsync = "no";
    record(writer, 0, ["SET", "a", "1"]);
    writer.flush();
    clock.advanceForTests(10_000);
    writer.flush();
    assertEquals([countCalls(files, "sync"), countCalls(files, "syncData")], [0, 0]);
    assertEquals(writer.close(), null);
    assertEquals(countCalls(files, "sync"), 1);
  }),
);

for (const policy of ["always", "everysec"] as const) {
  Deno.test(
    `${policy}: no-appendfsync-on-rewrite leaves syncs out while a child is active`,
    withWriter(async ({ files, writer, config, hasChild }) => {
      config.appendfsync = policy;
      config.noAppendfsyncOnRewrite = true;
      hasChild.value = true;
      record(writer, 0, ["SET", "a", "1"]);
      clock.advanceForTests(3000);
      writer.flush();
      assertEquals([countCalls(files, "write"), writer.isSyncRunning], [1, false]);
      assertEquals(countCalls(files, "sync"), 0);
      hasChild.value = false;
      writer.flush();
      await writer.settled();
      assertEquals(files.entries.get(PATH)!.syncedBytes, writer.fileBytes);
    }),
  );
}

Deno.test(
  "a full disk: what a torn write left is cut off, and the whole is written when there is room",
  withWriter(({ files, writer }) => {
    record(writer, 0, ["SET", "a", "1"]);
    writer.flush();
    const before = files.text(PATH);
    files.failure = failOnly("write", NO_SPACE);
    files.tornBytes = 9;
    record(writer, 0, ["SET", "b", "2"]);
    assertEquals(writer.flush(), true);
    assertEquals(writer.error, "No space left on device");
    assertEquals(files.text(PATH), before);
    files.failure = () => null;
    writer.flush();
    assertEquals([writer.error, writer.isSuspect], [null, false]);
    assertEquals(files.text(PATH), before + resp("SET", "b", "2"));
  }),
);

Deno.test(
  "a torn write that cannot be cut off at once is cut off before anything else is written",
  withWriter(({ files, writer }) => {
    files.failure = (call) => call === "write" || call === "truncate" ? NO_SPACE : null;
    files.tornBytes = 9;
    record(writer, 0, ["SET", "b", "2"]);
    writer.flush();
    assertEquals(files.text(PATH).length, 9);
    files.failure = failOnly("truncate", NO_SPACE);
    writer.flush();
    assertEquals([files.text(PATH).length, writer.error !== null], [9, true]);
    files.failure = () => null;
    writer.flush();
    assertEquals(files.text(PATH), resp("SELECT", "0") + resp("SET", "b", "2"));
  }),
);

Deno.test(
  "a failed sync is not healed by a later one, only by a rewrite into a new file",
  withWriter(async ({ files, writer }) => {
    record(writer, 0, ["SET", "a", "1"]);
    clock.advanceForTests(1000);
    files.failure = failOnly("syncData", INPUT_OUTPUT);
    writer.flush();
    await writer.settled();
    files.failure = () => null;
    record(writer, 0, ["SET", "b", "2"]);
    clock.advanceForTests(1000);
    writer.flush();
    await writer.settled();
    assertEquals([writer.error, writer.isSuspect], ["Input/output error", true]);
    assertEquals(writer.switchTo(files.openForWrite("/data/2")), true);
    await writer.settled();
    assertEquals(writer.isSuspect, true);
    writer.forgetEarlierFiles();
    assertEquals([writer.error, writer.isSuspect], [null, false]);
  }),
);

Deno.test(
  "a new file gets SELECT again, at once, and the old one is synced before",
  withWriter(async ({ files, writer }) => {
    record(writer, 3, ["SET", "a", "1"]);
    assertEquals(writer.switchTo(files.openForWrite("/data/2")), true);
    assertEquals(files.text(PATH), resp("SELECT", "3") + resp("SET", "a", "1"));
    assertEquals(files.entries.get(PATH)!.syncedBytes, files.text(PATH).length);
    record(writer, 3, ["SET", "b", "2"]);
    writer.flush();
    assertEquals(files.text("/data/2"), resp("SELECT", "3") + resp("SET", "b", "2"));
    await writer.settled();
    assertEquals([countCalls(files, "sync"), countCalls(files, "close")], [1, 1]);
  }),
);

Deno.test(
  "a file that is being synced is closed after that, and the new one does not wait for it",
  withWriter(async ({ files, writer }) => {
    files.holdsSyncs = true;
    record(writer, 0, ["SET", "a", "1"]);
    clock.advanceForTests(1000);
    writer.flush();
    assertEquals([writer.switchTo(files.openForWrite("/data/2")), writer.isSyncRunning], [
      true,
      true,
    ]);
    record(writer, 0, ["SET", "b", "2"]);
    writer.flush();
    assertEquals([writer.bufferedBytes, countCalls(files, "close")], [0, 0]);
    files.releaseSyncs();
    await writer.settled();
    assertEquals([countCalls(files, "sync"), countCalls(files, "close")], [1, 1]);
  }),
);

Deno.test(
  "on a disk that holds up writes, the old file is synced aside and the new one waits for it",
  withWriter(async (fixture) => {
    const { files, writer } = fixture;
    holdUpWrites(fixture);
    files.holdsSyncs = true;
    record(writer, 0, ["SET", "a", "1"]);
    clock.advanceForTests(1000);
    writer.flush();
    record(writer, 0, ["SET", "a", "2"]);
    writer.flush();
    assertEquals(writer.switchTo(files.openForWrite("/data/2")), true);
    record(writer, 0, ["SET", "b", "2"]);
    writer.flush();
    assertEquals([files.text("/data/2"), writer.postponedCount], ["", 1]);
    files.releaseSyncs();
    await writer.settled();
    assertEquals(files.text("/data/2"), resp("SELECT", "0") + resp("SET", "b", "2"));
    assertEquals([countCalls(files, "sync"), countCalls(files, "close")], [0, 1]);
    assertEquals(files.entries.get(PATH)!.syncedBytes, files.text(PATH).length);
  }),
);

Deno.test(
  "syncAside leaves nothing unsynced",
  withWriter(async ({ files, writer }) => {
    record(writer, 0, ["SET", "a", "1"]);
    writer.flush();
    assertEquals(writer.unsyncedBytes, files.text(PATH).length);
    await writer.syncAside();
    assertEquals([writer.unsyncedBytes, countCalls(files, "syncData")], [0, 1]);
    assertEquals(files.entries.get(PATH)!.syncedBytes, files.text(PATH).length);
    await writer.syncAside();
    assertEquals(countCalls(files, "syncData"), 1);
  }),
);

Deno.test(
  "the file is not changed for another while what waits cannot be written",
  withWriter(({ files, writer }) => {
    record(writer, 0, ["SET", "a", "1"]);
    files.failure = failOnly("write", NO_SPACE);
    assertEquals(writer.switchTo(files.openForWrite("/data/2")), false);
    files.failure = () => null;
    writer.flush();
    assertEquals(files.text(PATH), resp("SELECT", "0") + resp("SET", "a", "1"));
  }),
);
