/** FUNCTION and FCALL; tests/differential/scripts_test.ts has more. */
import { assertEquals } from "@std/assert";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import { Crc64 } from "../../src/persistence/crc64.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import type { RespError } from "../support/resp_reply.ts";

const LIBRARY = "#!lua name=lib\nredis.register_function{function_name='f',callback=" +
  "function(keys,args) return {keys[1],args[1]} end,flags={'no-writes'},description='d'}";

Deno.test("a function gets keys and arguments", () => {
  using server = new EmbeddedServer();
  assertEquals(server.run("FUNCTION", "LOAD", LIBRARY), "lib");
  assertEquals(server.run("FCALL", "f", "1", "key", "arg"), ["key", "arg"]);
  // The first element is nil, which ends the list.
  assertEquals(server.run("FCALL_RO", "F", "0", "arg"), []);
});

Deno.test("the list tells all of a library", () => {
  using server = new EmbeddedServer();
  server.run("FUNCTION", "LOAD", LIBRARY);
  const functions = [["name", "f", "description", "d", "flags", ["no-writes"]]];
  const fields = ["library_name", "lib", "engine", "LUA", "functions", functions];
  assertEquals(server.run("FUNCTION", "LIST"), [fields]);
  assertEquals(server.run("FUNCTION", "LIST", "LIBRARYNAME", "L?B", "WITHCODE"), [
    [...fields, "library_code", LIBRARY],
  ]);
  assertEquals(server.run("FUNCTION", "LIST", "LIBRARYNAME", "x"), []);
});

Deno.test("what was dumped can be restored, and is sound or refused", () => {
  using server = new EmbeddedServer();
  server.run("FUNCTION", "LOAD", LIBRARY);
  const reply = server.raw("FUNCTION", "DUMP");
  const payload = latin1Bytes(reply.slice(reply.indexOf("\r\n") + 2, -2));
  server.run("FUNCTION", "FLUSH");
  assertEquals(server.run("FUNCTION", "RESTORE", payload), "OK");
  const again = server.run("FUNCTION", "RESTORE", payload) as RespError;
  assertEquals(again.message, "ERR Library lib already exists");
  assertEquals(server.run("FUNCTION", "RESTORE", payload, "REPLACE"), "OK");
  server.run("FUNCTION", "FLUSH");
  const empty = server.raw("FUNCTION", "DUMP");
  assertEquals(empty, "$10\r\n\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda\r\n");
  payload[5]! ^= 1;
  const damaged = server.run("FUNCTION", "RESTORE", payload) as RespError;
  assertEquals(damaged.message, "ERR DUMP payload version or checksum are wrong");
});

Deno.test("libraries from a later version are recorded as this server packs them", () => {
  using server = new EmbeddedServer();
  const effects = new RecordedEffects(server);
  server.run("FUNCTION", "LOAD", LIBRARY);
  const reply = server.raw("FUNCTION", "DUMP");
  const ours = latin1Bytes(reply.slice(reply.indexOf("\r\n") + 2, -2));
  effects.takeLog();
  for (const policy of [[], ["APPEND"], ["REPLACE"], ["FLUSH"]]) {
    for (const version of [9, 10, 12]) {
      const given = ours.slice();
      given[given.length - 10] = version;
      const crc = new Crc64();
      crc.update(given, 0, given.length - 8);
      crc.store(given, given.length - 8);
      server.run("FUNCTION", "FLUSH");
      effects.takeLog();
      assertEquals(server.run("FUNCTION", "RESTORE", given, ...policy), "OK");
      const recorded = version <= 10 ? given : ours;
      const words = ["FUNCTION", "RESTORE", latin1Text(recorded, 0, recorded.length), ...policy];
      assertEquals(effects.takeLog(), [words.join(" ")]);
    }
  }
});

Deno.test("a value's payload is none of functions", () => {
  using server = new EmbeddedServer();
  server.run("SET", "k", "v");
  const reply = server.raw("DUMP", "k");
  const payload = latin1Bytes(reply.slice(reply.indexOf("\r\n") + 2, -2));
  const refused = server.run("FUNCTION", "RESTORE", payload) as RespError;
  assertEquals(refused.message, "ERR given type is not a function");
});
