/** Synchronous I/O: the main thread waits for a socket on the spot. The peer has its own thread. */
import { assertEquals } from "@std/assert";
import { Log } from "../../src/base/log.ts";
import { Config } from "../../src/config/config.ts";
import { WorkerIo } from "../../src/net/synchronous_io.ts";
import { freePort } from "../support/server_process.ts";
import { latin1 } from "../support/text.ts";

/** A server that answers each chunk of requests with the same text. */
const PEER = `
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  self.postMessage(listener.addr.port);
  for await (const socket of listener) {
    const buffer = new Uint8Array(100);
    const [first, second] = [await socket.read(buffer), "+OK\\r\\n-ERR no\\r\\n"];
    if (first !== null) await socket.write(new TextEncoder().encode(second));
    if (first !== null) await socket.read(buffer);
    socket.close();
  }
`;

Deno.test("an exchange is over when the call returns", async () => {
  const peer = new Worker(`data:text/javascript,${encodeURIComponent(PEER)}`, { type: "module" });
  const io = new WorkerIo({ config: new Config(), log: new Log() });
  try {
    const port = await new Promise<number>((resolve) => {
      peer.onmessage = (event) => resolve(event.data);
    });
    assertEquals(io.connect(1, "127.0.0.1", port, 60_000), "connected");
    assertEquals(io.exchange(1, [latin1("request")], 2, 60_000), {
      end: "done",
      isTimeout: false,
      acknowledged: Uint8Array.of(1, 0),
      firstError: "ERR no",
    });
    // The peer answers once.
    const { end, isTimeout } = io.exchange(1, [latin1("request")], 1, 60_000);
    assertEquals([end, isTimeout], ["read failed", false]);
    assertEquals(io.exchange(1, [latin1("request")], 1, 60_000).end, "write failed");
    assertEquals(io.connect(2, "127.0.0.1", port, 60_000), "connected");
    io.close(2);
    // What is started again knows nothing of the sockets that were.
    io.stop();
    assertEquals(io.exchange(2, [latin1("request")], 1, 60_000).end, "write failed");
    assertEquals(io.connect(3, "127.0.0.1", freePort(), 60_000), "refused");
  } finally {
    io.stop();
    peer.terminate();
  }
});
