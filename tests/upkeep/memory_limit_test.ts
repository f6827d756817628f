/** What counts as used memory, and when room is made. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("used are data, buffers of clients, the tracking table, and the buffer of the AOF", () => {
  using server = new EmbeddedServer();
  const { memoryLimit, arena, clientMemory, tracking, persistence } = server.server;
  server.run("SET", "key", "x".repeat(1000));
  const parts = arena.usedBytes + clientMemory.totalBytes + tracking.tableBytes;
  assertEquals(memoryLimit.usedBytes, parts + persistence.aof.writer.bufferedBytes);
  assertEquals(memoryLimit.countedBytes(), parts);
});

Deno.test("room is made only for maxmemory, and not while the data set must stand still", () => {
  using server = new EmbeddedServer([["maxmemory-policy", "allkeys-random"]]);
  const { memoryLimit, keyspace, config } = server.server;
  for (let index = 0; index < 10; index++) server.run("SET", `key${index}`, "x".repeat(1000));
  assertEquals([memoryLimit.freeMemoryIfNeeded(), server.run("DBSIZE")], [true, 10]);
  config.maxmemory = 1;
  keyspace.isPaused = true;
  assertEquals([memoryLimit.freeMemoryIfNeeded(), server.run("DBSIZE")], [true, 10]);
  keyspace.isPaused = false;
  // Whoever asks for anything while data are loaded, be it in vain, has memory looked at.
  keyspace.isLoading = true;
  server.run("PING");
  server.run("CONFIG", "SET", "maxmemory", "1");
  server.server.turn.end();
  assertEquals([memoryLimit.freeMemoryIfNeeded(), server.run("DBSIZE")], [true, 10]);
  keyspace.isLoading = false;
  memoryLimit.freeMemoryIfNeeded();
  assertEquals(server.run("DBSIZE"), 0);
});
