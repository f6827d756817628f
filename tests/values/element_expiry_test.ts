/** When the next element of a value expires, whatever its type and form. */
import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { nextExpiryOfKey } from "../../src/values/element_expiry.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

function nextOf({ server }: EmbeddedServer, key: string): number {
  const bytes = latin1Bytes(key);
  const entry = server.keyspace.databases[0].findRaw(bytes, 0, bytes.length);
  return nextExpiryOfKey(server.arena, entry);
}

Deno.test("values of all types and forms tell when their next element expires", () => {
  using server = new EmbeddedServer([["hash-max-listpack-entries", "2"]]);
  const requests = [
    ...[
      "SET string v",
      "SET number 5",
      "RPUSH list v",
      "SADD intset 1",
      "SADD set a",
      "ZADD z 1 a",
    ],
    ...["HSET plain f v", "HSET table f v g v h v", "XADD stream * f v"],
    ...["HSET small f v g v", "HSET large f v g v h v"],
    ...["HPEXPIREAT small 9000000000000 FIELDS 1 f", "HPEXPIREAT small 8000000000000 FIELDS 1 g"],
    ...["HPEXPIREAT large 9000000000000 FIELDS 1 h", "HPEXPIREAT large 9000000000001 FIELDS 1 f"],
  ];
  for (const request of requests) server.run(...request.split(" "));
  for (
    const key of ["string", "number", "list", "intset", "set", "z", "plain", "table", "stream"]
  ) {
    assertEquals(nextOf(server, key), -1, key);
  }
  assertEquals(nextOf(server, "small"), 8000000000000);
  assertEquals(nextOf(server, "large"), 9000000000000);
  server.run("HPERSIST", "small", "FIELDS", "2", "f", "g");
  assertEquals(nextOf(server, "small"), -1);
});
