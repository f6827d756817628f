/** SREM, HDEL and ZREM: what they have in common, for each of the three types. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { RespError } from "../support/resp_reply.ts";

const FAMILIES = [
  { add: ["SADD", "key", "a", "b", "c"], remove: "SREM", count: "SCARD" },
  { add: ["HSET", "key", "a", "1", "b", "2", "c", "3"], remove: "HDEL", count: "HLEN" },
  { add: ["ZADD", "key", "1", "a", "2", "b", "3", "c"], remove: "ZREM", count: "ZCARD" },
];

for (const { add, remove, count } of FAMILIES) {
  Deno.test(`${remove} counts what was there, and the last member takes the key with it`, () => {
    using server = new EmbeddedServer();
    server.run(...add);
    const dirty = server.server.keyspace.dirty;
    assertEquals(server.run(remove, "key", "b", "nosuch", "b", "a"), 2);
    assertEquals(server.server.keyspace.dirty - dirty, 2);
    assertEquals(server.run(count, "key"), 1);
    assertEquals(server.run(remove, "key", "nosuch"), 0);
    assertEquals(server.run(remove, "key", "c", "c"), 1);
    assertEquals(server.run("EXISTS", "key"), 0);
    assertEquals(server.run(remove, "key", "c"), 0);
  });

  Deno.test(`${remove} refuses a key of another type`, () => {
    using server = new EmbeddedServer();
    server.run("SET", "text", "x");
    assertEquals((server.run(remove, "text", "x") as RespError).code, "WRONGTYPE");
  });
}
