/** The background child: a real Worker that writes frozen images while the data change. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import * as clock from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import {
  BackgroundChild,
  type ChildPort,
  type FileJobRequest,
} from "../../src/persistence/background_child.ts";
import { DiskFileSystem, readWholeFile } from "../../src/persistence/file_system.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { contentsOf, loadFromBytes, rdbOptions, rootsOf } from "./keyspace_contents.ts";

const files = new DiskFileSystem();

interface Fixture {
  server: EmbeddedServer;
  child: BackgroundChild;
  directory: string;
  request: FileJobRequest;
}

async function withChild(
  body: (fixture: Fixture) => Promise<void>,
  createChild?: () => ChildPort,
  onLatency: (event: string) => void = () => {},
): Promise<void> {
  using server = new EmbeddedServer();
  const directory = Deno.makeTempDirSync();
  const { arena, fork } = server.server;
  const log = new Log();
  log.open(join(directory, "log"));
  const child = new BackgroundChild({ arena, fork, log, files, createChild, onLatency });
  const request: FileJobRequest = {
    kind: "rdb",
    databases: rootsOf(server),
    path: join(directory, "temp.rdb"),
    syncsIncrementally: true,
    options: rdbOptions(),
  };
  try {
    await body({ server, child, directory, request });
  } finally {
    child.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("the child writes the state of the freeze while the data change", async () => {
  await withChild(async ({ server, child, request }) => {
    for (let index = 0; index < 2000; index++) server.run("HSET", `h${index}`, "f", index);
    const expected = contentsOf(server);
    const running = child.run(request, 2000);
    assertEquals(child.isRunning, true);
    assertEquals(child.jobKind, "rdb");
    assertEquals(server.server.arena.isFrozen, true);
    for (let index = 0; index < 2000; index += 2) server.run("HSET", `h${index}`, "f", "changed");
    for (let index = 1; index < 2000; index += 2) server.run("DEL", `h${index}`);
    const result = await running;
    assert(result.outcome === "ok");
    assertEquals(result.keyCount, 2000);
    assertEquals(child.isRunning, false);
    assertEquals(server.server.arena.isFrozen, false);
    assert(child.lastClonedBytes > 0);
    using other = new EmbeddedServer();
    const bytes = readWholeFile(files, request.path);
    assertEquals(bytes.length, result.byteCount);
    loadFromBytes(other, bytes);
    assertEquals(contentsOf(other), expected);
    while (child.step());
    assertEquals(server.server.fork.isSettled, true);
  });
});

Deno.test("a job begins although most of what was freed during the last one still waits", async () => {
  await withChild(async ({ server, child, request }) => {
    const { arena } = server.server;
    const emptyBytes = arena.usedBytes;
    const keyCount = 20_000;
    // Blocks that fill many segments, nearly all of which stay frozen.
    const text = "v".repeat(200);
    for (let index = 0; index < keyCount; index++) server.run("SET", `key:${index}`, text);
    const first = child.run(request, keyCount);
    for (let index = 0; index < keyCount; index++) server.run("DEL", `key:${index}`);
    const waitingCount = arena.deferredCount;
    assert(waitingCount > keyCount * 0.9, `${waitingCount} blocks wait`);
    await first;
    for (let index = 0; index < 5000; index++) server.run("SET", `other:${index}`, text);
    const second = child.run(request, 5000);
    const leftCount = arena.deferredCount;
    assert(leftCount >= waitingCount - 4 * 4096, `${leftCount} of ${waitingCount} still wait`);
    for (let index = 0; index < 5000; index++) server.run("DEL", `other:${index}`);
    assert(arena.deferredCount > leftCount + 3000);
    assertEquals((await second).outcome, "ok");
    while (child.step());
    // The table of keys keeps room for some.
    assert(arena.usedBytes <= emptyBytes + 128, `${arena.usedBytes} bytes are in use`);
    assertEquals([arena.deferredCount, arena.deferredBytes], [0, 0]);
  });
});

Deno.test("the same child writes one file after another", async () => {
  await withChild(async ({ server, child, request }) => {
    for (let round = 1; round <= 3; round++) {
      server.run("SET", `k${round}`, "v");
      server.run("DEL", "gone");
      const result = await child.run(request, round);
      assertEquals(result.outcome === "ok" && result.keyCount, round);
    }
    assertEquals(child.freezeCount, 3);
  });
});

Deno.test("commands are written as commands", async () => {
  await withChild(async ({ server, child, directory, request }) => {
    server.run("SET", "k", "v");
    const path = join(directory, "base.aof");
    const { databases, syncsIncrementally } = request;
    const result = await child.run(
      {
        kind: "aof-commands",
        databases,
        path,
        syncsIncrementally,
        timestampSeconds: 1700000000,
        functionLibraries: [new Uint8Array([65])],
      },
      1,
    );
    assertEquals(result.outcome, "ok");
    assertEquals(
      Deno.readTextFileSync(path),
      "#TS:1700000000\r\n*3\r\n$8\r\nFUNCTION\r\n$4\r\nLOAD\r\n$1\r\nA\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n",
    );
  });
});

Deno.test("an aborted job leaves no file and thaws the data", async () => {
  await withChild(async ({ server, child, request }) => {
    for (let index = 0; index < 200; index++) server.run("SET", `k${index}`, "v");
    const options = rdbOptions({ keyDelayUs: 20_000 });
    const running = child.run({ ...request, kind: "rdb", options }, 200);
    child.abort();
    child.abort();
    assertEquals(await running, { outcome: "aborted" });
    assertEquals(files.stat(request.path), null);
    assertEquals(server.server.arena.isFrozen, false);
    assertEquals((await child.run(request, 200)).outcome, "ok");
  });
});

Deno.test("a file that cannot be written is a failed job", async () => {
  await withChild(async ({ child, directory, request }) => {
    const path = join(directory, "missing", "temp.rdb");
    const result = await child.run({ ...request, path }, 0);
    assert(result.outcome === "failed");
    if (Deno.build.os === "linux") assertEquals(result.error, "No such file or directory");
  });
});

Deno.test("a child that dies is a failed job and is replaced", async () => {
  await withChild(async ({ server, child, directory, request }) => {
    server.run("SET", "k", "v");
    // A root that is no dict: the walk leaves the image and throws.
    const databases = [{ keys: 0x7ffffff0, expires: 0x7ffffff0 }];
    const result = await child.run({ ...request, databases } as FileJobRequest, 1);
    assert(result.outcome === "failed");
    assertEquals(files.stat(request.path), null);
    assertEquals((await child.run(request, 1)).outcome, "ok");
    assertEquals(files.list(directory), ["log", "temp.rdb"]);
  });
});

/** A real Worker that does something else than its job. */
function misbehavingWorker(onJob: string): ChildPort {
  const source = `globalThis.onmessage = () => { ${onJob} };`;
  return new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
}

