/** The real files: what the interface promises. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import {
  DiskFileSystem,
  errorText,
  isMissing,
  readWholeFile,
  removeIfExists,
  replaceFile,
} from "../../src/persistence/file_system.ts";
import { latin1 } from "../support/text.ts";
import { missingReason, testUnless } from "../support/tool_availability.ts";

const files = new DiskFileSystem();

function withDirectory(body: (directory: string) => void): void {
  const directory = Deno.makeTempDirSync();
  try {
    body(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("what is written and appended is read back", () => {
  withDirectory((directory) => {
    const path = join(directory, "file");
    const file = files.openForWrite(path);
    file.write(latin1("-hello-"), 1, 5);
    file.sync();
    file.close();
    const appended = files.openForAppend(path);
    appended.write(latin1(" world"), 0, 6);
    assertEquals(appended.size(), 11);
    appended.close();
    assertEquals(readWholeFile(files, path), latin1("hello world"));
    Deno.chmodSync(path, 0o640);
    const status = { isFile: true, isDirectory: false, bytes: 11, mode: 0o640 };
    assertEquals(files.stat(path), status);
  });
});

Deno.test("a truncated file goes on at its new end", async () => {
  const path = Deno.makeTempFileSync();
  const file = files.openForUpdate(path);
  file.write(latin1("0123456789"), 0, 10);
  file.truncate(4);
  file.write(latin1("x"), 0, 1);
  await file.syncData();
  file.seek(2);
  const bytes = new Uint8Array(10);
  assertEquals(file.read(bytes, 1, 9), 3);
  assertEquals(bytes.subarray(1, 4), latin1("23x"));
  assertEquals(file.read(bytes, 0, 10), 0);
  file.close();
  Deno.removeSync(path);
});

Deno.test("replaceFile leaves no temporary file, and the old content if it fails", () => {
  withDirectory((directory) => {
    const path = join(directory, "file");
    replaceFile(files, path, latin1("one"));
    replaceFile(files, path, latin1("two"));
    assertEquals(readWholeFile(files, path), latin1("two"));
    assertEquals(files.list(directory), ["file"]);
    files.makeDirectory(join(directory, "a", "directory"));
    assertThrows(() => replaceFile(files, join(directory, "a", "directory"), latin1("x")));
    assertEquals(files.list(join(directory, "a")), ["directory"]);
    files.syncDirectory(directory);
  });
});

testUnless(missingReason("posix"), {
  name: "replaceFile keeps the permissions of a file that is there, and gives those asked for",
  fn() {
    withDirectory((directory) => {
      const path = join(directory, "file");
      const modeOf = () => Deno.statSync(path).mode! & 0o777;
      // Left by a process that was killed, readable by all.
      Deno.writeTextFileSync(join(directory, "temp-file"), "", { mode: 0o644 });
      replaceFile(files, path, latin1("one"), 0o600);
      assertEquals(modeOf(), 0o600);
      Deno.chmodSync(path, 0o640);
      replaceFile(files, path, latin1("two"), 0o600);
      assertEquals([modeOf(), files.list(directory)], [0o640, ["file"]]);
    });
  },
});

Deno.test("a missing file is told from other errors, in the words of the system", () => {
  withDirectory((directory) => {
    const path = join(directory, "none");
    assertEquals(files.stat(path), null);
    const error = assertThrows(() => files.openForRead(path));
    assert(isMissing(error));
    if (Deno.build.os === "linux") assertEquals(errorText(error), "No such file or directory");
    assertEquals(errorText(new Error("plain")), "plain");
    assertEquals(errorText("text"), "text");
    removeIfExists(files, path);
  });
});
