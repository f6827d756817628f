/**
 * A background save holds the data of the moment at which it began, whatever is written while the
 * child reads them: keys of every shape are overwritten, emptied and made anew as fast as they can
 * be, and the file is loaded by another process. The second save begins while what the first one
 * left behind is being used again.
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { RespClient } from "../support/resp_client.ts";
import { startServer, TemporaryDirectory } from "../support/server_process.ts";
import { until } from "../support/text.ts";

const KEYS = 6000;
const BATCH = 500;
/** Microseconds for each key: the writes below find the child at work. */
const KEY_DELAY_US = "50";
const DEBUG = ["--enable-debug-command", "yes"];

/** The requests that bring key number `index` to a state. */
function requestFor(index: number, state: number): string[] {
  const key = `key:${index}`;
  const text = String(state).padStart(6, "0");
  switch (index % 8) {
    case 0:
      return ["SET", key, text.repeat(100)];
    case 1:
      return ["HSET", key, "field", text.repeat(8), `field:${state % 7}`, text];
    case 2:
      return ["LPUSH", key, text, text.repeat(20)];
    case 3:
      return ["SET", key, text, "EX", String(100_000 + state)];
    case 4:
      return ["ZADD", key, String(state), "member", String(-state), `member:${state % 5}`];
    case 5:
      return ["HSET", "large hash", key, text.repeat(10)];
    case 6:
      return ["ZADD", "large sorted set", String((index * state) % 1000), key];
    default:
      return ["SADD", key, String(state), String(state * 3)];
  }
}

async function bringTo(client: RespClient, state: number): Promise<void> {
  for (let first = 0; first < KEYS; first += BATCH) {
    const requests = [];
    for (let index = first; index < first + BATCH; index++) {
      // Neighbours of one moment are nowhere near each other in the tables.
      const scattered = (index * 7919) % KEYS;
      if (scattered % 31 === state % 31) requests.push(["DEL", `key:${scattered}`]);
      requests.push(requestFor(scattered, state));
    }
    await client.expectMany(requests);
  }
}

async function digest(client: RespClient): Promise<string> {
  return String(await client.expect("DEBUG", "DIGEST"));
}

/** The digest of the data in a directory, as a server finds them that starts there. */
async function digestOfFiles(directory: string): Promise<string> {
  await using server = await startServer({ directory, args: DEBUG });
  using client = await server.connect();
  return await digest(client);
}

Deno.test("what is written during a background save is not in its file", async () => {
  await using directory = await TemporaryDirectory.create();
  await using copies = await TemporaryDirectory.create();
  const expected: string[] = [];
  {
    const args = [...DEBUG, "--rdb-key-save-delay", KEY_DELAY_US];
    await using server = await startServer({ directory: directory.path, args });
    using client = await server.connect();
    await bringTo(client, 1);
    for (let round = 0; round < 2; round++) {
      expected.push(await digest(client));
      await client.expect("BGSAVE");
      await bringTo(client, round * 2 + 2);
      await bringTo(client, round * 2 + 3);
      let info = "";
      await until("the save is done", async () => {
        info = String(await client.call("INFO", "persistence"));
        return /rdb_bgsave_in_progress:0/.test(info);
      });
      assert(/rdb_last_bgsave_status:ok/.test(info), info);
      assert(!/rdb_last_cow_size:0\r/.test(info), "nothing was written while the child read");
      await Deno.mkdir(join(copies.path, String(round)));
      const copy = join(copies.path, String(round), "dump.rdb");
      await Deno.copyFile(join(directory.path, "dump.rdb"), copy);
    }
  }
  const found = [];
  for (const round of expected.keys()) {
    found.push(await digestOfFiles(join(copies.path, String(round))));
  }
  assertEquals(found, expected);
});
