/** Yielding: who is served from inside of a running command, and what that command notices. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { BUSY_MODULE, BUSY_SCRIPT } from "../../src/execution/yielding.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { PolledServer } from "../support/polled_server.ts";

const DEBUG = [["enable-debug-command", "yes"]] as const;
const BUSY = "-BUSY Redis is busy running a module command.\r\n";

/** A command that lets others be served while it runs, long enough for all rounds. */
function sleepThrough(server: PolledServer): string {
  const { server: { clients } } = server;
  const expected = server.rounds.length;
  let raw = "";
  while (server.roundCount < expected) raw = server.raw("DEBUG", "SLEEP-YIELDING", "0.002");
  assertEquals(clients.size > 0, true);
  return raw;
}

Deno.test("only what is allowed beside a running command is carried out, the rest hears BUSY", () => {
  using server = new PolledServer(DEBUG);
  const other = server.connect();
  const heard: string[] = [];
  const tells = (...args: string[]) => server.rounds.push(() => heard.push(other.raw(...args)));
  tells("PING");
  tells("SET", "a", "1");
  tells("nosuch");
  tells("GET");
  tells("MULTI");
  tells("SET", "a", "1");
  tells("EXEC");
  tells("WATCH", "a");
  tells("RESET");
  assertEquals(sleepThrough(server), "+OK\r\n");
  assertEquals(heard, [
    BUSY,
    BUSY,
    "-ERR unknown command 'nosuch', with args beginning with: \r\n",
    "-ERR wrong number of arguments for 'get' command\r\n",
    "+OK\r\n",
    BUSY,
    "-EXECABORT Transaction discarded because of: " + BUSY.slice(1),
    "+OK\r\n",
    "+RESET\r\n",
  ]);
  assertEquals([other.raw("PING"), server.run("EXISTS", "a")], ["+PONG\r\n", 0]);
});

Deno.test("the arguments of the command that runs outlive those of others", () => {
  using server = new PolledServer([...DEBUG, ["slowlog-log-slower-than", "0"]]);
  const other = server.connect();
  const round = () =>
    other.raw("AUTH", "someone", "a password that is longer than the other arguments");
  for (let count = 0; count < 3; count++) server.rounds.push(round);
  sleepThrough(server);
  const [[, , , args]] = server.run("SLOWLOG", "GET", "1") as unknown as [[0, 0, 0, string[]]];
  assertEquals(args, ["DEBUG", "SLEEP-YIELDING", "0.002"]);
});

Deno.test("to the command that runs no time passes, to the others it does", () => {
  using server = new PolledServer(DEBUG);
  const other = server.connect();
  const { yielding, sockets } = server.server;
  const moments: number[] = [];
  server.rounds.push(() => {
    other.raw("MULTI");
    moments.push(other.client.lastInteractionMs);
  });
  clock.setTimeForTests(1_700_000_000_000);
  try {
    // The system's clock goes on, but what is cached is that of the command's begin.
    const beforeMs = clock.nowMs();
    const { pollOnce } = sockets;
    sockets.pollOnce = () => {
      clock.advanceForTests(5000);
      return pollOnce();
    };
    assertEquals(yielding.serveOthers(BUSY_SCRIPT), true);
    assertEquals([clock.nowMs(), moments], [beforeMs, [beforeMs + 5000]]);
  } finally {
    clock.useRealTime();
  }
});

Deno.test("a blocked client is not served before the command is over that has brought it a key", () => {
  using server = new PolledServer([["busy-reply-threshold", "1"]]);
  const [waiting, other] = [server.connect(), server.connect()];
  waiting.send("BLPOP", "list", "0");
  const seen: string[] = [];
  server.rounds.push(() => {
    other.raw("UNWATCH");
    seen.push(waiting.takeRaw());
  });
  const script = "redis.call('rpush','list','1','2') local i=0 while i<8e6 do i=i+1 end " +
    "return redis.call('llen','list')";
  assertEquals([server.run("EVAL", script, "1", "list"), seen], [2, [""]]);
  assertEquals(waiting.take(), [["list", "1"]]);
});

Deno.test("NOLOOP and NO-TOUCH of the caller hold although others were served meanwhile", () => {
  using server = new PolledServer([["busy-reply-threshold", "1"]]);
  const other = server.connect();
  other.run("CLIENT", "NO-TOUCH", "ON");
  other.run(
    "CLIENT",
    "TRACKING",
    "ON",
    "NOLOOP",
    "BCAST",
    "REDIRECT",
    String(server.client.client.id),
  );
  server.run("CLIENT", "NO-TOUCH", "ON");
  const { tracking, keyspace } = server.server;
  const states: unknown[] = [];
  const note = () => states.push(keyspace.isTouchPaused);
  server.rounds.push(() => other.raw("UNWATCH"), note);
  server.run("EVAL", "local i=0 while i<2e7 do i=i+1 end", "0");
  assertEquals([states, tracking.writer, keyspace.isTouchPaused], [[true], null, false]);
});

Deno.test("where sockets cannot be served from inside of a command, nothing happens", () => {
  using server = new EmbeddedServer(DEBUG);
  const { yielding, gates } = server.server;
  assertEquals(yielding.serveOthers(BUSY_MODULE), false);
  assertEquals([gates.bits, yielding.busyError], [0, null]);
  assertEquals(server.raw("DEBUG", "SLEEP-YIELDING", "0.001"), "+OK\r\n");
});
