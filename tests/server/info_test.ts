/**
 * INFO's parts: which sections words ask for, and sizes for people. The text: info_command_test.ts.
 */
import { assertEquals } from "@std/assert";
import { infoText, sectionsFor } from "../../src/server/info.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("words of INFO add up", () => {
  assertEquals([...sectionsFor(["cpu", "memory"])], ["cpu", "memory"]);
  assertEquals(sectionsFor([]).has("commandstats"), false);
  assertEquals(sectionsFor(["commandstats", "default"]).size, sectionsFor([]).size + 1);
  assertEquals([...sectionsFor(["module_list"])], ["modules"]);
});

Deno.test("paths with other letters than Latin ones come as UTF-8", () => {
  using server = new EmbeddedServer();
  server.server.config.configFile = "/дом/redis.conf";
  const text = infoText(server.server, sectionsFor(["server"]));
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  assertEquals(new TextDecoder().decode(bytes).includes("config_file:/дом/redis.conf\r\n"), true);
});
