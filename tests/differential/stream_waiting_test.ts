/**
 * Readers of streams that wait: who is answered, with what, and who waits on, at both servers, by
 * everything that can happen to the key and the group meanwhile.
 */

import { testWith } from "../support/tool_availability.ts";
import { until } from "../support/text.ts";
import { Both, type BothClients } from "./both.ts";

interface Scenario {
  /** What is there before. */
  before: string[];
  /** Requests that wait, each by a client of its own. */
  waiting: string[];
  /** What happens then. */
  then: string[];
  /** Which of those who wait are answered; the others wait on. */
  answered: number[];
}

const READ = "XREAD BLOCK 0 STREAMS s t $ $";
const C1 = "XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >";
const C2 = "XREADGROUP GROUP g c2 COUNT 1 BLOCK 0 STREAMS s >";
const GROUP = "XGROUP CREATE s g $ MKSTREAM";
const ALL = [READ, C1, C2];

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "XADD": { before: [GROUP], waiting: ALL, then: ["XADD s 1-1 a b"], answered: [0, 1] },
  "XADD, twice": {
    before: [GROUP],
    waiting: ALL,
    then: ["MULTI", "XADD s 1-1 a b", "XADD s 1-2 c d", "EXEC"],
    answered: [0, 1],
  },
  "XADD and XDEL at once": {
    before: [GROUP],
    waiting: ALL,
    then: ["MULTI", "XADD s 1-1 a b", "XDEL s 1-1", "EXEC", "XADD s 1-2 a b"],
    answered: [0, 1, 2],
  },
  "DEL": { before: [GROUP], waiting: ALL, then: ["DEL s"], answered: [1, 2] },
  "DEL and XADD at once": {
    before: [GROUP],
    waiting: ALL,
    then: ["MULTI", "DEL s", "XADD s 1-1 a b", "EXEC"],
    answered: [0, 1, 2],
  },
  "DEL and the same group again": {
    before: [GROUP],
    waiting: ALL,
    then: ["MULTI", "DEL s", GROUP, "EXEC", "XADD s 1-1 a b"],
    answered: [0, 1],
  },
  "SET": { before: [GROUP], waiting: ALL, then: ["SET s x"], answered: [1, 2] },
  "another type": {
    before: [GROUP],
    waiting: ALL,
    then: ["MULTI", "DEL s", "RPUSH s x", "EXEC", "DEL s", "XADD s 1-1 a b"],
    answered: [0, 1, 2],
  },
  "SORT STORE of nothing": {
    before: [GROUP],
    waiting: ALL,
    then: ["SORT none STORE s"],
    answered: [1, 2],
  },
  "XGROUP DESTROY": {
    before: [GROUP],
    waiting: ALL,
    then: ["XGROUP DESTROY s g"],
    answered: [1, 2],
  },
  "XGROUP SETID": {
    before: ["XADD s 1-1 a b", GROUP],
    waiting: ALL,
    then: ["XGROUP SETID s g 0", "XADD s 1-2 a b"],
    answered: [0, 1],
  },
  "RENAME": {
    before: [GROUP, "XADD u 1-1 a b", "XGROUP CREATE u g 0"],
    waiting: ALL,
    then: ["RENAME u s"],
    answered: [0, 1],
  },
  "COPY": {
    before: [GROUP, "XADD u 1-1 a b"],
    waiting: ALL,
    then: ["COPY u s REPLACE"],
    answered: [0, 1, 2],
  },
  "MOVE": { before: [GROUP], waiting: ALL, then: ["MOVE s 1"], answered: [1, 2] },
  "SWAPDB": {
    before: [GROUP, "SELECT 1", "XADD t 1-1 a b", "SELECT 0"],
    waiting: ALL,
    then: ["SWAPDB 0 1"],
    answered: [0, 1, 2],
  },
  "FLUSHALL": { before: [GROUP], waiting: ALL, then: ["FLUSHALL"], answered: [1, 2] },
  "an expiry": { before: [GROUP], waiting: ALL, then: ["PEXPIRE s 20"], answered: [1, 2] },
  "XREAD behind a far id": {
    before: ["XADD s 5-1 a b"],
    waiting: ["XREAD BLOCK 0 STREAMS s 9-9"],
    then: ["XADD s 7-1 a b", "XADD s 9-10 a b"],
    answered: [0],
  },
  "two streams of a group": {
    before: [GROUP, GROUP.replace(" s ", " t ")],
    waiting: ["XREADGROUP GROUP g c BLOCK 0 NOACK STREAMS s t > >"],
    then: ["XADD t 1-1 a b"],
    answered: [0],
  },
};

async function untilBlocked(both: BothClients, count: number): Promise<void> {
  const pattern = new RegExp(`blocked_clients:${count}\\r`);
  for (const client of [both.redis, both.ours]) {
    await until(
      `${count} clients are blocked`,
      async () => pattern.test(String(await client.call("INFO", "clients"))),
    );
  }
}

for (const protocol of [2, 3] as const) {
  testWith(["redis-server"], `readers of streams wait alike, RESP${protocol}`, async (context) => {
    await using both = await Both.start(["--hz", "100"]);
    for (const [name, { before, waiting, then, answered }] of Object.entries(SCENARIOS)) {
      await context.step(name, async () => {
        await both.same("FLUSHALL");
        for (const request of before) await both.same(...request.split(" "));
        const clients: BothClients[] = [];
        try {
          for (const request of waiting) {
            clients.push(await both.secondClient(protocol));
            await clients.at(-1)!.send(...request.split(" "));
            await untilBlocked(both, clients.length);
          }
          for (const request of then) await both.same(...request.split(" "));
          for (const index of answered) await clients[index].sameReceived(waiting[index]);
          await untilBlocked(both, waiting.length - answered.length);
          await both.sameDataset();
        } finally {
          for (const client of clients) client[Symbol.dispose]();
        }
        await untilBlocked(both, 0);
      });
    }
  });
}
