/**
 * Growth with the number of clients: what a request costs that each of them sends when it has the
 * reply to the one before. A family of `growth.ts`.
 */

import { clientsAllowed, openFilesLimit } from "../../src/net/open_files.ts";
import { cpuMicroseconds } from "../../tests/support/process_stat.ts";
import { encodeRequests } from "../../tests/support/resp_client.ts";
import type { ServerProcess } from "../../tests/support/server_process.ts";
import { printNote, until } from "../../tests/support/text.ts";
import { ClientCrowd } from "./client_crowd.ts";
import { alternate, Field } from "./contestants.ts";
import { decades, type GrowthOptions } from "./growth_families.ts";
import { type GrowthFamily, measurementName } from "./growth_page.ts";
import { infoNumber } from "./loads.ts";
import { shownSeconds } from "./results.ts";
import { percentile, shownNumber } from "./spread.ts";

export const CLIENTS: GrowthFamily = {
  name: "clients",
  title: "Clients of one request at a time",
  unit: "clients",
  operations: [
    { name: "GET" },
    { name: "GET, time of all by their number", measured: "µs" },
    { name: "GET, p99 of one", measured: "µs", reason: "each client waits for all others" },
  ],
};

const CLIENTS_MAX = 10_000;
const ROUNDS_MAX = 10;
const WARM_UP_REQUESTS = 100_000;
/** Files of this process and of a server that are no clients. */
const OTHER_FILES = 100;
const REQUEST = encodeRequests([["GET", "key"]]);
const VALUE = "xxx";
const REPLY_BYTES = `$${VALUE.length}\r\n${VALUE}\r\n`.length;

/** Alone one asks less in the same time; of many each is to ask some times. */
function requestsOf(clients: number): number {
  return clients === 1 ? 5000 : Math.max(30_000, clients * 5);
}

/** CPU µs of the server for a request, µs of all by their number, p99 of one in µs. */
async function measureOnce(
  server: ServerProcess,
  clients: number,
  requests: number,
): Promise<readonly number[]> {
  let micros: number[];
  {
    using crowd = new ClientCrowd(server.port, clients);
    const before = cpuMicroseconds(server.pid);
    const { elapsedMs, delaysMs } = crowd.run({
      request: REQUEST,
      replyBytes: REPLY_BYTES,
      requests,
    });
    const cpuUs = cpuMicroseconds(server.pid) - before;
    micros = [cpuUs / requests, elapsedMs * 1000 / requests, percentile(delaysMs, 99) * 1000];
  }
  // What a server does about those who have gone is not to stand in the numbers of the next one.
  using client = await server.connect();
  await until("all but one have gone", async () => {
    return await infoNumber(client, "clients", "connected_clients") === 1;
  });
  return micros;
}

/** Numbers of clients that this process may connect; what it leaves out it says. */
function sizesAllowed(max: number): number[] {
  const limit = openFilesLimit(CLIENTS_MAX + OTHER_FILES);
  const allowed = clientsAllowed(limit, CLIENTS_MAX + OTHER_FILES) - OTHER_FILES;
  return decades(1, Math.min(CLIENTS_MAX, max)).filter((clients) => {
    if (clients <= allowed) return true;
    printNote(`clients: ${clients} left out, for the limit of open files is ${limit} (ulimit -n)`);
    return false;
  });
}

/** Measures all servers, with clients from one to a hundredth of the largest number of elements. */
export async function measureClients(options: GrowthOptions): Promise<void> {
  const { contestants, results, max } = options;
  const rounds = Math.min(options.rounds, ROUNDS_MAX);
  const args = ["--maxclients", String(CLIENTS_MAX + OTHER_FILES)];
  await using field = await Field.start(contestants, () => args);
  for (const { server } of field.runners) {
    using client = await server.connect();
    await client.expect("SET", "key", VALUE);
  }
  // Code that compiles itself has done so before anything counts.
  await alternate(field.runners, 1, async ({ server }) => {
    await measureOnce(server, 50, Math.min(max, WARM_UP_REQUESTS));
  });
  for (const clients of sizesAllowed(max / 100)) {
    const beginMs = performance.now();
    const requests = Math.min(max, requestsOf(clients));
    await alternate(field.runners, rounds, async ({ contestant, server }) => {
      const micros = await measureOnce(server, clients, requests);
      for (const [index, { name }] of CLIENTS.operations.entries()) {
        const what = measurementName(CLIENTS.name, name, clients);
        results.add(what, contestant.name, "µs", micros[index]!, `-n ${requests}`);
      }
    });
    const took = shownSeconds(performance.now() - beginMs);
    printNote(`clients: ${shownNumber(clients)}: ${took}`);
  }
}