/** Looks at a child each second of twenty minutes. */
function lookOnAndOn(child: BackgroundChild): void {
  for (let second = 0; second < 1200; second++) child.tick(clock.nowMs() + second * 1000);
}

for (
  const [name, onJob, reason] of [
    ["throws", 'throw new Error("out of luck")', /the background child failed: .*out of luck/],
    ["loops for ever", "for (;;);", /the background child failed: no progress for 600 seconds/],
    ["ends without a word", "self.close()", /no progress for 600 seconds/],
  ] as const
) {
  Deno.test(`a child that ${name} is a failed job, and the next one is well`, async () => {
    let started = 0;
    const createChild = (): ChildPort =>
      started++ === 0
        ? misbehavingWorker(onJob)
        : new Worker(import.meta.resolve("../../src/persistence/child_worker.ts"), {
          type: "module",
        });
    await withChild(async ({ server, child, request }) => {
      server.run("SET", "k", "v");
      const running = child.run(request, 1);
      server.run("SET", "k", "goes on");
      if (name !== "throws") lookOnAndOn(child);
      const result = await running;
      assert(result.outcome === "failed");
      assertMatch(result.error, reason);
      assertEquals([child.isRunning, server.server.arena.isFrozen], [false, false]);
      assertEquals(files.stat(request.path), null);
      assertEquals(server.run("GET", "k"), "goes on");
      assertEquals((await child.run(request, 1)).outcome, "ok");
      assertEquals(started, 2);
    }, createChild);
  });
}

Deno.test("a freeze is told to the latency monitor, with the message to the child", async () => {
  const events: string[] = [];
  await withChild(
    async ({ child, request }) => {
      await child.run(request, 0);
      assertEquals(events, ["fork"]);
      assert(child.lastFreezeUs > 0);
    },
    undefined,
    (event) => events.push(event),
  );
});

Deno.test("no child hangs because the clock has jumped, or the process was stopped", async () => {
  await withChild(async ({ server, child, request }) => {
    server.run("SET", "k", "v");
    const options = rdbOptions({ keyDelayUs: 3_600_000_000 });
    const running = child.run({ ...request, kind: "rdb", options }, 1);
    for (const hours of [1, -5, 20, 2000]) child.tick(clock.nowMs() + hours * 3_600_000);
    assertEquals(child.isRunning, true);
    child.abort();
    for (const hours of [1, -5, 20]) child.tick(clock.nowMs() + hours * 3_600_000);
    assertEquals(child.isRunning, true);
    lookOnAndOn(child);
    assertEquals(await running, { outcome: "aborted" });
  });
});

Deno.test("a child that does not obey is given up", async () => {
  await withChild(async ({ server, child, directory, request }) => {
    server.run("SET", "k", "v");
    const options = rdbOptions({ keyDelayUs: 3_600_000_000 });
    const running = child.run({ ...request, kind: "rdb", options }, 1);
    child.abort();
    lookOnAndOn(child);
    assertEquals(await running, { outcome: "aborted" });
    assertMatch(Deno.readTextFileSync(join(directory, "log")), /Background child failed/);
    assertEquals((await child.run(request, 1)).outcome, "ok");
  });
});
