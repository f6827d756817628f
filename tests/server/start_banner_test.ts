/** What the log says at the start. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Log } from "../../src/base/log.ts";
import { Config } from "../../src/config/config.ts";
import { announceOpen, greet, warnIfExposed } from "../../src/server/start_banner.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

function recorder(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const log = new Log();
  log.warning = log.notice = (message) => void lines.push(message);
  return { log, lines };
}

Deno.test("the banner tells version, pid, port, and where the configuration came from", () => {
  const { log, lines } = recorder();
  const config = new Config();
  greet(config, false, log);
  assertStringIncludes(lines[0], "compatible with Redis 7.4.2");
  assertStringIncludes(lines[0], `pid=${Deno.pid}`);
  assertEquals(lines[1], "No configuration file is named: all parameters have their defaults.");
  assertEquals(lines.length, 3);
  greet(config, true, log);
  assertEquals(lines[4], "Configuration loaded");
  config.configFile = "/etc/redeno.conf";
  greet(config, true, log);
  assertEquals(lines[7], "Configuration loaded from /etc/redeno.conf");
  announceOpen({ config, log });
  assertEquals(lines.slice(9), ["Running mode=standalone, port=6379.", "Server initialized"]);
});

Deno.test("the banner tells where data goes and what of it is kept", () => {
  const said = (...directives: [string, ...string[]][]) => {
    const { log, lines } = recorder();
    const config = new Config();
    config.dir = "/srv/data";
    for (const [name, ...words] of directives) config.setAtStart(name, words);
    greet(config, false, log);
    return lines[2];
  };
  const points = "save 900 1 300 10 60 10000";
  assertEquals(
    said(),
    `Data in /srv/data: snapshots in dump.rdb (${points}), no append only file`,
  );
  assertEquals(
    said(["save", ""]),
    "Data in /srv/data: nothing is saved by itself ('save' is empty and 'appendonly' is no)",
  );
  assertEquals(
    said(["save", ""], ["appendonly", "yes"], ["appendfsync", "always"]),
    "Data in /srv/data: no save points, every write in appendonlydir (appendfsync always)",
  );
});

Deno.test("always-show-logo prints a picture with port and pid, if the log level allows", () => {
  const { log, lines } = recorder();
  const raw: string[] = [];
  log.raw = (text) => void raw.push(text);
  const config = new Config();
  config.setAtStart("always-show-logo", ["yes"]);
  config.setAtStart("port", ["6400"]);
  greet(config, true, log);
  assertEquals(raw, [], "tools that read the process id there connect at once");
  announceOpen({ config, log });
  assertEquals(lines.some((line) => line.includes("Running mode")), false);
  assertEquals(raw.length, 1);
  for (const text of ["Redeno 0.1.0", "7.4.2", " Running in standalone mode\n", " Port: 6400\n"]) {
    assertStringIncludes(raw[0], text);
  }
  assertStringIncludes(raw[0], ` PID: ${Deno.pid}\n`);
  log.level = "warning";
  announceOpen({ config, log });
  assertEquals(raw.length, 1);
});

Deno.test("the banner names each setting that has no effect", () => {
  const { log, lines } = recorder();
  const config = new Config();
  config.setAtStart("daemonize", ["yes"]);
  greet(config, true, log);
  assertStringIncludes(lines[2], "The setting 'daemonize' has no effect here: ");
});

Deno.test("the log warns of a public address without a password, and only then", () => {
  using server = new EmbeddedServer();
  const { config } = server.server;
  const lines: string[] = [];
  server.server.log.warning = (message) => void lines.push(message);
  const warned = (settings: Record<string, string>) => {
    for (const [name, value] of Object.entries(settings)) config.setMany([[name, value]]);
    lines.length = 0;
    warnIfExposed(server.server);
    return lines.length > 0;
  };
  assertEquals(warned({}), false);
  assertEquals(warned({ "protected-mode": "no" }), true);
  assertStringIncludes(lines[0], "accepted at * ::*:");
  assertEquals(warned({ requirepass: "secret" }), false);
  assertEquals(warned({ requirepass: "" }), true);
  config.bind = ["127.0.0.1", "-::1"];
  assertEquals(warned({}), false);
  config.bind = ["127.0.0.1", "192.0.2.1"];
  assertEquals(warned({}), true);
  assertStringIncludes(lines[0], "accepted at 192.0.2.1:");
});
