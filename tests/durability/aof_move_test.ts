/**
 * CONFIG SET dir with the AOF on: the next rewrite takes the log to the new directory, and whenever
 * the process is killed on the way, a start in one of the two places finds everything.
 */
import { assertEquals } from "@std/assert";
import { INPUT_OUTPUT, MemoryFiles } from "../persistence/aof_memory_files.ts";
import { DIRECTORY, MANIFEST, ToyServer } from "../persistence/aof_toy_server.ts";

const OTHER = "/other/appendonlydir";
const OTHER_MANIFEST = `${OTHER}/appendonly.aof.manifest`;

async function stateIn(files: MemoryFiles, dir: string): Promise<string> {
  const toy = await ToyServer.start(files.copy(), ({ config }) => {
    config.dir = dir;
  });
  return toy.state();
}

/** A server with data whose `dir` has just been changed. */
async function startAndMove(files = new MemoryFiles()): Promise<ToyServer> {
  const toy = await ToyServer.start(files);
  toy.run(["SET", "a", "1"]);
  toy.config.dir = "/other";
  toy.control.directoryChanged();
  return toy;
}

Deno.test("after CONFIG SET dir the AOF stays, says so, and goes along with the next rewrite", async () => {
  const toy = await startAndMove();
  const { files, control, log } = toy;
  assertEquals(
    log.lines.filter((line) => line.startsWith(`The AOF stays in ${DIRECTORY}`)).length,
    1,
  );
  toy.run(["APPEND", "a", "2"]);
  assertEquals(control.requestRewrite(), "started");
  toy.run(["APPEND", "a", "3"]);
  assertEquals(await stateIn(files, "/data"), toy.state(), "while the child works");
  toy.finishChild();
  assertEquals(await stateIn(files, "/other"), toy.state());
  const left = files.text(`${DIRECTORY}/appendonly.aof.1.incr.aof`);
  toy.run(["APPEND", "a", "4"]);
  assertEquals(await stateIn(files, "/other"), toy.state());
  assertEquals(files.text(`${DIRECTORY}/appendonly.aof.1.incr.aof`), left);
  control.requestRewrite();
  toy.finishChild();
  await control.settled();
  toy.run(["APPEND", "a", "5"]);
  assertEquals(await stateIn(files, "/other"), toy.state(), "rewritten again");
  assertEquals(files.list(OTHER).length, 3);
});

Deno.test("killed at any call of a move: the old or the new place has everything", async () => {
  const toy = await startAndMove();
  const { files } = toy;
  let acknowledged = toy.state();
  const kills: { files: MemoryFiles; atLeast: string; call: string }[] = [];
  files.failure = (call, path) => {
    kills.push({ files: files.copy(), atLeast: acknowledged, call: `${call} ${path}` });
    return null;
  };
  const run = (value: string) => {
    toy.run(["APPEND", "a", value]);
    acknowledged = toy.state();
  };
  toy.control.requestRewrite();
  run("2");
  run("3");
  toy.finishChild();
  run("4");
  await toy.control.settled();
  files.failure = () => null;
  for (const kill of kills) {
    const place = kill.files.entries.has(OTHER_MANIFEST) ? "/other" : "/data";
    const found = await stateIn(kill.files, place);
    // The command that was being recorded may be there, too.
    assertEquals(found.length >= kill.atLeast.length, true, `${kill.call}: ${found} in ${place}`);
  }
  assertEquals(kills.length > 20, true);
});

Deno.test("a move that fails leaves the AOF where it was, also under always", async () => {
  const toy = await startAndMove();
  const { files, control } = toy;
  control.requestRewrite();
  files.failure = (call, path) =>
    call === "write" && path.startsWith("/other") ? INPUT_OUTPUT : null;
  toy.run(["APPEND", "a", "2"]);
  assertEquals(control.diskError, null, "nobody relies on the new place yet");
  files.failure = (call, path) =>
    call === "sync" && path.startsWith("/other") ? INPUT_OUTPUT : null;
  toy.failChild();
  files.failure = () => null;
  toy.run(["APPEND", "a", "3"]);
  assertEquals(await stateIn(files, "/data"), toy.state());
  assertEquals(files.list(OTHER), []);
  control.requestRewrite();
  toy.finishChild();
  assertEquals(await stateIn(files, "/other"), toy.state(), "the next one succeeds");
});

