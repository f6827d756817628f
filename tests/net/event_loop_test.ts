/** Event loop: clients, deadlines and the runtime are served in turn, also within a command. */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { nextRound } from "../../src/base/timers.ts";
import { listenInet, portOfSocket } from "../../src/net/epoll_listener.ts";
import { EventLoop } from "../../src/net/event_loop.ts";
import { EPOLLIN } from "../../src/net/poller.ts";
import { EpollServer } from "../support/epoll_server.ts";
import { NativeSocket } from "../support/native_socket.ts";
import { RespClient } from "../support/resp_client.ts";
import { startServer } from "../support/server_process.ts";
import { fromLatin1, until } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";

testWith(["epoll"], "clients of the runtime and of epoll are served side by side", async () => {
  await using server = await EpollServer.start();
  const socket = await server.connect();
  // This client's own end is the runtime's.
  using client = await RespClient.connect(server.port);
  for (let round = 0; round < 20; round++) {
    assertEquals(await server.exchange(socket, "INCR a\r\n"), `:${2 * round + 1}\r\n`);
    assertEquals(await client.call("INCR", "a"), 2 * round + 2);
  }
});

testWith(["epoll"], "deadlines are kept while nothing else happens", async () => {
  await using server = await EpollServer.start();
  const socket = await server.connect();
  assertEquals(await server.exchange(socket, "BLPOP a 0.05\r\n"), "*-1\r\n");
  using client = await RespClient.connect(server.port);
  assertEquals(await client.call("BLPOP", "a", "0.05"), null);
});

