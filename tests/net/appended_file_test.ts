/** Appended file: what is written, synced and cut, and the errors of the system. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { NativeFiles } from "../../src/net/appended_file.ts";
import type { KernelSyncs } from "../../src/net/kernel_syncs.ts";
import { openLibc } from "../../src/net/libc.ts";
import { DiskFileSystem, errorText } from "../../src/persistence/file_system.ts";
import { latin1 } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";

/** Runs `run` with files whose syncs beside the event loop are those of `sync`, and a path. */
async function withFiles(
  sync: () => Promise<void> | null,
  run: (files: DiskFileSystem, path: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const syncs = { sync } as unknown as KernelSyncs;
    await run(
      new DiskFileSystem(new NativeFiles({ libc: openLibc()! }, syncs)),
      `${directory}/file`,
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

testWith(
  ["epoll"],
  "parts of arrays are written at the end; a file is cut and goes on",
  () =>
    withFiles(() => null, async (files, path) => {
      await Deno.writeTextFile(path, "before ");
      const file = files.openForAppend(path);
      file.write(latin1("one two"), 0, 3);
      file.write(latin1("one two three"), 3, 4);
      file.sync();
      assertEquals([file.size(), Deno.readTextFileSync(path)], [14, "before one two"]);
      file.truncate(6);
      file.write(latin1("!"), 0, 1);
      assertEquals(Deno.readTextFileSync(path), "before!");
      assertThrows(() => file.read(new Uint8Array(1), 0, 1));
      assertThrows(() => file.seek(0));
      file.close();
    }),
);

testWith(["epoll"], "a sync aside is the kernel's, or if it takes none the runtime's", async () => {
  let count = 0;
  const syncs = [() => Promise.resolve(), () => null, () => Promise.reject(new Error("broken"))];
  await withFiles(() => syncs[count++]!(), async (files, path) => {
    const file = files.openForAppend(path);
    await file.syncData();
    await file.syncData();
    await assertRejects(() => file.syncData(), Error, "broken");
    assertEquals(count, 3);
    file.close();
  });
});

testWith(
  ["epoll"],
  "a full disk and a closed file are told in the words of the system",
  () =>
    withFiles(() => null, async (files, path) => {
      const full = files.openForAppend("/dev/full");
      const error = assertThrows(() => full.write(latin1("x"), 0, 1));
      assertEquals(errorText(error), "No space left on device");
      assertEquals(errorText(assertThrows(() => full.sync())), "Invalid argument");
      full.close();
      await Deno.mkdir(path);
      assertThrows(() => files.openForAppend(path));
    }),
);
