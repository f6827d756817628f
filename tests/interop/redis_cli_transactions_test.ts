/**
 * The transactions of the mission, typed into one or two redis-cli, answer by answer.
 */

import { startServer } from "../support/server_process.ts";
import { RedisCli } from "../support/redis_cli.ts";
import { testWith } from "../support/tool_availability.ts";
import { until } from "../support/text.ts";

const TOOLS = ["redis-cli"] as const;
/** What those who say nothing get must do what the mission tells. */
const AS_BY_DEFAULT = { release: "default" } as const;

/** Runs a transcript with two people, A and B, at one server. */
function transcript(name: string, play: (a: RedisCli, b: RedisCli) => Promise<void>): void {
  testWith(TOOLS, `redis-cli: ${name}`, async () => {
    await using server = await startServer(AS_BY_DEFAULT);
    await using a = new RedisCli(server.port);
    await using b = new RedisCli(server.port);
    await play(a, b);
  });
}

transcript("EXEC answers all queued commands in order", async (a) => {
  await a.answers("MULTI", "OK");
  await a.answers("SET name guohu", "QUEUED");
  await a.answers("SET age 28", "QUEUED");
  await a.answers("GET name", "QUEUED");
  await a.answers("GET age", "QUEUED");
  await a.answers("EXEC", "1) OK", "2) OK", '3) "guohu"', '4) "28"');
  await a.answers("GET age", '"28"');
});

transcript("a write between MULTI and EXEC is overwritten without WATCH", async (a, b) => {
  await a.answers("MULTI", "OK");
  await a.answers("SET age 28", "QUEUED");
  await a.answers("GET age", "QUEUED");
  await b.answers("SET age 29", "OK");
  await b.answers("GET age", '"29"');
  await a.answers("EXEC", "1) OK", '2) "28"');
  await b.answers("GET age", '"28"');
});

transcript("a write to a watched key makes EXEC answer nil", async (a, b) => {
  await a.answers("FLUSHDB", "OK");
  await a.answers("WATCH age", "OK");
  await a.answers("MULTI", "OK");
  await a.answers("SET age 28", "QUEUED");
  await a.answers("SET name guohu", "QUEUED");
  await a.answers("SET address yinshanhu", "QUEUED");
  await a.answers("GET name", "QUEUED");
  await a.answers("GET address", "QUEUED");
  await b.answers("SET age 18", "OK");
  await a.answers("EXEC", "(nil)");
  await a.answers("GET age", '"18"');
  await a.answers("GET name", "(nil)");
  await a.answers("GET address", "(nil)");
});

transcript("an error while executing does not roll back", async (a) => {
  await a.answers("MULTI", "OK");
  await a.answers("SET name guohu", "QUEUED");
  await a.answers("INCR name", "QUEUED");
  await a.answers("GET name", "QUEUED");
  const wrong = "2) (error) ERR value is not an integer or out of range";
  await a.answers("EXEC", "1) OK", wrong, '3) "guohu"');
  await a.answers("GET name", '"guohu"');
});

transcript("a command refused while queuing aborts EXEC", async (a) => {
  await a.answers("MULTI", "OK");
  await a.answers("SET name guohu", "QUEUED");
  await a.answers("SET name", "(error) ERR wrong number of arguments for 'set' command");
  await a.answers(
    "EXEC",
    "(error) EXECABORT Transaction discarded because of previous errors.",
  );
  await a.answers("GET name", "(nil)");
  await a.answers("MULTI", "OK");
  await a.answers(
    "NOSUCH x",
    "(error) ERR unknown command 'NOSUCH', with args beginning with: 'x'",
  );
  await a.answers("DISCARD", "OK");
});

transcript("DISCARD drops the queue and the watches", async (a, b) => {
  await a.answers("WATCH age", "OK");
  await a.answers("MULTI", "OK");
  await a.answers("SET age 1", "QUEUED");
  await a.answers("DISCARD", "OK");
  await b.answers("SET age 2", "OK");
  await a.answers("MULTI", "OK");
  await a.answers("GET age", "QUEUED");
  await a.answers("EXEC", '1) "2"');
  await a.answers("DISCARD", "(error) ERR DISCARD without MULTI");
  await a.answers("EXEC", "(error) ERR EXEC without MULTI");
});

transcript("MULTI and WATCH are acted on at once while queuing", async (a) => {
  await a.answers("MULTI", "OK");
  await a.answers("MULTI", "(error) ERR MULTI calls can not be nested");
  await a.answers("WATCH age", "(error) ERR WATCH inside MULTI is not allowed");
  await a.answers("PING", "QUEUED");
  await a.answers("EXEC", "1) PONG");
});

transcript("UNWATCH forgets all watched keys", async (a, b) => {
  await a.answers("WATCH one two three", "OK");
  await b.answers("SET two 2", "OK");
  await a.answers("UNWATCH", "OK");
  await a.answers("MULTI", "OK");
  await a.answers("GET two", "QUEUED");
  await a.answers("EXEC", '1) "2"');
});

transcript("any one of many watched keys is enough for nil", async (a, b) => {
  await a.answers("WATCH one two three", "OK");
  await b.answers("RPUSH three x", "(integer) 1");
  await a.answers("MULTI", "OK");
  await a.answers("SET one 1", "QUEUED");
  await a.answers("EXEC", "(nil)");
  await a.answers("MULTI", "OK");
  await a.answers("SET one 1", "QUEUED");
  await a.answers("EXEC", "1) OK");
});

transcript("a watched key that expires makes EXEC answer nil", async (a, b) => {
  // It must live while it is watched, however long that takes here.
  for (let lifeMs = 100;; lifeMs *= 2) {
    await a.answers(`SET session alive PX ${lifeMs}`, "OK");
    await a.answers("WATCH session", "OK");
    if (await b.ask("EXISTS session") === "(integer) 1") break;
    await a.answers("UNWATCH", "OK");
  }
  await a.answers("MULTI", "OK");
  await a.answers("GET session", "QUEUED");
  await until("it has expired", async () => await b.ask("EXISTS session") === "(integer) 0");
  await a.answers("EXEC", "(nil)");
});

testWith(TOOLS, "redis-cli: disconnecting forgets the queue and the watches", async () => {
  await using server = await startServer(AS_BY_DEFAULT);
  {
    await using a = new RedisCli(server.port);
    await a.answers("WATCH age", "OK");
    await a.answers("MULTI", "OK");
    await a.answers("SET age 28", "QUEUED");
  }
  await using b = new RedisCli(server.port);
  await b.answers("GET age", "(nil)");
  await b.answers("EXEC", "(error) ERR EXEC without MULTI");
});

testWith(
  TOOLS,
  "redis-cli: hello, resp3 and inline replies are shown as by redis-server",
  async () => {
    await using server = await startServer(AS_BY_DEFAULT);
    await using cli = new RedisCli(server.port, ["-3"]);
    await cli.answers("HSET h a 1", "(integer) 1");
    await cli.answers("HGETALL h", '1# "a" => "1"');
    await cli.answers("SADD s x", "(integer) 1");
    await cli.answers("SMEMBERS s", '1~ "x"');
    await cli.answers("ZADD z 1.5 m", "(integer) 1");
    await cli.answers("ZSCORE z m", "(double) 1.5");
    await cli.answers("GET nothing", "(nil)");
  },
);
