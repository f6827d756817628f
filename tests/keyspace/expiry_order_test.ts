/** The order of keys whose elements expire: in step with the values, whatever befalls keys. */
import { assertEquals } from "@std/assert";
import { latin1Text, Slice } from "../../src/base/bytes.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

const FAR_MS = 9_000_000_000_000;

/** The key whose next field expires first in a database, and how many are in order. */
function orderOf({ server }: EmbeddedServer, database = 0): [string, number] {
  const { expiryOrder } = server.keyspace.databases[database];
  if (expiryOrder.first === 0) return ["", expiryOrder.count];
  const view = new Slice();
  dictEntry.readKey(server.arena, expiryOrder.first, view);
  return [latin1Text(view.bytes, view.start, view.length), expiryOrder.count];
}

function run(server: EmbeddedServer, ...requests: string[]): void {
  for (const request of requests) server.run(...request.split(" "));
}

Deno.test("a database without such keys has no order, and pays nothing", () => {
  using server = new EmbeddedServer();
  run(server, "HSET h a 1", "SET s v", "HEXPIRE s 10 FIELDS 1 a", "HEXPIRE h 10 FIELDS 1 b");
  const { expiryOrder } = server.server.keyspace.databases[0];
  assertEquals([expiryOrder.count, expiryOrder.memoryBytes, expiryOrder.first], [0, 0, 0]);
  assertEquals(expiryOrder.isDue(Infinity), false);
});

Deno.test("keys stand in the order of the field that expires next", () => {
  using server = new EmbeddedServer([["hash-max-listpack-entries", "2"]]);
  run(server, "HSET one a 1 b 2 c 3", "HSET two a 1 b 2");
  run(server, `HPEXPIREAT one ${FAR_MS + 5} FIELDS 1 a`, `HPEXPIREAT two ${FAR_MS + 9} FIELDS 1 b`);
  assertEquals(orderOf(server), ["one", 2]);
  const { expiryOrder } = server.server.keyspace.databases[0];
  assertEquals([expiryOrder.isDue(FAR_MS + 5), expiryOrder.isDue(FAR_MS + 6)], [false, true]);
  run(server, `HPEXPIREAT two ${FAR_MS} FIELDS 1 a`);
  assertEquals(orderOf(server), ["two", 2]);
  run(server, "HSET two a 1");
  assertEquals(orderOf(server), ["one", 2]);
  run(server, "HDEL one a");
  assertEquals(orderOf(server), ["two", 1]);
  run(server, "HPERSIST two FIELDS 1 b");
  assertEquals(orderOf(server), ["", 0]);
});

Deno.test("keys that are renamed, copied, moved, swapped, overwritten or deleted keep it right", () => {
  using server = new EmbeddedServer();
  const expiring = (key: string, ms: number) =>
    run(server, `HSETEX ${key} PXAT ${FAR_MS + ms} FIELDS 1 a 1`);
  expiring("a", 1);
  expiring("b", 2);
  run(server, "RENAME a c");
  assertEquals(orderOf(server), ["c", 2]);
  run(server, "COPY c d", "DEL c");
  assertEquals(orderOf(server), ["d", 2]);
  run(server, `PEXPIREAT d ${FAR_MS * 2}`, "PERSIST d", `PEXPIREAT d ${FAR_MS * 2}`);
  assertEquals(orderOf(server), ["d", 2]);
  run(server, "MOVE d 1");
  assertEquals([orderOf(server), orderOf(server, 1)], [["b", 1], ["d", 1]]);
  run(server, "SWAPDB 0 1");
  assertEquals([orderOf(server), orderOf(server, 1)], [["d", 1], ["b", 1]]);
  run(server, "SET d v");
  assertEquals(orderOf(server), ["", 0]);
  expiring("e", 3);
  run(server, "SADD s x", "SINTERSTORE e s");
  assertEquals(orderOf(server), ["", 0]);
  expiring("f", 4);
  run(server, "FLUSHALL");
  server.reclaim();
  assertEquals([orderOf(server), orderOf(server, 1)], [["", 0], ["", 0]]);
  using empty = new EmbeddedServer();
  assertEquals(server.server.arena.usedBytes, empty.server.arena.usedBytes);
});
