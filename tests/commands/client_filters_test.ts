/**
 * Filters of CLIENT LIST and CLIENT KILL: whom they choose, alone, together and turned round.
 * Errors are those of valkey-server 9.1.2.
 */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

/** Filters, and which of the clients a, b, c they choose. */
const CHOICES: readonly [filters: string, chosen: string][] = [
  ["NAME a", "a"],
  ["NOT-NAME a", "bc"],
  ["name b NAME a", ""],
  ["DB 3", "b"],
  ["NOT-DB 3", "ac"],
  ["DB 3 NOT-NAME b", ""],
  ["LIB-NAME lib", "a"],
  ["LIB-VER 1.0", "a"],
  ["NOT-LIB-NAME lib NOT-DB 3", "c"],
  ["TYPE pubsub", "c"],
  ["NOT-TYPE pubsub", "ab"],
  ["FLAGS P", "c"],
  ["FLAGS Px", ""],
  ["NOT-FLAGS P", "ab"],
  ["USER bob", "b"],
  ["NOT-USER bob", "ac"],
  ["IP 127.0.0.1", "abc"],
  ["NOT-IP 127.0.0.1", ""],
  ["ADDR 127.0.0.1:50000", "abc"],
  ["NOT-LADDR 127.0.0.1:6379", ""],
  ["IDLE 50", "ac"],
  ["IDLE 50 MAXAGE 100", "ac"],
  ["MAXAGE 101", ""],
  ["CAPA r", ""],
  ["NOT-CAPA r", "abc"],
];

Deno.test("CLIENT LIST and CLIENT KILL choose by any filters together", () => {
  clock.setTimeForTests(1_700_000_000_000);
  try {
    for (const [filters, chosen] of CHOICES) {
      using server = new EmbeddedServer();
      server.run("ACL", "SETUSER", "bob", "on", "nopass", "+@all", "~*", "&*");
      const [a, b, c] = [server.connect(), server.connect(), server.connect()];
      a.run("CLIENT", "SETNAME", "a");
      a.run("CLIENT", "SETINFO", "LIB-NAME", "lib");
      a.run("CLIENT", "SETINFO", "LIB-VER", "1.0");
      c.run("CLIENT", "SETNAME", "c");
      c.run("SUBSCRIBE", "channel");
      clock.advanceForTests(100_000);
      b.run("AUTH", "bob", "x");
      b.run("CLIENT", "SETNAME", "b");
      b.run("SELECT", "3");
      const words = filters.split(" ");
      const list = server.run("CLIENT", "LIST", ...words, "SKIPME", "YES") as string;
      const names = [...list.matchAll(/ name=(\w)/g)].map((match) => match[1]).join("");
      assertEquals(names, chosen, filters);
      assertEquals(server.run("CLIENT", "KILL", ...words), chosen.length, filters);
      assertEquals([a, b, c].filter((one) => one.isClosed).length, chosen.length, filters);
    }
  } finally {
    clock.useRealTime();
  }
});

Deno.test("ID takes several numbers, for CLIENT KILL from 7.2 on", () => {
  using older = new EmbeddedServer();
  assertEquals(older.raw("CLIENT", "KILL", "ID", "987654", "0x10"), "-ERR syntax error\r\n");
  assertEquals(older.raw("CLIENT", "KILL", "ID", "987654", "987655"), "-ERR syntax error\r\n");
  using server = new EmbeddedServer([["redis-version", "7.2"]]);
  const [a, b, c] = [server.connect(), server.connect(), server.connect()];
  const ids = [a, b, c].map(({ client }) => String(client.id));
  assertEquals(server.run("CLIENT", "KILL", "ID", ids[0], ids[1], "TYPE", "normal"), 2);
  assertEquals(server.run("CLIENT", "KILL", "NOT-ID", "987654", "ID", ids[2]), 1);
  assertEquals([a, b, c].map((one) => one.isClosed), [true, true, true]);
});

const ERRORS: readonly [filters: string, error: string][] = [
  ["DB x", "DB is not an integer or out of range"],
  ["DB 16", "DB number should be between 0 and 15"],
  ["DB -1", "DB number should be between 0 and 15"],
  ["IDLE 0", "idle should be greater than 0"],
  ["MAXAGE x", "maxage is not an integer or out of range"],
  ["FLAGS ?", "Unknown flags found in the provided filter: ?"],
  ["CAPA x", "Unknown capa found in the provided filter: x"],
  ["NOT-USER nobody", "No such user 'nobody'"],
  ["TYPE nothing", "Unknown client type 'nothing'"],
  ["NOT-MAXAGE 1", "syntax error"],
  ["NOT-IDLE 1", "syntax error"],
  ["NOT-SKIPME yes", "syntax error"],
  ["SKIPME maybe", "syntax error"],
  ["NAME", "syntax error"],
  ["constructor 1", "syntax error"],
];

Deno.test("filters that make no sense are refused", () => {
  using server = new EmbeddedServer();
  for (const [filters, error] of ERRORS) {
    const words = filters.split(" ");
    assertEquals(server.raw("CLIENT", "LIST", ...words), `-ERR ${error}\r\n`, filters);
  }
  assertEquals(server.run("CLIENT", "LIST", "ID", "987654", "0", "-1"), "");
  assertEquals(server.raw("CLIENT", "LIST", "ID", "x"), "-ERR Invalid client ID\r\n");
  assertEquals(server.raw("CLIENT", "LIST", "ID", "1", "x"), "-ERR Invalid client ID\r\n");
  assertEquals(
    server.raw("CLIENT", "KILL", "ID", "0"),
    "-ERR client-id should be greater than 0\r\n",
  );
});
