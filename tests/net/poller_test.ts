/** Poller: epoll, seen with sockets of our own. */
import { assertEquals } from "@std/assert";
import { listenInet, portOfSocket } from "../../src/net/epoll_listener.ts";
import { type Libc, openLibc } from "../../src/net/libc.ts";
import { EPOLLIN, EPOLLOUT, isEpoll, Poller, PollEvents } from "../../src/net/poller.ts";
import { NativeSocket } from "../support/native_socket.ts";
import { testWith } from "../support/tool_availability.ts";

/** Runs `body` with a connection: the server's end by number, the client's as an object. */
function withConnection(body: (libc: Libc, fd: number, peer: NativeSocket) => void): void {
  const libc = openLibc()!;
  const listener = listenInet(libc, { address: "127.0.0.1", port: 0, backlog: 8 })!;
  using peer = new NativeSocket(portOfSocket(libc, listener));
  const fd = libc.accept4(listener, new Uint8Array(128), new Uint32Array([128]), 0);
  body(libc, fd, peer);
  libc.close(fd);
  libc.close(listener);
}

testWith(["epoll"], "what is ready is told with its descriptor and stamp, until it is read", () => {
  withConnection((libc, fd, peer) => {
    const poller = new Poller(libc);
    const events = new PollEvents(4);
    assertEquals(poller.add(fd, EPOLLIN, -7), true);
    assertEquals(poller.wait(events, 0), 0);
    peer.send("x");
    for (let round = 0; round < 2; round++) {
      assertEquals(poller.wait(events, 1000), 1);
      assertEquals([events.bits(0), events.descriptor(0), events.stamp(0)], [EPOLLIN, fd, -7]);
    }
    libc.recv(fd, new Uint8Array(8), 8, 0);
    assertEquals(poller.wait(events, 0), 0);
    poller.close();
  });
});

testWith(["epoll"], "several events stand side by side; what is watched for can be changed", () => {
  withConnection((libc, fd, peer) => {
    const poller = new Poller(libc);
    const events = new PollEvents(4);
    poller.add(fd, EPOLLOUT, 1);
    poller.add(peer.fd, EPOLLOUT, 2);
    assertEquals(poller.wait(events, 0), 2);
    const found = [0, 1].map((index) => [events.descriptor(index), events.stamp(index)]);
    assertEquals(
      found.sort(([a], [b]) => a - b),
      [[fd, 1], [peer.fd, 2]].sort(([a], [b]) => a - b),
    );
    poller.modify(fd, EPOLLIN, 3);
    assertEquals([poller.wait(events, 0), events.descriptor(0)], [1, peer.fd]);
    assertEquals(poller.remove(peer.fd), true);
    assertEquals(poller.wait(events, 0), 0);
    assertEquals(poller.add(-1, EPOLLIN, 0), false);
    poller.close();
  });
});

testWith(["epoll"], "an epoll is told from what is none", () => {
  withConnection((libc, fd, peer) => {
    const epoll = libc.epoll_create1(0);
    const isOne = [epoll, fd, 1_000_000].map((descriptor) => isEpoll(libc, descriptor, peer.fd));
    assertEquals(isOne, [true, false, false]);
    libc.close(epoll);
  });
});
