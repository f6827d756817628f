/** Listeners: where the server can be reached, and who is turned away at the door. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { utf8AsLatin1 } from "../../src/base/bytes.ts";
import type { Config } from "../../src/config/config.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { freePort, startServer } from "../support/server_process.ts";
import { fromLatin1, latin1, until } from "../support/text.ts";
import { missingReason, programVersion, testUnless } from "../support/tool_availability.ts";

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

/** A server that listens where the configuration says, silently. */
function listening(changes: Partial<Config>): EmbeddedServer {
  const server = new EmbeddedServer();
  const { listeners, config, log } = server.server;
  log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  Object.assign(config, { bind: ["127.0.0.1"] }, changes);
  listeners.open();
  listeners.accept();
  return server;
}

/** What a PING to this address is answered; "" if nobody listens there. */
async function pingAt(port: number, hostname = "127.0.0.1"): Promise<string> {
  try {
    using socket = await Deno.connect({ hostname, port });
    return await exchange(socket, "PING\r\n");
  } catch {
    return "";
  }
}

Deno.test("a port in use stops the start, even if the address is optional", async () => {
  using server = new EmbeddedServer();
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { listeners, config, log } = server.server;
  log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  config.port = taken.addr.port;
  for (const address of ["127.0.0.1", "-127.0.0.1"]) {
    config.bind = [address];
    assertThrows(() => listeners.open(), Error, `Failed listening on port ${config.port} (TCP)`);
  }
  taken.close();
  listeners.open();
  assertEquals(listeners.port, config.port);
  await server.server.close();
});

Deno.test("an address that this machine lacks may be optional, but one must be left", async () => {
  using server = new EmbeddedServer();
  const { listeners, config, log } = server.server;
  log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  config.port = freePort();
  config.bind = ["192.0.2.1"];
  assertThrows(() => listeners.open(), Error, `Failed listening on port ${config.port} (TCP)`);
  config.bind = ["-192.0.2.1"];
  assertThrows(() => listeners.open(), Error, "There is nothing to listen on");
  config.bind = ["-192.0.2.1", "127.0.0.1"];
  listeners.open();
  listeners.accept();
  assertEquals(await pingAt(config.port), "+PONG\r\n");
  await server.server.close();
});

Deno.test("CONFIG SET port moves the server; clients stay; a taken port changes nothing", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using server = listening({ port: freePort() });
  const { config } = server.server;
  const old = config.port;
  using before = await Deno.connect({ hostname: "127.0.0.1", port: old });
  const next = freePort();
  assertEquals(server.run("CONFIG", "SET", "port", String(next)), "OK");
  assertEquals(await pingAt(next), "+PONG\r\n");
  assertEquals(await exchange(before, "PING\r\n"), "+PONG\r\n");
  await until("the old port is closed", async () => await pingAt(old) === "");
  assertEquals(
    server.raw("CONFIG", "SET", "timeout", "77", "port", String(taken.addr.port)),
    "-ERR CONFIG SET failed (possibly related to argument 'port') - " +
      "Unable to listen on this port. Check server logs.\r\n",
  );
  assertEquals([config.port, config.timeout], [next, 0]);
  assertEquals(await pingAt(next), "+PONG\r\n");
  await server.server.close();
});

Deno.test("CONFIG SET bind goes from one address to all and back", async () => {
  using server = listening({ port: freePort() });
  const { config: { port } } = server.server;
  assertEquals(server.run("CONFIG", "SET", "bind", "* -::*"), "OK");
  await until("all addresses are served", async () => await pingAt(port, "127.0.0.2") !== "");
  assertEquals(await pingAt(port), "+PONG\r\n");
  assertEquals(server.run("CONFIG", "SET", "bind", "127.0.0.1"), "OK");
  await until("one address is served", async () => await pingAt(port) !== "");
  assertEquals(await pingAt(port, "127.0.0.2"), "");
  assertEquals(
    server.raw("CONFIG", "SET", "bind", "127.0.0.1 192.0.2.1"),
    "-ERR CONFIG SET failed (possibly related to argument 'bind') - " +
      "Failed to bind to specified addresses.\r\n",
  );
  assertEquals(await pingAt(port), "+PONG\r\n");
  // Two changes before the port is free: the later counts.
  assertEquals(server.run("CONFIG", "SET", "bind", "*"), "OK");
  assertEquals(server.run("CONFIG", "SET", "bind", "127.0.0.1"), "OK");
  await until("one address is served", async () => await pingAt(port) !== "");
  assertEquals(await pingAt(port, "127.0.0.2"), "");
  await server.server.close();
});

testUnless(missingReason("posix"), {
  name: "a unix socket takes the place of a stale file, has its mode, and serves",
  fn: async () => {
    using server = new EmbeddedServer();
    const directory = Deno.makeTempDirSync();
    const path = `${directory}/à Р.sock`;
    Deno.writeTextFileSync(path, "stale");
    const { listeners, config, log } = server.server;
    log.open("/dev/null");
    Object.assign(config, { port: 0, unixsocket: path, unixsocketperm: 0o700 });
    listeners.open();
    listeners.accept();
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o700);
    const socket = await Deno.connect({ transport: "unix", path });
    assertEquals(await exchange(socket, "PING\r\n"), "+PONG\r\n");
    assertStringIncludes(
      await exchange(socket, "CLIENT INFO\r\n"),
      ` addr=${utf8AsLatin1(path)}:0 `,
    );
    socket.close();
    await server.server.close();
    assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);
    Deno.removeSync(directory, { recursive: true });
  },
});

/** Connects so many times, and breaks each connection off before anybody can accept it. */
const RESETS = `
import socket, struct, sys
for _ in range(int(sys.argv[2])):
    client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
`;

for (const transport of ["runtime", "epoll"]) {
  const hindrance = missingReason(transport === "epoll" ? "epoll" : "linux") ??
    (programVersion("python3") === null ? "no Python" : null);
  testUnless(hindrance, {
    name: `${transport}: connections that are reset before they are accepted delay nobody, ` +
      "and blame no files",
    fn: async () => {
      const options = ["--transport", transport, "--loglevel", "verbose"];
      await using server = await startServer({ args: options });
      const args = ["-c", RESETS, String(server.port), "300"];
      assertEquals((await new Deno.Command("python3", { args }).output()).code, 0);
      using client = await server.connect();
      assertEquals(await client.call("PING"), "PONG");
      assertEquals(server.log.includes("ulimit"), false, server.log);
      // Of 300 some are always broken off in time; Linux itself accepts even these.
      const isTold = server.log.includes("was gone before it was accepted: ");
      assertEquals(isTold, transport === "runtime", server.log);
    },
  });
}
