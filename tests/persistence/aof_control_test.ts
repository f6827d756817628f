/**
 * The life of an AOF: start, rewrite, failures in each step, switching on and off, shutdown. After
 * every scene a second server starts on the same files and must find the same data.
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { AofLoadError } from "../../src/persistence/aof_loader.ts";
import { microtasks } from "../crash/crash_run.ts";
import { INPUT_OUTPUT, MemoryFiles, NO_SPACE } from "./aof_memory_files.ts";
import { DIRECTORY, Exit, MANIFEST, resp, toyRdb, ToyServer } from "./aof_toy_server.ts";

const TEMPORARY_INCREMENT = `${DIRECTORY}/temp-appendonly.aof.incr`;
const BASE_1 = "file appendonly.aof.1.base.rdb seq 1 type b\n";
const BASE_2 = "file appendonly.aof.2.base.rdb seq 2 type b\n";

function incr(...sequences: number[]): string {
  return sequences.map((n) => `file appendonly.aof.${n}.incr.aof seq ${n} type i\n`).join("");
}

/** What a server finds that starts on these files now. */
async function stateAfterRestart(files: MemoryFiles): Promise<string> {
  return (await ToyServer.start(files.copy())).state();
}

async function assertSurvives(toy: ToyServer): Promise<void> {
  assertEquals(await stateAfterRestart(toy.files), toy.state());
}

function field(toy: ToyServer, name: string): string | number | undefined {
  return new Map<string, string | number>([
    ...toy.control.stateFields(),
    ...toy.control.sizeFields(),
  ]).get(name);
}

function namesIn(files: MemoryFiles): string[] {
  return files.list(DIRECTORY);
}

function failOn(call: string, pathEnd: string, error: Error) {
  return (name: string, path: string) => name === call && path.endsWith(pathEnd) ? error : null;
}

async function atStandingTime(body: () => Promise<void>): Promise<void> {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    await body();
  } finally {
    clock.useRealTime();
  }
}

Deno.test("the first start makes a base, an increment and the manifest of Redis", async () => {
  const files = new MemoryFiles();
  const toy = await ToyServer.start(files);
  assertEquals(files.text(MANIFEST), BASE_1 + incr(1));
  toy.run(["SET", "a", "1"], ["APPEND", "a", "2"]);
  await assertSurvives(toy);
  assertEquals(field(toy, "aof_enabled"), 1);
  assertEquals(field(toy, "aof_current_size"), toy.control.currentBytes);
  const bytes = namesIn(files).filter((name) => !name.endsWith("manifest"))
    .reduce((sum, name) => sum + files.text(`${DIRECTORY}/${name}`).length, 0);
  assertEquals(toy.control.currentBytes, bytes);
});

Deno.test("without an AOF, dump.rdb is loaded and becomes the base", async () => {
  const files = new MemoryFiles();
  files.put("/data/dump.rdb", toyRdb({ "0:old": "kept" }));
  const toy = await ToyServer.start(files);
  assertEquals(toy.data.get("0:old"), "kept");
  toy.run(["APPEND", "old", "!"]);
  files.remove("/data/dump.rdb");
  await assertSurvives(toy);
});

Deno.test("the AOF wins over dump.rdb", async () => {
  const files = new MemoryFiles();
  const toy = await ToyServer.start(files);
  toy.run(["SET", "a", "aof"]);
  files.put("/data/dump.rdb", toyRdb({ "0:a": "rdb" }));
  await assertSurvives(toy);
});

Deno.test("with appendonly no, nothing is touched", async () => {
  const files = new MemoryFiles();
  const toy = new ToyServer(files);
  toy.config.appendonly = false;
  assertEquals(await toy.control.loadAtStart(), false);
  assertEquals([files.calls, toy.effectSink], [[], null]);
  assertEquals(toy.control.sizeFields(), []);
});

Deno.test("files without a manifest are neither overwritten nor mixed with new ones", async () => {
  const files = new MemoryFiles();
  files.put(`${DIRECTORY}/appendonly.aof.3.incr.aof`, resp("SET", "a", "1"));
  const toy = await ToyServer.start(files);
  toy.run(["SET", "b", "1"]);
  assertEquals(files.text(MANIFEST), BASE_1 + incr(4));
  assertEquals(files.text(`${DIRECTORY}/appendonly.aof.3.incr.aof`), resp("SET", "a", "1"));
});

