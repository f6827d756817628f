/** The Worker's entry: a job comes as a message, and its result goes back. */
import { assert, assertEquals } from "@std/assert";
import { mayUseLibc } from "../../src/base/native.ts";
import { JobControl } from "../../src/persistence/child_job.ts";
import { rdbOptions, rootsOf, saveToBytes } from "./keyspace_contents.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** How many threads of this process are so many steps of nice(2) behind the first one. */
function niceThreads(steps: number): number {
  const usual = nicenessOf(Deno.pid);
  const threads = [...Deno.readDirSync("/proc/self/task")].map(({ name }) => Number(name));
  return threads.filter((thread) => nicenessOf(thread) === usual + steps).length;
}

/** The 19th field of /proc/…/stat; the second one is the name of the program, in parentheses. */
function nicenessOf(thread: number): number {
  const stat = Deno.readTextFileSync(`/proc/self/task/${thread}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
}

Deno.test("a job that is posted is answered with its result", async () => {
  using server = new EmbeddedServer();
  server.run("SET", "k", "v");
  const { fork } = server.server;
  const entry = import.meta.resolve("../../src/persistence/child_worker.ts");
  const worker = new Worker(entry, { type: "module" });
  const path = Deno.makeTempFileSync();
  fork.freeze();
  try {
    const answer = new Promise<unknown>((resolve) => {
      worker.onmessage = (event) => resolve(event.data);
    });
    worker.postMessage({
      kind: "rdb",
      table: fork.transferable(),
      databases: rootsOf(server),
      path,
      syncsIncrementally: false,
      control: new JobControl().buffer,
      options: rdbOptions(),
    });
    const byteCount = saveToBytes(server).length;
    assertEquals(await answer, { outcome: "ok", byteCount, keyCount: 1 });
    assertEquals(Deno.statSync(path).size, byteCount);
    if (mayUseLibc()) assert(niceThreads(10) > 0, "the scheduler prefers all other threads");
  } finally {
    worker.terminate();
    fork.release();
    Deno.removeSync(path);
  }
});
