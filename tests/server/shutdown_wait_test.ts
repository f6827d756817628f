/** SHUTDOWN with replicas: it waits for them, for a while. */
import { assertEquals, assertMatch } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { settle } from "../support/text.ts";

/** A server with a replica that lacks the last write. */
function scene(...directives: [string, string][]) {
  const codes: number[] = [];
  const exit = ((code: number) => void codes.push(code)) as (code: number) => never;
  const server = new EmbeddedServer([["repl-diskless-sync-delay", "100"], ...directives], { exit });
  server.server.log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  const client = server.connect();
  client.run("REPLCONF", "listening-port", "7000", "capa", "eof");
  client.send("PSYNC", "?", "-1");
  const { replication } = server.server;
  const [replica] = replication.replicas;
  replica.phase = "online";
  server.run("SET", "key", "1");
  return { server, codes, replica, replication };
}

const FAILED = "-ERR Errors trying to SHUTDOWN. Check logs.\r\n";

Deno.test("the process ends when the replicas have all data, and writers wait meanwhile", () => {
  const { server, codes, replica, replication } = scene();
  using _ = server;
  assertEquals(String(server.run("INFO", "server")).includes("shutdown_in"), false);
  const asking = server.connect();
  asking.send("SHUTDOWN");
  const writer = server.connect();
  writer.send("SET", "key", "2");
  server.server.process.tick(clock.nowMs());
  assertEquals([codes, asking.takeRaw(), writer.takeRaw()], [[], "", ""]);
  assertMatch(String(server.run("INFO", "server")), /^shutdown_in_milliseconds:[1-9]\d*\r$/m);
  replication.acknowledge(replica, replication.state.offset, null);
  server.server.process.tick(clock.nowMs());
  assertEquals([codes, asking.takeRaw(), writer.takeRaw()], [[0], "", ""]);
});

Deno.test("when shutdown-timeout is over, it ends all the same", () => {
  const { server, codes } = scene(["shutdown-timeout", "5"]);
  using _ = server;
  const beforeMs = clock.nowMs();
  server.connect().send("SHUTDOWN");
  server.server.process.tick(beforeMs + 4_999);
  assertEquals(codes, []);
  server.server.process.tick(clock.nowMs() + 5_000);
  assertEquals(codes, [0]);
});

Deno.test("NOW does not wait, nor does a timeout of 0", () => {
  for (const [words, timeout] of [[["NOW"], "10"], [[], "0"]] as const) {
    const { server, codes } = scene(["shutdown-timeout", timeout]);
    using _ = server;
    server.raw("SHUTDOWN", ...words);
    assertEquals(codes, [0]);
  }
});

Deno.test("ABORT lets the server go on, and tells those who have asked", async () => {
  const { server, codes } = scene();
  using _ = server;
  const asking = [server.connect(), server.connect()];
  for (const client of asking) client.send("SHUTDOWN");
  const writer = server.connect();
  writer.send("SET", "key", "2");
  assertEquals(server.run("SHUTDOWN", "ABORT"), "OK");
  await settle();
  assertEquals(asking.map((client) => client.takeRaw()), [FAILED, FAILED]);
  assertEquals([writer.takeRaw(), codes], ["+OK\r\n", []]);
  assertMatch(server.raw("SHUTDOWN", "ABORT"), /No shutdown in progress/);
});

Deno.test("a failover comes first if that is configured", () => {
  const { server, codes, replica, replication } = scene(["shutdown-hands-over", "yes"]);
  using _ = server;
  const { masterLink, process } = server.server;
  // Nothing answers there: what is looked at is who is asked to take over.
  const followed: string[] = [];
  masterLink.follow = ({ host, port }) => void followed.push(`${host}:${port}`);
  server.connect().send("SHUTDOWN");
  assertEquals(replication.failover.state, "waiting-for-sync");
  replication.acknowledge(replica, replication.state.offset, null);
  replication.tick(clock.nowMs());
  assertEquals([followed, codes], [["127.0.0.1:7000"], []]);
  process.tick(clock.nowMs());
  assertEquals(codes, []);
  replication.failover.succeeded();
  process.tick(clock.nowMs());
  assertEquals(codes, [0]);
});
