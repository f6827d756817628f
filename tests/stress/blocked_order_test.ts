/**
 * Many clients blocked on one key are served in the order in which they came, by pushes of one and
 * of several elements, from lists and from sorted sets.
 *
 * 150 clients by default; REDENO_STRESS=full has 1,000. Prints how long it took.
 */

import { assertEquals } from "@std/assert";
import type { RespClient } from "../support/resp_client.ts";
import { startServer } from "../support/server_process.ts";
import { printLine, until } from "../support/text.ts";
import { IS_FULL } from "./stress_support.ts";

const CLIENT_COUNT = IS_FULL ? 1_000 : 150;
/** Elements of one push after the other: some serve one client, some many. */
const PUSH_SIZES = [1, 1, 2, 5, 1, 13, 40];

interface Kind {
  block: readonly (string | number)[];
  push: (elements: readonly number[]) => (string | number)[];
  /** What a client that got element number `index` has been answered. */
  reply: (index: number) => readonly string[];
}

const KINDS: Record<string, Kind> = {
  BLPOP: {
    block: ["BLPOP", "queue", 0],
    push: (elements) => ["RPUSH", "queue", ...elements],
    reply: (index) => ["queue", String(index)],
  },
  BZPOPMIN: {
    block: ["BZPOPMIN", "queue", 0],
    push: (elements) => ["ZADD", "queue", ...elements.flatMap((index) => [index, `m${index}`])],
    reply: (index) => ["queue", `m${index}`, String(index)],
  },
  BLMPOP: {
    block: ["BLMPOP", 0, 2, "none", "queue", "LEFT"],
    push: (elements) => ["RPUSH", "queue", ...elements],
    reply: (index) => ["queue", String(index)],
  },
};

function blockedCount(client: RespClient): Promise<number> {
  return client.expect("INFO", "clients")
    .then((info) => Number(/^blocked_clients:(\d+)/m.exec(String(info))![1]));
}

for (const [name, kind] of Object.entries(KINDS)) {
  Deno.test(`${CLIENT_COUNT} clients in ${name} on one key are served in their order`, async () => {
    await using server = await startServer();
    using pusher = await server.connect();
    const clients: RespClient[] = [];
    while (clients.length < CLIENT_COUNT) {
      const client = await server.connect();
      await client.send(...kind.block);
      clients.push(client);
      await until(`client ${clients.length} is blocked`, async () => {
        return await blockedCount(pusher) === clients.length;
      });
    }
    const begin = performance.now();
    for (let first = 0, push = 0; first < CLIENT_COUNT; push++) {
      const size = Math.min(PUSH_SIZES[push % PUSH_SIZES.length], CLIENT_COUNT - first);
      const elements = Array.from({ length: size }, (_, offset) => first + offset);
      assertEquals(await pusher.call(...kind.push(elements)), size);
      first += size;
    }
    const replies = await Promise.all(clients.map((client) => client.receive()));
    const elapsedMs = performance.now() - begin;
    assertEquals(replies.flat(2), clients.flatMap((_, index) => kind.reply(index)));
    assertEquals(await pusher.call("EXISTS", "queue"), 0);
    assertEquals(await blockedCount(pusher), 0);
    printLine(`${name}: ${CLIENT_COUNT} clients served in order in ${elapsedMs.toFixed(0)} ms`);
    for (const client of clients) client.close();
  });
}
