/** What INFO and ROLE say of a master and its replicas. */
import { assertEquals, assertMatch } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("a replica is shown with its address, its state and how far it has come", () => {
  using server = new EmbeddedServer([["repl-diskless-sync-delay", "100"]]);
  const replica = server.connect();
  replica.run("REPLCONF", "listening-port", "7000", "ip-address", "host", "capa", "eof");
  assertMatch(String(server.run("INFO", "replication")), /connected_slaves:0\r\nmaster_failover/);
  replica.send("PSYNC", "?", "-1");
  const { replication } = server.server;
  const info = () => String(server.run("INFO", "replication"));
  assertMatch(info(), /slave0:ip=host,port=7000,state=wait_bgsave,offset=0,lag=0\r\n/);
  assertMatch(info(), /repl_backlog_active:1\r\n/);
  assertEquals(server.run("ROLE"), ["master", 0, []]);
  const [only] = replication.replicas;
  only.phase = "sendBulk";
  assertMatch(info(), /state=send_bulk/);
  only.phase = "online";
  replication.acknowledge(only, 7, null);
  assertMatch(info(), /state=online,offset=7,lag=0\r\n/);
  assertEquals(server.run("ROLE"), ["master", 0, [["host", "7000", "7"]]]);
  assertMatch(String(server.run("CLIENT", "LIST", "TYPE", "replica")), /flags=S /);
  assertEquals(server.run("CLIENT", "KILL", "TYPE", "slave"), 1);
  assertMatch(info(), /connected_slaves:0\r\n/);
});

Deno.test("good replicas are counted if a minimum is set", () => {
  using server = new EmbeddedServer([["min-replicas-to-write", "2"]]);
  assertMatch(String(server.run("INFO", "replication")), /min_slaves_good_slaves:0\r\n/);
  assertEquals(
    server.raw("SET", "a", "1"),
    "-NOREPLICAS Not enough good replicas to write.\r\n",
  );
  server.run("CONFIG", "SET", "min-replicas-max-lag", "0");
  assertEquals(server.run("SET", "a", "1"), "OK");
});
