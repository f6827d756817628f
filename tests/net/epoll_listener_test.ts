/** Epoll listener: where it listens, what its clients' sockets have, and accepts that fail. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  EpollListener,
  listenInet,
  listenUnixSocket,
  portOfSocket,
} from "../../src/net/epoll_listener.ts";
import { openLibc } from "../../src/net/libc.ts";
import { RespClient } from "../support/resp_client.ts";
import { freePort, startServer } from "../support/server_process.ts";
import { fromUtf8, until } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";

testWith(
  ["epoll"],
  "an address in use, or of another machine, is refused as by the runtime",
  () => {
    const libc = openLibc()!;
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const listen = (address: string, port = 0) => listenInet(libc, { address, port, backlog: 8 });
    assertThrows(() => listen("127.0.0.1", taken.addr.port), Deno.errors.AddrInUse, "in use");
    assertThrows(() => listen("192.0.2.1"), Deno.errors.AddrNotAvailable, "(os error 99)");
    assertEquals(listen("localhost"), null);
    const path = "x".repeat(200);
    assertThrows(() => listenUnixSocket(libc, path, 8), TypeError, "too long");
    const fd = listen("127.0.0.1")!;
    assert(portOfSocket(libc, fd) > 0);
    libc.close(fd);
  },
);

testWith(
  ["epoll", "linux"],
  "clients are probed as tcp-keepalive says, when they come",
  async () => {
    await using server = await startServer({ args: ["--transport", "epoll"] });
    using first = await server.connect();
    await first.expect("CONFIG", "SET", "tcp-keepalive", "0");
    using second = await server.connect();
    await second.expect("PING");
    // The kernel's table of TCP sockets: the server's end of each, its timer being 2 for probes.
    const timerOf = ({ connection }: RespClient) => {
      const peer = connection.localAddr.port.toString(16).toUpperCase().padStart(4, "0");
      const own = server.port.toString(16).toUpperCase().padStart(4, "0");
      const line = Deno.readTextFileSync("/proc/net/tcp").split("\n")
        .find((text) => text.includes(`:${own} 0100007F:${peer} `))!;
      return line.trim().split(/\s+/)[5]!.split(":")[0];
    };
    assertEquals([timerOf(first), timerOf(second)], ["02", "00"]);
  },
);

testWith(["epoll"], "unix sockets, names and IPv6 are served; addresses are shown", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/à.sock`;
  const port = freePort();
  const args = ["--transport", "epoll", "--unixsocket", path, "--unixsocketperm", "700"];
  await using server = await startServer({ args: [...args, "--bind", "localhost -::1"], port });
  assertEquals(Deno.statSync(path).mode! & 0o777, 0o700);
  const unix = await Deno.connect({ transport: "unix", path });
  await unix.write(new TextEncoder().encode("CLIENT INFO\r\n"));
  const bytes = new Uint8Array(1024);
  const info = fromUtf8(bytes.subarray(0, (await unix.read(bytes))!));
  assert(info.includes(` addr=${path}:0 laddr=${path}:0 `) && info.includes(" flags=U "), info);
  unix.close();
  using client = await server.connect();
  const { port: own } = client.connection.localAddr;
  const line = String(await client.call("CLIENT", "INFO"));
  assert(line.includes(` addr=127.0.0.1:${own} laddr=127.0.0.1:${port} `), line);
  const next = freePort();
  await client.expect("CONFIG", "SET", "port", String(next));
  using moved = await RespClient.connect(next);
  assertEquals(await moved.call("PING"), "PONG");
  assertEquals(await client.call("PING"), "PONG");
  await client.send("SHUTDOWN", "NOSAVE");
  await server.ended();
  assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);
  await Deno.remove(directory, { recursive: true });
});

testWith(
  ["epoll", "linux"],
  "when files run out it is told once, and clients come in later",
  async () => {
    await using server = await startServer({ args: ["--transport", "epoll"] });
    using observer = await server.connect();
    await observer.expect("PING");
    const open = [...Deno.readDirSync(`/proc/${server.pid}/fd`)].length;
    const limit = await new Deno.Command("prlimit", {
      args: ["--pid", String(server.pid), `--nofile=${open + 4}`],
    }).output();
    assert(limit.success);
    const clients: RespClient[] = [];
    for (let count = 0; count < 8; count++) clients.push(await RespClient.connect(server.port));
    const lines = () => server.log.split("\n").filter((line) => line.includes("Error accepting"));
    await until("it is told", () => lines().length > 0);
    assert(lines()[0]!.includes("Too many open files"), server.log);
    assertEquals(await observer.call("PING"), "PONG");
    for (const client of clients.splice(0, 4)) client.close();
    const replies = await Promise.all(clients.map((client) => client.call("PING")));
    assertEquals(replies, ["PONG", "PONG", "PONG", "PONG"]);
    assertEquals(lines().length, 1);
    for (const client of clients) client.close();
  },
);

testWith(["epoll"], "connections that are reset before they are accepted do no harm", async () => {
  const libc = openLibc()!;
  const listener = listenInet(libc, { address: "127.0.0.1", port: 0, backlog: 64 })!;
  const port = portOfSocket(libc, listener);
  const welcomed: string[] = [];
  const door = {
    wasGone: () => {},
    failed: (reason: string) => welcomed.push(`failed: ${reason}`),
    welcome: (visitor: { isLocal: boolean; addresses: { peer: string } }) => {
      welcomed.push(`${visitor.isLocal} ${visitor.addresses.peer.split(":")[0]}`);
    },
  };
  const timers = { create: () => ({ start: () => {}, stop: () => {} }) };
  const loop = { libc, add: () => true, modify: () => {}, forget: () => {} };
  const options = { door, timers, keepaliveSeconds: () => 0, unixName: null };
  const under = new EpollListener(loop as never, listener, options as never);
  under.accept();
  for (let count = 0; count < 3; count++) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.close();
  }
  under.onEvents();
  assertEquals(welcomed, ["true 127.0.0.1", "true 127.0.0.1", "true 127.0.0.1"]);
  under.close();
});
