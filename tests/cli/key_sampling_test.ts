/** Tests of src/cli/key_sampling.ts; interop/redeno_cli_test compares it with redis-cli. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CliConnection } from "../../src/cli/cli_connection.ts";
import { parseOptions } from "../../src/cli/cli_options.ts";
import { CliExit } from "../../src/cli/cli_output.ts";
import { findHotKeys, findLargeKeys, type Sampling, scanKeys } from "../../src/cli/key_sampling.ts";
import { EmbeddedListener } from "../support/embedded_listener.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedOutput } from "../support/recorded_output.ts";

async function sampled(
  server: EmbeddedServer,
  args: readonly string[],
  body: (sampling: Sampling) => Promise<void>,
  changes: Partial<Sampling> = {},
): Promise<RecordedOutput> {
  await using listener = new EmbeddedListener(server);
  const options = parseOptions(["-p", String(listener.port), ...args]);
  const connection = await CliConnection.open(options);
  const output = new RecordedOutput();
  try {
    await body({
      connection,
      output,
      options,
      isQuoted: false,
      isCancelled: () => false,
      ...changes,
    });
  } finally {
    connection.close();
  }
  return output;
}

function filled(directives: [string, string][] = []): EmbeddedServer {
  const server = new EmbeddedServer(directives);
  for (let i = 0; i < 300; i++) server.run("SET", `key:${i}`, "x".repeat(i));
  server.run("RPUSH", "list", 1, 2, 3);
  server.run("HSET", "hash\n", "a", 1);
  return server;
}

Deno.test("a scan lists every key once, those of a pattern only if there is one", async () => {
  using server = filled();
  const all = await sampled(server, [], scanKeys);
  assertEquals(new Set(all.printed.trimEnd().split("\n").filter((line) => line !== "")).size, 302);
  const some = await sampled(server, ["--pattern", "[hl]*", "--count", "1000"], scanKeys, {
    isQuoted: true,
  });
  assertEquals(some.printed.trimEnd().split("\n").sort(), ['"hash\\n"', '"list"']);
});

Deno.test("a survey finds the largest key of each type, and averages", async () => {
  using server = filled();
  const { printed } = await sampled(server, [], (sampling) => findLargeKeys(sampling, false));
  assertStringIncludes(printed, "\nSampled 302 keys in the keyspace!\n");
  assertStringIncludes(printed, `\nBiggest string found '"key:299"' has 299 bytes\n`);
  assertStringIncludes(printed, `\nBiggest   list found '"list"' has 3 items\n`);
  assertStringIncludes(printed, `\nBiggest   hash found '"hash\\n"' has 1 fields\n`);
  assertStringIncludes(
    printed,
    "\n300 strings with 44850 bytes (99.34% of keys, avg size 149.50)\n",
  );
  assertStringIncludes(printed, "\n0 zsets with 0 members (00.00% of keys, avg size 0.00)\n");
});

Deno.test("a survey of memory asks for it", async () => {
  using server = filled();
  const size = server.run("MEMORY", "USAGE", "list", "SAMPLES", 2);
  const { printed } = await sampled(
    server,
    ["--memkeys-samples", "2"],
    (sampling) => findLargeKeys(sampling, true),
  );
  assertStringIncludes(printed, `\nBiggest   list found '"list"' has ${size} bytes\n`);
});

Deno.test("a cancelled survey sums up what it has seen", async () => {
  using server = filled();
  const { printed } = await sampled(server, [], (sampling) => findLargeKeys(sampling, false), {
    isCancelled: () => true,
  });
  assert(/\n\[00\.00%\] Sampled \d+ keys in the keyspace!\n/.test(printed), printed);
});

Deno.test("the hottest keys are listed, the hottest first", async () => {
  using server = filled([["maxmemory-policy", "allkeys-lfu"], ["lfu-log-factor", "0"]]);
  for (let i = 0; i < 50; i++) server.run("GET", "key:7");
  for (let i = 0; i < 30; i++) server.run("GET", "key:8");
  const { printed } = await sampled(server, [], findHotKeys);
  const found = [...printed.matchAll(/hot key found with counter: (\d+)\tkeyname: (.*)/g)];
  assertEquals(found.length, 16);
  assertEquals(found.slice(0, 2).map((match) => match[2]), ['"key:7"', '"key:8"']);
});

Deno.test("hot keys without an LFU policy are refused by the server", async () => {
  using server = filled();
  const output = new RecordedOutput();
  const exit = await assertRejects(() => sampled(server, [], findHotKeys, { output }), CliExit);
  assertEquals(exit.code, 1);
  assertStringIncludes(output.errors, "Error: ERR An LFU maxmemory policy is not selected");
});