for (const isRdb of [true, false]) {
  Deno.test(`a rewrite leaves base and one increment (preamble: ${isRdb})`, async () => {
    const files = new MemoryFiles();
    const toy = await ToyServer.start(files, ({ config }) => {
      config.aofUseRdbPreamble = isRdb;
    });
    toy.run(["SET", "a", "1"]);
    assertEquals(toy.control.requestRewrite(), "started");
    assertEquals(toy.control.requestRewrite(), "in progress");
    assertEquals(field(toy, "aof_rewrite_in_progress"), 1);
    toy.run(["APPEND", "a", "during"]);
    await assertSurvives(toy);
    toy.finishChild();
    toy.run(["APPEND", "a", "after"]);
    await toy.control.settled();
    const base = `appendonly.aof.2.base.${isRdb ? "rdb" : "aof"}`;
    assertEquals(files.text(MANIFEST), `file ${base} seq 2 type b\n` + incr(2));
    assertEquals(
      namesIn(files),
      [
        "appendonly.aof.2.base." + (isRdb ? "rdb" : "aof"),
        "appendonly.aof.2.incr.aof",
        "appendonly.aof.manifest",
      ].sort(),
    );
    assertEquals([field(toy, "aof_rewrites"), field(toy, "aof_last_cow_size")], [1, 4096]);
    await assertSurvives(toy);
  });
}

Deno.test("a rewrite that a crash cuts off at any file call loses nothing", async () => {
  for (let survived = 0;; survived++) {
    const files = new MemoryFiles();
    const toy = await ToyServer.start(files);
    toy.run(["SET", "a", "1"]);
    let calls = 0;
    let image: MemoryFiles | null = null;
    files.failure = () => {
      if (calls++ === survived) image = files.copy();
      return null;
    };
    const states = [toy.state()];
    toy.control.requestRewrite();
    toy.run(["APPEND", "a", "2"]);
    states.push(toy.state());
    toy.finishChild();
    toy.run(["APPEND", "a", "3"]);
    states.push(toy.state());
    await toy.control.settled();
    if (image === null) return assertEquals(survived > 30, true, `${survived} calls`);
    const found = await stateAfterRestart(image);
    assertEquals(states.includes(found), true, `killed at call ${survived}: ${found}`);
  }
});

Deno.test("any file call of a rewrite may fail: nothing is lost, and the next one succeeds", async () => {
  for (let failing = 0;; failing++) {
    const files = new MemoryFiles();
    const toy = await ToyServer.start(files, ({ config }) => {
      config.appendfsync = "everysec";
    });
    toy.run(["SET", "a", "1"]);
    let calls = 0;
    files.failure = () => calls++ === failing ? INPUT_OUTPUT : null;
    if (toy.control.requestRewrite() === "started") {
      toy.run(["APPEND", "a", "2"]);
      await toy.control.writer.settled();
      toy.finishChild();
    }
    toy.run(["APPEND", "a", "3"]);
    await toy.control.writer.settled();
    toy.control.flush();
    files.failure = () => null;
    toy.control.flush();
    await assertSurvives(toy);
    assertEquals(toy.control.requestRewrite(), "started");
    toy.run(["APPEND", "a", "4"]);
    toy.finishChild();
    await toy.control.writer.settled();
    toy.control.flush();
    assertEquals(field(toy, "aof_last_bgrewrite_status"), "ok");
    assertEquals(toy.control.diskError, null, `call ${failing}`);
    await assertSurvives(toy);
    if (calls <= failing) return assertEquals(failing > 20, true);
  }
});

Deno.test("after a failed rewrite all files stay, and the next one removes them", async () => {
  const toy = await ToyServer.start(new MemoryFiles());
  toy.run(["SET", "a", "1"]);
  toy.control.requestRewrite();
  toy.run(["APPEND", "a", "2"]);
  toy.failChild();
  assertEquals(field(toy, "aof_last_bgrewrite_status"), "err");
  assertEquals(toy.files.text(MANIFEST), BASE_1 + incr(1, 2));
  toy.control.requestRewrite();
  toy.run(["APPEND", "a", "3"]);
  await assertSurvives(toy);
  toy.finishChild();
  await toy.control.settled();
  assertEquals(toy.files.text(MANIFEST), BASE_2 + incr(3));
  await assertSurvives(toy);
});

