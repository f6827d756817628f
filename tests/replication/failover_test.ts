/** Failover: when it goes on, and how it ends. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import { Failover, type FailoverRequest } from "../../src/replication/failover.ts";
import type { Replica } from "../../src/replication/replica.ts";
import { ReplicationState } from "../../src/replication/replication_state.ts";
import type { ClientPause } from "../../src/upkeep/client_pause.ts";

const NO_LIMIT: FailoverRequest = { target: null, timeoutMs: 0, isForced: false };

function scene() {
  const calls: string[] = [];
  const state = new ReplicationState();
  state.offset = 100;
  const create = (host: string, port: number) =>
    ({ host, port, name: `${host}:${port}`, phase: "online", ackOffset: 0 }) as Replica;
  const [first, second] = [create("127.0.0.1", 1), create("127.0.0.1", 2)];
  const log = new Log();
  log.level = "warning";
  log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  const failover = new Failover({
    log,
    pause: {
      hold: () => calls.push("hold"),
      release: () => calls.push("release"),
    } as unknown as ClientPause,
    state,
    replicas: new Set([first, second]),
    requestAcks: () => calls.push("ask"),
    follow: ({ host, port }) => calls.push(`follow ${host}:${port}`),
    unfollow: () => calls.push("unfollow"),
  });
  return { failover, calls, first, second };
}

Deno.test("the first replica that has all data takes over, and only then", () => {
  const { failover, calls, first, second } = scene();
  failover.start(NO_LIMIT);
  failover.check(clock.nowMs());
  first.ackOffset = 99;
  failover.check(clock.nowMs());
  assertEquals([failover.state, calls], ["waiting-for-sync", ["ask", "hold"]]);
  second.ackOffset = 100;
  failover.check(clock.nowMs());
  assertEquals([failover.state, calls.pop()], ["failover-in-progress", "follow 127.0.0.1:2"]);
  failover.succeeded();
  assertEquals([failover.state, calls.pop()], ["no-failover", "release"]);
});

Deno.test("with a target, no other replica takes over", () => {
  const { failover, calls, first, second } = scene();
  failover.start({ ...NO_LIMIT, target: { host: "127.0.0.1", port: 1 } });
  second.ackOffset = 100;
  failover.check(clock.nowMs());
  assertEquals(failover.state, "waiting-for-sync");
  first.ackOffset = 100;
  failover.check(clock.nowMs());
  assertEquals(calls.pop(), "follow 127.0.0.1:1");
});

Deno.test("when the time is up it ends, or is forced upon its target", () => {
  const { failover, calls } = scene();
  failover.start({ ...NO_LIMIT, timeoutMs: 1000 });
  failover.check(clock.nowMs() + 999);
  assertEquals(failover.isUnderWay, true);
  failover.check(clock.nowMs() + 1000);
  assertEquals([failover.isUnderWay, calls], [false, ["ask", "hold", "release"]]);
  const target = { host: "127.0.0.1", port: 2 };
  failover.start({ target, timeoutMs: 1000, isForced: true });
  failover.check(clock.nowMs() + 1000);
  assertEquals([failover.state, calls.pop()], ["failover-in-progress", "follow 127.0.0.1:2"]);
});

Deno.test("a failover that is given up makes this server the master again", () => {
  const { failover, calls, first } = scene();
  failover.start(NO_LIMIT);
  failover.abort("test");
  assertEquals(calls, ["ask", "hold", "release"]);
  failover.start(NO_LIMIT);
  first.ackOffset = 100;
  failover.check(clock.nowMs());
  failover.abort("refused");
  assertEquals([failover.isUnderWay, calls.slice(-2)], [false, ["release", "unfollow"]]);
  failover.succeeded();
  assertEquals(calls.length, 8);
});
