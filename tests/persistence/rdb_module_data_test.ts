/** Parts of a file that belong to modules: passed over if they are empty, else refused by name. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { RdbUnreadableError } from "../../src/persistence/rdb_format.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { latin1 } from "../support/text.ts";
import { loadFromBytes } from "./keyspace_contents.ts";

/** "ReJSON-RL", and version 3 of its format. */
const ID = "\x81\x45\xe2\x52\x38\xdf\x91\x2c\x03";
const KEY = "\x00\x01k\x01v";
const END = `\xff${"\0".repeat(8)}`;

function refusal(file: string): string {
  using server = new EmbeddedServer();
  const error = assertThrows(() => loadFromBytes(server, latin1(file)));
  assert(error instanceof RdbUnreadableError, String(error));
  return error.reason;
}

Deno.test("empty data of a module before and behind the keys do not keep a file from loading", () => {
  using server = new EmbeddedServer();
  const before = `\xf7${ID}\x02\x01\x00`;
  const behind = `\xf7${ID}\x02\x02\x00`;
  const noMetadata = "\xf3\x00";
  const bytes = latin1(`REDIS0013${before}${noMetadata}${KEY}${behind}${END}`);
  assertEquals(loadFromBytes(server, bytes).keyCount, 1);
  assertEquals(server.run("GET", "k"), "v");
});

Deno.test("what modules have written is refused with their name, before anything is lost", () => {
  const aux = `REDIS0012${KEY}\xf7${ID}\x02\x02\x05\x03abc\x00${END}`;
  assertEquals(refusal(aux), 'the file holds data of module "ReJSON-RL"');
  assertStringIncludes(
    refusal(`REDIS0012\x07\x03doc${ID}\x05\x01x\x00${END}`),
    'key "doc" has type module (7) with the name "ReJSON-RL"',
  );
  assertEquals(
    refusal(`REDIS0013\xf3\x01\x04\x03\x02\x01\x05\x01x\x00${KEY}${END}`),
    "the file holds data of class 01020304 that modules keep with keys (243)",
  );
});

Deno.test("to Valkey the same opcode is a slot that was being moved", () => {
  assertStringIncludes(refusal(`VALKEY080\xf3\x00${KEY}${END}`), "a slot that was being moved");
});
