/**
 * Child worker: the entry of the Worker that writes frozen images to files, or posts them in
 * chunks, while the main thread serves its clients. It gets a job as a message and answers with the
 * result; see child_job.ts.
 *
 * It only ever reads the shared image. The main thread waits for the answer before it lets go of
 * it.
 *
 * PRIORITY. Where there are fewer processors than busy threads this one would hold its processor
 * for up to 3 ms while a client's request waits. So it is a nice one, where that can be had: of
 * 70,000 requests during BGSAVE on two processors 999 in 1,000 took up to 2.3 ms instead of 3.7
 * (redis-server: 2.0), and the save no longer. If all processors are busy, it takes twice as long,
 * and clients are served the faster (scripts/bench/wire/save_under_load.ts).
 */
import { collectGarbage, hasCollector } from "../base/garbage.ts";
import { lowerPriority } from "../base/native.ts";
import { Timers } from "../base/timers.ts";
import { type ChildMessage, ChildWork } from "./child_job.ts";
import { DiskFileSystem } from "./file_system.ts";

/** The global scope of a Worker, as far as it is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ChildMessage>) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

/** Steps of nice(2): a tenth of a busy processor is still ours. */
const NICENESS = 10;

lowerPriority(NICENESS);
const scope = globalThis as unknown as WorkerScope;
const work = new ChildWork(
  new DiskFileSystem(),
  (chunk) => scope.postMessage(chunk, [chunk.bytes.buffer]),
);

/** Time without a job after which what the start or a job has left behind goes. */
const IDLE_MS = 1000;
const timer = new Timers().create(() => collectGarbage(true));

function collectLater(): void {
  if (hasCollector()) timer.start(IDLE_MS);
}

scope.onmessage = (event) => {
  const result = work.handle(event.data);
  if (result !== null) scope.postMessage(result);
  collectLater();
};
collectLater();
