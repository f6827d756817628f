/** Runtime wake: the runtime and a loop that waits in epoll take turns. */
import { assert, assertEquals } from "@std/assert";
import { openLibc } from "../../src/net/libc.ts";
import { EPOLLIN, Poller, PollEvents } from "../../src/net/poller.ts";
import { RuntimeWake } from "../../src/net/runtime_wake.ts";
import { NativeSocket } from "../support/native_socket.ts";
import { testWith } from "../support/tool_availability.ts";

testWith(
  ["epoll"],
  "what comes for the runtime can be waited for, and is read in a yield",
  async () => {
    const libc = openLibc()!;
    const wake = await RuntimeWake.open(libc);
    const poller = new Poller(libc);
    const events = new PollEvents(4);
    poller.add(wake.descriptor, EPOLLIN, 0);
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using peer = new NativeSocket(listener.addr.port);
    const connection = await listener.accept();
    listener.close();
    const target = new Uint8Array(8);
    let received: number | null = -1;
    const reading = connection.read(target).then((count) => received = count);
    const yielded = () => new Promise<void>((resolve) => wake.yield(resolve));
    await yielded();
    assertEquals([received, poller.wait(events, 0)], [-1, 0]);
    // Nothing of the runtime runs between these two lines.
    peer.send("abc");
    assertEquals(poller.wait(events, 1000), 1);
    await yielded();
    assertEquals(received, 3);
    await reading;
    connection.close();
    poller.close();
    wake.close();
  },
);

testWith(["epoll"], "a yield lets a Worker's message through", async () => {
  const libc = openLibc()!;
  const wake = await RuntimeWake.open(libc);
  const poller = new Poller(libc);
  const events = new PollEvents(4);
  poller.add(wake.descriptor, EPOLLIN, 0);
  const source = "postMessage(0); onmessage = ({ data }) => postMessage(data + 1);";
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
    type: "module",
  });
  const answers: number[] = [];
  worker.onmessage = ({ data }) => answers.push(data);
  const yielded = () => new Promise<void>((resolve) => wake.yield(resolve));
  let missedCount = 0;
  for (let count = 1; count <= 20; count++) {
    while (answers.length < count) {
      await yielded();
      // Waits in epoll alone, as the loop does. A message that comes in the moment before wakes
      // nobody; that must be rare.
      if (answers.length < count && poller.wait(events, 500) === 0) missedCount++;
    }
    worker.postMessage(answers.at(-1)!);
  }
  assert(missedCount < 10, `${missedCount} messages of 20 have woken nobody`);
  assertEquals(answers, Array.from({ length: 20 }, (_, index) => index));
  worker.terminate();
  poller.close();
  wake.close();
});