testWith(
  ["epoll"],
  "what waits for a settled promise runs before the loop waits again",
  async () => {
    await using server = await EpollServer.start();
    const { eventLoop: loop } = server;
    const { libc } = loop;
    const order: string[] = [];
    const wait = libc.epoll_wait;
    const spied = (...args: Parameters<typeof wait>) => {
      order.push("wait");
      return wait(...args);
    };
    Object.assign(libc, { epoll_wait: spied });
    const fd = libc.eventfd(1, 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    loop.add(fd, EPOLLIN, {
      onEvents() {
        libc.read(fd, new Uint8Array(8), 8);
        order.length = 0;
        resolve();
        loop.settle();
      },
    });
    // Several hops, as in the writer of the AOF.
    await promise.then(() => {}).then(() => {}).then(() => {}).then(() => {});
    order.push("settled");
    libc.close(fd);
    loop.forget(fd);
    assertEquals(order, ["settled"]);
  },
);

testWith(["epoll"], "others are served from inside of a running command", async () => {
  await using server = await EpollServer.start();
  const running = await server.connect();
  const other = await server.connect();
  const heard: (string | null)[] = [];
  server.inside = ({ argv, host }) => {
    other.send("ECHO x\r\nSET a 1\r\n");
    assertEquals(host.sockets.pollOnce(), true);
    heard.push(other.receive(), argv.text(1));
    using late = new NativeSocket(server.port);
    late.send("PING\r\n");
    // One round accepts it, the next reads.
    host.sockets.pollOnce();
    host.sockets.pollOnce();
    heard.push(late.receive(), argv.text(1));
  };
  const replies = await server.exchange(running, "PING\r\nINSIDE word\r\nPING\r\n");
  assertEquals(replies, "+PONG\r\n+OK\r\n+PONG\r\n");
  assertEquals(heard, ["$1\r\nx\r\n+OK\r\n", "word", "+PONG\r\n", "word"]);
  assertEquals(await server.exchange(other, "GET a\r\n"), "$1\r\n1\r\n");
});

testWith(["epoll"], "whose command is running is left alone until it is over", async () => {
  await using server = await EpollServer.start();
  const running = await server.connect();
  const other = await server.connect();
  const heard: (string | null)[] = [];
  server.inside = (client) => {
    client.reply.simple("begun");
    running.send("ECHO later\r\n");
    other.send(`CLIENT KILL ID ${client.id}\r\n`);
    client.host.sockets.pollOnce();
    heard.push(other.receive(), running.receive());
    assertEquals(client.host.clients.has(client.id), true);
  };
  running.send("INSIDE\r\n");
  assertEquals(await server.receive(running), null);
  assertEquals(heard, [":1\r\n", ""]);
});

testWith(
  ["epoll"],
  "polling does not nest, and a command served within another may be slow",
  async () => {
    await using server = await EpollServer.start();
    const running = await server.connect();
    const other = await server.connect();
    const third = await server.connect();
    let depth = 0;
    server.inside = ({ host }) => {
      if (++depth === 1) other.send("INSIDE\r\n");
      else third.send("PING\r\n");
      host.sockets.pollOnce();
      assertEquals(third.receive(), "");
    };
    assertEquals(await server.exchange(running, "INSIDE\r\n"), "+OK\r\n");
    assertEquals(await server.receive(other), "+OK\r\n");
    assertEquals(await server.receive(third), "+PONG\r\n");
    assertEquals(depth, 2);
  },
);

testWith(
  ["epoll"],
  "within a command no reply leaves before the AOF has what it needs",
  async () => {
    await using server = await EpollServer.start();
    const { persistence } = server.server;
    const running = await server.connect();
    const other = await server.connect();
    const seen: unknown[] = [];
    let isDurable = false;
    server.inside = ({ host }) => {
      // Durable it is at the end of the turn, and at the second time that it is asked for.
      persistence.beforeReplies = () => {
        seen.push(other.receive());
        return isDurable;
      };
      other.send("PING\r\n");
      host.sockets.pollOnce();
      seen.push(other.receive());
      isDurable = true;
      host.sockets.pollOnce();
      seen.push(other.receive());
    };
    running.send("INSIDE\r\n");
    assertEquals(await server.receive(running), "+OK\r\n");
    assertEquals(seen.slice(0, 4), ["", "", "", "+PONG\r\n"]);
  },
);

testWith(["epoll"], "replies go out before the runtime has its turn", async () => {
  await using server = await EpollServer.start();
  const running = await server.connect();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using peer = new NativeSocket(listener.addr.port);
  const connection = await listener.accept();
  listener.close();
  const reading = connection.read(new Uint8Array(8));
  // The runtime must have begun to wait for it.
  await nextRound();
  await nextRound();
  const { libc } = server.eventLoop;
  const { send } = libc;
  const sent: string[] = [];
  server.inside = ({ host }) => {
    const recorded: typeof send = (fd, bytes, length, flags) => {
      sent.push(fromLatin1((bytes as Uint8Array).subarray(0, Number(length))));
      return send(fd, bytes, length, flags);
    };
    // In the round of this command the loop hears that the runtime has something to do.
    peer.send("x");
    Object.assign(libc, { send: recorded });
    host.sockets.pollOnce();
  };
  assertEquals(await server.exchange(running, "INSIDE\r\n"), "+OK\r\n");
  assertEquals(await reading, 1);
  Object.assign(libc, { send });
  // The byte is what hands over.
  assertEquals(sent.slice(0, 2), ["+OK\r\n", "\0"]);
  connection.close();
});

testWith(["epoll"], "the running command keeps its time, and others have theirs", async () => {
  await using server = await EpollServer.start([["slowlog-log-slower-than", "20000"]]);
  const running = await server.connect();
  const other = await server.connect();
  server.inside = ({ host }) => {
    clock.advanceForTests(30);
    other.send("ECHO quick\r\n");
    host.sockets.pollOnce();
  };
  await server.exchange(running, "INSIDE\r\n");
  clock.useRealTime();
  assertEquals(await server.receive(other), "$5\r\nquick\r\n");
  const slow = (await server.exchange(other, "SLOWLOG GET\r\n"))!;
  assertEquals([slow.includes("INSIDE"), slow.includes("ECHO")], [true, false]);
});

testWith(
  ["epoll"],
  "an event of a socket that was closed is not taken for the next one's",
  async () => {
    const loop = (await EventLoop.open())!;
    const { libc } = loop;
    const listener = listenInet(libc, { address: "127.0.0.1", port: 0, backlog: 8 })!;
    using first = new NativeSocket(portOfSocket(libc, listener));
    using second = new NativeSocket(portOfSocket(libc, listener));
    const accept = () => libc.accept4(listener, new Uint8Array(128), new Uint32Array([128]), 0);
    const fds = [accept(), accept()];
    const others: number[] = [];
    const told: string[] = [];
    // Whoever is told first closes the other, and a new socket gets that one's number.
    for (const [index, fd] of fds.entries()) {
      const victim = fds[1 - index]!;
      const onEvents = () => {
        told.push("one");
        loop.forget(victim);
        libc.close(victim);
        do others.push(libc.socket(2, 1, 0)); while (others.at(-1) !== victim);
        loop.add(victim, EPOLLIN, { onEvents: () => told.push("new") });
      };
      loop.add(fd, EPOLLIN, { onEvents });
    }
    first.send("x");
    second.send("x");
    loop.pollOnce();
    assertEquals(told, ["one"]);
    for (const fd of [...others, ...fds, listener]) libc.close(fd);
    loop.close();
  },
);

testWith(["epoll", "linux"], "SIGTERM ends a server that waits, and one that is busy", async () => {
  for (const isBusy of [false, true]) {
    await using server = await startServer({ args: ["--transport", "epoll"] });
    using client = await server.connect();
    let isOver = false;
    const load = async () => {
      while (isBusy && !isOver) await client.call("PING").catch(() => isOver = true);
    };
    const loading = load();
    assertEquals(await server.stop(), 0);
    isOver = true;
    await loading;
  }
});

testWith(["epoll", "linux"], "a server without clients does next to nothing", async () => {
  await using server = await startServer({ args: ["--transport", "epoll"] });
  using client = await server.connect();
  const waits = () => {
    const text = Deno.readTextFileSync(`/proc/${server.pid}/status`);
    return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(text)![1]);
  };
  const before = waits();
  const uptime = async () =>
    Number(/server_time_usec:(\d+)/.exec(String(await client.call("INFO", "server")))![1]);
  const begun = await uptime();
  await until("a second has passed", async () => await uptime() - begun > 1_000_000);
  // Ten rounds of cron a second, some waits each, and our fifty questions with as many.
  assert(waits() - before < 1500, "the loop does not rest");
});

testWith(["epoll"], "a mistake of ours within the loop reaches the handler of errors", async () => {
  const support = new URL("../support/epoll_server.ts", import.meta.url).href;
  const program = `
    import { EpollServer } from "${support}";
    globalThis.addEventListener("error", (event) => {
      event.preventDefault();
      Deno.stdout.writeSync(new TextEncoder().encode("heard: " + event.error.message));
      Deno.exit(3);
    });
    const server = await EpollServer.start();
    server.inside = () => {
      throw new Error("a mistake");
    };
    const socket = await server.connect();
    socket.send("INSIDE\\r\\n");
    await server.receive(socket);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { code, stdout } = await child.output();
  assertEquals([code, new TextDecoder().decode(stdout)], [3, "heard: a mistake"]);
});
