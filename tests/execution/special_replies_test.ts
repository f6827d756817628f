/** Replies that are not simply sent. */
import { assertEquals } from "@std/assert";
import { REDIS_CLOSE_NOW } from "../../src/session/client.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("CLIENT REPLY drops replies: all, or the next one", () => {
  using server = new EmbeddedServer();
  server.client.send("CLIENT", "REPLY", "SKIP");
  server.client.send("PING");
  assertEquals(server.client.takeRaw(), "");
  server.client.send("CLIENT", "REPLY", "OFF");
  server.client.send("PING");
  assertEquals(server.client.takeRaw(), "");
  assertEquals(server.raw("CLIENT", "REPLY", "ON"), "+OK\r\n");
});

Deno.test("a replica is sent no reply, and is let go if there would be one", () => {
  for (const words of [["PING"], ["GET", "a"], ["nosuch"]]) {
    using server = new EmbeddedServer([["repl-diskless-sync-delay", "100"]]);
    server.server.log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
    const replica = server.connect();
    replica.run("REPLCONF", "capa", "eof");
    replica.send("PSYNC", "?", "-1");
    replica.send("REPLCONF", "ACK", "1");
    assertEquals(replica.client.has(REDIS_CLOSE_NOW), false);
    replica.send(...words);
    assertEquals([replica.takeRaw(), replica.client.has(REDIS_CLOSE_NOW)], ["", true]);
  }
});
