/** The directory: in which order its files are made, named, synced and removed. */
import { assertEquals } from "@std/assert";
import { AofDirectory } from "../../src/persistence/aof_directory.ts";
import { MemoryFiles } from "./aof_memory_files.ts";
import { DIRECTORY, KeptLog, MANIFEST } from "./aof_toy_server.ts";

const TEMPORARY_MANIFEST = `${DIRECTORY}/temp-appendonly.aof.manifest`;
const MANIFEST_CALLS = [
  `create ${TEMPORARY_MANIFEST}`,
  `write ${TEMPORARY_MANIFEST}`,
  `sync ${TEMPORARY_MANIFEST}`,
  `close ${TEMPORARY_MANIFEST}`,
  `rename ${MANIFEST}`,
  `syncDirectory ${DIRECTORY}`,
];

function open(files: MemoryFiles): AofDirectory {
  const directory = new AofDirectory({
    files,
    log: new KeptLog(),
    parent: "/data",
    name: "appendonlydir",
    fileName: "appendonly.aof",
  });
  directory.readManifest();
  return directory;
}

/** A directory with a base and an increment. */
function started(files: MemoryFiles): AofDirectory {
  const directory = open(files);
  directory.openForStart(true, (path) => files.put(path, "base")).close();
  return directory;
}

/** The calls that `action` makes, without those that only look. */
async function callsOf(
  files: MemoryFiles,
  action: () => void | Promise<void>,
): Promise<string[]> {
  files.calls.length = 0;
  const done = action();
  if (done !== undefined) await done;
  return files.calls.filter((call) => !/^(stat|list|open|read) /.test(call));
}

Deno.test("a new increment stands in the synced directory before the manifest names it", async () => {
  const files = new MemoryFiles();
  const directory = started(files);
  const create = () => directory.createIncrement().close();
  assertEquals(await callsOf(files, create), [
    `create ${DIRECTORY}/appendonly.aof.2.incr.aof`,
    `syncDirectory ${DIRECTORY}`,
    ...MANIFEST_CALLS,
    `close ${DIRECTORY}/appendonly.aof.2.incr.aof`,
  ]);
});

Deno.test("a new base is renamed and synced, named, and only then the old files go", async () => {
  const files = new MemoryFiles();
  const directory = started(files);
  directory.createIncrement().close();
  files.put(directory.temporaryBasePath(), "new base");
  assertEquals(
    await callsOf(files, async () => {
      directory.installBase(true, "last");
      const removal = directory.removeHistory();
      assertEquals(directory.isRemovingHistory, true);
      await removal;
      assertEquals(directory.isRemovingHistory, false);
    }),
    [
      `rename ${DIRECTORY}/appendonly.aof.2.base.rdb`,
      `syncDirectory ${DIRECTORY}`,
      ...MANIFEST_CALLS,
      `remove ${DIRECTORY}/appendonly.aof.1.incr.aof`,
      `remove ${DIRECTORY}/appendonly.aof.1.base.rdb`,
      ...MANIFEST_CALLS,
    ],
  );
});

Deno.test("when a manifest cannot be synced, the one on disk is gone on with and no file goes", () => {
  const files = new MemoryFiles();
  const directory = started(files);
  directory.createIncrement().close();
  files.put(directory.temporaryBasePath(), "new base");
  let syncs = 0;
  files.failure = (call) => call === "syncDirectory" && ++syncs === 2 ? new Error("gone") : null;
  let message = "";
  try {
    directory.installBase(true, "last");
  } catch (error) {
    message = (error as Error).message;
  }
  assertEquals(message, "gone");
  assertEquals(directory.manifest.toText(), files.text(MANIFEST));
  for (const { name } of [...directory.manifest.filesToLoad, ...directory.manifest.history]) {
    assertEquals(files.entries.has(`${DIRECTORY}/${name}`), true, name);
  }
});

Deno.test("what a killed rewrite has left is removed at start, foreign files stay", () => {
  const files = new MemoryFiles();
  started(files);
  const left = ["temp-rewriteaof-bg-17.aof", "temp-rewriteaof-17.aof", "temp-appendonly.aof.incr"];
  for (const name of [...left, "temp-notes.txt"]) files.put(`${DIRECTORY}/${name}`, "x");
  open(files).openForStart(true, () => {}).close();
  assertEquals(files.list(DIRECTORY), [
    "appendonly.aof.1.base.rdb",
    "appendonly.aof.1.incr.aof",
    "appendonly.aof.manifest",
    "temp-notes.txt",
  ]);
});
