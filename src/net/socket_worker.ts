/**
 * Socket worker: the entry of the Worker whose sockets the main thread waits for; see
 * socket_work.ts. It is started by the first MIGRATE, and ends when no socket is left.
 */
import { type SocketJob, SocketWork } from "./socket_work.ts";
import { connectTls } from "./tls_client.ts";

/** The global scope of a Worker, as far as it is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<SocketJob>) => void) | null;
}

const scope = globalThis as unknown as WorkerScope;
const work = new SocketWork(async (hostname, port, tls) => {
  if (tls !== null) return await connectTls(tls, hostname, port);
  const socket = await Deno.connect({ hostname, port });
  socket.setNoDelay(true);
  return socket;
});

scope.onmessage = (event) => {
  work.handle(event.data);
};
