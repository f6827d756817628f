/** Listeners: where the server can be reached, and who is turned away at the door. */
import { assertEquals, assertThrows } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

async function exchange(socket: Deno.Conn, text: string): Promise<string> {
  if (text !== "") await socket.write(latin1(text));
  const target = new Uint8Array(4096);
  const count = await socket.read(target);
  return count === null ? "" : fromLatin1(target.subarray(0, count));
}

Deno.test("clients beyond maxclients are told so and closed", async () => {
  using server = new EmbeddedServer();
  const { listeners, config, statistics } = server.server;
  listeners.openAnyPort();
  listeners.accept();
  // One is the test's own client.
  config.maxclients = 2;
  const address = { hostname: "127.0.0.1", port: listeners.port };
  const first = await Deno.connect(address);
  assertEquals(await exchange(first, "PING\r\n"), "+PONG\r\n");
  const second = await Deno.connect(address);
  assertEquals(await exchange(second, ""), "-ERR max number of clients reached\r\n");
  assertEquals([await exchange(second, ""), statistics.connectionsRejected], ["", 1]);
  first.close();
  second.close();
  await server.server.close();
});

Deno.test("a port in use stops the start, unless the address is optional", async () => {
  using server = new EmbeddedServer();
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { listeners, config, log } = server.server;
  log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  config.port = taken.addr.port;
  config.bind = ["127.0.0.1"];
  assertThrows(() => listeners.open(), Error, `Failed listening on port ${config.port} (TCP)`);
  config.bind = ["-127.0.0.1"];
  assertThrows(() => listeners.open(), Error, "Configured to not listen anywhere");
  taken.close();
  listeners.open();
  assertEquals(listeners.port, config.port);
  await server.server.close();
});

Deno.test({
  name: "a unix socket takes the place of a stale file, has its mode, and serves",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    using server = new EmbeddedServer();
    const directory = Deno.makeTempDirSync();
    const path = `${directory}/redis.sock`;
    Deno.writeTextFileSync(path, "stale");
    const { listeners, config } = server.server;
    Object.assign(config, { port: 0, unixsocket: path, unixsocketperm: 0o700 });
    listeners.open();
    listeners.accept();
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o700);
    const socket = await Deno.connect({ transport: "unix", path });
    assertEquals(await exchange(socket, "PING\r\n"), "+PONG\r\n");
    socket.close();
    await server.server.close();
    Deno.removeSync(directory, { recursive: true });
  },
});
