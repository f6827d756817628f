/** The Worker's entry: it connects, sends and notes what was answered. */
import { assertEquals } from "@std/assert";
import { JobRecord, OUTCOME_DONE, type SocketJob } from "../../src/net/socket_work.ts";
import { latin1, until } from "../support/text.ts";

Deno.test("jobs that are posted end in their records", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const worker = new Worker(import.meta.resolve("../../src/net/socket_worker.ts"), {
    type: "module",
  });
  try {
    const post = (job: SocketJob) => worker.postMessage(job);
    const accepting = listener.accept();
    const connected = JobRecord.create(0);
    const address = { host: "127.0.0.1", port: listener.addr.port, tls: null };
    const record = connected.buffer;
    post({ kind: "connect", id: 7, ...address, timeoutMs: 60_000, record });
    using peer = await accepting;
    await until("connected", () => Promise.resolve(connected.outcome === OUTCOME_DONE));
    const exchanged = JobRecord.create(1);
    const chunks = [latin1("PI"), latin1("NG\r\n")];
    const job = { id: 7, chunks, timeoutMs: 60_000, record: exchanged.buffer };
    post({ kind: "exchange", ...job });
    const buffer = new Uint8Array(100);
    let count = 0;
    while (count < 6) count += (await peer.read(buffer.subarray(count)))!;
    assertEquals(buffer.subarray(0, count), latin1("PING\r\n"));
    await peer.write(latin1("+OK\r\n"));
    await until("answered", () => Promise.resolve(exchanged.outcome === OUTCOME_DONE));
    assertEquals([...exchanged.acknowledged], [1]);
    post({ kind: "close", id: 7 });
    assertEquals(await peer.read(buffer), null);
  } finally {
    worker.terminate();
  }
});
