/**
 * Fill, delete, fill again with values of another size: memory does not grow from round to round,
 * in what the server counts and in what the kernel sees. Prints a table of both.
 *
 * 8 MiB of values by default; REDENO_STRESS=full fills 64 MiB, in more rounds.
 */

import { assert } from "@std/assert";
import { encodeRequests, type RespClient } from "../support/resp_client.ts";
import { startServer } from "../support/server_process.ts";
import { until } from "../support/text.ts";
import { printLine } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";
import { IS_FULL, MEGABYTE, memoryNow } from "./stress_support.ts";

const FILL_BYTES = (IS_FULL ? 64 : 8) * MEGABYTE;
const ROUNDS = IS_FULL ? 4 : 3;
const VALUE_BYTES = [8, 100, 1_000, 10_000, 100_000];
/** What a key costs beside its value, roughly. */
const KEY_BYTES = 40;
const PIPELINE_BYTES = MEGABYTE;
/** Growth after the second round that is no leak: caches and compiled code. */
const SLACK_BYTES = 24 * MEGABYTE;

async function inPipelines(
  client: RespClient,
  count: number,
  requestBytes: number,
  request: (index: number) => (string | number)[],
): Promise<void> {
  const size = Math.max(1, Math.min(1000, Math.floor(PIPELINE_BYTES / requestBytes)));
  for (let start = 0; start < count; start += size) {
    const requests = Array.from({ length: Math.min(size, count - start) }, (_, offset) => {
      return request(start + offset);
    });
    await client.exchangeBytes(encodeRequests(requests), requests.length);
  }
}

testWith(
  ["linux"],
  "memory does not grow from one cycle of filling and deleting to the next",
  async () => {
    await using server = await startServer();
    using client = await server.connect();
    const start = await memoryNow(server, client);
    const residents: number[] = [];
    printLine("round  value bytes  keys     used full   used empty  RSS full    RSS empty  (MiB)");
    for (let round = 0; round < ROUNDS; round++) {
      let largest = 0;
      for (const valueBytes of VALUE_BYTES) {
        const count = Math.floor(FILL_BYTES / (valueBytes + KEY_BYTES));
        const value = "v".repeat(valueBytes);
        const name = (index: number) => `cycle:${valueBytes}:${index}`;
        await inPipelines(client, count, valueBytes + 60, (index) => ["SET", name(index), value]);
        const full = await memoryNow(server, client);
        await inPipelines(client, count, 40, (index) => ["DEL", name(index)]);
        const slack = start.used + 2 * MEGABYTE;
        await until("used_memory comes back", async () => {
          return (await memoryNow(server, client)).used < slack;
        }, 20_000);
        // What V8 has not collected yet is no growth.
        await client.expect("MEMORY", "PURGE");
        const empty = await memoryNow(server, client);
        largest = Math.max(largest, empty.resident);
        const cells = [full.used, empty.used, full.resident, empty.resident].map((bytes) => {
          return (bytes / MEGABYTE).toFixed(1).padStart(10);
        });
        const head = [String(round).padStart(5), String(valueBytes).padStart(11)];
        printLine([...head, String(count).padStart(8), ...cells].join("  "));
      }
      residents.push(largest);
    }
    const growth = Math.max(...residents.slice(2)) - residents[1];
    const sizes = residents.map((bytes) => (bytes / MEGABYTE).toFixed(1)).join(", ");
    assert(growth < SLACK_BYTES, `resident memory grows from round to round: ${sizes} MiB`);
  },
);