Deno.test("a new place that cannot be written at the end is not taken", async () => {
  const toy = await startAndMove();
  const { files, control } = toy;
  control.requestRewrite();
  toy.run(["APPEND", "a", "2"]);
  files.failure = (call, path) =>
    call === "sync" && path.endsWith("temp-appendonly.aof.incr") ? INPUT_OUTPUT : null;
  toy.finishChild();
  files.failure = () => null;
  toy.run(["APPEND", "a", "3"]);
  assertEquals(files.entries.has(OTHER_MANIFEST), false);
  assertEquals(await stateIn(files, "/data"), toy.state());
});

Deno.test("dir set back while the move is under way: the AOF stays", async () => {
  const toy = await startAndMove();
  toy.control.requestRewrite();
  toy.config.dir = "/data";
  toy.control.directoryChanged();
  assertEquals(toy.hasChild, false);
  toy.run(["APPEND", "a", "2"]);
  assertEquals(await stateIn(toy.files, "/data"), toy.state());
});

Deno.test("switched off on the way nothing is left in the new place; switched on, it is there", async () => {
  const toy = await startAndMove();
  const { files, control } = toy;
  control.requestRewrite();
  control.setAppendOnly(false);
  assertEquals([toy.hasChild, toy.effectSink], [false, null]);
  assertEquals(files.list(OTHER), []);
  assertEquals(
    toy.log.lines.some((line) => line.startsWith("The AOF is off, so its rewrite")),
    true,
  );
  control.setAppendOnly(true);
  toy.run(["APPEND", "a", "2"]);
  toy.finishChild();
  await control.settled();
  toy.run(["APPEND", "a", "3"]);
  assertEquals(await stateIn(files, "/other"), toy.state());
});

Deno.test("BGREWRITEAOF with the AOF off writes where dir is now", async () => {
  const files = new MemoryFiles();
  const toy = await ToyServer.start(files, ({ config }) => {
    config.appendonly = false;
  });
  toy.run(["SET", "a", "1"]);
  toy.control.requestRewrite();
  toy.finishChild();
  toy.config.dir = "/other";
  toy.run(["SET", "a", "2"]);
  toy.control.requestRewrite();
  toy.finishChild();
  assertEquals(await stateIn(files, "/other"), toy.state());
});

Deno.test("CONFIG REWRITE takes the AOF to where the next start looks for it", async () => {
  const toy = await startAndMove();
  toy.control.followConfig();
  toy.control.tick();
  assertEquals(toy.hasChild, true);
  toy.finishChild();
  assertEquals(await stateIn(toy.files, "/other"), toy.state());
  toy.control.followConfig();
  toy.control.tick();
  assertEquals(toy.hasChild, false, "it is there");
});

Deno.test("an AOF that stands in the new place is neither removed nor loaded", async () => {
  const files = new MemoryFiles();
  const earlier = "file appendonly.aof.7.base.aof seq 7 type b\n";
  files.put(OTHER_MANIFEST, earlier);
  files.put(`${OTHER}/appendonly.aof.7.base.aof`, "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\n1\r\n");
  const toy = await startAndMove(files);
  toy.control.requestRewrite();
  toy.finishChild();
  await toy.control.settled();
  assertEquals(files.entries.has(`${OTHER}/appendonly.aof.7.base.aof`), true);
  assertEquals(files.text(OTHER_MANIFEST).includes(".8.base."), true);
  assertEquals(await stateIn(files, "/other"), toy.state());
  assertEquals(files.text(MANIFEST).includes("type b"), true, "the old place is as it was");
});
