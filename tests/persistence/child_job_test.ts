/** The child's work, done in place: results, progress, aborts, failing disks. */
import { assert, assertEquals } from "@std/assert";
import { unreachable } from "../../src/base/assert.ts";
import {
  ChildWork,
  CHUNKS_MAX,
  JobControl,
  type RdbJob,
  runJob,
} from "../../src/persistence/child_job.ts";
import { DiskFileSystem, type FileHandle } from "../../src/persistence/file_system.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { fromLatin1 } from "../support/text.ts";
import { rdbOptions, rootsOf } from "./keyspace_contents.ts";

/** A disk whose files fail at a certain write. */
class FailingFileSystem extends DiskFileSystem {
  constructor(readonly onWrite: (count: number) => void) {
    super();
  }

  override openForWrite(path: string): FileHandle {
    const file = super.openForWrite(path);
    let count = 0;
    return Object.assign(Object.create(file), {
      path,
      write: (bytes: Uint8Array, start: number, length: number) => {
        this.onWrite(++count);
        file.write(bytes, start, length);
      },
      sync: () => file.sync(),
      close: () => file.close(),
    });
  }
}

function withJob(body: (job: RdbJob, control: JobControl) => void): void {
  using server = new EmbeddedServer();
  const random = crypto.getRandomValues(new Uint8Array(60_000));
  for (let index = 0; index < 20; index++) server.run("SET", `k${index}`, random);
  const { fork } = server.server;
  fork.freeze();
  const control = new JobControl();
  const path = Deno.makeTempFileSync();
  const table = fork.transferable();
  const databases = rootsOf(server);
  const common = { table, databases, path, control: control.buffer };
  try {
    body({ kind: "rdb", syncsIncrementally: true, options: rdbOptions(), ...common }, control);
  } finally {
    fork.release();
    new DiskFileSystem().stat(path) && Deno.removeSync(path);
  }
}

Deno.test("a job tells what it has written, and its progress on the way", () => {
  withJob((job, control) => {
    const seen: number[] = [];
    const result = runJob(job, new FailingFileSystem(() => seen.push(control.byteCount)));
    assert(result.outcome === "ok");
    assertEquals(result.keyCount, 20);
    assertEquals(control.keyCount, 20);
    assertEquals(control.byteCount, result.byteCount);
    assertEquals(Deno.statSync(job.path).size, result.byteCount);
    assert(seen.length > 4);
    assertEquals(seen, [...seen].sort((a, b) => a - b));
  });
});

Deno.test("an aborted job stops at the next write and removes its file", () => {
  withJob((job, control) => {
    let writes = 0;
    const files = new FailingFileSystem((count) => {
      writes = count;
      if (count === 2) control.abort();
    });
    assertEquals(runJob(job, files), { outcome: "aborted" });
    assertEquals(writes, 2);
    assertEquals(files.stat(job.path), null);
  });
});

Deno.test("a job on a full disk fails with the disk's words and removes its file", () => {
  withJob((job) => {
    const files = new FailingFileSystem((count) => {
      if (count === 3) throw new Error("No space left on device (os error 28): write");
    });
    assertEquals(runJob(job, files), { outcome: "failed", error: "No space left on device" });
    assertEquals(files.stat(job.path), null);
  });
});

/** A disk that keeps count of the files that are open for reading. */
class CountingFileSystem extends DiskFileSystem {
  openCount = 0;

  override openForRead(path: string): FileHandle {
    const file = super.openForRead(path);
    this.openCount++;
    const close = () => {
      this.openCount--;
      file.close();
    };
    return Object.assign(Object.create(file), { path, close });
  }
}

Deno.test("the child holds the file that is to be replaced until it is told to let go", () => {
  withJob((job) => {
    const files = new CountingFileSystem();
    const work = new ChildWork(files, () => {});
    const replaces = Deno.makeTempFileSync();
    assertEquals(work.handle({ ...job, replaces })?.outcome, "ok");
    const isHeld = Deno.build.os !== "windows";
    assertEquals(files.openCount, isHeld ? 1 : 0);
    Deno.renameSync(job.path, replaces);
    assertEquals(work.handle({ kind: "release" }), null);
    assertEquals(files.openCount, 0);
    assertEquals(work.handle({ ...job, replaces })?.outcome, "ok");
    // The next job lets go too, and there may be nothing to hold.
    assertEquals(work.handle({ ...job, replaces: `${replaces}.missing` })?.outcome, "ok");
    assertEquals(files.openCount, 0);
    Deno.removeSync(replaces);
  });
});

Deno.test("an image that is posted in chunks is the file that would be written", () => {
  withJob((job) => {
    assertEquals(runJob(job, new DiskFileSystem()).outcome, "ok");
    const { table, databases, options, control } = job;
    const posted: string[] = [];
    const work = new ChildWork(new DiskFileSystem(), ({ bytes }) => posted.push(fromLatin1(bytes)));
    const stream = { kind: "rdb-stream" as const, table, databases, options, control };
    assertEquals(work.handle(stream)?.outcome, "ok");
    assertEquals(posted.join("") === fromLatin1(Deno.readFileSync(job.path)), true);
  });
});

Deno.test("a job that is given up posts no more", () => {
  withJob((job, control) => {
    control.abort();
    const { table, databases, options } = job;
    const work = new ChildWork(new DiskFileSystem(), () => unreachable("posted"));
    const stream = { kind: "rdb-stream" as const, table, databases, options };
    assertEquals(work.handle({ ...stream, control: control.buffer }), { outcome: "aborted" });
  });
});

Deno.test("there is room for so many chunks, and for more as they are taken", () => {
  const control = new JobControl();
  for (let count = 0; count < CHUNKS_MAX; count++) {
    assertEquals(control.isFull, false);
    control.waitForRoom();
  }
  assertEquals(control.isFull, true);
  control.takeChunks(2);
  assertEquals(control.isFull, false);
  control.waitForRoom();
  control.waitForRoom();
  assertEquals(control.isFull, true);
});