Deno.test("aof-disable-auto-gc keeps the files of the past, as history", async () => {
  const toy = await ToyServer.start(new MemoryFiles(), ({ config }) => {
    config.aofDisableAutoGc = true;
  });
  toy.control.requestRewrite();
  toy.finishChild();
  assertEquals(
    toy.files.text(MANIFEST),
    BASE_2 + "file appendonly.aof.1.incr.aof seq 1 type h\n" +
      "file appendonly.aof.1.base.rdb seq 1 type h\n" + incr(2),
  );
  assertEquals(namesIn(toy.files).length, 5);
  const next = await ToyServer.start(toy.files);
  await next.control.settled();
  assertEquals(namesIn(next.files).length, 3);
});

Deno.test("a rewrite asked for during a save or in EXEC is scheduled and begun by cron", async () => {
  const toy = await ToyServer.start(new MemoryFiles());
  toy.isSaving = true;
  assertEquals(toy.control.requestRewrite(), "scheduled");
  toy.control.tick();
  assertEquals([toy.hasChild, field(toy, "aof_rewrite_scheduled")], [false, 1]);
  toy.isSaving = false;
  toy.control.tick();
  assertEquals([toy.hasChild, field(toy, "aof_rewrite_scheduled")], [true, 0]);
  toy.finishChild();
  toy.isInTransaction = true;
  assertEquals(toy.control.requestRewrite(), "scheduled");
});

Deno.test("growth beyond percentage and minimum size begins a rewrite", async () => {
  const toy = await ToyServer.start(new MemoryFiles(), ({ config }) => {
    config.autoAofRewriteMinSize = 1000;
    config.autoAofRewritePercentage = 100;
  });
  toy.run(["SET", "a", "x".repeat(800)]);
  toy.control.tick();
  assertEquals(toy.hasChild, false);
  toy.run(["SET", "a", "x".repeat(800)]);
  toy.control.tick();
  assertEquals(toy.hasChild, true);
  toy.finishChild();
  assertEquals(field(toy, "aof_base_size"), toy.control.currentBytes);
  toy.run(["SET", "b", "x".repeat(500)]);
  toy.control.tick();
  assertEquals(toy.hasChild, false);
  toy.config.autoAofRewritePercentage = 0;
  toy.run(["SET", "b", "x".repeat(5000)]);
  toy.control.tick();
  assertEquals(toy.hasChild, false);
});

Deno.test("automatic rewrites pause after three failures: one minute, then two", () =>
  atStandingTime(async () => {
    const toy = await ToyServer.start(new MemoryFiles(), ({ config }) => {
      config.autoAofRewriteMinSize = 0;
    });
    toy.run(["SET", "a", "x".repeat(800)]);
    const minutesUntilChild = () => {
      for (let minute = 0; minute < 10; minute++) {
        toy.control.tick();
        if (toy.hasChild) return minute;
        clock.advanceForTests(60_000);
      }
      return -1;
    };
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      pauses.push(minutesUntilChild());
      toy.failChild();
    }
    assertEquals(pauses, [0, 0, 0, 1, 2]);
    assertEquals(toy.control.requestRewrite(), "started");
    toy.finishChild();
    assertEquals(field(toy, "aof_rewrites_consecutive_failures"), 0);
  }));

Deno.test("switched on at run time, the AOF counts only when its first rewrite is done", async () => {
  const files = new MemoryFiles();
  const toy = await ToyServer.start(files, ({ config }) => {
    config.appendonly = false;
  });
  toy.run(["SET", "before", "1"]);
  assertEquals(toy.control.setAppendOnly(true), true);
  toy.run(["SET", "during", "1"]);
  assertEquals([files.entries.has(MANIFEST), files.entries.has(TEMPORARY_INCREMENT)], [
    false,
    true,
  ]);
  assertEquals(toy.control.shutdown(false), false);
  toy.finishChild();
  toy.run(["SET", "after", "1"]);
  assertEquals(files.text(MANIFEST), BASE_1 + incr(1));
  assertEquals(files.entries.has(TEMPORARY_INCREMENT), false);
  await assertSurvives(toy);
  assertEquals(toy.control.shutdown(false), true);
});

