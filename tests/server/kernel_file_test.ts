/** Small files of the kernel, or what stands for them. */
import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { readKernelFile, writeKernelFile } from "../../src/server/kernel_file.ts";
import { TemporaryDirectory } from "../support/server_process.ts";

Deno.test("a kernel file is read and written, and failures are those of the runtime", async () => {
  await using directory = await TemporaryDirectory.create();
  const path = join(directory.path, "score");
  assertThrows(() => readKernelFile(path), Error, "(os error 2)");
  assertThrows(() => writeKernelFile(path, "1\n"), Error, "(os error 2)");
  Deno.writeTextFileSync(path, "-300\n");
  assertEquals(readKernelFile(path), "-300\n");
  writeKernelFile(path, "-200\n");
  assertEquals(Deno.readTextFileSync(path), "-200\n");
});
