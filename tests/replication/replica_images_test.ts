/** Replica images: files and shared chunks, as replicas are sent them. */
import { assertEquals } from "@std/assert";
import { DiskFileSystem, type FileHandle } from "../../src/persistence/file_system.ts";
import type { ReplicaImage } from "../../src/replication/replica.ts";
import { ChunkQueue, FileImage } from "../../src/replication/replica_images.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

/** All that an image has at present, taken in pieces of at most `most` bytes. */
function drain(image: ReplicaImage, most = Infinity): string {
  let text = "";
  for (let piece = image.next(); piece !== null; piece = image.next()) {
    const count = Math.min(piece.length, most);
    text += fromLatin1(piece.subarray(0, count));
    image.advance(count);
  }
  return text;
}

Deno.test("a file is sent behind its length, in pieces of any size", () => {
  const path = Deno.makeTempFileSync();
  const text = "0123456789".repeat(40_000);
  Deno.writeTextFileSync(path, text);
  let released = 0;
  const image = new FileImage(new DiskFileSystem().openForRead(path), {
    onFailure: () => {},
    onRelease: () => released++,
  });
  assertEquals(image.isDone, false);
  assertEquals(drain(image, 99_999) === `$400000\r\n${text}`, true);
  assertEquals([image.isDone, released], [true, 0]);
  image.release();
  assertEquals(released, 1);
  Deno.removeSync(path);
});

Deno.test("a file that cannot be read is no image that is done", () => {
  const failure = new Error("EIO");
  const failures: unknown[] = [];
  const file = {
    size: () => 10,
    read: () => {
      throw failure;
    },
    close: () => {},
  } as unknown as FileHandle;
  const image = new FileImage(file, { onFailure: (error) => failures.push(error), onRelease() {} });
  assertEquals(drain(image), "$10\r\n");
  assertEquals([image.isDone, failures], [false, [failure]]);
});

Deno.test("chunks go to all readers, and are let go when the slowest has them", () => {
  const taken: number[] = [];
  const queue = new ChunkQueue((count) => taken.push(count));
  const [quick, slow] = [queue.createReader(), queue.createReader()];
  for (const text of ["abc", "de", "f"]) queue.add(latin1(text));
  assertEquals(drain(quick, 2), "abcdef");
  assertEquals([quick.isDone, taken], [false, []]);
  slow.next();
  slow.advance(2);
  assertEquals(taken, []);
  slow.advance(1);
  assertEquals(taken, [1]);
  assertEquals(drain(slow), "def");
  assertEquals(taken, [1, 1, 1]);
  queue.add(latin1("end"));
  queue.isEnded = true;
  assertEquals([drain(quick), quick.isDone, slow.isDone], ["end", true, false]);
  slow.release();
  assertEquals(taken, [1, 1, 1, 1]);
});

Deno.test("chunks that nobody is left to read are let go", () => {
  let taken = 0;
  const queue = new ChunkQueue((count) => taken += count);
  const only = queue.createReader();
  queue.add(latin1("abc"));
  only.release();
  assertEquals(taken, 1);
  queue.add(latin1("def"));
  queue.letGo();
  assertEquals(taken, 2);
});
