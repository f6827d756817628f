/** The digests of values and of the data set, which are those of redis-server 7.0.15. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { datasetDigest, hexText } from "../../src/keyspace/dataset_digest.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** What DEBUG DIGEST-VALUE of redis-server 7.0.15 says. */
const VALUE_DIGESTS: readonly (readonly [key: string, digest: string])[] = [
  ["foo", "68467c70ae30376e7ce005bcc8827f5ba7fd67dc"],
  ["n", "e1cf90774e995ae03de66e8109dc5cb9d9c2dc83"],
  ["e", "311b17018163335616e089f6b951c82c477335ac"],
  ["l", "2e5713240e9acaa5ee128eae29523af73cec363e"],
  ["s", "2a462a3f51a1db89738ebbeef0c47ce1bbc85246"],
  ["s2", "593c2414786d75446e97f4ea5d4b731f3313da72"],
  ["z", "9d39228d864cfc67e57ff8533701b214e1e7d814"],
  ["h", "d127864ed50239662bf61bafc9bda63c17da5b37"],
  ["big", "55a4367b1b3e70f2939925d8969ac9300ce4ca00"],
  ["nosuch", "0000000000000000000000000000000000000000"],
];

function fill(server: EmbeddedServer): void {
  server.run("SET", "foo", "bar");
  server.run("SET", "n", "12345");
  server.run("SETEX", "e", "100000", "v");
  server.run("RPUSH", "l", "a", "b", "c", "17");
  server.run("SADD", "s", "1", "2", "3");
  server.run("SADD", "s2", "a", "b", "c");
  server.run("ZADD", "z", "1", "a", "1.1", "b", "-inf", "c", "inf", "d", "1e20", "e");
  server.run("HSET", "h", "f", "v", "g", "w");
  server.run("SELECT", "3");
  server.run("SET", "x", "y");
  server.run("SELECT", "0");
}

for (const threshold of ["0", "512"]) {
  Deno.test(`digests equal Redis's with listpack limits of ${threshold}`, () => {
    using server = new EmbeddedServer([
      ["enable-debug-command", "yes"],
      ["hash-max-listpack-entries", threshold],
      ["zset-max-listpack-entries", threshold],
      ["set-max-intset-entries", threshold],
    ]);
    fill(server);
    assertEquals(server.run("DEBUG", "DIGEST"), "965ced1eb0c5003f833151fe3b388e7da7113eed");
    server.run("SETRANGE", "big", "50000", "x");
    const keys = VALUE_DIGESTS.map(([key]) => key);
    const expected = VALUE_DIGESTS.map(([, digest]) => digest);
    assertEquals(server.run("DEBUG", "DIGEST-VALUE", ...keys), expected);
  });
}

Deno.test("the digest of a data set does not depend on the order of its making", () => {
  using one = new EmbeddedServer();
  using other = new EmbeddedServer();
  const digestOf = (server: EmbeddedServer) => hexText(datasetDigest(server.server.keyspace));
  assertEquals(digestOf(one), "0".repeat(40));
  for (let index = 0; index < 100; index++) one.run("SET", `key:${index}`, index);
  for (let index = 99; index >= 0; index--) other.run("SET", `key:${index}`, index);
  assertEquals(digestOf(one), digestOf(other));
  other.run("APPEND", "key:50", "0");
  assertNotEquals(digestOf(one), digestOf(other));
});
