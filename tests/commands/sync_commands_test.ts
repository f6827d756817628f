/** REPLCONF, PSYNC and SYNC: what is refused, what is taken note of; texts are redis-server's. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** A server whose transfers wait for others, so that none begins. */
function start(): EmbeddedServer {
  return new EmbeddedServer([["repl-diskless-sync-delay", "100"]]);
}

Deno.test("REPLCONF takes what it knows, and does not answer ACK", () => {
  using server = start();
  const answer = (...words: string[]) => server.raw("REPLCONF", ...words);
  assertEquals(answer("listening-port", "1", "ip-address", "x", "capa", "eof"), "+OK\r\n");
  assertEquals(answer("rdb-only", "1", "rdb-filter-only", "functions"), "+OK\r\n");
  assertEquals(answer("capa", "none-that-we-know", "version", "8.2.3"), "+OK\r\n");
  assertEquals([answer("ack", "x"), answer("getack", "*")], ["", ""]);
  assertEquals(answer("foo", "1"), "-ERR Unrecognized REPLCONF option: foo\r\n");
  assertEquals(answer("capa"), "-ERR syntax error\r\n");
  const tooLong =
    "-ERR REPLCONF ip-address provided by replica instance is too long: 256 bytes\r\n";
  assertEquals(answer("ip-address", "x".repeat(255)), "+OK\r\n");
  assertEquals(answer("ip-address", "x".repeat(256)), tooLong);
  assertEquals(
    answer("rdb-only", "2"),
    "-ERR value is out of range, value must between 0 and 1\r\n",
  );
  assertEquals(
    answer("rdb-filter-only", "keys"),
    "-ERR Unsupported rdb-filter-only option: keys\r\n",
  );
});

Deno.test("what cannot be served is refused before anything is changed", () => {
  using server = start();
  assertEquals(
    server.raw("PSYNC", "?", "x"),
    "-ERR value is not an integer or out of range\r\n",
  );
  assertEquals(
    server.raw("PSYNC", "id", "1", "FAILOVER"),
    "-ERR PSYNC FAILOVER can't be sent to a master.\r\n",
  );
  server.run("REPLCONF", "rdb-filter-only", "functions");
  assertEquals(server.raw("SYNC"), "-ERR Filtered replica requires EOF capability\r\n");
  const pending = server.connect();
  pending.send("PING");
  pending.send("SYNC");
  assertEquals(
    pending.takeRaw(),
    "+PONG\r\n-ERR SYNC and PSYNC are invalid with pending output\r\n",
  );
  server.server.replication.becomeReplica();
  assertEquals(
    server.raw("PSYNC", "?", "-1"),
    "-NOMASTERLINK Can't SYNC while not connected with my master\r\n",
  );
  assertEquals(server.server.replication.replicas.size, 0);
});

Deno.test("a replica that asks twice is not answered, nor is a client in MONITOR", () => {
  using server = start();
  const replica = server.connect();
  replica.run("REPLCONF", "capa", "eof");
  replica.send("PSYNC", "?", "-1");
  replica.send("SYNC");
  assertEquals(replica.takeRaw(), "");
  const monitor = server.connect();
  monitor.run("MONITOR");
  monitor.send("SYNC");
  assertEquals([monitor.takeRaw(), server.server.replication.replicas.size], ["", 1]);
});

Deno.test("a subscriber that becomes a replica is no subscriber any more", () => {
  using server = start();
  const client = server.connect();
  client.run("HELLO", "3");
  client.run("SUBSCRIBE", "channel");
  client.run("REPLCONF", "capa", "eof");
  client.send("PSYNC", "?", "-1");
  assertEquals(server.run("PUBLISH", "channel", "message"), 0);
  assertEquals(client.takeRaw(), "");
});

Deno.test("repl-disable-tcp-nodelay is for the sockets of replicas, from the next one on", () => {
  using server = start();
  const psync = () => {
    const client = server.connect();
    client.run("PING");
    client.send("PSYNC", "?", "-1");
    return client.isNoDelay;
  };
  assertEquals(psync(), true);
  assertEquals(server.run("CONFIG", "SET", "repl-disable-tcp-nodelay", "yes"), "OK");
  assertEquals(psync(), false);
  const id = /master_replid:(\w+)/.exec(String(server.run("INFO", "replication")))![1];
  const comesBack = server.connect();
  comesBack.send("PSYNC", id, "1");
  assertEquals(String(server.run("INFO", "stats")).includes("sync_partial_ok:1"), true);
  assertEquals(comesBack.isNoDelay, false);
  assertEquals(server.client.isNoDelay, true);
});
