/** Keeping what is cut off a log. */
import { assertEquals, assertThrows } from "@std/assert";
import { bytesUpToZeros, keepTail } from "../../src/persistence/aof_tail.ts";
import { MemoryFiles, NO_SPACE } from "./aof_memory_files.ts";

const PATH = "/data/appendonly.aof";

function filesWith(content: string): MemoryFiles {
  const files = new MemoryFiles();
  files.put(PATH, content);
  return files;
}

Deno.test("zero bytes at the end do not count, others do, over any number of pieces", () => {
  assertEquals(bytesUpToZeros(filesWith("good\0bad\0\0"), PATH, 4), 4);
  assertEquals(bytesUpToZeros(filesWith(`good${"\0".repeat(3_000_000)}`), PATH, 4), 0);
  const far = `good${"\0".repeat(2_500_000)}x\0`;
  assertEquals(bytesUpToZeros(filesWith(far), PATH, 4), 2_500_001);
});

Deno.test("a tail is copied to a file of its own, synced with its name, and none overwritten", () => {
  const files = filesWith("good bad\0");
  assertEquals(keepTail(files, PATH, 5), `${PATH}.cut-at-5`);
  assertEquals(keepTail(files, PATH, 5), `${PATH}.cut-at-5-2`);
  for (const path of [`${PATH}.cut-at-5`, `${PATH}.cut-at-5-2`]) {
    assertEquals([files.text(path), files.entries.get(path)!.syncedBytes], ["bad", 3]);
  }
  assertEquals(files.calls.at(-1), "syncDirectory /data");
  assertEquals(keepTail(files, PATH, 8), null);
});

Deno.test("a copy that fails leaves nothing", () => {
  for (const failing of ["create", "write", "sync"]) {
    const files = filesWith("good bad");
    files.failure = (call, path) => call === failing && path !== PATH ? NO_SPACE : null;
    assertThrows(() => keepTail(files, PATH, 5), Error, "No space left");
    assertEquals([...files.entries.keys()], [PATH]);
  }
});
