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

Deno.test("from 7.2 on the turns of the event loop are told, with what commands took of them", async () => {
  const fieldsOf = (server: EmbeddedServer) =>
    new Map(
      String(server.run("INFO", "stats")).split("\r\n").filter((line) => line.includes("eventloop"))
        .map((line) => line.split(":") as [string, string]),
    );
  using old = new EmbeddedServer();
  assertEquals(fieldsOf(old).size, 0);
  using server = new EmbeddedServer([["redis-version", "7.2"]]);
  for (let turn = 0; turn < 3; turn++) {
    server.run("PING");
    server.run("SORT", "none");
    // The end of the turn is a microtask.
    await Promise.resolve();
  }
  const fields = fieldsOf(server);
  assertEquals([...fields.keys()], [
    "eventloop_cycles",
    "eventloop_duration_sum",
    "eventloop_duration_cmd_sum",
    "instantaneous_eventloop_cycles_per_sec",
    "instantaneous_eventloop_duration_usec",
  ]);
  assertEquals(fields.get("eventloop_cycles"), "3");
  const [total, commands] = ["sum", "cmd_sum"].map((name) =>
    fields.get(`eventloop_duration_${name}`)
  );
  assertEquals(Number(total) >= Number(commands), true);
  server.run("CONFIG", "RESETSTAT");
  assertEquals(fieldsOf(server).get("eventloop_cycles"), "0");
});