Deno.test("while it is being switched on, a failed rewrite is repeated with a new increment", async () => {
  const toy = await ToyServer.start(new MemoryFiles(), ({ config }) => {
    config.appendonly = false;
  });
  toy.control.setAppendOnly(true);
  toy.run(["SET", "a", "1"]);
  toy.failChild();
  assertEquals([toy.effectSink, field(toy, "aof_rewrite_scheduled")], [null, 1]);
  toy.run(["APPEND", "a", "2"]);
  toy.control.tick();
  toy.run(["APPEND", "a", "3"]);
  toy.finishChild();
  await assertSurvives(toy);
});

Deno.test("switching on waits for another child, and stops a rewrite that records nothing", async () => {
  const toy = await ToyServer.start(new MemoryFiles(), ({ config }) => {
    config.appendonly = false;
  });
  toy.isSaving = true;
  assertEquals(toy.control.setAppendOnly(true), true);
  assertEquals([toy.hasChild, toy.effectSink], [false, null]);
  toy.control.setAppendOnly(false);
  assertEquals(field(toy, "aof_rewrite_scheduled"), 0);
  toy.isSaving = false;
  toy.control.requestRewrite();
  toy.run(["SET", "a", "1"]);
  toy.control.setAppendOnly(true);
  toy.run(["APPEND", "a", "2"]);
  toy.finishChild();
  await assertSurvives(toy);
});

Deno.test("switching on fails if nothing can be written, and may be tried again", async () => {
  const files = new MemoryFiles();
  const toy = await ToyServer.start(files, ({ config }) => {
    config.appendonly = false;
  });
  files.failure = failOn("create", ".incr", NO_SPACE);
  assertEquals(toy.control.setAppendOnly(true), false);
  assertEquals([toy.control.isEnabled, field(toy, "aof_rewrite_scheduled")], [false, 0]);
  files.failure = () => null;
  assertEquals(toy.control.setAppendOnly(true), true);
  toy.finishChild();
  await assertSurvives(toy);
});

Deno.test("switched off and on again, old files give way to those of the new state", async () => {
  const toy = await ToyServer.start(new MemoryFiles());
  toy.run(["SET", "a", "1"]);
  toy.control.requestRewrite();
  toy.control.setAppendOnly(false);
  assertEquals([toy.hasChild, toy.effectSink], [false, null]);
  toy.run(["SET", "a", "2"]);
  toy.control.setAppendOnly(true);
  toy.run(["APPEND", "a", "3"]);
  toy.finishChild();
  await toy.control.settled();
  assertEquals(namesIn(toy.files).length, 3);
  await assertSurvives(toy);
});

Deno.test("old files are removed beside the event loop, also those of the next rewrite", async () => {
  const toy = await ToyServer.start(new MemoryFiles());
  toy.files.holdsSyncs = true;
  for (let round = 0; round < 2; round++) {
    toy.control.requestRewrite();
    toy.finishChild();
    toy.run(["APPEND", "a", "x"]);
  }
  assertEquals(namesIn(toy.files).length, 7, "two bases and increments too many");
  await assertSurvives(toy);
  toy.files.releaseSyncs();
  await toy.control.settled();
  assertEquals(namesIn(toy.files).length, 3);
  assertEquals(toy.files.text(MANIFEST).includes("type h"), false);
  await assertSurvives(toy);
});

Deno.test("BGREWRITEAOF with the AOF off makes a base that a later start takes", async () => {
  const toy = await ToyServer.start(new MemoryFiles(), ({ config }) => {
    config.appendonly = false;
  });
  toy.run(["SET", "a", "1"]);
  assertEquals(toy.control.requestRewrite(), "started");
  toy.finishChild();
  assertEquals(toy.files.text(MANIFEST), BASE_1);
  await assertSurvives(toy);
});

