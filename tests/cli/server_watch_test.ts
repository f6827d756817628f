/** Tests of src/cli/server_watch.ts. */
import { assertEquals, assertMatch } from "@std/assert";
import { parseOptions } from "../../src/cli/cli_options.ts";
import { CliSession } from "../../src/cli/cli_session.ts";
import { infoField, statLine, watchLatency } from "../../src/cli/server_watch.ts";
import { EmbeddedListener } from "../support/embedded_listener.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedOutput } from "../support/recorded_output.ts";

const INFO = [
  "# Clients",
  "connected_clients:2",
  "blocked_clients:1",
  "used_memory:1048576",
  "loading:0",
  "rdb_bgsave_in_progress:1",
  "aof_rewrite_in_progress:1",
  "total_connections_received:12",
  "total_commands_processed:345",
  "db0:keys=5,expires=1,avg_ttl=0",
  "db3:keys=7,expires=0,avg_ttl=0",
  "",
].join("\r\n");

Deno.test("fields of INFO are found by their whole name", () => {
  assertEquals(infoField(INFO, "connected_clients"), 2);
  assertEquals(infoField(INFO, "db0:keys"), 5);
  assertEquals(infoField(INFO, "db0:expires"), 1);
  assertEquals([infoField(INFO, "clients"), infoField(INFO, "db0:nosuch")], [NaN, NaN]);
});

Deno.test("a line of figures has redis-cli's columns", () => {
  assertEquals(
    statLine(INFO, 300),
    "12         1.00M    2       1       345 (+45)           12          SAVE+AOF\n",
  );
  assertMatch(statLine(INFO, 0), / 345 \(\+0\) /);
});

Deno.test("the server's own INFO gives a line without gaps", () => {
  using server = new EmbeddedServer();
  server.run("SET", "a", 1);
  const line = statLine(String(server.run("INFO")), 0);
  assertMatch(line, /^1 {10}\d+\.\d\d[KMG] +\d+ +0 +\d+ \(\+0\) +\d+ +\n$/);
});

Deno.test("latency to a pipe is one line", async () => {
  using server = new EmbeddedServer();
  await using listener = new EmbeddedListener(server);
  const output = new RecordedOutput();
  const session = new CliSession(parseOptions(["-p", `${listener.port}`, "-i", "0.001"]), output);
  await session.connect();
  assertEquals(await watchLatency(session), 0);
  assertMatch(output.printed, /^\d+ \d+ \d+\.\d\d \d+\n$/);
  session.connection!.close();
});
