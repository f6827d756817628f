/** The Worker's entry: a job comes as a message, and its result goes back. */
import { assertEquals } from "@std/assert";
import { JobControl } from "../../src/persistence/child_job.ts";
import { rdbOptions, rootsOf, saveToBytes } from "./keyspace_contents.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

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
  } finally {
    worker.terminate();
    fork.release();
    Deno.removeSync(path);
  }
});