Deno.test("a failed sync keeps writers out until a rewrite that begins by itself is done", () =>
  atStandingTime(async () => {
    const toy = await ToyServer.start(new MemoryFiles(), ({ config }) => {
      config.appendfsync = "everysec";
    });
    toy.files.failure = failOn("syncData", ".incr.aof", INPUT_OUTPUT);
    clock.advanceForTests(1000);
    toy.run(["SET", "a", "1"]);
    await toy.control.writer.settled();
    assertEquals(toy.control.diskError, "Input/output error");
    assertEquals(field(toy, "aof_last_write_status"), "err");
    toy.files.failure = () => null;
    clock.advanceForTests(5000);
    toy.control.flush();
    await toy.control.writer.settled();
    assertEquals(toy.control.diskError, "Input/output error");
    toy.control.tick();
    assertEquals(toy.hasChild, true);
    toy.finishChild();
    assertEquals(toy.control.diskError, null);
    await assertSurvives(toy);
  }));

Deno.test("a full disk under always ends the process with all that was answered on disk", async () => {
  const toy = await ToyServer.start(new MemoryFiles());
  toy.run(["SET", "a", "1"]);
  const acknowledged = toy.state();
  toy.files.failure = failOn("write", ".incr.aof", NO_SPACE);
  toy.files.tornBytes = 11;
  assertThrows(() => toy.run(["SET", "b", "2"]), Exit);
  toy.files.failure = () => null;
  assertEquals(await stateAfterRestart(toy.files), acknowledged);
});

Deno.test("a start that cannot write its files is refused and leaves the old ones", async () => {
  for (const [call, end] of [["mkdir", "dir"], ["append", ".incr.aof"], ["rename", "manifest"]]) {
    const files = new MemoryFiles();
    files.failure = failOn(call, end, NO_SPACE);
    const error = await assertRejects(() => ToyServer.start(files), AofLoadError);
    assertEquals(error.message.endsWith("No space left on device"), true, error.message);
    files.failure = () => null;
    await assertSurvives(await ToyServer.start(files));
  }
});

Deno.test("much that is unsynced is synced beside the event loop before a rewrite begins", () =>
  atStandingTime(async () => {
    const toy = await ToyServer.start(new MemoryFiles(), ({ config }) => {
      config.appendfsync = "no";
    });
    const { control, files } = toy;
    const increment = `${DIRECTORY}/appendonly.aof.1.incr.aof`;
    const syncsOf = (call: string) =>
      files.calls.filter((one) => one === `${call} ${increment}`).length;
    const fill = () => toy.run(["SET", "a", "x".repeat(5_000_000)]);
    fill();
    files.holdsSyncs = true;
    assertEquals(control.requestRewrite(), "started");
    assertEquals([field(toy, "aof_rewrite_in_progress"), toy.hasChild], [1, false]);
    assertEquals(control.requestRewrite(), "in progress");
    await microtasks();
    toy.run(["SET", "b", "meanwhile"]);
    await assertSurvives(toy);
    files.releaseSyncs();
    await control.settled();
    await microtasks();
    assertEquals([toy.hasChild, syncsOf("syncData"), syncsOf("sync")], [true, 1, 1]);
    toy.run(["SET", "c", "1"]);
    toy.finishChild();
    await control.settled();
    await assertSurvives(toy);
  }));

Deno.test("a rewrite that waits for its sync is given up, or waits for another child", async () => {
  for (const ends of ["switched off", "shut down", "another child"]) {
    const toy = await ToyServer.start(new MemoryFiles(), ({ config }) => {
      config.appendfsync = "no";
    });
    const { control, files } = toy;
    toy.run(["SET", "a", "x".repeat(5_000_000)]);
    files.holdsSyncs = true;
    control.requestRewrite();
    await microtasks();
    if (ends === "switched off") control.setAppendOnly(false);
    if (ends === "shut down") assertEquals(control.shutdown(false), true);
    if (ends === "another child") toy.isSaving = true;
    files.releaseSyncs();
    await control.settled();
    await microtasks();
    assertEquals([toy.hasChild, field(toy, "aof_rewrite_in_progress")], [false, 0], ends);
    assertEquals(field(toy, "aof_rewrite_scheduled"), ends === "another child" ? 1 : 0);
    await assertSurvives(toy);
  }
});
