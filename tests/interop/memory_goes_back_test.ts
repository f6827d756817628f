/** Memory that is not used any more goes back to the system, of a process as it is started. */
import { assertEquals } from "@std/assert";
import { anonymousBytes } from "../support/process_stat.ts";
import type { RespClient } from "../support/resp_client.ts";
import { startServer } from "../support/server_process.ts";
import { until } from "../support/text.ts";

const MIB = 1024 * 1024;
const VALUE_BYTES = 100_000;
const KEYS = 1600;

async function fillKeys(client: RespClient): Promise<void> {
  const value = "v".repeat(VALUE_BYTES);
  for (let key = 0; key < KEYS; key++) await client.expect("SET", `key:${key}`, value);
}

// The second has no native code: there the garbage collector must do it.
for (const task of ["start", "start:sandboxed"]) {
  Deno.test(`what nine deleted keys in ten took goes back (deno task ${task})`, async () => {
    await using server = await startServer({ target: "redeno", task });
    using client = await server.connect();
    await fillKeys(client);
    const full = anonymousBytes(server.pid);
    for (let key = 0; key < KEYS; key++) {
      if (key % 10 !== 0) await client.expect("DEL", `key:${key}`);
    }
    // Of 160 MB 144 are deleted; what is left of the rest is not told to the megabyte.
    await until("memory to go back", () => anonymousBytes(server.pid) < full - 90 * MIB, 120_000);
    assertEquals(await client.call("STRLEN", "key:10"), VALUE_BYTES);
  });
}
