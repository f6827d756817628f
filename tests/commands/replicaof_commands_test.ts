/** REPLICAOF, SLAVEOF and ROLE; the texts are redis-server's. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { FakeMaster, rdbOf, replicationId } from "../support/fake_master.ts";
import { settle, until } from "../support/text.ts";

/** Runs a test on a server that follows a fake master. */
async function withReplica(
  test: (server: EmbeddedServer, master: FakeMaster) => Promise<void>,
): Promise<void> {
  using master = new FakeMaster();
  const server = new EmbeddedServer([["repl-diskless-load", "on-empty-db"]]);
  try {
    server.server.log.level = "warning";
    await test(server, master);
  } finally {
    await settle();
    await server.server.close();
    server[Symbol.dispose]();
  }
}

Deno.test("a master says so, and stays one when told to be one", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("ROLE"), ["master", 0, []]);
  for (const name of ["REPLICAOF", "SLAVEOF"]) {
    assertEquals(server.run(name, "no", "ONE"), "OK");
    for (const port of ["x", "-1", "65536", ""]) {
      assertEquals(server.raw(name, "host", port), "-ERR Invalid master port\r\n");
    }
  }
  assertEquals(server.run("ROLE"), ["master", 0, []]);
});

Deno.test("a replica tells its master, the state of the link and its offset", async () => {
  await withReplica(async (server, master) => {
    const port = String(master.port);
    assertEquals(server.run("REPLICAOF", "127.0.0.1", port), "OK");
    assertEquals(server.run("ROLE"), ["slave", "127.0.0.1", master.port, "connecting", -1]);
    const conversation = await master.accept();
    await conversation.request();
    assertEquals(server.run("ROLE"), ["slave", "127.0.0.1", master.port, "handshake", -1]);
    await conversation.send("+PONG\r\n");
    await conversation.greet();
    await conversation.sendAll(rdbOf("SET a 1"), replicationId("a"), 42);
    const { masterLink } = server.server;
    await until("the replica is connected", () => masterLink.isConnected);
    assertEquals(server.run("ROLE"), ["slave", "127.0.0.1", master.port, "connected", 42]);
    assertEquals(
      server.raw("SLAVEOF", "127.0.0.1", port),
      "+OK Already connected to specified master\r\n",
    );
    assertEquals(server.run("CONFIG", "GET", "replicaof"), ["replicaof", `127.0.0.1 ${port}`]);
    assertEquals(server.run("REPLICAOF", "NO", "ONE"), "OK");
    assertEquals(server.run("ROLE"), ["master", 42, []]);
    assertEquals(server.run("CONFIG", "GET", "slaveof"), ["slaveof", ""]);
  });
});

Deno.test("a replica refuses what would change its data, in transactions and scripts, too", async () => {
  await withReplica(async (server, master) => {
    server.run("REPLICAOF", "127.0.0.1", String(master.port));
    const readOnly = "-READONLY You can't write against a read only replica.\r\n";
    assertEquals(server.raw("SET", "a", "1"), readOnly);
    assertEquals(server.run("MULTI"), "OK");
    assertEquals(server.raw("DEL", "a"), readOnly);
    assertEquals(server.raw("EXEC").startsWith("-EXECABORT"), true);
    const script = server.raw("EVAL", "return redis.call('SET', 'a', 1)", "0");
    assertEquals(script.startsWith("-READONLY You can't write against a read only"), true);
    const declared = server.raw("EVAL", "#!lua\nreturn 1", "0");
    assertEquals(declared, readOnly);
    assertEquals(server.raw("PUBLISH", "a", "b"), ":0\r\n");
    server.run("CONFIG", "SET", "replica-read-only", "no");
    assertEquals(server.run("SET", "a", "1"), "OK");
    await Promise.resolve();
  });
});

Deno.test("a replica without its master refuses to answer if it must not be stale", async () => {
  await withReplica(async (server, master) => {
    server.run("REPLICAOF", "127.0.0.1", String(master.port));
    server.run("CONFIG", "SET", "replica-serve-stale-data", "no");
    const down = "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to " +
      "'no'.\r\n";
    assertEquals(server.raw("GET", "a"), down);
    assertEquals(server.raw("EVAL", "return 1", "0"), down);
    assertEquals(server.raw("EVAL", "#!lua flags=allow-stale,no-writes\nreturn 1", "0"), ":1\r\n");
    const call = "#!lua flags=allow-stale,no-writes\nreturn redis.pcall('GET', KEYS[1])";
    assertEquals(
      server.raw("EVAL", call, "1", "a").startsWith(
        "-ERR Can not execute the command on a stale replica",
      ),
      true,
    );
    assertEquals(server.run("ROLE") instanceof Array, true);
    server.run("REPLICAOF", "NO", "ONE");
    assertEquals(server.run("GET", "a"), null);
    await Promise.resolve();
  });
});
