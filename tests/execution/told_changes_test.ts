/**
 * No change goes untold: whatever a command changes in the dataset, it leaves an effect for the AOF
 * and the replicas, and is counted for the save points. Random requests of all families are sent,
 * and the dataset is looked at after each that left no effect.
 */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { COMMAND_SHAPES } from "../differential/command_shapes.ts";
import { stepsOfSeed } from "../differential/command_stream.ts";
import { fieldExpiry } from "../differential/field_expiry_requests.ts";
import { type EmbeddedClient, EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import type { Argument } from "../support/resp_client.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { quoted } from "../support/text.ts";

/** REDENO_TOLD_REQUESTS: more of them, for a long run. */
const REQUESTS_PER_SEED = Number(Deno.env.get("REDENO_TOLD_REQUESTS") ?? 1200);
const SEEDS = [1, 2, 3];
const REMOVAL = /^(DEL|UNLINK|HDEL) /;
const START_MS = 1_795_000_000_000;
const DATABASES = 3;
const DIRECTIVES = [
  ["redis-version", "7.4"],
  ["databases", String(DATABASES)],
  ["enable-debug-command", "yes"],
] as const;

type Request = readonly Argument[];

/** These wait, stop or change the server, or take long; none of them changes a key's value. */
const LEFT_OUT = /^(debug|config|client|monitor|shutdown|hello|subscribe|psubscribe|ssubscribe)$/i;

/** All that a replica must have too: contents, expiry times, groups of streams. */
function fingerprint(client: EmbeddedClient): string {
  const parts = [String(client.run("DEBUG", "DIGEST"))];
  for (let db = 0; db < DATABASES; db++) {
    client.run("SELECT", db);
    for (const key of (client.run("KEYS", "*") as Argument[]).toSorted()) {
      parts.push(`${db} ${quoted(String(key))} ${client.run("PEXPIRETIME", key)}`);
      const type = client.run("TYPE", key);
      if (type === "stream") parts.push(JSON.stringify(client.run("XINFO", "GROUPS", key)));
      if (type !== "hash") continue;
      const fields = client.run("HKEYS", key) as Argument[];
      parts.push(String(client.run("HPEXPIRETIME", key, "FIELDS", fields.length, ...fields)));
    }
  }
  return parts.join("\n");
}

function* requestsOf(seed: number): Generator<{ client: number; args: Request }> {
  const random = new SeededRandom(seed);
  for (const step of stepsOfSeed(seed, COMMAND_SHAPES, REQUESTS_PER_SEED)) {
    if (!LEFT_OUT.test(String(step.args[0]))) yield step;
    if (random.oneIn(8)) yield { client: 0, args: fieldExpiry(random, false) };
  }
}

for (const seed of SEEDS) {
  Deno.test(`what leaves no effect has changed nothing, seed ${seed}`, () => {
    // Nothing expires but when the clock is moved, and that is not between two looks.
    clock.setTimeForTests(START_MS);
    try {
      using server = new EmbeddedServer(DIRECTIVES);
      const recorded = new RecordedEffects(server);
      const clients = [server.connect(), server.connect()];
      const observer = server.connect();
      let before = fingerprint(observer);
      for (const { client, args } of requestsOf(seed)) {
        if (clients[client].client.blocked !== null || clients[client].isClosed) {
          clients[client].close();
          clients[client] = server.connect();
        }
        recorded.takeLog();
        recorded.takeDirty();
        clients[client].send(...args);
        clients[client].takeBytes();
        const told = recorded.takeLog();
        // What has expired goes without being counted: a file without it is as good.
        const isCounted = recorded.takeDirty() !== 0 || told.some((effect) => REMOVAL.test(effect));
        const isTold = told.length > 0;
        const after = fingerprint(observer);
        if (!isTold || !isCounted) assertUnchanged(before, after, args, isTold);
        before = after;
      }
    } finally {
      clock.useRealTime();
    }
  });
}

function assertUnchanged(before: string, after: string, args: Request, isTold: boolean): void {
  const request = args.map((arg) => quoted(String(arg))).join(" ");
  assertEquals(after, before, `changed, but not ${isTold ? "counted" : "told"}: ${request}`);
}

Deno.test("a string that only grows is told and counted: all of a BITFIELD fails", () => {
  using server = new EmbeddedServer();
  const recorded = new RecordedEffects(server);
  const request = ["BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u2", "110", "100"];
  for (const isNew of [true, false]) {
    assertEquals(server.run(...request), [null]);
    assertEquals(server.run("STRLEN", "k"), 14);
    assertEquals(recorded.takeLog(), isNew ? [request.join(" ")] : []);
    assertEquals(recorded.takeDirty(), isNew ? 1 : 0);
    // Redis announces nothing.
    assertEquals(recorded.takeEvents().filter((event) => event.startsWith("setbit")), []);
  }
});

for (const message of ["PUBLISH", "SPUBLISH"]) {
  Deno.test(`the AOF has the effects of what comes after ${message}`, () => {
    using server = new EmbeddedServer();
    const recorded = new RecordedEffects(server);
    server.run("XADD", "s", "1-1", "field", "value");
    server.run("XGROUP", "CREATE", "s", "g", "0");
    recorded.takeLog();
    // A message is for the replicas only.
    server.run(message, "channel", "message");
    server.run("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">");
    assertEquals(recorded.takeLog().map((effect) => effect.split(" ", 2).join(" ")), [
      "XGROUP CREATECONSUMER",
      "XCLAIM s",
      "XGROUP SETID",
    ]);
  });
}
