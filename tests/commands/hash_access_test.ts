/** What hash commands have in common: fields that have expired are missing to all of them. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import {
  expireArgument,
  expiryOfArgument,
  forEachVisible,
  hashForWrite,
  hashWithField,
  visibleCount,
} from "../../src/commands/hash_access.ts";
import { FIELD_EXPIRED, FIELD_LIVES, HASH_EXPIRED } from "../../src/keyspace/field_expiry.ts";
import { Argv } from "../../src/protocol/argv.ts";
import type { Client } from "../../src/session/client.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

const START_MS = 1_700_000_000_000;

/** A client whose command names key "h" and a field, and the hash that it names. */
function inCommand(server: EmbeddedServer, field: string): Client {
  const { client } = server.client;
  client.argv = Argv.of("COMMAND", "h", field);
  return client;
}

function entryOf({ db, argv }: Client): number {
  return db.findRaw(argv.bytes, argv.starts[1], argv.lengths[1]);
}

Deno.test("a field is found, or found expired, once; then it is gone, and last the hash", () => {
  clock.setTimeForTests(START_MS);
  try {
    using server = new EmbeddedServer();
    server.run("HSET", "h", "a", "1", "b", "2");
    server.run("HPEXPIREAT", "h", START_MS + 10, "FIELDS", 1, "a");
    server.run("HPEXPIREAT", "h", START_MS + 500, "FIELDS", 1, "b");
    let client = inCommand(server, "a");
    const entry = entryOf(client);
    assertEquals([hashWithField(client), hashForWrite(client)], [entry, entry]);
    assertEquals(expireArgument(client, entry, 2), FIELD_LIVES);
    assertEquals(expiryOfArgument(client, entry, 2), START_MS + 10);
    clock.advanceForTests(100);
    assertEquals(visibleCount(client.db, entry), 1);
    const seen: number[] = [];
    forEachVisible(client.db, entry, (_field, _bytes, expiryMs) => seen.push(expiryMs));
    assertEquals(seen, [START_MS + 500]);
    assertEquals(expireArgument(client, entry, 2), FIELD_EXPIRED);
    assertEquals(expireArgument(client, entry, 2), FIELD_LIVES);
    assertEquals(hashWithField(client), entry);
    clock.advanceForTests(1000);
    client = inCommand(server, "b");
    assertEquals(expireArgument(client, entry, 2), HASH_EXPIRED);
    assertEquals([hashWithField(client), hashForWrite(client)], [0, 0]);
    assertEquals(visibleCount(client.db, 0), 0);
  } finally {
    clock.useRealTime();
  }
});
