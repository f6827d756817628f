/** Transport: which carrier is chosen, and what is said of it. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Config } from "../../src/config/config.ts";
import { openTransport } from "../../src/net/transport.ts";
import { runToEnd, startServer } from "../support/server_process.ts";
import { missingReason, testWith } from "../support/tool_availability.ts";

function configFor(transport: string): Config {
  const config = new Config();
  assertEquals(config.setAtStart("transport", [transport]), null);
  return config;
}

Deno.test("the runtime's sockets are used if the configuration says so", async () => {
  const { eventLoop, text } = await openTransport(configFor("runtime"));
  assertEquals([eventLoop, text], [null, "the runtime's sockets, as 'transport' says"]);
});

Deno.test({
  name: "without the permission auto is the runtime, and epoll an error",
  permissions: { ffi: false, net: true },
  fn: async () => {
    const { eventLoop, text } = await openTransport(configFor("auto"));
    assertEquals(eventLoop, null);
    assertStringIncludes(text, "the runtime's sockets: epoll needs Linux");
    await assertRejects(
      () => openTransport(configFor("epoll")),
      Error,
      "'transport' is epoll, but",
    );
  },
});

Deno.test({
  name: "if the self-test fails, the reason is told",
  // The loop needs a connection with itself.
  permissions: { ffi: "inherit", net: false },
  fn: async () => {
    const { eventLoop, text } = await openTransport(configFor("auto"));
    assertEquals(eventLoop, null);
    const reason = missingReason("epoll") === null
      ? "epoll does not work here: the runtime may not connect to 127.0.0.1"
      : "epoll needs Linux";
    assertStringIncludes(text, `the runtime's sockets: ${reason}`);
  },
});

testWith(["epoll"], "where it can be had, auto is epoll; INFO and the log tell", async () => {
  await using server = await startServer({ args: ["--transport", "auto"] });
  using client = await server.connect();
  assertStringIncludes(String(await client.call("INFO", "server")), "multiplexing_api:epoll\r\n");
  assertStringIncludes(server.log, "Clients are carried by epoll\n");
  assertEquals(await client.call("CONFIG", "GET", "transport"), ["transport", "auto"]);
});

Deno.test("a server on the runtime's sockets says so", async () => {
  await using server = await startServer({ args: ["--transport", "runtime"] });
  using client = await server.connect();
  assertStringIncludes(String(await client.call("INFO", "server")), "multiplexing_api:deno\r\n");
  assertStringIncludes(server.log, "Clients are carried by the runtime's sockets");
});

Deno.test("the documented start without native code serves", async () => {
  await using server = await startServer({ task: "start:sandboxed" });
  using client = await server.connect();
  assertEquals(await client.call("PING"), "PONG");
  assertStringIncludes(
    server.log,
    "Clients are carried by the runtime's sockets: epoll needs Linux",
  );
  const { code, output } = await runToEnd(
    "redeno",
    ["--transport", "epoll"],
    "",
    "start:sandboxed",
  );
  assertEquals(code, 1);
  assertStringIncludes(output, "The server cannot start: 'transport' is epoll, but epoll needs");
});
